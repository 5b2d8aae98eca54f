//! The packet's bytes, each with what it is part of.

use uwsgi::Vars;

use crate::report::Report;

/// What a byte is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Header,
    Key,
    Length,
    Value,
}

/// Every byte of the packet, in order.
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

/// The byte as a character, where it has one.
pub(crate) fn shown(byte: u8) -> char {
    match byte {
        b' '..=b'~' => char::from(byte),
        _ => '.',
    }
}
