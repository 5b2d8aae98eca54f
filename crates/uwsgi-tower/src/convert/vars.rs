//! Converts a request of `http` to vars.

use http::Version;
use http::header::HOST;
use http::request::Parts;
use uwsgi::client::RequestBuilder;
use uwsgi::{Buffer, Host, VarsEncoder};

use crate::convert::headers;
use crate::convert::more_vars::MoreVars;
use crate::convert::mount::Mount;
use crate::convert::received::Received;
use crate::convert::request::{RequestUri, ScriptName};
use crate::convert::vars_error::VarsError;

/// Encodes the vars that a front end would send for a request. `length` is the length of the body for `CONTENT_LENGTH`.
///
/// **Target.** `PATH_INFO` is the path, decoded once, as nginx, Apache and lighttpd send it. `..` and `//` stay. `SCRIPT_NAME`
/// is the path where the application is mounted: [`ScriptName`](crate::ScriptName) of a request that came from a uwsgi server,
/// whose URI does not include it, and [`Mount`](crate::Mount) of any other request.
///
/// **Headers.** A header that came more than once becomes one var. If the header may occur only once, the last value counts.
/// Otherwise the values are joined: see [`joined`](uwsgi::HeaderName::joined). Headers about the connection are left out: see
/// [`passes`](uwsgi::HeaderName::passes). Headers that a server could mistake for others are left out too: `Proxy`, and names
/// with an underscore. The headers that the request's `Connection` lists are sent: a gateway from HTTP removes them with
/// [`remove_connection_headers`](crate::remove_connection_headers) before it sets headers of its own.
///
/// **From uwsgi to uwsgi.** The vars of the extension [`Vars`](crate::Vars) are sent as they came. The exceptions are vars that
/// this function makes from the request itself, and `UWSGI_*`: see [`passes_to_backend`](uwsgi::passes_to_backend).
///
/// **Client and scheme.** [`RemoteAddr`](crate::RemoteAddr) becomes `REMOTE_ADDR` and `REMOTE_PORT`.
/// [`Scheme`](uwsgi::Scheme) becomes `REQUEST_SCHEME` and `HTTPS`. Without these extensions, the client and the scheme come
/// from the vars of the request (the scheme by [`Scheme::of_vars`](uwsgi::Scheme::of_vars)). Without such vars, the scheme is that of the URI.
///
/// **More vars.** [`MoreVars`] replace all vars of the same name.
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
    let empty = MoreVars::new();
    let more = parts.extensions.get().unwrap_or(&empty);
    let host = host(parts)?;
    let received = Received::of(parts);
    let request = builder(parts, &received, host, length);
    for (key, value) in request.vars()? {
        // The server's own name and port may differ from those of the client's URL.
        let is_received = matches!(key, "SERVER_NAME" | "SERVER_PORT") && received.has(key);
        if !is_received && !more.has(key.as_bytes()) {
            vars.push(key, &value)?;
        }
    }
    for (key, value) in received.vars().filter(|(key, _)| !more.has(key)) {
        vars.push(key, value)?;
    }
    for (key, value) in &more.vars {
        vars.push(key, value).map_err(VarsError::of_more_vars)?;
    }
    headers::encode(&parts.headers, more, vars)
}

/// Returns the request for the core, which makes the vars.
fn builder<'p>(
    parts: &'p Parts,
    received: &Received<'_>,
    host: Option<Host<'p>>,
    length: Option<u64>,
) -> RequestBuilder<'p> {
    let target = parts.uri.path_and_query().map_or(parts.uri.path(), |target| target.as_str());
    let mut request = RequestBuilder::new(parts.method.as_str(), target)
        .with_protocol(protocol(parts.version))
        .with_scheme(received.scheme);
    if let Some(mount) = parts.extensions.get::<Mount>() {
        request = request.with_mount(mount.as_str());
    }
    if let Some(above) = parts.extensions.get::<ScriptName>() {
        request = request.with_script_name(above.as_bytes());
    }
    if let Some(uri) = parts.extensions.get::<RequestUri>() {
        request = request.with_request_uri(uri.as_bytes());
    }
    if let Some(host) = host {
        request = request.with_host(host.as_str());
    }
    if let Some(client) = received.client {
        request = request.with_remote_addr(client.ip());
    }
    if let Some(port) = received.client.and_then(|client| client.port()) {
        request = request.with_remote_port(port);
    }
    if let Some(length) = length {
        request = request.with_content_length(length);
    }
    request
}

/// Returns the host of the request. The host of an absolute target replaces the header (RFC 9112 section 3.2.2). An empty
/// header counts as an absent one.
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
