//! The dict `environ` of a request (PEP 3333, "environ Variables").

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use uwsgi::{HeaderName, Request, RequestUri, Scheme};
use uwsgi_server::Addresses;

use crate::wsgi::keys::Keys;
use crate::wsgi::latin1;

/// Makes the environ of each request of a thread.
#[derive(Debug)]
pub(crate) struct Environs {
    /// What the environ of every request has.
    template: Py<PyDict>,
    keys: Keys,
    last: Option<Last>,
}

/// The vars of an earlier request. A front end sends the same keys again and again, and many of the values too. So the next
/// environ is a copy of the dict, with those values that differ.
#[derive(Debug)]
struct Last {
    vars: Vec<Var>,
    /// The template with these vars.
    dict: Py<PyDict>,
}

#[derive(Debug)]
struct Var {
    key: Box<[u8]>,
    value: Box<[u8]>,
    /// The key as a string. `None` if the var is not passed to the application.
    string: Option<Py<PyString>>,
}

/// If more values than this differ from those of the earlier request, the vars of this request replace it.
const MAX_DIFFERENT: usize = 8;

impl Environs {
    /// `template` is what the environ of every request has.
    pub(crate) fn new(template: &Bound<'_, PyDict>) -> Self {
        Self { template: template.clone().unbind(), keys: Keys::new(template.py()), last: None }
    }

    /// Returns the environ of a request.
    pub(crate) fn environ<'py>(
        &mut self,
        py: Python<'py>,
        request: &Request<'_>,
        addresses: Addresses,
    ) -> PyResult<Bound<'py, PyDict>> {
        let environ = match self.like_last(py, request)? {
            Some((environ, different)) if different <= MAX_DIFFERENT => environ,
            Some((environ, _)) => {
                self.keep(py, request, &environ)?;
                environ
            }
            None => self.with_all_vars(py, request)?,
        };
        set_paths(&environ, request)?;
        set_defaults(&environ, request, addresses)?;
        Ok(environ)
    }

    /// Returns the environ, and how many values differ, if the keys are those of the earlier request.
    fn like_last<'py>(&self, py: Python<'py>, request: &Request<'_>) -> PyResult<Option<(Bound<'py, PyDict>, usize)>> {
        let Some(last) = self.last.as_ref().filter(|last| last.vars.len() == request.vars().len()) else {
            return Ok(None);
        };
        let (mut environ, mut different) = (None, 0_usize);
        for (last_var, (key, value)) in last.vars.iter().zip(request.vars()) {
            if *last_var.key != *key {
                return Ok(None);
            }
            if *last_var.value == *value {
                continue;
            }
            different = different.saturating_add(1);
            match &last_var.string {
                Some(string) if is_passed(key, value) => {
                    let environ = match &environ {
                        Some(environ) => environ,
                        None => environ.insert(last.dict.bind(py).copy()?),
                    };
                    environ.set_item(string.bind(py), latin1::decode(py, value)?)?;
                }
                None if !is_passed(key, value) => {}
                _ => return Ok(None),
            }
        }
        let environ = match environ {
            Some(environ) => environ,
            None => last.dict.bind(py).copy()?,
        };
        Ok(Some((environ, different)))
    }

    /// Returns the template with all vars of a request.
    fn with_all_vars<'py>(&mut self, py: Python<'py>, request: &Request<'_>) -> PyResult<Bound<'py, PyDict>> {
        let environ = self.template.bind(py).copy()?;
        let mut count = environ.len();
        for (key, value) in request.vars().iter().filter(|(key, value)| is_passed(key, value)) {
            environ.set_item(self.keys.string(py, key)?, latin1::decode(py, value)?)?;
            count = count.saturating_add(1);
        }
        if environ.len() == count {
            self.keep(py, request, &environ)?;
        } else {
            self.last = None;
            join_repeated(&environ, request)?;
        }
        Ok(environ)
    }

    /// Keeps the vars of a request for the next one.
    fn keep(&mut self, py: Python<'_>, request: &Request<'_>, environ: &Bound<'_, PyDict>) -> PyResult<()> {
        self.last = None;
        let bytes = request.vars().as_bytes().len();
        if bytes > MAX_KEPT {
            return Ok(());
        }
        let keys = &mut self.keys;
        let var = |(key, value): (&[u8], &[u8])| {
            let string = if is_passed(key, value) { Some(keys.string(py, key)?.unbind()) } else { None };
            Ok(Var { key: key.into(), value: value.into(), string })
        };
        let vars = request.vars().iter().map(var).collect::<PyResult<Vec<_>>>()?;
        self.last = Some(Last { vars, dict: environ.copy()?.unbind() });
        Ok(())
    }
}

/// The vars of a request that are kept for the next one have at most this many bytes.
const MAX_KEPT: usize = 8 << 10;

/// Sets what PEP 3333 requires and the front end does not say.
fn set_defaults(environ: &Bound<'_, PyDict>, request: &Request<'_>, addresses: Addresses) -> PyResult<()> {
    let py = environ.py();
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
    Ok(())
}

/// Whether a var is passed to the application. The keys that begin with `wsgi.` are the server's (PEP 3333, "environ
/// Variables"), and `UWSGI_` vars are commands for uWSGI. nginx sends the headers Content-Length and Content-Type as the client
/// wrote them, too: `CONTENT_LENGTH` and `CONTENT_TYPE` count (RFC 3875 section 4.1.18).
fn is_passed(key: &[u8], value: &[u8]) -> bool {
    let is_empty_server = value.is_empty() && matches!(key, b"SERVER_NAME" | b"SERVER_PORT");
    let is_content = matches!(key, b"HTTP_CONTENT_LENGTH" | b"HTTP_CONTENT_TYPE");
    !(key.starts_with(b"wsgi.") || key.starts_with(b"UWSGI_") || is_empty_server || is_content)
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
