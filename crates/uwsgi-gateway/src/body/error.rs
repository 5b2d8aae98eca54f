//! Why the body of a request is not read to its end.

use core::error::Error;
use core::fmt;
use std::io;

use alloc::boxed::Box;
use http::StatusCode;

use crate::buffer::WriteError;
use uwsgi::write_source;

/// Why the body of a request is not read to its end.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// The body is longer than the limit.
    TooLong,
    /// The body was silent for too long, or came at too low a rate.
    TooSlow,
    /// The client sent an invalid body, for example a malformed chunk.
    Malformed(Box<dyn Error + Send + Sync>),
    /// The client broke off.
    Client(Box<dyn Error + Send + Sync>),
    /// All bodies together need more memory and disk than they may have.
    BuffersFull,
    /// The temporary file does not work; its disk may be full.
    Temp(io::Error),
}

impl BodyError {
    /// Makes the error of a body that failed.
    pub(crate) fn of_client(error: Box<dyn Error + Send + Sync>) -> Self {
        if is_malformed(&*error) { Self::Malformed(error) } else { Self::Client(error) }
    }

    /// Returns the status of the answer; `None` where the client has broken off, and gets no answer.
    pub(crate) const fn status(&self) -> Option<StatusCode> {
        match self {
            Self::TooLong => Some(StatusCode::PAYLOAD_TOO_LARGE),
            Self::TooSlow => Some(StatusCode::REQUEST_TIMEOUT),
            Self::Malformed(_) => Some(StatusCode::BAD_REQUEST),
            Self::Client(_) => None,
            Self::BuffersFull | Self::Temp(_) => Some(StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

/// Whether the bytes of a body were wrong, and not its connection. hyper 1.12 (`proto/h1/decode.rs`) has an I/O error of one of
/// these kinds as its source then.
fn is_malformed(error: &(dyn Error + 'static)) -> bool {
    let mut errors = core::iter::successors(Some(error), |error| (*error).source());
    errors.any(|error| {
        error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData))
    })
}

impl From<WriteError> for BodyError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Full => Self::BuffersFull,
            WriteError::File(error) => Self::Temp(error),
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the body is longer than --max-body",
            Self::TooSlow => "the client sends the body too slowly",
            Self::Malformed(_) => "the body is malformed",
            Self::Client(_) => "the client broke off in the body",
            Self::BuffersFull => "the bodies need more than --buffer-memory and --temp-max",
            Self::Temp(_) => "the temporary file of the body cannot be used",
        })?;
        write_source(self, f)
    }
}

impl Error for BodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Malformed(error) | Self::Client(error) => Some(&**error),
            Self::Temp(error) => Some(error),
            Self::TooLong | Self::TooSlow | Self::BuffersFull => None,
        }
    }
}
