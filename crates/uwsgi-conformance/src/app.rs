//! What the application behind the server does.

/// What an application does with each request. Reading means to the body's end; an answer is the application's
/// [report](crate::report) with status 200 and a Content-Length, unless its name says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum App {
    /// Reads, then answers; if reading fails, fails with that.
    ReadAllThenAnswer,
    /// Answers, and reads nothing.
    AnswerWithoutReading,
    /// Reads so many bytes, then answers.
    ReadSomeThenAnswer(usize),
    /// Reads, reads again, then answers; the report has what the second read gave.
    ReadTwice,
    /// Reads, and answers in any case; the report has the error.
    AnswerTheReadError,
    /// Does something else for so many milliseconds, then reads, then answers.
    PauseThenRead(u64),
    /// Reads so many bytes, does something else for so many milliseconds, reads the rest, then answers.
    PauseWhileReading(usize, u64),
    /// Lets a head and 5 bytes leave, reads, then gives 5 more.
    AnswerThenRead,
    /// Reads, then answers without a Content-Length.
    OpenEnded,
    /// Reads, then gives an answer of this status and no byte of body, with a Content-Length of 0.
    Empty(u16),
    /// Reads, then gives the head of this status, without a Content-Length, and 5 bytes of body.
    Status(u16),
    /// Reads, then gives no byte, a byte at a time of its report with no byte between each two, and no byte.
    EmptyPieces,
    /// Reads, gives a head with status 404 and no byte of body, then answers.
    HeadTwice,
    /// Reads, lets a head and 5 of 10 bytes leave, gives a head with status 404, then the other 5.
    HeadTooLate,
    /// Reads, then gives bytes without a head.
    NoHead,
    /// Reads, then ends without a head and without a byte.
    Nothing,
    /// Fails at once.
    FailBefore,
    /// Reads, then fails.
    FailAfterReading,
    /// Reads, gives a head and no byte, then fails.
    FailAfterHead,
    /// Gives a head and so many of 100 bytes, then fails.
    FailAfter(usize),
    /// Gives a head without a Content-Length, so many bytes, then fails.
    FailOpenEnded(usize),
    /// Gives a head that says 100 and so many bytes fewer, then ends.
    Short(usize),
    /// Gives a head that says 100 and so many bytes more; ends when it is told that they are too many.
    Long(usize),
    /// As `Long`, but fails when it is told.
    LongThenFail(usize),
}

impl App {
    /// Whether, when its answer is cut off, no length tells: a reset alone does.
    #[cfg_attr(not(unix), allow(dead_code, reason = "asked of Unix sockets"))]
    pub(crate) const fn is_cut_without_a_trace(self) -> bool {
        matches!(self, Self::FailOpenEnded(_) | Self::FailAfter(100..) | Self::LongThenFail(_))
    }
}
