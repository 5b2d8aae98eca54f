//! Makes the vars of a web request.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::ToString;
use core::net::IpAddr;

use crate::cgi::host::Host;
use crate::cgi::mount::{below_mount, trim_mount};
use crate::cgi::percent::{Encoded, decoded};
use crate::cgi::request::Request;
use crate::cgi::scheme::Scheme;
use crate::cgi::target::{RequestUri, is_request_uri_of};
use crate::cgi::vars_encoder::VarsEncoder;
use crate::client::request_builder_error::RequestBuilderError;
use crate::wire::buffer::Buffer;

/// Makes the vars that a front end sends for a web request, from what a program knows about the request.
///
/// ```
/// use uwsgi::client::RequestBuilder;
/// use uwsgi::{Modifier1, Packet};
///
/// let mut buffer = Vec::new();
/// let mut vars = RequestBuilder::new("POST", "/a%20b?x=1")
///     .with_host("example.com")
///     .with_content_length(5)
///     .encode(&mut buffer)?;
/// vars.push_header("Content-Type", "text/plain")?;
/// vars.push("REMOTE_USER", "alice")?; // any other var
/// let packet = vars.finish(Modifier1::WSGI, 0)?; // then the five bytes of the body
///
/// let vars = Packet::decode(packet).unwrap().0.vars().unwrap();
/// assert_eq!(vars.get("PATH_INFO"), Some(&b"/a b"[..]));
/// assert_eq!(vars.get("SERVER_NAME"), Some(&b"example.com"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Which vars a server needs
///
/// A server of this project needs none of them. Other servers and applications need these:
///
/// | var | from | who needs it |
/// |---|---|---|
/// | `REQUEST_METHOD` | [`new`](Self::new) | WSGI, where it is never empty (PEP 3333). Most servers take GET if it is absent |
/// | `PATH_INFO` | the path of the target, decoded once | every application that has routes. gunicorn takes `/` if it is absent |
/// | `SCRIPT_NAME` | [`with_mount`](Self::with_mount) | an application that is not at the root, for the URLs that it makes. gunicorn ignores it |
/// | `QUERY_STRING` | the query of the target | every application that reads a query |
/// | `REQUEST_URI` | the target as it is written | uWSGI's log and routes; applications that tell `%2F` and `/` apart |
/// | `SERVER_PROTOCOL` | [`with_protocol`](Self::with_protocol) | WSGI; uWSGI answers with the same version, and with HTTP/1.0 if it is absent |
/// | `SERVER_NAME`, `SERVER_PORT` | the host; `localhost` without one | WSGI, where they are never empty |
/// | `HTTP_HOST` | [`with_host`](Self::with_host) | applications that make URLs, or serve several hosts |
/// | `REQUEST_SCHEME`, `HTTPS` | [`with_scheme`](Self::with_scheme) | applications that make URLs, set cookies or redirect to https. gunicorn reads only `HTTPS` |
/// | `REMOTE_ADDR`, `REMOTE_PORT` | [`with_remote_addr`](Self::with_remote_addr) | logs, and rules about addresses |
/// | `CONTENT_LENGTH` | [`with_content_length`](Self::with_content_length) | every server, if the request has a body. Without it there is no body |
/// | `CONTENT_TYPE` | [`push_header`](VarsEncoder::push_header) | applications that read forms or JSON |
/// | `HTTP_*` | [`push_header`](VarsEncoder::push_header) | applications that read headers |
#[derive(Debug, Clone)]
pub struct RequestBuilder<'a> {
    method: &'a str,
    target: Cow<'a, str>,
    script_name: &'a [u8],
    mount: &'a [u8],
    request_uri: Option<&'a [u8]>,
    protocol: &'a str,
    scheme: Scheme,
    host: Option<&'a str>,
    remote_addr: Option<IpAddr>,
    remote_port: Option<u16>,
    content_length: Option<u64>,
}

