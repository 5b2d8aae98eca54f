//! The server, for Python.

use alloc::sync::Arc;
use core::time::Duration;
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Instant;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::access_log::PyAccessLog;
use crate::driver::accept::ApplicationThread;
use crate::driver::context::Context;
use crate::driver::poller::Poller;
use crate::driver::shared::Shared;
use crate::error_log::{self, PyErrorLog};
use crate::fork;
use crate::listener::PyListener;
use crate::lock::lock;
use crate::settings::PySettings;
use crate::wsgi::caller::Caller;

/// A server of one process. Make it after every fork.
#[pyclass(name = "Server", module = "uwsgi_wsgi._native", frozen)]
#[derive(Debug)]
pub(crate) struct PyServer {
    context: Arc<Context>,
    listeners: Vec<Py<PyListener>>,
    app: Py<PyAny>,
    error_log: Py<PyErrorLog>,
    is_multithread: bool,
    is_multiprocess: bool,
    poller: Mutex<Option<JoinHandle<()>>>,
}

#[pymethods]
impl PyServer {
    #[new]
    #[pyo3(signature = (listeners, app, settings, error_log, access_log = None, *, multiprocess = false))]
    fn new(
        listeners: Vec<Py<PyListener>>,
        app: Py<PyAny>,
        settings: &PySettings,
        error_log: Py<PyErrorLog>,
        access_log: Option<&PyAccessLog>,
        multiprocess: bool,
    ) -> PyResult<Self> {
        let shared = Shared::new(
            settings.connection,
            settings.write_timeout,
            settings.allow.clone(),
            settings.max_connections,
            access_log.map(|log| Arc::clone(&log.0)),
        )?;
        Ok(Self {
            context: Arc::new(Context::new(shared)?),
            listeners,
            app,
            error_log,
            is_multithread: settings.threads > 1,
            is_multiprocess: multiprocess,
            poller: Mutex::new(None),
        })
    }

    /// Starts the polling thread.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        let mut poller = lock(&self.poller);
        if poller.is_some() {
            return Err(PyRuntimeError::new_err("the server was started already"));
        }
        fork::watch(py)?;
        *poller = Some(Poller::start(Arc::clone(&self.context))?);
        Ok(())
    }

    /// Serves on this thread, until a stop is requested and no connection is left.
    fn serve(&self, py: Python<'_>) -> PyResult<()> {
        let listeners: Vec<_> = self.listeners.iter().filter_map(|listener| listener.get().listener()).collect();
        let errors = Arc::clone(&self.error_log.get().0);
        let mut caller = Caller::new(self.app.bind(py), errors, self.is_multithread, self.is_multiprocess)?;
        let mut thread = ApplicationThread::new(Arc::clone(&self.context), &listeners)?;
        drop(listeners);
        error_log::write_detached_on_this_thread();
        thread.run(&mut caller);
        Ok(())
    }

    /// Requests a stop: no connection is accepted any longer, and what has begun is finished.
    fn stop(&self) {
        self.context.stop.request();
    }

    /// Waits until the polling thread has ended. Returns false if it has not ended within `timeout` seconds.
    fn finish(&self, py: Python<'_>, timeout: f64) -> PyResult<bool> {
        let timeout = Duration::try_from_secs_f64(timeout).unwrap_or_default();
        py.detach(|| {
            let begun = Instant::now();
            let Some(poller) = lock(&self.poller).take() else { return Ok(true) };
            while !poller.is_finished() {
                if begun.elapsed() >= timeout {
                    *lock(&self.poller) = Some(poller);
                    return Ok(false);
                }
                // A thread of Rust can be joined only without a timeout.
                std::thread::sleep(Duration::from_millis(5));
            }
            let joined = poller.join();
            joined.map(|()| true).map_err(|_| PyRuntimeError::new_err("the polling thread panicked"))
        })
    }
}
