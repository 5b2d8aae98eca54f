//! The grammar of a block, in nom: `vars = pair*`, `array = item*`, over leaves of our own.
//!
//! A leaf on `split_first_chunk` and `split_at_checked` knows exactly what was wrong, has no panic path, and takes a
//! pair's key and the length of its value in one split. nom's own `length_data` would cost three times as much, and
//! its `streaming` parsers would call an overrun in a complete block incomplete, where it is malformed.

use nom::error::{ErrorKind as NomKind, ParseError};
use nom::multi::fold_many0;
use nom::{Err, IResult, Parser};

use crate::wire::error::{DecodeError, DecodeErrorKind};
use crate::wire::limits::Limits;

/// A key and its value.
pub(crate) type Pair<'a> = (&'a [u8], &'a [u8]);

/// What a leaf reports: what was wrong, and how far from the end of the block.
///
/// A leaf sees only the rest of the block, so that the distance from the end is what it knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    kind: DecodeErrorKind,
    from_end: usize,
    required: usize,
    available: usize,
}

impl Fault {
    #[inline]
    fn new(kind: DecodeErrorKind, from_end: usize, required: usize, available: usize) -> Self {
        Self { kind, from_end, required, available }
    }

    /// The error, now that the length of the block is known.
    #[cold]
    fn within(self, block: &[u8]) -> DecodeError {
        let offset = block.len().saturating_sub(self.from_end);
        DecodeError::new(self.kind, offset, self.required, self.available)
    }
}

/// nom asks for this where it gives up by itself, which it does in one case only: a parser that takes nothing. Ours
/// take two bytes at least, so that no caller ever sees the error made here.
impl ParseError<&[u8]> for Fault {
    fn from_error_kind(input: &[u8], _: NomKind) -> Self {
        Self::new(DecodeErrorKind::KeyLengthMissing, input.len(), 2, input.len())
    }

    fn append(_: &[u8], _: NomKind, other: Self) -> Self {
        other
    }
}

/// One pair of a complete block: a key and a value, each behind the 16 bits of its length.
///
/// `None` is the end of the block or a fault; [`pair_fault`] tells which. The fast path must not know: what it keeps
/// for telling costs a sixth of its time.
#[inline(always)]
pub(crate) fn pair(input: &[u8]) -> Option<(&[u8], Pair<'_>)> {
    // No pair is shorter than its two lengths: one comparison here serves for both.
    let [low, high, _, _] = input.first_chunk()?;
    let key_len = usize::from(u16::from_le_bytes([*low, *high]));
    // The key and the length on either side of it, in one split.
    let (head, tail) = input.split_at_checked(key_len.saturating_add(4))?;
    let [_, _, key @ .., low, high] = head else { return None };
    let value_len = usize::from(u16::from_le_bytes([*low, *high]));
    let (value, rest) = tail.split_at_checked(value_len)?;
    Some((rest, (key, value)))
}

/// [`Limits`] as the loop compares them.
struct Bounds {
    shortest_key: usize,
    longest_key: usize,
    longest_value: usize,
    vars: Option<usize>,
}

impl Bounds {
    #[inline(always)]
    fn new(limits: &Limits) -> Self {
        // A datasize is at most 65535 and a pair at least 4 bytes, so that a limit above this is none.
        let vars = if limits.vars < 16384 { Some(limits.vars.into()) } else { None };
        Self {
            shortest_key: usize::from(!limits.empty_keys),
            longest_key: limits.key.into(),
            longest_value: limits.value.into(),
            vars,
        }
    }

    #[inline(always)]
    fn hold(&self, key: &[u8], value: &[u8], count: usize) -> bool {
        key.len() >= self.shortest_key
            && key.len() <= self.longest_key
            && value.len() <= self.longest_value
            && self.vars.is_none_or(|most| count < most)
    }
}

