//! `wsgi.errors`: what an application writes to it goes to the error log, in whole lines.

use alloc::borrow::Cow;
use alloc::sync::Arc;
use std::sync::Mutex;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::error_log::{ErrorLog, while_attached};
use crate::lock::lock;

/// The stream `wsgi.errors` of one application thread.
#[pyclass(name = "Errors", module = "uwsgi_wsgi._native", frozen)]
#[derive(Debug)]
pub(crate) struct Errors {
    log: Arc<ErrorLog>,
    /// The beginning of a line whose end has not come.
    line: Mutex<String>,
}

impl Errors {
    pub(crate) fn new(log: Arc<ErrorLog>) -> Self {
        Self { log, line: Mutex::default() }
    }

    /// Writes the line that has no end yet.
    pub(crate) fn end_line(&self) {
        let line = core::mem::take(&mut *lock(&self.line));
        if !line.is_empty() {
            while_attached(|| self.log.write_lines(&line));
        }
    }
}

#[pymethods]
impl Errors {
    /// Writes the lines that are whole, and keeps the rest.
    fn write(&self, text: &Bound<'_, PyString>) -> PyResult<usize> {
        let encoded = printable(text)?;
        let whole = {
            let mut line = lock(&self.line);
            line.push_str(&encoded);
            match line.rfind('\n') {
                Some(end) => {
                    let rest = line.split_off(end.saturating_add(1));
                    core::mem::replace(&mut *line, rest)
                }
                None if line.len() > MAX_LINE => core::mem::take(&mut *line),
                None => String::new(),
            }
        };
        if !whole.is_empty() {
            while_attached(|| self.log.write_lines(&whole));
        }
        text.len()
    }

    fn writelines(&self, lines: &Bound<'_, PyAny>) -> PyResult<()> {
        for line in lines.try_iter()? {
            self.write(line?.cast::<PyString>()?)?;
        }
        Ok(())
    }

    /// Ends a line that has no end yet: other threads may write the next line.
    fn flush(&self) {
        self.end_line();
    }
}

/// The longest line in bytes whose end is waited for.
const MAX_LINE: usize = 64 << 10;

/// Returns a string as UTF-8. A surrogate is written as the standard error of Python writes it.
pub(crate) fn printable<'s>(text: &'s Bound<'_, PyString>) -> PyResult<Cow<'s, str>> {
    if let Ok(text) = text.to_cow() {
        return Ok(text);
    }
    let bytes = text.call_method1(intern!(text.py(), "encode"), ("utf-8", "backslashreplace"))?;
    Ok(Cow::Owned(String::from_utf8_lossy(bytes.extract::<&[u8]>()?).into_owned()))
}
