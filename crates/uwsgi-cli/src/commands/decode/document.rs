//! The JSON of `--json`.

use std::io::{self, Write};

use serde::Serialize;
use sha2::{Digest, Sha256};
use uwsgi_inspect::Latin1;

use super::packets::{DecodedPacket, Payload};
use crate::json;

/// A packet. The order of the fields is the order in the document.
#[derive(Debug, Serialize)]
struct PacketDocument<'a> {
    offset: usize,
    modifier1: u8,
    datasize: u16,
    modifier2: u8,
    payload: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    vars: Option<Vec<(Latin1<'a>, Latin1<'a>)>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<Latin1<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<Latin1<'a>>,
    body: BodyDocument,
}

#[derive(Debug, Serialize)]
struct BodyDocument {
    framing: &'static str,
    offset: usize,
    length: usize,
    sha256: String,
}

/// The error after the last good packet.
#[derive(Debug, Serialize)]
pub(super) struct ErrorDocument<'a> {
    kind: &'static str,
    offset: usize,
    needed: Option<u64>,
    message: &'a str,
}

impl<'a> ErrorDocument<'a> {
    pub(super) const fn new(kind: &'static str, offset: usize, needed: Option<u64>, message: &'a str) -> Self {
        Self { kind, offset, needed, message }
    }
}

#[derive(Debug, Serialize)]
struct BrokenDocument<'a> {
    packets: Vec<PacketDocument<'a>>,
    error: &'a ErrorDocument<'a>,
}

impl<'a> PacketDocument<'a> {
    fn new(found: &DecodedPacket<'a>) -> Self {
        let (mut vars, mut items, mut raw) = (None, None, None);
        match &found.payload {
            Payload::Array(array) => items = Some(array.iter().map(Latin1).collect()),
            Payload::None => {}
            Payload::Raw(bytes) => raw = Some(Latin1(bytes)),
            Payload::Vars(pairs) => {
                vars = Some(pairs.iter().map(|(key, value)| (Latin1(key), Latin1(value))).collect())
            }
        }
        Self {
            offset: found.offset,
            modifier1: found.packet.modifier1().0,
            datasize: found.packet.datasize(),
            modifier2: found.packet.modifier2(),
            payload: found.payload.as_str(),
            vars,
            items,
            raw,
            body: BodyDocument {
                framing: found.body.framing.as_str(),
                offset: found.body.offset,
                length: found.body.bytes.len(),
                sha256: sha256(found.body.bytes),
            },
        }
    }
}

/// Returns the SHA-256 of the bytes in hex digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes one document: an array of the packets, or, after an error, an object with both.
pub(super) fn write(
    out: &mut impl Write,
    packets: &[DecodedPacket<'_>],
    error: Option<&ErrorDocument<'_>>,
) -> io::Result<()> {
    let packets: Vec<_> = packets.iter().map(PacketDocument::new).collect();
    match error {
        None => json::write(out, &packets),
        Some(error) => json::write(out, &BrokenDocument { packets, error }),
    }
}
