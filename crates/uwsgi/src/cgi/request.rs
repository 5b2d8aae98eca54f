//! A packet of vars, seen as an HTTP request.

use core::str::Utf8Error;

use crate::cgi::scheme::{Scheme, says_https};
use crate::http::framing::{self, RequestBody};
use crate::http::length::FramingError;
use crate::wire::decimal;
use crate::wire::error::DecodeError;
use crate::wire::limits::Limits;
use crate::wire::modifier::Modifier1;
use crate::wire::packet::Packet;
use crate::wire::vars::Vars;

/// A request: the packet's vars, with those that CGI gives a meaning located.
///
/// One pass over the block validates it and finds everything. Nothing is required of the vars, so that every accessor
/// is an `Option`; of a repeated var the last one counts, as in uWSGI and gunicorn. What the values hold is not
/// looked at: [`check`](crate::check) does that.
///
/// ```
/// use uwsgi::framing::RequestBody;
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
/// assert_eq!(request.body_framing()?, RequestBody::Length(5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    vars: Vars<'a>,
    modifier1: Modifier1,
    modifier2: u8,
    located: Located<'a>,
}

/// The vars that a request is asked for, each where it was last seen.
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
    /// Not all `CONTENT_LENGTH` vars are the same bytes.
    lengths_differ: bool,
}

impl<'a> Located<'a> {
    /// Takes a var in if it is one of ours: the length of the key and its last byte leave one or two to compare with.
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

    /// The last length counts; that another one differs from it is remembered.
    #[inline(always)]
    fn visit_length(&mut self, value: &'a [u8]) {
        if let Some(other) = self.content_length.replace(value) {
            self.compare_lengths(other, value);
        }
    }

    /// Out of the way of [`visit`](Self::visit): hardly any request comes here.
    #[cold]
    #[inline(never)]
    fn compare_lengths(&mut self, one: &[u8], other: &[u8]) {
        self.lengths_differ |= one != other;
    }
}

impl<'a> Request<'a> {
    /// The request that a packet of vars is. modifier1 is not judged.
    ///
    /// # Errors
    ///
    /// As [`Packet::vars`].
    #[inline]
    pub fn decode(packet: &Packet<'a>) -> Result<Self, DecodeError> {
        Self::held_to(packet, &Limits::wire())
    }

    /// [`decode`](Self::decode), held to `limits`.
    ///
    /// # Errors
    ///
    /// As [`Packet::vars_with`].
    pub fn decode_with(packet: &Packet<'a>, limits: &Limits) -> Result<Self, DecodeError> {
        Self::held_to(packet, limits)
    }

    /// Inlined into [`decode`](Self::decode), whose limits then cost nothing.
    #[inline(always)]
    fn held_to(packet: &Packet<'a>, limits: &Limits) -> Result<Self, DecodeError> {
        let (modifier1, modifier2) = (packet.modifier1(), packet.modifier2());
        let mut request = Self { vars: Vars::EMPTY, modifier1, modifier2, located: Located::default() };
        request.vars = Vars::visit(packet.payload(), limits, |key, value| request.located.visit(key, value))
            .map_err(Packet::behind_header)?;
        Ok(request)
    }

    /// What the packet was, or which handler it was for.
    #[must_use]
    pub const fn modifier1(&self) -> Modifier1 {
        self.modifier1
    }

    /// The second modifier; what it means is up to the handler.
    #[must_use]
    pub const fn modifier2(&self) -> u8 {
        self.modifier2
    }

