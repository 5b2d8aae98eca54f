//! Heads of HTTP requests, and the vars that the gateway makes of them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri, Version};
use uwsgi::Packet;
use uwsgi_gateway::{Forwarding, FrontAddresses, FrontRequest, Translation, TrustedProxies};

use crate::fuzz::print;
use crate::naive::{self, Pair, Rules};

/// The address of the peer.
const PEER: &str = "203.0.113.9";

/// The first byte chooses the settings, the second the length of the body. The lines after them are the method and the target,
/// and then headers. A line that is no header is left out.
///
/// Oracle: the packet decodes, and a naive reading of the lines says which headers are in it. It has one length, which is the
/// one that was asked for; no key twice; no control byte in the value of a header; no name that is dangerous or about the
/// connection; and nothing about the client that came from an untrusted peer. Any other request is refused with the status of a
/// refusal.
pub fn http_to_vars(input: &[u8]) {
    let [settings, length, head @ ..] = input else { return };
    let settings = Settings::of(*settings);
    let length = u64::from(*length).rotate_left(u32::from(*length));
    let Some(parts) = settings.parts(head) else { return };
    let (translation, front) = (settings.translation(), settings.front());

    let read = translation.read(&parts, &front);
    let packet = read.and_then(|request| Ok((request.packet(length)?, request)));
    let (packet, request) = match packet {
        Ok(packet) => packet,
        Err(error) => {
            print(&error);
            assert!(!error.to_string().contains('\n'));
            assert!([400, 405, 417, 431, 501].contains(&error.status().as_u16()), "{error}");
            return;
        }
    };
    let pairs = decoded(packet.as_bytes());
    check_keys(&pairs, &length.to_string());
    check_path(&request, &pairs);
    let keys: BTreeSet<String> = pairs.iter().map(|pair| text(&pair.0)).collect();
    let headers: BTreeSet<String> = keys.iter().filter(|key| key.starts_with("HTTP_")).cloned().collect();
    assert_eq!(headers, settings.expected(&parts, &request));
    settings.check_client(&parts, &request, &pairs);
}

/// Decodes a packet twice, and returns its vars.
fn decoded(bytes: &[u8]) -> Vec<Pair> {
    let (packet, rest) = Packet::decode(bytes).unwrap();
    assert!(rest.is_empty());
    let request = uwsgi::Request::decode(&packet).unwrap();
    uwsgi::check(&request).unwrap();
    let pairs = naive::vars(packet.payload(), &Rules::WIRE).whole().unwrap();
    assert!(request.vars().iter().eq(pairs.iter().map(|pair| (&pair.0[..], &pair.1[..]))));
    pairs
}

/// Checks what holds for every packet.
fn check_keys(pairs: &[Pair], length: &str) {
    let keys: BTreeSet<&[u8]> = pairs.iter().map(|pair| &pair.0[..]).collect();
    assert_eq!(keys.len(), pairs.len(), "a key is there twice");
    assert_eq!(value(pairs, "CONTENT_LENGTH"), Some(length.to_owned()));
    for (key, value) in pairs {
        let key = text(key);
        assert!(!key.starts_with("UWSGI_"), "{key}");
        let is_control = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
        assert!(!key.starts_with("HTTP_") || !value.iter().any(is_control), "{key}");
    }
    let dangerous =
        ["PROXY", "TRANSFER_ENCODING", "CONTENT_LENGTH", "CONTENT_TYPE", "EXPECT", "TE", "TRAILER", "KEEP_ALIVE"];
    for name in dangerous {
        assert_eq!(value(pairs, &format!("HTTP_{name}")), None, "{name}");
    }
}

