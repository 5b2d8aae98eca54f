//! The errors of a client.

use core::fmt;
use std::io;

use uwsgi::client::ExchangeError;
use uwsgi::framing::FramingError;
use uwsgi::message::MessageError;
use uwsgi::{DecodeError, EncodeError, write_source};

use crate::transport::stream::Timeout;

/// An error of a client, with the address of the server.
///
/// `{}` prints what failed, and [`source`](core::error::Error::source) is the cause, where there is one. `{:#}` prints both in one
/// line, for a log.
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
    /// The message has a key or an address that is empty, or too long for the receiver. Nothing was sent.
    InvalidMessage(MessageError),
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

    /// Returns the status with which a proxy answers its own client.
    ///
    /// | status | error |
    /// |---|---|
    /// | 400 | the body of the request is not whole, or its length is invalid |
    /// | 500 | the proxy asked for something that cannot be sent: nothing was sent |
    /// | 503 | the server has no room for another connection, or this machine has no more descriptors, ports or memory |
    /// | 504 | the server was too slow |
    /// | 502 | any other error |
    ///
    /// ```
    /// let error = uwsgi_io::Client::new("unix:/nowhere/app.sock")?.ping().unwrap_err();
    /// assert_eq!(error.status(), 502);
    /// # Ok::<(), uwsgi::AddressError>(())
    /// ```
    #[must_use]
    pub fn status(&self) -> u16 {
        use ClientErrorKind as Kind;
        match &self.kind {
            Kind::Body(_) | Kind::BodyTooShort { .. } | Kind::Framing(_) => 400,
            Kind::DatagramTooLong { .. }
            | Kind::Decode(_)
            | Kind::Encode(_)
            | Kind::InvalidMessage(_)
            | Kind::TooManyArguments { .. }
            | Kind::TrailingBytes { .. } => 500,
            Kind::TimedOut(Timeout::Connect(_)) => 503,
            Kind::Connect(error) if is_exhausted(error) => 503,
            Kind::TimedOut(_) => 504,
            Kind::Answer(_)
            | Kind::Connect(_)
            | Kind::Http { .. }
            | Kind::Message(_)
            | Kind::NoAnswer(_)
            | Kind::Read(_)
            | Kind::Refused(_)
            | Kind::TooLong { .. }
            | Kind::Write(_) => 502,
        }
    }

    /// Returns whether one of the client's timeouts has passed, that for connecting included.
    ///
    /// ```
    /// let error = uwsgi_io::Client::new("unix:/nowhere/app.sock")?.ping().unwrap_err();
    /// assert!(!error.is_timeout());
    /// # Ok::<(), uwsgi::AddressError>(())
    /// ```
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self.kind, ClientErrorKind::TimedOut(_))
    }

    /// Returns whether there was no connection, so that the server got no byte of the request.
    ///
    /// ```
    /// let error = uwsgi_io::Client::new("unix:/nowhere/app.sock")?.ping().unwrap_err();
    /// assert!(error.is_connect());
    /// # Ok::<(), uwsgi::AddressError>(())
    /// ```
    #[must_use]
    pub const fn is_connect(&self) -> bool {
        matches!(self.kind, ClientErrorKind::Connect(_) | ClientErrorKind::TimedOut(Timeout::Connect(_)))
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.address)?;
        self.kind.fmt(f)
    }
}

impl core::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        // The text of the kind is part of this error's text, so its cause comes next.
        self.kind.source()
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
            | Self::InvalidMessage(_)
            | Self::TooManyArguments { .. }
            | Self::TrailingBytes { .. } => io::ErrorKind::InvalidInput,
        }
    }
}

impl fmt::Display for ClientErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(error) => return error.fmt(f),
            Self::Body(_) => f.write_str("the body to be sent cannot be read")?,
            Self::BodyTooShort { missing } => {
                write!(f, "the body to be sent ended {missing} bytes before its declared length")?;
            }
            Self::Connect(error) => f.write_str(connect_hint(error).unwrap_or("no connection"))?,
            Self::DatagramTooLong { length, most } => {
                write!(f, "a datagram of {length} bytes is too long: a router reads {most}")?;
            }
            Self::Decode(_) => f.write_str("the packet to be sent is malformed")?,
            Self::Encode(_) | Self::Framing(_) | Self::InvalidMessage(_) => f.write_str("this cannot be sent")?,
            Self::Http { status } => {
                write!(f, "the answer is HTTP with status {status}: does this server take anything but web requests?")?;
            }
            Self::Message(_) => f.write_str("the answer is a packet of another kind")?,
            Self::NoAnswer(asked) => write!(
                f,
                "the server closed without an answer, as uWSGI does with what it refuses: {}",
                asked.no_answer_hint()
            )?,
            Self::Refused(asked) => f.write_str(asked.refusal_text())?,
            Self::Read(_) => f.write_str("the connection broke inside the answer")?,
            Self::TimedOut(timeout) => return timeout.fmt(f),
            Self::TooLong { most } => write!(f, "the answer is longer than {most} bytes")?,
            Self::TooManyArguments { most } => write!(f, "more than {most} arguments: uWSGI ignores the rest")?,
            Self::TrailingBytes { count } => {
                write!(f, "{count} bytes follow the packet to be sent: the body is a separate argument")?;
            }
            Self::Write(_) => f.write_str("the connection broke inside the request")?,
        }
        write_source(self, f)
    }
}

impl core::error::Error for ClientErrorKind {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            // The text of the kind is that of the error inside, whose cause comes next.
            Self::Answer(error) => error.source(),
            Self::Connect(error) if connect_hint(error).is_some() => None,
            Self::Body(error) | Self::Connect(error) | Self::Read(error) | Self::Write(error) => Some(error),
            Self::Decode(error) => Some(error),
            Self::Encode(error) => Some(error),
            Self::Framing(error) => Some(error),
            Self::InvalidMessage(error) | Self::Message(error) => Some(error),
            Self::BodyTooShort { .. }
            | Self::DatagramTooLong { .. }
            | Self::Http { .. }
            | Self::NoAnswer(_)
            | Self::Refused(_)
            | Self::TimedOut(_)
            | Self::TooLong { .. }
            | Self::TooManyArguments { .. }
            | Self::TrailingBytes { .. } => None,
        }
    }
}

/// Returns a text that says what the error of a connect means, and what to check.
fn connect_hint(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some("nobody listens there: is the server running?"),
        io::ErrorKind::NotFound if error.get_ref().is_none() => Some("there is no such socket: is the server running?"),
        io::ErrorKind::PermissionDenied => {
            Some("no permission to connect: does the mode of the socket let this user write to it?")
        }
        _ => None,
    }
}

/// Returns whether the queue of the server's listener is full, or this machine has no more descriptors, ports or memory.
fn is_exhausted(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let exhausted = [Errno::ADDRNOTAVAIL, Errno::AGAIN, Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| exhausted.iter().any(|errno| errno.raw_os_error() == code))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics has found something")]
mod tests;
