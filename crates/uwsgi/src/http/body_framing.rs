//! Where the body of a request ends, and where the body of an answer ends.

use crate::http::content_length::{self, FramingError};
use crate::http::response::ResponseHead;

/// How to read the bytes after a request's packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestFraming {
    /// The body is chunked on the connection (RFC 9112 section 7.1), as uWSGI's router sends it with `--http-chunked-input`. A
    /// server must be set up for it.
    Chunked,
    /// Exactly this many bytes.
    Length(u64),
    /// No length was declared, so there is no body. If bytes follow the packet, they may be an undeclared body.
    None,
}

/// Decides how a request's body is framed, by the last of its `CONTENT_LENGTH` vars and its `HTTP_TRANSFER_ENCODING`.
///
/// The last `CONTENT_LENGTH` counts, as in uWSGI 2.0 and gunicorn 27: in nginx a param that is set again after `include
/// uwsgi_params` replaces the first one. If there is no length, or if two have different bytes (`5` and `05` differ), the
/// connection must not be kept: see [`Request::allows_keepalive`](crate::Request::allows_keepalive).
///
/// `accept_chunked` is only for uWSGI's router with `--http-chunked-input`. nginx sends `HTTP_TRANSFER_ENCODING: chunked` with
/// a `CONTENT_LENGTH` and a body that is no longer chunked, so a length always wins. `HTTP_CONTENT_LENGTH` does not count.
///
/// | `CONTENT_LENGTH` | `HTTP_TRANSFER_ENCODING` | answer |
/// |---|---|---|
/// | absent or empty | absent, or not `chunked` | [`RequestFraming::None`] |
/// | absent or empty | `chunked` | [`RequestFraming::Chunked`] if accepted, else [`RequestFraming::None`] |
/// | digits that fit 64 bits | anything | [`RequestFraming::Length`] |
/// | anything else | anything | an error |
///
/// ```
/// use uwsgi::framing::{request_framing, FramingError, RequestFraming};
///
/// assert_eq!(request_framing(Some(b"5"), Some(b"chunked"), true), Ok(RequestFraming::Length(5)));
/// assert_eq!(request_framing(Some(b""), Some(b"chunked"), true), Ok(RequestFraming::Chunked));
/// assert_eq!(request_framing(None, Some(b"chunked"), false), Ok(RequestFraming::None));
/// assert_eq!(request_framing(Some(b"+5"), None, false), Err(FramingError::InvalidLength));
/// ```
///
/// # Errors
///
/// [`FramingError::InvalidLength`] or [`FramingError::LengthOverflow`].
pub fn request_framing(
    content_length: Option<&[u8]>,
    transfer_encoding: Option<&[u8]>,
    accept_chunked: bool,
) -> Result<RequestFraming, FramingError> {
    match content_length.map_or(Ok(None), content_length::content_length)? {
        Some(length) => Ok(RequestFraming::Length(length)),
        None if accept_chunked && transfer_encoding.is_some_and(|value| value.eq_ignore_ascii_case(b"chunked")) => {
            Ok(RequestFraming::Chunked)
        }
        None => Ok(RequestFraming::None),
    }
}

/// How to read the bytes after an answer's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseFraming {
    /// Chunks (RFC 9112 section 7.1).
    Chunked,
    /// All bytes up to the close of the connection.
    Close,
    /// Exactly this many bytes.
    Length(u64),
    /// No byte, whatever the head says.
    None,
    /// After a 101 the connection is no longer HTTP.
    Upgrade,
}

/// Decides how an answer's body is framed (RFC 9112 section 6.3), by its head and by whether the request was HEAD.
///
/// ```
/// use uwsgi::framing::{response_framing, ResponseFraming};
/// use uwsgi::response::ResponseHead;
///
/// let head = ResponseHead::decode(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")?;
/// assert_eq!(response_framing(&head, false), ResponseFraming::Length(5));
/// assert_eq!(response_framing(&head, true), ResponseFraming::None);
/// # Ok::<(), uwsgi::response::ResponseError>(())
/// ```
#[must_use]
pub const fn response_framing(head: &ResponseHead<'_>, to_head_request: bool) -> ResponseFraming {
    match (head.status(), head.content_length()) {
        (101, _) => ResponseFraming::Upgrade,
        (status, _) if !bytes_may_follow(status, to_head_request) => ResponseFraming::None,
        _ if head.is_chunked() => ResponseFraming::Chunked,
        (_, Some(length)) => ResponseFraming::Length(length),
        (_, None) => ResponseFraming::Close,
    }
}

/// Whether bytes may follow the head of an answer: those of a body (RFC 9110 section 6.4.1), or of an upgraded connection.
///
/// ```
/// use uwsgi::framing::bytes_may_follow;
///
/// assert!(bytes_may_follow(200, false) && bytes_may_follow(101, false));
/// assert!(!bytes_may_follow(200, true) && !bytes_may_follow(304, false));
/// ```
#[must_use]
pub const fn bytes_may_follow(status: u16, to_head_request: bool) -> bool {
    match status {
        101 => true,
        100..=199 | 204 | 304 => false,
        _ => !to_head_request,
    }
}
