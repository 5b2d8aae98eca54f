//! Web requests as front ends send them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use arbitrary::{Arbitrary, Error, Result, Unstructured};

use crate::cgi::scheme::Scheme;
use crate::client::RequestBuilder;
use crate::wire::modifier::Modifier1;

/// A web request as a front end sends it, with its body. A server accepts each of them.
///
/// A fuzz target that begins with [`WellFormed`](crate::arbitrary::WellFormed) spends most of its time on packets that no front
/// end sends. This generator makes what an application sees in a day. These are the shares in requests that random input makes.
/// If the input ends early, the rest of the request is the simplest one. An input of 256 bytes is enough for all but the body.
///
/// | what | share |
/// |---|---|
/// | method | GET 50 %, POST 25 %, DELETE, HEAD, PATCH and PUT 5 % each, OPTIONS 3 %, another 2 % |
/// | body of up to 1024 bytes, with its `CONTENT_LENGTH` | PATCH, POST and PUT 90 %, others 5 % |
/// | without a body: `CONTENT_LENGTH` absent, empty, or 0 | a third each |
/// | path with an encoded byte | 35 % |
/// | query | 50 % |
/// | mount, so that `SCRIPT_NAME` is not empty | 12 % |
/// | https | 50 % |
/// | `REMOTE_ADDR` of IPv6 | 25 % |
/// | at least one header besides `Host` | 90 % |
/// | `Upgrade: websocket` | 3 % |
/// | a var that comes twice | 10 % |
///
/// ```
/// use arbitrary::{Arbitrary, Unstructured};
/// use uwsgi::arbitrary::WebRequest;
/// use uwsgi::{Packet, Request};
///
/// let seed: Vec<u8> = (0..=255).cycle().take(4096).collect();
/// let made = WebRequest::arbitrary(&mut Unstructured::new(&seed)).unwrap();
/// let (packet, body) = Packet::decode(made.as_bytes())?;
/// let request = Request::decode(&packet)?;
/// assert!(request.method().is_some() && request.path_info().is_some());
/// assert_eq!(request.content_length().unwrap().unwrap_or(0), body.len() as u64);
/// # Ok::<(), uwsgi::DecodeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebRequest {
    bytes: Vec<u8>,
    packet_len: usize,
}

impl WebRequest {
    /// Returns the packet and its body, as they are on the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the packet without its body.
    #[must_use]
    pub fn packet(&self) -> &[u8] {
        self.bytes.get(..self.packet_len).unwrap_or_default()
    }

    /// Returns the body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.bytes.get(self.packet_len..).unwrap_or_default()
    }
}

/// The methods, as often as they come in 100 requests. The first one is that of an input that has ended.
const METHODS: &[(u8, &str)] = &[
    (50, "GET"),
    (25, "POST"),
    (5, "DELETE"),
    (5, "HEAD"),
    (5, "PATCH"),
    (5, "PUT"),
    (3, "OPTIONS"),
    (1, "PROPFIND"),
    (1, "M-SEARCH"),
];

/// Segments of paths, plain and with encoded bytes.
const SEGMENTS: &[&str] = &["static", "api", "v1", "users", "42", "index.html", "app.js", "a.b_c~d", "", ".."];
const ENCODED: &[&str] = &["caf%c3%a9", "a%20b", "a%2Fb", "100%25", "%2e%2e", "a+b", "x%3Fy"];

const QUERIES: &[&str] = &["q=uwsgi", "page=2&sort=name", "a=1&a=2", "next=%2Fhome%3Fx", "flag", "utf8=%E2%9C%93"];

const HOSTS: &[&str] = &["example.com", "www.example.com:8443", "localhost:8000", "[2001:db8::1]:8080", "10.0.0.7"];

const CLIENTS: &[&str] = &["203.0.113.9", "127.0.0.1", "10.1.2.3", "2001:db8::9"];

/// Headers that browsers and front ends send.
const HEADERS: &[(&str, &str)] = &[
    ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
    ("Accept-Encoding", "gzip, deflate, br"),
    ("Accept-Language", "en-US,en;q=0.5"),
    ("Authorization", "Basic YWxpY2U6c2VjcmV0"),
    ("Cache-Control", "no-cache"),
    ("Cookie", "session=5f2a; theme=dark"),
    ("If-None-Match", "\"33a64df5\""),
    ("Origin", "https://example.com"),
    ("Range", "bytes=0-1023"),
    ("Referer", "https://example.com/page?x=1"),
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ("X-Forwarded-For", "203.0.113.9, 10.0.0.1"),
    ("X-Forwarded-Proto", "https"),
    ("X-Requested-With", "XMLHttpRequest"),
    ("X-Request-Id", "0af7651916cd43dd8448eb211c80319c"),
];

const BODY_TYPES: &[&str] =
    &["application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x", "text/plain"];

