//! The error log: whole lines, from any thread.

use alloc::sync::Arc;
use core::cell::Cell;
use std::fs::File;
use std::io::Write;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::{Mutex, RwLock};

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

use crate::fork;
use crate::lock::lock;

/// A log that writes whole lines to a descriptor.
#[derive(Debug)]
pub(crate) struct ErrorLog {
    output: File,
    /// Held while an entry is written.
    turn: Mutex<()>,
    level: Level,
}

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] +0000");

impl ErrorLog {
    /// Writes an entry, if its level is logged. The first line has the date, the process and the level, as in gunicorn's log.
    pub(crate) fn log(&self, level: Level, name: &str, text: &str) {
        if level > self.level {
            return;
        }
        let date = OffsetDateTime::now_utc().format(DATE).unwrap_or_default();
        self.write_lines(&format!("[{date}] [{}] [{name}] {text}", std::process::id()));
    }

    /// Writes a text, and a line end if it has none.
    pub(crate) fn write_lines(&self, text: &str) {
        let mut bytes = Vec::with_capacity(text.len().saturating_add(1));
        bytes.extend_from_slice(text.as_bytes());
        if !text.ends_with('\n') {
            bytes.push(b'\n');
        }
        detached(|| {
            // A thread of the parent may have had the lock at the fork, and that thread is not in the child.
            let _turn = (!fork::is_child()).then(|| lock(&self.turn));
            // Nobody is left to tell that the log cannot be written.
            let _ = (&self.output).write_all(&bytes);
        });
    }
}

/// Returns the level and its printed name.
fn parse_level(level: &str) -> Option<(Level, &'static str)> {
    Some(match level {
        "critical" => (Level::ERROR, "CRITICAL"),
        "error" => (Level::ERROR, "ERROR"),
        "warning" => (Level::WARN, "WARNING"),
        "info" => (Level::INFO, "INFO"),
        "debug" => (Level::DEBUG, "DEBUG"),
        _ => return None,
    })
}

fn unknown_level(level: &str) -> PyErr {
    PyValueError::new_err(format!("unknown log level {level:?}: it is critical, error, warning, info or debug"))
}

/// The error log, for Python.
#[pyclass(name = "ErrorLog", module = "uwsgi_wsgi._native", frozen)]
#[derive(Debug)]
pub(crate) struct PyErrorLog(pub(crate) Arc<ErrorLog>);

#[pymethods]
impl PyErrorLog {
    /// Writes to a duplicate of a descriptor. The messages of the server go to the log that was made last.
    #[new]
    #[pyo3(signature = (fd, level = "info"))]
    fn new(fd: i32, level: &str) -> PyResult<Self> {
        let (level, _) = parse_level(level).ok_or_else(|| unknown_level(level))?;
        let log = Arc::new(ErrorLog { output: File::from(duplicate(fd)?), turn: Mutex::default(), level });
        install(&log);
        Ok(Self(log))
    }

    /// Writes one entry. It may have several lines.
    fn log(&self, level: &str, text: &str) -> PyResult<()> {
        let (level, name) = parse_level(level).ok_or_else(|| unknown_level(level))?;
        while_attached(|| self.0.log(level, name, text));
        Ok(())
    }
}

std::thread_local! {
    /// Whether this thread is attached to Python while it logs.
    static IS_ATTACHED: Cell<bool> = const { Cell::new(false) };
}

/// From now on this thread, which is attached to Python, gives up the lock of Python while it writes to a log: the reader of the
/// log may be slow.
pub(crate) fn write_detached_on_this_thread() {
    IS_ATTACHED.set(true);
}

/// Runs a function that logs, on a thread that is attached to Python: each write to a log gives up the lock of Python once.
pub(crate) fn while_attached<T>(log: impl FnOnce() -> T) -> T {
    let was_attached = IS_ATTACHED.replace(true);
    let logged = log();
    IS_ATTACHED.set(was_attached);
    logged
}

/// Runs a function that may wait for the reader of a log.
pub(crate) fn detached<T: Send>(write: impl FnOnce() -> T + Send) -> T {
    if IS_ATTACHED.get() { Python::attach(|py| py.detach(write)) } else { write() }
}

/// Duplicates a descriptor of Python.
pub(crate) fn duplicate(fd: i32) -> PyResult<OwnedFd> {
    if fd < 0 {
        return Err(PyValueError::new_err(format!("{fd} is not a descriptor")));
    }
    // SAFETY: the number is not negative, and it is only passed to dup(2), which reports a number that is not open.
    #[allow(unsafe_code, reason = "Python gives descriptors as numbers")]
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    borrowed.try_clone_to_owned().map_err(|error| PyOSError::new_err(format!("descriptor {fd}: {error}")))
}

/// Where the messages of the server go.
static CURRENT: RwLock<Option<Arc<ErrorLog>>> = RwLock::new(None);

/// Makes this the log of the server's messages.
fn install(log: &Arc<ErrorLog>) {
    if let Ok(mut current) = CURRENT.write() {
        *current = Some(Arc::clone(log));
    }
    // Only the first call in a process succeeds, and that is enough.
    let _ = tracing::subscriber::set_global_default(Registry::default().with(ToErrorLog));
}

/// Writes the messages of the server to its error log.
struct ToErrorLog;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for ToErrorLog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(log) = CURRENT.read().ok().and_then(|current| current.clone()) else { return };
        let level = *event.metadata().level();
        if level > log.level {
            return;
        }
        let name = match level {
            Level::ERROR => "ERROR",
            Level::WARN => "WARNING",
            Level::INFO => "INFO",
            _ => "DEBUG",
        };
        let mut text = Text::default();
        event.record(&mut text);
        log.log(level, name, &format!("{}{}", text.message, text.fields));
    }
}

/// The text of a message: the message itself, then its fields.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn core::fmt::Debug) {
        use core::fmt::Write;
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
