//! Our servers with the application of the conformance cases, as an endpoint for these cases.

mod blocking;
mod endpoint;
mod event_loop;
mod gate;
mod service;

pub use blocking::Application;
pub use endpoint::{Kind, OurServers, SocketKind};
pub use event_loop::Example;
pub use gate::Gate;
pub use service::answer;
