//! Sends a collection of web requests to each server.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read, Write};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};
use uwsgi::{Modifier1, VarsEncoder};
use uwsgi_io::{Client, ClientErrorKind};
use uwsgi_tests::programs::{Listen, TestDir};

use crate::server::{Uwsgi, client, gunicorn};

#[test]
fn uwsgi_from_pypi() {
    let test_dir = TestDir::new();
    for listen in [Listen::tcp(), Listen::Unix(test_dir.path("uwsgi.sock"))] {
        let name = if matches!(listen, Listen::Tcp(_)) { "tcp" } else { "unix" };
        let _server = Uwsgi::Pypi.start(&test_dir, name, &listen, &[]);
        collection(&listen);
        refusals_of_uwsgi(&listen);
    }
}

#[test]
fn uwsgi_from_debian() {
    let test_dir = TestDir::new();
    let listen = Listen::Unix(test_dir.path("uwsgi.sock"));
    let _server = Uwsgi::Debian.start(&test_dir, "debian", &listen, &[]);
    collection(&listen);
    refusals_of_uwsgi(&listen);
}

#[test]
fn gunicorn_sync() {
    let test_dir = TestDir::new();
    let listen = Listen::tcp();
    let _server = gunicorn(&test_dir, "sync", &listen, &["--worker-class", "sync"]);
    collection(&listen);
    refusals_of_gunicorn(&listen);
}

#[test]
fn gunicorn_gthread() {
    let test_dir = TestDir::new();
    let listen = Listen::Unix(test_dir.path("gunicorn.sock"));
    let _server = gunicorn(&test_dir, "gthread", &listen, &["--worker-class", "gthread", "--threads", "4"]);
    collection(&listen);
    refusals_of_gunicorn(&listen);
    // Only TCP has ports, which show whether a connection is kept.
    let listen = Listen::tcp();
    let _server =
        gunicorn(&test_dir, "kept", &listen, &["--worker-class", "gthread", "--threads", "4", "--keep-alive", "30"]);
    kept(&listen);
}

/// Returns the packet of a web request, as front ends send it.
fn packet(method: &str, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut buffer = Vec::new();
    let mut vars = VarsEncoder::new(&mut buffer);
    let common = [
        ("QUERY_STRING", "x=1&y=%20"),
        ("REQUEST_METHOD", method),
        ("REQUEST_URI", path),
        ("PATH_INFO", path),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("SERVER_NAME", "example.com"),
        ("SERVER_PORT", "80"),
        ("REMOTE_ADDR", "127.0.0.1"),
        ("HTTP_HOST", "example.com"),
    ];
    common.iter().chain(more).for_each(|(key, value)| vars.push(*key, *value).unwrap());
    vars.finish(Modifier1::WSGI, 0).unwrap();
    buffer
}

fn post(path: &str, length: usize) -> Vec<u8> {
    packet("POST", path, &[("CONTENT_LENGTH", &length.to_string())])
}

/// Sends a request, and returns the status and the body of the answer.
fn ask(client: &mut Client, packet: &[u8], body: impl Read) -> (u16, Vec<u8>) {
    let mut response = client.request(packet, body).unwrap_or_else(|error| panic!("{error}"));
    let mut bytes = Vec::new();
    response.read_to_end(&mut bytes).unwrap();
    (response.status(), bytes)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn collection(listen: &Listen) {
    let mut client = client(listen);
    methods(&mut client);
    heads(&mut client);
    vars(&mut client);
    uploads(&mut client);
    downloads(&mut client);
    both_ways(&mut client);
    early(&mut client);
    written(&mut client);
}

fn methods(client: &mut Client) {
    for method in ["GET", "OPTIONS", "DELETE", "PROPFIND"] {
        let (status, body) = ask(client, &packet(method, "/a/b", &[]), io::empty());
        assert_eq!((status, text(body)), (200, format!("{method} http://example.com/a/b?x=1&y=%20")));
    }
    let head = packet("HEAD", "/a", &[]);
    let response = client.request(&head, io::empty()).unwrap();
    assert_eq!((response.status(), response.head().content_length()), (200, Some(35)));
    assert_eq!(response.bytes().count(), 0);
}

fn heads(client: &mut Client) {
    for (status, length) in [(200, 8), (204, 0), (404, 8), (500, 8), (299, 8)] {
        let mut response = client.request(&packet("GET", &format!("/status/{status}"), &[]), io::empty()).unwrap();
        assert_eq!((response.status(), response.head().reason()), (status, &b"Indeed"[..]));
        let twice = response.head().headers().filter(|(name, _)| name.eq_ignore_ascii_case(b"x-twice"));
        assert_eq!(twice.map(|(_, value)| value).collect::<Vec<_>>(), [b"1", b"2"]);
        let mut body = Vec::new();
        response.read_to_end(&mut body).unwrap();
        assert_eq!(body.len(), length, "{status}");
    }
}

/// The vars arrive as they were sent, byte for byte.
fn vars(client: &mut Client) {
    let long = "v".repeat(30_000);
    let odd = [
        ("HTTP_X_LATIN1", "caf\u{e9}"),
        ("HTTP_X_EMPTY", ""),
        ("HTTP_COOKIE", "a=1; b=2"),
        ("HTTP_X_LONG", &long),
        ("CONTENT_TYPE", "text/plain; charset=utf-8"),
    ];
    let (status, body) = ask(client, &packet("GET", "/vars", &odd), io::empty());
    assert_eq!(status, 200);
    let seen: BTreeMap<String, String> = serde_json::from_slice(&body).unwrap();
    for (key, value) in odd {
        // PEP 3333: one character for each byte.
        let latin1: String = value.bytes().map(char::from).collect();
        assert_eq!(seen.get(key).map(String::as_str), Some(&*latin1), "{key}");
    }
    assert_eq!(seen["QUERY_STRING"], "x=1&y=%20");
}

/// Returns `length` bytes that differ.
pub(crate) fn bytes(length: usize) -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    let numbers = || (0_u32..5_000_000).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes());
    &BYTES.get_or_init(|| numbers().collect())[..length]
}

