//! The reasons for which a server refuses. Each has a status, a line for the log, and a response.

use core::fmt;

use crate::cgi::check::{ContentError, ContentErrorKind};
use crate::http::chunked::ChunkError;
use crate::http::content_length::FramingError;
use crate::wire::error::{DecodeError, DecodeErrorKind};
use crate::wire::header::Foreign;
use crate::wire::modifier::Modifier1;
use crate::wire::source::write_source;

/// Why a request or a connection is refused.
///
/// `{}` prints what is refused, and [`source`](core::error::Error::source) is the cause, where there is one. `{:#}` prints both in
/// one line, for a log.
///
/// ```
/// use uwsgi::Foreign;
/// use uwsgi::server::Refusal;
///
/// let refusal = Refusal::Foreign(Foreign::Http);
/// assert_eq!(refusal.status(), 400);
/// assert_eq!(
///     refusal.to_string(),
///     "the peer speaks HTTP: use uwsgi_pass, not proxy_pass, for this address; a browser or curl needs an HTTP front end"
/// );
/// assert!(refusal.response(false).starts_with(b"HTTP/1.1 400 Bad Request\r\n"));
///
/// let refusal = Refusal::Decode(uwsgi::Vars::decode(b"\0\0\0\0").unwrap_err());
/// assert_eq!(refusal.to_string(), "the packet is malformed");
/// assert_eq!(format!("{refusal:#}"), "the packet is malformed: the key at offset 0 is empty");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The application failed before its answer left.
    AppFailed,
    /// The stream ended inside the body.
    BodyCutShort {
        /// How many of the declared bytes did not come; 0 where no length was declared.
        missing: u64,
    },
    /// The chunked body is malformed.
    BodyMalformed(ChunkError),
    /// No byte of the body came for too long, or the body was too slow.
    BodyTimeout,
    /// The body is over the limit.
    BodyTooLarge {
        /// The declared length; for a chunked body, which declares no length, one more than the limit.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// A byte in a value is not allowed there, or the method is empty.
    Content {
        /// What was wrong.
        kind: ContentErrorKind,
        /// The position of the byte in the value.
        position: u32,
    },
    /// The block is malformed.
    Decode(DecodeError),
    /// The datasize is 0, so the request has no vars.
    Empty,
    /// The stream ended inside a header or a block.
    EndOfStream,
    /// The peer speaks another protocol.
    Foreign(Foreign),
    /// `CONTENT_LENGTH` is not valid.
    Framing(FramingError),
    /// A header or a block was not complete in time.
    HeaderTimeout,
    /// Requests of this kind are not accepted.
    Modifier1(Modifier1),
    /// No worker was free in time.
    NoWorker,
    /// The vars are not a valid request of HTTP, and the application accepts no other.
    NotHttp,
    /// The program that drives the machine called it [out of order](crate::server::Receive#order).
    OutOfOrder,
    /// The peer's address is not allowed.
    PeerNotAllowed,
    /// There are too many connections.
    TooManyConnections,
    /// The server stops: it begins no other request, or the grace period of the stop has ended.
    Stopping,
}

impl Refusal {
    /// Returns the status of the response.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::PeerNotAllowed => 403,
            Self::BodyTimeout | Self::HeaderTimeout => 408,
            Self::BodyTooLarge { .. } => 413,
            Self::Decode(error) => match error.kind() {
                DecodeErrorKind::DatasizeLimit
                | DecodeErrorKind::KeyLimit
                | DecodeErrorKind::ValueLimit
                | DecodeErrorKind::VarsLimit => 431,
                _ => 400,
            },
            Self::BodyCutShort { .. }
            | Self::BodyMalformed(_)
            | Self::Content { .. }
            | Self::Empty
            | Self::EndOfStream
            | Self::Foreign(_)
            | Self::Framing(_)
            | Self::NotHttp => 400,
            Self::AppFailed | Self::OutOfOrder => 500,
            Self::Modifier1(_) => 501,
            Self::NoWorker | Self::Stopping | Self::TooManyConnections => 503,
        }
    }

    /// Returns the whole response: a head and, unless the request was HEAD, one line of text.
    #[must_use]
    pub const fn response(&self, to_head_request: bool) -> &'static [u8] {
        self.response_with(to_head_request, false)
    }

    /// Returns the whole response, with `Connection: close` if `says_close` is true. A server that keeps connections writes it,
    /// because it closes after a refusal.
    ///
    /// ```
    /// use uwsgi::server::Refusal;
    ///
    /// let head = Refusal::Empty.response_with(true, true);
    /// assert!(head.ends_with(b"\r\nContent-Length: 16\r\nConnection: close\r\n\r\n"));
    /// ```
    #[must_use]
    pub const fn response_with(&self, to_head_request: bool, says_close: bool) -> &'static [u8] {
        let [head, whole, closing_head, closing_whole] = match self.status() {
            400 => responses!("400 Bad Request", "16"),
            403 => responses!("403 Forbidden", "14"),
            408 => responses!("408 Request Timeout", "20"),
            413 => responses!("413 Content Too Large", "22"),
            431 => responses!("431 Request Header Fields Too Large", "36"),
            501 => responses!("501 Not Implemented", "20"),
            503 => responses!("503 Service Unavailable", "24"),
            _ => responses!("500 Internal Server Error", "26"),
        };
        match (to_head_request, says_close) {
            (true, false) => head,
            (false, false) => whole,
            (true, true) => closing_head,
            (false, true) => closing_whole,
        }
    }
}

