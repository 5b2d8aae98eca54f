//! Converts a uwsgi request to a request of `http`.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

use alloc::sync::Arc;
use bytes::Bytes;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use uwsgi::{Encoded, Modifier1, Target, VarsBuf, write_source};

/// All vars of a request as they came, in an extension of the request.
///
/// ```
/// use http::Request;
/// use uwsgi_tower::Vars;
///
/// fn user<B>(request: &Request<B>) -> Option<&[u8]> {
///     request.extensions().get::<Vars>()?.as_vars().get("REMOTE_USER")
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Vars {
    vars: Arc<VarsBuf>,
}

impl Vars {
    /// Returns the vars.
    #[must_use]
    pub fn as_vars(&self) -> uwsgi::Vars<'_> {
        self.vars.as_vars()
    }
}

/// The owner of the bytes of the vars, so that header values can share them.
struct Owner(Arc<VarsBuf>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        self.0.as_vars().as_bytes()
    }
}

/// The modifiers of a request's packet, in an extension of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "a packet has two modifiers")]
pub struct Modifiers {
    /// The type of the packet, or the handler that it is for.
    pub modifier1: Modifier1,
    /// The sub-command.
    pub modifier2: u8,
}

/// The path where the application is mounted, in an extension of the request: the [mount](uwsgi::Target::mount) of its target,
/// which is the var `SCRIPT_NAME` as it came. The extension is set only if the path is not empty and `PATH_INFO` came: without
/// `PATH_INFO`, `SCRIPT_NAME` is the path of the request. The request's URI does not include the mount.
///
/// The client sends the same `SCRIPT_NAME` for a request with this extension. For a request of your own, whose URI includes the
/// mount, use [`Mount`](crate::Mount).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScriptName(Bytes);

impl ScriptName {
    #[cfg(feature = "axum")]
    pub(crate) const fn empty() -> Self {
        Self(Bytes::new())
    }

    /// Returns the path.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The target that the client asked the front end for, in an extension of the request: the var `REQUEST_URI` as it came, with
/// the mount. The extension is set only if the var is not empty.
///
/// It may differ from the URI of the request: for example after a rewrite, or in an `auth_request`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestUri(Bytes);

impl RequestUri {
    /// Returns the target.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The peer of the TCP socket, which is the front end, in an extension of the request. [`RemoteAddr`] is the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "an address")]
pub struct Peer(pub SocketAddr);

/// The client's address and port, in an extension of the request. The front end sends the address in `REMOTE_ADDR`, and some
/// front ends send the port in `REMOTE_PORT`. Trust them as you trust the front end.
///
/// The address is canonical: `::ffff:10.0.0.5` is 10.0.0.5.
///
/// ```
/// use uwsgi_tower::RemoteAddr;
///
/// let client = RemoteAddr::new("::ffff:10.0.0.5".parse().unwrap()).with_port(40001);
/// assert_eq!((client.ip().to_string(), client.port()), ("10.0.0.5".into(), Some(40001)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RemoteAddr {
    ip: IpAddr,
    port: Option<u16>,
}

impl RemoteAddr {
    /// Makes an address without a port.
    #[must_use]
    pub const fn new(ip: IpAddr) -> Self {
        Self { ip: ip.to_canonical(), port: None }
    }

    /// Sets the port; unknown by default.
    #[must_use]
    pub const fn with_port(self, port: u16) -> Self {
        Self { port: Some(port), ..self }
    }

    /// Returns the address.
    #[must_use]
    pub const fn ip(&self) -> IpAddr {
        self.ip
    }

    /// Returns the port, if it is known.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Parses the value of `REMOTE_ADDR`.
    pub(crate) fn parse(remote_addr: &[u8]) -> Option<Self> {
        core::str::from_utf8(remote_addr).ok()?.parse().ok().map(Self::new)
    }

    fn of(request: &uwsgi::Request<'_>) -> Option<Self> {
        let client = Self::parse(request.remote_addr()?)?;
        Some(Self { port: request.remote_port().and_then(uwsgi::Request::port), ..client })
    }
}

/// Why a uwsgi request cannot be converted to a request of `http`.
#[derive(Debug)]
#[non_exhaustive]
pub enum RequestError {
    /// `REQUEST_METHOD` is not a token.
    Method,
    /// The encoded target is longer than `http` allows.
    Target(http::uri::InvalidUri),
}

/// `{}` does not print the [source](core::error::Error::source); `{:#}` prints it too.
impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "REQUEST_METHOD is no method",
            Self::Target(_) => "the request's target cannot be read",
        })?;
        write_source(self, f)
    }
}

impl core::error::Error for RequestError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Target(error) => Some(error),
            _ => None,
        }
    }
}

