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

use crate::convert::vars_error::VarsError;

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
    /// Returns the status for the response of a gateway: 4xx if the request is at fault, 500 for an invalid var of
    /// [`MoreVars`](crate::MoreVars), 504 if the backend was silent for too long, and 502 for any other error.
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

    /// Returns whether the connection may have been closed or reset before the first byte of a response.
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
