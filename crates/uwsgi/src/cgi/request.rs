//! A packet of vars, seen as an HTTP request.

use core::str::Utf8Error;

use crate::cgi::scheme::{Scheme, says_https};
use crate::http::body_framing::{self, RequestFraming};
use crate::http::content_length::FramingError;
use crate::wire::decimal;
use crate::wire::error::DecodeError;
use crate::wire::limits::Limits;
use crate::wire::modifier::Modifier1;
use crate::wire::packet::Packet;
use crate::wire::vars::Vars;

/// A request: the vars of a packet, and the values of those vars that have a meaning in CGI.
///
/// One pass over the block decodes it and finds these values. No var is required, so most methods return an `Option`. If a var
/// came more than once, the last one counts, as in uWSGI and gunicorn. [`decode`](Self::decode) does not check the bytes of the
/// values: [`check`](crate::check) does.
///
/// ```
/// use uwsgi::framing::RequestFraming;
/// use uwsgi::{Modifier1, Packet, Request, Scheme, VarsEncoder};
///
/// let mut buffer = [0; 256];
/// let mut vars = VarsEncoder::new(&mut buffer[..]);
/// vars.push("REQUEST_METHOD", "POST")?;
/// vars.push("PATH_INFO", "/form")?;
/// vars.push("CONTENT_LENGTH", "5")?;
/// vars.push("HTTPS", "on")?;
/// vars.push_header("Host", "example.com")?;
///
/// let (packet, _) = Packet::decode(vars.finish(Modifier1::WSGI, 0)?)?;
/// let request = Request::decode(&packet)?;
/// assert_eq!(request.method(), Some(&b"POST"[..]));
/// assert_eq!(request.path_info(), Some(&b"/form"[..]));
/// assert_eq!(request.scheme(), Scheme::Https);
/// assert!(request.header_all("host").eq([b"example.com"]));
/// assert_eq!(request.body_framing()?, RequestFraming::Length(5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    vars: Vars<'a>,
    modifier1: Modifier1,
    modifier2: u8,
    located: Located<'a>,
}

/// The last value of each var that has a method of [`Request`], or that one of them needs.
#[derive(Debug, Clone, Copy, Default)]
struct Located<'a> {
    content_length: Option<&'a [u8]>,
    content_type: Option<&'a [u8]>,
    document_root: Option<&'a [u8]>,
    host: Option<&'a [u8]>,
    https: Option<&'a [u8]>,
    method: Option<&'a [u8]>,
    path_info: Option<&'a [u8]>,
    query_string: Option<&'a [u8]>,
    remote_addr: Option<&'a [u8]>,
    remote_port: Option<&'a [u8]>,
    remote_user: Option<&'a [u8]>,
    request_scheme: Option<&'a [u8]>,
    request_uri: Option<&'a [u8]>,
    script_name: Option<&'a [u8]>,
    server_name: Option<&'a [u8]>,
    server_port: Option<&'a [u8]>,
    server_protocol: Option<&'a [u8]>,
    url_scheme: Option<&'a [u8]>,
    uwsgi_scheme: Option<&'a [u8]>,
    /// Two `CONTENT_LENGTH` vars have different bytes.
    lengths_differ: bool,
}

impl<'a> Located<'a> {
    /// Stores the value of a var if it has a field here. The length of the key and its last byte leave one or two keys to
    /// compare with.
    #[inline(always)]
    fn visit(&mut self, key: &'a [u8], value: &'a [u8]) {
        let Some(last) = key.last() else { return };
        let place = match (key.len(), *last) {
            (5, b'S') if key == b"HTTPS" => &mut self.https,
            (9, b'O') if key == b"PATH_INFO" => &mut self.path_info,
            (9, b'T') if key == b"HTTP_HOST" => &mut self.host,
            (11, b'I') if key == b"REQUEST_URI" => &mut self.request_uri,
            (11, b'E') if key == b"SCRIPT_NAME" => &mut self.script_name,
            (11, b'E') if key == b"SERVER_NAME" => &mut self.server_name,
            (11, b'T') if key == b"SERVER_PORT" => &mut self.server_port,
            (11, b'R') if key == b"REMOTE_ADDR" => &mut self.remote_addr,
            (11, b'T') if key == b"REMOTE_PORT" => &mut self.remote_port,
            (11, b'R') if key == b"REMOTE_USER" => &mut self.remote_user,
            (12, b'G') if key == b"QUERY_STRING" => &mut self.query_string,
            (12, b'E') if key == b"CONTENT_TYPE" => &mut self.content_type,
            (12, b'E') if key == b"UWSGI_SCHEME" => &mut self.uwsgi_scheme,
            (13, b'T') if key == b"DOCUMENT_ROOT" => &mut self.document_root,
            (14, b'D') if key == b"REQUEST_METHOD" => &mut self.method,
            (14, b'E') if key == b"REQUEST_SCHEME" => &mut self.request_scheme,
            (14, b'H') if key == b"CONTENT_LENGTH" => return self.visit_length(value),
            (15, b'L') if key == b"SERVER_PROTOCOL" => &mut self.server_protocol,
            (15, b'e') if key == b"wsgi.url_scheme" => &mut self.url_scheme,
            _ => return,
        };
        *place = Some(value);
    }

