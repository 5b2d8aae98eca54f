//! Packets as JSON.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::PrettyFormatter;
use sha2::{Digest, Sha256};

use crate::escape::Latin1;
use crate::stream::{Found, Payload};

/// One packet; the order of the fields is the order in the document.
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

/// What was wrong, behind the packets before it.
#[derive(Debug, Serialize)]
pub(crate) struct Wrong<'a> {
    kind: &'static str,
    offset: usize,
    needed: Option<u64>,
    message: &'a str,
}

impl<'a> Wrong<'a> {
    pub(crate) const fn new(kind: &'static str, offset: usize, needed: Option<u64>, message: &'a str) -> Self {
        Self { kind, offset, needed, message }
    }
}

#[derive(Debug, Serialize)]
struct BrokenDocument<'a> {
    packets: Vec<PacketDocument<'a>>,
    error: &'a Wrong<'a>,
}

impl<'a> PacketDocument<'a> {
    fn new(found: &Found<'a>) -> Self {
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

/// The digest in hex digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes one document and a line end: an array of the packets, or, when something was wrong, an object with both.
pub(crate) fn write(out: &mut impl Write, found: &[Found<'_>], wrong: Option<&Wrong<'_>>) -> io::Result<()> {
    let packets: Vec<_> = found.iter().map(PacketDocument::new).collect();
    let mut serializer = Serializer::with_formatter(&mut *out, PrettyFormatter::with_indent(b" "));
    match wrong {
        None => packets.serialize(&mut serializer)?,
        Some(error) => BrokenDocument { packets, error }.serialize(&mut serializer)?,
    }
    out.write_all(b"\n")?;
    out.flush()
}