/// Converts a uwsgi request to the parts of a request of `http`: method, URI, version and headers, and the extensions [`Vars`],
/// [`Modifiers`], [`ScriptName`], [`RequestUri`], [`RemoteAddr`] and [`Scheme`](uwsgi::Scheme).
///
/// The URI is the request's [target](uwsgi::Request::target): the path that the front end has decided on, without the mount. If
/// `REQUEST_URI` has the same path, the URI has its spelling, because routers of Rust decode paths themselves. Otherwise the
/// URI is `PATH_INFO`, encoded again. So a `rewrite`, an `auth_request` or an `error_page` of nginx reaches the handler that it
/// names.
///
/// The headers are those of [`Request::headers`](uwsgi::Request::headers), without invalid names, and without values that
/// contain a control byte. [`Vars`] has all vars.
///
/// ```
/// use uwsgi::{Packet, Request};
/// use uwsgi_tower::request_parts;
///
/// let (packet, _) = Packet::decode(b"\0\x1c\0\0\x09\0PATH_INFO\x07\0/a b%2f\x03\0X_Y\x01\0z")?;
/// let parts = request_parts(&Request::decode(&packet)?)?;
/// assert_eq!(parts.uri.path(), "/a%20b%252f");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`RequestError`]. The response should have status 400.
pub fn request_parts(request: &uwsgi::Request<'_>) -> Result<Parts, RequestError> {
    let vars = Arc::new(VarsBuf::from(request.vars()));
    let block = Bytes::from_owner(Owner(Arc::clone(&vars)));
    // Finds a value of the request in this copy, so that the value is shared and not copied again.
    let original = request.vars().as_bytes();
    let shared = |value: &[u8]| {
        let start = value.as_ptr().addr().checked_sub(original.as_ptr().addr());
        let end = start.and_then(|start| start.checked_add(value.len()));
        match (start, end) {
            (Some(start), Some(end)) if end <= original.len() => block.slice(start..end),
            // The value is not part of the vars, because middleware has changed the request.
            _ => Bytes::copy_from_slice(value),
        }
    };

    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = Method::from_bytes(request.method_or_get()).map_err(|_| RequestError::Method)?;
    let target = request.target();
    parts.uri = uri(&target, shared)?;
    parts.version = version(request.server_protocol());
    parts.headers = headers(request, shared);
    if !target.mount().is_empty() {
        parts.extensions.insert(ScriptName(shared(target.mount())));
    }
    if let Some(uri) = request.request_uri().filter(|uri| !uri.is_empty()) {
        parts.extensions.insert(RequestUri(shared(uri)));
    }
    if let Some(client) = RemoteAddr::of(request) {
        parts.extensions.insert(client);
    }
    parts.extensions.insert(request.scheme());
    parts.extensions.insert(Modifiers { modifier1: request.modifier1(), modifier2: request.modifier2() });
    parts.extensions.insert(Vars { vars });
    Ok(parts)
}

fn uri(target: &Target<'_>, shared: impl Fn(&[u8]) -> Bytes) -> Result<Uri, RequestError> {
    if let Some(Ok(uri)) = target.as_bytes().map(|whole| Uri::from_maybe_shared(shared(whole))) {
        return Ok(uri);
    }
    // `http` accepts only UTF-8, and no backtick in a path.
    let part = |part: Encoded<'_>| match String::from_utf8(part.bytes().collect()) {
        Ok(text) => text,
        Err(_) => part.to_string(),
    };
    let mut text = part(target.path()).replace('`', "%60");
    if let Some(query) = target.query() {
        text.push('?');
        text.push_str(&part(query));
    }
    PathAndQuery::try_from(text).map(Uri::from).map_err(RequestError::Target)
}

fn version(protocol: Option<&[u8]>) -> Version {
    match protocol {
        Some(b"HTTP/0.9") => Version::HTTP_09,
        Some(b"HTTP/1.0") => Version::HTTP_10,
        Some(b"HTTP/2.0" | b"HTTP/2") => Version::HTTP_2,
        Some(b"HTTP/3.0" | b"HTTP/3") => Version::HTTP_3,
        // An unknown version is not an error.
        _ => Version::HTTP_11,
    }
}

fn headers(request: &uwsgi::Request<'_>, shared: impl Fn(&[u8]) -> Bytes) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(request.vars().len().min(FIRST_ROOM));
    for (name, value) in request.headers() {
        // A var with an invalid header name is still in `Vars`.
        let Some(name) = header_name(name) else { continue };
        match HeaderValue::from_maybe_shared(shared(value)) {
            Ok(value) => drop(headers.append(name, value)),
            // The core refuses CR, LF and NUL. RFC 9110 section 5.5 allows a recipient to keep other control bytes, but `http`
            // does not. They are still in `Vars`.
            Err(_) => tracing::warn!("the header {name} is left out: there is a control byte in it"),
        }
    }
    headers
}

/// The largest first capacity of a header map. The map grows if there are more headers.
const FIRST_ROOM: usize = 64;

fn header_name(name: uwsgi::HeaderName<'_>) -> Option<HeaderName> {
    let bytes = name.bytes();
    let mut short = [0; 64];
    match short.get_mut(..bytes.len()) {
        Some(spelled) => {
            spelled.iter_mut().zip(bytes).for_each(|(spelled, byte)| *spelled = byte);
            HeaderName::from_bytes(spelled).ok()
        }
        None => HeaderName::from_bytes(&bytes.collect::<Vec<u8>>()).ok(),
    }
}
