//! The settings of a server, checked.

use core::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use uwsgi::server::{AllowList, ConnectionLimit, Settings};

/// The settings of a server, for Python. Times are in seconds.
#[pyclass(name = "Settings", module = "uwsgi_wsgi._native", frozen)]
#[derive(Debug)]
pub(crate) struct PySettings {
    pub(crate) threads: usize,
    pub(crate) max_connections: usize,
    pub(crate) allow: AllowList,
    pub(crate) connection: Settings,
    pub(crate) write_timeout: Duration,
}

#[pymethods]
impl PySettings {
    #[new]
    #[pyo3(signature = (
        *,
        threads = 1,
        max_connections = ConnectionLimit::DEFAULT,
        allow_from = None,
        max_body = 1 << 30,
        header_timeout = 10.0,
        body_timeout = 30.0,
        write_timeout = 60.0,
        graceful_timeout = 30.0,
        keepalive = 0.0,
    ))]
    #[allow(clippy::too_many_arguments, reason = "Python gives each of them by its name")]
    fn new(
        threads: usize,
        max_connections: usize,
        allow_from: Option<&str>,
        max_body: u64,
        header_timeout: f64,
        body_timeout: f64,
        write_timeout: f64,
        graceful_timeout: f64,
        keepalive: f64,
    ) -> PyResult<Self> {
        let at_least_1 = |name: &str, value: usize| {
            if value > 0 { Ok(value) } else { Err(PyValueError::new_err(format!("{name} must be at least 1"))) }
        };
        let seconds = |name: &str, value: f64| {
            let invalid = || PyValueError::new_err(format!("{name} must be a number of seconds, not {value}"));
            Duration::try_from_secs_f64(value).map_err(|_| invalid())
        };
        let invalid_list = |list, error| PyValueError::new_err(format!("the list of allowed peers {list:?}: {error}"));
        let allow = match allow_from {
            Some(list) => AllowList::parse(list).map_err(|error| invalid_list(list, error))?,
            None => AllowList::default(),
        };
        let mut connection = Settings::default().with_body_limit(max_body);
        connection.header_timeout = seconds("header_timeout", header_timeout)?;
        connection.body_idle = seconds("body_timeout", body_timeout)?;
        connection.stop_grace = seconds("graceful_timeout", graceful_timeout)?;
        connection.keepalive = Some(seconds("keepalive", keepalive)?).filter(|idle| !idle.is_zero());
        Ok(Self {
            threads: at_least_1("threads", threads)?,
            max_connections: at_least_1("max_connections", max_connections)?,
            allow,
            connection,
            write_timeout: seconds("write_timeout", write_timeout)?,
        })
    }
}
