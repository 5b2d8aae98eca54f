//! What can go wrong with one request.

use std::io;

use uwsgi::client::ExchangeError;
use uwsgi::response::ResponseErrorKind;

/// Why a request got no answer, as the report counts it.
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
    /// The word in JSON.
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

    /// Whether it comes of an address at which nobody listens.
    pub(super) const fn is_nobody_there(self) -> bool {
        matches!(self, Self::ConnectFailed | Self::ConnectRefused)
    }

    /// What happened, for people.
    pub(super) const fn explanation(self) -> &'static str {
        match self {
            // A Unix socket that does not block says EAGAIN (unix(7)), which nginx makes a 502 of.
            Self::BacklogFull => "the server's queue of connections is full; nginx would answer 502",
            Self::ConnectFailed => "no connection could be made",
            Self::ConnectRefused => "nothing listens there",
            Self::CutShort => "the connection was closed inside the answer",
            Self::Io => "reading or writing failed",
            Self::MalformedBody => "the answer's chunked body cannot be read",
            Self::MalformedHead => "the answer's head is no HTTP",
            Self::NoAnswer => "the connection was closed without a byte",
            Self::NoFile => "this program may open no more files, which is no fault of the server: see ulimit -n",
            Self::Repeated => "the server had closed the connection that it said it keeps: answered on a new one",
            Self::NoLocalPort => "this machine has no free port left: use a Unix socket, --keepalive or --rate",
            Self::Reset => "the connection was reset",
            Self::Timeout => "the answer was not there in time, see --timeout",
            Self::TooManyInterim => "there were more interim answers (1xx) than are taken",
        }
    }
}

/// A request without an answer.
#[derive(Debug)]
pub(super) struct Error {
    pub(super) kind: Kind,
    /// What the system or the protocol's reader said.
    pub(super) detail: String,
}

impl Error {
    pub(super) fn timeout() -> Self {
        Self { kind: Kind::Timeout, detail: String::new() }
    }

    /// Of a request that was answered when it was asked again.
    pub(super) fn repeated() -> Self {
        Self { kind: Kind::Repeated, detail: String::new() }
    }

    /// While connecting.
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

    /// On a connection that was there.
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

/// Whether this process, or the whole system, has as many files open as it may.
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
        Self { kind, detail: error.to_string() }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn want_of_descriptors_is_no_fault_of_the_server() {
        use rustix::io::Errno;

        for (errno, kind, nobody) in [
            (Errno::MFILE, Kind::NoFile, false),
            (Errno::NFILE, Kind::NoFile, false),
            (Errno::CONNREFUSED, Kind::ConnectRefused, true),
            (Errno::ACCESS, Kind::ConnectFailed, true),
        ] {
            let error = Error::connect(&errno.into());
            assert_eq!((error.kind, error.kind.is_nobody_there()), (kind, nobody), "{errno}");
        }
    }
}
