//! Why a well-formed packet is not the message it was taken for.

use core::fmt;

use crate::wire::error::DecodeError;
use crate::wire::modifier::Modifier1;

/// Why a packet is not the message that was asked for.
///
/// ```
/// use uwsgi::Packet;
/// use uwsgi::message::{CacheRequest, MessageError};
///
/// let (packet, _) = Packet::decode(b"\x6f\x0d\x00\x11\x03\x00cmd\x06\x00forget")?;
/// let error = CacheRequest::decode(&packet).unwrap_err();
/// assert_eq!(error, MessageError::Invalid { key: "cmd" });
/// assert_eq!(error.to_string(), "the value of cmd is none that this message knows");
/// # Ok::<(), uwsgi::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageError {
    /// The payload is malformed.
    Decode(DecodeError),
    /// The value of a key, or the array item of that name, is not what the message asks for.
    Invalid {
        /// The key.
        key: &'static str,
    },
    /// A key, or the array item of that name, is missing.
    Missing {
        /// The key.
        key: &'static str,
    },
    /// modifier1 is that of another message.
    Modifier1 {
        /// What it should be.
        expected: Modifier1,
    },
    /// modifier2 says that the payload is something else.
    Modifier2 {
        /// What it is.
        found: u8,
    },
    /// `sign` is not the last pair, so that what it covers is not known.
    SignNotLast,
    /// The array has more items than the message.
    TooManyItems {
        /// How many there may be.
        most: usize,
    },
}

impl From<DecodeError> for MessageError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => error.fmt(f),
            Self::Invalid { key } => write!(f, "the value of {key} is none that this message knows"),
            Self::Missing { key } => write!(f, "{key} is missing"),
            Self::Modifier1 { expected } => write!(f, "modifier1 is not {expected:?}"),
            Self::Modifier2 { found } => write!(f, "modifier2 {found} says that this is another message"),
            Self::SignNotLast => f.write_str("sign is not the last pair"),
            Self::TooManyItems { most } => write!(f, "more than {most} items"),
        }
    }
}

impl core::error::Error for MessageError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Decode(error) => Some(error),
            _ => None,
        }
    }
}
