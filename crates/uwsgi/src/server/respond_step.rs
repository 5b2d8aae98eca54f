//! What the sending half of a server tells its driver.

use core::fmt;

use crate::server::refusal::Refusal;

/// What leaves now: whether the head, and how many bytes of the piece that the application gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "a head, and bytes")]
pub struct Leaves {
    /// Whether the head leaves now, before the bytes.
    pub head: bool,
    /// How many of the bytes leave. In the answer to HEAD, and after a 204 or a 304, none do.
    pub take: usize,
}

/// What an application did wrong with its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnswerError {
    /// The application gave a body, or ended the answer, before it gave a head.
    NoHead,
    /// The answer is finished, refused or aborted. Nothing more leaves.
    Over,
    /// The application gave fewer bytes than its Content-Length. Abort the connection, so that the front end sees it.
    TooShort {
        /// How many bytes are missing.
        missing: u64,
    },
    /// The application gave more bytes than its Content-Length. The bytes within the length may leave, and are counted.
    TooLong {
        /// What may leave.
        leaves: Leaves,
    },
    /// The head is a 101, and the request did not offer to switch to the protocols of its `Upgrade` (RFC 9110 sections 7.8 and
    /// 15.2.2). If a request offers more than four protocols, the first three count. The head has not left, and the application
    /// may give another one.
    UnaskedUpgrade,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHead => f.write_str("the application gave no head"),
            Self::Over => f.write_str("the answer is over already"),
            Self::TooShort { missing } => write!(f, "the answer is {missing} bytes shorter than its Content-Length"),
            Self::TooLong { .. } => f.write_str("the answer is longer than its Content-Length"),
            Self::UnaskedUpgrade => {
                f.write_str("the answer switches to a protocol (101) that the request's Upgrade does not offer")
            }
        }
    }
}

impl core::error::Error for AnswerError {}

/// What to do at a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a driver must handle every step")]
pub enum TimeStep {
    /// Reset the connection: the peer takes no bytes, or the grace period of a stop has ended and part of the answer has left.
    Abort,
    /// Write the refusal's response: no worker was free in time, or the grace period of a stop has ended and nothing has left.
    Refuse(Refusal),
    /// Go on; nothing is due.
    Wait,
}

/// What to do about an application that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "something has left, or nothing has")]
pub enum Failure {
    /// Part of the answer has left. Reset the connection, so that the front end sees that the answer is not complete.
    Abort,
    /// Nothing has left. Write the refusal's response.
    Refuse(Refusal),
}
