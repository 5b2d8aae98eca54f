//! `wsgi.input`: the body of a request as a file object.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::{PyOSError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyMemoryView, PySlice};
use uwsgi_io::Socket;

use crate::driver::incoming::Incoming;
use crate::driver::shared::Shared;
use crate::driver::wait::Wait;

/// The body of one request. If it ends early, reads raise an `OSError`.
#[pyclass(name = "Input", module = "uwsgi_wsgi._native")]
#[derive(Debug)]
pub(crate) struct Input {
    /// `None` after the request. An application may keep this object, and its socket must be closed nevertheless.
    body: Option<OpenBody>,
    /// Whether the request is over. A thread that was reading then drops the body by itself.
    is_over: Arc<AtomicBool>,
}

/// A body that can be read.
#[derive(Debug)]
struct OpenBody {
    incoming: Box<Incoming>,
    socket: Arc<Socket>,
    shared: Arc<Shared>,
}

/// Waits while other Python threads run.
pub(crate) struct Detached<'py>(pub(crate) Python<'py>);

impl Wait for Detached<'_> {
    fn wait<R: Send>(&self, wait: impl FnOnce() -> R + Send) -> R {
        self.0.detach(wait)
    }
}

/// How many bytes are read at once where the number of bytes that come is not known.
const PIECE: usize = 256 << 10;
/// How many bytes get their memory before they come. A declared length is not proof that so many bytes come.
const MAX_AT_ONCE: usize = 1 << 20;

impl Input {
    pub(crate) fn new(
        incoming: Box<Incoming>,
        socket: Arc<Socket>,
        shared: Arc<Shared>,
        is_over: Arc<AtomicBool>,
    ) -> Self {
        Self { body: Some(OpenBody { incoming, socket, shared }), is_over }
    }

    /// Takes the receiving half back: the request is over.
    pub(crate) fn take(&mut self) -> Option<Box<Incoming>> {
        self.body.take().map(|body| body.incoming)
    }

    pub(crate) fn incoming(&self) -> Option<&Incoming> {
        self.body.as_ref().map(|body| &*body.incoming)
    }

    /// Drops the body, if the request has ended while this thread was reading.
    fn end_late<T>(&mut self, read: PyResult<T>) -> PyResult<T> {
        if self.is_over.load(Ordering::Acquire) {
            self.body = None;
        }
        read
    }

    fn parts(&mut self) -> PyResult<(&mut Incoming, &Socket, &Shared)> {
        match &mut self.body {
            Some(OpenBody { incoming, socket, shared }) => Ok((incoming, socket, shared)),
            None => Err(PyValueError::new_err("the request is over: its body cannot be read any longer")),
        }
    }

    /// Fills a buffer with bytes of the body. It is not longer than the rest of the body.
    fn read_exact(&mut self, py: Python<'_>, out: &mut [u8]) -> PyResult<()> {
        let read = self.try_read_exact(py, out);
        self.end_late(read)
    }

