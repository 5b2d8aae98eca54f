//! What a server made of a case, as it shows on the wire.

use core::fmt;

use uwsgi::server::Receive;

use crate::answers::{Answer, Outcome};
use crate::case::{After, Case, Verdict};
use crate::play::End;
use crate::report::{contradicted, is_report, line};
use crate::row::Row;

/// What a server made of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Seen {
    /// The application was called, and answered with this status.
    Accepted(u16),
    /// The server closed, and not a byte was answered.
    Closed,
    /// The server accepts no more connections, or answers nobody any more.
    Died,
    /// Bytes came that are no answer.
    Garbled,
    /// The server neither answered nor closed in time.
    Hangs,
    /// The sender left first, and did not look.
    Left,
    /// The answer to a ping.
    Pong,
    /// The server answered by itself, with this status.
    Refused(u16),
    /// The server reset the connection, and not a byte was answered.
    Reset,
}

/// How the answers of a server's application are told from those that the server makes by itself.
///
/// An application that answers with the [report](crate::report) says that it was called. Of any other, an answer under 400
/// is taken for its own, and one that has the status and the header names of an answer to a good request. So are 404 and 405,
/// unless a good request got one that looks otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Application {
    reports: bool,
    known: Vec<(u16, Vec<String>)>,
}

impl Application {
    /// One that answers with the [report](crate::report).
    #[must_use]
    pub const fn reporting() -> Self {
        Self { reports: true, known: Vec::new() }
    }

    /// One of which these are the answers to good requests.
    #[must_use]
    pub fn known_by(answers: &[Answer]) -> Self {
        let reports = answers.iter().any(|answer| is_report(&answer.body));
        Self { reports, known: answers.iter().map(|answer| (answer.status, answer.names.clone())).collect() }
    }

    /// Whether it answers with the report, so that all can be judged that the cases say about requests.
    #[must_use]
    pub const fn reports(&self) -> bool {
        self.reports
    }

    /// Whether an answer is its own.
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
    /// What the server made of the case.
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

    /// What came, in a few words: statuses, what the application saw otherwise than it should, how it ended.
    ///
    /// ```
    /// use uwsgi_conformance::machine::Machine;
    /// use uwsgi_conformance::{Split, all, observe};
    ///
    /// let words = |name| {
    ///     let case = all().find(|case| case.name == name).unwrap();
    ///     observe(case, &Machine, Split::Whole).map(|outcome| outcome.in_words(case)).unwrap()
    /// };
    /// assert_eq!(words("datasize-0"), "400");
    /// assert_eq!(words("keepalive-two"), "200 + 200, kept open");
    /// assert_eq!(words("connect-wait"), "closes");
    /// ```
    #[must_use]
    pub fn in_words(&self, case: &Case) -> String {
        let cut = self.answers.last().is_some_and(|answer| !answer.whole);
        if matches!(self.end, End::Gone) {
            return "nothing to be seen".into();
        }
        if self.answers.is_empty() && self.rest.is_empty() {
            return match self.end {
                End::Open => "hangs".into(),
                End::Reset => "resets".into(),
                _ => "closes".into(),
            };
        }
        let mut words = Runs::default();
        for (place, answer) in self.answers.iter().enumerate() {
            words.push(in_words(answer, case, place));
        }
        if self.rest == Receive::PONG {
            words.push("pong".into());
        } else if !self.rest.is_empty() {
            words.push("stray bytes".into());
        }
        let end = match self.end {
            End::Open if cut => ", hangs",
            End::Reset => ", resets",
            _ if self.closes() || cut => "",
            _ => ", kept open",
        };
        format!("{words}{end}")
    }
}

fn in_words(answer: &Answer, case: &Case, place: usize) -> String {
    let mut words = answer.status.to_string();
    if !answer.whole {
        words.push_str(" cut off");
    }
    let mut seen: Vec<_> = match case.verdict.expected().get(place) {
        Some(expected) if expected.status < 400 => {
            contradicted(answer, expected).into_iter().map(|(_, actual)| actual).collect()
        }
        // How long a body was taken for whose length cannot be believed.
        _ if is_about_lengths(case.row) => line(&answer.body, "body ").into_iter().collect(),
        _ => Vec::new(),
    };
    seen.dedup();
    if !seen.is_empty() {
        words.push_str(&format!(" ({})", seen.join(", ")));
    }
    words
}

const fn is_about_lengths(row: Row) -> bool {
    matches!(row, Row::InvalidLength | Row::LengthOverLimit | Row::BodyEndsEarly)
}

/// Words in a row, those that repeat counted.
#[derive(Default)]
struct Runs(Vec<(String, usize)>);

impl Runs {
    fn push(&mut self, word: String) {
        match self.0.last_mut() {
            Some((last, count)) if *last == word => *count = count.saturating_add(1),
            _ => self.0.push((word, 1)),
        }
    }
}

impl fmt::Display for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (word, count)) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(" + ")?;
            }
            match count {
                1 => f.write_str(word)?,
                2 => write!(f, "{word} + {word}")?,
                _ => write!(f, "{word} ×{count}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Abort => f.write_str("cut off"),
            Self::Close => f.write_str("closes"),
            Self::Gone => f.write_str("nothing to be seen"),
            Self::Pong => f.write_str("pong"),
            Self::Answer(_, after) | Self::Answers(_, after) => {
                let mut words = Runs::default();
                self.expected().iter().for_each(|expected| words.push(expected.status.to_string()));
                write!(f, "{words}{}", if *after == After::StaysOpen { ", kept open" } else { "" })
            }
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