pub(crate) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn uploads(client: &mut Client) {
    for length in [0, 1, 5, 4096, 32_700, 65_536, 1_000_000, 20_000_000] {
        let body = bytes(length);
        let (status, answer) = ask(client, &post("/hash", length), body);
        assert_eq!((status, text(answer)), (200, format!("{length} {}", hash(body))));
    }
}

fn downloads(client: &mut Client) {
    for pieces in [0, 1, 400] {
        let mut response = client.request(&packet("GET", &format!("/bytes/{pieces}"), &[]), io::empty()).unwrap();
        let (mut digest, mut length) = (Sha256::new(), 0);
        loop {
            let here = response.fill_buf().unwrap();
            if here.is_empty() {
                break;
            }
            digest.update(here);
            length += here.len();
            let count = here.len();
            response.consume(count);
        }
        assert_eq!(length, pieces * 50_000);
        let mut want = Sha256::new();
        for number in 0..pieces {
            want.update((0..50_000).map(|at| u8::try_from((number + at) % 251).unwrap()).collect::<Vec<_>>());
        }
        assert!(digest.finalize() == want.finalize(), "{pieces}");
    }
}

/// The server echoes up to 20 MB, more than all buffers hold. It stalls unless both directions move at the same time.
fn both_ways(client: &mut Client) {
    for length in [1, 100_000, 20_000_000] {
        let body = bytes(length);
        let (status, echoed) = ask(client, &post("/echo", length), body);
        assert_eq!((status, echoed.len()), (200, length));
        assert!(echoed == body);
    }
}

/// The application answers without reading, and the server closes before it has read the body. The client gets the answer.
fn early(client: &mut Client) {
    for length in [1000, 20_000_000, 20_000_000, 20_000_000, 20_000_000] {
        let mut response =
            client.request(&post("/refuse", length), io::repeat(b'x')).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(response.status(), 413);
        let mut body = Vec::new();
        response.read_to_end(&mut body).unwrap();
        assert_eq!(text(body), "too long");
    }
}

fn written(client: &mut Client) {
    let body = bytes(300_000);
    let mut sending = client.send(&post("/hash", body.len())).unwrap();
    for piece in body.chunks(777) {
        sending.write_all(piece).unwrap();
    }
    let mut response = sending.finish().unwrap();
    let mut answer = String::new();
    response.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, format!("{} {}", body.len(), hash(body)));
}

/// uWSGI refuses a request by closing the connection.
fn refusals_of_uwsgi(listen: &Listen) {
    let mut client = client(listen);
    let mut perl = packet("GET", "/", &[]);
    perl[0] = Modifier1::PSGI.0;
    for attempt in 0..10 {
        let error = client.request(&perl, io::empty()).unwrap_err();
        assert!(matches!(error.kind(), ClientErrorKind::NoAnswer(_)), "{attempt}: {error}");
        // The packet has an empty key.
        let error = client.raw(b"\0\x04\0\0\0\0\0\0").and_then(|value| value.into_vec(1000));
        assert!(error.as_ref().is_ok_and(Vec::is_empty), "{attempt}: {error:?}");
    }
    let (status, body) = ask(&mut client, &packet("GET", "/status/200", &[]), io::empty());
    assert_eq!((status, text(body)), (200, "so be it".to_owned()));
}

/// gunicorn refuses a request with an HTTP answer.
fn refusals_of_gunicorn(listen: &Listen) {
    let mut client = client(listen);
    let mut perl = packet("GET", "/", &[]);
    perl[0] = Modifier1::PSGI.0;
    let response = client.request(&perl, io::empty()).unwrap();
    assert!(response.status() >= 400, "{}", response.status());
    drop(response);
    let error = client.ping().unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::Http { status } if *status >= 400), "{error}");
}

/// gunicorn's threads keep connections. The application says from which port each request came.
fn kept(listen: &Listen) {
    let mut client = client(listen).with_keepalive(true);
    for number in 0..20 {
        let body = bytes(number * 3000);
        let (status, answer) = ask(&mut client, &post("/hash", body.len()), body);
        assert_eq!((status, text(answer)), (200, format!("{} {}", body.len(), hash(body))));
    }
    for (keepalive, connections) in [(true, 1), (false, 5)] {
        let mut client = self::client(listen).with_keepalive(keepalive);
        let mut port = || {
            let (_, body) = ask(&mut client, &packet("GET", "/vars", &[]), io::empty());
            let vars: BTreeMap<String, String> = serde_json::from_slice(&body).unwrap();
            vars["REMOTE_PORT"].clone()
        };
        let ports: BTreeSet<String> = (0..5).map(|_| port()).collect();
        assert_eq!(ports.len(), connections, "with keepalive {keepalive}: {ports:?}");
    }
}
