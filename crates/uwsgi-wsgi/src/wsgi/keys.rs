//! The keys of `environ` as strings of Python.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::wsgi::latin1;

/// The keys of vars as strings of Python. The strings are made once.
///
/// A client chooses the names of headers. So only names that are known from the beginning have a string here, and, up to a
/// limit, keys that are not headers: the front end chooses those.
#[derive(Debug)]
pub(crate) struct Keys {
    strings: HashMap<Box<[u8]>, Py<PyString>>,
}

/// How many keys have a string, at most.
const MAX_KEYS: usize = 256;

/// The keys of nginx's `uwsgi_params`, those that Apache and lighttpd add, and headers that browsers and front ends send.
const KNOWN: &[&str] = &[
    "QUERY_STRING",
    "REQUEST_METHOD",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "REQUEST_URI",
    "PATH_INFO",
    "DOCUMENT_ROOT",
    "SERVER_PROTOCOL",
    "REQUEST_SCHEME",
    "HTTPS",
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "REMOTE_USER",
    "SERVER_PORT",
    "SERVER_NAME",
    "SERVER_ADDR",
    "SERVER_SOFTWARE",
    "SCRIPT_NAME",
    "SCRIPT_FILENAME",
    "GATEWAY_INTERFACE",
    "HTTP_ACCEPT",
    "HTTP_ACCEPT_CHARSET",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_AUTHORIZATION",
    "HTTP_CACHE_CONTROL",
    "HTTP_CONNECTION",
    "HTTP_COOKIE",
    "HTTP_DNT",
    "HTTP_EXPECT",
    "HTTP_FORWARDED",
    "HTTP_HOST",
    "HTTP_IF_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_RANGE",
    "HTTP_IF_UNMODIFIED_SINCE",
    "HTTP_ORIGIN",
    "HTTP_PRAGMA",
    "HTTP_PRIORITY",
    "HTTP_RANGE",
    "HTTP_REFERER",
    "HTTP_SEC_CH_UA",
    "HTTP_SEC_CH_UA_MOBILE",
    "HTTP_SEC_CH_UA_PLATFORM",
    "HTTP_SEC_FETCH_DEST",
    "HTTP_SEC_FETCH_MODE",
    "HTTP_SEC_FETCH_SITE",
    "HTTP_SEC_FETCH_USER",
    "HTTP_TE",
    "HTTP_TRACEPARENT",
    "HTTP_TRANSFER_ENCODING",
    "HTTP_UPGRADE",
    "HTTP_UPGRADE_INSECURE_REQUESTS",
    "HTTP_USER_AGENT",
    "HTTP_VIA",
    "HTTP_X_CSRFTOKEN",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
    "HTTP_X_REQUESTED_WITH",
    "HTTP_X_REQUEST_ID",
];

impl Keys {
    pub(crate) fn new(py: Python<'_>) -> Self {
        let known = |key: &&str| (key.as_bytes().into(), PyString::intern(py, key).unbind());
        Self { strings: KNOWN.iter().map(known).collect() }
    }

    /// Returns the string of a key.
    pub(crate) fn string<'py>(&mut self, py: Python<'py>, key: &[u8]) -> PyResult<Bound<'py, PyString>> {
        if let Some(string) = self.strings.get(key) {
            return Ok(string.bind(py).clone());
        }
        let string = latin1::decode(py, key)?;
        if self.strings.len() < MAX_KEYS && !key.starts_with(b"HTTP_") {
            self.strings.insert(key.into(), string.clone().unbind());
        }
        Ok(string)
    }
}
