//! What an exchange tells its driver to do.

use crate::client::exchange_error::ExchangeError;
use crate::http::response::ResponseHead;

/// What to do about the answer's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a driver must handle every step")]
pub enum ResponseStep {
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
pub enum Incoming {
    /// Pass over `skip` bytes, then take the next `take` bytes of the body; `take` may be 0.
    Body {
        /// Bytes of framing.
        skip: usize,
        /// Bytes of the body that follow them.
        take: usize,
    },
    /// The answer has ended: pass over `skip` bytes. If bytes follow them, close the connection, because they belong to
    /// nothing.
    End {
        /// Bytes of framing.
        skip: usize,
    },
    /// The body is not complete, and must not be taken for a complete one.
    Fail(ExchangeError),
    /// Read: at least this many more bytes belong to the body.
    Need(usize),
    /// A 101 came before all of the request's body has left. Go on to [send](crate::client::Exchange::send) the body: the
    /// connection is no pipe before that, because bytes that are written to a pipe would overtake the body. Bytes that are read
    /// meanwhile belong to the pipe.
    Send,
    /// A 101, and all of the request's body was [sent](crate::client::Exchange::send). Once the last of these bytes have left,
    /// the connection is a pipe.
    Upgraded,
}
