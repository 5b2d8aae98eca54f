//! What an application does, as a list of acts.

use crate::case::app::App;

/// One act of an application. An application for a server in Rust is a loop over its acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// Fails.
    Fail,
    /// Gives this many bytes of body in one piece, each the letter `a`.
    Give(usize),
    /// Gives the report in one piece.
    GiveReport,
    /// Gives the report a byte at a time, with an empty piece before and after each byte.
    GiveReportInPieces,
    /// Gives a head with this status and Content-Length.
    Head(u16, Option<u64>),
    /// Pauses for this many milliseconds.
    Pause(u64),
    /// Reads until the application has this many bytes in all, or to the end of the body.
    Read(usize),
    /// Reads once more, to the end of the body.
    ReadAgain,
    /// Makes the report, and gives a head with status 200.
    ReportHead {
        /// Whether the head has the length of the report as its Content-Length.
        length: bool,
    },
}

const EVERYTHING: usize = usize::MAX;
const ANSWER: [Act; 2] = [Act::ReportHead { length: true }, Act::GiveReport];

impl App {
    /// Returns the acts of the application in order. After the last act, the application ends its answer.
    ///
    /// ```
    /// use uwsgi_conformance::{Act, App};
    ///
    /// assert_eq!(App::NoHead.acts(), [Act::Read(usize::MAX), Act::Give(5)]);
    /// ```
    #[must_use]
    pub fn acts(self) -> Vec<Act> {
        use Act::{Fail, Give, GiveReport, GiveReportInPieces, Head, Pause, Read, ReadAgain, ReportHead};
        let read = Read(EVERYTHING);
        let length = |by: i64| Some(100_u64.saturating_add_signed(by));
        let signed = |by: usize| i64::try_from(by).unwrap_or(i64::MAX);
        let mut acts = match self {
            Self::ReadAllThenAnswer | Self::AnswerTheReadError => vec![read],
            Self::AnswerWithoutReading => vec![],
            Self::ReadSomeThenAnswer(count) => vec![Read(count)],
            Self::ReadTwice => vec![read, ReadAgain],
            Self::PauseThenRead(millis) => vec![Pause(millis), read],
            Self::PauseWhileReading(count, millis) => vec![Read(count), Pause(millis), read],
            Self::AnswerThenRead => return vec![Head(200, Some(10)), Give(5), read, Give(5)],
            Self::OpenEnded => return vec![read, ReportHead { length: false }, GiveReport],
            Self::Empty(status) => return vec![read, Head(status, Some(0))],
            Self::Status(status) => return vec![read, Head(status, None), Give(5)],
            Self::EmptyPieces => return vec![read, ReportHead { length: true }, GiveReportInPieces],
            Self::HeadTwice => vec![read, Head(404, Some(5)), Give(0)],
            Self::HeadTooLate => return vec![read, Head(200, Some(10)), Give(5), Head(404, Some(5)), Give(5)],
            Self::NoHead => return vec![read, Give(5)],
            Self::Nothing => return vec![read],
            Self::FailBefore => return vec![Fail],
            Self::FailAfterReading => return vec![read, Fail],
            Self::FailAfterHead => return vec![read, Head(200, Some(100)), Give(0), Fail],
            Self::FailAfter(count) => return vec![Head(200, Some(100)), Give(count), Fail],
            Self::FailOpenEnded(count) => return vec![Head(200, None), Give(count), Fail],
            Self::Short(by) => return vec![read, Head(200, length(0)), Give(100_usize.saturating_sub(by))],
            Self::Long(by) | Self::LongThenFail(by) => {
                return vec![read, Head(200, length(signed(by).saturating_neg())), Give(50), Give(50)];
            }
        };
        acts.extend(ANSWER);
        acts
    }

    /// Returns whether the application goes on when reading fails.
    #[must_use]
    pub const fn takes_read_errors(self) -> bool {
        matches!(self, Self::AnswerTheReadError)
    }

    /// Returns whether the application fails when the server says that it gave too much.
    #[must_use]
    pub const fn fails_when_cut(self) -> bool {
        matches!(self, Self::LongThenFail(_))
    }
}
