//! What the receiving half of a server tells its driver to do.

use crate::server::refusal::Refusal;

/// What to do about a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a driver must handle every step")]
pub enum HeadStep {
    /// Close the connection. Nothing came, which is not an error.
    Close,
    /// The first `end` bytes are a packet. Decode it with [`Receive::request`](crate::server::Receive::request). The body
    /// follows it.
    Head {
        /// The length of the packet with its header.
        end: usize,
    },
    /// The first `end` bytes are a packet that is not a web request, of a kind that the settings accept. Decode it with
    /// [`Receive::message`](crate::server::Receive::message). All bytes that follow it belong to it, to the end of the stream.
    Message {
        /// The length of the packet with its header.
        end: usize,
    },
    /// Read: at least this many more bytes complete the header or the block. Ask again after every read, even if fewer bytes
    /// came.
    Need(usize),
    /// The first `end` bytes are a ping. Write [`PONG`](crate::server::Receive::PONG), half-close, drain and close.
    Pong {
        /// The length of the packet with its header.
        end: usize,
    },
    /// Write the refusal's response, half-close, drain and close.
    Refuse(Refusal),
    /// The first `count` bytes belong to the unread rest of the previous body. Skip them, and ask again.
    Skip {
        /// The number of bytes; never 0.
        count: usize,
    },
}

/// What to do about a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a driver must handle every step")]
pub enum BodyStep {
    /// Skip `skip` bytes, then give the next `take` bytes to the application; `take` may be 0.
    Body {
        /// Bytes of framing.
        skip: usize,
        /// Bytes of the body that follow them.
        take: usize,
    },
    /// The body has ended. Skip `skip` bytes; the bytes after them do not belong to the body.
    End {
        /// Bytes of framing.
        skip: usize,
    },
    /// Fail the application's read. If nothing of its answer has left, answer with this refusal.
    Fail(Refusal),
    /// Read: this many more bytes complete the body, or at least this many more bytes belong to it.
    Need(usize),
}
