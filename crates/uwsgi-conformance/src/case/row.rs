//! The rows of the table of verdicts, the rules by which a server answers.

use core::fmt;

/// A row of the table of verdicts. The first row that applies wins. A server decides each row as soon as it has the bytes that
/// the row needs: no byte, the 4 bytes of the header, the block, or the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the table has these rows and no others")]
pub enum Row {
    /// The peer may not connect: 403 before a byte is read.
    PeerNotAllowed,
    /// There are more connections than the limit: 503.
    TooManyConnections,
    /// The peer closes before its first byte, as Apache does with spare connections: the server closes, and logs no error.
    ClosedBeforeFirstByte,
    /// Nothing comes before the header timeout: the server closes.
    Silence,
    /// Header and block are not whole at the header timeout, which counts in total and not per read: 408.
    HeaderTimeout,
    /// The stream ends inside the header or the block: 400.
    EndOfStream,
    /// The header is the start of another protocol, and its modifier1 is not accepted: 400 at once. The log names the protocol
    /// and the setting to change.
    Foreign,
    /// modifier1 is 100: a pong once the block is there. The block is ignored.
    Ping,
    /// modifier1 is another, and the server does not accept it: 501 at once. modifier2 is passed on and not judged.
    OtherModifier1,
    /// The datasize is over the limit: 431 at once.
    DatasizeOverLimit,
    /// The datasize is 0: 400.
    DatasizeZero,
    /// The block is malformed (a length past its end, a missing length, trailing bytes, an empty key): 400.
    MalformedBlock,
    /// There are more vars than the limit: 431.
    VarsOverLimit,
    /// The last `CONTENT_LENGTH` is invalid: 400.
    InvalidLength,
    /// `CONTENT_LENGTH` is over the body limit: 413.
    LengthOverLimit,
    /// The method is empty or no token; or CR, LF or NUL is in `REQUEST_URI`, `SERVER_PROTOCOL` or the value of a `CONTENT_*`
    /// or `HTTP_*` var; or NUL is in `PATH_INFO`: 400.
    Content,
    /// A key is `HTTP_` with no name after it: it stays in the vars, and is no header.
    NamelessHeader,
    /// The body ends early: the application's read fails with an error that says so. 400, if nothing was sent yet.
    BodyEndsEarly,
    /// The body is too slow (no byte for 30 s, or under 240 bytes/s on average after the first 30 s): the same, with 408.
    BodyTooSlow,
    /// Bytes come after the declared body, or after a request without `CONTENT_LENGTH`: the server never parses them as a
    /// request, and closes the connection after the answer.
    BytesAfterRequest,
    /// The application fails before its first byte of body: 500.
    AppFailsBefore,
    /// The application fails after its first byte of body: the server aborts the connection, so that the front end sees it
    /// wherever framing allows.
    AppFailsAfter,
    /// No worker is free within 10 s: 503.
    NoFreeWorker,
    /// The server is asked to stop: it finishes the requests that have begun within 30 s, and closes idle connections.
    Stop,
    /// No other row applies: the server serves the request, one a connection unless keepalive is on.
    Served,
}

impl Row {
    /// All rows, in the order of the table.
    pub const ALL: [Self; 25] = [
        Self::PeerNotAllowed,
        Self::TooManyConnections,
        Self::ClosedBeforeFirstByte,
        Self::Silence,
        Self::HeaderTimeout,
        Self::EndOfStream,
        Self::Foreign,
        Self::Ping,
        Self::OtherModifier1,
        Self::DatasizeOverLimit,
        Self::DatasizeZero,
        Self::MalformedBlock,
        Self::VarsOverLimit,
        Self::InvalidLength,
        Self::LengthOverLimit,
        Self::Content,
        Self::NamelessHeader,
        Self::BodyEndsEarly,
        Self::BodyTooSlow,
        Self::BytesAfterRequest,
        Self::AppFailsBefore,
        Self::AppFailsAfter,
        Self::NoFreeWorker,
        Self::Stop,
        Self::Served,
    ];
}

impl Row {
    /// Returns the name of the row on a command line and in a document.
    ///
    /// ```
    /// use uwsgi_conformance::Row;
    ///
    /// assert_eq!(Row::MalformedBlock.name(), "malformed-block");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PeerNotAllowed => "peer-not-allowed",
            Self::TooManyConnections => "too-many-connections",
            Self::ClosedBeforeFirstByte => "closed-before-first-byte",
            Self::Silence => "silence",
            Self::HeaderTimeout => "header-timeout",
            Self::EndOfStream => "end-of-stream",
            Self::Foreign => "foreign",
            Self::Ping => "ping",
            Self::OtherModifier1 => "other-modifier1",
            Self::DatasizeOverLimit => "datasize-over-limit",
            Self::DatasizeZero => "datasize-zero",
            Self::MalformedBlock => "malformed-block",
            Self::VarsOverLimit => "vars-over-limit",
            Self::InvalidLength => "invalid-length",
            Self::LengthOverLimit => "length-over-limit",
            Self::Content => "content",
            Self::NamelessHeader => "nameless-header",
            Self::BodyEndsEarly => "body-ends-early",
            Self::BodyTooSlow => "body-too-slow",
            Self::BytesAfterRequest => "bytes-after-request",
            Self::AppFailsBefore => "app-fails-before",
            Self::AppFailsAfter => "app-fails-after",
            Self::NoFreeWorker => "no-free-worker",
            Self::Stop => "stop",
            Self::Served => "served",
        }
    }

    /// Returns a short description.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PeerNotAllowed => "peer not allowed",
            Self::TooManyConnections => "more connections than allowed",
            Self::ClosedBeforeFirstByte => "closed before the first byte",
            Self::Silence => "silence before the first byte",
            Self::HeaderTimeout => "header or block too slow",
            Self::EndOfStream => "end of stream inside header or block",
            Self::Foreign => "foreign protocol",
            Self::Ping => "ping",
            Self::OtherModifier1 => "other modifier1",
            Self::DatasizeOverLimit => "datasize over the limit",
            Self::DatasizeZero => "datasize 0",
            Self::MalformedBlock => "malformed block",
            Self::VarsOverLimit => "vars over the limit",
            Self::InvalidLength => "invalid CONTENT_LENGTH",
            Self::LengthOverLimit => "CONTENT_LENGTH over the limit",
            Self::Content => "bytes that a value must not hold",
            Self::NamelessHeader => "HTTP_ with no name after it",
            Self::BodyEndsEarly => "body ends early",
            Self::BodyTooSlow => "body too slow",
            Self::BytesAfterRequest => "bytes after the request",
            Self::AppFailsBefore => "application fails before its first byte",
            Self::AppFailsAfter => "application fails after its first byte",
            Self::NoFreeWorker => "no free worker",
            Self::Stop => "the server stops",
            Self::Served => "good requests",
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
