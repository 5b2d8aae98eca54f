//! Why the head of an answer is refused.

use core::fmt;

/// Why a head is refused, and where its bad line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResponseError {
    kind: ResponseErrorKind,
    offset: usize,
}

/// What was wrong with a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseErrorKind {
    /// The head has no line.
    Empty,
    /// A line that is not a header: it has no colon, a name that is not a token, or a control byte, or it continues the line
    /// before it.
    HeaderLine,
    /// A Content-Length that has other bytes than digits, or does not fit into 64 bits.
    InvalidLength,
    /// A Content-Length and a Transfer-Encoding.
    LengthAndTransferEncoding,
    /// More bytes than the limit, or no end of the head within it.
    TooLong,
    /// More header lines than the limit.
    TooManyLines,
    /// Two Content-Length lines, even if they are equal.
    TwoLengths,
    /// Two lines of `Status`, or of Transfer-Encoding.
    TwoOfAKind,
    /// A status line or a `Status` without a number of three digits from 100 on.
    Status,
    /// A Transfer-Encoding other than `chunked`.
    TransferEncoding,
    /// The end of the stream before the end of the head.
    Truncated,
}

impl ResponseError {
    pub(crate) const fn new(kind: ResponseErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// Returns what was wrong.
    #[must_use]
    pub const fn kind(&self) -> ResponseErrorKind {
        self.kind
    }

    /// Returns where the bad line begins, in bytes from the start of the head. If no line is bad, it returns where reading
    /// stopped ([`TooLong`](ResponseErrorKind::TooLong), [`TooManyLines`](ResponseErrorKind::TooManyLines),
    /// [`Truncated`](ResponseErrorKind::Truncated)).
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ResponseErrorKind as Kind;
        let what = match self.kind {
            Kind::Empty => "the answer has no head",
            Kind::HeaderLine => "a line of the answer's head is no header",
            Kind::InvalidLength => "the answer's Content-Length is not a decimal number of at most 64 bits",
            Kind::LengthAndTransferEncoding => "the answer has a Content-Length beside a Transfer-Encoding",
            Kind::TooLong => "the answer's head is too long",
            Kind::TooManyLines => "the answer has too many header lines",
            Kind::TwoLengths => "the answer has two Content-Length lines",
            Kind::TwoOfAKind => "the answer has two lines where one is allowed",
            Kind::Status => "the answer's status is not three digits of 100 or more",
            Kind::TransferEncoding => "the answer's Transfer-Encoding is not chunked",
            Kind::Truncated => "the answer ends inside its head",
        };
        write!(f, "{what} (at byte {})", self.offset)
    }
}

impl core::error::Error for ResponseError {}
