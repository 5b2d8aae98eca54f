//! Our blocking server with the application of the conformance cases, as something that cases are played against.

mod application;
mod endpoint;

pub use application::{Application, Gate};
pub use endpoint::{Ours, Way};
