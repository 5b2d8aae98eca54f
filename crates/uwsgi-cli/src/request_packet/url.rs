//! The URL of a request, and its parts.

use std::ffi::{OsStr, OsString};

use http::Uri;
use percent_encoding::percent_decode_str;
use uwsgi_inspect::Escaped;

use crate::exit::Failure;

/// The parts of a URL.
#[derive(Debug)]
pub(crate) struct Url {
    pub(super) scheme: &'static str,
    /// The host without the port. An IPv6 address keeps its brackets (RFC 3875 section 4.1.14).
    pub(super) name: String,
    pub(super) port: u16,
    /// The value of the header Host. It leaves out the scheme's default port, as curl does.
    pub(super) host: String,
    pub(super) request_uri: String,
    pub(super) path_info: Vec<u8>,
    pub(super) query: String,
}

/// Whether an argument begins with `http://` or `https://`.
pub(crate) fn is_url(argument: &[u8]) -> bool {
    [&b"http://"[..], b"https://"]
        .iter()
        .any(|scheme| argument.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

impl Url {
    /// Parses a URL, or a path, which stands for a URL of `http://localhost`.
    pub(crate) fn parse_or_path(argument: &OsStr) -> Result<Self, Failure> {
        match argument.as_encoded_bytes() {
            [b'/', ..] => {
                let mut url = OsString::from("http://localhost");
                url.push(argument);
                Self::parse(&url)
            }
            bytes if is_url(bytes) => Self::parse(argument),
            bytes => Err(Failure::Failed(format!(
                "{}: neither a URL that begins with http:// or https:// nor a path that begins with /",
                Escaped(bytes)
            ))),
        }
    }

    /// Parses a URL.
    pub(crate) fn parse(url: &OsStr) -> Result<Self, Failure> {
        let shown = Escaped(url.as_encoded_bytes());
        let failure = |what: &str| Failure::Failed(format!("the URL {shown} {what}"));
        // The client does not send the fragment (RFC 9110 section 4.2.5).
        let sent = url.as_encoded_bytes().split(|byte| *byte == b'#').next().unwrap_or_default();
        let hint = "percent-encode spaces, control characters and characters outside ASCII";
        let uri = Uri::try_from(sent).map_err(|error| failure(&format!("cannot be read: {error}; {hint}")))?;
        let (scheme, default_port) = match uri.scheme_str() {
            Some("http") => ("http", 80),
            Some("https") => ("https", 443),
            _ => return Err(failure("has a scheme other than http and https")),
        };
        let authority = uri.authority().ok_or_else(|| failure("has no host"))?;
        if authority.as_str().contains('@') {
            return Err(failure("has a user in it, which is no part of a request: give it with -u USER:PASSWORD"));
        }
        let name = authority.host();
        if name.is_empty() {
            return Err(failure("has no host"));
        }
        let port = match authority.as_str().strip_prefix(name) {
            None | Some("" | ":") => default_port,
            Some(port) => port
                .strip_prefix(':')
                .and_then(|port| port.parse().ok())
                .ok_or_else(|| failure("has a port that is not a number from 0 to 65535"))?,
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
