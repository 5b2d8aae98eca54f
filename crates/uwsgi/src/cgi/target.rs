//! The target of a request, as the front end decided on it.

use core::fmt;

use crate::cgi::mount::below_mount;
use crate::cgi::percent::{Encoded, decoded, strip_decoded, strip_written};
use crate::cgi::request::Request;

/// The target of a request: the path below the mount, and the query, as an HTTP server would get them.
///
/// The front end routes by `PATH_INFO`. In the subrequests of `auth_request` and `mirror`, and after `rewrite`, `error_page`,
/// `try_files` and `X-Accel-Redirect`, nginx leaves `REQUEST_URI` as the client sent it. So `REQUEST_URI` only gives the
/// spelling of the path, and only if it is the same path.
///
/// ```
/// use uwsgi::{Modifier1, Packet, Request, VarsEncoder};
///
/// let mut buffer = [0; 256];
/// let mut vars = VarsEncoder::new(&mut buffer[..]);
/// vars.push("REQUEST_URI", "/shop/a%2Fb?x=1")?;
/// vars.push("SCRIPT_NAME", "/shop")?;
/// vars.push("PATH_INFO", "/a/b")?;
/// vars.push("QUERY_STRING", "x=1")?;
/// let (packet, _) = Packet::decode(vars.finish(Modifier1::WSGI, 0)?)?;
/// let target = Request::decode(&packet)?.target();
/// assert_eq!(target.to_string(), "/a%2Fb?x=1");
/// assert_eq!(target.mount(), b"/shop");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Target<'a> {
    mount: &'a [u8],
    path: Encoded<'a>,
    query: Option<Encoded<'a>>,
    /// Path and query as they are in `REQUEST_URI`, if no byte has to be encoded.
    whole: Option<&'a [u8]>,
}

impl<'a> Target<'a> {
    /// Returns the path. It begins with a slash, or it is `*` (RFC 9112 section 3.2.4).
    ///
    /// If the path of `REQUEST_URI`, decoded once, is `SCRIPT_NAME` followed by `PATH_INFO`, this path is spelled as in
    /// `REQUEST_URI`: a `%2F` stays `%2F`. Else it is `PATH_INFO`, encoded.
    #[must_use]
    pub const fn path(&self) -> Encoded<'a> {
        self.path
    }

    /// Returns the query: `QUERY_STRING` if there is this var, else the query of `REQUEST_URI`. `None` where it is empty.
    #[must_use]
    pub const fn query(&self) -> Option<Encoded<'a>> {
        self.query
    }

    /// Returns where the application is mounted: `SCRIPT_NAME`, which is empty for an application at the root.
    ///
    /// Where `PATH_INFO` is absent, `SCRIPT_NAME` is the path and there is no mount. lighttpd 1.4 without `fix-root-scriptname`
    /// sends `/page` in this way.
    #[must_use]
    pub const fn mount(&self) -> &'a [u8] {
        self.mount
    }

    /// Returns the target with the mount before it, in ASCII, for logs. The mounts `shop` and `/shop/` are written as `/shop`,
    /// and the mount `/` is left out.
    ///
    /// ```
    /// # use uwsgi::{Packet, Request};
    /// let (packet, _) = Packet::decode(b"\0\x14\0\0\x09\0PATH_INFO\x07\0/blog/1")?;
    /// let target = Request::decode(&packet)?.with_mount(b"/my blog", b"/1").target();
    /// assert_eq!(target.from_root().to_string(), "/my%20blog/1");
    /// # Ok::<(), uwsgi::DecodeError>(())
    /// ```
    #[must_use]
    pub const fn from_root(&self) -> impl fmt::Display + use<'a> {
        FromRoot(*self)
    }

    /// Returns path and query as they are in `REQUEST_URI`. `None` where they differ from it, or where a byte has to be
    /// encoded: use [`bytes`](Self::bytes) then.
    #[must_use]
    pub const fn as_bytes(&self) -> Option<&'a [u8]> {
        self.whole
    }

    /// Returns path and query, encoded where they have to be. No byte is a control byte or a space.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + Clone + use<'a> {
        let query = self.query.into_iter().flat_map(|query| core::iter::once(b'?').chain(query.bytes()));
        self.path.bytes().chain(query)
    }
}

/// A target that is printed with its mount before it.
#[derive(Debug, Clone, Copy)]
struct FromRoot<'a>(Target<'a>);

impl fmt::Display for FromRoot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Encoded::of_mount(self.0.mount), self.0)
    }
}

