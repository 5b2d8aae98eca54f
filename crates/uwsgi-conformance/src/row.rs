//! The rows of the table of verdicts.

use core::fmt;

/// A row of the table that a server answers by: the first that applies wins, and each is decided as soon as the bytes it
/// names are there: before any byte, after the 4 header bytes, after the block, in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums, reason = "the table is the law")]
pub enum Row {
    /// Peer not allowed: 403 before a byte is read.
    PeerNotAllowed,
    /// More connections than allowed: 503.
    TooManyConnections,
    /// Connection closed before its first byte (Apache does that normally): close, not an error.
    ClosedBeforeFirstByte,
    /// Silence before the first byte, for the header timeout: close.
    Silence,
    /// Header or block begun and not finished in the header timeout (total, not per read): 408.
    HeaderTimeout,
    /// End of stream inside header, block: 400.
    EndOfStream,
    /// Foreign protocol recognised in the header, its modifier1 not accepted here: 400 at once; the log names it and the
    /// setting to change.
    Foreign,
    /// modifier1 100: pong, once its block (ignored) is there.
    Ping,
    /// Other modifier1: 501 at once unless the server was told to accept it; modifier2 is passed on, not judged.
    OtherModifier1,
    /// datasize over the limit: 431 at once.
    DatasizeOverLimit,
    /// datasize 0: 400.
    DatasizeZero,
    /// Malformed block (overrun, missing length, trailing bytes, empty key): 400.
    MalformedBlock,
    /// Vars over the limit: 431.
    VarsOverLimit,
    /// The last `CONTENT_LENGTH` invalid: 400.
    InvalidLength,
    /// `CONTENT_LENGTH` over the body limit: 413.
    LengthOverLimit,
    /// Method not a token, or empty; CR, LF, NUL in the method, `REQUEST_URI`, `SERVER_PROTOCOL`, any `CONTENT_*`
    /// or `HTTP_*` value; NUL in `PATH_INFO`: 400.
    Content,
    /// `HTTP_` with no name after it: kept in the vars, absent from the headers.
    NamelessHeader,
    /// Body ends early: the app's read fails with an error that says so; if nothing was sent yet, 400.
    BodyEndsEarly,
    /// Body too slow (idle 30 s, or under 240 bytes/s on average after the first 30 s): as above, 408.
    BodyTooSlow,
    /// Bytes after the declared body, or after a request without `CONTENT_LENGTH`: never parsed as a request; the
    /// connection closes after the answer.
    BytesBehind,
    /// App fails before its first byte of body: 500.
    AppFailsBefore,
    /// App fails after it: the connection is aborted, so that the front end sees it wherever framing allows.
    AppFailsAfter,
    /// No free worker within 10 s: 503.
    NoFreeWorker,
    /// A stop was asked for: what began is finished within 30 s, idle connections close.
    Stop,
    /// No row applies: the request is served, one a connection unless keepalive was asked for.
    Served,
}

impl Row {
    /// All rows, in their order.
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
        Self::BytesBehind,
        Self::AppFailsBefore,
        Self::AppFailsAfter,
        Self::NoFreeWorker,
        Self::Stop,
        Self::Served,
    ];
}

impl Row {
    /// What it is about, in a few words.
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
            Self::BytesBehind => "bytes behind the request",
            Self::AppFailsBefore => "application fails before its first byte",
            Self::AppFailsAfter => "application fails after it",
            Self::NoFreeWorker => "no free worker",
            Self::Stop => "a stop was asked for",
            Self::Served => "good requests",
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
