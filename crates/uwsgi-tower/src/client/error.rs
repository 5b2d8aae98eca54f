//! Why a request got no response.

use core::error::Error;
use core::fmt;
use std::io;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use http::StatusCode;
use uwsgi::DecodeError;
use uwsgi::client::ExchangeError;
use uwsgi::framing::FramingError;
use uwsgi::write_source;

use crate::convert::vars_error::VarsError;
use crate::server::body::BodyError;

/// Why a backend gave no response, or only a part of one.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// The response is invalid or incomplete, or the backend sent no response.
    Answer(ExchangeError),
    /// The request's body failed.
    Body(Box<dyn Error + Send + Sync>),
    /// The request's body is longer or shorter than its Content-Length.
    BodyLength,
    /// The request's body has no known length, and is longer than what is [collected](crate::Client::with_max_collected_body).
    BodyTooLong,
    /// The client cannot connect to the address.
    Connect {
        /// The address.
        address: String,
        /// The error of the system.
        error: Arc<io::Error>,
    },
    /// The request's Content-Length is invalid.
    Framing(FramingError),
    /// The response's status is not one of HTTP.
    Head(http::Error),
    /// The connection broke.
    Io(Arc<io::Error>),
    /// The encoded request cannot be decoded again.
    Request(DecodeError),
    /// The backend was silent for too long.
    Timeout,
    /// The request cannot be encoded as vars; [`VarsError`] says why.
    Vars(VarsError),
}

impl ClientError {
    /// Returns the status for the response of a proxy.
    ///
    /// | status | error |
    /// |---|---|
    /// | 4xx | the request or its body is at fault |
    /// | 500 | a var of [`MoreVars`](crate::MoreVars) is invalid |
    /// | 503 | the backend has no room for another connection, or this machine has no more descriptors or ports |
    /// | 504 | the backend was silent for too long |
    /// | 502 | any other error |
    ///
    /// ```
    /// assert_eq!(uwsgi_tower::ClientError::Timeout.status(), 504);
    /// ```
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Body(error) => BodyError::find_refusal(&**error)
                .and_then(|refusal| StatusCode::from_u16(refusal.status()).ok())
                .unwrap_or(StatusCode::BAD_REQUEST),
            Self::BodyLength | Self::Framing(_) => StatusCode::BAD_REQUEST,
            Self::BodyTooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Connect { error, .. } if error.kind() == io::ErrorKind::TimedOut || is_exhausted(error) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Vars(error) => error.status(),
            Self::Answer(_) | Self::Connect { .. } | Self::Head(_) | Self::Io(_) | Self::Request(_) => {
                StatusCode::BAD_GATEWAY
            }
        }
    }

    /// Returns whether a timeout has passed: of a connect, or because the backend was silent.
    ///
    /// ```
    /// assert!(uwsgi_tower::ClientError::Timeout.is_timeout());
    /// ```
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Timeout => true,
            Self::Connect { error, .. } => error.kind() == io::ErrorKind::TimedOut,
            _ => false,
        }
    }

    /// Returns whether there was no connection to the backend, so that the backend got no byte of the request.
    ///
    /// ```
    /// assert!(!uwsgi_tower::ClientError::Timeout.is_connect());
    /// ```
    #[must_use]
    pub const fn is_connect(&self) -> bool {
        matches!(self, Self::Connect { .. })
    }

    /// Returns whether the connection may have been closed or reset before the first byte of a response.
    pub(crate) fn is_stale(&self) -> bool {
        matches!(self, Self::Io(_) | Self::Answer(ExchangeError::NoAnswer))
    }
}

/// `{}` does not print the [source](Error::source); `{:#}` prints it too.
impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(error) => return error.fmt(f),
            Self::Body(_) => f.write_str("the request's body failed")?,
            Self::BodyLength => f.write_str("the request's body is not as long as its Content-Length says")?,
            Self::BodyTooLong => {
                f.write_str("the request's body is too long to be collected, and has no Content-Length")?;
            }
            Self::Connect { address, .. } => write!(f, "cannot connect to the backend at {address}")?,
            Self::Framing(error) => return error.fmt(f),
            Self::Head(_) => f.write_str("the answer's head is invalid")?,
            Self::Io(_) => f.write_str("the connection to the backend broke")?,
            Self::Request(error) => return error.fmt(f),
            Self::Timeout => f.write_str("the backend was silent too long")?,
            Self::Vars(error) => return error.fmt(f),
        }
        write_source(self, f)
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // These print the error inside as their own text, so its source is theirs.
            Self::Answer(error) => error.source(),
            Self::Framing(error) => error.source(),
            Self::Request(error) => error.source(),
            Self::Vars(error) => error.source(),
            Self::Body(error) => Some(&**error),
            Self::Connect { error, .. } | Self::Io(error) => Some(&**error),
            Self::Head(error) => Some(error),
            Self::BodyLength | Self::BodyTooLong | Self::Timeout => None,
        }
    }
}

/// Returns whether this machine has no descriptors, ports or memory left, or the backlog of the backend is full.
#[cfg(unix)]
fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let exhausted = [Errno::ADDRNOTAVAIL, Errno::AGAIN, Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| exhausted.iter().any(|errno| errno.raw_os_error() == code))
}

#[cfg(not(unix))]
const fn is_exhausted(_: &io::Error) -> bool {
    false
}
