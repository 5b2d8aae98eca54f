//! Bytes that arrive in pieces.

use uwsgi::{Packet, Request};

use crate::naive::{self, Fault, Rules};
use crate::naive_cgi;

/// The first byte counts the piece sizes that follow it, one byte each. The other bytes are those of a connection:
/// packets, each with the body that its `CONTENT_LENGTH` announces.
///
/// Oracle: the naive decoder, given everything at once. One reader gets pieces of those sizes, another asks for exactly
/// the bytes that errors say are needed. Both see the same packets and bodies and end in the same state. The second
/// reader never holds a byte after the current packet. `needed` falls by the number of bytes that arrived.
pub fn split(input: &[u8]) {
    let (sizes, stream) = sizes(input);
    let want = whole(stream);
    assert_eq!(in_pieces(stream, sizes), want);
    assert_eq!(as_asked(stream), want);
}

/// What a reader saw of a connection.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    exchanges: Vec<Exchange>,
    /// What was missing when the bytes ended: of a packet, or of a body.
    packet_fault: Option<Fault>,
    body_missing: u64,
}

/// A packet, and the body after it.
#[derive(Debug, PartialEq, Eq)]
struct Exchange {
    modifiers: (u8, u8),
    payload: Vec<u8>,
    body: Vec<u8>,
}

fn sizes(input: &[u8]) -> (&[u8], &[u8]) {
    let Some((count, rest)) = input.split_first() else { return (&[], &[]) };
    rest.split_at((usize::from(*count) % 16).min(rest.len()))
}

/// Cuts the bytes into pieces of these sizes, over and over. A size of 0 counts as 1, and without sizes each piece is
/// one byte.
fn pieces<'s>(mut stream: &'s [u8], sizes: &'s [u8]) -> impl Iterator<Item = &'s [u8]> {
    let mut sizes = sizes.iter().chain(sizes.is_empty().then_some(&1)).cycle();
    std::iter::from_fn(move || {
        let size = sizes.next().map_or(1, |size| usize::from(*size).max(1)).min(stream.len());
        let (piece, rest) = stream.split_at(size);
        stream = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

fn whole(stream: &[u8]) -> Seen {
    let mut seen = Seen { exchanges: Vec::new(), packet_fault: None, body_missing: 0 };
    let mut rest = stream.to_vec();
    while !rest.is_empty() {
        let packet = match naive::packet(&rest, &Rules::WIRE) {
            Ok(packet) => packet,
            Err(fault) => {
                seen.packet_fault = Some(fault);
                break;
            }
        };
        let length = naive_body(&packet.payload);
        let there = usize::try_from(length).unwrap_or(usize::MAX).min(packet.rest.len());
        seen.body_missing = length - there as u64;
        let modifiers = (packet.header.modifier1, packet.header.modifier2);
        let body = packet.rest[..there].to_vec();
        rest = packet.rest[there..].to_vec();
        seen.exchanges.push(Exchange { modifiers, payload: packet.payload, body });
    }
    seen
}

/// Returns the length of the body that a payload announces; 0 for a payload that announces no valid length.
fn naive_body(payload: &[u8]) -> u64 {
    let Ok(pairs) = naive::vars(payload, &Rules::WIRE).whole() else { return 0 };
    match naive_cgi::framing(&super::all(&pairs, b"CONTENT_LENGTH"), None, false) {
        Ok(uwsgi::framing::RequestFraming::Length(length)) => length,
        _ => 0,
    }
}

fn body_of(packet: &Packet<'_>) -> u64 {
    let Ok(request) = Request::decode(packet) else { return 0 };
    request.content_length().ok().flatten().unwrap_or(0)
}

fn exchange(packet: &Packet<'_>) -> Exchange {
    let modifiers = (packet.modifier1().0, packet.modifier2());
    Exchange { modifiers, payload: packet.payload().to_vec(), body: Vec::new() }
}

/// Reads with a reader that keeps all bytes and tries again with each piece.
fn in_pieces(stream: &[u8], sizes: &[u8]) -> Seen {
    let mut seen = Seen { exchanges: Vec::new(), packet_fault: None, body_missing: 0 };
    let mut buffer: Vec<u8> = Vec::new();
    for piece in pieces(stream, sizes) {
        let before = seen.packet_fault.take();
        buffer.extend_from_slice(piece);
        let mut first = true;
        loop {
            if let Some(current) = seen.exchanges.last_mut() {
                let taken = usize::try_from(seen.body_missing).unwrap_or(usize::MAX).min(buffer.len());
                current.body.extend(buffer.drain(..taken));
                seen.body_missing -= taken as u64;
            }
            if buffer.is_empty() {
                break;
            }
            let used = match Packet::decode(&buffer) {
                Ok((packet, rest)) => {
                    seen.body_missing = body_of(&packet);
                    seen.exchanges.push(exchange(&packet));
                    buffer.len() - rest.len()
                }
                Err(error) => {
                    let fault = Fault::from(error);
                    if let (Some(before), true) = (before, first) {
                        needed_fell(before, fault, piece.len());
                    }
                    seen.packet_fault = Some(fault);
                    break;
                }
            };
            buffer.drain(..used);
            first = false;
        }
    }
    seen
}

/// Checks that the same element now lacks as many bytes fewer as arrived, or that the header is complete now.
fn needed_fell(before: Fault, now: Fault, arrived: usize) {
    let (was, is) = (before.needed().expect("more bytes cannot help"), now.needed().expect("more bytes cannot help"));
    if before.offset == now.offset {
        assert_eq!(is, was - arrived);
    } else {
        assert!(before.offset < now.offset && arrived >= was);
        assert_eq!(now.available, arrived - was);
    }
}

/// Reads with a reader that reads exactly the bytes that are missing.
fn as_asked(stream: &[u8]) -> Seen {
    let mut seen = Seen { exchanges: Vec::new(), packet_fault: None, body_missing: 0 };
    let mut rest = stream;
    while !rest.is_empty() {
        let mut held = 0;
        let packet = loop {
            match Packet::decode(&rest[..held]) {
                Ok((packet, after)) => {
                    assert_eq!(after, b"", "more bytes were asked for than the packet has");
                    break packet;
                }
                Err(error) => {
                    let needed = error.needed().expect("more bytes cannot help");
                    assert!(needed > 0);
                    if rest.len() - held < needed {
                        // The error that a reader gets which takes the last bytes before the end.
                        let error = Packet::decode(rest).expect_err("complete with fewer bytes than needed");
                        seen.packet_fault = Some(error.into());
                        return seen;
                    }
                    held += needed;
                }
            }
        };
        let mut current = exchange(&packet);
        let length = body_of(&packet);
        let after = &rest[held..];
        let there = usize::try_from(length).unwrap_or(usize::MAX).min(after.len());
        current.body = after[..there].to_vec();
        seen.body_missing = length - there as u64;
        rest = &after[there..];
        seen.exchanges.push(current);
    }
    seen
}
