//! The errors of a request.

use core::error::Error as _;
use std::io;

use uwsgi::client::ExchangeError;
use uwsgi::response::ResponseErrorKind;

/// The kinds of errors that the report counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    BacklogFull,
    ConnectFailed,
    ConnectRefused,
    CutShort,
    Io,
    MalformedBody,
    MalformedHead,
    NoAnswer,
    NoFile,
    NoLocalPort,
    Repeated,
    Reset,
    Timeout,
    TooManyInterim,
}

impl Kind {
    /// Returns the word in JSON.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::BacklogFull => "backlog_full",
            Self::ConnectFailed => "connect_failed",
            Self::ConnectRefused => "connect_refused",
            Self::CutShort => "cut_short",
            Self::Io => "io",
            Self::MalformedBody => "malformed_body",
            Self::MalformedHead => "malformed_head",
            Self::NoAnswer => "no_answer",
            Self::NoFile => "no_file",
            Self::NoLocalPort => "no_local_port",
            Self::Repeated => "repeated",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::TooManyInterim => "too_many_interim",
        }
    }

    /// Whether the error can mean that nothing listens at the address.
    pub(super) const fn is_no_listener(self) -> bool {
        matches!(self, Self::ConnectFailed | Self::ConnectRefused)
    }

    /// Returns the explanation for people.
    pub(super) const fn explanation(self) -> &'static str {
        match self {
            // A non-blocking Unix socket returns EAGAIN (unix(7)), and nginx then answers 502.
            Self::BacklogFull => "the server's queue of connections is full; nginx would answer 502",
            Self::ConnectFailed => "the connection failed",
            Self::ConnectRefused => "nothing listens there",
            Self::CutShort => "the connection was closed in the middle of the answer",
            Self::Io => "reading or writing failed",
            Self::MalformedBody => "the chunked body of the answer is malformed",
            Self::MalformedHead => "the head of the answer is not HTTP",
            Self::NoAnswer => "the connection was closed before the first byte of the answer",
            Self::NoFile => "this program may not open more files, which is no error of the server: see ulimit -n",
            Self::Repeated => {
                "the server had closed a connection that it said it keeps; the request was answered on a new connection"
            }
            Self::NoLocalPort => "this machine has no free port left: use a Unix socket, --keepalive or --rate",
            Self::Reset => "the connection was reset",
            Self::Timeout => "the answer was not complete within --timeout",
            Self::TooManyInterim => "the server sent too many interim answers (1xx)",
        }
    }
}

/// Why a request has no answer.
#[derive(Debug)]
pub(super) struct Error {
    pub(super) kind: Kind,
    /// The message of the system or of the parser.
    pub(super) detail: String,
}

impl Error {
    pub(super) fn timeout() -> Self {
        Self { kind: Kind::Timeout, detail: String::new() }
    }

    /// The error of a request that was answered only when it was sent again.
    pub(super) fn repeated() -> Self {
        Self { kind: Kind::Repeated, detail: String::new() }
    }

    /// The error of connecting.
    pub(super) fn connect(error: &io::Error) -> Self {
        let kind = match error.kind() {
            _ if is_out_of_files(error) => Kind::NoFile,
            io::ErrorKind::AddrNotAvailable => Kind::NoLocalPort,
            io::ErrorKind::ConnectionRefused => Kind::ConnectRefused,
            io::ErrorKind::TimedOut => Kind::Timeout,
            io::ErrorKind::WouldBlock => Kind::BacklogFull,
            _ => Kind::ConnectFailed,
        };
        Self { kind, detail: error.to_string() }
    }

    /// The error of an established connection.
    pub(super) fn io(error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset => {
                Kind::Reset
            }
            io::ErrorKind::TimedOut => Kind::Timeout,
            _ => Kind::Io,
        };
        Self { kind, detail: error.to_string() }
    }
}

/// Whether this process or the whole system has reached its limit of open files.
#[cfg(target_os = "linux")]
fn is_out_of_files(error: &io::Error) -> bool {
    use rustix::io::Errno;

    [Errno::MFILE, Errno::NFILE].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(not(target_os = "linux"))]
fn is_out_of_files(_error: &io::Error) -> bool {
    false
}

impl From<ExchangeError> for Error {
    fn from(error: ExchangeError) -> Self {
        let kind = match error {
            ExchangeError::NoAnswer => Kind::NoAnswer,
            ExchangeError::BodyCutShort { .. } => Kind::CutShort,
            ExchangeError::Response(error) if error.kind() == ResponseErrorKind::Truncated => Kind::CutShort,
            ExchangeError::Chunk(_) => Kind::MalformedBody,
            ExchangeError::TooManyInterim => Kind::TooManyInterim,
            _ => Kind::MalformedHead,
        };
        // The explanation of the kind is printed before the detail, and says what the error itself does.
        Self { kind, detail: error.source().map_or_else(|| error.to_string(), |cause| cause.to_string()) }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use uwsgi::client::Exchange;

    use super::*;

    #[test]
    fn the_detail_of_a_malformed_answer_is_its_cause() {
        for (answer, kind, detail) in [
            (
                &b"HTTP/1.1 20\r\n\r\n"[..],
                Kind::MalformedHead,
                "the answer's status is not three digits of 100 or more (at byte 0)",
            ),
            (b"Transfer-Encoding: chunked\n\nx\r\n", Kind::MalformedBody, "a chunk's size is not 1 to 16 hex digits"),
            (b"", Kind::NoAnswer, "the backend closed without an answer, as uWSGI does with what it refuses"),
        ] {
            let error = Error::from(Exchange::new(false).split(answer).unwrap_err());
            assert_eq!((error.kind, error.detail.as_str()), (kind, detail));
        }
    }

    #[test]
    fn a_lack_of_descriptors_is_no_error_of_the_server() {
        use rustix::io::Errno;

        for (errno, kind, is_no_listener) in [
            (Errno::MFILE, Kind::NoFile, false),
            (Errno::NFILE, Kind::NoFile, false),
            (Errno::CONNREFUSED, Kind::ConnectRefused, true),
            (Errno::ACCESS, Kind::ConnectFailed, true),
        ] {
            let error = Error::connect(&errno.into());
            assert_eq!((error.kind, error.kind.is_no_listener()), (kind, is_no_listener), "{errno}");
        }
    }
}
