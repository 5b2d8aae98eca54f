//! What answers a packet that is no web request.

use crate::wire::decimal;
use crate::wire::error::DecodeError;
use crate::wire::packet::Packet;

/// What the bytes are that have come in answer to a packet that is no web request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a driver must not pass over what it is told to do")]
pub enum MessageStep {
    /// HTTP: the server takes web requests only.
    Http {
        /// Its status; 0 where there is none to be read.
        status: u16,
    },
    /// No packet, and no more will come.
    Malformed(DecodeError),
    /// Read: at least so many more bytes belong to the packet.
    Need(usize),
    /// The server closed without a byte, which is how uWSGI says no.
    NoAnswer,
    /// The first `end` bytes are a packet: decode it. What follows belongs to it, if the packet says so.
    Packet {
        /// Its length, its header counted.
        end: usize,
    },
}

/// Looks at all that has come in answer to a packet that is no web request; `eof` says that no more will. No message is
/// answered by a packet whose first bytes are those of `HTTP`.
///
/// ```
/// use uwsgi::client::{MessageStep, message_answer};
///
/// assert_eq!(message_answer(b"\x64\0", false), MessageStep::Need(2));
/// assert_eq!(message_answer(b"\x64\0\0\x01", false), MessageStep::Packet { end: 4 });
/// assert_eq!(message_answer(b"HTTP/1.1 501 Not Implemented\r\n", false), MessageStep::Http { status: 501 });
/// assert_eq!(message_answer(b"", true), MessageStep::NoAnswer);
/// ```
#[must_use]
pub fn message_answer(got: &[u8], eof: bool) -> MessageStep {
    if got.starts_with(b"HTTP") {
        return match got.get(STATUS) {
            None if !eof => MessageStep::Need(STATUS.end.saturating_sub(got.len())),
            digits => {
                let status = digits.and_then(|digits| decimal::parse(digits).ok());
                MessageStep::Http { status: status.and_then(|status| u16::try_from(status).ok()).unwrap_or(0) }
            }
        };
    }
    match (Packet::decode(got), eof) {
        (Ok((packet, _)), _) => MessageStep::Packet { end: packet.encoded_len() },
        (Err(_), true) if got.is_empty() => MessageStep::NoAnswer,
        (Err(error), true) => MessageStep::Malformed(error),
        (Err(error), false) => error.needed().map_or(MessageStep::Malformed(error), MessageStep::Need),
    }
}

/// Where the status stands behind `HTTP/1.1 `.
const STATUS: core::ops::Range<usize> = 9..12;
