//! The listeners, for Python.

use alloc::sync::Arc;
use std::io;
use std::sync::Mutex;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use uwsgi::Address;
use uwsgi::server::ConnectionLimit;
use uwsgi_server::Listener;

use crate::lock::lock;

/// A socket that connections are accepted from.
#[pyclass(name = "Listener", module = "uwsgi_wsgi._native", frozen)]
#[derive(Debug)]
pub(crate) struct PyListener {
    name: String,
    listener: Mutex<Option<Arc<Listener>>>,
}

#[pymethods]
impl PyListener {
    /// Listens at an address: `host:port`, `:port`, `unix:/path`, `@name` or `fd://3`. A name may have several addresses, and
    /// each gets a listener.
    #[staticmethod]
    #[pyo3(signature = (address, *, socket_mode = 0o660, backlog = ConnectionLimit::BACKLOG))]
    fn bind(address: &str, socket_mode: u32, backlog: u16) -> PyResult<Vec<Self>> {
        // gunicorn writes `fd://3`.
        let written = address.strip_prefix("fd://").map(|number| format!("fd:{number}"));
        let parsed = Address::parse(written.as_deref().unwrap_or(address));
        let parsed =
            parsed.map_err(|error| PyValueError::new_err(format!("{address:?} is not an address: {error}")))?;
        let failed = |error: io::Error| PyOSError::new_err(error.to_string());
        let listeners = Listener::bind_all(parsed, socket_mode).map_err(failed)?;
        listeners.iter().try_for_each(|listener| listener.set_backlog(backlog)).map_err(failed)?;
        let named =
            |listener: Listener| Self { name: listener.to_string(), listener: Mutex::new(Some(Arc::new(listener))) };
        Ok(listeners.into_iter().map(named).collect())
    }

    fn __str__(&self) -> &str {
        &self.name
    }

    /// Closes the listener. Connections that wait in the kernel end, and the file of a Unix socket is removed.
    fn close(&self) {
        *lock(&self.listener) = None;
    }
}

impl PyListener {
    /// Returns the listener, unless it is closed.
    pub(crate) fn listener(&self) -> Option<Arc<Listener>> {
        lock(&self.listener).clone()
    }
}
