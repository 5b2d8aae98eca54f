//! Why the head of a request is refused.

use core::error::Error;
use core::fmt;

use http::StatusCode;
use uwsgi::framing::FramingError;
use uwsgi::gateway::PathError;
use uwsgi::{EncodeError, write_source};

/// Why the head of a request is refused. A backend is not asked. The text is for the log, and has one line.
///
/// ```
/// use uwsgi_gateway::HeadError;
///
/// assert_eq!(HeadError::MissingHost.status(), 400);
/// assert_eq!(HeadError::TransferCoding.status(), 501);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadError {
    /// The target is `*`, and the method is not OPTIONS (RFC 9112 section 3.2.4).
    Asterisk,
    /// The target is a host without a path, and the method is not CONNECT (RFC 9112 section 3.2.3).
    AuthorityForm,
    /// The method is CONNECT. The gateway opens no tunnels to other hosts.
    ConnectMethod,
    /// A Content-Length is not a number, or two of them differ.
    ContentLength(FramingError),
    /// The vars do not fit into a packet, or one of them [may not be sent](EncodeError::is_forbidden).
    Encode(EncodeError),
    /// The client expects something other than `100-continue` (RFC 9110 section 10.1.1).
    Expectation,
    /// Two names become the same var, because one of them has an underscore.
    FoldedNames,
    /// The Host, or the host of the target, is not a host and maybe a port (RFC 9112 section 3.2).
    InvalidHost,
    /// A request of HTTP/1.1 has no Host (RFC 9112 section 3.2).
    MissingHost,
    /// The path cannot be decoded, or leads above the root.
    Path(PathError),
    /// The scheme of an absolute target is neither `http` nor `https`.
    Scheme,
    /// A TRACE request has a body (RFC 9110 section 9.3.8).
    TraceWithBody,
    /// Transfer-Encoding is other than one `chunked` (RFC 9112 section 6.1).
    TransferCoding,
    /// A request of HTTP/1.0 has a Transfer-Encoding (RFC 9112 section 6.1).
    TransferEncodingInHttp10,
    /// The request has more than one Host (RFC 9112 section 3.2).
    TwoHosts,
    /// The target has a user (RFC 9110 section 4.2.4).
    UserInfo,
}

impl HeadError {
    /// Returns the status of the answer.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::ConnectMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Encode(error) if !error.is_forbidden() => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::TransferCoding => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asterisk => "the target is `*`, and the method is not OPTIONS",
            Self::AuthorityForm => "the target is a host without a path, as only CONNECT has it",
            Self::ConnectMethod => "the method is CONNECT",
            Self::ContentLength(_) => "the Content-Length is not valid",
            Self::Encode(error) if error.is_forbidden() => "a var may not be sent",
            Self::Encode(_) => "the vars do not fit into a packet",
            Self::Expectation => "Expect is other than 100-continue",
            Self::FoldedNames => "two names of headers become the same var",
            Self::InvalidHost => "the Host, or the host of the target, is not a host and maybe a port",
            Self::MissingHost => "there is no Host",
            Self::Path(_) => "the path of the target is not valid",
            Self::Scheme => "the scheme of the target is neither http nor https",
            Self::TraceWithBody => "a TRACE request has a body",
            Self::TransferCoding => "Transfer-Encoding is other than one `chunked`",
            Self::TransferEncodingInHttp10 => "a request of HTTP/1.0 has a Transfer-Encoding",
            Self::TwoHosts => "there is more than one Host",
            Self::UserInfo => "the target has a user",
        })?;
        write_source(self, f)
    }
}

impl Error for HeadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::ContentLength(error) => Some(error),
            Self::Encode(error) => Some(error),
            Self::Path(error) => Some(error),
            _ => None,
        }
    }
}

impl From<EncodeError> for HeadError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<PathError> for HeadError {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}
