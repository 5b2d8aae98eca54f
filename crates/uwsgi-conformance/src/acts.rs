//! What an application does, one act after another.

use crate::app::App;

/// One act of an application: an application for a server in Rust is a loop over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// Fails.
    Fail,
    /// Gives so many bytes of body, in one piece: the letter `a`.
    Give(usize),
    /// Gives the report in one piece.
    GiveReport,
    /// Gives the report a byte at a time, with empty pieces between.
    GiveReportInPieces,
    /// Gives a head with this status and Content-Length.
    Head(u16, Option<u64>),
    /// Does something else for so many milliseconds.
    Pause(u64),
    /// Reads until it has so many bytes in all, or to the end.
    Read(usize),
    /// Reads again.
    ReadAgain,
    /// Gives a head with status 200, and with the report's length or without one.
    ReportHead {
        /// Whether it says the report's length.
        length: bool,
    },
}

const EVERYTHING: usize = usize::MAX;
const ANSWER: [Act; 2] = [Act::ReportHead { length: true }, Act::GiveReport];

impl App {
    /// What it does, in order; behind the last act it ends its answer.
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

    /// Whether it goes on when reading fails.
    #[must_use]
    pub const fn takes_read_errors(self) -> bool {
        matches!(self, Self::AnswerTheReadError)
    }

    /// Whether it fails when it is told that it gave too much.
    #[must_use]
    pub const fn fails_when_cut(self) -> bool {
        matches!(self, Self::LongThenFail(_))
    }
}
