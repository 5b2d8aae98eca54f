//! The parts of a case.

mod act;
mod app;
mod builder;
mod needs;
mod recipe;
mod row;
mod step;
mod verdict;

use crate::other_servers::{GUNICORN, NOT_TRIED, UWSGI, recorded};

pub use act::Act;
pub use app::App;
pub use builder::{CaseBuilder, CaseWithVerdict};
pub use needs::{Needs, Sender};
pub use recipe::{Pairs, Recipe, SMALL};
pub use row::Row;
pub use step::{Bytes, Step};
pub use verdict::{After, Expected, Verdict};

/// One connection: what the sender does, what the application of the server does, and how the server must answer.
///
/// [`Case::builder`] makes one. [`uwsgi`](Self::uwsgi) and [`gunicorn`](Self::gunicorn) return what is recorded of these
/// servers under its name.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::exhaustive_structs, reason = "every case has all of them: a case without one must not compile")]
pub struct Case {
    /// Its name: unique, in lower case, with dashes.
    pub name: &'static str,
    /// What is sent, in words.
    pub about: &'static str,
    /// What the sender does.
    pub steps: &'static [Step],
    /// The settings and the state of the server.
    pub needs: Needs,
    /// What the application does.
    pub app: App,
    /// How the server must answer.
    pub verdict: Verdict,
    /// The row of the table of verdicts that decides.
    pub row: Row,
    /// Why the verdict is right.
    pub why: &'static str,
    /// The source of the reason: a section of an RFC, a part of a PEP, a file of a program.
    pub source: &'static str,
}

impl Case {
    /// Returns what uWSGI does with the case of this name, or `not tried`.
    #[must_use]
    pub fn uwsgi(&self) -> &'static str {
        recorded(self.name, UWSGI).unwrap_or(NOT_TRIED)
    }

    /// Returns what gunicorn does with the case of this name, or `not tried`.
    #[must_use]
    pub fn gunicorn(&self) -> &'static str {
        recorded(self.name, GUNICORN).unwrap_or(NOT_TRIED)
    }

    /// Returns how many bytes all [`Step::Send`] of the case send. A [`Split`](crate::Split) may cut these bytes into pieces.
    #[must_use]
    pub fn len(&self) -> usize {
        let sent = self.steps.iter().map(|step| match step {
            Step::Send(bytes) => bytes.build().len(),
            _ => 0,
        });
        sent.fold(0, usize::saturating_add)
    }

    /// Returns whether there is nothing to split.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns for how many milliseconds the sender waits of its own accord. On a real clock, the case takes at least as long.
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
