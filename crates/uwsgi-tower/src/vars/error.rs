//! Why a request cannot be written as vars.

use core::error::Error;
use core::fmt;

use http::StatusCode;
use uwsgi::EncodeError;

/// Why a request of `http` cannot be sent as vars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VarsError {
    /// The vars do not fit into a packet.
    Encode(EncodeError),
    /// The Host header, or the host of the target, is not a host and maybe a port (RFC 9112 section 3.2).
    InvalidHost,
    /// The path has a `%00`. A server refuses the NUL that it would be in `PATH_INFO`.
    NulInPath,
    /// The path is not the application's [`Mount`](crate::Mount), and not below it.
    OutsideMount,
    /// The request has more than one Host header (RFC 9112 section 3.2).
    TwoHosts,
}

impl VarsError {
    /// The status that a front end answers with.
    ///
    /// ```
    /// assert_eq!(uwsgi_tower::VarsError::TwoHosts.status(), 400);
    /// ```
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Encode(_) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::InvalidHost | Self::NulInPath | Self::TwoHosts => StatusCode::BAD_REQUEST,
            Self::OutsideMount => StatusCode::NOT_FOUND,
        }
    }
}

impl fmt::Display for VarsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => write!(f, "the request's vars: {error}"),
            Self::InvalidHost => f.write_str("the request's Host is not a host and maybe a port"),
            Self::NulInPath => f.write_str("the request's path has a NUL (%00)"),
            Self::OutsideMount => f.write_str("the request's path is not below the application's mount"),
            Self::TwoHosts => f.write_str("the request has more than one Host"),
        }
    }
}

impl Error for VarsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Encode(error) => Some(error),
            _ => None,
        }
    }
}

impl From<EncodeError> for VarsError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}
