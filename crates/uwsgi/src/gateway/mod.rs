//! The rules of a gateway from HTTP to uwsgi: what of a request's head it refuses, what it reads, and what it must not pass on.
//!
//! A gateway takes requests of HTTP from clients that it does not know, and makes packets of them. These functions decide about
//! single values. They do not read from a connection, and they do not allocate, except `decoded_path`.

mod expectation;
mod forwarded;
mod list;
mod path;
mod plain_name;
mod request_id;
mod transfer_coding;
mod websocket;

pub use expectation::{Expectation, expectation};
pub use forwarded::{client_address, forwarded_scheme, is_forwarding_header};
#[cfg(feature = "alloc")]
pub use path::decoded_path;
pub use path::{PathError, decode_path};
pub use plain_name::is_plain_header_name;
pub use request_id::is_request_id;
pub use transfer_coding::{TransferCoding, transfer_coding};
pub use websocket::asks_for_websocket;
