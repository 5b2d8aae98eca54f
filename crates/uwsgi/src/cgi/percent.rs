//! Percent-encoding (RFC 3986 section 2.1), in both directions.

use core::fmt::{self, Write};

/// A part of a target. It is written with percent-encoding for the bytes that a target may not have.
///
/// [`Display`](fmt::Display) writes ASCII: it encodes all bytes above ASCII. [`bytes`](Self::bytes) does not encode those that
/// a client wrote in a target.
#[derive(Clone, Copy)]
pub struct Encoded<'a> {
    slash: bool,
    part: &'a [u8],
    spelling: Spelling,
}

/// How a part is spelled.
#[derive(Debug, Clone, Copy)]
enum Spelling {
    /// Decoded: a percent sign stands for itself.
    Decoded,
    /// As the client wrote it: a percent sign begins an encoded byte.
    Written,
}

impl<'a> Encoded<'a> {
    /// Makes a part from bytes that were decoded once, such as a path. A percent sign in them stands for itself.
    ///
    /// ```
    /// assert_eq!(uwsgi::Encoded::of_decoded(b"/my shop/100%").to_string(), "/my%20shop/100%25");
    /// ```
    #[must_use]
    pub const fn of_decoded(part: &'a [u8]) -> Self {
        Self { slash: false, part, spelling: Spelling::Decoded }
    }

    /// Makes a part from bytes as a client wrote them.
    pub(crate) const fn of_written(part: &'a [u8]) -> Self {
        Self { slash: false, part, spelling: Spelling::Written }
    }

    /// Returns the same part as a path, which begins with a slash.
    pub(crate) fn as_path(self) -> Self {
        Self { slash: !self.part.starts_with(b"/"), ..self }
    }

    /// Returns the bytes, encoded where they have to be. None of them is a control byte or a space.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + Clone + use<'a> {
        let spelling = self.spelling;
        let part = self.part.iter().flat_map(move |byte| encoded(*byte, spelling.must_encode(*byte)));
        self.slash.then_some(b'/').into_iter().chain(part)
    }

    /// Returns the bytes as they came; `None` where [`bytes`](Self::bytes) adds or encodes one.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        let is_plain = !self.slash && !self.part.iter().any(|byte| self.spelling.must_encode(*byte));
        is_plain.then_some(self.part)
    }
}

impl Spelling {
    /// Whether a byte must be encoded (RFC 3986 sections 3.3 and 3.4). Other bytes that clients write and parsers of targets
    /// accept stay as they are.
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

/// Returns what follows in `written` after the bytes that decode to `decoded`. `None` where `written` does not begin with such
/// bytes, or where a percent sign among them is not followed by two hex digits.
pub(crate) fn strip_decoded<'a>(written: &'a [u8], decoded: &[u8]) -> Option<&'a [u8]> {
    decoded.iter().try_fold(written, |rest, want| {
        let (byte, rest) = split_first_decoded(rest)?;
        (byte == *want).then_some(rest)
    })
}

/// Returns what follows in `decoded` after the bytes that `written` decodes to; `None` where `decoded` does not begin with
/// them.
pub(crate) fn strip_written<'a>(decoded: &'a [u8], mut written: &[u8]) -> Option<&'a [u8]> {
    let mut left = decoded;
    while !written.is_empty() {
        let (byte, rest) = split_first_decoded(written)?;
        left = left.strip_prefix(&[byte])?;
        written = rest;
    }
    Some(left)
}

/// Decodes `written`. A percent sign that is not followed by two hex digits stands for itself.
pub(crate) fn decoded(written: &[u8]) -> impl Iterator<Item = u8> + Clone + use<'_> {
    let mut rest = written;
    core::iter::from_fn(move || {
        let (byte, after) =
            split_first_decoded(rest).or_else(|| rest.split_first().map(|(byte, rest)| (*byte, rest)))?;
        rest = after;
        Some(byte)
    })
}

/// Decodes the first byte of `written`, and returns it with the rest.
#[inline(always)]
pub(crate) const fn split_first_decoded(written: &[u8]) -> Option<(u8, &[u8])> {
    match written {
        [b'%', high, low, rest @ ..] => match byte(*high, *low) {
            Some(byte) => Some((byte, rest)),
            None => None,
        },
        [b'%', ..] | [] => None,
        [byte, rest @ ..] => Some((*byte, rest)),
    }
}

/// Returns the byte itself, or the three bytes that encode it.
fn encoded(byte: u8, must_encode: bool) -> impl Iterator<Item = u8> + Clone {
    let digits = [digit(byte.wrapping_shr(4)), digit(byte & 0xf)];
    let first = if must_encode { b'%' } else { byte };
    core::iter::once(first).chain(digits.into_iter().take(if must_encode { 2 } else { 0 }))
}

/// Returns the byte that two hex digits stand for.
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

/// Returns the hex digit of a value under 16, in upper case (RFC 3986 section 2.1).
const fn digit(value: u8) -> u8 {
    match value {
        0..=9 => value.wrapping_add(b'0'),
        _ => value.wrapping_sub(10).wrapping_add(b'A'),
    }
}
