//! The answer to one request: what the backend says, or a page of the gateway.

mod answer;
mod page;
mod service;
mod tunnel;

pub(crate) use service::{ClientConnection, Proxy, ProxyService};