    /// All vars as they arrived.
    #[must_use]
    pub const fn vars(&self) -> Vars<'a> {
        self.vars
    }

    /// The last var with this key, as bytes; `SCRIPT_NAME` and `PATH_INFO` as [`with_mount`](Self::with_mount) left
    /// them.
    #[must_use]
    pub fn var<K: AsRef<[u8]> + ?Sized>(&self, key: &K) -> Option<&'a [u8]> {
        match key.as_ref() {
            b"PATH_INFO" => self.path_info(),
            b"SCRIPT_NAME" => self.script_name(),
            _ => self.vars.get(key),
        }
    }

    /// [`var`](Self::var) as text.
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn var_str<K: AsRef<[u8]> + ?Sized>(&self, key: &K) -> Result<Option<&'a str>, Utf8Error> {
        self.var(key).map(core::str::from_utf8).transpose()
    }

    /// `REQUEST_METHOD`. Absent means GET: nginx sends none where a location has no `uwsgi_params`.
    #[must_use]
    pub const fn method(&self) -> Option<&'a [u8]> {
        self.located.method
    }

    /// `REQUEST_METHOD`; GET where it is absent, as locations of nginx without `uwsgi_params` send it, and as gunicorn 27 takes
    /// it (`gunicorn/uwsgi/message.py`). An empty one stays empty: servers answer it with 400.
    #[must_use]
    pub const fn method_or_get(&self) -> &'a [u8] {
        match self.method() {
            Some(method) => method,
            None => b"GET",
        }
    }

    /// `REQUEST_URI`: path and query as the client wrote them, percent-encoding and all.
    #[must_use]
    pub const fn request_uri(&self) -> Option<&'a [u8]> {
        self.located.request_uri
    }

    /// `PATH_INFO`: the path, decoded once by the front end. Decoding it again is a way around its access rules.
    #[must_use]
    pub const fn path_info(&self) -> Option<&'a [u8]> {
        self.located.path_info
    }

    /// `SCRIPT_NAME`: where the application is mounted, without a slash at the end.
    #[must_use]
    pub const fn script_name(&self) -> Option<&'a [u8]> {
        self.located.script_name
    }

    /// `QUERY_STRING` as it was sent: what follows the `?`. The front end has decided on it, and `REQUEST_URI` may have another
    /// query. [`target`](Self::target) has the query that counts: this one, or that of `REQUEST_URI` where this var is absent.
    #[must_use]
    pub const fn query_string(&self) -> Option<&'a [u8]> {
        self.located.query_string
    }

    /// `CONTENT_TYPE`; empty is absent, since nginx sends it empty for requests that have none.
    #[must_use]
    pub const fn content_type(&self) -> Option<&'a [u8]> {
        match self.located.content_type {
            Some([]) => None,
            content_type => content_type,
        }
    }

    /// The declared length of the body in bytes; empty is absent.
    ///
    /// # Errors
    ///
    /// [`FramingError`]: the length cannot be believed, and the request must be refused.
    pub fn content_length(&self) -> Result<Option<u64>, FramingError> {
        match self.body_framing()? {
            RequestBody::Length(length) => Ok(Some(length)),
            _ => Ok(None),
        }
    }

    /// How the bytes after the packet are to be read. `HTTP_CONTENT_LENGTH` and `HTTP_TRANSFER_ENCODING` have no say.
    ///
    /// # Errors
    ///
    /// [`FramingError`]: the request must be refused, and the connection closed.
    pub fn body_framing(&self) -> Result<RequestBody, FramingError> {
        framing::request_body(self.located.content_length, None, false)
    }

    /// [`body_framing`](Self::body_framing) for a server behind uWSGI's HTTP router with `--http-chunked-input`: a
    /// body without a length may be chunked. Behind any other front end it never is.
    ///
    /// # Errors
    ///
    /// As [`body_framing`](Self::body_framing).
    pub fn body_framing_or_chunked(&self) -> Result<RequestBody, FramingError> {
        framing::request_body(self.located.content_length, self.vars.get("HTTP_TRANSFER_ENCODING"), true)
    }

    /// Whether, once the body was read, a further packet on this connection may be believed: every `CONTENT_LENGTH` that came
    /// is the same bytes, and they are not empty.
    ///
    /// Without a length, or where two differ, bytes of a body that nobody announced could be read as a request.
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

    /// `SERVER_PROTOCOL`: the client's version of HTTP, such as `HTTP/1.1` or `HTTP/2.0`.
    #[must_use]
    pub const fn server_protocol(&self) -> Option<&'a [u8]> {
        self.located.server_protocol
    }

    /// The scheme of the client's request: `HTTPS` that says `on`, `1` or `true`; else `REQUEST_SCHEME`,
    /// `UWSGI_SCHEME` or `wsgi.url_scheme`, the first that names one; else http.
    ///
    /// `X-Forwarded-Proto` is not looked at: a client can send it (uWSGI 2.0 believes it, gunicorn 27 does not).
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        let Located { https, request_scheme, uwsgi_scheme, url_scheme, .. } = self.located;
        Scheme::of_values(https, [request_scheme, uwsgi_scheme, url_scheme]).unwrap_or(Scheme::Http)
    }

    /// Whether `HTTPS` says `on`, `1` or `true`, in any case: the one var about the scheme that every server knows.
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

    /// `HTTP_HOST`: the host, and maybe the port, that the client asked for.
    ///
    /// Only that spelling of the key is read, as CGI has it. [`headers`](Self::headers) takes `HTTP_Host` for the same header, of
    /// which the last counts, so the two differ where a front end sends both. None that is known does.
    #[must_use]
    pub const fn host(&self) -> Option<&'a [u8]> {
        self.located.host
    }

    /// `SERVER_NAME`: the front end's name for itself.
    #[must_use]
    pub const fn server_name(&self) -> Option<&'a [u8]> {
        self.located.server_name
    }

    /// `SERVER_PORT` as it was sent; [`port`](Self::port) reads numbers.
    #[must_use]
    pub const fn server_port(&self) -> Option<&'a [u8]> {
        self.located.server_port
    }

    /// `REMOTE_ADDR`: the client's address as the front end saw it; a transport for Caddy sends `address:port`.
    #[must_use]
    pub const fn remote_addr(&self) -> Option<&'a [u8]> {
        self.located.remote_addr
    }

    /// `REMOTE_PORT` as it was sent; [`port`](Self::port) reads numbers.
    #[must_use]
    pub const fn remote_port(&self) -> Option<&'a [u8]> {
        self.located.remote_port
    }

    /// `REMOTE_USER`: who the front end says the client is.
    #[must_use]
    pub const fn remote_user(&self) -> Option<&'a [u8]> {
        self.located.remote_user
    }

    /// `DOCUMENT_ROOT`: the front end's directory of files.
    #[must_use]
    pub const fn document_root(&self) -> Option<&'a [u8]> {
        self.located.document_root
    }

    /// A port as a number: digits only, at most 65535.
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

    /// A copy of the view in which the application is mounted elsewhere: how a middleware rewrites.
    ///
    /// [`vars`](Self::vars) still shows what arrived.
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
