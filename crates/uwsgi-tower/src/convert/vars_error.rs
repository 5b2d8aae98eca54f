//! Why a request cannot be encoded as vars.

use core::error::Error;
use core::fmt;

use http::StatusCode;
use uwsgi::client::RequestBuilderError;
use uwsgi::{EncodeError, EncodeErrorKind, write_source};

/// Why a request of `http` cannot be encoded as vars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VarsError {
    /// The target is a host and a port without a path, as CONNECT has it (RFC 9112 section 3.2.3). uwsgi has no vars for it,
    /// and nginx 1.22 answers 400.
    AuthorityForm,
    /// The vars do not fit into a packet, or one of them [may not be sent](EncodeError::is_forbidden).
    Encode(EncodeError),
    /// The target has a byte that must be percent-encoded.
    InvalidTarget,
    /// The Host header, or the host of the target, is not a host with or without a port (RFC 9112 section 3.2).
    InvalidHost,
    /// A var of [`MoreVars`](crate::MoreVars) can never be sent. The program that set it is at fault, not the request.
    MoreVars(EncodeError),
    /// The path has a `%00`. It would be a NUL in `PATH_INFO`, and servers refuse that.
    NulInPath,
    /// The path is outside the application's [`Mount`](crate::Mount).
    OutsideMount,
    /// The request has more than one Host header (RFC 9112 section 3.2).
    TwoHosts,
}

impl VarsError {
    /// Returns the status for the response of a gateway.
    ///
    /// ```
    /// assert_eq!(uwsgi_tower::VarsError::TwoHosts.status(), 400);
    /// ```
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Encode(error) if !error.is_forbidden() => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::MoreVars(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::AuthorityForm
            | Self::Encode(_)
            | Self::InvalidHost
            | Self::InvalidTarget
            | Self::NulInPath
            | Self::TwoHosts => StatusCode::BAD_REQUEST,
            Self::OutsideMount => StatusCode::NOT_FOUND,
        }
    }
}

/// `{}` does not print the [source](Error::source); `{:#}` prints it too.
impl fmt::Display for VarsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AuthorityForm => "the request's target is a host without a path, as only CONNECT has it",
            Self::Encode(error) if error.is_forbidden() => "a var or header of the request may not be sent",
            Self::Encode(_) => "the request's vars do not fit into a packet",
            Self::MoreVars(_) => "a var of MoreVars cannot be sent",
            Self::InvalidHost => "the request's Host is not a host and maybe a port",
            Self::InvalidTarget => "the request's target has a byte that must be percent-encoded",
            Self::NulInPath => "the request's path has a NUL (%00)",
            Self::OutsideMount => "the request's path is not below the application's mount",
            Self::TwoHosts => "the request has more than one Host",
        })?;
        write_source(self, f)
    }
}

impl Error for VarsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Encode(error) | Self::MoreVars(error) => Some(error),
            _ => None,
        }
    }
}

impl VarsError {
    /// Makes the error for a var of `MoreVars`. If the packet is full, the error is `Encode`, because the request's own vars
    /// may have filled it.
    pub(crate) const fn of_more_vars(error: EncodeError) -> Self {
        match error.kind() {
            EncodeErrorKind::BufferFull | EncodeErrorKind::DatasizeTooLarge => Self::Encode(error),
            _ => Self::MoreVars(error),
        }
    }
}

impl From<RequestBuilderError> for VarsError {
    fn from(error: RequestBuilderError) -> Self {
        match error {
            RequestBuilderError::Encode(error) => Self::Encode(error),
            RequestBuilderError::InvalidHost => Self::InvalidHost,
            RequestBuilderError::NoPath => Self::AuthorityForm,
            RequestBuilderError::NulInPath => Self::NulInPath,
            RequestBuilderError::OutsideMount => Self::OutsideMount,
            _ => Self::InvalidTarget,
        }
    }
}

impl From<EncodeError> for VarsError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}
