//! `wsgi.file_wrapper` (PEP 3333, "Optional Platform-Specific File Handling").

use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// An iterable of the blocks of a file. If an application returns it and the file is a real one, the kernel sends the file.
///
/// All other attributes are those of the file: Werkzeug seeks in it, and Django and WhiteNoise iterate over it.
#[pyclass(name = "FileWrapper", module = "uwsgi_wsgi._native", frozen)]
#[derive(Debug)]
pub(crate) struct FileWrapper {
    pub(crate) file: Py<PyAny>,
    block_size: isize,
}

#[pymethods]
impl FileWrapper {
    #[new]
    #[pyo3(signature = (filelike, blksize = 8192))]
    fn new(filelike: &Bound<'_, PyAny>, blksize: isize) -> PyResult<Self> {
        if !filelike.hasattr(intern!(filelike.py(), "read"))? {
            return Err(PyTypeError::new_err("wsgi.file_wrapper needs an object with a method read()"));
        }
        Ok(Self { file: filelike.clone().unbind(), block_size: blksize })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.file)
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let block = self.file.bind(py).call_method1(intern!(py, "read"), (self.block_size,))?;
        let is_end = match block.cast::<PyBytes>() {
            Ok(bytes) => bytes.as_bytes().is_empty(),
            Err(_) => !block.is_truthy()?,
        };
        Ok(if is_end { None } else { Some(block) })
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if let Some(close) = self.file.bind(py).getattr_opt(intern!(py, "close"))? {
            close.call0()?;
        }
        Ok(())
    }

    fn __getattr__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        self.file.bind(py).getattr(name)
    }
}
