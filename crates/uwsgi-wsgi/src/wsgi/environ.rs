//! The dict `environ` of a request (PEP 3333, "environ Variables").

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use uwsgi::{HeaderName, Request, RequestUri, Scheme, VarsBuf};
use uwsgi_server::Addresses;

use crate::wsgi::keys::Keys;
use crate::wsgi::latin1;

/// Makes the environ of each request of a thread.
#[derive(Debug)]
pub(crate) struct Environs {
    /// What the environ of every request has.
    template: Py<PyDict>,
    keys: Keys,
    earlier: Vec<Earlier>,
    /// The number of the earlier request that is replaced next.
    oldest: usize,
}

/// The vars of an earlier request. A front end sends the same keys again and again, and many of the values too. So the next
/// environ is a copy of the dict, with those values that differ.
#[derive(Debug)]
struct Earlier {
    vars: VarsBuf,
    /// The keys as strings, in the order of the vars. `None` where a var is not passed to the application.
    strings: Vec<Option<Py<PyString>>>,
    /// The template with these vars.
    dict: Py<PyDict>,
}

/// How many earlier requests are kept: browsers, programs and checks of the front end send different headers.
const MAX_EARLIER: usize = 4;
/// If more values than this differ from those of the earlier request, the vars of this request replace it.
const MAX_DIFFERENT: usize = 8;

impl Environs {
    /// `template` is what the environ of every request has.
    pub(crate) fn new(template: &Bound<'_, PyDict>) -> Self {
        Self { template: template.clone().unbind(), keys: Keys::new(template.py()), earlier: Vec::new(), oldest: 0 }
    }

    /// Returns the environ of a request.
    pub(crate) fn environ<'py>(
        &mut self,
        py: Python<'py>,
        request: &Request<'_>,
        addresses: Addresses,
    ) -> PyResult<Bound<'py, PyDict>> {
        let environ = match self.like_earlier(py, request)? {
            Some(environ) => environ,
            None => self.with_all_vars(py, request)?,
        };
        set_paths(&environ, request)?;
        set_defaults(&environ, request, addresses)?;
        Ok(environ)
    }

    /// Returns the template with the vars of a request, if an earlier request had the same keys.
    fn like_earlier<'py>(&mut self, py: Python<'py>, request: &Request<'_>) -> PyResult<Option<Bound<'py, PyDict>>> {
        for earlier in &mut self.earlier {
            let Some((environ, different)) = earlier.with_values(py, request)? else { continue };
            if different > MAX_DIFFERENT && is_short(request) {
                (earlier.vars, earlier.dict) = (request.vars().into(), environ.copy()?.unbind());
            }
            return Ok(Some(environ));
        }
        Ok(None)
    }

    /// Returns the template with all vars of a request, and keeps them for later requests.
    fn with_all_vars<'py>(&mut self, py: Python<'py>, request: &Request<'_>) -> PyResult<Bound<'py, PyDict>> {
        let environ = self.template.bind(py).copy()?;
        let mut count = environ.len();
        let mut strings = Vec::with_capacity(request.vars().len());
        for (key, value) in request.vars() {
            if !is_passed(key, value) {
                strings.push(None);
                continue;
            }
            let string = self.keys.string(py, key)?;
            environ.set_item(&string, latin1::decode(py, value)?)?;
            strings.push(Some(string.unbind()));
            count = count.saturating_add(1);
        }
        if environ.len() != count {
            join_repeated(&environ, request)?;
        } else if is_short(request) {
            let kept = Earlier { vars: request.vars().into(), strings, dict: environ.copy()?.unbind() };
            match self.earlier.get_mut(self.oldest) {
                Some(oldest) => *oldest = kept,
                None => self.earlier.push(kept),
            }
            self.oldest = self.oldest.saturating_add(1) % MAX_EARLIER;
        }
        Ok(environ)
    }
}

impl Earlier {
    /// Returns the template with the vars of a request, and how many values differ from those of this one; `None` if the keys
    /// are not the same.
    fn with_values<'py>(
        &self,
        py: Python<'py>,
        request: &Request<'_>,
    ) -> PyResult<Option<(Bound<'py, PyDict>, usize)>> {
        let vars = self.vars.as_vars();
        if vars.len() != request.vars().len() {
            return Ok(None);
        }
        let (mut environ, mut different) = (None, 0_usize);
        for ((string, (earlier_key, earlier_value)), (key, value)) in self.strings.iter().zip(vars).zip(request.vars())
        {
            if earlier_key != key {
                return Ok(None);
            }
            if earlier_value == value {
                continue;
            }
            different = different.saturating_add(1);
            match string {
                Some(string) if is_passed(key, value) => {
                    let environ = match &environ {
                        Some(environ) => environ,
                        None => environ.insert(self.dict.bind(py).copy()?),
                    };
                    environ.set_item(string.bind(py), latin1::decode(py, value)?)?;
                }
                None if !is_passed(key, value) => {}
                _ => return Ok(None),
            }
        }
        let environ = match environ {
            Some(environ) => environ,
            None => self.dict.bind(py).copy()?,
        };
        Ok(Some((environ, different)))
    }
}

/// Whether the vars of a request are kept for later requests.
fn is_short(request: &Request<'_>) -> bool {
    request.vars().as_bytes().len() <= MAX_KEPT
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

/// Sets `SCRIPT_NAME` and `PATH_INFO`, where they differ from the vars.
fn set_paths(environ: &Bound<'_, PyDict>, request: &Request<'_>) -> PyResult<()> {
    let py = environ.py();
    let (mount, path) = request.mount_and_path();
    if request.script_name() != Some(mount) {
        environ.set_item(intern!(py, "SCRIPT_NAME"), latin1::decode(py, mount)?)?;
    }
    if path.is_some() && path == request.path_info() {
        return Ok(());
    }
    let path = match path {
        Some(path) => latin1::decode(py, path)?,
        // Neither var has a path.
        None => match RequestUri::parse(request.request_uri().unwrap_or_default()).decoded_path() {
            Some(path) => latin1::decode(py, &path.collect::<Vec<_>>())?,
            None => intern!(py, "/").clone(),
        },
    };
    environ.set_item(intern!(py, "PATH_INFO"), path)
}