/// The path is absolute and has no dots; the methods of the request say what its vars say.
fn check_path(request: &FrontRequest<'_>, pairs: &[Pair]) {
    let path = request.path();
    assert!(!path.contains(&0));
    assert!(path == b"*" || path.starts_with(b"/"));
    assert!(!path.split(|byte| *byte == b'/').any(|segment| segment == b"." || segment == b".."));
    assert_eq!(value(pairs, "PATH_INFO"), Some(text(path)));
    assert_eq!(value(pairs, "REQUEST_URI").as_deref(), Some(request.request_uri()));
    assert_eq!(value(pairs, "HTTP_HOST").as_deref(), request.host());
    assert_eq!(value(pairs, "HTTP_X_REQUEST_ID").as_deref(), Some(request.request_id()));
}

#[derive(Debug, Clone, Copy)]
struct Settings {
    underscores: bool,
    forwarding: Forwarding,
    trusted: bool,
    is_http_10: bool,
    unix: bool,
    trusted_header: bool,
}

impl Settings {
    fn of(bits: u8) -> Self {
        let forwarding = [Forwarding::Replace, Forwarding::Append, Forwarding::None, Forwarding::Replace];
        Self {
            underscores: bits & 1 != 0,
            forwarding: forwarding[usize::from(bits >> 1) % 4],
            trusted: bits & 8 != 0,
            is_http_10: bits & 16 != 0,
            unix: bits & 32 != 0,
            trusted_header: bits & 64 != 0,
        }
    }

    fn translation(self) -> Translation {
        let proxies = match (self.trusted, self.unix) {
            (true, true) => "unix,10.0.0.0/8",
            (true, false) => "203.0.113.0/24,10.0.0.0/8",
            (false, _) => "10.0.0.0/8",
        };
        let translation = Translation::new()
            .with_underscores(self.underscores)
            .with_forwarding(self.forwarding)
            .with_trusted_proxies(TrustedProxies::parse(proxies).unwrap());
        let translation = if self.trusted_header {
            translation.with_trusted_header(HeaderName::from_static("x-real-ip"))
        } else {
            translation
        };
        translation.check().unwrap();
        translation
    }

    fn front(self) -> FrontAddresses {
        if self.unix {
            return FrontAddresses::unix();
        }
        FrontAddresses::tcp(format!("{PEER}:40000").parse().unwrap(), "127.0.0.1:8080".parse().unwrap())
    }

