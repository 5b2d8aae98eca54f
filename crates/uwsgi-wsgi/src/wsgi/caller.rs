//! Calls the application for a request, and sends what it returns.

use alloc::borrow::Cow;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use std::io;
use std::time::Instant;

use pyo3::exceptions::{PyBaseException, PyConnectionError, PyOSError, PySystemExit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTraceback, PyTuple, PyType};
use uwsgi::server::{AnswerError, PEER_HAS_GONE, Refusal};
use uwsgi_server::{log_refusal, request_name};

use crate::access_log::Exchange;
use crate::driver::answer::{Answer, SendError};
use crate::driver::application::Application;
use crate::driver::connection::Connection;
use crate::driver::rest::Body;
use crate::driver::wait::Wait;
use crate::error_log::ErrorLog;
use crate::fork;
use crate::wsgi::environ::Environs;
use crate::wsgi::errors::{Errors, printable};
use crate::wsgi::file_part::FileTypes;
use crate::wsgi::file_wrapper::FileWrapper;
use crate::wsgi::input::{Detached, Input};
use crate::wsgi::start_response::{StartResponse, not_bytes};

/// A WSGI application, on one thread that stays attached to Python.
pub(crate) struct Caller<'py> {
    py: Python<'py>,
    app: Bound<'py, PyAny>,
    log: Arc<ErrorLog>,
    environs: Environs,
    errors: Bound<'py, Errors>,
    file_types: FileTypes,
}

/// Why an application has not given a whole answer.
enum Fault {
    /// The application raised an exception.
    Raised(PyErr),
    /// The answer cannot be sent.
    Send(SendError),
}

impl From<PyErr> for Fault {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl From<SendError> for Fault {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl<'py> Caller<'py> {
    pub(crate) fn new(
        app: &Bound<'py, PyAny>,
        log: Arc<ErrorLog>,
        is_multithread: bool,
        is_multiprocess: bool,
    ) -> PyResult<Self> {
        let py = app.py();
        let errors = Bound::new(py, Errors::new(Arc::clone(&log)))?;
        let template = PyDict::new(py);
        template.set_item(intern!(py, "wsgi.version"), (1, 0))?;
        template.set_item(intern!(py, "wsgi.url_scheme"), intern!(py, "http"))?;
        template.set_item(intern!(py, "wsgi.input"), py.None())?;
        template.set_item(intern!(py, "wsgi.errors"), &errors)?;
        template.set_item(intern!(py, "wsgi.multithread"), is_multithread)?;
        template.set_item(intern!(py, "wsgi.multiprocess"), is_multiprocess)?;
        template.set_item(intern!(py, "wsgi.run_once"), false)?;
        template.set_item(intern!(py, "wsgi.input_terminated"), true)?;
        template.set_item(intern!(py, "wsgi.file_wrapper"), py.get_type::<FileWrapper>())?;
        let (environs, file_types) = (Environs::new(&template), FileTypes::new(py)?);
        Ok(Self { py, app: app.clone(), log, environs, errors, file_types })
    }

    /// Calls the application, sends its answer, and calls `close()`.
    fn respond(&self, environ: &Bound<'py, PyDict>, start: &Bound<'py, StartResponse>) -> Result<(), Fault> {
        let called = self.app.call1((environ, start));
        self.end_child(called.as_ref().err());
        let iterable = called?;
        let is_plain = iterable.is_exact_instance_of::<PyList>() || iterable.is_exact_instance_of::<PyTuple>();
        let sent = self.send(&iterable, is_plain, start);
        if is_plain {
            return sent;
        }
        let close = || match iterable.getattr_opt(intern!(self.py, "close"))? {
            Some(close) => {
                let closed = close.call0();
                self.end_child(closed.as_ref().err());
                closed.map(drop)
            }
            None => Ok(()),
        };
        match (sent, close()) {
            (Ok(()), closed) => Ok(closed?),
            (Err(fault), Ok(())) => Err(fault),
            (Err(fault), Err(error)) => {
                self.log_exception("close() failed", &error);
                Err(fault)
            }
        }
    }

