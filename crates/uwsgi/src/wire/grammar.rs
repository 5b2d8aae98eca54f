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
#[inline(always)]
pub(crate) fn pair(input: &[u8]) -> Result<(&[u8], Pair<'_>), Fault> {
    let Some((key_len, tail)) = input.split_first_chunk() else {
        return Err(Fault::new(DecodeErrorKind::KeyLengthMissing, input.len(), 2, input.len()));
    };
    let key_len = usize::from(u16::from_le_bytes(*key_len));
    // The key and the two bytes after it, in one split.
    let Some((head, tail)) = tail.split_at_checked(key_len.saturating_add(2)) else {
        return Err(key_fault(tail, key_len));
    };
    let Some((key, value_len)) = head.split_last_chunk() else {
        return Err(key_fault(tail, key_len));
    };
    let value_len = usize::from(u16::from_le_bytes(*value_len));
    match tail.split_at_checked(value_len) {
        Some((value, rest)) => Ok((rest, (key, value))),
        None => Err(Fault::new(DecodeErrorKind::ValueOverrun, tail.len(), value_len, tail.len())),
    }
}

/// The key alone overruns the block, or leaves no room for the length of its value.
#[cold]
fn key_fault(tail: &[u8], key_len: usize) -> Fault {
    match tail.len().checked_sub(key_len) {
        None => Fault::new(DecodeErrorKind::KeyOverrun, tail.len(), key_len, tail.len()),
        Some(left) => Fault::new(DecodeErrorKind::ValueLengthMissing, left, 2, left),
    }
}

/// [`pair`], held to the limits. The order of the checks is the order of the bytes.
#[inline(always)]
pub(crate) fn pair_within<'a>(input: &'a [u8], limits: &Limits) -> Result<(&'a [u8], Pair<'a>), Fault> {
    let (rest, (key, value)) = pair(input)?;
    if key.len() > usize::from(limits.key) || (key.is_empty() && !limits.empty_keys) {
        return Err(key_over(input, key, limits));
    }
    if value.len() > usize::from(limits.value) {
        let from_end = rest.len().saturating_add(value.len());
        return Err(Fault::new(DecodeErrorKind::ValueLimit, from_end, value.len(), usize::from(limits.value)));
    }
    Ok((rest, (key, value)))
}

#[cold]
fn key_over(input: &[u8], key: &[u8], limits: &Limits) -> Fault {
    if key.is_empty() {
        Fault::new(DecodeErrorKind::EmptyKey, input.len(), 1, 0)
    } else {
        let from_end = input.len().saturating_sub(2);
        Fault::new(DecodeErrorKind::KeyLimit, from_end, key.len(), usize::from(limits.key))
    }
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
    let mut left = limits.vars;
    let one = |input: &'a [u8]| {
        at_least_one_byte(input)?;
        left = match left.checked_sub(1) {
            Some(left) => left,
            None => return Err(Err::Failure(too_many(input, limits))),
        };
        pair_within(input, limits).map_err(Err::Failure)
    };
    let mut all = fold_many0(
        one,
        || 0_usize,
        |count, (key, value)| {
            visit(key, value);
            count.saturating_add(1)
        },
    );
    end(block, all.parse(block))
}

/// `array = item*` up to the end of the block; answers how many there were.
#[inline]
pub(crate) fn array(block: &[u8]) -> Result<usize, DecodeError> {
    let one = |input| {
        at_least_one_byte(input)?;
        item(input).map_err(Err::Failure)
    };
    end(block, fold_many0(one, || 0_usize, |count, _| count.saturating_add(1)).parse(block))
}

/// nom's word for "no further element here": a recoverable error at the end of the block.
#[inline(always)]
fn at_least_one_byte(input: &[u8]) -> Result<(), Err<Fault>> {
    if input.is_empty() {
        return Err(Err::Error(Fault::new(DecodeErrorKind::KeyLengthMissing, 0, 2, 0)));
    }
    Ok(())
}

#[cold]
fn too_many(input: &[u8], limits: &Limits) -> Fault {
    let limit = usize::from(limits.vars);
    Fault::new(DecodeErrorKind::VarsLimit, input.len(), limit.saturating_add(1), limit)
}

/// The error of a leaf that was asked for one element, as an error of the block.
#[cold]
pub(crate) fn error(block: &[u8], fault: Fault) -> DecodeError {
    fault.within(block)
}

/// The error of one var too many, for readers that count by themselves.
#[cold]
pub(crate) fn too_many_vars(block: &[u8], input: &[u8], limits: &Limits) -> DecodeError {
    too_many(input, limits).within(block)
}

/// The count, or the error with its offset from the start of the block.
#[inline(always)]
fn end(block: &[u8], parsed: IResult<&[u8], usize, Fault>) -> Result<usize, DecodeError> {
    match parsed {
        Ok((_, count)) => Ok(count),
        Err(Err::Error(fault) | Err::Failure(fault)) => Err(fault.within(block)),
        // No parser here is a streaming one.
        Err(Err::Incomplete(_)) => Err(DecodeError::new(DecodeErrorKind::Truncated, 0, 1, 0)),
    }
}
