//! The facts that the header lines of an answer state together.

use httparse::{EMPTY_HEADER, Header};

use crate::http::content_length::content_length;
use crate::http::head_limits::{HeadLimits, SLOTS};
use crate::http::response_error::{ResponseError, ResponseErrorKind};

/// The facts that header lines state together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Facts {
    pub(crate) count: usize,
    pub(crate) content_length: Option<u64>,
    pub(crate) flags: Flags,
}

/// The facts that are true or false.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Flags(u8);

impl Flags {
    pub(crate) const CHUNKED: Self = Self(1);
    pub(crate) const LOCATION: Self = Self(2);
    pub(crate) const CLOSE: Self = Self(4);
    pub(crate) const KEEP_ALIVE: Self = Self(8);

    pub(crate) const fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    fn set(&mut self, flag: Self) {
        self.0 |= flag.0;
    }
}

/// Reads the header lines of a head that does not begin with a status line of HTTP/1.0 or HTTP/1.1.
#[inline(never)]
pub(crate) fn headers(head: &[u8], lines: &[u8], limits: &HeadLimits) -> Result<Facts, ResponseError> {
    let mut slots = [EMPTY_HEADER; SLOTS];
    match httparse::parse_headers(lines, &mut slots) {
        Ok(httparse::Status::Complete((len, headers))) => facts(
            head,
            lines,
            Ok(httparse::Status::Complete(head.len().saturating_sub(lines.len()).saturating_add(len))),
            headers,
            limits,
        ),
        Ok(httparse::Status::Partial) => facts(head, lines, Ok(httparse::Status::Partial), &[], limits),
        Err(error) => facts(head, lines, Err(error), &[], limits),
    }
}

/// Returns what parsed header lines say together.
#[inline(always)]
pub(crate) fn facts(
    head: &[u8],
    lines: &[u8],
    parsed: httparse::Result<usize>,
    headers: &[Header<'_>],
    limits: &HeadLimits,
) -> Result<Facts, ResponseError> {
    match parsed {
        // Bytes after the empty line do not belong to the head.
        Ok(httparse::Status::Complete(len)) if len == head.len() => {}
        Ok(httparse::Status::Complete(len)) => return Err(ResponseError::new(ResponseErrorKind::HeaderLine, len)),
        Ok(httparse::Status::Partial) => return Err(ResponseError::new(ResponseErrorKind::Truncated, head.len())),
        Err(error) => return Err(bad_lines(head, lines, error)),
    }
    if headers.len() > limits.lines.into() {
        return Err(ResponseError::new(ResponseErrorKind::TooManyLines, head.len()));
    }
    let mut found = Facts { count: headers.len(), ..Facts::default() };
    for header in headers {
        let name = header.name.as_bytes();
        match name.len() {
            14 if is_name(name, b"content-length") => found.length(head, header)?,
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => found.transfer_encoding(head, header)?,
            8 if is_name(name, b"location") => found.flags.set(Flags::LOCATION),
            10 if is_name(name, b"connection") => found.connection(header.value),
            _ => {}
        }
    }
    Ok(found)
}

/// Whether a name of token bytes is `lower`, in any case. Both have the same length, 8 to 16 bytes. `lower` has only lower-case
/// letters and dashes.
///
/// Setting the bit 0x20 turns letters into lower case. It turns no other token byte into a letter or a dash.
#[inline]
fn is_name(name: &[u8], lower: &[u8]) -> bool {
    const CASE: u64 = u64::from_ne_bytes([0x20; 8]);
    let ends = |text: &[u8]| Some((u64::from_ne_bytes(*text.first_chunk()?), u64::from_ne_bytes(*text.last_chunk()?)));
    match (ends(name), ends(lower)) {
        (Some((first, last)), Some((lower_first, lower_last))) => {
            (first | CASE == lower_first) & (last | CASE == lower_last)
        }
        _ => false,
    }
}

impl Facts {
    fn length(&mut self, head: &[u8], header: &Header<'_>) -> Result<(), ResponseError> {
        let error = |kind| Err(ResponseError::new(kind, offset(head, header.name.as_bytes())));
        match content_length(header.value) {
            Ok(Some(_)) if self.flags.has(Flags::CHUNKED) => error(ResponseErrorKind::LengthAndTransferEncoding),
            Ok(Some(_)) if self.content_length.is_some() => error(ResponseErrorKind::TwoLengths),
            Ok(Some(length)) => {
                self.content_length = Some(length);
                Ok(())
            }
            Ok(None) | Err(_) => error(ResponseErrorKind::InvalidLength),
        }
    }

    /// Reads a list of options (RFC 9110 section 7.6.1).
    fn connection(&mut self, value: &[u8]) {
        for option in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            match option.len() {
                5 if option.eq_ignore_ascii_case(b"close") => self.flags.set(Flags::CLOSE),
                10 if option.eq_ignore_ascii_case(b"keep-alive") => self.flags.set(Flags::KEEP_ALIVE),
                _ => {}
            }
        }
    }

    fn transfer_encoding(&mut self, head: &[u8], header: &Header<'_>) -> Result<(), ResponseError> {
        let error = |kind| Err(ResponseError::new(kind, offset(head, header.name.as_bytes())));
        if !header.value.eq_ignore_ascii_case(b"chunked") {
            return error(ResponseErrorKind::TransferEncoding);
        }
        if self.content_length.is_some() {
            return error(ResponseErrorKind::LengthAndTransferEncoding);
        }
        if self.flags.has(Flags::CHUNKED) {
            return error(ResponseErrorKind::TwoOfAKind);
        }
        self.flags.set(Flags::CHUNKED);
        Ok(())
    }
}

/// Returns why httparse refuses lines: the first line that is not a header, or too many lines.
#[cold]
fn bad_lines(head: &[u8], lines: &[u8], error: httparse::Error) -> ResponseError {
    // httparse also refuses a bad line if it gets only this line.
    let is_bad = |line: &&[u8]| httparse::parse_headers(line, &mut [EMPTY_HEADER]).is_err();
    match lines.split_inclusive(|byte| *byte == b'\n').find(is_bad) {
        None if error == httparse::Error::TooManyHeaders => {
            ResponseError::new(ResponseErrorKind::TooManyLines, head.len())
        }
        bad => ResponseError::new(ResponseErrorKind::HeaderLine, bad.map_or(head.len(), |line| offset(head, line))),
    }
}

/// Returns the offset of `part` in `head`, by their addresses.
#[cold]
pub(crate) fn offset(head: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().saturating_sub(head.as_ptr().addr())
}
