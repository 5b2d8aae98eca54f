//! Requests of `http` as vars of uwsgi.

mod error;
mod headers;
mod mount;
mod received;

use alloc::string::ToString;
use alloc::vec::Vec;

use http::Version;
use http::header::HOST;
use http::request::Parts;
use uwsgi::{Buffer, Host, Request, Scheme, VarsEncoder};

pub use error::VarsError;
pub use headers::remove_connection_headers;
pub use mount::{InvalidMount, Mount};

use mount::TargetVars;
use received::Received;

/// Vars to send besides those that a request makes, in an extension of it. They stand for any of the same name:
/// `REMOTE_USER`, whatever a front end's `uwsgi_param` would set.
///
/// ```
/// use uwsgi_tower::MoreVars;
///
/// let more = MoreVars::new().with("REMOTE_USER", "alice").with("UWSGI_SCHEME", "https");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MoreVars {
    vars: Vec<(Vec<u8>, Vec<u8>)>,
}

impl MoreVars {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { vars: Vec::new() }
    }

    /// The same vars and one more, which stands for one of the same name.
    #[must_use]
    pub fn with(mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.vars.retain(|(other, _)| other != key.as_ref());
        self.vars.push((key.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }

    fn has(&self, key: &[u8]) -> bool {
        self.vars.iter().any(|(other, _)| other == key)
    }
}

/// Writes the vars that a front end would send for a request whose body has so many bytes.
///
/// **Target.** `PATH_INFO` is the path, decoded once, as nginx, Apache and lighttpd send it, but not tidied of `..` and `//`.
/// `SCRIPT_NAME` is where the application is mounted: [`ScriptName`](crate::ScriptName) of a request that came from a uwsgi
/// server, whose URI is what follows it, and [`Mount`] for any other request.
///
/// **Headers.** A header that came more than once becomes one var: the last value where it may stand once, else its values
/// joined: see [`joined`](uwsgi::HeaderName::joined). Headers about the connection are left out:
/// see [`passes`](uwsgi::HeaderName::passes). Headers that a server could mistake for others are left out too: `Proxy`, and
/// names with an underscore. The headers that the request's `Connection` lists are sent: a gateway from HTTP removes them
/// with [`remove_connection_headers`] before it sets headers of its own.
///
/// **From uwsgi to uwsgi.** The vars of the extension [`Vars`](crate::Vars) are sent as they came. The exceptions are vars that
/// this function makes from the request itself, and `UWSGI_*`: see [`passes_to_backend`](uwsgi::passes_to_backend).
///
/// **Client and scheme.** [`MoreVars`] stand for everything of the same name. [`RemoteAddr`](crate::RemoteAddr) is
/// `REMOTE_ADDR` and `REMOTE_PORT`; [`Scheme`] is `REQUEST_SCHEME` and `HTTPS`. Where these extensions are not set, the vars that
/// the request came with count ([`Scheme::of_vars`] for the scheme), and after them the scheme of the URI.
///
/// ```
/// use uwsgi::{Modifier1, Packet, VarsEncoder};
/// use uwsgi_tower::encode_vars;
///
/// let (parts, ()) = http::Request::get("http://example.com/a%20b?c").body(()).unwrap().into_parts();
/// let mut packet = Vec::new();
/// let mut vars = VarsEncoder::new(&mut packet);
/// encode_vars(&parts, None, &mut vars)?;
/// vars.finish(Modifier1::WSGI, 0)?;
/// let vars = Packet::decode(&packet).unwrap().0.vars().unwrap();
/// assert_eq!(vars.get("PATH_INFO"), Some(&b"/a b"[..]));
/// assert_eq!(vars.get("HTTP_HOST"), Some(&b"example.com"[..]));
/// # Ok::<(), uwsgi_tower::VarsError>(())
/// ```
///
/// # Errors
///
/// [`VarsError`]: the request's target, its Host or one of the vars cannot be sent, or the vars do not fit into a packet.
pub fn encode_vars<B: Buffer + ?Sized>(
    parts: &Parts,
    length: Option<u64>,
    vars: &mut VarsEncoder<'_, B>,
) -> Result<(), VarsError> {
    let none = MoreVars::new();
    let more = parts.extensions.get().unwrap_or(&none);
    let host = host(parts)?;
    let target = TargetVars::of(parts)?;
    let received = Received::of(parts);

    let mut push = |key: &str, value: &[u8]| if more.has(key.as_bytes()) { Ok(()) } else { vars.push(key, value) };
    push("QUERY_STRING", target.query_string.as_bytes())?;
    push("REQUEST_METHOD", parts.method.as_str().as_bytes())?;
    push("REQUEST_URI", &target.request_uri)?;
    push("SCRIPT_NAME", &target.script_name)?;
    push("PATH_INFO", &target.path_info)?;
    push("SERVER_PROTOCOL", protocol(parts.version).as_bytes())?;
    push("REQUEST_SCHEME", received.scheme.as_str().as_bytes())?;
    if received.scheme == Scheme::Https {
        push("HTTPS", b"on")?;
    }
    if let Some(client) = received.client {
        push("REMOTE_ADDR", client.ip().to_string().as_bytes())?;
    }
    if let Some(port) = received.client.and_then(|client| client.port()) {
        push("REMOTE_PORT", port.to_string().as_bytes())?;
    }
    if !received.has("SERVER_NAME") {
        push("SERVER_NAME", host.map_or("localhost", |host| host.name()).as_bytes())?;
    }
    if !received.has("SERVER_PORT") {
        let default_port = received.scheme.default_port().to_string();
        let port = host.and_then(|host| host.port()).filter(|port| Request::port(port.as_bytes()).is_some());
        push("SERVER_PORT", port.unwrap_or(&default_port).as_bytes())?;
    }
    if let Some(length) = length {
        push("CONTENT_LENGTH", length.to_string().as_bytes())?;
    }
    if let Some(host) = host {
        push("HTTP_HOST", host.as_str().as_bytes())?;
    }
    for (key, value) in received.vars().filter(|(key, _)| !more.has(key)) {
        vars.push(key, value)?;
    }
    for (key, value) in &more.vars {
        vars.push(key, value).map_err(VarsError::of_more_vars)?;
    }
    headers::encode(&parts.headers, more, vars)
}

/// The host that was asked for: of an absolute target, its own (RFC 9112 section 3.2.2). An empty one is absent.
fn host(parts: &Parts) -> Result<Option<Host<'_>>, VarsError> {
    let mut headers = parts.headers.get_all(HOST).iter().map(|value| value.as_bytes());
    let header = headers.next().filter(|value| !value.is_empty());
    if headers.next().is_some() {
        return Err(VarsError::TwoHosts);
    }
    let parse = |host| Host::parse(host).ok_or(VarsError::InvalidHost);
    let header = header.map(parse).transpose()?;
    let Some(authority) = parts.uri.authority() else { return Ok(header) };
    let authority = authority.as_str();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    parse(host.as_bytes()).map(Some)
}

const fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_3 => "HTTP/3.0",
        _ => "HTTP/1.1",
    }
}