/// Why there is no pair within the limits at the start of `input`, which is not empty. The order of the checks is the
/// order of the bytes.
#[cold]
#[inline(never)]
fn pair_fault(input: &[u8], limits: &Limits) -> Fault {
    use DecodeErrorKind as Kind;
    let Some((key_len, tail)) = input.split_first_chunk() else {
        return Fault::new(Kind::KeyLengthMissing, input.len(), 2, input.len());
    };
    let key_len = u16::from_le_bytes(*key_len);
    if key_len == 0 && !limits.empty_keys {
        return Fault::new(Kind::EmptyKey, input.len(), 1, 0);
    }
    if key_len > limits.key {
        return Fault::new(Kind::KeyLimit, tail.len(), key_len.into(), limits.key.into());
    }
    let Some((_, tail)) = tail.split_at_checked(key_len.into()) else {
        return Fault::new(Kind::KeyOverrun, tail.len(), key_len.into(), tail.len());
    };
    let Some((value_len, tail)) = tail.split_first_chunk() else {
        return Fault::new(Kind::ValueLengthMissing, tail.len(), 2, tail.len());
    };
    let value_len = u16::from_le_bytes(*value_len);
    if value_len > limits.value {
        return Fault::new(Kind::ValueLimit, tail.len(), value_len.into(), limits.value.into());
    }
    Fault::new(Kind::ValueOverrun, tail.len(), value_len.into(), tail.len())
}

/// One item of a complete array, behind the 16 bits of its length.
#[inline(always)]
pub(crate) fn item(input: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let Some((len, tail)) = input.split_first_chunk() else {
        return Err(Fault::new(DecodeErrorKind::ItemLengthMissing, input.len(), 2, input.len()));
    };
    let len = usize::from(u16::from_le_bytes(*len));
    match tail.split_at_checked(len) {
        Some((item, rest)) => Ok((rest, item)),
        None => Err(Fault::new(DecodeErrorKind::ItemOverrun, tail.len(), len, tail.len())),
    }
}

/// `vars = pair*` up to the end of the block: shows each pair to `visit`, and answers how many there were.
#[inline(always)]
pub(crate) fn vars<'a>(
    block: &'a [u8],
    limits: &Limits,
    mut visit: impl FnMut(&'a [u8], &'a [u8]),
) -> Result<usize, DecodeError> {
    let bounds = Bounds::new(limits);
    let mut count = 0_usize;
    let one = |input: &'a [u8]| match pair(input) {
        Some((rest, (key, value))) if bounds.hold(key, value, count) => {
            count = count.wrapping_add(1);
            Ok((rest, (key, value)))
        }
        _ if input.is_empty() => Err(Err::Error(END)),
        _ => Err(Err::Failure(fault(input, limits, count))),
    };
    let parsed = fold_many0(one, || (), |(), (key, value)| visit(key, value)).parse(block);
    end(block, parsed)?;
    Ok(count)
}

/// Why the pair behind the first `count` ones was not taken.
#[cold]
fn fault(input: &[u8], limits: &Limits, count: usize) -> Fault {
    if count >= limits.vars.into() { too_many(input, limits) } else { pair_fault(input, limits) }
}

/// `array = item*` up to the end of the block; answers how many there were.
#[inline]
pub(crate) fn array<'a>(block: &'a [u8]) -> Result<usize, DecodeError> {
    let one = |input: &'a [u8]| match item(input) {
        Ok(taken) => Ok(taken),
        Err(_) if input.is_empty() => Err(Err::Error(END)),
        Err(fault) => Err(Err::Failure(fault)),
    };
    end(block, fold_many0(one, || 0_usize, |count, _| count.saturating_add(1)).parse(block))
}

/// nom's word for "no further element here": a recoverable error, at the end of the block.
const END: Fault = Fault { kind: DecodeErrorKind::KeyLengthMissing, from_end: 0, required: 2, available: 0 };

#[cold]
fn too_many(input: &[u8], limits: &Limits) -> Fault {
    let limit = usize::from(limits.vars);
    Fault::new(DecodeErrorKind::VarsLimit, input.len(), limit.saturating_add(1), limit)
}

/// The pair behind the first `count` ones of a block, for readers that go pair by pair; `input` is not empty.
pub(crate) fn pair_within<'a>(
    block: &[u8],
    input: &'a [u8],
    limits: &Limits,
    count: usize,
) -> Result<(&'a [u8], Pair<'a>), DecodeError> {
    match pair(input) {
        Some((rest, (key, value))) if Bounds::new(limits).hold(key, value, count) => Ok((rest, (key, value))),
        _ => Err(fault(input, limits, count).within(block)),
    }
}

/// What was gathered, or the error with its offset from the start of the block.
#[inline(always)]
fn end<T>(block: &[u8], parsed: IResult<&[u8], T, Fault>) -> Result<T, DecodeError> {
    match parsed {
        Ok((_, done)) => Ok(done),
        Err(Err::Error(fault) | Err::Failure(fault)) => Err(fault.within(block)),
        // No parser here is a streaming one.
        Err(Err::Incomplete(_)) => Err(DecodeError::new(DecodeErrorKind::Truncated, 0, 1, 0)),
    }
}