impl<'a> RequestBuilder<'a> {
    /// Begins a request of HTTP/1.1 over http. The target is a path and maybe a query, encoded as in a URL, or `*`, or a URL of
    /// http or https, which also gives scheme and host.
    ///
    /// ```
    /// use uwsgi::client::RequestBuilder;
    ///
    /// let url = RequestBuilder::new("GET", "https://example.com/a?b");
    /// let path = RequestBuilder::new("GET", "/a?b").with_scheme(uwsgi::Scheme::Https).with_host("example.com");
    /// assert!(url.vars()?.eq(path.vars()?));
    /// # Ok::<(), uwsgi::client::RequestBuilderError>(())
    /// ```
    #[must_use]
    pub fn new(method: &'a str, target: &'a str) -> Self {
        let (scheme, host, target) = split_url(target);
        Self {
            method,
            target,
            script_name: &[],
            mount: &[],
            request_uri: None,
            protocol: "HTTP/1.1",
            scheme,
            host,
            remote_addr: None,
            remote_port: None,
            content_length: None,
        }
    }

    /// Sets where the application is mounted: the first part of the target's path, decoded. It becomes `SCRIPT_NAME`, and
    /// `PATH_INFO` is the rest.
    ///
    /// ```
    /// # use uwsgi::client::RequestBuilder;
    /// let request = RequestBuilder::new("GET", "/my%20shop/cart").with_mount("/my shop");
    /// let (_, path) = request.vars()?.find(|(key, _)| *key == "PATH_INFO").unwrap();
    /// assert_eq!(&*path, b"/cart");
    /// # Ok::<(), uwsgi::client::RequestBuilderError>(())
    /// ```
    #[must_use]
    pub fn with_mount(self, mount: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self { mount: mount.as_ref(), ..self }
    }

    /// Sets a mount that the target does not include: the `SCRIPT_NAME` of a request that came from a uwsgi front end and is
    /// passed on. `REQUEST_URI` includes it.
    #[must_use]
    pub fn with_script_name(self, script_name: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self { script_name: script_name.as_ref(), ..self }
    }

    /// Sets the `REQUEST_URI` of a request that came from a uwsgi front end and is passed on. It is sent if it still belongs to
    /// the target: see [`is_request_uri_of`].
    #[must_use]
    pub fn with_request_uri(self, request_uri: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self { request_uri: Some(request_uri.as_ref()), ..self }
    }

    /// Sets the version of HTTP that the client speaks; `HTTP/1.1` by default.
    #[must_use]
    pub const fn with_protocol(mut self, protocol: &'a str) -> Self {
        self.protocol = protocol;
        self
    }

    /// Sets the scheme of the client's URL; http by default.
    #[must_use]
    pub const fn with_scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Sets the host, and its port if the port is not that of the scheme, as in the header `Host`.
    #[must_use]
    pub const fn with_host(mut self, host: &'a str) -> Self {
        self.host = Some(host);
        self
    }

    /// Sets the address of the client.
    #[must_use]
    pub const fn with_remote_addr(mut self, address: IpAddr) -> Self {
        self.remote_addr = Some(address);
        self
    }

    /// Sets the port of the client.
    #[must_use]
    pub const fn with_remote_port(mut self, port: u16) -> Self {
        self.remote_port = Some(port);
        self
    }

    /// Sets the length of the body. The length 0 says that there is no body. Without any length there is no body either, but
    /// then the server cannot keep the connection.
    #[must_use]
    pub const fn with_content_length(mut self, length: u64) -> Self {
        self.content_length = Some(length);
        self
    }

    /// Returns the vars in the order in which they are sent.
    ///
    /// # Errors
    ///
    /// [`RequestBuilderError`]: the target or the host is not valid.
    pub fn vars(&self) -> Result<impl Iterator<Item = (&'static str, Cow<'_, [u8]>)>, RequestBuilderError> {
        let target = self.target()?;
        let host =
            self.host.map(|host| Host::parse(host.as_bytes()).ok_or(RequestBuilderError::InvalidHost)).transpose()?;
        let server_port = host.and_then(|host| host.port()).filter(|port| Request::port(port.as_bytes()).is_some());
        let server_port = server_port.map_or_else(|| number(self.scheme.default_port()), text);
        let https = (self.scheme == Scheme::Https).then(|| text("on"));
        let vars = [
            ("QUERY_STRING", Some(Cow::Borrowed(target.query))),
            ("REQUEST_METHOD", Some(text(self.method))),
            ("REQUEST_URI", Some(target.request_uri)),
            ("SCRIPT_NAME", Some(target.script_name)),
            ("PATH_INFO", Some(target.path_info)),
            ("SERVER_PROTOCOL", Some(text(self.protocol))),
            ("REQUEST_SCHEME", Some(text(self.scheme.as_str()))),
            ("HTTPS", https),
            ("REMOTE_ADDR", self.remote_addr.map(number)),
            ("REMOTE_PORT", self.remote_port.map(number)),
            ("SERVER_NAME", Some(text(host.map_or("localhost", |host| host.name())))),
            ("SERVER_PORT", Some(server_port)),
            ("CONTENT_LENGTH", self.content_length.map(number)),
            ("HTTP_HOST", host.map(|host| text(host.as_str()))),
        ];
        Ok(vars.into_iter().filter_map(|(key, value)| Some((key, value?))))
    }

