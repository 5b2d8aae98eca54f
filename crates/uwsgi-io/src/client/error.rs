//! The errors of a client.

use core::fmt;
use std::io;

use uwsgi::client::ExchangeError;
use uwsgi::framing::FramingError;
use uwsgi::message::MessageError;
use uwsgi::{DecodeError, EncodeError};

use crate::transport::stream::Timeout;

/// An error of a client, with the address of the server.
///
/// ```
/// use uwsgi_io::{Client, ClientErrorKind};
///
/// let error = Client::new("unix:/nowhere/app.sock")?.ping().unwrap_err();
/// assert_eq!(error.to_string(), "unix:/nowhere/app.sock: there is no such socket: is the server running?");
/// assert!(matches!(error.kind(), ClientErrorKind::Connect(_)));
/// # Ok::<(), uwsgi::AddressError>(())
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
    /// The answer is not valid, or not whole.
    Answer(ExchangeError),
    /// The body of the request could not be read.
    Body(io::Error),
    /// The body of the request ended before its declared length. The client has given up the request.
    BodyTooShort {
        /// How many bytes were missing.
        missing: u64,
    },
    /// The client could not connect.
    Connect(io::Error),
    /// The packet is longer than the receiver reads. Nothing was sent.
    DatagramTooLong {
        /// Its length in bytes.
        length: usize,
        /// How many bytes the receiver reads at most.
        most: usize,
    },
    /// The packet of the request is malformed. Nothing was sent.
    Decode(DecodeError),
    /// The message cannot be encoded as a packet. Nothing was sent.
    Encode(EncodeError),
    /// The packet of the request declares an invalid length of its body. Nothing was sent.
    Framing(FramingError),
    /// The answer to a message is an HTTP response. Servers that accept only web requests answer in this way.
    Http {
        /// Its status.
        status: u16,
    },
    /// The answer is a packet that does not answer this message.
    Message(MessageError),
    /// The server closed the connection without sending a byte. uWSGI refuses requests in this way.
    NoAnswer(Asked),
    /// The server's answer is a refusal.
    Refused(Asked),
    /// The connection broke during a read.
    Read(io::Error),
    /// A timeout has passed.
    TimedOut(Timeout),
    /// The answer is longer than the caller allows.
    TooLong {
        /// How many bytes the caller allows.
        most: u64,
    },
    /// More arguments than uWSGI reads: it ignores the rest. Nothing was sent.
    TooManyArguments {
        /// How many there may be.
        most: usize,
    },
    /// Bytes follow the packet of the request; the body is a separate argument. Nothing was sent.
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// The connection broke during a write. No response came, or the response needs the whole request: it is a 101 or a
    /// success.
    Write(io::Error),
}

/// What a client asked the server for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Asked {
    /// A command of the server's cache.
    Cache,
    /// A ping.
    Ping,
    /// The response to a web request, or the answer to [raw](crate::Client::raw) bytes.
    Request,
    /// The result of a function.
    Rpc,
    /// To raise a signal.
    Signal,
    /// To put a task into the server's spooler.
    Spool,
    /// To announce a backend.
    Subscribe,
}

impl Asked {
    /// Returns what a close without an answer may mean.
    const fn no_answer_hint(self) -> &'static str {
        match self {
            Self::Cache => "is there such a cache, and is the value no larger than its blocks?",
            Self::Request => "its log says why; a packet over its --buffer-size is a usual reason",
            Self::Rpc => "there is no such function, or it failed, or its result is empty",
            Self::Ping | Self::Signal | Self::Spool | Self::Subscribe => "does it have the plugin for this?",
        }
    }

    /// Returns the text for an answer that is a refusal.
    const fn refusal_text(self) -> &'static str {
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

    /// Returns what went wrong.
    #[must_use]
    pub const fn kind(&self) -> &ClientErrorKind {
        &self.kind
    }

    /// Returns the address of the server.
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
    /// Returns an error of a reader or a writer as an error of the client. `asked` is for [`NoAnswer`](Self::NoAnswer).
    pub(crate) fn from_io(error: io::Error, asked: Asked) -> Self {
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
            Self::Connect(error) => fmt_connect_error(f, error),
            Self::DatagramTooLong { length, most } => {
                write!(f, "a datagram of {length} bytes is too long: a router reads {most}")
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
                    asked.no_answer_hint()
                )
            }
            Self::Refused(asked) => f.write_str(asked.refusal_text()),
            Self::Read(error) => write!(f, "the connection broke inside the answer: {error}"),
            Self::TimedOut(timeout) => timeout.fmt(f),
            Self::TooLong { most } => write!(f, "the answer is longer than {most} bytes"),
            Self::TooManyArguments { most } => write!(f, "more than {most} arguments: uWSGI ignores the rest"),
            Self::TrailingBytes { count } => {
                write!(f, "{count} bytes follow the packet to be sent: the body is a separate argument")
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

fn fmt_connect_error(f: &mut fmt::Formatter<'_>, error: &io::Error) -> fmt::Result {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => f.write_str("nobody listens there: is the server running?"),
        io::ErrorKind::NotFound => f.write_str("there is no such socket: is the server running?"),
        io::ErrorKind::PermissionDenied => {
            f.write_str("no permission to connect: does the mode of the socket let this user write to it?")
        }
        _ => write!(f, "no connection: {error}"),
    }
}
