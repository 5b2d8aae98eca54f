//! Python WSGI applications behind `uwsgi_pass`: the native module `uwsgi_wsgi._native`.
//!
//! The driver accepts connections, reads requests and writes answers, without Python. `wsgi` calls the application.

extern crate alloc;

mod access_log;
mod driver;
mod error_log;
mod fork;
mod listener;
mod lock;
mod server;
mod settings;
mod wsgi;

use pyo3::prelude::*;

/// The native part of `uwsgi_wsgi`.
#[pymodule]
mod _native {
    use pyo3::prelude::*;
    use uwsgi::server::AllowList;

    #[pymodule_export]
    use crate::access_log::PyAccessLog;
    #[pymodule_export]
    use crate::error_log::PyErrorLog;
    #[pymodule_export]
    use crate::listener::PyListener;
    #[pymodule_export]
    use crate::server::PyServer;
    #[pymodule_export]
    use crate::settings::PySettings;
    #[pymodule_export]
    use crate::wsgi::file_wrapper::FileWrapper;

    /// Adds the peers that may connect by default.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("DEFAULT_ALLOW_FROM", AllowList::LOOPBACK.to_string())
    }
}
