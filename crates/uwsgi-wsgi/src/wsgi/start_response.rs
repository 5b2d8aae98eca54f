//! `start_response()` and the `write()` that it returns (PEP 3333, "The start_response() Callable").

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::{PyAssertionError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use uwsgi::response::{RefusedLine, split_status_code};
use uwsgi::server::AnswerError;
use uwsgi_io::HeadError;

use crate::driver::answer::{Answer, SendError};
use crate::wsgi::input::{Detached, Input};
use crate::wsgi::latin1;

/// The callable `start_response` of one request.
#[pyclass(name = "StartResponse", module = "uwsgi_wsgi._native")]
#[derive(Debug)]
pub(crate) struct StartResponse {
    /// `None` after the request.
    pub(crate) answer: Option<Answer>,
    pub(crate) input: Py<Input>,
    /// Whether it was called, also if that call has failed.
    was_called: bool,
    /// Whether the request is over. A thread that was writing then drops the answer by itself.
    is_over: Arc<AtomicBool>,
}

/// Why a head is not accepted.
enum HeadFault {
    Head(HeadError),
    Python(PyErr),
}

impl From<HeadError> for HeadFault {
    fn from(error: HeadError) -> Self {
        Self::Head(error)
    }
}

impl From<PyErr> for HeadFault {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl StartResponse {
    pub(crate) fn new(answer: Answer, input: Py<Input>, is_over: Arc<AtomicBool>) -> Self {
        Self { answer: Some(answer), input, was_called: false, is_over }
    }

    /// Returns how much of the request's body is unread; `None` if another thread reads it now.
    pub(crate) fn unread(&self, py: Python<'_>) -> Option<u64> {
        self.input.bind(py).try_borrow().ok()?.incoming()?.unread()
    }

    /// Sends bytes of the body.
    pub(crate) fn send(&mut self, py: Python<'_>, bytes: &[u8]) -> Result<(), SendError> {
        let unread = if self.answer.as_ref().is_some_and(|answer| !answer.has_left()) { self.unread(py) } else { None };
        match &mut self.answer {
            Some(answer) => answer.write(bytes, unread, &Detached(py)),
            None => Err(SendError::Application(AnswerError::Over)),
        }
    }
}

#[pymethods]
impl StartResponse {
    #[pyo3(signature = (status, headers, exc_info = None, /))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        status: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
        exc_info: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        {
            let mut this = slf.try_borrow_mut()?;
            let was_called = core::mem::replace(&mut this.was_called, true);
            let answer = this.answer.as_mut().ok_or_else(|| PyRuntimeError::new_err("the request is over"))?;
            match exc_info.filter(|exc_info| !exc_info.is_none()) {
                Some(exc_info) if answer.has_left() => return Err(raised(exc_info)?),
                None if was_called => {
                    let what = "start_response() was called again without exc_info (PEP 3333)";
                    return Err(PyAssertionError::new_err(what));
                }
                _ => {}
            }
            set_head(answer, status, headers)?;
        }
        slf.getattr(intern!(py, "write"))
    }

    /// Sends bytes at once.
    #[pyo3(signature = (data, /))]
    fn write(&mut self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let Ok(data) = data.cast::<PyBytes>() else {
            return Err(not_bytes("write() takes", data));
        };
        let sent = self.send(py, data.as_bytes());
        if self.is_over.load(Ordering::Acquire) {
            self.answer = None;
        }
        sent.map_err(|error| match error {
            SendError::Application(error) => PyValueError::new_err(error.to_string()),
            SendError::Connection(error) => error.into(),
        })
    }
}

/// Returns the error of an object that is not bytes.
pub(crate) fn not_bytes(what: &str, object: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!("{what} bytes, not {}", type_name(object)))
}

fn type_name(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map_or_else(|_| "an object".to_owned(), |name| name.to_string())
}

/// Returns the exception of `exc_info`, with its traceback.
fn raised(exc_info: &Bound<'_, PyAny>) -> PyResult<PyErr> {
    let value = exc_info.get_item(1)?;
    let traceback = exc_info.get_item(2)?;
    value.call_method1(intern!(exc_info.py(), "with_traceback"), (traceback,))?;
    Ok(PyErr::from_value(value))
}

/// Checks a head and gives it to the answer.
fn set_head(answer: &mut Answer, status: &Bound<'_, PyAny>, headers: &Bound<'_, PyAny>) -> PyResult<()> {
    let status = text(status, "the status")?;
    let status_bytes = latin1::encode(status, "the status")?;
    let (code, reason) = split_status_code(&status_bytes).filter(|_| status_bytes.len() > 3).ok_or_else(|| {
        let shown = status.to_string_lossy();
        PyValueError::new_err(format!("the status {shown:?} is not three digits, a space and a reason"))
    })?;
    if code < 200 {
        let what = format!("the status {code} is not one that a WSGI application can give: it must be 200 to 999");
        return Err(PyValueError::new_err(what));
    }
    let mut current = None;
    let set = answer.set_head(code, reason, |push| {
        for header in headers.try_iter()? {
            let header = header?;
            let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = header
                .extract()
                .map_err(|_| PyTypeError::new_err("the headers are not a list of pairs of a name and a value"))?;
            let (name, value) = (text(&name, "a header's name")?, text(&value, "a header's value")?);
            let (name_bytes, value_bytes) =
                (latin1::encode(name, "a header's name")?, latin1::encode(value, "a header's value")?);
            let is_refused = HOP_BY_HOP.iter().any(|other| name_bytes.eq_ignore_ascii_case(other.as_bytes()));
            let refused = HeadError::from(RefusedLine::HopByHop);
            if let Err(error) = if is_refused { Err(refused) } else { push(&name_bytes, &value_bytes) } {
                current = Some(name.to_string_lossy().into_owned());
                return Err(HeadFault::Head(error));
            }
        }
        Ok::<(), HeadFault>(())
    });
    set.map_err(|fault| match (fault, current) {
        (HeadFault::Python(error), _) => error,
        (HeadFault::Head(error), Some(name)) => PyValueError::new_err(format!("the header {name:?}: {error}")),
        (HeadFault::Head(error), None) => PyValueError::new_err(format!("start_response(): {error}")),
    })
}

/// The hop-by-hop headers of RFC 2616 section 13.5.1 that later RFCs do not count as such. PEP 3333 refuses all of the former
/// ("Other HTTP Features").
const HOP_BY_HOP: [&str; 2] = ["proxy-authorization", "trailers"];

/// Returns an object as a string.
fn text<'o, 'py>(object: &'o Bound<'py, PyAny>, what: &str) -> PyResult<&'o Bound<'py, PyString>> {
    let not_str = |_| PyTypeError::new_err(format!("{what} is not a str but {}", type_name(object)));
    object.cast::<PyString>().map_err(not_str)
}
