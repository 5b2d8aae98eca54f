//! The body of a request on its way from a file or a pipe.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::AsFd;
use std::path::Path;

use crate::output::{self, Failure};

/// A body, and how many bytes it has.
pub(crate) struct Upload {
    pub(crate) body: Box<dyn Read>,
    pub(crate) length: u64,
}

/// How much of a pipe is kept in memory to learn its length.
const MOST: u64 = 64 << 20;

impl Upload {
    /// A file as it is, `-` for standard input. A length that was told is believed; else it is the file's or, of what has
    /// none, that of all it gives.
    pub(crate) fn open(path: &Path, told: Option<u64>) -> Result<Self, Failure> {
        let name = output::name(path);
        let cannot = |error: io::Error| Failure::Refused(format!("cannot read {name}: {error}"));
        let file = match path.as_os_str().to_str() {
            Some("-") => File::from(io::stdin().as_fd().try_clone_to_owned().map_err(cannot)?),
            _ => File::open(path).map_err(cannot)?,
        };
        if let Some(length) = told {
            return Ok(Self { body: Box::new(file), length });
        }
        match Self::measured(file).map_err(cannot)? {
            Some(upload) => Ok(upload),
            None => Err(Failure::Refused(format!(
                "{name} gives more than {} MiB, and uwsgi needs the length first: say it with -H 'Content-Length: N', or \
                 write a file",
                MOST >> 20
            ))),
        }
    }

    /// Bytes that are there.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Self { body: Box::new(io::Cursor::new(bytes)), length }
    }

    /// Nothing, where there is too much of it.
    fn measured(mut file: File) -> io::Result<Option<Self>> {
        let about = file.metadata()?;
        if about.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if about.is_file() {
            // Whoever opened it may have read some of it.
            let length = about.len().saturating_sub(file.stream_position()?);
            return Ok(Some(Self { body: Box::new(file), length }));
        }
        let mut bytes = Vec::new();
        file.take(MOST.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(Some(Self::of(bytes)).filter(|upload| upload.length <= MOST))
    }
}
