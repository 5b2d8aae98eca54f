//! A request body from a file, a pipe or memory.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::AsFd;
use std::path::Path;

use crate::exit::Failure;
use crate::files;

/// A body and its length.
pub(super) struct Upload {
    pub(super) body: Box<dyn Read>,
    pub(super) length: u64,
}

/// The largest body from a pipe that is kept in memory, to find its length.
const MAX_BUFFERED: u64 = 64 << 20;

impl Upload {
    /// Opens a file, or standard input for `-`. Without a declared length, the file system gives the length of a regular file.
    /// Anything else is read to its end.
    pub(super) fn open(path: &Path, declared: Option<u64>) -> Result<Self, Failure> {
        let name = files::name(path);
        let cannot = |error: io::Error| Failure::Failed(format!("cannot read {name}: {error}"));
        let file = match path.as_os_str().to_str() {
            Some("-") => File::from(io::stdin().as_fd().try_clone_to_owned().map_err(cannot)?),
            _ => File::open(path).map_err(cannot)?,
        };
        if let Some(length) = declared {
            return Ok(Self { body: Box::new(file), length });
        }
        match Self::measured(file).map_err(cannot)? {
            Some(upload) => Ok(upload),
            None => Err(Failure::Failed(format!(
                "{name} has more than {} MiB, and uwsgi needs the length first: give it with -H 'Content-Length: N', or \
                 upload a file",
                MAX_BUFFERED >> 20
            ))),
        }
    }

    /// Returns a body of these bytes.
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Self {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Self { body: Box::new(io::Cursor::new(bytes)), length }
    }

    /// Finds the length of the file. Returns `None` if it is not a regular file and has more than [`MAX_BUFFERED`] bytes.
    fn measured(mut file: File) -> io::Result<Option<Self>> {
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if metadata.is_file() {
            // Standard input may be a file of which another process has read the beginning.
            let length = metadata.len().saturating_sub(file.stream_position()?);
            return Ok(Some(Self { body: Box::new(file), length }));
        }
        let mut bytes = Vec::new();
        file.take(MAX_BUFFERED.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(Some(Self::from_bytes(bytes)).filter(|upload| upload.length <= MAX_BUFFERED))
    }
}
