//! Requests of `http` as vars of uwsgi.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use http::header::{CONTENT_LENGTH, COOKIE, HOST, HeaderName, UPGRADE};
use http::request::Parts;
use http::uri::Scheme;
use http::{HeaderMap, Version};
use percent_encoding::percent_decode_str;
use uwsgi::{Buffer, EncodeError, EncodeErrorKind, VarsEncoder};

use crate::request::{RemoteAddr, ScriptName};

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

    /// The same vars and one more.
    #[must_use]
    pub fn with(mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.vars.push((key.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }

    fn has(&self, key: &str) -> bool {
        self.vars.iter().any(|(other, _)| other == key.as_bytes())
    }
}

/// Writes the vars that a front end would send for a request whose body has so many bytes.
///
/// `PATH_INFO` is the path, decoded once, as nginx, Apache and lighttpd send it, but not tidied of `..` and `//`;
/// `REQUEST_URI` is what was asked for. A header that came more than once becomes one var, its values joined by a
/// comma, those of `Cookie` by a semicolon. Headers about the connection are left out, unless they ask for an upgrade;
/// so are those that a server could mistake for something else: `Proxy`, and names with an underscore. [`RemoteAddr`],
/// [`ScriptName`] and [`MoreVars`] are taken from the extensions.
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
/// # Ok::<(), uwsgi::EncodeError>(())
/// ```
///
/// # Errors
///
/// [`EncodeError`]: the vars do not fit into a packet; a front end answers 431.
pub fn encode_vars<B: Buffer + ?Sized>(
    parts: &Parts,
    length: Option<u64>,
    vars: &mut VarsEncoder<'_, B>,
) -> Result<(), EncodeError> {
    let none = MoreVars::new();
    let more = parts.extensions.get().unwrap_or(&none);
    let host = host(parts);
    let (name, port) = name_and_port(&host);
    let is_https = parts.uri.scheme() == Some(&Scheme::HTTPS);
    let default_port = if is_https { "443" } else { "80" };
    let path = parts.uri.path();
    let decoded: Cow<'_, [u8]> = percent_decode_str(path).into();
    let script_name = parts.extensions.get::<ScriptName>().map_or(&[][..], ScriptName::as_bytes);
    let path_info = below(&decoded, script_name);
    let target = parts.uri.path_and_query().map_or(path, |target| target.as_str());

    let mut push = |key: &str, value: &[u8]| if more.has(key) { Ok(()) } else { vars.push(key, value) };
    push("QUERY_STRING", parts.uri.query().unwrap_or_default().as_bytes())?;
    push("REQUEST_METHOD", parts.method.as_str().as_bytes())?;
    push("REQUEST_URI", target.as_bytes())?;
    push("SCRIPT_NAME", script_name)?;
    push("PATH_INFO", path_info)?;
    push("SERVER_PROTOCOL", protocol(parts.version).as_bytes())?;
    push("REQUEST_SCHEME", if is_https { b"https" } else { b"http" })?;
    if is_https {
        push("HTTPS", b"on")?;
    }
    if let Some(client) = parts.extensions.get::<RemoteAddr>() {
        push("REMOTE_ADDR", client.ip().to_string().as_bytes())?;
    }
    push("SERVER_NAME", if name.is_empty() { b"localhost" } else { name.as_bytes() })?;
    push("SERVER_PORT", port.unwrap_or(default_port).as_bytes())?;
    if let Some(length) = length {
        push("CONTENT_LENGTH", length.to_string().as_bytes())?;
    }
    if !host.is_empty() {
        push("HTTP_HOST", host.as_bytes())?;
    }
    for (key, value) in &more.vars {
        vars.push(key, value)?;
    }
    headers(&parts.headers, more, vars)
}

/// What of a path is below a mount: all of it, where it is not.
fn below<'p>(path: &'p [u8], mount: &[u8]) -> &'p [u8] {
    path.strip_prefix(mount).filter(|rest| rest.first().is_none_or(|byte| *byte == b'/')).unwrap_or(path)
}

fn headers<B: Buffer + ?Sized>(
    headers: &HeaderMap,
    more: &MoreVars,
    vars: &mut VarsEncoder<'_, B>,
) -> Result<(), EncodeError> {
    let upgrade = headers.contains_key(UPGRADE);
    for name in headers.keys() {
        let key = key(name);
        if *name == HOST || *name == CONTENT_LENGTH || more.has(&key) || !passes(&key, upgrade) {
            continue;
        }
        let separator: &[u8] = if *name == COOKIE { b"; " } else { b", " };
        let mut values = headers.get_all(name).iter().map(|value| value.as_bytes());
        let first = values.next().unwrap_or_default();
        let value = values.fold(Cow::Borrowed(first), |joined, value| Cow::Owned([&joined, separator, value].concat()));
        match vars.push_header(name.as_str(), &*value) {
            Ok(()) => {}
            // Those that could be mistaken for something else go no further.
            Err(error) => match error.kind() {
                EncodeErrorKind::ProxyHeader | EncodeErrorKind::UnderscoreHeader => {}
                _ => return Err(error),
            },
        }
    }
    Ok(())
}

/// The rule is the core's, which knows names by their keys.
fn passes(key: &str, upgrade: bool) -> bool {
    uwsgi::HeaderName::from_key(key.as_bytes()).is_some_and(|name| name.passes(upgrade))
}

fn key(name: &HeaderName) -> String {
    let upper = name.as_str().to_ascii_uppercase().replace('-', "_");
    if upper == "CONTENT_TYPE" { upper } else { ["HTTP_", &upper].concat() }
}

/// The host that was asked for: of an absolute target, its own (RFC 9112 section 3.2.2).
fn host(parts: &Parts) -> String {
    match parts.uri.authority() {
        Some(authority) => match authority.as_str().rsplit_once('@') {
            Some((_, host)) => host.into(),
            None => authority.as_str().into(),
        },
        None => parts
            .headers
            .get(HOST)
            .map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned())
            .unwrap_or_default(),
    }
}

fn name_and_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => (name, Some(port)),
        _ => (host, None),
    }
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
