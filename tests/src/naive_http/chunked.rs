//! A second reader of chunked bodies.

use uwsgi::chunked::{ChunkError, Chunked};

use super::is_text;

/// How a chunked body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkedEnd {
    /// The body ended, at this offset from its start.
    At(usize),
    /// The bytes ended first.
    Cut,
    /// The body is malformed.
    Refused(ChunkError),
}

/// Returns the data of a chunked body, as far as it can be read, and how the body ended.
pub fn chunked(bytes: &[u8]) -> (Vec<u8>, ChunkedEnd) {
    let (mut data, mut at) = (Vec::new(), 0);
    let end = match chunks(bytes, &mut at, &mut data) {
        Ok(()) => ChunkedEnd::At(at),
        Err(None) => ChunkedEnd::Cut,
        Err(Some(error)) => ChunkedEnd::Refused(error),
    };
    (data, end)
}

/// Reads all chunks. Fails with `None` if the bytes end too early.
fn chunks(bytes: &[u8], at: &mut usize, data: &mut Vec<u8>) -> Result<(), Option<ChunkError>> {
    let mut dropped = 0;
    loop {
        let size = chunk_size(bytes, at, &mut dropped)?;
        if size == 0 {
            break;
        }
        for _ in 0..size {
            data.push(take(bytes, at)?);
        }
        expect(bytes, at, b'\r')?;
        expect(bytes, at, b'\n')?;
    }
    loop {
        let mut byte = take(bytes, at)?;
        if byte == b'\r' {
            return expect(bytes, at, b'\n');
        }
        let mut name = 0;
        while byte != b':' {
            if !byte.is_ascii_alphanumeric() && !b"!#$%&'*+-.^_`|~".contains(&byte) {
                return Err(Some(ChunkError::Trailer));
            }
            name += 1;
            drop_one(byte, &mut dropped)?;
            byte = take(bytes, at)?;
        }
        if name == 0 {
            return Err(Some(ChunkError::Trailer));
        }
        while byte != b'\r' {
            drop_one(byte, &mut dropped)?;
            byte = take(bytes, at)?;
        }
        expect(bytes, at, b'\n')?;
    }
}

fn chunk_size(bytes: &[u8], at: &mut usize, dropped: &mut usize) -> Result<u64, Option<ChunkError>> {
    let (mut size, mut digits) = (0_u64, 0);
    let mut byte = take(bytes, at)?;
    while let Some(digit) = char::from(byte).to_digit(16) {
        digits += 1;
        if digits > 16 {
            return Err(Some(ChunkError::Size));
        }
        size = size * 16 + u64::from(digit);
        byte = take(bytes, at)?;
    }
    if digits == 0 {
        return Err(Some(ChunkError::Size));
    }
    // The first byte after the digits does not count as dropped.
    let mut first = true;
    while b" \t".contains(&byte) {
        if !first {
            drop_one(byte, dropped)?;
        }
        (first, byte) = (false, take(bytes, at)?);
    }
    if byte == b';' {
        if !first {
            drop_one(byte, dropped)?;
        }
        loop {
            byte = take(bytes, at)?;
            if b"\r\n".contains(&byte) {
                break;
            }
            drop_one(byte, dropped)?;
        }
    }
    match byte {
        b'\r' => {}
        b'\n' => return Err(Some(ChunkError::Line)),
        _ => return Err(Some(ChunkError::Size)),
    }
    expect(bytes, at, b'\n')?;
    Ok(size)
}

fn take(bytes: &[u8], at: &mut usize) -> Result<u8, Option<ChunkError>> {
    let byte = bytes.get(*at).ok_or(None)?;
    *at += 1;
    Ok(*byte)
}

fn expect(bytes: &[u8], at: &mut usize, expected: u8) -> Result<(), Option<ChunkError>> {
    if take(bytes, at)? == expected { Ok(()) } else { Err(Some(ChunkError::Line)) }
}

fn drop_one(byte: u8, dropped: &mut usize) -> Result<(), Option<ChunkError>> {
    *dropped += 1;
    let fits = *dropped <= usize::from(Chunked::MOST_DROPPED);
    if fits && is_text(byte) { Ok(()) } else { Err(Some(ChunkError::Trailer)) }
}
