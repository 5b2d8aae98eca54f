//! Content-Length, in requests and in answers.

use core::fmt;

use crate::wire::decimal::{self, NotDecimal};

/// Why the length of a request is not valid. Refuse the request (400), and close the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FramingError {
    /// Two `Content-Length` headers of one message differ.
    ConflictingLengths,
    /// `CONTENT_LENGTH` has other bytes than digits.
    InvalidLength,
    /// `CONTENT_LENGTH` does not fit into 64 bits.
    LengthOverflow,
}

impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConflictingLengths => "two Content-Length headers differ",
            Self::InvalidLength => "CONTENT_LENGTH is not a decimal number",
            Self::LengthOverflow => "CONTENT_LENGTH does not fit into 64 bits",
        })
    }
}

impl core::error::Error for FramingError {}

/// Returns the length that all `Content-Length` headers of an HTTP message declare together; `None` where no header has a
/// value.
///
/// Two that differ make the message invalid (RFC 9110 section 8.6). In vars it is different: of several `CONTENT_LENGTH` the
/// last one counts. Values are compared by their bytes, because a reader may see two lengths in `5` and `05`.
///
/// ```
/// use uwsgi::framing::{declared_length, FramingError};
///
/// assert_eq!(declared_length([&b"5"[..], b"5"]), Ok(Some(5)));
/// assert_eq!(declared_length([]), Ok(None));
/// assert_eq!(declared_length([&b"5"[..], b"6"]), Err(FramingError::ConflictingLengths));
/// ```
///
/// # Errors
///
/// [`FramingError`], for the first value that is not a length or that differs from a value before it.
pub fn declared_length<'a>(content_lengths: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<u64>, FramingError> {
    let mut declared = None;
    for value in content_lengths {
        let Some(length) = content_length(value)? else { continue };
        match declared {
            Some((_, other)) if other != value => return Err(FramingError::ConflictingLengths),
            _ => declared = Some((length, value)),
        }
    }
    Ok(declared.map(|(length, _)| length))
}

/// Reads a `CONTENT_LENGTH` as a number; `None` where it is empty, because front ends send an empty one if there is no length.
///
/// It takes digits only (RFC 9110 section 8.6): no sign, no spaces, no list. uWSGI 2.0 takes the leading digits of any text and
/// wraps on overflow. gunicorn 27 takes what Python's `int()` takes, and reads anything else as 0. Both may read a body of a
/// wrong length.
///
/// ```
/// use uwsgi::framing::{content_length, FramingError};
///
/// assert_eq!(content_length(b"1048576"), Ok(Some(1048576)));
/// assert_eq!(content_length(b""), Ok(None));
/// assert_eq!(content_length(b"3, 3"), Err(FramingError::InvalidLength));
/// assert_eq!(content_length(b"18446744073709551616"), Err(FramingError::LengthOverflow));
/// ```
///
/// # Errors
///
/// [`FramingError::InvalidLength`] or [`FramingError::LengthOverflow`].
pub fn content_length(value: &[u8]) -> Result<Option<u64>, FramingError> {
    if value.is_empty() {
        return Ok(None);
    }
    match decimal::parse(value) {
        Ok(length) => Ok(Some(length)),
        Err(NotDecimal::NotDigits) => Err(FramingError::InvalidLength),
        Err(NotDecimal::Overflow) => Err(FramingError::LengthOverflow),
    }
}

/// Returns the Content-Length for the head of an answer whose whole body has `length` bytes.
///
/// An answer with the status 1xx or 204 gets no Content-Length (RFC 9110 section 8.6). A 304 and the answer to HEAD send no
/// body. If the application gives an empty body with them, the length of the answer to GET is not known, so they get no
/// Content-Length either. The application may still set one.
///
/// ```
/// use uwsgi::framing::whole_length;
///
/// assert_eq!(whole_length(200, false, 0), Some(0));
/// assert_eq!(whole_length(204, false, 5), None);
/// assert_eq!(whole_length(304, false, 0), None);
/// assert_eq!(whole_length(304, false, 5), Some(5));
/// ```
#[must_use]
pub const fn whole_length(status: u16, to_head_request: bool, length: u64) -> Option<u64> {
    let says_nothing = length == 0 && (to_head_request || status == 304);
    if has_no_length(status) || says_nothing { None } else { Some(length) }
}

/// Whether `declared`, the Content-Length in the head of an answer, is right for a whole body of `length` bytes.
///
/// A 304 and the answer to HEAD send no body. If the application gives an empty body with them, any Content-Length may be
/// right, because it is that of the answer to GET. An answer with the status 1xx or 204 [has no
/// Content-Length](whole_length) on the wire, so any is right.
///
/// ```
/// use uwsgi::framing::is_length_right;
///
/// assert!(is_length_right(200, false, 5, 5));
/// assert!(!is_length_right(200, false, 5, 4));
/// assert!(is_length_right(200, true, 5, 0)); // HEAD, without the work for the body
/// assert!(!is_length_right(200, true, 5, 4));
/// ```
#[must_use]
pub const fn is_length_right(status: u16, to_head_request: bool, declared: u64, length: u64) -> bool {
    match whole_length(status, to_head_request, length) {
        Some(length) => declared == length,
        None => true,
    }
}

/// Whether an answer of this status must not have a Content-Length (RFC 9110 section 8.6).
pub(crate) const fn has_no_length(status: u16) -> bool {
    matches!(status, 100..=199 | 204)
}
