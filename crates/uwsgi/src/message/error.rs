//! Why a packet is not the expected message.

use core::fmt;

use crate::wire::error::DecodeError;
use crate::wire::modifier::Modifier1;
use crate::wire::source::write_source;

/// Why a packet is not the expected message.
///
/// ```
/// use uwsgi::Packet;
/// use uwsgi::message::{CacheRequest, MessageError};
///
/// let (packet, _) = Packet::decode(b"\x6f\x0d\x00\x11\x03\x00cmd\x06\x00forget")?;
/// let error = CacheRequest::decode(&packet).unwrap_err();
/// assert_eq!(error, MessageError::Invalid { key: "cmd" });
/// assert_eq!(error.to_string(), "the value of cmd is not one that this message allows");
/// # Ok::<(), uwsgi::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageError {
    /// The payload is malformed.
    Decode(DecodeError),
    /// The value of a key, or the array item of that name, is not one that the message allows.
    Invalid {
        /// The key.
        key: &'static str,
    },
    /// A key, or the array item of that name, is missing.
    Missing {
        /// The key.
        key: &'static str,
    },
    /// modifier1 is not that of the message.
    Modifier1 {
        /// What modifier1 should be.
        expected: Modifier1,
    },
    /// modifier2 is not one of the message.
    Modifier2 {
        /// What modifier2 is.
        found: u8,
    },
    /// `sign` is not the last pair, so it is not known which bytes it covers.
    SignNotLast,
    /// The array has more items than the message allows.
    TooManyItems {
        /// The largest number of items.
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
            Self::Decode(_) => f.write_str("the payload is malformed"),
            Self::Invalid { key } => write!(f, "the value of {key} is not one that this message allows"),
            Self::Missing { key } => write!(f, "{key} is missing"),
            Self::Modifier1 { expected } => write!(f, "modifier1 is not {expected:?}"),
            Self::Modifier2 { found } => write!(f, "modifier2 {found} says that this is another message"),
            Self::SignNotLast => f.write_str("sign is not the last pair"),
            Self::TooManyItems { most } => write!(f, "more than {most} items"),
        }?;
        write_source(self, f)
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
