//! Requests that came from a uwsgi server and are sent on to another.

use core::net::IpAddr;

use http::request::Parts;
use uwsgi::Packet;
use uwsgi_tower::{MoreVars, RemoteAddr, RequestUri, Scheme, ScriptName};

use crate::{encoded, packet, parts, var};

/// The vars that nginx sends with Debian's `uwsgi_params`, and some more.
const RECEIVED: &[(&str, &[u8])] = &[
    ("QUERY_STRING", b"a=1"),
    ("REQUEST_METHOD", b"POST"),
    ("CONTENT_TYPE", b"text/plain"),
    ("CONTENT_LENGTH", b"5"),
    ("REQUEST_URI", b"/shop/a%2Fb?a=1"),
    ("SCRIPT_NAME", b"/shop"),
    ("PATH_INFO", b"/a/b"),
    ("DOCUMENT_ROOT", b"/srv"),
    ("SERVER_PROTOCOL", b"HTTP/2.0"),
    ("REQUEST_SCHEME", b"https"),
    ("HTTPS", b"on"),
    ("REMOTE_ADDR", b"::ffff:10.0.0.5"),
    ("REMOTE_PORT", b"40001"),
    ("REMOTE_USER", b"alice"),
    ("REMOTE_HOST", b"client.example"),
    ("SERVER_PORT", b"8443"),
    ("SERVER_NAME", b"front.example"),
    ("MY_PARAM", b"first"),
    ("MY_PARAM", b"\xff"),
    ("UWSGI_FILE", b"/etc/passwd"),
    ("wsgi.url_scheme", b"http"),
    ("HTTP_HOST", b"shop.example:8443"),
    ("HTTP_X", b"1"),
    ("HTTP_X", b"2"),
    ("HTTP_TE", b"trailers"),
];

/// Most vars are sent as they came, each once. The vars of the request itself are made again.
#[test]
fn every_var_is_sent_on_once() {
    let packet = encoded(&parts(&packet(RECEIVED)).unwrap(), Some(5)).unwrap();
    let vars = Packet::decode(&packet).unwrap().0.vars().unwrap();
    let mut got: Vec<_> = vars.iter().collect();
    got.sort_unstable();
    let mut expected: Vec<(&[u8], &[u8])> = vec![
        (b"QUERY_STRING", b"a=1"),
        (b"REQUEST_METHOD", b"POST"),
        (b"CONTENT_TYPE", b"text/plain"),
        (b"CONTENT_LENGTH", b"5"),
        (b"REQUEST_URI", b"/shop/a%2Fb?a=1"),
        (b"SCRIPT_NAME", b"/shop"),
        (b"PATH_INFO", b"/a/b"),
        (b"DOCUMENT_ROOT", b"/srv"),
        (b"SERVER_PROTOCOL", b"HTTP/2.0"),
        (b"REQUEST_SCHEME", b"https"),
        (b"HTTPS", b"on"),
        (b"REMOTE_ADDR", b"10.0.0.5"),
        (b"REMOTE_PORT", b"40001"),
        (b"REMOTE_USER", b"alice"),
        (b"REMOTE_HOST", b"client.example"),
        (b"SERVER_PORT", b"8443"),
        (b"SERVER_NAME", b"front.example"),
        (b"MY_PARAM", b"\xff"),
        (b"HTTP_HOST", b"shop.example:8443"),
        (b"HTTP_X", b"1, 2"),
    ];
    expected.sort_unstable();
    assert_eq!(got, expected);
}

/// A change of a received request, and vars that are then sent; `None` for vars that are not sent.
#[test]
fn changes_of_the_request_change_the_vars() {
    type Row = (&'static str, fn(&mut Parts), &'static [(&'static str, Option<&'static str>)]);
    let rows: &[Row] = &[
        (
            "another client",
            |parts| _ = parts.extensions.insert(client("10.0.0.6")),
            &[
                ("REMOTE_ADDR", Some("10.0.0.6")),
                ("REMOTE_PORT", None),
                ("REMOTE_HOST", None),
                ("REMOTE_USER", Some("alice")),
            ],
        ),
        (
            "another client and its port",
            |parts| _ = parts.extensions.insert(client("::1").with_port(7)),
            &[("REMOTE_ADDR", Some("::1")), ("REMOTE_PORT", Some("7"))],
        ),
        (
            "the same client",
            |parts| _ = parts.extensions.insert(client("10.0.0.5")),
            &[
                ("REMOTE_ADDR", Some("10.0.0.5")),
                ("REMOTE_PORT", Some("40001")),
                ("REMOTE_HOST", Some("client.example")),
            ],
        ),
        (
            "no client",
            |parts| _ = parts.extensions.remove::<RemoteAddr>(),
            &[("REMOTE_ADDR", Some("::ffff:10.0.0.5")), ("REMOTE_PORT", Some("40001"))],
        ),
        (
            "another scheme",
            |parts| _ = parts.extensions.insert(Scheme::Http),
            &[("HTTPS", None), ("REQUEST_SCHEME", Some("http")), ("SERVER_PORT", Some("8443"))],
        ),
        (
            "no scheme",
            |parts| _ = parts.extensions.remove::<Scheme>(),
            &[("HTTPS", Some("on")), ("REQUEST_SCHEME", Some("https"))],
        ),
        (
            "more vars",
            |parts| {
                let more = MoreVars::new().with("REMOTE_ADDR", "1").with("HTTPS", "off").with("SERVER_NAME", "s");
                parts.extensions.insert(more.with("MY_PARAM", "x").with("UWSGI_FILE", "y").with("PATH_INFO", "/z"));
            },
            &[
                ("REMOTE_ADDR", Some("1")),
                ("HTTPS", Some("off")),
                ("SERVER_NAME", Some("s")),
                ("MY_PARAM", Some("x")),
                ("UWSGI_FILE", Some("y")),
                ("PATH_INFO", Some("/z")),
            ],
        ),
        (
            "another URI and method",
            |parts| (parts.uri, parts.method) = ("/c?d".parse().unwrap(), http::Method::PUT),
            &[
                ("REQUEST_URI", Some("/shop/c?d")),
                ("PATH_INFO", Some("/c")),
                ("QUERY_STRING", Some("d")),
                ("REQUEST_METHOD", Some("PUT")),
            ],
        ),
        (
            "no header",
            |parts| parts.headers.clear(),
            &[("HTTP_X", None), ("HTTP_HOST", None), ("CONTENT_TYPE", None), ("SERVER_NAME", Some("front.example"))],
        ),
    ];
    for (name, change, expected) in rows {
        let mut parts = parts(&packet(RECEIVED)).unwrap();
        change(&mut parts);
        let packet = encoded(&parts, None).unwrap();
        let vars = Packet::decode(&packet).unwrap().0.vars().unwrap();
        for (key, value) in *expected {
            let got: Vec<_> = vars.get_all(key).map(|value| core::str::from_utf8(value).unwrap()).collect();
            assert_eq!(got, value.iter().copied().collect::<Vec<_>>(), "{name}: {key}");
        }
    }
}