    /// Sends what the application has returned.
    fn send(
        &self,
        iterable: &Bound<'py, PyAny>,
        is_plain: bool,
        start: &Bound<'py, StartResponse>,
    ) -> Result<(), Fault> {
        let body = if is_plain { only_bytes(iterable) } else { self.file(iterable, start)? };
        if let Some(body) = body {
            return finish(start, body);
        }
        for chunk in iterable.try_iter()? {
            self.end_child(chunk.as_ref().err());
            let chunk = chunk?;
            let bytes =
                chunk.cast::<PyBytes>().map_err(|_| not_bytes("the application's iterable must give", &chunk))?;
            let mut start = start.try_borrow_mut().map_err(PyErr::from)?;
            if bytes.as_bytes().is_empty() {
                if let Some(answer) = &mut start.answer {
                    answer.check_peer()?;
                }
            } else {
                start.send(self.py, bytes.as_bytes())?;
            }
            if start.answer.as_ref().is_some_and(|answer| answer.has_head() && !answer.has_body()) {
                // No byte of this body may leave, and it may have no end.
                break;
            }
        }
        finish(start, Body::None)
    }

    /// Returns the part of a file that the kernel can send, if the application has returned such a file.
    fn file(&self, iterable: &Bound<'py, PyAny>, start: &Bound<'py, StartResponse>) -> PyResult<Option<Body>> {
        let Ok(wrapper) = iterable.cast_exact::<FileWrapper>() else { return Ok(None) };
        let Some(mut part) = self.file_types.part(wrapper.get().file.bind(self.py))? else { return Ok(None) };
        if let Some(length) = start.try_borrow()?.answer.as_ref().and_then(Answer::length) {
            part.left = part.left.min(length);
        }
        Ok(Some(Body::File(part)))
    }

    /// Ends this process, if it is a child that the application forked and that has come back from the application.
    fn end_child(&self, error: Option<&PyErr>) {
        if !fork::is_child() {
            return;
        }
        let code = error.filter(|error| error.is_instance_of::<PySystemExit>(self.py)).map(|error| {
            let code = error.value(self.py).getattr(intern!(self.py, "code"));
            code.map_or(1, |code| if code.is_none() { 0 } else { code.extract::<i32>().unwrap_or(1) })
        });
        if code.is_none() {
            if let Some(error) = error {
                self.log_exception("a child process that the application forked raised an exception", error);
            }
            tracing::error!("a child process that the application forked has returned from it, and is ended");
        }
        // `os._exit` calls no exit functions. They belong to the parent.
        let _ = self.py.import("os").and_then(|os| os.call_method1("_exit", (code.unwrap_or(1),)));
        std::process::abort();
    }

    /// Logs an exception of the application with its traceback.
    fn log_exception(&self, what: &str, error: &PyErr) {
        let py = self.py;
        let lines = py
            .import(intern!(py, "traceback"))
            .and_then(|traceback| traceback.call_method1(intern!(py, "format_exception"), error_parts(py, error)))
            .and_then(|lines| intern!(py, "").call_method1(intern!(py, "join"), (lines,)))
            .and_then(|text| printable(text.cast::<PyString>()?).map(Cow::into_owned));
        let text = lines.unwrap_or_else(|_| error.to_string());
        self.log.log(tracing::Level::ERROR, "ERROR", &format!("{what}\n{}", text.trim_end()));
    }

