//! How a command ends: its exit status, and why it failed.

use std::io;
use std::process::ExitCode;

use uwsgi::EncodeError;
use uwsgi_inspect::Escaped;
use uwsgi_io::{Asked, ClientError, ClientErrorKind};

/// The result of a command that ran to its end. A later variant is worse than an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    Success,
    /// An input is malformed.
    Malformed,
    /// The server's answer is no, or is a warning.
    Negative,
    Failed,
    /// The server is not alive.
    NotAlive,
    /// The answer's status is 400 or above, and `--fail` was given. The exit status is 22, as curl's.
    HttpError,
    /// The answer of `request` could not be written. The exit status is 23, as curl's.
    Unwritten,
}

impl Status {
    /// Returns this status for a command that has its result before it writes it: a reader that closes the output does not
    /// change the result.
    pub(crate) fn after_writing<E: Into<Failure>>(self, written: Result<(), E>) -> Result<Self, Failure> {
        match written.map_err(Into::into) {
            Ok(()) | Err(Failure::OutputClosed) => Ok(self),
            Err(failure) => Err(failure),
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Success => 0,
            Status::Malformed | Status::Negative => 1,
            Status::Failed => 2,
            Status::NotAlive => 3,
            Status::HttpError => 22,
            Status::Unwritten => 23,
        })
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An input is malformed.
    Malformed(String),
    /// The server's answer is no.
    Negative(String),
    /// The server is not alive.
    NotAlive(String),
    /// The answer's status is 400 or above, and `--fail` was given.
    HttpError(String),
    /// The reader of standard output has closed it.
    OutputClosed,
    /// The output cannot be written, for another reason.
    Output(String),
    /// The answer of `request` cannot be written.
    Unwritten(String),
    /// Everything else: a wrong command line, a file that cannot be read, a server that does not answer.
    Failed(String),
}

impl Failure {
    /// Returns the message to print, if there is one, and the status.
    pub(crate) fn into_parts(self) -> (Option<String>, Status) {
        match self {
            Self::Malformed(message) => (Some(message), Status::Malformed),
            Self::Negative(message) => (Some(message), Status::Negative),
            Self::NotAlive(message) => (Some(message), Status::NotAlive),
            Self::HttpError(message) => (Some(message), Status::HttpError),
            // A reader such as `head` closes the output when it has read enough. That is a success.
            Self::OutputClosed => (None, Status::Success),
            Self::Output(message) | Self::Failed(message) => (Some(message), Status::Failed),
            Self::Unwritten(message) => (Some(message), Status::Unwritten),
        }
    }

    /// Returns the failure of an encoder that refused `what`.
    pub(crate) fn encode(what: &[u8], error: EncodeError) -> Self {
        Self::Failed(format!("{}: {error}", Escaped(what)))
    }
}

/// An error of standard output. An error of a file becomes a [`Failure`] where the file's name is known.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::Output(format!("cannot write to standard output: {error}")),
        }
    }
}

/// An error of the client, which names the server's address.
impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error.kind() {
            // uWSGI's cache says no by closing the connection without an answer.
            ClientErrorKind::Refused(_) | ClientErrorKind::NoAnswer(Asked::Cache) => {
                Self::Negative(format!("{error:#}"))
            }
            _ => Self::Failed(format!("{error:#}")),
        }
    }
}
