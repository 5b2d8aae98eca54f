//! The client's side of a connection: requests out, responses in.
//!
//! A [`ResponseReader`](response_reader::ResponseReader) reads from anything, on every system. The client itself is for Unix systems.

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
mod connection;
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
