//! The code that a user would write or pick instead, and an unchecked loop that shows what checks cost.
//!
//! All functions are `#[inline(never)]`, as ours are: each side of a pair is one call.

use std::mem::MaybeUninit;

use httparse::{EMPTY_HEADER, Header, ParserConfig};

/// Walks the pairs of a packet that is known to be well formed, checks nothing, and counts.
///
/// Nobody could use this function, which shows what the checks of the others cost. Each length must be loaded before the place
/// of the next one is known, so that every loop over a block has this chain of loads. The processor can do checks while it
/// waits for a load.
///
/// # Safety
///
/// The packet must have its header, and its block must be pairs to its last byte.
#[inline(never)]
pub unsafe fn unchecked_walk(packet: &[u8]) -> usize {
    let mut count = 0;
    let mut at = packet.as_ptr();
    // SAFETY: the caller promises that every length is right, so that `at` stays within the packet or goes one past its end.
    unsafe {
        let end = at.add(packet.len());
        at = at.add(4);
        while at < end {
            let key_len = u16::from_le(at.cast::<u16>().read_unaligned());
            at = at.add(2 + usize::from(key_len));
            let value_len = u16::from_le(at.cast::<u16>().read_unaligned());
            at = at.add(2 + usize::from(value_len));
            count += 1;
        }
    }
    count
}

/// Why a plain loop stopped, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainError {
    /// The fault.
    pub kind: PlainErrorKind,
    /// The offset of the fault in the packet, in bytes.
    pub offset: usize,
}

/// A fault of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainErrorKind {
    /// A key is empty.
    EmptyKey,
    /// The block ends where a length should be.
    LengthMissing,
    /// A key or a value runs past the end of the block.
    Overrun,
    /// The packet ends before its datasize does.
    Truncated,
}

/// The plain loop: a split for each of the two lengths, the key and the value.
#[inline(never)]
pub fn four_splits(packet: &[u8]) -> Result<usize, PlainError> {
    let error = |kind, offset| Err(PlainError { kind, offset });
    let Some((&[_, low, high, _], rest)) = packet.split_first_chunk() else {
        return error(PlainErrorKind::Truncated, 0);
    };
    let Some((block, _)) = rest.split_at_checked(u16::from_le_bytes([low, high]).into()) else {
        return error(PlainErrorKind::Truncated, 4);
    };
    let offset = |rest: &[u8]| 4 + block.len() - rest.len();
    let mut rest = block;
    let mut count = 0;
    while !rest.is_empty() {
        let Some((key_len, tail)) = rest.split_first_chunk() else {
            return error(PlainErrorKind::LengthMissing, offset(rest));
        };
        let key_len = u16::from_le_bytes(*key_len);
        if key_len == 0 {
            return error(PlainErrorKind::EmptyKey, offset(rest));
        }
        let Some((_key, tail)) = tail.split_at_checked(key_len.into()) else {
            return error(PlainErrorKind::Overrun, offset(tail));
        };
        let Some((value_len, value)) = tail.split_first_chunk() else {
            return error(PlainErrorKind::LengthMissing, offset(tail));
        };
        let Some((_value, tail)) = value.split_at_checked(u16::from_le_bytes(*value_len).into()) else {
            return error(PlainErrorKind::Overrun, offset(value));
        };
        rest = tail;
        count += 1;
    }
    Ok(count)
}

/// The plain loop, with the key and the length of its value taken together.
#[inline(never)]
pub fn two_splits(packet: &[u8]) -> Result<usize, PlainError> {
    let error = |kind, offset| Err(PlainError { kind, offset });
    let Some((&[_, low, high, _], rest)) = packet.split_first_chunk() else {
        return error(PlainErrorKind::Truncated, 0);
    };
    let Some((block, _)) = rest.split_at_checked(u16::from_le_bytes([low, high]).into()) else {
        return error(PlainErrorKind::Truncated, 4);
    };
    let offset = |rest: &[u8]| 4 + block.len() - rest.len();
    let mut rest = block;
    let mut count = 0;
    while !rest.is_empty() {
        let Some((key_len, tail)) = rest.split_first_chunk() else {
            return error(PlainErrorKind::LengthMissing, offset(rest));
        };
        let key_len = usize::from(u16::from_le_bytes(*key_len));
        if key_len == 0 {
            return error(PlainErrorKind::EmptyKey, offset(rest));
        }
        let Some((head, value)) = tail.split_at_checked(key_len + 2) else {
            return match tail.get(key_len..) {
                Some(left) => error(PlainErrorKind::LengthMissing, offset(left)),
                None => error(PlainErrorKind::Overrun, offset(tail)),
            };
        };
        let value_len = u16::from_le_bytes([head[key_len], head[key_len + 1]]);
        let Some((_value, tail)) = value.split_at_checked(value_len.into()) else {
            return error(PlainErrorKind::Overrun, offset(value));
        };
        rest = tail;
        count += 1;
    }
    Ok(count)
}

/// The plain loop, with a position instead of a slice that shrinks.
#[inline(never)]
pub fn positions(packet: &[u8]) -> Result<usize, PlainError> {
    let error = |kind, offset| Err(PlainError { kind, offset });
    let Some(&[_, low, high, _]) = packet.first_chunk() else {
        return error(PlainErrorKind::Truncated, 0);
    };
    let Some(packet) = packet.get(..4 + usize::from(u16::from_le_bytes([low, high]))) else {
        return error(PlainErrorKind::Truncated, 4);
    };
    let length = |at: usize| Some(usize::from(u16::from_le_bytes(packet.get(at..at + 2)?.try_into().ok()?)));
    let mut at = 4;
    let mut count = 0;
    while at < packet.len() {
        let Some(key_len) = length(at) else {
            return error(PlainErrorKind::LengthMissing, at);
        };
        if key_len == 0 {
            return error(PlainErrorKind::EmptyKey, at);
        }
        let key = at + 2;
        let Some(value_len) = length(key + key_len) else {
            return match key + key_len <= packet.len() {
                true => error(PlainErrorKind::LengthMissing, key + key_len),
                false => error(PlainErrorKind::Overrun, key),
            };
        };
        let value = key + key_len + 2;
        at = value + value_len;
        if at > packet.len() {
            return error(PlainErrorKind::Overrun, value);
        }
        count += 1;
    }
    Ok(count)
}

/// httparse over the same request as HTTP text, with room for `N` headers.
#[inline(never)]
pub fn httparse<const N: usize>(text: &[u8]) -> usize {
    let mut headers = [EMPTY_HEADER; N];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(text) {
        Ok(httparse::Status::Complete(len)) => len + request.headers.len(),
        _ => 0,
    }
}

/// httparse over the head of an answer, with room for 64 headers that is not initialised. Returns the status, the number of
/// headers, and the length of the head.
#[inline(never)]
pub fn httparse_response(head: &[u8]) -> Option<(u16, usize, usize)> {
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; 64];
    let mut response = httparse::Response::new(&mut []);
    match ParserConfig::default().parse_response_with_uninit_headers(&mut response, head, &mut headers) {
        Ok(httparse::Status::Complete(len)) => Some((response.code?, response.headers.len(), len)),
        _ => None,
    }
}

/// Copies the keys and values of all pairs one after the other, and nothing else.
#[inline(never)]
pub fn copy(pairs: &[(&[u8], &[u8])], buffer: &mut [u8]) -> usize {
    let mut at = 0;
    for (key, value) in pairs {
        for piece in [key, value] {
            buffer[at..at + piece.len()].copy_from_slice(piece);
            at += piece.len();
        }
    }
    at
}