/// Vars that front ends send twice after a mistake in their configuration.
const TWICE: &[(&str, &str)] =
    &[("HTTP_COOKIE", "second=1"), ("REMOTE_USER", "alice"), ("SERVER_NAME", "example.com"), ("X_CUSTOM", "a")];

impl<'a> Arbitrary<'a> for WebRequest {
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        let method = method(input)?;
        let (mount, target) = target(input)?;
        let mut request = RequestBuilder::new(method, &target)
            .with_mount(mount)
            .with_host(input.choose(HOSTS)?)
            .with_scheme(if bool::arbitrary(input)? { Scheme::Https } else { Scheme::Http })
            .with_remote_port(input.int_in_range(1024..=u16::MAX)?);
        let client: Option<IpAddr> = input.choose(CLIENTS)?.parse().ok();
        if let Some(client) = client {
            request = request.with_remote_addr(client);
        }
        let headers = headers(input)?;
        let upgrades = percent(input, 3)?;
        let twice = if percent(input, 10)? { Some(*input.choose(TWICE)?) } else { None };
        let without_length = input.int_in_range(0..=2_u8)?;
        let body_type = *input.choose(BODY_TYPES)?;
        let body = body(input, method)?;
        let has_body = !body.is_empty();
        if has_body || without_length == 0 {
            request = request.with_content_length(u64::try_from(body.len()).unwrap_or(0));
        }

        let mut bytes = Vec::new();
        // Nothing that is chosen here is refused, and all of it fits into a packet.
        let mut vars = request.encode(&mut bytes).map_err(|_| Error::IncorrectFormat)?;
        let mut push = |key: &str, value: &str| vars.push_raw(key, value).map_err(|_| Error::IncorrectFormat);
        if has_body {
            push("CONTENT_TYPE", body_type)?;
        } else if without_length == 1 {
            // nginx sends both, empty.
            push("CONTENT_TYPE", "")?;
            push("CONTENT_LENGTH", "")?;
        }
        if let Some((key, value)) = twice {
            push(key, value)?;
            push(key, value)?;
        }
        for (name, value) in headers {
            vars.push_header(name, value).map_err(|_| Error::IncorrectFormat)?;
        }
        if upgrades {
            for (name, value) in [("Connection", "upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
            {
                vars.push_header(name, value).map_err(|_| Error::IncorrectFormat)?;
            }
        }
        let packet_len = vars.finish(Modifier1::WSGI, 0).map_err(|_| Error::IncorrectFormat)?.len();
        bytes.extend_from_slice(body);
        Ok(Self { bytes, packet_len })
    }
}

/// Returns true in this many of 100 cases, and false if the input has ended.
fn percent(input: &mut Unstructured<'_>, share: u8) -> Result<bool> {
    Ok(below_100(input)? >= 100_u8.saturating_sub(share))
}

/// Returns a number below 100, and 0 if the input has ended. It is of two bytes: one byte would give the low numbers more often.
fn below_100(input: &mut Unstructured<'_>) -> Result<u8> {
    Ok(u8::try_from(u16::arbitrary(input)? % 100).unwrap_or(0))
}

fn method(input: &mut Unstructured<'_>) -> Result<&'static str> {
    let mut left = below_100(input)?;
    for (share, method) in METHODS {
        match left.checked_sub(*share) {
            Some(rest) => left = rest,
            None => return Ok(method),
        }
    }
    Ok("GET")
}

/// Returns a mount, and a target below it.
fn target(input: &mut Unstructured<'_>) -> Result<(&'static str, String)> {
    let mount = if percent(input, 12)? { *input.choose(&["/shop", "/app/v2"])? } else { "" };
    let mut target = String::from(mount);
    let segments = input.int_in_range(0..=3_u8)?;
    for _ in 0..segments {
        target.push('/');
        target.push_str(input.choose(SEGMENTS)?);
    }
    if percent(input, 35)? {
        target.push('/');
        target.push_str(input.choose(ENCODED)?);
    }
    if target.len() == mount.len() {
        target.push('/');
    }
    if bool::arbitrary(input)? {
        target = format!("{target}?{}", input.choose(QUERIES)?);
    }
    Ok((mount, target))
}

/// Returns headers, each at most once.
fn headers(input: &mut Unstructured<'_>) -> Result<Vec<(&'static str, &'static str)>> {
    if !percent(input, 90)? {
        return Ok(Vec::new());
    }
    let mut headers = Vec::new();
    for _ in 0..=input.int_in_range(0..=9_u8)? {
        let header = *input.choose(HEADERS)?;
        if !headers.contains(&header) {
            headers.push(header);
        }
    }
    Ok(headers)
}

fn body<'a>(input: &mut Unstructured<'a>, method: &str) -> Result<&'a [u8]> {
    let share = if matches!(method, "PATCH" | "POST" | "PUT") { 90 } else { 5 };
    if !percent(input, share)? {
        return Ok(&[]);
    }
    let most = input.len().saturating_sub(2).clamp(1, 1024);
    let len = input.int_in_range(1..=most)?.min(input.len());
    input.bytes(len)
}
