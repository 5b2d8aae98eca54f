//! The access log: the formats of `uwsgi-server`, or a format of gunicorn's atoms.

mod format;

use alloc::sync::Arc;
use core::fmt;
use std::fs::File;
use std::io::Write;
use std::sync::Mutex;
use std::time::Instant;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use uwsgi::Request;
use uwsgi_server::{Addresses, Entry};

use crate::error_log::{detached, duplicate};
use crate::lock::lock;
use format::Format;

/// One answer, as far as its request does not tell it.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) begun: Instant,
    pub(crate) status: u16,
    /// The head of the answer, if there is one.
    pub(crate) head: Vec<u8>,
    /// Whether the connection broke before a byte of the answer left.
    pub(crate) has_gone: bool,
}

/// The access log.
pub(crate) enum AccessLog {
    /// A format of `uwsgi-server`.
    Usual(uwsgi_server::AccessLog),
    /// A format of gunicorn's atoms.
    Custom(Format, Mutex<File>),
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLog").finish_non_exhaustive()
    }
}

impl AccessLog {
    /// Writes a line about a request and its answer.
    pub(crate) fn log(&self, request: &Request<'_>, addresses: Addresses, exchange: &Exchange, body_bytes: u64) {
        let status = if exchange.has_gone { Entry::CLIENT_CLOSED_REQUEST } else { exchange.status };
        let duration = exchange.begun.elapsed();
        detached(|| match self {
            Self::Usual(log) => log.log(&Entry::new(request, addresses, status, body_bytes, duration)),
            Self::Custom(format, output) => {
                let line = format.line(request, addresses, &exchange.head, status, body_bytes, duration);
                if let Err(error) = lock(output).write_all(line.as_bytes()) {
                    tracing::error!("the access log cannot be written: {error}");
                }
            }
        });
    }
}

/// The access log, for Python.
#[pyclass(name = "AccessLog", module = "uwsgi_wsgi._native", frozen)]
#[derive(Debug)]
pub(crate) struct PyAccessLog(pub(crate) Arc<AccessLog>);

#[pymethods]
impl PyAccessLog {
    /// Writes to a duplicate of a descriptor. The format is `combined`, `json`, or a text with gunicorn's atoms.
    #[new]
    #[pyo3(signature = (fd, format = "combined"))]
    fn new(fd: i32, format: &str) -> PyResult<Self> {
        let output = File::from(duplicate(fd)?);
        Ok(Self(Arc::new(match format {
            "combined" => AccessLog::Usual(uwsgi_server::AccessLog::combined(output)),
            "json" => AccessLog::Usual(uwsgi_server::AccessLog::json(output)),
            format => AccessLog::Custom(Format::parse(format).map_err(PyValueError::new_err)?, Mutex::new(output)),
        })))
    }
}
