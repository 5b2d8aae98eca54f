//! How what was seen stands to the verdict.

use core::fmt;

use crate::answers::Outcome;
use crate::case::{After, Case, Expected, Verdict};
use crate::machine::Machine;
use crate::needs::Needs;
use crate::play::{End, Split, observe};
use crate::report::{contradicted, holds_report};
use crate::row::Row;
use crate::seen::{Application, Seen};
use crate::step::Step;

/// How what was seen stands to the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Finding {
    /// It is what the verdict says, as far as it shows.
    AsItShould,
    /// It is something else, and it is dangerous.
    Danger(Danger),
    /// It is something else, by which nobody is deceived.
    Differs,
    /// With this application it cannot be told.
    Unknown,
}

/// What is dangerous about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Danger {
    /// Malformed, and accepted: the application was called with what was not sent.
    Accepted,
    /// Bytes that are no request were taken for one.
    Smuggled,
    /// The request was served, and the application was told something else than what was sent.
    Misread,
    /// The server neither answers nor closes.
    Hangs,
    /// The server accepts no more connections.
    Died,
}

impl Danger {
    /// All of them, the gravest first.
    pub const ALL: [Self; 5] = [Self::Died, Self::Hangs, Self::Accepted, Self::Smuggled, Self::Misread];

    /// Whether bytes became a request that they are not.
    #[must_use]
    pub const fn deceives(self) -> bool {
        matches!(self, Self::Accepted | Self::Misread | Self::Smuggled)
    }

    /// What it is, in a few words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted though malformed",
            Self::Died => "the server died",
            Self::Hangs => "hangs: neither answered nor closed",
            Self::Misread => "served as another request than was sent",
            Self::Smuggled => "bytes behind a request taken for a request",
        }
    }
}

impl fmt::Display for Danger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Outcome {
    /// How what came stands to the verdict of the case.
    ///
    /// Where the application answers with no [report](crate::report), only what shows on the wire is judged: whether it
    /// was called, statuses, and how the connection ended. Of an application that reports in another language, only the
    /// kinds of line that it writes are.
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
        // A head that what was sent has got into is none, and still the application was called.
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
            self.answers.iter().zip(expected).flat_map(|(answer, expected)| contradicted(answer, expected));
        if otherwise.any(|(line, actual)| is_of_the_request(line) && says_something(&actual)) {
            return Finding::Danger(Danger::Misread);
        }
        Finding::Differs
    }

    /// Whether this is what the verdict says, where that can be seen. A connection may be kept behind what was served: what is
    /// taken for a request then, other cases ask.
    fn is_alike(&self, verdict: &Verdict, application: &Application) -> bool {
        let (Verdict::Answer(_, after) | Verdict::Answers(_, after)) = verdict else { return false };
        let expected = verdict.expected();
        let alike = |(answer, expected): (&crate::Answer, &Expected)| {
            let as_asked = if is_served(expected) {
                application.gave(answer) && (!application.reports() || answer.status == expected.status)
            } else {
                answer.status == expected.status && !application.gave(answer)
            };
            answer.whole && as_asked && contradicted(answer, expected).is_empty()
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

/// Whether a server without this rule waits for bytes that were announced, or may be: it has another limit, or none.
const fn waits_for_more(row: Row) -> bool {
    matches!(row, Row::PeerNotAllowed | Row::TooManyConnections | Row::DatasizeOverLimit | Row::LengthOverLimit)
}

/// How many requests the sender of a case means: those that a server serves which keeps connections, and those for which it
/// waits until the one before is answered.
fn meant(case: &Case) -> usize {
    let kept = Case { needs: Needs { keepalive: 5000, ..case.needs }, ..*case };
    let served = observe(&kept, &Machine, Split::Whole).map_or(0, |outcome| outcome.answers.len());
    let waited = case.steps.iter().filter(|step| matches!(step, Step::ReadAnswer)).count();
    served.max(waited.saturating_add(1))
}

/// Whether the application is to be called.
const fn is_served(expected: &Expected) -> bool {
    expected.status < 400
}

/// Whether a request of this row is refused only when its body is read.
const fn depends_on_reading(row: Row) -> bool {
    matches!(row, Row::BodyEndsEarly | Row::BodyTooSlow | Row::LengthOverLimit)
}

/// Whether an application that is called with it was deceived. What is over a limit is none of it: limits differ.
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
        // uWSGI 2.0 takes 30 for 0, the request's PATH_INFO without its SCRIPT_NAME.
        Row::OtherModifier1 => {
            !case.steps.iter().any(|step| matches!(step, Step::Send(bytes) if bytes.build().first() == Some(&30)))
        }
        // The body ended before it as well.
        Row::LengthOverLimit => case.steps.iter().any(|step| matches!(step, Step::ShutdownWrite)),
        _ => false,
    }
}

/// Whether a line is more than its kind: an application that is not told is not told anything else.
fn says_something(line: &str) -> bool {
    line.split_once(' ').is_some_and(|(_, value)| !value.is_empty())
}

/// Whether a line of the report says what the request is. That a path that was not sent is / is no harm.
fn is_of_the_request(line: &str) -> bool {
    line != "path "
        && ["method ", "path ", "query ", "target ", "body ", "content "].iter().any(|kind| line.starts_with(kind))
}