    /// Writes the vars into a buffer. Returns the encoder, to which the headers of the request are pushed.
    ///
    /// # Errors
    ///
    /// [`RequestBuilderError`]: the target or the host is not valid, or a var cannot be encoded.
    pub fn encode<'b, B: Buffer + ?Sized>(&self, buffer: &'b mut B) -> Result<VarsEncoder<'b, B>, RequestBuilderError> {
        let vars = self.vars()?;
        let mut encoder = VarsEncoder::new(buffer);
        for (key, value) in vars {
            encoder.push(key, &value).map_err(RequestBuilderError::Encode)?;
        }
        Ok(encoder)
    }

    fn target(&self) -> Result<Target<'_>, RequestBuilderError> {
        let written = self.target.as_bytes();
        let uri = RequestUri::parse(written);
        let path = match written {
            b"*" => written,
            _ => uri.path().ok_or(RequestBuilderError::NoPath)?,
        };
        let must_be_encoded = |byte: &u8| matches!(byte, 0..=b' ' | 0x7f | b'#');
        if written.iter().any(must_be_encoded) {
            return Err(RequestBuilderError::NotEncoded);
        }
        if decoded(path).any(|byte| byte == 0) {
            return Err(RequestBuilderError::NulInPath);
        }
        let (above, mount) = (self.script_name, self.mount);
        let rest = match (above, mount) {
            ([], []) => path,
            // `*` is not below any mount.
            _ => below_mount(path, mount).ok_or(RequestBuilderError::OutsideMount)?,
        };
        let script_name = match (above, mount) {
            ([], mount) => mount.into(),
            (above, []) => above.into(),
            (above, mount) => [trim_mount(above), mount].concat().into(),
        };
        let request_uri = match self.request_uri.filter(|uri| is_request_uri_of(uri, above, written)) {
            Some(uri) => uri.into(),
            None if above.is_empty() => written.into(),
            None => [Encoded::of_mount(above).to_string().as_bytes(), written].concat().into(),
        };
        let path_info = if rest.contains(&b'%') { decoded(rest).collect() } else { rest.into() };
        Ok(Target { script_name, path_info, query: uri.query().unwrap_or_default(), request_uri })
    }
}

/// The vars that a target becomes.
struct Target<'r> {
    script_name: Cow<'r, [u8]>,
    path_info: Cow<'r, [u8]>,
    query: &'r [u8],
    request_uri: Cow<'r, [u8]>,
}

const fn text(text: &str) -> Cow<'_, [u8]> {
    Cow::Borrowed(text.as_bytes())
}

fn number(number: impl core::fmt::Display) -> Cow<'static, [u8]> {
    Cow::Owned(format!("{number}").into_bytes())
}

/// Splits a URL of http or https into its scheme, its host without a user, and its target. Anything else is a target.
fn split_url(url: &str) -> (Scheme, Option<&str>, Cow<'_, str>) {
    let of = |scheme: Scheme| {
        let (start, rest) = url.split_at_checked(scheme.as_str().len())?;
        let rest = rest.strip_prefix("://").filter(|_| start.eq_ignore_ascii_case(scheme.as_str()))?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end)?;
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        Some((scheme, Some(host), if target.is_empty() { "/" } else { target }))
    };
    let (scheme, host, target) = of(Scheme::Https).or_else(|| of(Scheme::Http)).unwrap_or((Scheme::Http, None, url));
    // Without a path it is the root (RFC 9110 section 4.2.3).
    (scheme, host, if target.starts_with('?') { format!("/{target}").into() } else { target.into() })
}
