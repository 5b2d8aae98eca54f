//! How a server must answer.

/// How a server must answer a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The server cuts the answer off, in a way that the front end can see.
    Abort,
    /// This answer and no other.
    Answer(Expected, After),
    /// These answers and no other, in this order.
    Answers(&'static [Expected], After),
    /// The server closes the connection without a byte of answer.
    Close,
    /// The sender closes or resets the connection first, so that the sender can see only whether the server still runs.
    Gone,
    /// The answer to a ping, then the connection closes.
    Pong,
}

impl Verdict {
    /// Returns a verdict: the server answers with this status without the application, and closes.
    #[must_use]
    pub const fn refused(status: u16) -> Self {
        Self::Answer(Expected::refused(status), After::Closes)
    }

    /// Returns a verdict: the application is called, its report has these lines, and the connection closes.
    #[must_use]
    pub const fn served(seen: &'static [&'static str]) -> Self {
        Self::Answer(Expected::served(seen), After::Closes)
    }

    /// Returns the answers that must come.
    #[must_use]
    pub const fn expected(&self) -> &[Expected] {
        match self {
            Self::Answer(expected, _) => core::slice::from_ref(expected),
            Self::Answers(expected, _) => expected,
            Self::Abort | Self::Close | Self::Gone | Self::Pong => &[],
        }
    }
}

/// An answer that must come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "as Case")]
pub struct Expected {
    /// Its status.
    pub status: u16,
    /// Lines that the application's [report](crate::report) must have.
    pub seen: &'static [&'static str],
    /// Whether no body follows, whatever the head says: an answer to HEAD, a 204 or a 304.
    pub bare: bool,
}

/// What happens to the connection after the last answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum After {
    /// The server closes it.
    Closes,
    /// The server keeps it for another request.
    StaysOpen,
}

impl Expected {
    /// Returns an answer of the server, with this status and without the application.
    #[must_use]
    pub const fn refused(status: u16) -> Self {
        Self::status(status)
    }

    /// Returns an answer with this status and any body.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self { status, seen: &[], bare: false }
    }

    /// Returns an answer of the application, whose report has these lines.
    #[must_use]
    pub const fn served(seen: &'static [&'static str]) -> Self {
        Self { status: 200, seen, bare: false }
    }

    /// Returns an answer with this status and no body.
    #[must_use]
    pub const fn bare(status: u16) -> Self {
        Self { status, seen: &[], bare: true }
    }
}