    /// Ends an answer that is not whole. Returns the refusal to write instead, if nothing has left.
    fn fail(
        &self,
        fault: &Fault,
        answer: &mut Answer,
        input: &Bound<'py, Input>,
        name: &str,
        peer: Option<core::net::SocketAddr>,
    ) -> Option<Refusal> {
        let body = input
            .try_borrow()
            .ok()
            .and_then(|input| input.incoming().map(|incoming| (incoming.failure(), incoming.is_broken())));
        let (body_failure, is_broken) = body.unwrap_or_default();
        let is_of_peer = |error: &PyErr| {
            // The error of a read has the text of the refusal. Another error of the system is the application's own.
            let text =
                || error.value(self.py).str().map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
            let is_of_read = body_failure.is_some_and(|failure| text() == failure.to_string());
            let is_of_connection =
                (is_broken || answer.is_broken()) && error.is_instance_of::<PyConnectionError>(self.py);
            error.is_instance_of::<PyOSError>(self.py) && (is_of_read || is_of_connection)
        };
        match fault {
            Fault::Raised(error) if is_of_peer(error) => tracing::debug!("{PEER_HAS_GONE}: {name}: {error}"),
            Fault::Raised(error) => self.log_exception(&format!("Error handling request {name}"), error),
            Fault::Send(SendError::Application(AnswerError::NoHead)) => {
                tracing::error!("Error handling request {name}: the application did not call start_response()");
            }
            Fault::Send(SendError::Application(error)) => {
                tracing::error!("Error handling request {name}: {error}");
            }
            Fault::Send(SendError::Connection(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                tracing::error!("Error handling request {name}: {error}");
            }
            Fault::Send(SendError::Connection(error)) => tracing::debug!("{PEER_HAS_GONE}: {name}: {error}"),
        }
        let refusal = answer.fail(body_failure);
        if let Some(refusal) = refusal.filter(|refusal| *refusal != Refusal::AppFailed) {
            log_refusal(&refusal, peer);
        }
        refusal
    }
}

impl Wait for Caller<'_> {
    fn wait<R: Send>(&self, wait: impl FnOnce() -> R + Send) -> R {
        Detached(self.py).wait(wait)
    }
}

impl Application for Caller<'_> {
    fn call(&mut self, connection: &mut Connection) {
        let py = self.py;
        let Some(incoming) = connection.take_incoming() else { return };
        let begun = Instant::now();
        let (socket, shared) = (Arc::clone(&connection.socket), Arc::clone(&connection.shared));
        let answer = Answer::new(Arc::clone(&socket), Arc::clone(&shared), incoming.receive());
        let built = match incoming.request() {
            Some(request) => self.environs.environ(py, &request, connection.addresses),
            None => return, // cannot happen: the request was decoded before
        };
        let is_over = Arc::new(AtomicBool::new(false));
        let input = Bound::new(py, Input::new(incoming, socket, shared, Arc::clone(&is_over)));
        let (Ok(environ), Ok(input)) = (built, input) else {
            tracing::error!("a request could not be passed to the application: Python has no memory left");
            return;
        };
        let start = Bound::new(py, StartResponse::new(answer, input.clone().unbind(), Arc::clone(&is_over)));
        let Ok(start) = start else { return };
        let responded = environ
            .set_item(intern!(py, "wsgi.input"), &input)
            .map_err(Fault::from)
            .and_then(|()| self.respond(&environ, &start));
        self.errors.get().end_line();

        is_over.store(true, Ordering::Release);
        let answer = start.try_borrow_mut().ok().and_then(|mut start| start.answer.take());
        let Some(mut answer) = answer else {
            if let Err(Fault::Raised(error)) = &responded {
                self.log_exception("Error handling a request", error);
            }
            tracing::error!("a thread of the application still writes an answer whose request is over: it is cut off");
            return connection.abandon();
        };
        let refusal = responded.err().and_then(|fault| {
            let read = input.try_borrow().ok();
            let request = read.as_ref().and_then(|input| input.incoming()?.request());
            let name = request.as_ref().map_or_else(|| "whose body another thread reads".into(), request_name);
            drop(read);
            self.fail(&fault, &mut answer, &input, &name, connection.addresses.peer)
        });
        // A thread of the application may still read the body. Then the receiving half stays there.
        let incoming = input.try_borrow_mut().ok().and_then(|mut input| input.take());
        let has_gone = answer.is_broken() || incoming.as_ref().is_some_and(|incoming| incoming.is_broken());
        let has_gone = has_gone && !answer.has_sent();
        let (respond, status, head, rest) = answer.into_parts();
        let status = refusal.map_or(status, |refusal| refusal.status());
        connection.answered(incoming, respond, rest, refusal, Exchange { begun, status, head, has_gone });
    }
}

/// Returns an exception as `traceback.format_exception` takes it.
fn error_parts<'py>(
    py: Python<'py>,
    error: &PyErr,
) -> (Bound<'py, PyType>, Bound<'py, PyBaseException>, Option<Bound<'py, PyTraceback>>) {
    (error.get_type(py), error.value(py).clone(), error.traceback(py))
}

/// Returns the bytes of a list or a tuple that has nothing else.
fn only_bytes(sequence: &Bound<'_, PyAny>) -> Option<Body> {
    let only = match (sequence.cast_exact::<PyList>(), sequence.cast_exact::<PyTuple>()) {
        (Ok(list), _) if list.len() == 1 => list.get_item(0).ok()?,
        (_, Ok(tuple)) if tuple.len() == 1 => tuple.get_item(0).ok()?,
        _ => return None,
    };
    let bytes = only.cast_exact::<PyBytes>().ok()?;
    Some(Body::Bytes(Box::new(PyBackedBytes::from(bytes.clone())), 0))
}

/// Ends an answer with its last part.
fn finish(start: &Bound<'_, StartResponse>, body: Body) -> Result<(), Fault> {
    let mut start = start.try_borrow_mut().map_err(PyErr::from)?;
    let unread = start.unread(start.py());
    match &mut start.answer {
        Some(answer) => Ok(answer.finish_with(body, unread)?),
        None => Ok(()),
    }
}
