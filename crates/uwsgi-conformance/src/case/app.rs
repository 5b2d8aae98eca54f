//! What the application of the server does.

/// What an application does with each request.
///
/// "Reads" means: reads to the end of the body. "Answers" means: gives status 200, a Content-Length and the application's
/// [report](crate::report). A description may say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum App {
    /// Reads, then answers; fails if reading fails.
    ReadAllThenAnswer,
    /// Answers without reading.
    AnswerWithoutReading,
    /// Reads this many bytes, then answers.
    ReadSomeThenAnswer(usize),
    /// Reads, reads again, then answers; the report says how many bytes the second read gave.
    ReadTwice,
    /// Reads, then answers even if reading failed; the report has the error.
    AnswerTheReadError,
    /// Pauses for this many milliseconds, reads, then answers.
    PauseThenRead(u64),
    /// Reads this many bytes, pauses for this many milliseconds, reads the rest, then answers.
    PauseWhileReading(usize, u64),
    /// Gives a head and 5 bytes, reads, then gives 5 more bytes.
    AnswerThenRead,
    /// Reads, then answers without a Content-Length.
    OpenEnded,
    /// Reads, then gives a head with this status and a Content-Length of 0, and no body.
    Empty(u16),
    /// Reads, then gives a head with this status and without a Content-Length, and 5 bytes of body.
    Status(u16),
    /// Reads, then answers with its report a byte at a time; before and after each byte it gives an empty piece.
    EmptyPieces,
    /// Reads, gives a head with status 404 and an empty piece, then answers.
    HeadTwice,
    /// Reads, gives a head and 5 of 10 bytes, gives another head with status 404, then the other 5 bytes.
    HeadTooLate,
    /// Reads, then gives bytes without a head.
    NoHead,
    /// Reads, then ends without a head and without a byte.
    Nothing,
    /// Fails at once.
    FailBefore,
    /// Reads, then fails.
    FailAfterReading,
    /// Reads, gives a head and an empty piece, then fails.
    FailAfterHead,
    /// Gives a head and this many of 100 bytes, then fails.
    FailAfter(usize),
    /// Gives a head without a Content-Length and this many bytes, then fails.
    FailOpenEnded(usize),
    /// Reads, gives a head with a Content-Length of 100 and this many bytes fewer than 100, then ends.
    Short(usize),
    /// Reads, gives 100 bytes, which are this many more than its Content-Length, and ends when the server says that it gave too
    /// much.
    Long(usize),
    /// Does the same as `Long`, but fails when the server says that it gave too much.
    LongThenFail(usize),
}

impl App {
    /// Returns whether only a reset can show that an answer of this application is cut off: no length shows it.
    #[cfg_attr(not(unix), allow(dead_code, reason = "only Unix sockets need it"))]
    pub(crate) const fn is_cut_without_a_trace(self) -> bool {
        matches!(self, Self::FailOpenEnded(_) | Self::FailAfter(100..) | Self::LongThenFail(_))
    }
}
