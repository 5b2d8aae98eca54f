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
    /// The answer's status is 400 or above, and `--fail` was given. The exit status is 22, as curl's.
    HttpError,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Success => 0,
            Status::Malformed | Status::Negative => 1,
            Status::Failed => 2,
            Status::HttpError => 22,
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
    /// The reader of standard output has closed it.
    OutputClosed,
    /// Everything else: a wrong command line, a file that cannot be read or written, a server that does not answer.
    Failed(String),
}

impl Failure {
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
            _ => Self::Failed(format!("cannot write to standard output: {error}")),
        }
    }
}

/// An error of the client, which names the server's address.
impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error.kind() {
            // uWSGI's cache says no by closing the connection without an answer.
            ClientErrorKind::Refused(_) | ClientErrorKind::NoAnswer(Asked::Cache) => Self::Negative(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}
