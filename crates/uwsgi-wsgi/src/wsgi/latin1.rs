//! The strings of WSGI: each character is one byte (PEP 3333, "Unicode Issues").

use alloc::borrow::Cow;

use pyo3::exceptions::PyUnicodeEncodeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// Makes a string of bytes.
pub(crate) fn decode<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyString>> {
    let len = ffi::Py_ssize_t::try_from(bytes.len()).unwrap_or(ffi::Py_ssize_t::MAX);
    // SAFETY: `bytes` has `len` bytes, and the result is a new reference to a str, or null with an exception.
    #[allow(unsafe_code, reason = "PyO3 has no safe call that decodes latin-1")]
    let string = unsafe {
        let string = ffi::PyUnicode_DecodeLatin1(bytes.as_ptr().cast(), len, core::ptr::null());
        Bound::from_owned_ptr_or_err(py, string)?.cast_into_unchecked::<PyString>()
    };
    Ok(string)
}

/// Returns the bytes of a string. `what` says in the error which string has other characters.
pub(crate) fn encode<'s>(string: &'s Bound<'_, PyString>, what: &str) -> PyResult<Cow<'s, [u8]>> {
    let text = string.to_cow()?;
    if text.is_ascii() {
        return Ok(match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        });
    }
    let bytes: Result<Vec<u8>, _> = text.chars().map(|char| u8::try_from(u32::from(char))).collect();
    bytes.map(Cow::Owned).map_err(|_| {
        let reason = format!("{what} has a character above U+00FF: PEP 3333 allows bytes as latin-1 characters alone");
        let end = text.chars().count();
        PyUnicodeEncodeError::new_err(("latin-1", string.clone().unbind(), 0, end, reason))
    })
}
