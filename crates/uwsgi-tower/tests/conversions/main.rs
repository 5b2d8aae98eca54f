//! Conversions between vars and requests of `http`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that panics has found something"
)]

mod forwarded;
mod requests;
mod round_trip;
mod vars;

use http::request::Parts;
use uwsgi::{Modifier1, Packet, VarsEncoder};
use uwsgi_tower::{RequestError, VarsError, encode_vars as encode, request_parts};

/// Encodes a packet of these vars.
pub(crate) fn packet(pairs: &[(&str, &[u8])]) -> Vec<u8> {
    let mut packet = Vec::new();
    let mut vars = VarsEncoder::new(&mut packet);
    pairs.iter().for_each(|(key, value)| vars.push_raw(key, value).unwrap());
    vars.finish(Modifier1::WSGI, 0).unwrap();
    packet
}

pub(crate) fn parts(packet: &[u8]) -> Result<Parts, RequestError> {
    request_parts(&uwsgi::Request::decode(&Packet::decode(packet).unwrap().0).unwrap())
}

/// Encodes the packet of a request. `length` is the length of its body.
pub(crate) fn encoded(parts: &Parts, length: Option<u64>) -> Result<Vec<u8>, VarsError> {
    let mut packet = Vec::new();
    let mut vars = VarsEncoder::new(&mut packet);
    encode(parts, length, &mut vars)?;
    vars.finish(Modifier1::WSGI, 0)?;
    Ok(packet)
}

pub(crate) fn var<'p>(packet: &'p [u8], key: &str) -> Option<&'p [u8]> {
    Packet::decode(packet).unwrap().0.vars().unwrap().get(key)
}
