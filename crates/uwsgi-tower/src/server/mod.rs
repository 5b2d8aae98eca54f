//! The server. `serve` configures it, `acceptor` accepts connections, `connection` and `exchange` serve each one.

mod acceptor;
pub(crate) mod body;
pub(crate) mod connection;
mod context;
mod deadline;
mod exchange;
mod halves;
mod inbound;
pub(crate) mod make_service;
mod outbound;
mod respond;
mod response_body;
pub(crate) mod serve;
mod tracker;
