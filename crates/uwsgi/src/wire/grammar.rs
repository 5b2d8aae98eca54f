//! The grammar of a block, in nom: `vars = pair*`, `array = item*`. A leaf is a function of this file that reads one element.
//!
//! A leaf uses `split_at_checked` and `split_last_chunk`, which have no panic path. One split takes a key or a value together
//! with the length that follows it. nom's `length_data` takes three times as long. nom's `streaming` parsers call an overrun in
//! a complete block incomplete, but it is malformed.
//!
//! A leaf returns an element or `None`. If the elements end before the block does, a cold function reads the block once more
//! and finds out what is wrong. If the fast path kept what this function needs, it would take a sixth longer.

use nom::multi::fold_many0;
use nom::{Err, Mode, OutputMode, PResult, Parser};

use crate::wire::error::{DecodeError, DecodeErrorKind};
use crate::wire::limits::Limits;

/// A key and its value.
pub(crate) type Pair<'a> = (&'a [u8], &'a [u8]);

/// Reads one pair of a complete block: a key and a value, each after the 16 bits of its length.
#[inline(always)]
pub(crate) fn pair(input: &[u8]) -> Option<(&[u8], Pair<'_>)> {
    // A pair has at least the four bytes of its two lengths. One comparison checks that both are there.
    let [low, high, _, _] = input.first_chunk()?;
    let key_len = usize::from(u16::from_le_bytes([*low, *high]));
    let (head, tail) = input.split_at_checked(key_len.saturating_add(4))?;
    let [_, _, key @ .., low, high] = head else { return None };
    let value_len = usize::from(u16::from_le_bytes([*low, *high]));
    let (value, rest) = tail.split_at_checked(value_len)?;
    Some((rest, (key, value)))
}

/// Reads one item of a complete array, after the 16 bits of its length.
#[inline(always)]
pub(crate) fn item(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, tail) = input.split_first_chunk()?;
    let (item, rest) = tail.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
    Some((rest, item))
}

/// Reads `vars = pair*` up to the end of the block, calls `visit` with each pair, and returns the number of pairs.
///
/// Every length except the first follows a key or a value. So the loop takes a key together with the length of its value, and a
/// value together with the length of the next key. No length follows the last value. If the block is malformed, `visit` was
/// called with some of its pairs.
#[inline(always)]
pub(crate) fn vars<'a>(
    block: &'a [u8],
    limits: &Limits,
    mut visit: impl FnMut(&'a [u8], &'a [u8]),
) -> Result<usize, DecodeError> {
    let bounds = Bounds::new(limits);
    let Some((key_len, first)) = block.split_first_chunk() else {
        return if block.is_empty() { Ok(0) } else { Err(explain(block, limits)) };
    };
    let mut key_len = length(key_len);
    let mut before_last = 0_usize;
    let one = |input| {
        let (key, value_len, tail) = piece(input, key_len)?;
        let (value, next, rest) = piece(tail, value_len)?;
        if !bounds.allow(key, value) {
            return None;
        }
        key_len = next;
        before_last = before_last.wrapping_add(1);
        Some((rest, (key, value)))
    };
    let rest = all(first, one, |(key, value)| visit(key, value));
    match piece(rest, key_len) {
        Some((key, value_len, value))
            if value_len == value.len() && bounds.allow(key, value) && bounds.allow_after(before_last) =>
        {
            visit(key, value);
            Ok(before_last.wrapping_add(1))
        }
        _ => Err(explain(block, limits)),
    }
}

/// Reads `array = item*` up to the end of the block, and returns the number of items.
pub(crate) fn array(block: &[u8]) -> Result<usize, DecodeError> {
    let mut count = 0_usize;
    match all(block, item, |_| count = count.wrapping_add(1)) {
        [] => Ok(count),
        rest => Err(item_fault(block, rest)),
    }
}

/// Reads the pair at the start of `rest`, for callers that read one pair at a time. `rest` is not empty; `count` is the number
/// of pairs before it in the block.
pub(crate) fn pair_within<'a>(
    block: &[u8],
    rest: &'a [u8],
    limits: &Limits,
    count: usize,
) -> Result<(&'a [u8], Pair<'a>), DecodeError> {
    match pair(rest) {
        Some((next, (key, value)))
            if Bounds::new(limits).allow(key, value) && Bounds::new(limits).allow_after(count) =>
        {
            Ok((next, (key, value)))
        }
        _ => Err(pair_fault(block, rest, limits, count)),
    }
}

/// Calls `visit` with each element before the first fault, and returns the rest of the block.
#[inline(always)]
fn all<'a, T>(
    block: &'a [u8],
    one: impl FnMut(&'a [u8]) -> Option<(&'a [u8], T)>,
    mut visit: impl FnMut(T),
) -> &'a [u8] {
    let parsed = fold_many0(Element(one), || (), |(), element| visit(element)).parse(block);
    match parsed {
        Ok((rest, ())) => rest,
        // nom itself fails only for an element of no bytes, and these elements have at least two.
        Err(_) => block,
    }
}

