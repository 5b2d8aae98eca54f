//! What a fork of the application changes. The child shares the sockets of the server, and has no thread but the one that forked.

use core::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::types::IntoPyDict;

/// Whether this process is a child that the application forked.
static IS_CHILD: AtomicBool = AtomicBool::new(false);
/// Whether the application has forked a child, which may hold the sockets of connections.
static HAS_CHILD: AtomicBool = AtomicBool::new(false);

/// Lets the process notice a fork of Python. Call it in the process that serves.
pub(crate) fn watch(py: Python<'_>) -> PyResult<()> {
    IS_CHILD.store(false, Ordering::Release);
    let hooks =
        [("after_in_child", wrap_pyfunction!(in_child, py)?), ("after_in_parent", wrap_pyfunction!(in_parent, py)?)];
    let hooks = hooks.into_py_dict(py)?;
    py.import("os")?.getattr("register_at_fork")?.call((), Some(&hooks)).map(drop)
}

/// Whether this process is a child that the application forked. It must not serve: it has no polling thread, and the other
/// process serves the same connection.
pub(crate) fn is_child() -> bool {
    IS_CHILD.load(Ordering::Acquire)
}

/// Whether a child may hold the sockets of connections, so that their close alone ends nothing.
pub(crate) fn has_child() -> bool {
    HAS_CHILD.load(Ordering::Acquire)
}

#[pyfunction]
fn in_child() {
    IS_CHILD.store(true, Ordering::Release);
}

#[pyfunction]
fn in_parent() {
    HAS_CHILD.store(true, Ordering::Release);
}
