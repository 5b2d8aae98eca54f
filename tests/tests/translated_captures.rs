//! The requests that nginx was captured with, as the gateway translates them: the vars are those that nginx sent, apart from the
//! differences that are named here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri, Version};
use serde_json::Value;
use uwsgi_gateway::{Forwarding, FrontAddresses, FrontBody, Translation};

/// A capture, the keys of the vars that differ from ours, and why.
const DIFFERENT: &[(&str, &[&str], &str)] = &[
    ("cache-head", &["HTTP_IF_NONE_MATCH", "HTTP_RANGE"], "nginx's cache asks for the whole answer"),
    ("get-http10", &["HTTP_HOST"], "nginx sends its own name where the request has no Host"),
    (
        "header-odd-names-on",
        &["HTTP_X!#$%&'*+.^`|~9"],
        "nginx passes such names only with `ignore_invalid_headers off`, and the gateway never does",
    ),
    ("header-spaces", &["HTTP_X_SPACES"], "nginx keeps the spaces at the end of a value"),
    ("hop-by-hop", &["HTTP_X_HOP"], "nginx sends what Connection lists"),
    (
        "params-extra",
        &["HTTP_X_OVERRIDE", "SCRIPT_NAME", "UWSGI_SCHEME", "X_EMPTY", "X_KEPT", "X_TWICE", "X_UTF8"],
        "nginx was told to send more",
    ),
    ("path-encoded", &["PATH_INFO"], "nginx merges slashes"),
    ("post-chunked-trailer", &["HTTP_TRAILER"], "nginx sends a header about the connection"),
    ("request-headers-off", &["HTTP_ACCEPT", "HTTP_USER_AGENT"], "nginx was told not to send headers"),
    ("tls-get", &["HTTPS", "REQUEST_SCHEME"], "the client spoke TLS with nginx"),
];

/// Captures that are not compared.
const OTHERS: &[(&str, &str)] = &[
    ("header-underscore-on", "two names that become one var are refused"),
    ("keepalive-2", "the capture begins with the request before it"),
    ("pipelined-2", "the capture begins with the request before it"),
];

/// Keys that the gateway never sends, or that depend on its own settings.
const LEFT_OUT: &[&str] = &[
    "DOCUMENT_ROOT",
    "HTTP_CONNECTION",
    "HTTP_CONTENT_LENGTH",
    "HTTP_CONTENT_TYPE",
    "HTTP_EXPECT",
    "HTTP_KEEP_ALIVE",
    "HTTP_PROXY",
    "HTTP_PROXY_CONNECTION",
    "HTTP_TE",
    "HTTP_TRANSFER_ENCODING",
    "HTTP_UPGRADE",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_REQUEST_ID",
    "SERVER_NAME",
];

#[test]
fn captures_of_nginx_become_the_same_vars() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/nginx");
    let (mut compared, mut wrong) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_none_or(|extension| extension != "json") || OTHERS.iter().any(|other| other.0 == name) {
            continue;
        }
        let capture: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let Some(nginx) = vars_of(&capture) else { continue };
        let Some(parts) = capture["request"].as_str().and_then(parts) else { continue };
        let ours = translated(&parts, &nginx, name.ends_with("-on"));
        let nginx: BTreeMap<&String, &String> =
            nginx.iter().filter(|(key, _)| !LEFT_OUT.contains(&key.as_str())).collect();
        let ours: BTreeMap<&String, &String> =
            ours.iter().filter(|(key, _)| !LEFT_OUT.contains(&key.as_str())).collect();
        let keys: BTreeSet<&String> = ours.keys().chain(nginx.keys()).copied().collect();
        let different: Vec<&str> =
            keys.into_iter().filter(|key| ours.get(key) != nginx.get(key)).map(String::as_str).collect();
        let expected = DIFFERENT.iter().find(|row| row.0 == name).map_or(&[][..], |row| row.1);
        if different != expected {
            wrong.push(format!("{name}: {different:?}\n  ours  {ours:?}\n  nginx {nginx:?}"));
        }
        compared.push(name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared.len() >= 40, "only {compared:?}");
    for (name, ..) in DIFFERENT {
        assert!(compared.iter().any(|compared| compared == name), "{name}");
    }
}

/// Returns the vars of a capture of nginx's stock params, as one value for each key; `None` for other captures.
fn vars_of(capture: &Value) -> Option<BTreeMap<String, String>> {
    let pairs = capture["packets"][0]["vars"].as_array()?;
    let mut vars = BTreeMap::new();
    for pair in pairs {
        let (key, value) = (pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned());
        let separator = if key == "HTTP_COOKIE" { "; " } else { ", " };
        vars.entry(key).and_modify(|joined| *joined = format!("{joined}{separator}{value}")).or_insert(value);
    }
    if vars.get("CONTENT_LENGTH")?.is_empty() {
        vars.insert("CONTENT_LENGTH".to_owned(), "0".to_owned());
    }
    vars.contains_key("REMOTE_PORT").then_some(vars)
}

/// Reads the head of a captured request; `None` for a request of HTTP/2.
fn parts(request: &str) -> Option<Parts> {
    let bytes: Vec<u8> = request.chars().map(|byte| u8::try_from(byte).ok()).collect::<Option<_>>()?;
    let mut headers = [httparse::EMPTY_HEADER; 256];
    let mut head = httparse::Request::new(&mut headers);
    if !head.parse(&bytes).ok()?.is_complete() {
        return None;
    }
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = Method::from_bytes(head.method?.as_bytes()).ok()?;
    parts.uri = Uri::try_from(head.path?).ok()?;
    parts.version = if head.version? == 0 { Version::HTTP_10 } else { Version::HTTP_11 };
    for header in head.headers.iter() {
        parts
            .headers
            .append(HeaderName::from_bytes(header.name.as_bytes()).ok()?, HeaderValue::from_bytes(header.value).ok()?);
    }
    Some(parts)
}

/// Translates a request that came to the addresses that nginx names.
fn translated(parts: &Parts, nginx: &BTreeMap<String, String>, underscores: bool) -> BTreeMap<String, String> {
    let translation = Translation::new().with_forwarding(Forwarding::None).with_underscores(underscores);
    let address = |host: &str, port: &str| -> SocketAddr { format!("{host}:{}", nginx[port]).parse().unwrap() };
    let peer = address(&nginx["REMOTE_ADDR"], "REMOTE_PORT");
    let front = FrontAddresses::tcp(peer, address("127.0.0.1", "SERVER_PORT"));
    let request = translation.read(parts, &front).unwrap();
    let length = match request.body() {
        FrontBody::Length(length) => length,
        // The length that nginx counted.
        FrontBody::Chunked => nginx["CONTENT_LENGTH"].parse().unwrap(),
        FrontBody::None => 0,
    };
    let packet = request.packet(length).unwrap();
    let text = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
    let vars = packet.vars().unwrap();
    let mut vars: BTreeMap<String, String> = vars.iter().map(|(key, value)| (text(key), text(value))).collect();
    if let Some(host) = vars.get_mut("HTTP_HOST") {
        // `$host` of nginx is in lower case and has no port.
        *host = host.split(':').next().unwrap_or("").to_ascii_lowercase();
    }
    vars
}
