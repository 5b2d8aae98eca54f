//! A second decoder, written to be obviously right and for no other purpose. It is the oracle of the laws and of the
//! fuzz targets.
//!
//! One index walks the bytes, everything is copied into a `Vec`, all arithmetic is in `usize`. The decoder shares no code with
//! the crate, only the kinds of its errors ([`uwsgi::DecodeErrorKind`]), so that tests can compare the errors exactly.
//!
//! ```text
//! packet = modifier1 u8, datasize u16 LE, modifier2 u8, datasize bytes
//! vars   = (length u16 LE, key, length u16 LE, value)*       to the last byte of the payload
//! array  = (length u16 LE, item)*                            to the last byte of the payload
//! ```

#![allow(clippy::needless_range_loop, reason = "a reader can check an index at a glance")]

use uwsgi::{DecodeError, DecodeErrorKind as Kind, Limits};

/// What was wrong, where, how many bytes were needed and how many were there: a [`DecodeError`] with public fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub kind: Kind,
    pub offset: usize,
    pub required: usize,
    pub available: usize,
}

impl Fault {
    /// Returns how many more bytes complete the element; `None` if no bytes can help.
    pub fn needed(&self) -> Option<usize> {
        if self.kind == Kind::Truncated { Some(self.required - self.available) } else { None }
    }

    /// Returns the same fault with an offset counted from `by` bytes earlier: from the packet instead of its payload.
    pub fn moved_by(self, by: usize) -> Self {
        Self { offset: self.offset + by, ..self }
    }
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        Self { kind: error.kind(), offset: error.offset(), required: error.required(), available: error.available() }
    }
}

fn fault(kind: Kind, offset: usize, required: usize, available: usize) -> Fault {
    Fault { kind, offset, required, available }
}

/// The limits of what is accepted. [`Rules::limits`] gives the same rules to the crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    pub datasize: u16,
    pub vars: u16,
    pub key: u16,
    pub value: u16,
    pub empty_keys: bool,
}

impl Rules {
    /// The limits of the wire itself; empty keys are refused.
    pub const WIRE: Self = Self { datasize: 65535, vars: 65535, key: 65535, value: 65535, empty_keys: false };

    /// Returns the same rules as the crate's limits.
    pub fn limits(&self) -> Limits {
        Limits::default()
            .with_datasize(self.datasize)
            .with_vars(self.vars)
            .with_key(self.key)
            .with_value(self.value)
            .with_empty_keys(self.empty_keys)
    }
}

/// The four bytes that begin a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub modifier1: u8,
    pub datasize: usize,
    pub modifier2: u8,
}

/// A header, its payload, and the bytes after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    pub header: Header,
    pub payload: Vec<u8>,
    pub rest: Vec<u8>,
}

/// The elements before the first fault, and the fault, if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read<T> {
    pub elements: Vec<T>,
    pub fault: Option<Fault>,
}

impl<T> Read<T> {
    /// Returns all elements, or the fault.
    pub fn whole(self) -> Result<Vec<T>, Fault> {
        match self.fault {
            None => Ok(self.elements),
            Some(fault) => Err(fault),
        }
    }
}

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Reads the header at the start of these bytes.
pub fn header(bytes: &[u8]) -> Result<Header, Fault> {
    if bytes.len() < 4 {
        return Err(fault(Kind::Truncated, 0, 4, bytes.len()));
    }
    let datasize = bytes[1] as usize + 256 * bytes[2] as usize;
    Ok(Header { modifier1: bytes[0], datasize, modifier2: bytes[3] })
}

/// Reads the packet at the start of these bytes. A datasize over the limit is refused before its bytes are needed.
pub fn packet(bytes: &[u8], rules: &Rules) -> Result<Packet, Fault> {
    let header = header(bytes)?;
    if header.datasize > rules.datasize as usize {
        return Err(fault(Kind::DatasizeLimit, 1, header.datasize, rules.datasize as usize));
    }
    let mut payload = Vec::new();
    let mut rest = Vec::new();
    for index in 4..bytes.len() {
        if index < 4 + header.datasize {
            payload.push(bytes[index]);
        } else {
            rest.push(bytes[index]);
        }
    }
    if payload.len() < header.datasize {
        return Err(fault(Kind::Truncated, 4, header.datasize, payload.len()));
    }
    Ok(Packet { header, payload, rest })
}

