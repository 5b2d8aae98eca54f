//! What a server did with a case, in one word, and which answers come from its application.

use core::fmt;

use uwsgi::server::Receive;

use crate::endpoint::End;
use crate::outcome::{Answer, Outcome};
use crate::report::is_report;

/// What a server did with a case, as far as the wire shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Seen {
    /// The application was called, and answered with this status.
    Accepted(u16),
    /// The server closed without a byte of answer.
    Closed,
    /// The server accepts no more connections, or gives no more answers.
    Died,
    /// Bytes came that are no answer.
    Garbled,
    /// The server neither answered nor closed in time.
    Hangs,
    /// The sender closed or reset the connection first, and saw nothing.
    Left,
    /// The answer to a ping.
    Pong,
    /// The server answered with this status without the application.
    Refused(u16),
    /// The server reset the connection without a byte of answer.
    Reset,
}

/// What is known about the application of a server, to tell its answers from those of the server itself.
///
/// An answer with a status from 200 to 399 counts as the application's. If the application answers with the
/// [report](crate::report), an answer with a status of 400 or above counts as its own only with a report. For any other
/// application, these answers count too: those with the status and the header names of an answer to a good request; and 404 and
/// 405, unless a good request got the same status with other header names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Application {
    reports: bool,
    known: Vec<(u16, Vec<String>)>,
}

impl Application {
    /// Returns an application that answers with the [report](crate::report).
    #[must_use]
    pub const fn reporting() -> Self {
        Self { reports: true, known: Vec::new() }
    }

    /// Returns an application that gave these answers to good requests.
    #[must_use]
    pub fn known_by(answers: &[Answer]) -> Self {
        let reports = answers.iter().any(|answer| is_report(&answer.body));
        Self { reports, known: answers.iter().map(|answer| (answer.status, answer.names.clone())).collect() }
    }

    /// Returns whether the application answers with the report. Only then can the runner judge everything that the cases say
    /// about requests.
    #[must_use]
    pub const fn reports(&self) -> bool {
        self.reports
    }

    /// Returns the statuses of the answers to good requests.
    ///
    /// ```
    /// use uwsgi_conformance::Application;
    ///
    /// assert_eq!(Application::default().statuses().count(), 0);
    /// ```
    pub fn statuses(&self) -> impl Iterator<Item = u16> {
        self.known.iter().map(|(status, _)| *status)
    }

    /// Returns whether the application gave an answer.
    #[must_use]
    pub fn gave(&self, answer: &Answer) -> bool {
        let mut alike = self.known.iter().filter(|(status, _)| *status == answer.status).peekable();
        match answer.status {
            ..200 => false,
            200..400 => true,
            _ if self.reports => is_report(&answer.body),
            status if alike.peek().is_none() => matches!(status, 404 | 405),
            _ => alike.any(|(_, names)| *names == answer.names),
        }
    }
}

impl Outcome {
    /// Returns what the server did with the case.
    #[must_use]
    pub fn seen(&self, application: &Application) -> Seen {
        let cut = self.answers.last().is_some_and(|answer| !answer.whole);
        let first = self.answers.iter().find(|answer| answer.status >= 200);
        match (first, self.end) {
            (_, End::Gone) => Seen::Left,
            (_, End::Open) if cut => Seen::Hangs,
            (Some(answer), _) if application.gave(answer) => Seen::Accepted(answer.status),
            (Some(answer), _) => Seen::Refused(answer.status),
            (None, _) if self.rest == Receive::PONG => Seen::Pong,
            (None, _) if !self.rest.is_empty() => Seen::Garbled,
            (None, End::Closed) => Seen::Closed,
            (None, End::Open) => Seen::Hangs,
            (None, End::Reset) => Seen::Reset,
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(status) => write!(f, "accepted, {status}"),
            Self::Closed => f.write_str("closed without a word"),
            Self::Died => f.write_str("died"),
            Self::Garbled => f.write_str("bytes that are no answer"),
            Self::Hangs => f.write_str("hangs"),
            Self::Left => f.write_str("nothing to be seen"),
            Self::Pong => f.write_str("pong"),
            Self::Refused(status) => write!(f, "refused, {status}"),
            Self::Reset => f.write_str("reset without a word"),
        }
    }
}
