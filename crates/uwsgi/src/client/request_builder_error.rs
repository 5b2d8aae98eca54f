//! Why the vars of a request cannot be made.

use core::fmt;

use crate::wire::error::EncodeError;
use crate::wire::source::write_source;

/// Why the vars of a request cannot be made.
///
/// `{}` prints what failed, and [`source`](core::error::Error::source) is the cause, where there is one. `{:#}` prints both in one
/// line, for a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestBuilderError {
    /// The vars do not fit into a packet, or one of them [may not be sent](EncodeError::is_forbidden).
    Encode(EncodeError),
    /// The host is not a host with or without a port (RFC 9112 section 3.2).
    InvalidHost,
    /// The target has no path: it is a host and a port, as CONNECT has it (RFC 9112 section 3.2.3), or does not begin with a
    /// slash. uwsgi has no vars for it.
    NoPath,
    /// The target has a control byte, a space or a `#`. A URL has them encoded, such as `%20`, and a target has no fragment.
    NotEncoded,
    /// The path has a `%00`. It would be a NUL in `PATH_INFO`, and servers refuse that.
    NulInPath,
    /// The path is outside the application's mount.
    OutsideMount,
}

impl fmt::Display for RequestBuilderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encode(error) if error.is_forbidden() => "a var of the request may not be sent",
            Self::Encode(_) => "the request's vars do not fit into a packet",
            Self::InvalidHost => "the request's host is not a host and maybe a port",
            Self::NoPath => "the request's target has no path",
            Self::NotEncoded => "the request's target has a byte that must be percent-encoded",
            Self::NulInPath => "the request's path has a NUL (%00)",
            Self::OutsideMount => "the request's path is not below the application's mount",
        })?;
        write_source(self, f)
    }
}

impl core::error::Error for RequestBuilderError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Encode(error) => Some(error),
            _ => None,
        }
    }
}
