//! A URL as the request that a front end would send for it.

use std::ffi::{OsStr, OsString};

use http::Uri;
use percent_encoding::percent_decode_str;
use uwsgi::{EncodeError, Modifier1, Packet, VarsEncoder, check_var};

use crate::args::EncodeArgs;
use crate::body::BodyArgs;
use crate::encode::{Pair, refused};
use crate::escape::Escaped;
use crate::output::Failure;

/// Whether an argument is meant as a URL.
pub(crate) fn is_url(argument: &[u8]) -> bool {
    [&b"http://"[..], b"https://"]
        .iter()
        .any(|scheme| argument.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// The URL that an argument means: a path is one of this machine's.
pub(crate) fn url(argument: &OsStr) -> Result<OsString, Failure> {
    match argument.as_encoded_bytes() {
        [b'/', ..] => {
            let mut url = OsString::from("http://localhost");
            url.push(argument);
            Ok(url)
        }
        bytes if is_url(bytes) => Ok(argument.to_owned()),
        bytes => Err(Failure::Refused(format!(
            "{}: neither a URL that begins with http:// or https:// nor a path that begins with /",
            Escaped(bytes)
        ))),
    }
}

/// What options make of a URL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    /// What `-X` says.
    pub(crate) method: Option<&'a OsStr>,
    /// What it is otherwise.
    pub(crate) default_method: &'static str,
    /// What `-H` says.
    pub(crate) headers: &'a [OsString],
    /// How many bytes the body has, if there is one.
    pub(crate) length: Option<u64>,
    /// Whether the body is a form, unless a header says otherwise.
    pub(crate) form: bool,
}

impl<'a> Told<'a> {
    /// The method of a request whose body, if any, is a form.
    pub(crate) fn form(
        method: Option<&'a OsString>,
        head: bool,
        headers: &'a [OsString],
        length: Option<usize>,
    ) -> Self {
        let default_method = match length {
            _ if head => "HEAD",
            Some(_) => "POST",
            None => "GET",
        };
        let length = length.map(|length| u64::try_from(length).unwrap_or(u64::MAX));
        Self { method: method.map(OsString::as_os_str), default_method, headers, length, form: true }
    }
}

/// The packet and its body. Vars that a pair names are left out, and the pairs follow in their order.
pub(crate) fn encode(
    args: &EncodeArgs,
    url: &OsStr,
    pairs: &[Pair<'_>],
    modifier1: Modifier1,
    modifier2: u8,
) -> Result<Vec<u8>, Failure> {
    // Read only once the URL is known to be one.
    Target::new(url)?;
    let body = BodyArgs::read(&args.body)?;
    let told = Told::form(args.request.as_ref(), args.head, &args.header, body.as_ref().map(Vec::len));
    let mut bytes = packet(&told, url, pairs, modifier1, modifier2)?;
    bytes.extend(body.unwrap_or_default());
    Ok(bytes)
}

/// The packet alone.
pub(crate) fn packet(
    told: &Told<'_>,
    url: &OsStr,
    pairs: &[Pair<'_>],
    modifier1: Modifier1,
    modifier2: u8,
) -> Result<Vec<u8>, Failure> {
    let target = Target::new(url)?;
    let method = method(told)?;
    let headers = headers(told, &target)?;

    let mut sent = Vec::new();
    let mut encoder = VarsEncoder::new(&mut sent);
    // Raw: who asks for /%00 wants to know what the server makes of it.
    let mut push =
        |key: &str, value: &[u8]| encoder.push_raw(key, value).map_err(|error| refused(key.as_bytes(), error));
    // The names and their order are those of nginx's uwsgi_params.
    push("QUERY_STRING", target.query.as_bytes())?;
    push("REQUEST_METHOD", method)?;
    push("REQUEST_URI", target.request_uri.as_bytes())?;
    push("PATH_INFO", &target.path_info)?;
    push("SERVER_PROTOCOL", b"HTTP/1.1")?;
    push("REQUEST_SCHEME", target.scheme.as_bytes())?;
    if target.scheme == "https" {
        push("HTTPS", b"on")?;
    }
    push("REMOTE_ADDR", b"127.0.0.1")?;
    push("SERVER_PORT", target.port.to_string().as_bytes())?;
    push("SERVER_NAME", target.name.as_bytes())?;
    for Header { name, value } in &headers {
        encoder.push_header(name, value).map_err(|error| refused_header(name, error))?;
    }
    let packet = encoder.finish(modifier1, modifier2).map_err(|error| refused(b"the request", error))?;
    replaced(packet, pairs)
}

/// The packet again, with the pairs for the vars of their names.
fn replaced(packet: &[u8], pairs: &[Pair<'_>]) -> Result<Vec<u8>, Failure> {
    let broken = |error| Failure::Refused(format!("the request could not be read back: {error}"));
    let (packet, _) = Packet::decode(packet).map_err(broken)?;
    let mut bytes = Vec::new();
    let mut encoder = VarsEncoder::new(&mut bytes);
    let kept = packet.vars().map_err(broken)?;
    for (key, value) in kept.iter().filter(|(key, _)| !pairs.iter().any(|pair| pair.key == *key)) {
        encoder.push_raw(key, value).map_err(|error| refused(key, error))?;
    }
    for pair in pairs {
        pair.push_to(&mut encoder)?;
    }
    encoder.finish(packet.modifier1(), packet.modifier2()).map_err(|error| refused(b"the request", error))?;
    Ok(bytes)
}

/// A URL taken apart.
#[derive(Debug)]
struct Target {
    scheme: &'static str,
    /// The host without a port; an IPv6 address keeps its brackets, as RFC 3875 section 4.1.14 has it.
    name: String,
    port: u16,
    /// The header Host: without the scheme's own port, as curl does it.
    host: String,
    request_uri: String,
    path_info: Vec<u8>,
    query: String,
}

impl Target {
    fn new(url: &OsStr) -> Result<Self, Failure> {
        let shown = Escaped(url.as_encoded_bytes());
        let wrong = |what: &str| Failure::Refused(format!("the URL {shown} {what}"));
        // A fragment stays with the client (RFC 9110 section 4.2.5).
        let sent = url.as_encoded_bytes().split(|byte| *byte == b'#').next().unwrap_or_default();
        let hint = "percent-encode spaces, control characters and what is not ASCII";
        let uri = Uri::try_from(sent).map_err(|error| wrong(&format!("cannot be read: {error}; {hint}")))?;
        let (scheme, default_port) = match uri.scheme_str() {
            Some("http") => ("http", 80),
            Some("https") => ("https", 443),
            _ => return Err(wrong("has a scheme other than http and https")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("has no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("has a user in it, which no front end is sent: use -H 'Authorization: ...'"));
        }
        let name = authority.host();
        if name.is_empty() {
            return Err(wrong("has no host"));
        }
        let port = match authority.as_str().strip_prefix(name) {
            None | Some("" | ":") => default_port,
            Some(port) => port
                .strip_prefix(':')
                .and_then(|port| port.parse().ok())
                .ok_or_else(|| wrong("has a port that is no number up to 65535"))?,
        };
        let host = if port == default_port { name.to_owned() } else { format!("{name}:{port}") };
        let request_uri = match uri.query() {
            Some(query) => format!("{}?{query}", uri.path()),
            None => uri.path().to_owned(),
        };
        Ok(Self {
            scheme,
            name: name.to_owned(),
            port,
            host,
            request_uri,
            path_info: percent_decode_str(uri.path()).collect(),
            query: uri.query().unwrap_or_default().to_owned(),
        })
    }
}

fn method<'a>(told: &Told<'a>) -> Result<&'a [u8], Failure> {
    let method = told.method.map_or(told.default_method.as_bytes(), OsStr::as_encoded_bytes);
    match check_var(b"REQUEST_METHOD", method) {
        Ok(()) => Ok(method),
        Err(error) => Err(Failure::Refused(format!("-X {}: {error}", Escaped(method)))),
    }
}

#[derive(Debug)]
struct Header {
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Header {
    fn new(name: &str, value: &[u8]) -> Self {
        Self { name: name.as_bytes().to_vec(), value: value.to_vec() }
    }
}

/// What is sent by default, and what `-H` makes of it by curl's rules.
fn headers(told: &Told<'_>, target: &Target) -> Result<Vec<Header>, Failure> {
    let mut headers = vec![
        Header::new("Host", target.host.as_bytes()),
        Header::new("User-Agent", concat!("uwsgictl/", env!("CARGO_PKG_VERSION")).as_bytes()),
        Header::new("Accept", b"*/*"),
    ];
    // Without a body too: a server that is told of no length knows of no end either, and may not keep the connection.
    headers.push(Header::new("Content-Length", told.length.unwrap_or(0).to_string().as_bytes()));
    if told.form && told.length.is_some() {
        headers.push(Header::new("Content-Type", b"application/x-www-form-urlencoded"));
    }
    let told = told.headers.iter().map(|argument| told_header(argument)).collect::<Result<Vec<_>, _>>()?;
    headers.retain(|header| !told.iter().any(|(name, _)| name.eq_ignore_ascii_case(&header.name)));
    headers.extend(
        told.into_iter()
            .filter_map(|(name, value)| value.map(|value| Header { name: name.to_vec(), value: value.to_vec() })),
    );
    Ok(headers)
}

/// `Name: value`; `Name;` is a header without a value, `Name:` is none at all.
fn told_header(argument: &OsStr) -> Result<(&[u8], Option<&[u8]>), Failure> {
    let bytes = argument.as_encoded_bytes();
    let mut halves = bytes.splitn(2, |byte| *byte == b':');
    match (halves.next(), halves.next(), bytes.split_last()) {
        (Some(name), Some(value), _) => Ok((name, Some(trimmed(value)).filter(|value| !value.is_empty()))),
        (_, None, Some((b';', name))) => Ok((name, Some(b""))),
        _ => Err(Failure::Refused(format!(
            "-H '{}': neither 'Name: value', nor 'Name;' for an empty value, nor 'Name:' to send none",
            Escaped(bytes)
        ))),
    }
}

/// Without the spaces and tabs around a value, which are no part of it (RFC 9110 section 5.5).
fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

fn refused_header(name: &[u8], error: EncodeError) -> Failure {
    Failure::Refused(format!(
        "-H '{}': {error}; to send it all the same, write the var itself, as in HTTP_NAME=VALUE",
        Escaped(name)
    ))
}