/// A leaf as a parser of nom. A closure is a parser too, but the compiler does not inline it into the crate that uses it.
struct Element<F>(F);

impl<'a, T, F: FnMut(&'a [u8]) -> Option<(&'a [u8], T)>> Parser<&'a [u8]> for Element<F> {
    type Output = T;
    type Error = ();

    #[inline(always)]
    fn process<OM: OutputMode>(&mut self, input: &'a [u8]) -> PResult<OM, &'a [u8], T, ()> {
        match (self.0)(input) {
            Some((rest, element)) => Ok((rest, OM::Output::bind(|| element))),
            None => Err(Err::Error(OM::Error::bind(|| ()))),
        }
    }
}

#[inline(always)]
fn length(bytes: &[u8; 2]) -> usize {
    usize::from(u16::from_le_bytes(*bytes))
}

/// Takes a key or a value of known length and the length that follows it. Returns both, and the rest.
#[inline(always)]
fn piece(input: &[u8], len: usize) -> Option<(&[u8], usize, &[u8])> {
    let (head, rest) = input.split_at_checked(len.saturating_add(2))?;
    let (piece, next) = head.split_last_chunk()?;
    Some((piece, length(next), rest))
}

/// The [`Limits`] in the form that the loop compares.
struct Bounds {
    shortest_key: usize,
    longest_key: usize,
    longest_value: usize,
    vars: Option<usize>,
}

impl Bounds {
    #[inline(always)]
    fn new(limits: &Limits) -> Self {
        // A datasize is at most 65535 and a pair has at least 4 bytes, so no packet reaches a larger limit.
        let vars = if limits.vars < 16384 { Some(limits.vars.into()) } else { None };
        Self {
            shortest_key: usize::from(!limits.empty_keys),
            longest_key: limits.key.into(),
            longest_value: limits.value.into(),
            vars,
        }
    }

    #[inline(always)]
    fn allow(&self, key: &[u8], value: &[u8]) -> bool {
        key.len() >= self.shortest_key && key.len() <= self.longest_key && value.len() <= self.longest_value
    }

    /// Whether one more pair may follow `count` pairs.
    #[inline(always)]
    fn allow_after(&self, count: usize) -> bool {
        self.vars.is_none_or(|most| count < most)
    }
}

/// Returns the first fault of a block that is malformed or over a limit.
#[cold]
#[inline(never)]
fn explain(block: &[u8], limits: &Limits) -> DecodeError {
    let (mut rest, mut count) = (block, 0_usize);
    loop {
        match pair_within(block, rest, limits, count) {
            Ok((next, _)) => rest = next,
            Err(error) => return error,
        }
        count = count.saturating_add(1);
    }
}

/// Returns why there is no pair within the limits at the start of `rest`, which is not empty.
///
/// The order of the checks is the order of the bytes.
#[cold]
fn pair_fault(block: &[u8], rest: &[u8], limits: &Limits, count: usize) -> DecodeError {
    use DecodeErrorKind as Kind;
    if count >= limits.vars.into() {
        return fault(block, rest, Kind::VarsLimit, usize::from(limits.vars).saturating_add(1), limits.vars.into());
    }
    let Some((key_len, tail)) = rest.split_first_chunk() else {
        return fault(block, rest, Kind::KeyLengthMissing, 2, rest.len());
    };
    let key_len = u16::from_le_bytes(*key_len);
    if key_len == 0 && !limits.empty_keys {
        return fault(block, rest, Kind::EmptyKey, 1, 0);
    }
    if key_len > limits.key {
        return fault(block, tail, Kind::KeyLimit, key_len.into(), limits.key.into());
    }
    let Some((_, tail)) = tail.split_at_checked(key_len.into()) else {
        return fault(block, tail, Kind::KeyOverrun, key_len.into(), tail.len());
    };
    let Some((value_len, tail)) = tail.split_first_chunk() else {
        return fault(block, tail, Kind::ValueLengthMissing, 2, tail.len());
    };
    let value_len = u16::from_le_bytes(*value_len);
    if value_len > limits.value {
        return fault(block, tail, Kind::ValueLimit, value_len.into(), limits.value.into());
    }
    fault(block, tail, Kind::ValueOverrun, value_len.into(), tail.len())
}

/// Returns why there is no item at the start of `rest`, which is not empty.
#[cold]
#[inline(never)]
fn item_fault(block: &[u8], rest: &[u8]) -> DecodeError {
    match rest.split_first_chunk() {
        Some((len, tail)) => {
            let len = usize::from(u16::from_le_bytes(*len));
            fault(block, tail, DecodeErrorKind::ItemOverrun, len, tail.len())
        }
        None => fault(block, rest, DecodeErrorKind::ItemLengthMissing, 2, rest.len()),
    }
}

/// Makes an error at the place in the block where `rest` begins.
fn fault(block: &[u8], rest: &[u8], kind: DecodeErrorKind, required: usize, available: usize) -> DecodeError {
    DecodeError::new(kind, block.len().saturating_sub(rest.len()), required, available)
}