    /// Makes a request of lines; `None` if the first is no method and target.
    fn parts(self, head: &[u8]) -> Option<Parts> {
        let mut lines = head.split(|byte| *byte == b'\n');
        let first = lines.next()?;
        let (method, target) = split_at(first, b' ')?;
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = Method::from_bytes(method).ok()?;
        parts.uri = Uri::try_from(target).ok()?;
        parts.version = if self.is_http_10 { Version::HTTP_10 } else { Version::HTTP_11 };
        for (name, value) in lines.filter_map(|line| split_at(line, b':')) {
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value.trim_ascii())) {
                // A map of `http` has room for 32768 headers.
                parts.headers.try_append(name, value).ok()?;
            }
        }
        Some(parts)
    }

    /// Returns the keys of the headers that the packet must have.
    fn expected(self, parts: &Parts, request: &FrontRequest<'_>) -> BTreeSet<String> {
        let options: Vec<String> = parts
            .headers
            .get_all("connection")
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .map(|option| text(option.trim_ascii()).to_ascii_lowercase())
            .collect();
        let crosses = |name: &str| {
            let folded = name.replace('_', "-");
            let is_about_client = ["forwarded", "x-real-ip", "x-client-cert", "client-cert", "client-cert-chain"]
                .contains(&&*folded)
                || folded.starts_with("x-forwarded-");
            let is_let_through = self.trusted && self.trusted_header && folded == "x-real-ip";
            let is_dropped = [
                "connection",
                "content-length",
                "content-type",
                "expect",
                "http2-settings",
                "keep-alive",
                "proxy",
                "proxy-authenticate",
                "proxy-authorization",
                "proxy-connection",
                "te",
                "trailer",
                "transfer-encoding",
                "upgrade",
                "x-request-id",
            ];
            let is_plain =
                |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'-') || (self.underscores && byte == b'_');
            name.bytes().all(is_plain)
                && !is_dropped.contains(&&*folded)
                && (!is_about_client || is_let_through)
                && (name == "host" || !options.iter().any(|option| option == name))
        };
        let names = parts.headers.keys().map(HeaderName::as_str).filter(|name| crosses(name));
        let mut keys: BTreeSet<String> = names.map(key_of).collect();
        keys.insert("HTTP_X_REQUEST_ID".to_owned());
        if request.host().is_some() {
            keys.insert("HTTP_HOST".to_owned());
        }
        if request.asks_for_websocket() {
            keys.extend(["HTTP_CONNECTION", "HTTP_UPGRADE"].map(ToOwned::to_owned));
        }
        if self.forwarding != Forwarding::None {
            keys.insert("HTTP_X_FORWARDED_PROTO".to_owned());
            if request.host().is_some() {
                keys.insert("HTTP_X_FORWARDED_HOST".to_owned());
            }
            let says = self.forwarding == Forwarding::Append && self.trusted && self.received(parts, "x-forwarded-for");
            if request.client().is_some() || says {
                keys.insert("HTTP_X_FORWARDED_FOR".to_owned());
            }
        }
        keys
    }

    /// Whether a header has a value that is not empty.
    fn received(self, parts: &Parts, name: &str) -> bool {
        let is_same = |other: &str| other == name || (self.underscores && other.replace('_', "-") == name);
        parts.headers.iter().any(|(other, value)| is_same(other.as_str()) && !value.is_empty())
    }

    /// An untrusted peer is the client, whatever it sent. A trusted proxy may name another one, whose address it sent.
    fn check_client(self, parts: &Parts, request: &FrontRequest<'_>, pairs: &[Pair]) {
        let peer: Option<IpAddr> = if self.unix { None } else { PEER.parse().ok() };
        let written = request.client().map(|client| client.to_string()).unwrap_or_default();
        assert_eq!(value(pairs, "REMOTE_ADDR"), Some(written));
        let id = request.request_id();
        let is_made = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if self.trusted {
            let proxies = |address: IpAddr| match address.to_canonical() {
                IpAddr::V4(address) => {
                    address.octets()[0] == 10 || (!self.unix && address.octets()[..3] == [203, 0, 113])
                }
                IpAddr::V6(_) => false,
            };
            assert!(request.client() == peer || self.received(parts, "x-forwarded-for"));
            assert!(request.client() == peer || !request.client().is_some_and(proxies));
            assert!(is_made || self.received(parts, "x-request-id"));
            assert!((1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()));
            assert_eq!(value(pairs, "REMOTE_PORT"), None);
            return;
        }
        assert_eq!(request.client(), peer);
        assert!(is_made, "{id}");
        assert_eq!(value(pairs, "REMOTE_PORT"), peer.map(|_| "40000".to_owned()));
        assert_eq!(value(pairs, "REQUEST_SCHEME").as_deref(), Some("http"));
        assert_eq!(value(pairs, "HTTPS"), None);
        if self.forwarding != Forwarding::None {
            assert_eq!(value(pairs, "HTTP_X_FORWARDED_FOR"), peer.map(|peer| peer.to_string()));
            assert_eq!(value(pairs, "HTTP_X_FORWARDED_PROTO").as_deref(), Some("http"));
            assert_eq!(value(pairs, "HTTP_X_FORWARDED_HOST").as_deref(), request.host());
        }
    }
}

/// Returns the key of a header's var.
fn key_of(name: &str) -> String {
    format!("HTTP_{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// Returns the value of a var.
fn value(pairs: &[Pair], key: &str) -> Option<String> {
    pairs.iter().find(|pair| pair.0 == key.as_bytes()).map(|pair| text(&pair.1))
}

/// Returns bytes as text, each byte above ASCII as some text of its own.
fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| bytes.escape_ascii().to_string())
}

fn split_at(line: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|other| *other == byte)?;
    Some((&line[..at], &line[at + 1..]))
}