/// The four responses with a status: a head, a head with its text, and both with `Connection: close`. `$length` is the length
/// of the text with its newline.
macro_rules! responses {
    ($status:literal, $length:literal) => {{
        macro_rules! lines {
            ($connection:literal, $text:expr) => {
                concat!(
                    "HTTP/1.1 ",
                    $status,
                    "\r\nContent-Type: text/plain\r\nContent-Length: ",
                    $length,
                    "\r\n",
                    $connection,
                    "\r\n",
                    $text
                )
                .as_bytes()
            };
        }
        [
            lines!("", ""),
            lines!("", concat!($status, "\n")),
            lines!("Connection: close\r\n", ""),
            lines!("Connection: close\r\n", concat!($status, "\n")),
        ]
    }};
}
use responses;

impl From<ContentError<'_>> for Refusal {
    fn from(error: ContentError<'_>) -> Self {
        Self::Content { kind: error.kind(), position: u32::try_from(error.position()).unwrap_or(u32::MAX) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AppFailed => f.write_str("the application failed before its answer left"),
            Self::BodyCutShort { missing: 0 } => f.write_str("the stream ended inside the body"),
            Self::BodyCutShort { missing } => write!(f, "the stream ended {missing} bytes before the body did"),
            Self::BodyMalformed(_) => f.write_str("the chunked body is malformed"),
            Self::BodyTimeout => f.write_str("the body was silent too long, or too slow"),
            Self::BodyTooLarge { length, limit } => write!(f, "a body of {length} bytes is over the limit of {limit}"),
            Self::Content { kind, position } => match kind {
                ContentErrorKind::EmptyMethod => f.write_str("REQUEST_METHOD is empty"),
                ContentErrorKind::MethodNotToken => {
                    write!(f, "REQUEST_METHOD is no method: byte {position} is not allowed in one")
                }
                ContentErrorKind::Nul => write!(f, "NUL in PATH_INFO, at byte {position}"),
                ContentErrorKind::ControlByte => write!(f, "CR, LF or NUL in a value, at byte {position}"),
            },
            Self::Decode(_) if self.status() == 431 => f.write_str("the packet is over a limit"),
            Self::Decode(_) => f.write_str("the packet is malformed"),
            Self::Empty => f.write_str("a request of no vars: does the front end send uwsgi_params?"),
            Self::EndOfStream => f.write_str("the stream ended inside a header or a block"),
            Self::Foreign(foreign) => write!(f, "the peer speaks {foreign}: {}", foreign.advice()),
            Self::Framing(_) => f.write_str("the length of the body is not valid"),
            Self::HeaderTimeout => f.write_str("a header or a block was not finished in time"),
            Self::Modifier1(modifier1) => write!(
                f,
                "requests with modifier1 {modifier1:?} are not accepted here: set uwsgi_modifier1 to 0 in the front end"
            ),
            Self::NoWorker => f.write_str("no free worker in time"),
            Self::NotHttp => f.write_str("method, target or headers are not valid HTTP"),
            Self::OutOfOrder => f.write_str("the server called its state machine out of order"),
            Self::PeerNotAllowed => f.write_str("the peer's address is not allowed"),
            Self::TooManyConnections => f.write_str("too many connections"),
            Self::Stopping => f.write_str("a stop was asked for"),
        }?;
        write_source(self, f)
    }
}

impl core::error::Error for Refusal {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::BodyMalformed(error) => Some(error),
            Self::Decode(error) => Some(error),
            Self::Framing(error) => Some(error),
            _ => None,
        }
    }
}
