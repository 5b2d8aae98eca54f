//! What an exchange tells its driver to do.

use crate::client::exchange_error::ExchangeError;
use crate::http::response::ResponseHead;

/// What to do about the answer's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a driver must handle every step")]
pub enum HeadStep {
    /// This connection gives no answer.
    Fail(ExchangeError),
    /// The first `end` bytes are a head. Decode it with [`Exchange::response`](crate::client::Exchange::response).
    Head {
        /// The length of the head with its empty line.
        end: usize,
    },
    /// Read: at least this many more bytes belong to the head.
    Need(usize),
}

/// What to do about the answer's head, once it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a driver must handle every step")]
pub enum AnswerStep<'b> {
    /// This connection gives no answer.
    Fail(ExchangeError),
    /// A head. If it [is interim](ResponseHead::is_interim), another head follows.
    Head {
        /// The head.
        response: ResponseHead<'b>,
        /// The length of the head with its empty line.
        end: usize,
    },
    /// Read: at least this many more bytes belong to the head.
    Need(usize),
}

/// What to do about the answer's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a driver must handle every step")]
pub enum BodyStep {
    /// Skip `skip` bytes, then take the next `take` bytes of the body; `take` may be 0.
    Body {
        /// Bytes of framing.
        skip: usize,
        /// Bytes of the body that follow them.
        take: usize,
    },
    /// The answer has ended: skip `skip` bytes. If more bytes follow, close the connection, because they belong to no answer.
    End {
        /// Bytes of framing.
        skip: usize,
    },
    /// The body is not complete, and must not be taken for a complete one.
    Fail(ExchangeError),
    /// Read: at least this many more bytes belong to the body.
    Need(usize),
    /// A 101 came before all of the request's body has left. [Send](crate::client::Exchange::send) the rest of the body first.
    /// The connection becomes a pipe only after it, because bytes for the pipe must come after the body. Bytes that are read
    /// meanwhile belong to the pipe.
    Send,
    /// A 101 came, and [`send`](crate::client::Exchange::send) has given all of the request's body. Once the last byte of the
    /// body has left, the connection is a pipe.
    Upgraded,
}
