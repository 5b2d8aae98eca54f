//! The bodies of the fuzz targets.
//!
//! Each body is a function of bytes. It panics where the crate and an oracle disagree; its documentation says what the
//! oracle is. `fuzz/` calls it with libFuzzer's inputs, `tests/fuzz_seeds.rs` with the seeds and the captures.

mod arbitrary;
mod calls;
mod chunked;
mod connection;
mod exchange;
mod gateway;
mod http_to_vars;
mod message;
mod packet;
mod request;
mod response_head;
mod response_reader;
mod roundtrip;
mod server_stream;
mod split;
mod two_servers;
mod vars;

pub use arbitrary::arbitrary;
pub use calls::calls;
pub use chunked::{chunked, in_pieces as chunked_in_pieces};
pub use connection::connection;
pub use exchange::exchange;
pub use gateway::gateway;
pub use http_to_vars::http_to_vars;
pub use message::message;
pub use packet::packet;
pub use request::request;
pub use response_head::response_head;
pub use response_reader::response_reader;
pub use roundtrip::roundtrip;
pub use server_stream::server_stream;
pub use split::split;
pub use two_servers::two_servers;
pub use vars::vars;

use std::fmt::{self, Write};

use uwsgi::{DecodeErrorKind, Header, Packet};

use crate::naive::{Fault, Pair, Rules};

/// A fuzz target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name of its file in `fuzz/fuzz_targets` and of its directory in `fuzz/seeds`.
    pub name: &'static str,
    /// Panics where the crate and the oracle disagree about these bytes.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: [Target; 17] = [
    Target { name: "arbitrary", run: arbitrary },
    Target { name: "calls", run: calls },
    Target { name: "chunked", run: chunked },
    Target { name: "connection", run: connection },
    Target { name: "exchange", run: exchange },
    Target { name: "gateway", run: gateway },
    Target { name: "http_to_vars", run: http_to_vars },
    Target { name: "message", run: message },
    Target { name: "packet", run: packet },
    Target { name: "request", run: request },
    Target { name: "response_head", run: response_head },
    Target { name: "response_reader", run: response_reader },
    Target { name: "roundtrip", run: roundtrip },
    Target { name: "server_stream", run: server_stream },
    Target { name: "split", run: split },
    Target { name: "two_servers", run: two_servers },
    Target { name: "vars", run: vars },
];

/// Returns the rules that the first bytes choose, and the bytes after them.
///
/// The bits of the first byte say which limits follow, two bytes each, little endian: 1 datasize, 2 vars, 4 key, 8
/// value. Bit 16 allows empty keys. A zero byte, like an empty input, chooses the limits of the wire.
fn rules(input: &[u8]) -> (Rules, &[u8]) {
    let mut rules = Rules::WIRE;
    let Some((chosen, mut rest)) = input.split_first() else { return (rules, input) };
    rules.empty_keys = chosen & 16 != 0;
    let limits = [(1, &mut rules.datasize), (2, &mut rules.vars), (4, &mut rules.key), (8, &mut rules.value)];
    for (bit, limit) in limits {
        match rest.split_first_chunk() {
            Some((bytes, after)) if chosen & bit != 0 => {
                *limit = u16::from_le_bytes(*bytes);
                rest = after;
            }
            _ => {}
        }
    }
    (rules, rest)
}

/// Returns the packet at the start of the input. If the datasize does not match, the payload is everything after the
/// header, so that a mutation of the datasize does not stop the checks.
fn packet_of(input: &[u8]) -> Option<Packet<'_>> {
    if let Ok((packet, _)) = Packet::decode(input) {
        return Some(packet);
    }
    let (header, payload) = Header::decode(input).ok()?;
    Packet::new(header.modifier1, header.modifier2, payload).ok()
}

/// Turns a fault of a payload into a fault of the packet: the offset then counts from the header. If the datasize is
/// over the limit, the offset is that of the datasize in the header.
fn in_packet(fault: Fault) -> Fault {
    let header = if fault.kind == DecodeErrorKind::DatasizeLimit { 1 } else { 4 };
    fault.moved_by(header)
}

/// Returns the value of the last pair with this key.
fn last<'p>(pairs: &'p [Pair], key: &[u8]) -> Option<&'p [u8]> {
    pairs.iter().rev().find(|pair| pair.0 == key).map(|pair| pair.1.as_slice())
}

/// Returns the values of all pairs with this key.
fn all<'p>(pairs: &'p [Pair], key: &[u8]) -> Vec<&'p [u8]> {
    pairs.iter().filter(|pair| pair.0 == key).map(|pair| pair.1.as_slice()).collect()
}

/// Formats the first thousand characters of a value, to find panics in the formatting.
fn show(value: &dyn fmt::Debug) {
    let mut room = Limited(1024);
    // The error is that of a full `Limited`.
    let _full = write!(room, "{value:?}");
}

/// Does what [`show`] does, with `Display` too.
fn print<T: fmt::Debug + fmt::Display>(value: &T) {
    show(value);
    let mut room = Limited(1024);
    let _full = write!(room, "{value}");
}

/// A writer that drops its input and ends a long value early.
struct Limited(usize);

impl Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.checked_sub(text.len()).ok_or(fmt::Error)?;
        Ok(())
    }
}
