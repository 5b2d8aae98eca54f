//! The client's side of a connection: requests out, responses in.
//!
//! `response_reader` and `source` work on every system. The rest needs Unix sockets.

#[cfg(unix)]
mod answer_packet;
#[cfg(unix)]
pub(crate) mod cache;
#[cfg(unix)]
#[allow(clippy::module_inception, reason = "it is the client itself")]
pub(crate) mod client;
#[cfg(unix)]
mod connect;
#[cfg(unix)]
mod connection_guard;
#[cfg(unix)]
pub(crate) mod error;
#[cfg(unix)]
mod exchange_driver;
#[cfg(unix)]
mod messages;
#[cfg(unix)]
mod requests;
#[cfg(unix)]
pub(crate) mod response;
pub(crate) mod response_reader;
#[cfg(unix)]
pub(crate) mod sending;
#[cfg(unix)]
mod settings;
mod source;
#[cfg(unix)]
pub(crate) mod subscribe;
#[cfg(unix)]
pub(crate) mod value;
