//! Why an exchange has no answer.

use core::fmt;

use crate::http::chunked::ChunkError;
use crate::http::response_error::ResponseError;
use crate::wire::source::write_source;

/// The largest number of interim answers in one exchange.
pub(crate) const MOST_INTERIM: u8 = 100;

/// Why an exchange has no answer.
///
/// `{}` prints what failed, and [`source`](core::error::Error::source) is the cause, where there is one. `{:#}` prints both in one
/// line, for a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The stream ended inside the body.
    BodyCutShort {
        /// How many of the declared bytes did not come; 0 where no length was declared.
        missing: u64,
    },
    /// The chunked body is malformed.
    Chunk(ChunkError),
    /// The backend closed before the first byte of an answer. uWSGI does so with every request that it refuses.
    NoAnswer,
    /// The program that drives the machine called it [out of order](crate::client::Exchange#order).
    OutOfOrder,
    /// The head is refused.
    Response(ResponseError),
    /// More interim answers than [`MOST_INTERIM`](crate::client::Exchange::MOST_INTERIM).
    TooManyInterim,
    /// The backend switches protocols (101), and the request did not offer to switch to those of the answer's `Upgrade`
    /// (RFC 9110 sections 7.8 and 15.2.2). If a request offers more than four protocols, the first three count.
    UnaskedUpgrade,
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BodyCutShort { missing: 0 } => f.write_str("the backend closed inside the answer's body"),
            Self::BodyCutShort { missing } => write!(f, "the backend closed {missing} bytes before the answer's end"),
            Self::Chunk(_) => f.write_str("the answer's chunked body is malformed"),
            Self::NoAnswer => f.write_str("the backend closed without an answer, as uWSGI does with what it refuses"),
            Self::OutOfOrder => f.write_str("the client called its state machine out of order"),
            Self::Response(_) => f.write_str("the answer's head is refused"),
            Self::TooManyInterim => {
                write!(f, "more than {} interim answers (1xx) before the final one", MOST_INTERIM)
            }
            Self::UnaskedUpgrade => {
                f.write_str("the backend switches to a protocol (101) that the request's Upgrade does not offer")
            }
        }?;
        write_source(self, f)
    }
}

impl core::error::Error for ExchangeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Chunk(error) => Some(error),
            Self::Response(error) => Some(error),
            _ => None,
        }
    }
}
