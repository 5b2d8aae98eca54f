//! Which vars an encoder writes. It refuses those that different readers of the packet would understand differently.

use crate::cgi::check::{self, ContentErrorKind};
use crate::cgi::field_name;
use crate::cgi::name::HeaderName;
use crate::http::content_length::content_length;
use crate::wire::control_bytes::{has_byte_under_space, line_end_or_nul};
use crate::wire::error::{EncodeError, EncodeErrorKind};

/// The client headers that a [`VarsEncoder`](crate::VarsEncoder) writes although it refuses them by default.
///
/// By default it refuses:
///
/// - `Proxy`, which becomes `HTTP_PROXY` in CGI; programs read this var as the address of a proxy to use (CVE-2016-5385);
/// - names with an underscore, which readers cannot tell from the same name with a dash;
/// - `Transfer-Encoding`, which uWSGI with `--wsgi-manage-chunked-input` prefers to `CONTENT_LENGTH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeaderPolicy {
    proxy: bool,
    underscores: bool,
    chunked: bool,
}

impl HeaderPolicy {
    /// Sets whether the header `Proxy`, which is the var `HTTP_PROXY`, is written; false by default.
    #[must_use]
    pub const fn allow_proxy(self, allowed: bool) -> Self {
        Self { proxy: allowed, ..self }
    }

    /// Sets whether header names with an underscore are written, as nginx's `underscores_in_headers` does; false by default.
    ///
    /// This holds for [`push_header`](crate::VarsEncoder::push_header) only: a key does not tell whether the name of its header
    /// had an underscore or a dash.
    #[must_use]
    pub const fn allow_underscores(self, allowed: bool) -> Self {
        Self { underscores: allowed, ..self }
    }

    /// Sets whether `Transfer-Encoding: chunked`, which is the var `HTTP_TRANSFER_ENCODING`, is written where there is no
    /// `CONTENT_LENGTH`; false by default. It is for a body that is chunked on the connection, as uWSGI's router sends it with
    /// `--http-chunked-input`.
    #[must_use]
    pub const fn allow_chunked(self, allowed: bool) -> Self {
        Self { chunked: allowed, ..self }
    }

    /// Checks the name and the value of a header. [`Framing::with_header`] checks what they say about the body.
    pub(crate) fn check_header(self, name: &[u8], value: &[u8]) -> Result<(), EncodeError> {
        field_name::check(name, self.underscores)?;
        if !self.proxy && name.eq_ignore_ascii_case(b"proxy") {
            return Err(EncodeError::new(EncodeErrorKind::ProxyHeader, 0, 0));
        }
        match line_end_or_nul(value) {
            Some(at) => Err(EncodeError::new(EncodeErrorKind::HeaderValue, at, value.len())),
            None => Ok(()),
        }
    }
}

/// What the vars so far say about the end of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Framing {
    length: Length,
    chunked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Length {
    #[default]
    Absent,
    /// The var is there and empty. Front ends mean by it that there is no length.
    Empty,
    Known(u64),
}

impl Framing {
    /// Checks a var that follows the vars so far, and returns what all of them say together. A [plain](is_plain) var needs no
    /// check.
    #[inline(never)]
    pub(crate) fn with(self, policy: HeaderPolicy, key: &[u8], value: &[u8]) -> Result<Self, EncodeError> {
        match key {
            b"CONTENT_LENGTH" => return self.with_length(value),
            b"HTTP_PROXY" if !policy.proxy => return Err(EncodeError::new(EncodeErrorKind::ProxyHeader, 0, 0)),
            b"HTTP_CONTENT_LENGTH" => return self.with_repeated_length(value),
            b"HTTP_TRANSFER_ENCODING" => return self.with_transfer_encoding(policy, value),
            _ => {}
        }
        if let Some(at) = line_end_or_nul(key) {
            return Err(EncodeError::new(EncodeErrorKind::Key, at, key.len()));
        }
        match check::fault(key, value) {
            Some((kind, at)) => Err(refused_value(kind, at, value.len())),
            None => Ok(self),
        }
    }

