//! Why a server could not be asked, or did not answer.

use core::fmt;
use std::io;

use uwsgi::client::ExchangeError;
use uwsgi::framing::FramingError;
use uwsgi::message::MessageError;
use uwsgi::{DecodeError, EncodeError};

use crate::transport::stream::Timeout;

/// Why a server could not be asked, or did not answer: what, and where.
///
/// ```
/// use uwsgi_io::{Client, ClientErrorKind};
///
/// let error = Client::new("unix:/nowhere/app.sock")?.ping().unwrap_err();
/// assert_eq!(error.to_string(), "unix:/nowhere/app.sock: there is no such socket: is the server running?");
/// assert!(matches!(error.kind(), ClientErrorKind::Connect(_)));
/// # Ok::<(), uwsgi::client::AddressError>(())
/// ```
#[derive(Debug)]
pub struct ClientError {
    address: Box<str>,
    kind: ClientErrorKind,
}

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientErrorKind {
    /// What came is no answer, or not a whole one.
    Answer(ExchangeError),
    /// The body that was to be sent could not be read.
    Body(io::Error),
    /// The body that was to be sent ended before its declared length. The request was given up.
    BodyTooShort {
        /// How many bytes were missing.
        missing: u64,
    },
    /// No connection was made.
    Connect(io::Error),
    /// The packet is longer than its receiver reads. Nothing was sent.
    DatagramTooLong {
        /// Its length in bytes.
        length: usize,
        /// How many bytes there may be.
        most: usize,
    },
    /// The packet that was to be sent is none. Nothing was sent.
    Decode(DecodeError),
    /// What was to be sent does not make a packet. Nothing was sent.
    Encode(EncodeError),
    /// The packet that was to be sent declares no length that can be believed. Nothing was sent.
    Framing(FramingError),
    /// The answer to a message is an HTTP response, as of servers that take nothing but web requests.
    Http {
        /// Its status.
        status: u16,
    },
    /// The answer is a packet, but none that answers this message.
    Message(MessageError),
    /// The server closed the connection without a byte, which is how uWSGI says no.
    NoAnswer(Asked),
    /// The server's answer is no.
    Refused(Asked),
    /// The connection broke while it was read.
    Read(io::Error),
    /// Something took too long.
    TimedOut(Timeout),
    /// The answer is longer than the caller wanted.
    TooLong {
        /// How many bytes were wanted at most.
        most: u64,
    },
    /// More arguments than uWSGI reads: it ignores the rest. Nothing was sent.
    TooManyArguments {
        /// How many there may be.
        most: usize,
    },
    /// Bytes behind the packet that was to be sent; a body is given apart from it. Nothing was sent.
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// The connection broke while it was written, and no answer came, or one that counts only once all is written (101).
    Write(io::Error),
}

/// What a server was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Asked {
    /// Something of its cache.
    Cache,
    /// A sign of life.
    Ping,
    /// The answer to a web request.
    Request,
    /// The result of a function.
    Rpc,
    /// To raise a signal.
    Signal,
    /// To put a task into its spooler.
    Spool,
    /// To announce a backend.
    Subscribe,
}

impl Asked {
    /// What a close without an answer may mean.
    const fn silence(self) -> &'static str {
        match self {
            Self::Cache => "is there such a cache, and is the value no larger than its blocks?",
            Self::Request => "its log says why; a packet over its --buffer-size is a usual reason",
            Self::Rpc => "there is no such function, or it failed, or its result is empty",
            Self::Ping | Self::Signal | Self::Spool | Self::Subscribe => "has it the plugin for this?",
        }
    }

    const fn no(self) -> &'static str {
        match self {
            Self::Signal => "the signal was refused: is the queue of signals full?",
            Self::Spool => "the task was refused: was the server started with --spooler?",
            _ => "the server says no",
        }
    }
}

impl ClientError {
    pub(crate) fn new(address: &str, kind: ClientErrorKind) -> Self {
        Self { address: address.into(), kind }
    }

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> &ClientErrorKind {
        &self.kind
    }

    /// Where the server was thought to listen.
    #[must_use]
    pub const fn address(&self) -> &str {
        &self.address
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.address, self.kind)
    }
}

impl core::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.kind)
    }
}

impl From<ClientError> for io::Error {
    fn from(error: ClientError) -> Self {
        Self::new(error.kind.io_kind(), error)
    }
}

