//! Which bytes the values of a request may have. [`Request`] does not check them; [`check`] reads the vars once more.

use core::fmt;

use crate::cgi::request::Request;
use crate::http::token::position_outside_token;
use crate::wire::control_bytes::{line_end_or_nul, nul};

/// Why the value of a var is refused: a byte that is not allowed in it, or an empty method. A server answers 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentError<'a> {
    key: &'a [u8],
    kind: ContentErrorKind,
    position: usize,
}

/// What was wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContentErrorKind {
    /// CR, LF or NUL, which would end a line or a string in a program that gets the value later.
    ControlByte,
    /// An empty method.
    EmptyMethod,
    /// A method that is not a token (RFC 9110 section 9.1).
    MethodNotToken,
    /// NUL in a path.
    Nul,
}

impl<'a> ContentError<'a> {
    /// Returns the key of the var.
    #[must_use]
    pub const fn key(&self) -> &'a [u8] {
        self.key
    }

    /// Returns what was wrong.
    #[must_use]
    pub const fn kind(&self) -> ContentErrorKind {
        self.kind
    }

    /// Returns the position of the byte in the value; 0 for an empty method.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }
}

impl fmt::Display for ContentError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, at) = (self.key.escape_ascii(), self.position);
        match self.kind {
            ContentErrorKind::ControlByte => write!(f, "CR, LF or NUL in {key}, at byte {at}"),
            ContentErrorKind::EmptyMethod => write!(f, "{key} is empty"),
            ContentErrorKind::MethodNotToken => write!(f, "{key} is no method: byte {at} is not allowed in one"),
            ContentErrorKind::Nul => write!(f, "NUL in {key}, at byte {at}"),
        }
    }
}

impl core::error::Error for ContentError<'_> {}

/// Checks the bytes of all values; duplicates are checked too.
///
/// `REQUEST_METHOD` must be a token. CR, LF and NUL are refused in `REQUEST_URI`, `SERVER_PROTOCOL`, `CONTENT_*` and
/// `HTTP_*`. In `PATH_INFO` only NUL is refused, because a front end decodes `%0D` and `%0A` there on purpose. Other vars are
/// not checked; most of them come from the front end itself. uWSGI 2.0 and gunicorn 27 make none of these checks.
///
/// ```
/// use uwsgi::{check, ContentErrorKind, Packet, Request};
///
/// let (packet, _) = Packet::decode(b"\x00\x10\x00\x00\x06\x00HTTP_X\x06\x00a\r\nb: ")?;
/// let request = Request::decode(&packet)?;
/// let error = check(&request).unwrap_err();
/// assert_eq!((error.key(), error.kind(), error.position()), (&b"HTTP_X"[..], ContentErrorKind::ControlByte, 1));
/// # Ok::<(), uwsgi::DecodeError>(())
/// ```
///
/// # Errors
///
/// [`ContentError`], for the first refused var in wire order.
pub fn check<'a>(request: &Request<'a>) -> Result<(), ContentError<'a>> {
    request.vars().iter().try_for_each(|(key, value)| check_var(key, value))
}

/// Does what [`check`] does, for one var.
///
/// # Errors
///
/// [`ContentError`].
pub fn check_var<'a>(key: &'a [u8], value: &[u8]) -> Result<(), ContentError<'a>> {
    match fault(key, value) {
        Some((kind, position)) => Err(ContentError { key, kind, position }),
        None => Ok(()),
    }
}

/// Returns what is wrong with the value of a var, and where.
#[inline(always)]
pub(crate) fn fault(key: &[u8], value: &[u8]) -> Option<(ContentErrorKind, usize)> {
    match key {
        b"REQUEST_METHOD" if value.is_empty() => Some((ContentErrorKind::EmptyMethod, 0)),
        b"REQUEST_METHOD" => position_outside_token(value).map(|at| (ContentErrorKind::MethodNotToken, at)),
        b"PATH_INFO" => nul(value).map(|at| (ContentErrorKind::Nul, at)),
        b"REQUEST_URI" | b"SERVER_PROTOCOL" => line_end(value),
        [b'H', b'T', b'T', b'P', b'_', ..] | [b'C', b'O', b'N', b'T', b'E', b'N', b'T', b'_', ..] => line_end(value),
        _ => None,
    }
}

#[inline(always)]
fn line_end(value: &[u8]) -> Option<(ContentErrorKind, usize)> {
    line_end_or_nul(value).map(|at| (ContentErrorKind::ControlByte, at))
}