/// Path and query in ASCII: bytes above ASCII are percent-encoded too.
impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)?;
        match self.query {
            Some(query) => write!(f, "?{query}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl<'a> Request<'a> {
    /// Returns the mount and the decoded path below it, by the rules of [`target`](Self::target): what an application should see
    /// in `SCRIPT_NAME` and `PATH_INFO`. The path is `None` if neither var has one.
    ///
    /// ```
    /// # use uwsgi::{Packet, Request};
    /// let (packet, _) = Packet::decode(b"\0\x15\0\0\x0b\0SCRIPT_NAME\x06\0/a%20b")?;
    /// assert_eq!(Request::decode(&packet)?.mount_and_path(), (&b""[..], Some(&b"/a%20b"[..])));
    /// # Ok::<(), uwsgi::DecodeError>(())
    /// ```
    #[must_use]
    pub fn mount_and_path(&self) -> (&'a [u8], Option<&'a [u8]>) {
        self.routed(&RequestUri::parse(self.request_uri().unwrap_or_default()))
    }

    /// Returns the mount and the decoded path below it. `uri` is the `REQUEST_URI`.
    fn routed(&self, uri: &RequestUri<'a>) -> (&'a [u8], Option<&'a [u8]>) {
        match (self.script_name().unwrap_or_default(), self.path_info()) {
            (mount, Some(path)) => (mount, Some(uri.path_of(path))),
            ([], None) => (&[], None),
            (path, None) => (&[], Some(path)),
        }
    }

    /// Returns the target of the request: the path below the mount and the query, as the front end decided on them.
    ///
    /// ```
    /// # use uwsgi::{Packet, Request};
    /// // A subrequest of nginx's auth_request: REQUEST_URI is the main request's.
    /// let (packet, _) = Packet::decode(b"\0\x28\0\0\x0b\0REQUEST_URI\x07\0/secret\x09\0PATH_INFO\x05\0/auth")?;
    /// assert_eq!(Request::decode(&packet)?.target().to_string(), "/auth");
    /// # Ok::<(), uwsgi::DecodeError>(())
    /// ```
    #[must_use]
    pub fn target(&self) -> Target<'a> {
        let uri = RequestUri::parse(self.request_uri().unwrap_or_default());
        let (mount, routed) = self.routed(&uri);
        let is_asterisk = mount.is_empty() && routed.unwrap_or(b"*") == b"*" && uri.allows_asterisk(routed);
        if is_asterisk {
            return Target { mount, path: Encoded::of_written(b"*"), query: None, whole: Some(b"*") };
        }
        let written = match routed {
            Some(routed) => uri.path.and_then(|path| spelled(path, mount, routed)),
            None => Some(uri.path.unwrap_or(uri.other)),
        };
        let path = match written {
            Some(written) => Encoded::of_written(written),
            None => Encoded::of_decoded(routed.unwrap_or_default()),
        };
        let query = self.query_string().or(uri.query).filter(|query| !query.is_empty());
        let whole = written.and_then(|written| uri.whole(written, query));
        Target { mount, path: path.as_path(), query: query.map(Encoded::of_written), whole }
    }
}

/// Whether this `REQUEST_URI` belongs to a target below a mount. Its path must be the mount, in any spelling, followed by the
/// path of the target as it is written. Its query must be that of the target.
///
/// A gateway calls this for the `REQUEST_URI` that it got. If it returns false, as after a rewrite, the gateway sends the mount
/// and the target instead.
///
/// ```
/// use uwsgi::is_request_uri_of;
///
/// assert!(is_request_uri_of(b"/%61pp/a%2Fb?x", b"/app", b"/a%2Fb?x"));
/// assert!(is_request_uri_of(b"http://example.com/a", b"/", b"/a"));
/// assert!(!is_request_uri_of(b"/app/a%2Fb", b"/app", b"/a/b"));
/// assert!(!is_request_uri_of(b"/old", b"", b"/new"));
/// ```
#[must_use]
pub fn is_request_uri_of(request_uri: &[u8], mount: &[u8], target: &[u8]) -> bool {
    let (uri, (path, query)) = (RequestUri::parse(request_uri), split_query(target));
    let is_path = uri.path.and_then(|written| below_mount(written, mount)) == Some(path);
    let is_query = uri.query.unwrap_or_default() == query.unwrap_or_default();
    // The authority of the URI may have any byte, so control bytes are refused here.
    is_path && is_query && !request_uri.iter().any(u8::is_ascii_control)
}

/// Returns the part of `written` below the mount, if it decodes to exactly the bytes of the path that was routed.
fn spelled<'a>(written: &'a [u8], mount: &[u8], routed: &[u8]) -> Option<&'a [u8]> {
    let rest = below_mount(written, mount)?;
    strip_decoded(rest, routed)?.is_empty().then_some(rest)
}

