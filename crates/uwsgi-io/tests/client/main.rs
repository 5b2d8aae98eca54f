//! The client against small servers on sockets.

#![cfg(unix)]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has found something"
)]

mod early;
mod errors;
mod kept;
mod messages;
mod pipes;
mod requests;
mod sending;
mod server;
mod timeouts;

use uwsgi::{Modifier1, VarsEncoder};

/// Returns a packet of these vars.
fn packet(vars: &[(&str, &str)]) -> Vec<u8> {
    let mut buffer = Vec::new();
    let mut encoder = VarsEncoder::new(&mut buffer);
    vars.iter().for_each(|(key, value)| encoder.push_raw(*key, *value).unwrap());
    encoder.finish(Modifier1::WSGI, 0).unwrap();
    buffer
}

/// Returns the packet of a GET request without a body.
fn get() -> Vec<u8> {
    packet(&[("REQUEST_METHOD", "GET"), ("PATH_INFO", "/"), ("CONTENT_LENGTH", "0")])
}

/// Returns the packet of a POST request with a body of `length` bytes.
fn post(length: usize) -> Vec<u8> {
    packet(&[("REQUEST_METHOD", "POST"), ("PATH_INFO", "/"), ("CONTENT_LENGTH", &length.to_string())])
}