impl ClientErrorKind {
    /// What a reader's or writer's error is; `asked` is for one that came instead of the first byte of an answer.
    pub(crate) fn of(error: io::Error, asked: Asked) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(kind) => return kind,
            Err(error) => error,
        };
        let inner = error.get_ref();
        if let Some(timeout) = inner.and_then(|inner| inner.downcast_ref::<Timeout>()) {
            return Self::TimedOut(*timeout);
        }
        match inner.and_then(|inner| inner.downcast_ref::<ExchangeError>()) {
            Some(ExchangeError::NoAnswer) => Self::NoAnswer(asked),
            Some(answer) => Self::Answer(*answer),
            None => Self::Read(error),
        }
    }

    pub(crate) fn io_kind(&self) -> io::ErrorKind {
        match self {
            Self::Answer(ExchangeError::BodyCutShort { .. }) | Self::NoAnswer(_) => io::ErrorKind::UnexpectedEof,
            Self::Answer(_) | Self::Message(_) | Self::TooLong { .. } | Self::Http { .. } => io::ErrorKind::InvalidData,
            Self::TimedOut(_) => io::ErrorKind::TimedOut,
            Self::Refused(_) => io::ErrorKind::Other,
            Self::Body(error) | Self::Connect(error) | Self::Read(error) | Self::Write(error) => error.kind(),
            Self::BodyTooShort { .. }
            | Self::DatagramTooLong { .. }
            | Self::Decode(_)
            | Self::Encode(_)
            | Self::Framing(_)
            | Self::TooManyArguments { .. }
            | Self::TrailingBytes { .. } => io::ErrorKind::InvalidInput,
        }
    }
}

impl fmt::Display for ClientErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(error) => error.fmt(f),
            Self::Body(error) => write!(f, "the body to be sent cannot be read: {error}"),
            Self::BodyTooShort { missing } => {
                write!(f, "the body to be sent ended {missing} bytes before its declared length")
            }
            Self::Connect(error) => not_connected(f, error),
            Self::DatagramTooLong { length, most } => {
                write!(f, "a datagram of {length} bytes, of which a router reads {most}")
            }
            Self::Decode(error) => write!(f, "the packet to be sent is malformed: {error}"),
            Self::Encode(error) => write!(f, "this cannot be sent: {error}"),
            Self::Framing(error) => write!(f, "this cannot be sent: {error}"),
            Self::Http { status } => {
                write!(f, "the answer is HTTP with status {status}: does this server take anything but web requests?")
            }
            Self::Message(error) => write!(f, "the answer is a packet of another kind: {error}"),
            Self::NoAnswer(asked) => {
                write!(
                    f,
                    "the server closed without an answer, as uWSGI does with what it refuses: {}",
                    asked.silence()
                )
            }
            Self::Refused(asked) => f.write_str(asked.no()),
            Self::Read(error) => write!(f, "the connection broke inside the answer: {error}"),
            Self::TimedOut(timeout) => timeout.fmt(f),
            Self::TooLong { most } => write!(f, "the answer is longer than {most} bytes"),
            Self::TooManyArguments { most } => write!(f, "more than {most} arguments, of which uWSGI ignores the rest"),
            Self::TrailingBytes { count } => {
                write!(f, "{count} bytes follow the packet to be sent: a body is given apart from it")
            }
            Self::Write(error) => write!(f, "the connection broke inside the request: {error}"),
        }
    }
}

impl core::error::Error for ClientErrorKind {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Answer(error) => Some(error),
            Self::Body(error) | Self::Connect(error) | Self::Read(error) | Self::Write(error) => Some(error),
            Self::Decode(error) => Some(error),
            Self::Encode(error) => Some(error),
            Self::Framing(error) => Some(error),
            Self::Message(error) => Some(error),
            Self::TimedOut(timeout) => Some(timeout),
            Self::BodyTooShort { .. }
            | Self::DatagramTooLong { .. }
            | Self::Http { .. }
            | Self::NoAnswer(_)
            | Self::Refused(_)
            | Self::TooLong { .. }
            | Self::TooManyArguments { .. }
            | Self::TrailingBytes { .. } => None,
        }
    }
}

fn not_connected(f: &mut fmt::Formatter<'_>, error: &io::Error) -> fmt::Result {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => f.write_str("nobody listens there: is the server running?"),
        io::ErrorKind::NotFound => f.write_str("there is no such socket: is the server running?"),
        io::ErrorKind::PermissionDenied => {
            f.write_str("no permission to connect: does the mode of the socket let this user write to it?")
        }
        _ => write!(f, "no connection: {error}"),
    }
}
