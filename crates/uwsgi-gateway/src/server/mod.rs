//! The threads of a gateway: each has a runtime, accepts connections and serves them.

mod acceptor;
mod connection;
mod tracker;
mod worker;

pub(crate) use connection::serve;
pub(crate) use tracker::ConnectionTracker;
pub(crate) use worker::{ConnectionSender, Worker};