    /// Stores the last length, and whether two lengths differ.
    #[inline(always)]
    fn visit_length(&mut self, value: &'a [u8]) {
        if let Some(other) = self.content_length.replace(value) {
            self.compare_lengths(other, value);
        }
    }

    /// Compares two lengths. It is not inlined into [`visit`](Self::visit), because few requests have two lengths.
    #[cold]
    #[inline(never)]
    fn compare_lengths(&mut self, one: &[u8], other: &[u8]) {
        self.lengths_differ |= one != other;
    }
}

impl<'a> Request<'a> {
    /// Decodes a packet of vars as a request, whatever its modifier1 is.
    ///
    /// # Errors
    ///
    /// As [`Packet::vars`].
    #[inline]
    pub fn decode(packet: &Packet<'a>) -> Result<Self, DecodeError> {
        Self::within(packet, &Limits::wire())
    }

    /// Decodes a packet of vars as a request, within `limits`.
    ///
    /// # Errors
    ///
    /// As [`Packet::vars_with`].
    pub fn decode_with(packet: &Packet<'a>, limits: &Limits) -> Result<Self, DecodeError> {
        Self::within(packet, limits)
    }

    /// Decodes within `limits`. It is inlined into [`decode`](Self::decode), where the compiler then knows the limits.
    #[inline(always)]
    fn within(packet: &Packet<'a>, limits: &Limits) -> Result<Self, DecodeError> {
        let (modifier1, modifier2) = (packet.modifier1(), packet.modifier2());
        let mut request = Self { vars: Vars::EMPTY, modifier1, modifier2, located: Located::default() };
        request.vars = Vars::visit(packet.payload(), limits, |key, value| request.located.visit(key, value))
            .map_err(DecodeError::after_header)?;
        Ok(request)
    }

    /// Returns modifier1: the handler that the request is for.
    #[must_use]
    pub const fn modifier1(&self) -> Modifier1 {
        self.modifier1
    }

    /// Returns modifier2. The handler decides on its meaning.
    #[must_use]
    pub const fn modifier2(&self) -> u8 {
        self.modifier2
    }