/// Received vars, and the vars of the scheme that are sent on, with and without the extension.
#[test]
fn the_scheme_of_received_vars_is_sent_on() {
    type Row = (&'static [(&'static str, &'static [u8])], [&'static str; 3]);
    let rows: &[Row] = &[
        (&[("HTTPS", b"on")], ["https", "on", "443"]),
        (&[("HTTPS", b"on"), ("SERVER_PORT", b"8443")], ["https", "on", "8443"]),
        (&[("UWSGI_SCHEME", b"https")], ["https", "on", "443"]),
        (&[("wsgi.url_scheme", b"https")], ["https", "on", "443"]),
        (&[("HTTPS", b"off"), ("REQUEST_SCHEME", b"https")], ["https", "on", "443"]),
        (&[("HTTPS", b"off")], ["http", "-", "80"]),
        (&[("REQUEST_SCHEME", b"http"), ("UWSGI_SCHEME", b"https")], ["http", "-", "80"]),
        (&[], ["http", "-", "80"]),
    ];
    for (pairs, expected) in rows {
        let with = parts(&packet(pairs)).unwrap();
        let mut without = with.clone();
        without.extensions.remove::<Scheme>();
        for parts in [with, without] {
            let packet = encoded(&parts, None).unwrap();
            let value = |key| var(&packet, key).map_or("-", |value| core::str::from_utf8(value).unwrap());
            assert_eq!(["REQUEST_SCHEME", "HTTPS", "SERVER_PORT"].map(value), *expected, "{pairs:?}");
        }
    }
}

fn client(ip: &str) -> RemoteAddr {
    RemoteAddr::new(ip.parse::<IpAddr>().unwrap())
}

/// The extension counts first, then the URI. The default is http.
#[test]
fn the_scheme_of_a_request_from_http() {
    for (uri, scheme, expected) in [
        ("/", None, ["http", "-", "80"]),
        ("https://a/", None, ["https", "on", "443"]),
        ("http://a/", Some(Scheme::Https), ["https", "on", "443"]),
        ("https://a/", Some(Scheme::Http), ["http", "-", "80"]),
    ] {
        let mut parts = http::Request::get(uri).body(()).unwrap().into_parts().0;
        scheme.map(|scheme| parts.extensions.insert(scheme));
        let packet = encoded(&parts, None).unwrap();
        let value = |key| var(&packet, key).map_or("-", |value| core::str::from_utf8(value).unwrap());
        assert_eq!(["REQUEST_SCHEME", "HTTPS", "SERVER_PORT"].map(value), expected, "{uri} {scheme:?}");
    }
}

/// An application sees the same request, however many gateways it passes.
#[test]
fn an_application_behind_gateways_sees_the_same() {
    let seen = |parts: &Parts| {
        let mut headers: Vec<_> =
            parts.headers.keys().map(|name| (name.to_string(), joined(parts, name.as_str()))).collect();
        headers.sort();
        let extensions = &parts.extensions;
        (
            (parts.method.clone(), parts.uri.clone(), parts.version, headers),
            extensions.get::<ScriptName>().cloned(),
            extensions.get::<RequestUri>().cloned(),
            extensions.get::<RemoteAddr>().copied(),
            extensions.get::<Scheme>().copied(),
        )
    };
    let first = parts(&packet(RECEIVED)).unwrap();
    let mut last = parts(&encoded(&first, Some(5)).unwrap()).unwrap();
    assert_eq!(seen(&last), seen(&first));
    last = parts(&encoded(&last, Some(5)).unwrap()).unwrap();
    assert_eq!(seen(&last), seen(&first));
}

fn joined(parts: &Parts, name: &str) -> Vec<u8> {
    parts.headers.get_all(name).iter().map(|value| value.as_bytes()).collect::<Vec<_>>().join(&b", "[..])
}
