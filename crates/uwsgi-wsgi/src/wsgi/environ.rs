//! The dict `environ` of a request (PEP 3333, "environ Variables").

use std::collections::HashMap;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use uwsgi::{HeaderName, Request, RequestUri, Scheme};
use uwsgi_server::Addresses;

use crate::wsgi::latin1;

/// The keys of vars as strings of Python. The strings are made once.
///
/// A client chooses the names of headers. So only names that are known from the beginning have a string here, and, up to a
/// limit, keys that are not headers: the front end chooses those.
#[derive(Debug)]
pub(crate) struct Keys {
    keys: Vec<(Box<[u8]>, Py<PyString>)>,
    places: HashMap<Box<[u8]>, usize>,
    /// The places of the keys of the last request, in its order: a front end sends the same keys again and again.
    recent: Vec<usize>,
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
    "HTTP_CONTENT_LENGTH",
    "HTTP_CONTENT_TYPE",
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
        let mut keys = Self { keys: Vec::new(), places: HashMap::new(), recent: Vec::new() };
        for key in KNOWN {
            keys.add(key.as_bytes(), PyString::intern(py, key).unbind());
        }
        keys
    }

    fn add(&mut self, key: &[u8], string: Py<PyString>) -> usize {
        let place = self.keys.len();
        self.keys.push((key.into(), string));
        self.places.insert(key.into(), place);
        place
    }

    /// Returns the string of a key, which is the key of the var of this number.
    fn string<'py>(&mut self, py: Python<'py>, number: usize, key: &[u8]) -> PyResult<Bound<'py, PyString>> {
        let recent = self.recent.get(number).and_then(|place| self.keys.get(*place));
        if let Some((_, string)) = recent.filter(|(recent, _)| **recent == *key) {
            return Ok(string.bind(py).clone());
        }
        let place = match self.places.get(key) {
            Some(place) => *place,
            None if self.keys.len() < MAX_KEYS && !key.starts_with(b"HTTP_") => {
                let string = latin1::decode(py, key)?;
                self.add(key, string.unbind())
            }
            None => return latin1::decode(py, key),
        };
        if self.recent.len() <= number {
            self.recent.resize(number.saturating_add(1), place);
        }
        if let Some(recent) = self.recent.get_mut(number) {
            *recent = place;
        }
        match self.keys.get(place) {
            Some((_, string)) => Ok(string.bind(py).clone()),
            None => latin1::decode(py, key),
        }
    }
}

/// Returns the environ of a request: a copy of the template, with the vars of the request.
pub(crate) fn environ<'py>(
    template: &Bound<'py, PyDict>,
    keys: &mut Keys,
    request: &Request<'_>,
    addresses: Addresses,
) -> PyResult<Bound<'py, PyDict>> {
    let py = template.py();
    let environ = template.copy()?;
    let mut count = environ.len();
    for (number, (key, value)) in request.vars().iter().enumerate() {
        if !is_passed(key, value) {
            continue;
        }
        environ.set_item(keys.string(py, number, key)?, latin1::decode(py, value)?)?;
        count = count.saturating_add(1);
    }
    if environ.len() != count {
        join_repeated(&environ, request)?;
    }
    set_paths(&environ, request)?;
    if request.method().is_none() {
        environ.set_item(intern!(py, "REQUEST_METHOD"), intern!(py, "GET"))?;
    }
    if request.query_string().is_none() {
        environ.set_item(intern!(py, "QUERY_STRING"), intern!(py, ""))?;
    }
    if request.server_protocol().is_none() {
        // The front end does not say what the client speaks.
        environ.set_item(intern!(py, "SERVER_PROTOCOL"), intern!(py, "HTTP/1.1"))?;
    }
    if request.server_name().is_none_or(<[u8]>::is_empty) {
        environ.set_item(intern!(py, "SERVER_NAME"), addresses.server_name(request))?;
    }
    if request.server_port().is_none_or(<[u8]>::is_empty) {
        environ.set_item(intern!(py, "SERVER_PORT"), addresses.server_port(request).to_string())?;
    }
    if request.scheme() == Scheme::Https {
        environ.set_item(intern!(py, "wsgi.url_scheme"), intern!(py, "https"))?;
    }
    Ok(environ)
}

/// Whether a var is passed to the application. The keys that begin with `wsgi.` are the server's (PEP 3333, "environ
/// Variables"), and `UWSGI_` vars are commands for uWSGI.
fn is_passed(key: &[u8], value: &[u8]) -> bool {
    let is_empty_server = value.is_empty() && matches!(key, b"SERVER_NAME" | b"SERVER_PORT");
    !(key.starts_with(b"wsgi.") || key.starts_with(b"UWSGI_") || is_empty_server)
}

/// Joins the values of headers that came more than once and may be joined. Of all other vars the last one counts.
#[cold]
fn join_repeated(environ: &Bound<'_, PyDict>, request: &Request<'_>) -> PyResult<()> {
    let py = environ.py();
    for (key, _) in request.vars().iter().filter(|(key, _)| key.starts_with(b"HTTP_")) {
        let Some(name) = HeaderName::from_key(key).filter(|name| name.separator().is_some()) else { continue };
        if request.vars().get_all(key).nth(1).is_none() {
            continue;
        }
        let key = latin1::decode(py, key)?;
        match name.joined(request.header_values(name)) {
            Some(value) => environ.set_item(key, latin1::decode(py, &value)?)?,
            // A front end that sets an empty value last removes the header.
            None if environ.contains(&key)? => environ.del_item(key)?,
            None => {}
        }
    }
    Ok(())
}

/// Sets `SCRIPT_NAME` and `PATH_INFO`, where they differ from the vars: see [`uwsgi::Target`].
fn set_paths(environ: &Bound<'_, PyDict>, request: &Request<'_>) -> PyResult<()> {
    let py = environ.py();
    let uri = RequestUri::parse(request.request_uri().unwrap_or_default());
    let path = match (request.script_name().unwrap_or_default(), request.path_info()) {
        (_, Some(path)) => {
            let routed = uri.path_of(path);
            if routed.len() != path.len() {
                environ.set_item(intern!(py, "PATH_INFO"), latin1::decode(py, routed)?)?;
            }
            if request.script_name().is_none() {
                environ.set_item(intern!(py, "SCRIPT_NAME"), intern!(py, ""))?;
            }
            return Ok(());
        }
        ([], None) => match uri.decoded_path() {
            Some(path) => latin1::decode(py, &path.collect::<Vec<_>>())?,
            None => intern!(py, "/").clone(),
        },
        (script_name, None) => latin1::decode(py, script_name)?,
    };
    environ.set_item(intern!(py, "PATH_INFO"), path)?;
    environ.set_item(intern!(py, "SCRIPT_NAME"), intern!(py, ""))
}
