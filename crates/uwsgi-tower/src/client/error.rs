//! Why there is no answer.

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

use crate::vars::VarsError;

/// Why a backend gave no answer, or no whole one.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// The answer is none, or not whole.
    Answer(ExchangeError),
    /// The request's body failed.
    Body(Box<dyn Error + Send + Sync>),
    /// The request's body has more bytes than its Content-Length says, or fewer.
    BodyLength,
    /// The request's body has no length, and more bytes than are [collected](super::Client::with_collected).
    BodyTooLong,
    /// Nobody answers at the address.
    Connect {
        /// The address.
        address: String,
        /// What the system says.
        error: Arc<io::Error>,
    },
    /// The request's Content-Length cannot be believed.
    Framing(FramingError),
    /// The answer's head is none of HTTP.
    Head(http::Error),
    /// The connection broke.
    Io(Arc<io::Error>),
    /// The request's own vars cannot be read back.
    Request(DecodeError),
    /// The backend was silent too long.
    Timeout,
    /// The request cannot be sent as vars; [`VarsError`] says why.
    Vars(VarsError),
}

impl ClientError {
    /// The status that a proxy answers with: 4xx where the request is at fault, 504 where the backend was silent too long, and
    /// 502 for everything else.
    ///
    /// ```
    /// assert_eq!(uwsgi_tower::ClientError::Timeout.status(), 504);
    /// ```
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Body(_) | Self::BodyLength | Self::Framing(_) => StatusCode::BAD_REQUEST,
            Self::BodyTooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Vars(error) => error.status(),
            Self::Answer(_) | Self::Connect { .. } | Self::Head(_) | Self::Io(_) | Self::Request(_) => {
                StatusCode::BAD_GATEWAY
            }
        }
    }

    /// Whether the connection was closed or reset before a byte of an answer.
    pub(crate) fn is_stale(&self) -> bool {
        matches!(self, Self::Io(_) | Self::Answer(ExchangeError::NoAnswer))
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(error) => error.fmt(f),
            Self::Body(error) => write!(f, "the request's body failed: {error}"),
            Self::BodyLength => f.write_str("the request's body is not as long as its Content-Length says"),
            Self::BodyTooLong => {
                f.write_str("the request's body is too long to be collected, and has no Content-Length")
            }
            Self::Connect { address, error } => write!(f, "cannot connect to the backend at {address}: {error}"),
            Self::Framing(error) => error.fmt(f),
            Self::Head(error) => write!(f, "the answer's head: {error}"),
            Self::Io(error) => write!(f, "the connection to the backend broke: {error}"),
            Self::Request(error) => error.fmt(f),
            Self::Timeout => f.write_str("the backend was silent too long"),
            Self::Vars(error) => error.fmt(f),
        }
    }
}

impl Error for ClientError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Answer(error) => Some(error),
            Self::Body(error) => Some(&**error),
            Self::Connect { error, .. } | Self::Io(error) => Some(&**error),
            Self::Framing(error) => Some(error),
            Self::Head(error) => Some(error),
            Self::Request(error) => Some(error),
            Self::Vars(error) => Some(error),
            Self::BodyLength | Self::BodyTooLong | Self::Timeout => None,
        }
    }
}
