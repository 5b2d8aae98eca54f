//! How an outcome compares with the verdict of its case, and which differences are dangerous.

use core::fmt;

use crate::case::{After, Case, Expected, Needs, Row, Step, Verdict};
use crate::endpoint::End;
use crate::machine::Machine;
use crate::outcome::{Answer, Application, Outcome, Seen};
use crate::play::{Split, observe};
use crate::report::{contradicted, holds_report};

/// How an outcome compares with the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Finding {
    /// The outcome is what the verdict says, as far as the wire shows.
    AsItShould,
    /// The outcome is something else, and is dangerous.
    Danger(Danger),
    /// The outcome is something else, but deceives nobody.
    Differs,
    /// The runner cannot judge the outcome with this application.
    Unknown,
}

/// What is dangerous about an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Danger {
    /// A malformed request was accepted: the application was called with a request that was not sent.
    Accepted,
    /// Bytes that are no request were taken for a request.
    Smuggled,
    /// The request was served, but the application was told something else than what was sent.
    Misread,
    /// The server neither answers nor closes.
    Hangs,
    /// The server accepts no more connections.
    Died,
}

impl Danger {
    /// All dangers, the gravest first.
    pub const ALL: [Self; 5] = [Self::Died, Self::Hangs, Self::Accepted, Self::Smuggled, Self::Misread];

    /// Returns whether the application was called with a request that was not sent.
    #[must_use]
    pub const fn deceives(self) -> bool {
        matches!(self, Self::Accepted | Self::Misread | Self::Smuggled)
    }

    /// Returns a short description.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted though malformed",
            Self::Died => "the server died",
            Self::Hangs => "hangs: neither answered nor closed",
            Self::Misread => "served as another request than was sent",
            Self::Smuggled => "bytes after a request taken for a request",
        }
    }
}

impl fmt::Display for Danger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Outcome {
    /// Compares what came back with the verdict of the case.
    ///
    /// If the application does not answer with the [report](crate::report), only what shows on the wire is judged: whether the
    /// application was called, the statuses, and how the connection ended. Only those kinds of line are judged that the report
    /// has.
    #[must_use]
    pub fn finding(&self, case: &Case, application: &Application) -> Finding {
        if self.meets(&case.verdict) || self.is_alike(&case.verdict, application) {
            return Finding::AsItShould;
        }
        let seen = self.seen(application);
        if seen == Seen::Hangs {
            return if waits_for_more(case.row) { Finding::Differs } else { Finding::Danger(Danger::Hangs) };
        }
        let expected = case.verdict.expected();
        let wanted = expected.iter().filter(|expected| is_served(expected)).count();
        let given = self.answers.iter().filter(|answer| application.gave(answer)).count();
        // A request may have put bytes into the head of its answer. Such bytes are no answer, but they show that the
        // application was called.
        let accepted = given.max(usize::from(holds_report(&self.rest)));
        if accepted > wanted {
            return match wanted {
                0 if !application.reports() && depends_on_reading(case.row) => Finding::Unknown,
                0 if is_malformed(case) => Finding::Danger(Danger::Accepted),
                0 => Finding::Differs,
                _ if accepted <= meant(case) => Finding::Differs,
                _ => Finding::Danger(Danger::Smuggled),
            };
        }
        let mut otherwise =
            self.answers.iter().zip(expected).flat_map(|(answer, expected)| contradicted(&answer.body, expected));
        if otherwise.any(|(line, actual)| is_of_the_request(line) && says_something(&actual)) {
            return Finding::Danger(Danger::Misread);
        }
        Finding::Differs
    }

    /// Returns whether this is what the verdict says, as far as this application shows it. After a request that it served, the
    /// server may keep the connection: other cases find out which bytes it then takes for a request.
    fn is_alike(&self, verdict: &Verdict, application: &Application) -> bool {
        let (Verdict::Answer(_, after) | Verdict::Answers(_, after)) = verdict else { return false };
        let expected = verdict.expected();
        let alike = |(answer, expected): (&Answer, &Expected)| {
            let as_asked = if is_served(expected) {
                application.gave(answer) && (!application.reports() || answer.status == expected.status)
            } else {
                answer.status == expected.status && !application.gave(answer)
            };
            answer.whole && as_asked && contradicted(&answer.body, expected).is_empty()
        };
        self.rest.is_empty()
            && self.answers.len() == expected.len()
            && self.answers.iter().zip(expected).all(alike)
            && match after {
                After::Closes => self.closes() || (self.end != End::Reset && expected.iter().all(is_served)),
                After::StaysOpen => !self.closes() && self.end != End::Reset,
            }
    }
}

/// Returns whether a server without the limit of this row rightly waits for more bytes.
const fn waits_for_more(row: Row) -> bool {
    matches!(row, Row::PeerNotAllowed | Row::TooManyConnections | Row::DatasizeOverLimit | Row::LengthOverLimit)
}

/// Returns how many requests the sender of a case intends to send: as many as a server that keeps connections would answer, or
/// one more than the number of answers for which the sender waits, if that is more.
fn meant(case: &Case) -> usize {
    let kept = Case { needs: Needs { keepalive: 5000, ..case.needs }, ..*case };
    let served = observe(&kept, &Machine, Split::Whole).map_or(0, |outcome| outcome.answers.len());
    let waited = case.steps.iter().filter(|step| matches!(step, Step::ReadAnswer)).count();
    served.max(waited.saturating_add(1))
}

/// Returns whether the application must be called.
const fn is_served(expected: &Expected) -> bool {
    expected.status < 400
}

/// Returns whether a request of this row is refused only when its body is read.
const fn depends_on_reading(row: Row) -> bool {
    matches!(row, Row::BodyEndsEarly | Row::BodyTooSlow | Row::LengthOverLimit)
}

/// Returns whether an application that is called with this case is deceived. A request over a limit deceives nobody, since
/// servers have different limits.
fn is_malformed(case: &Case) -> bool {
    match case.row {
        Row::EndOfStream
        | Row::Foreign
        | Row::Ping
        | Row::DatasizeZero
        | Row::MalformedBlock
        | Row::InvalidLength
        | Row::Content
        | Row::BodyEndsEarly => true,
        // Modifier1 30 is no malformed request: uWSGI 2.0 serves it as 0, and cuts SCRIPT_NAME off PATH_INFO.
        Row::OtherModifier1 => {
            !case.steps.iter().any(|step| matches!(step, Step::Send(bytes) if bytes.build().first() == Some(&30)))
        }
        // If the sender closes, the body is not whole either.
        Row::LengthOverLimit => case.steps.iter().any(|step| matches!(step, Step::ShutdownWrite)),
        _ => false,
    }
}

/// Returns whether a line has a value after its kind. An empty value tells the application nothing that could be wrong.
fn says_something(line: &str) -> bool {
    line.split_once(' ').is_some_and(|(_, value)| !value.is_empty())
}

/// Returns whether an expected line of the report says what the request is. An empty path does not count, since servers may
/// report another one.
fn is_of_the_request(line: &str) -> bool {
    line != "path "
        && ["method ", "path ", "query ", "target ", "body ", "content "].iter().any(|kind| line.starts_with(kind))
}
