//! Which files the kernel can send.

use std::fs::File;

use pyo3::intern;
use pyo3::prelude::*;

use crate::driver::rest::FilePart;
use crate::error_log::duplicate;

/// The types of Python's files that read exactly the bytes of their descriptor. The descriptor of another file may have other
/// bytes: that of a `GzipFile` is compressed.
#[derive(Debug)]
pub(crate) struct FileTypes {
    raw: Py<PyAny>,
    reader: Py<PyAny>,
    random: Py<PyAny>,
    temporary: Py<PyAny>,
}

impl FileTypes {
    pub(crate) fn new(py: Python<'_>) -> PyResult<Self> {
        let io = py.import("io")?;
        Ok(Self {
            raw: io.getattr("FileIO")?.unbind(),
            reader: io.getattr("BufferedReader")?.unbind(),
            random: io.getattr("BufferedRandom")?.unbind(),
            temporary: py.import("tempfile")?.getattr("_TemporaryFileWrapper")?.unbind(),
        })
    }

    /// Returns the part of a file from its position to its end, if the kernel can send it.
    pub(crate) fn part(&self, file: &Bound<'_, PyAny>) -> PyResult<Option<FilePart>> {
        let py = file.py();
        let is_a = |object: &Bound<'_, PyAny>, class: &Py<PyAny>| object.get_type().is(class);
        let file = if is_a(file, &self.temporary) { &file.getattr(intern!(py, "file"))? } else { file };
        let is_random = is_a(file, &self.random);
        let raw = if is_a(file, &self.reader) || is_random { &file.getattr(intern!(py, "raw"))? } else { file };
        if !is_a(raw, &self.raw) {
            return Ok(None);
        }
        if is_random {
            // Bytes that were written may be in the buffer of the file.
            file.call_method0(intern!(py, "flush"))?;
        }
        let position = file.call_method0(intern!(py, "tell")).and_then(|position| position.extract::<u64>());
        let descriptor: i32 = raw.call_method0(intern!(py, "fileno"))?.extract()?;
        let (Ok(offset), duplicate) = (position, File::from(duplicate(descriptor)?)) else { return Ok(None) };
        let metadata = duplicate.metadata()?;
        if !metadata.is_file() {
            return Ok(None);
        }
        let left = metadata.len().saturating_sub(offset);
        // The files of /proc have bytes although their length is 0.
        Ok((left > 0).then_some(FilePart { file: duplicate, offset, left }))
    }
}