/// The parts of a `REQUEST_URI`: the target as the client wrote it.
///
/// ```
/// use uwsgi::RequestUri;
///
/// let uri = RequestUri::parse(b"http://lab.test/a%2Fb?x=1"); // Apache passes on what the client wrote
/// assert_eq!(uri.path(), Some(&b"/a%2Fb"[..]));
/// assert_eq!(uri.query(), Some(&b"x=1"[..]));
/// assert!(uri.decoded_path().unwrap().eq(*b"/a/b"));
/// assert_eq!(RequestUri::parse(b"*").path(), None);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct RequestUri<'a> {
    uri: &'a [u8],
    path: Option<&'a [u8]>,
    /// All bytes before the query.
    other: &'a [u8],
    query: Option<&'a [u8]>,
    /// The scheme and the authority of an absolute URI: all bytes before its path.
    authority: Option<&'a [u8]>,
}

impl<'a> RequestUri<'a> {
    /// Splits a `REQUEST_URI`.
    #[must_use]
    pub fn parse(uri: &'a [u8]) -> Self {
        let (before, query) = split_query(uri);
        let absolute = after_authority(before);
        let path = absolute.or_else(|| before.starts_with(b"/").then_some(before));
        let authority = absolute.and_then(|path| before.strip_suffix(path));
        Self { uri, path, other: before, query, authority }
    }

    /// Returns the path of a URI in origin form, or of an absolute URI of http or https, where it may be empty (RFC 9112
    /// section 3.2). `None` for other forms.
    #[must_use]
    pub const fn path(&self) -> Option<&'a [u8]> {
        self.path
    }

    /// Returns [`path`](Self::path), decoded once.
    ///
    /// A percent sign that is not followed by two hex digits stands for itself, as in lighttpd 1.4.69. nginx 1.22 and Apache
    /// 2.4.71 answer such a URI with 400.
    #[must_use]
    pub fn decoded_path(&self) -> Option<impl Iterator<Item = u8> + Clone + use<'a>> {
        self.path.map(decoded)
    }

    /// Returns what follows the first question mark.
    #[must_use]
    pub const fn query(&self) -> Option<&'a [u8]> {
        self.query
    }

    /// Returns the path in a `PATH_INFO` that came with this URI.
    ///
    /// If the URI is absolute, uWSGI's router sends all of it, decoded, as `PATH_INFO`. Then the scheme and the authority are
    /// removed, as the URI has them. For example, `http://a%2Fb/c` comes as `http://a/b/c`, and its path is `/c`. `PATH_INFO`
    /// alone does not tell where such an authority ends.
    #[must_use]
    pub fn path_of(&self, path_info: &'a [u8]) -> &'a [u8] {
        let Some(authority) = self.authority else { return path_info };
        let same = strip_written(path_info, authority).filter(|rest| matches!(rest, [] | [b'/' | b'#', ..]));
        same.or_else(|| after_authority(path_info)).unwrap_or(path_info)
    }

    /// Whether a `*` is what the client asked for, and not a path that has lost its slash.
    fn allows_asterisk(&self, routed: Option<&[u8]>) -> bool {
        self.uri == b"*" || (routed.is_some() && self.uri.is_empty())
    }

    /// Returns the bytes of path and query, if they are next to each other and no byte has to be encoded.
    fn whole(&self, path: &'a [u8], query: Option<&'a [u8]>) -> Option<&'a [u8]> {
        let path = Encoded::of_written(path).as_path().as_bytes()?;
        let Some(query) = query else { return Some(path) };
        let query = Encoded::of_written(query).as_bytes().filter(|query| self.query == Some(query))?;
        let len = path.len().checked_add(1)?.checked_add(query.len())?;
        self.uri.get(self.uri.len().checked_sub(len)?..)
    }
}

/// Splits at the first question mark.
fn split_query(uri: &[u8]) -> (&[u8], Option<&[u8]>) {
    match uri.iter().position(|byte| *byte == b'?').and_then(|at| uri.split_at_checked(at)) {
        Some((before, query)) => (before, query.get(1..)),
        None => (uri, None),
    }
}

/// Returns what follows the authority of an absolute URI of http or https.
fn after_authority(uri: &[u8]) -> Option<&[u8]> {
    let scheme = |scheme: &[u8]| {
        let (start, rest) = uri.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let rest = scheme(b"http://").or_else(|| scheme(b"https://"))?;
    let authority = rest.iter().position(|byte| matches!(byte, b'/' | b'#')).unwrap_or(rest.len());
    rest.get(authority..)
}