    /// Does what [`with`](Self::with) does, for a header whose name and value were [checked](HeaderPolicy::check_header).
    pub(crate) fn with_header(self, policy: HeaderPolicy, name: &[u8], value: &[u8]) -> Result<Self, EncodeError> {
        let name = HeaderName::of_header(name);
        if name == "content-length" {
            self.with_repeated_length(value)
        } else if name == "transfer-encoding" {
            self.with_transfer_encoding(policy, value)
        } else {
            Ok(self)
        }
    }

    /// Adds a `CONTENT_LENGTH`. Of two, readers take the first, the last, or both, so a second one is refused.
    pub(crate) fn with_length(self, value: &[u8]) -> Result<Self, EncodeError> {
        let length = match content_length(value) {
            Ok(Some(length)) => Length::Known(length),
            Ok(None) => Length::Empty,
            Err(_) => return Err(EncodeError::new(EncodeErrorKind::ContentLength, 0, 0)),
        };
        match (self.length, length) {
            (Length::Absent, Length::Known(_)) if self.chunked => {
                Err(EncodeError::new(EncodeErrorKind::TransferEncoding, 0, 0))
            }
            (Length::Absent, length) => Ok(Self { length, ..self }),
            _ => Err(EncodeError::new(EncodeErrorKind::SecondContentLength, 0, 0)),
        }
    }

    /// Adds an `HTTP_CONTENT_LENGTH`, which nginx and lighttpd send after `CONTENT_LENGTH`. gunicorn 27 tells the application
    /// this length, and reads as many bytes as `CONTENT_LENGTH` says.
    fn with_repeated_length(self, value: &[u8]) -> Result<Self, EncodeError> {
        match content_length(value) {
            Ok(Some(length)) if self.length == Length::Known(length) => Ok(self),
            Ok(None) if self.length == Length::Empty => Ok(self),
            Ok(_) => Err(EncodeError::new(EncodeErrorKind::SecondContentLength, 0, 0)),
            Err(_) => Err(EncodeError::new(EncodeErrorKind::ContentLength, 0, 0)),
        }
    }

    fn with_transfer_encoding(self, policy: HeaderPolicy, value: &[u8]) -> Result<Self, EncodeError> {
        let no_length = !matches!(self.length, Length::Known(_));
        if policy.chunked && no_length && !self.chunked && value.eq_ignore_ascii_case(b"chunked") {
            Ok(Self { chunked: true, ..self })
        } else {
            Err(EncodeError::new(EncodeErrorKind::TransferEncoding, 0, 0))
        }
    }
}

/// Whether a var needs no check: no byte is less than a space, and no rule is about its key.
///
/// Nearly all vars are plain. An encoder that called [`Framing::with`] for each var would take five times as long.
#[inline(always)]
pub(crate) fn is_plain(key: &[u8], value: &[u8]) -> bool {
    !has_byte_under_space(value) && !has_byte_under_space(key) && !may_have_rule(key)
}

/// Whether [`Framing::with`] may have a rule about a key. All keys with a rule have one of these lengths and one of these last
/// bytes; few other keys have both.
#[inline(always)]
fn may_have_rule(key: &[u8]) -> bool {
    // CONTENT_LENGTH and REQUEST_METHOD, HTTP_CONTENT_LENGTH, HTTP_PROXY, HTTP_TRANSFER_ENCODING.
    matches!(key.len(), 10 | 14 | 19 | 22) & matches!(key.last(), Some(b'D' | b'G' | b'H' | b'Y'))
}

#[cold]
fn refused_value(kind: ContentErrorKind, at: usize, len: usize) -> EncodeError {
    let kind = match kind {
        ContentErrorKind::ControlByte | ContentErrorKind::Nul => EncodeErrorKind::HeaderValue,
        ContentErrorKind::EmptyMethod | ContentErrorKind::MethodNotToken => EncodeErrorKind::Method,
    };
    EncodeError::new(kind, at, len)
}
