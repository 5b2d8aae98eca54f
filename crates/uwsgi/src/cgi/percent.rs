//! Percent-encoding (RFC 3986 section 2.1), in both directions.

use core::fmt::{self, Write};

/// A part of a target, in which the bytes that it may not hold are percent-encoded when it is written.
///
/// Its text is ASCII: [`Display`](fmt::Display) also encodes the bytes above it, which [`bytes`](Self::bytes) leaves as
/// they came.
#[derive(Clone, Copy)]
pub struct Encoded<'a> {
    slash: bool,
    part: &'a [u8],
    spelling: Spelling,
}

/// How the bytes of a part came.
#[derive(Debug, Clone, Copy)]
enum Spelling {
    /// Decoded: a percent sign is one.
    Decoded,
    /// As the client wrote them: a percent sign is left alone.
    Written,
}

impl<'a> Encoded<'a> {
    /// A part that was decoded once, such as a mount or a path: a percent sign in it stands for itself.
    ///
    /// ```
    /// assert_eq!(uwsgi::Encoded::of_decoded(b"/my shop/100%").to_string(), "/my%20shop/100%25");
    /// ```
    #[must_use]
    pub const fn of_decoded(part: &'a [u8]) -> Self {
        Self { slash: false, part, spelling: Spelling::Decoded }
    }

    /// A part as a client wrote it.
    pub(crate) const fn of_written(part: &'a [u8]) -> Self {
        Self { slash: false, part, spelling: Spelling::Written }
    }

    /// The same part as a path, which begins with a slash.
    pub(crate) fn as_path(self) -> Self {
        Self { slash: !self.part.starts_with(b"/"), ..self }
    }

    /// The bytes, encoded where they have to be: there is no control byte and no space among them.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + Clone + use<'a> {
        let spelling = self.spelling;
        let part = self.part.iter().flat_map(move |byte| encoded(*byte, spelling.must_encode(*byte)));
        self.slash.then_some(b'/').into_iter().chain(part)
    }

    /// The bytes as they stand where they came from; `None` where writing them adds or encodes one.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        let is_plain = !self.slash && !self.part.iter().any(|byte| self.spelling.must_encode(*byte));
        is_plain.then_some(self.part)
    }
}

impl Spelling {
    /// RFC 3986 sections 3.3 and 3.4. What clients write and parsers of targets take stays as it is.
    const fn must_encode(self, byte: u8) -> bool {
        match byte {
            0..=b' ' | 0x7f | b'"' | b'#' | b'<' | b'>' => true,
            b'%' | b'?' | b'`' | b'{' | b'}' | 0x80.. => matches!(self, Self::Decoded),
            _ => false,
        }
    }
}

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ascii = self.bytes().flat_map(|byte| encoded(byte, !byte.is_ascii()));
        ascii.map(char::from).try_for_each(|byte| f.write_char(byte))
    }
}

impl fmt::Debug for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// What follows in `written` after the bytes that decode to `decoded`. `None` where `written` does not begin with such bytes, or
/// where two hex digits are missing after one of their percent signs.
pub(crate) fn strip_decoded<'a>(written: &'a [u8], decoded: &[u8]) -> Option<&'a [u8]> {
    decoded.iter().try_fold(written, |rest, want| {
        let (byte, rest) = split_first_decoded(rest)?;
        (byte == *want).then_some(rest)
    })
}

/// The other way around: what follows in `decoded` after the bytes that all of `written` decodes to.
pub(crate) fn strip_written<'a>(decoded: &'a [u8], mut written: &[u8]) -> Option<&'a [u8]> {
    let mut left = decoded;
    while !written.is_empty() {
        let (byte, rest) = split_first_decoded(written)?;
        left = left.strip_prefix(&[byte])?;
        written = rest;
    }
    Some(left)
}

/// The bytes that `written` decodes to; a percent sign that begins nothing stands for itself.
pub(crate) fn decoded(written: &[u8]) -> impl Iterator<Item = u8> + Clone + use<'_> {
    let mut rest = written;
    core::iter::from_fn(move || {
        let (byte, after) =
            split_first_decoded(rest).or_else(|| rest.split_first().map(|(byte, rest)| (*byte, rest)))?;
        rest = after;
        Some(byte)
    })
}

/// The first byte that `written` decodes to, and what follows it.
#[inline(always)]
const fn split_first_decoded(written: &[u8]) -> Option<(u8, &[u8])> {
    match written {
        [b'%', high, low, rest @ ..] => match byte(*high, *low) {
            Some(byte) => Some((byte, rest)),
            None => None,
        },
        [b'%', ..] | [] => None,
        [byte, rest @ ..] => Some((*byte, rest)),
    }
}

/// One byte, or the three that stand for it.
fn encoded(byte: u8, must_encode: bool) -> impl Iterator<Item = u8> + Clone {
    let digits = [digit(byte.wrapping_shr(4)), digit(byte & 0xf)];
    let first = if must_encode { b'%' } else { byte };
    core::iter::once(first).chain(digits.into_iter().take(if must_encode { 2 } else { 0 }))
}

/// The byte that two hex digits are.
const fn byte(high: u8, low: u8) -> Option<u8> {
    match (value(high), value(low)) {
        (Some(high), Some(low)) => Some(high.wrapping_shl(4) | low),
        _ => None,
    }
}

const fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(digit.wrapping_sub(b'a').wrapping_add(10)),
        b'A'..=b'F' => Some(digit.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    }
}

/// The digit of a value under 16 (RFC 3986 section 2.1: upper case).
const fn digit(value: u8) -> u8 {
    match value {
        0..=9 => value.wrapping_add(b'0'),
        _ => value.wrapping_sub(10).wrapping_add(b'A'),
    }
}
