//! Where input comes from, where output goes, and how the program ends.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use crate::escape::Escaped;

/// How a command went that reached its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    Done,
    Malformed,
    /// The server's answer is no.
    No,
    Failed,
    /// The status of an answer is that of an error, and that was to be a failure: curl's number.
    HttpError,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Done => 0,
            Status::Malformed | Status::No => 1,
            Status::Failed => 2,
            Status::HttpError => 22,
        })
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The input is not what it should be.
    Malformed(String),
    /// The server's answer is no.
    No(String),
    /// Nobody reads the output any more.
    ReaderGone,
    /// The command line asks for what cannot be, or a file cannot be read or written.
    Refused(String),
}

/// Failures of writing to standard output; failures of reading are told where the file's name is known.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::Refused(format!("cannot write to standard output: {error}")),
        }
    }
}

/// Headings.
pub(crate) const HEADING: Style = Style::new().bold();
/// Keys and other names.
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
/// What is there for orientation only.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// What is wrong.
pub(crate) const WRONG: Style = AnsiColor::Red.on_default().bold();
/// What to do about it.
pub(crate) const HINT: Style = AnsiColor::Green.on_default().bold();

/// All bytes of a file, or of standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let done = if is_dash(path) {
        io::stdin().lock().read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(path).map(|read| bytes = read)
    };
    match done {
        Ok(()) => Ok(bytes),
        Err(error) => Err(Failure::Refused(format!("cannot read {}: {error}", name(path)))),
    }
}

/// A file's name as messages have it.
pub(crate) fn name(path: &Path) -> String {
    if is_dash(path) {
        "standard input".to_owned()
    } else {
        // A name may hold anything, escape codes too.
        Escaped(path.as_os_str().as_encoded_bytes()).to_string()
    }
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == OsStr::new("-")
}

/// Writes a result to a file, or, for none and `-`, to standard output. Only `-` sends binary to a terminal.
pub(crate) fn write(path: Option<&Path>, bytes: &[u8], text: bool) -> Result<(), Failure> {
    match path {
        Some(path) if !is_dash(path) => std::fs::write(path, bytes)
            .map_err(|error| Failure::Refused(format!("cannot write {}: {error}", name(path)))),
        None if !text && io::stdout().is_terminal() => Err(Failure::Refused(
            "a packet is binary and may upset the terminal: use --hex, --output FILE, or --output - to write it anyway"
                .to_owned(),
        )),
        Some(_) | None => {
            let mut out = io::stdout().lock();
            out.write_all(bytes)?;
            Ok(out.flush()?)
        }
    }
}

/// A place for output that comes piece by piece.
pub(crate) struct Sink {
    out: Box<dyn Write>,
    /// Standard output has none.
    name: Option<String>,
}

impl Sink {
    /// A file, which is made now, or standard output for none and `-`.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        match path {
            Some(path) if !is_dash(path) => {
                let name = name(path);
                match std::fs::File::create(path) {
                    Ok(file) => Ok(Self { out: Box::new(file), name: Some(name) }),
                    Err(error) => Err(Failure::Refused(format!("cannot write {name}: {error}"))),
                }
            }
            _ => Ok(Self { out: Box::new(io::stdout().lock()), name: None }),
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out.write_all(bytes).map_err(|error| self.failed(error))
    }

    /// Sees to it that everything has arrived.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> Failure {
        match &self.name {
            Some(name) => Failure::Refused(format!("cannot write {name}: {error}")),
            None => error.into(),
        }
    }
}

/// One message to standard error; several lines of it may follow the first.
pub(crate) fn complain(message: &str) {
    // Where standard error cannot be written either, the exit status is all there is.
    let _unheard = writeln!(anstream::stderr().lock(), "{WRONG}error:{WRONG:#} {message}");
}

/// Something to know that is no failure.
pub(crate) fn note(message: &str) {
    let _unheard = writeln!(anstream::stderr().lock(), "{HINT}note:{HINT:#} {message}");
}
