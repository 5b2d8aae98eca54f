//! Where a request's body ends: one decision, in one place.

use core::fmt;

use crate::http::response::ResponseHead;
use crate::wire::decimal::{self, NotDecimal};

/// How the bytes after a request's packet are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestBody {
    /// The body is chunked on the connection (RFC 9112 section 7.1), as uWSGI's router sends it with
    /// `--http-chunked-input`; only where that was asked for.
    Chunked,
    /// Exactly so many bytes.
    Length(u64),
    /// No length was declared: there is no body, and what follows the packet may be one that nobody announced.
    None,
}

/// Why a request's length cannot be believed; the request must be refused (400) and the connection closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FramingError {
    /// Two `Content-Length` headers of one message differ.
    ConflictingLengths,
    /// `CONTENT_LENGTH` is not a number of digits only.
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

/// Decides how a request's body is framed, from the last of its `CONTENT_LENGTH` vars and its `HTTP_TRANSFER_ENCODING`.
///
/// The last `CONTENT_LENGTH` counts, as in uWSGI 2.0 and gunicorn 27: in nginx a param that is set again after
/// `include uwsgi_params` replaces the first. Where there is no length, or several that are not
/// the same bytes (`5` and `05` differ), the connection must not be kept:
/// [`Request::allows_keepalive`](crate::Request::allows_keepalive).
///
/// `accept_chunked` is for uWSGI's router with `--http-chunked-input` alone. nginx sends `HTTP_TRANSFER_ENCODING:
/// chunked` beside a `CONTENT_LENGTH` and a body that is no longer chunked, so that a length always wins.
/// `HTTP_CONTENT_LENGTH` has no say.
///
/// | `CONTENT_LENGTH` | `HTTP_TRANSFER_ENCODING` | answer |
/// |---|---|---|
/// | absent or empty | absent | [`RequestBody::None`] |
/// | absent or empty | chunked | [`RequestBody::Chunked`] if accepted, else [`RequestBody::None`] |
/// | digits that fit 64 bits | anything | [`RequestBody::Length`] |
/// | anything else | anything | an error |
///
/// ```
/// use uwsgi::framing::{request_body, FramingError, RequestBody};
///
/// assert_eq!(request_body(Some(b"5"), Some(b"chunked"), true), Ok(RequestBody::Length(5)));
/// assert_eq!(request_body(Some(b""), Some(b"chunked"), true), Ok(RequestBody::Chunked));
/// assert_eq!(request_body(None, Some(b"chunked"), false), Ok(RequestBody::None));
/// assert_eq!(request_body(Some(b"+5"), None, false), Err(FramingError::InvalidLength));
/// ```
///
/// # Errors
///
/// [`FramingError::InvalidLength`] or [`FramingError::LengthOverflow`].
pub fn request_body(
    content_length: Option<&[u8]>,
    transfer_encoding: Option<&[u8]>,
    accept_chunked: bool,
) -> Result<RequestBody, FramingError> {
    match content_length.map_or(Ok(None), self::content_length)? {
        Some(length) => Ok(RequestBody::Length(length)),
        None if accept_chunked && transfer_encoding.is_some_and(|value| value.eq_ignore_ascii_case(b"chunked")) => {
            Ok(RequestBody::Chunked)
        }
        None => Ok(RequestBody::None),
    }
}

/// What all `Content-Length` headers of an HTTP message declare together; `None` when there is no header with a value.
///
/// Two that differ make the message invalid (RFC 9110 section 8.6). Vars are read otherwise: of several `CONTENT_LENGTH`
/// the last counts. Values are compared as they are written: a reader may take `5` and `05` for two lengths.
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
/// [`FramingError`], for the first value that is no length or differs from one before it.
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

/// A `CONTENT_LENGTH` as a number; `None` when empty, which front ends mean as absent.
///
/// Digits only (RFC 9110 section 8.6): no sign, no spaces, no list. uWSGI 2.0 takes leading digits of anything and
/// wraps on overflow, gunicorn 27 takes what Python's `int()` does and reads the rest as 0; both misframe the body.
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

/// The Content-Length that the head of an answer gets, where the whole body is known to have so many bytes.
///
/// An answer with the status 1xx or 204 gets no Content-Length (RFC 9110 section 8.6). 304 and the answer to HEAD send no body. If
/// their body is empty, nobody knows the length that the answer to GET would have, so they get no Content-Length either. The
/// application may still set one.
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

/// Whether the Content-Length that the head of an answer has, `told`, is right for a whole body of so many bytes.
///
/// Where no body will leave, no bytes say nothing about the length that the answer to GET would have, and any may be told: so it
/// is with 304 and with HEAD. Where the status is 1xx or 204 [no length leaves](whole_length), and none is wrong.
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
pub const fn is_length_right(status: u16, to_head_request: bool, told: u64, length: u64) -> bool {
    match whole_length(status, to_head_request, length) {
        Some(length) => told == length,
        None => true,
    }
}

/// Whether an answer of this status must not have a Content-Length (RFC 9110 section 8.6).
pub(crate) const fn has_no_length(status: u16) -> bool {
    matches!(status, 100..=199 | 204)
}

/// How the bytes after an answer's head are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseBody {
    /// Chunks (RFC 9112 section 7.1).
    Chunked,
    /// Everything up to the close.
    Close,
    /// Exactly so many bytes.
    Length(u64),
    /// No byte, whatever the head says.
    None,
    /// 101: the connection is no longer HTTP.
    Upgrade,
}

/// Decides how an answer's body is framed (RFC 9112 section 6.3), from its head and from whether the request was HEAD.
///
/// ```
/// use uwsgi::framing::{response_body, ResponseBody};
/// use uwsgi::response::ResponseHead;
///
/// let head = ResponseHead::decode(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")?;
/// assert_eq!(response_body(&head, false), ResponseBody::Length(5));
/// assert_eq!(response_body(&head, true), ResponseBody::None);
/// # Ok::<(), uwsgi::response::ResponseError>(())
/// ```
#[must_use]
pub const fn response_body(head: &ResponseHead<'_>, to_head_request: bool) -> ResponseBody {
    match (head.status(), head.content_length()) {
        (101, _) => ResponseBody::Upgrade,
        (100..=199 | 204 | 304, _) => ResponseBody::None,
        _ if to_head_request => ResponseBody::None,
        _ if head.is_chunked() => ResponseBody::Chunked,
        (_, Some(length)) => ResponseBody::Length(length),
        (_, None) => ResponseBody::Close,
    }
}
