//! What a case is.

use crate::app::App;
use crate::needs::Needs;
use crate::row::Row;
use crate::step::{Bytes, Step};

/// One connection: what a sender does, what the application behind the server does, and what the server must answer.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::exhaustive_structs, reason = "a case without one of them is no case: it must not compile")]
pub struct Case {
    /// Its name: unique, lower case, with dashes.
    pub name: &'static str,
    /// What is sent.
    pub about: &'static str,
    /// What the sender does.
    pub steps: &'static [Step],
    /// What is asked of the server.
    pub needs: Needs,
    /// What the application does.
    pub app: App,
    /// What must come of it.
    pub verdict: Verdict,
    /// Which row of the table says so.
    pub row: Row,
    /// Why it is right.
    pub why: &'static str,
    /// What uWSGI does.
    pub uwsgi: &'static str,
    /// What gunicorn does.
    pub gunicorn: &'static str,
    /// Where it is written.
    pub source: &'static str,
}

/// What must come of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The answer is cut off, so that the front end sees that it is not whole.
    Abort,
    /// This answer and no other.
    Answer(Expected, After),
    /// These answers and no other, in this order.
    Answers(&'static [Expected], After),
    /// The connection closes, and not a byte is answered.
    Close,
    /// The sender has gone, and nothing can be seen but that the server lives on.
    Gone,
    /// The answer to a ping, then the connection closes.
    Pong,
}

impl Verdict {
    /// The server answers by itself, with this status, and closes.
    #[must_use]
    pub const fn refused(status: u16) -> Self {
        Self::Answer(Expected::refused(status), After::Closes)
    }

    /// The application is called, its report has these lines, and the connection closes.
    #[must_use]
    pub const fn served(seen: &'static [&'static str]) -> Self {
        Self::Answer(Expected::served(seen), After::Closes)
    }

    /// The answers that must come.
    #[must_use]
    pub const fn expected(&self) -> &[Expected] {
        match self {
            Self::Answer(expected, _) => core::slice::from_ref(expected),
            Self::Answers(expected, _) => expected,
            Self::Abort | Self::Close | Self::Gone | Self::Pong => &[],
        }
    }
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "as Case")]
pub struct Expected {
    /// Its status.
    pub status: u16,
    /// Lines that the application's [report](crate::report) must have.
    pub seen: &'static [&'static str],
    /// Whether no body follows, whatever the head says: the answer to HEAD.
    pub bare: bool,
}

/// What happens to the connection when the last answer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum After {
    /// The server closes it.
    Closes,
    /// It is kept for another request.
    StaysOpen,
}

impl Expected {
    /// The server answers by itself, with this status.
    #[must_use]
    pub const fn refused(status: u16) -> Self {
        Self { status, seen: &[], bare: false }
    }

    /// The application is called, and its report has these lines.
    #[must_use]
    pub const fn served(seen: &'static [&'static str]) -> Self {
        Self { status: 200, seen, bare: false }
    }

    /// An answer of which no body follows.
    #[must_use]
    pub const fn bare(status: u16) -> Self {
        Self { status, seen: &[], bare: true }
    }
}

impl Case {
    /// How many bytes the steps that may be [split](crate::Split) send in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sends().map(|bytes| bytes.build().len()).fold(0, usize::saturating_add)
    }

    /// Whether there is nothing to split.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the steps that may be split send.
    fn sends(&self) -> impl Iterator<Item = &'static Bytes> {
        self.steps.iter().filter_map(|step| match step {
            Step::Send(bytes) => Some(bytes),
            _ => None,
        })
    }

    /// For how many milliseconds the sender waits by itself: how long the case takes at least on a real clock.
    #[must_use]
    pub fn waits(&self) -> u64 {
        let wait = |step: &Step| match step {
            Step::Wait(millis) => *millis,
            Step::Trickle(millis, bytes) => {
                u64::try_from(bytes.build().len()).unwrap_or(u64::MAX).saturating_mul(*millis)
            }
            _ => 0,
        };
        self.steps.iter().map(wait).fold(0, u64::saturating_add)
    }
}
