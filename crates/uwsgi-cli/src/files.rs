//! Files, and the standard streams, which `-` names.

use std::ffi::OsStr;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::Path;

use uwsgi::Address;
use uwsgi_inspect::Escaped;

use crate::exit::Failure;

/// Returns all bytes of a file, or of standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let done = if is_dash(path) {
        io::stdin().lock().read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(path).map(|read| bytes = read)
    };
    match done {
        Ok(()) => Ok(bytes),
        Err(error) => Err(Failure::Failed(format!("cannot read {}: {error}", name(path)))),
    }
}

/// Returns the file's name for messages.
pub(crate) fn name(path: &Path) -> String {
    if is_dash(path) {
        "standard input".to_owned()
    } else {
        // A file's name may contain any bytes, and so control sequences of the terminal.
        Escaped(path.as_os_str().as_encoded_bytes()).to_string()
    }
}

/// Says why no server can listen at this address, if it is the path of a directory or of a file with content. The system says
/// of such a file that nobody listens there.
pub(crate) fn not_a_socket(address: &str) -> Option<&'static str> {
    let Ok(Address::Unix(path)) = Address::parse(address) else { return None };
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Some("this is a directory: name the socket in it"),
        Ok(metadata) if metadata.is_file() => Some("this is a file, not a socket"),
        _ => None,
    }
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == OsStr::new("-")
}

/// Writes text to a file, or to standard output for `None` and `-`.
pub(crate) fn write_text(path: Option<&Path>, text: &[u8]) -> Result<(), Failure> {
    let mut output = Output::open(path)?;
    output.write(text)?;
    output.flush()
}

/// Writes a packet to a file or to standard output, as [`write_text`] does. Without a path, refuses to write to a terminal.
pub(crate) fn write_packet(path: Option<&Path>, packet: &[u8]) -> Result<(), Failure> {
    if path.is_none() && io::stdout().is_terminal() {
        return Err(Failure::Failed(
            "a packet is binary and may upset the terminal: use --hex, --output FILE, or --output - to write it anyway"
                .to_owned(),
        ));
    }
    write_text(path, packet)
}

/// A file or standard output, written piece by piece.
pub(crate) struct Output {
    out: Box<dyn Write>,
    /// The name of the file; `None` for standard output.
    name: Option<String>,
    /// How many of the next bytes may not be binary.
    text_only: usize,
}

/// The start of an output in which a NUL byte shows that the output is binary. It is as long as curl's.
const BINARY_WITHIN: usize = 2000;

impl Output {
    /// Creates the file, or opens standard output for `None` and `-`.
    ///
    /// With `None`, the output refuses binary data if standard output is a terminal.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        match path {
            Some(path) if !is_dash(path) => {
                let name = name(path);
                match std::fs::File::create(path) {
                    Ok(file) => Ok(Self { out: Box::new(file), name: Some(name), text_only: 0 }),
                    Err(error) => Err(Failure::Output(format!("cannot write {name}: {error}"))),
                }
            }
            _ => {
                let is_terminal = path.is_none() && io::stdout().is_terminal();
                let text_only = if is_terminal { BINARY_WITHIN } else { 0 };
                Ok(Self { out: Box::new(io::stdout().lock()), name: None, text_only })
            }
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.text_only > 0 {
            if bytes.iter().take(self.text_only).any(|byte| *byte == 0) {
                return Err(Failure::Failed(
                    "the output is binary and may upset the terminal: use --output FILE, or --output - to write it anyway"
                        .to_owned(),
                ));
            }
            self.text_only = self.text_only.saturating_sub(bytes.len());
        }
        self.out.write_all(bytes).map_err(|error| self.failed(error))
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|error| self.failed(error))
    }

    /// Copies everything from a reader, then flushes. Returns the number of bytes. `explain` turns an error of the reader into
    /// a failure.
    pub(crate) fn copy<R: BufRead, E: Into<Failure>>(
        &mut self,
        from: &mut R,
        explain: impl Fn(&R, io::Error) -> E,
    ) -> Result<u64, Failure> {
        let mut count: u64 = 0;
        loop {
            let available = match from.fill_buf() {
                Ok(available) => available,
                Err(error) => {
                    // The bytes before the error are written first.
                    self.flush()?;
                    return Err(explain(from, error).into());
                }
            };
            if available.is_empty() {
                self.flush()?;
                return Ok(count);
            }
            self.write(available)?;
            let taken = available.len();
            count = count.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
            from.consume(taken);
        }
    }

    fn failed(&self, error: io::Error) -> Failure {
        match &self.name {
            Some(name) => Failure::Output(format!("cannot write {name}: {error}")),
            None => error.into(),
        }
    }
}