/// Reads the pairs of a complete payload, up to its end or the first fault.
///
/// The first fault in the order of the bytes wins: a length over its limit comes before its missing bytes. A payload
/// larger than any packet within the limits is refused before it is read.
pub fn vars(block: &[u8], rules: &Rules) -> Read<Pair> {
    let mut elements = Vec::new();
    if block.len() > rules.datasize as usize {
        return Read { elements, fault: Some(fault(Kind::DatasizeLimit, 0, block.len(), rules.datasize as usize)) };
    }
    let mut at = 0;
    while at < block.len() {
        if elements.len() == rules.vars as usize {
            let limit = rules.vars as usize;
            return Read { elements, fault: Some(fault(Kind::VarsLimit, at, limit + 1, limit)) };
        }
        match pair(block, at, rules) {
            Ok((pair, end)) => {
                elements.push(pair);
                at = end;
            }
            Err(fault) => return Read { elements, fault: Some(fault) },
        }
    }
    Read { elements, fault: None }
}

/// Reads the pair that begins at `at`; returns it and where the next one begins.
fn pair(block: &[u8], at: usize, rules: &Rules) -> Result<(Pair, usize), Fault> {
    let length = length_at(block, at, Kind::KeyLengthMissing)?;
    if length == 0 && !rules.empty_keys {
        return Err(fault(Kind::EmptyKey, at, 1, 0));
    }
    if length > rules.key as usize {
        return Err(fault(Kind::KeyLimit, at + 2, length, rules.key as usize));
    }
    let key = string_at(block, at + 2, length, Kind::KeyOverrun)?;
    let at = at + 2 + length;
    let length = length_at(block, at, Kind::ValueLengthMissing)?;
    if length > rules.value as usize {
        return Err(fault(Kind::ValueLimit, at + 2, length, rules.value as usize));
    }
    let value = string_at(block, at + 2, length, Kind::ValueOverrun)?;
    Ok(((key, value), at + 2 + length))
}

/// Reads the items of a complete payload, up to its end or the first fault; empty items are kept.
pub fn array(block: &[u8]) -> Read<Vec<u8>> {
    let mut elements = Vec::new();
    if block.len() > 65535 {
        return Read { elements, fault: Some(fault(Kind::DatasizeLimit, 0, block.len(), 65535)) };
    }
    let mut at = 0;
    while at < block.len() {
        let read = length_at(block, at, Kind::ItemLengthMissing)
            .and_then(|length| string_at(block, at + 2, length, Kind::ItemOverrun));
        match read {
            Ok(item) => {
                at += 2 + item.len();
                elements.push(item);
            }
            Err(fault) => return Read { elements, fault: Some(fault) },
        }
    }
    Read { elements, fault: None }
}

/// Reads two bytes, little endian.
fn length_at(block: &[u8], at: usize, missing: Kind) -> Result<usize, Fault> {
    if block.len() - at < 2 {
        return Err(fault(missing, at, 2, block.len() - at));
    }
    Ok(block[at] as usize + 256 * block[at + 1] as usize)
}

fn string_at(block: &[u8], at: usize, length: usize, overrun: Kind) -> Result<Vec<u8>, Fault> {
    if block.len() - at < length {
        return Err(fault(overrun, at, length, block.len() - at));
    }
    let mut string = Vec::new();
    for index in at..at + length {
        string.push(block[index]);
    }
    Ok(string)
}

/// Encodes a packet with this payload; `None` if the payload is too long for a datasize.
pub fn encode_packet(modifier1: u8, modifier2: u8, payload: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = vec![modifier1];
    bytes.extend(length_of(payload)?);
    bytes.push(modifier2);
    bytes.extend(payload);
    Some(bytes)
}

/// Encodes these pairs; `None` if a string is too long for its length field.
pub fn encode_vars<K: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: &[(K, V)]) -> Option<Vec<u8>> {
    let mut block = Vec::new();
    for (key, value) in pairs {
        for string in [key.as_ref(), value.as_ref()] {
            block.extend(length_of(string)?);
            block.extend(string);
        }
    }
    Some(block)
}

/// Encodes these items; `None` if an item is too long for its length field.
pub fn encode_array<I: AsRef<[u8]>>(items: &[I]) -> Option<Vec<u8>> {
    let mut block = Vec::new();
    for item in items {
        block.extend(length_of(item.as_ref())?);
        block.extend(item.as_ref());
    }
    Some(block)
}

fn length_of(string: &[u8]) -> Option<[u8; 2]> {
    if string.len() > 65535 {
        return None;
    }
    Some([(string.len() % 256) as u8, (string.len() / 256) as u8])
}
