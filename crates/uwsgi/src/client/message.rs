//! The answer to a packet that is not a web request.

use crate::wire::decimal;
use crate::wire::error::DecodeError;
use crate::wire::packet::Packet;

/// What to do about the answer to a packet that is not a web request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a driver must handle every step")]
pub enum MessageStep {
    /// The answer is HTTP: the server accepts web requests only.
    Http {
        /// Its status; 0 where the bytes have no status.
        status: u16,
    },
    /// The stream ended, and the bytes are not a packet.
    Malformed(DecodeError),
    /// Read: at least this many more bytes belong to the packet.
    Need(usize),
    /// The server closed without an answer. uWSGI refuses messages in this way.
    NoAnswer,
    /// The first `end` bytes are a packet. Decode it: the packet says whether the bytes after it belong to the answer.
    Packet {
        /// The length of the packet with its header.
        end: usize,
    },
}

/// Looks at all bytes of the answer to a packet that is not a web request. `eof` says that no more bytes will come. No packet
/// that answers a message begins with the bytes `HTTP`.
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

/// Where the status is, after `HTTP/1.1 `.
const STATUS: core::ops::Range<usize> = 9..12;