    /// Returns all vars as they came.
    #[must_use]
    pub const fn vars(&self) -> Vars<'a> {
        self.vars
    }

    /// Returns the value of the last var with this key. `SCRIPT_NAME` and `PATH_INFO` are those of
    /// [`with_mount`](Self::with_mount), if it was called.
    #[must_use]
    pub fn var<K: AsRef<[u8]> + ?Sized>(&self, key: &K) -> Option<&'a [u8]> {
        match key.as_ref() {
            b"PATH_INFO" => self.path_info(),
            b"SCRIPT_NAME" => self.script_name(),
            _ => self.vars.get(key),
        }
    }

    /// Returns [`var`](Self::var) as text.
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn var_str<K: AsRef<[u8]> + ?Sized>(&self, key: &K) -> Result<Option<&'a str>, Utf8Error> {
        self.var(key).map(core::str::from_utf8).transpose()
    }

    /// Returns `REQUEST_METHOD`. Absent means GET: nginx does not send it where a location has no `uwsgi_params`.
    #[must_use]
    pub const fn method(&self) -> Option<&'a [u8]> {
        self.located.method
    }

    /// Returns `REQUEST_METHOD`; GET where it is absent, as gunicorn 27 does (`gunicorn/uwsgi/message.py`). nginx does not send
    /// it where a location has no `uwsgi_params`. An empty method stays empty: servers answer it with 400.
    #[must_use]
    pub const fn method_or_get(&self) -> &'a [u8] {
        match self.method() {
            Some(method) => method,
            None => b"GET",
        }
    }

    /// Returns `REQUEST_URI`: path and query as the client wrote them, with their percent-encoding.
    #[must_use]
    pub const fn request_uri(&self) -> Option<&'a [u8]> {
        self.located.request_uri
    }

    /// Returns `PATH_INFO`: the path, which the front end has decoded once. Do not decode it again: that is a way around the
    /// access rules of the front end.
    #[must_use]
    pub const fn path_info(&self) -> Option<&'a [u8]> {
        self.located.path_info
    }

    /// Returns `SCRIPT_NAME`: where the application is mounted, without a slash at the end.
    #[must_use]
    pub const fn script_name(&self) -> Option<&'a [u8]> {
        self.located.script_name
    }

    /// Returns `QUERY_STRING` as it was sent: what follows the `?`. The front end decides what it is; the query of
    /// `REQUEST_URI` may differ. [`target`](Self::target) has the query that counts: this one, or that of `REQUEST_URI` where
    /// this var is absent.
    #[must_use]
    pub const fn query_string(&self) -> Option<&'a [u8]> {
        self.located.query_string
    }

    /// Returns `CONTENT_TYPE`; `None` where it is empty, because nginx sends it empty for requests without a Content-Type.
    #[must_use]
    pub const fn content_type(&self) -> Option<&'a [u8]> {
        match self.located.content_type {
            Some([]) => None,
            content_type => content_type,
        }
    }

    /// Returns the declared length of the body in bytes; `None` where `CONTENT_LENGTH` is empty or absent.
    ///
    /// # Errors
    ///
    /// [`FramingError`]: refuse the request, because its length is not valid.
    pub fn content_length(&self) -> Result<Option<u64>, FramingError> {
        match self.body_framing()? {
            RequestFraming::Length(length) => Ok(Some(length)),
            _ => Ok(None),
        }
    }

    /// Returns how to read the bytes after the packet. `HTTP_CONTENT_LENGTH` and `HTTP_TRANSFER_ENCODING` do not count.
    ///
    /// # Errors
    ///
    /// [`FramingError`]: refuse the request, and close the connection.
    pub fn body_framing(&self) -> Result<RequestFraming, FramingError> {
        body_framing::request_framing(self.located.content_length, None, false)
    }

    /// Returns how to read the bytes after the packet, for a server behind uWSGI's HTTP router with `--http-chunked-input`: a
    /// body without a length may be chunked there. Behind any other front end it never is.
    ///
    /// # Errors
    ///
    /// As [`body_framing`](Self::body_framing).
    pub fn body_framing_or_chunked(&self) -> Result<RequestFraming, FramingError> {
        body_framing::request_framing(self.located.content_length, self.vars.get("HTTP_TRANSFER_ENCODING"), true)
    }

    /// Whether another request may follow the body on this connection: there is a `CONTENT_LENGTH` that is not empty, and every
    /// other `CONTENT_LENGTH` has the same bytes.
    ///
    /// Without a length, or where two differ, a server could read bytes of an undeclared body as a request.
    ///
    /// ```
    /// # use uwsgi::{Packet, Request};
    /// let (packet, _) = Packet::decode(b"\0\x13\0\0\x0e\0CONTENT_LENGTH\x01\05")?;
    /// assert!(Request::decode(&packet)?.allows_keepalive());
    /// # Ok::<(), uwsgi::DecodeError>(())
    /// ```
    #[must_use]
    pub const fn allows_keepalive(&self) -> bool {
        matches!(self.located.content_length, Some([_, ..])) && !self.located.lengths_differ
    }

    /// Returns `SERVER_PROTOCOL`: the client's version of HTTP, such as `HTTP/1.1` or `HTTP/2.0`.
    #[must_use]
    pub const fn server_protocol(&self) -> Option<&'a [u8]> {
        self.located.server_protocol
    }

    /// Returns the scheme of the client's request: https if `HTTPS` is `on`, `1` or `true`; else the scheme of
    /// `REQUEST_SCHEME`, `UWSGI_SCHEME` or `wsgi.url_scheme`, the first of them that has one; else http.
    ///
    /// `X-Forwarded-Proto` does not count, because a client can send it. uWSGI 2.0 believes it, gunicorn 27 does not.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        let Located { https, request_scheme, uwsgi_scheme, url_scheme, .. } = self.located;
        Scheme::of_values(https, [request_scheme, uwsgi_scheme, url_scheme]).unwrap_or(Scheme::Http)
    }

    /// Whether `HTTPS` is `on`, `1` or `true`, in any case. Every known server reads this var to find the scheme.
    ///
    /// ```
    /// # use uwsgi::{Packet, Request};
    /// let (packet, _) = Packet::decode(b"\0\x0b\0\0\x05\0HTTPS\x02\0on")?;
    /// assert!(Request::decode(&packet)?.says_https());
    /// # Ok::<(), uwsgi::DecodeError>(())
    /// ```
    #[must_use]
    pub fn says_https(&self) -> bool {
        self.located.https.is_some_and(says_https)
    }

    /// Returns `HTTP_HOST`: the host that the client asked for, and its port if the client named one.
    ///
    /// Only this spelling of the key counts, as in CGI. To [`headers`](Self::headers), `HTTP_Host` is the same header, and the
    /// last one counts there. So the two methods differ where a front end sends `HTTP_Host`, which no known front end does.
    #[must_use]
    pub const fn host(&self) -> Option<&'a [u8]> {
        self.located.host
    }

    /// Returns `SERVER_NAME`: the name of the front end.
    #[must_use]
    pub const fn server_name(&self) -> Option<&'a [u8]> {
        self.located.server_name
    }

    /// Returns `SERVER_PORT` as it was sent; [`port`](Self::port) makes a number of it.
    #[must_use]
    pub const fn server_port(&self) -> Option<&'a [u8]> {
        self.located.server_port
    }

    /// Returns `REMOTE_ADDR`: the client's address as the front end saw it. A uwsgi transport for Caddy sends `address:port`.
    #[must_use]
    pub const fn remote_addr(&self) -> Option<&'a [u8]> {
        self.located.remote_addr
    }

    /// Returns `REMOTE_PORT` as it was sent; [`port`](Self::port) makes a number of it.
    #[must_use]
    pub const fn remote_port(&self) -> Option<&'a [u8]> {
        self.located.remote_port
    }

    /// Returns `REMOTE_USER`: the user that the front end has authenticated.
    #[must_use]
    pub const fn remote_user(&self) -> Option<&'a [u8]> {
        self.located.remote_user
    }

    /// Returns `DOCUMENT_ROOT`: the front end's directory of files.
    #[must_use]
    pub const fn document_root(&self) -> Option<&'a [u8]> {
        self.located.document_root
    }

    /// Reads a port: digits only, at most 65535.
    ///
    /// ```
    /// assert_eq!(uwsgi::Request::port(b"8443"), Some(8443));
    /// assert_eq!(uwsgi::Request::port(b"65536"), None);
    /// assert_eq!(uwsgi::Request::port(b""), None);
    /// ```
    #[must_use]
    pub fn port(value: &[u8]) -> Option<u16> {
        u16::try_from(decimal::parse(value).ok()?).ok()
    }

    /// Returns a copy of the request with another mount and path. Middleware rewrites requests with it.
    ///
    /// [`vars`](Self::vars) still returns the vars as they came.
    ///
    /// ```
    /// # use uwsgi::{Modifier1, Packet, Request};
    /// let (packet, _) = Packet::decode(b"\x00\x14\x00\x00\x09\x00PATH_INFO\x07\x00/blog/1")?;
    /// let request = Request::decode(&packet)?;
    /// let mounted = request.with_mount(b"/blog", b"/1");
    /// assert_eq!(mounted.script_name(), Some(&b"/blog"[..]));
    /// assert_eq!(mounted.path_info(), Some(&b"/1"[..]));
    /// assert_eq!(request.path_info(), Some(&b"/blog/1"[..]));
    /// # Ok::<(), uwsgi::DecodeError>(())
    /// ```
    #[must_use]
    pub const fn with_mount(self, script_name: &'a [u8], path_info: &'a [u8]) -> Self {
        let located = Located { script_name: Some(script_name), path_info: Some(path_info), ..self.located };
        Self { located, ..self }
    }
}
