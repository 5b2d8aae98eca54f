//! The bytes of a packet, and the part of the packet that each byte belongs to.

use uwsgi::Vars;

use crate::report::Report;

/// A part of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Header,
    Key,
    Length,
    Value,
}

/// Returns the bytes of the packet in order, each with its part.
pub(crate) fn bytes(report: &Report<'_>) -> Vec<(Part, u8)> {
    let vars: Vars<'_> = report.request().vars();
    let header = report.header().to_bytes();
    let mut bytes: Vec<_> = header.into_iter().map(|byte| (Part::Header, byte)).collect();
    let mut block = vars.as_bytes().iter().copied();
    for (key, value) in vars {
        for (part, length) in [(Part::Length, 2), (Part::Key, key.len()), (Part::Length, 2), (Part::Value, value.len())]
        {
            bytes.extend(block.by_ref().take(length).map(|byte| (part, byte)));
        }
    }
    bytes
}

/// Returns a byte as a character, or a dot if it is not printable.
pub(crate) fn printable(byte: u8) -> char {
    match byte {
        b' '..=b'~' => char::from(byte),
        _ => '.',
    }
}