    fn try_read_exact(&mut self, py: Python<'_>, mut out: &mut [u8]) -> PyResult<()> {
        let (incoming, socket, shared) = self.parts()?;
        while !out.is_empty() {
            let count = incoming.read_body(socket, &shared.stop, &Detached(py), out)?;
            if count == 0 {
                return Err(PyOSError::new_err("the body ended early"));
            }
            out = out.get_mut(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// Reads at most `most` bytes: fewer only at the end of the body.
    fn read_up_to(&mut self, py: Python<'_>, most: usize) -> PyResult<Vec<u8>> {
        let read = self.try_read_up_to(py, most);
        self.end_late(read)
    }

    fn try_read_up_to(&mut self, py: Python<'_>, most: usize) -> PyResult<Vec<u8>> {
        let (incoming, socket, shared) = self.parts()?;
        let mut bytes = Vec::new();
        loop {
            let missing = most.saturating_sub(bytes.len());
            let room = incoming.left().min(missing).min(PIECE);
            if room == 0 {
                break;
            }
            let from = bytes.len();
            bytes.resize(from.saturating_add(room), 0);
            let out = bytes.get_mut(from..).unwrap_or_default();
            let count = incoming.read_body(socket, &shared.stop, &Detached(py), out)?;
            bytes.truncate(from.saturating_add(count));
            if count == 0 {
                break;
            }
        }
        Ok(bytes)
    }

    /// Reads a line of at most `most` bytes, with its end.
    fn read_line(&mut self, py: Python<'_>, most: usize) -> PyResult<Vec<u8>> {
        let read = self.try_read_line(py, most);
        self.end_late(read)
    }

    fn try_read_line(&mut self, py: Python<'_>, most: usize) -> PyResult<Vec<u8>> {
        let (incoming, socket, shared) = self.parts()?;
        let mut line = Vec::new();
        while line.len() < most {
            let there = incoming.fill_body(socket, &shared.stop, &Detached(py))?;
            let there = there.get(..there.len().min(most.saturating_sub(line.len()))).unwrap_or_default();
            let end = there.iter().position(|byte| *byte == b'\n').map(|at| at.saturating_add(1));
            let piece = there.get(..end.unwrap_or(there.len())).unwrap_or_default();
            line.extend_from_slice(piece);
            let count = piece.len();
            incoming.consume(count);
            if end.is_some() || count == 0 {
                break;
            }
        }
        Ok(line)
    }
}

/// Returns a size as a number of bytes: `None` and negative numbers mean no limit.
fn limit(size: Option<isize>) -> usize {
    size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX)
}

#[pymethods]
impl Input {
    /// Reads `size` bytes, or all that are left.
    #[pyo3(signature = (size = None, /))]
    fn read<'py>(&mut self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        let most = limit(size);
        let (incoming, ..) = self.parts()?;
        let left = incoming.left().min(most);
        if let Some(there) = incoming.body_there().get(..left) {
            // All of them are in the buffer.
            let bytes = PyBytes::new(py, there);
            incoming.consume(left);
            // At the end of the body this reports a body that ended early.
            if left > 0 || most == 0 {
                return Ok(bytes);
            }
        }
        if left <= MAX_AT_ONCE {
            // The body has these bytes, or it fails.
            return PyBytes::new_with(py, left, |bytes| self.read_exact(py, bytes));
        }
        let bytes = self.read_up_to(py, most)?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Reads what is there, at most `size` bytes. Waits for the first byte only.
    #[pyo3(signature = (size = None, /))]
    fn read1<'py>(&mut self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        let most = limit(size);
        let (incoming, socket, shared) = self.parts()?;
        if most == 0 {
            return Ok(PyBytes::new(py, b""));
        }
        let read = incoming.fill_body(socket, &shared.stop, &Detached(py)).map(|there| {
            let there = there.get(..there.len().min(most)).unwrap_or_default();
            (PyBytes::new(py, there), there.len())
        });
        if let Ok((_, count)) = &read {
            incoming.consume(*count);
        }
        self.end_late(read.map(|(bytes, _)| bytes).map_err(PyErr::from))
    }

    /// Reads one line with its end, at most `size` bytes of it.
    #[pyo3(signature = (size = None, /))]
    fn readline<'py>(&mut self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        let line = self.read_line(py, limit(size))?;
        Ok(PyBytes::new(py, &line))
    }

    /// Reads all lines, or lines of at least `hint` bytes together.
    #[pyo3(signature = (hint = None, /))]
    fn readlines<'py>(&mut self, py: Python<'py>, hint: Option<isize>) -> PyResult<Bound<'py, PyList>> {
        let lines = PyList::empty(py);
        // Like files of Python, 0 means no limit too.
        let (most, mut total) = (limit(hint.filter(|hint| *hint > 0)), 0_usize);
        while total < most {
            let line = self.read_line(py, usize::MAX)?;
            if line.is_empty() {
                break;
            }
            total = total.saturating_add(line.len());
            lines.append(PyBytes::new(py, &line))?;
        }
        Ok(lines)
    }

    /// Reads bytes into a buffer. Returns how many.
    #[pyo3(signature = (buffer, /))]
    fn readinto(&mut self, py: Python<'_>, buffer: &Bound<'_, PyAny>) -> PyResult<usize> {
        let view = PyMemoryView::from(buffer)?.call_method1("cast", ("B",))?;
        if view.getattr("readonly")?.is_truthy()? {
            return Err(PyTypeError::new_err("readinto() needs a buffer that can be written"));
        }
        let bytes = self.read_up_to(py, view.len()?)?;
        let count = isize::try_from(bytes.len()).unwrap_or(isize::MAX);
        view.set_item(PySlice::new(py, 0, count, 1), PyBytes::new(py, &bytes))?;
        Ok(bytes.len())
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let line = self.read_line(py, usize::MAX)?;
        Ok(if line.is_empty() { None } else { Some(PyBytes::new(py, &line)) })
    }

    /// Does nothing. The wrappers of the module `io` call it when they are closed.
    fn flush(&self) {}

    fn readable(&self) -> bool {
        true
    }

    fn writable(&self) -> bool {
        false
    }

    fn seekable(&self) -> bool {
        false
    }

    /// Does nothing: the server needs the rest of the body, and the application must not close the input (PEP 3333, "Input and
    /// Error Streams").
    fn close(&self) {}

    #[getter]
    fn closed(&self) -> bool {
        self.body.is_none()
    }
}
