//! Vars as requests of `http`, and back.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that panics has found something"
)]

use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Version};
use proptest::collection::vec;
use proptest::prelude::*;
use uwsgi::{EncodeError, Modifier1, Packet, VarsEncoder};
use uwsgi_tower::{
    Modifiers, MoreVars, RemoteAddr, RequestError, ScriptName, Vars, encode_vars as encode, request_parts,
};

/// A packet of these vars.
fn packet(pairs: &[(&str, &[u8])]) -> Vec<u8> {
    let mut packet = Vec::new();
    let mut vars = VarsEncoder::new(&mut packet);
    pairs.iter().for_each(|(key, value)| vars.push(key, value).unwrap());
    vars.finish(Modifier1::WSGI, 0).unwrap();
    packet
}

fn parts(packet: &[u8]) -> Result<Parts, RequestError> {
    request_parts(&uwsgi::Request::decode(&Packet::decode(packet).unwrap().0).unwrap())
}

/// The packet of a request whose body has so many bytes.
fn encoded(parts: &Parts, length: Option<u64>) -> Result<Vec<u8>, EncodeError> {
    let mut packet = Vec::new();
    let mut vars = VarsEncoder::new(&mut packet);
    encode(parts, length, &mut vars)?;
    vars.finish(Modifier1::WSGI, 0)?;
    Ok(packet)
}

fn var<'p>(packet: &'p [u8], key: &str) -> Option<&'p [u8]> {
    Packet::decode(packet).unwrap().0.vars().unwrap().get(key)
}

/// What is asked for in `REQUEST_URI`, `PATH_INFO` and `QUERY_STRING`, and the target that it is; none is refused. The first
/// rows are what front ends make of `/a%2fb/../%41 %c3%bc`-like targets: nginx and lighttpd tidy `PATH_INFO`, Apache does not
/// tidy `%2F`, and all leave `REQUEST_URI` as it was asked for.
const TARGETS: &[(&str, &str, &str, Option<&str>)] = &[
    ("/a%2Fb/%41?x=%20", "/a/b/A", "x=%20", Some("/a%2Fb/%41?x=%20")),
    ("/a/../b//c", "/b/c", "", Some("/a/../b//c")),
    ("/%c3%bc", "/\u{fc}", "", Some("/%c3%bc")),
    ("/\u{fc}?\u{fc}", "/\u{fc}", "\u{fc}", Some("/\u{fc}?\u{fc}")),
    ("/100%", "/100%", "", Some("/100%")),
    ("/a?b?c", "/a", "b?c", Some("/a?b?c")),
    ("/?", "/", "", Some("/?")),
    ("//a.example/b", "/a.example/b", "", Some("//a.example/b")),
    ("http://example.com/a%20b?c", "/a b", "c", Some("http://example.com/a%20b?c")),
    ("*", "/", "", Some("*")),
    ("", "/a b", "c d", Some("/a%20b?c%20d")),
    ("", "/100% %20", "100%", Some("/100%25%20%2520?100%")),
    ("", "/\u{fc}?#", "#", Some("/%C3%BC%3F%23?%23")),
    ("", "", "", Some("/")),
    ("", "", "a=b", Some("/?a=b")),
    ("", "a", "", None),
    ("/a b", "/a b", "", None),
    ("/a\u{1}b", "/", "", None),
    ("/a#b", "/a", "", Some("/a")),
    ("/a\u{7f}", "/", "", None),
    ("/<a>", "/<a>", "", None),
    ("http://", "/", "", None),
];

#[test]
fn targets() {
    for (uri, path, query, expected) in TARGETS {
        let packet = packet(&[
            ("REQUEST_URI", uri.as_bytes()),
            ("PATH_INFO", path.as_bytes()),
            ("QUERY_STRING", query.as_bytes()),
        ]);
        let got = parts(&packet).map(|parts| parts.uri.to_string());
        assert_eq!(got.as_deref().ok(), *expected, "{uri} {path} {query}: {got:?}");
    }
}

/// `SERVER_PROTOCOL`, and the version.
#[test]
fn versions() {
    for (protocol, version) in [
        ("HTTP/0.9", Version::HTTP_09),
        ("HTTP/1.0", Version::HTTP_10),
        ("HTTP/1.1", Version::HTTP_11),
        ("HTTP/2.0", Version::HTTP_2),
        ("HTTP/3.0", Version::HTTP_3),
        ("nonsense", Version::HTTP_11),
        ("", Version::HTTP_11),
    ] {
        assert_eq!(parts(&packet(&[("SERVER_PROTOCOL", protocol.as_bytes())])).unwrap().version, version, "{protocol}");
    }
}

#[test]
fn headers() {
    let parts = parts(&packet(&[
        ("HTTP_HOST", b"example.com"),
        ("CONTENT_TYPE", b"text/plain"),
        ("CONTENT_LENGTH", b"5"),
        ("HTTP_CONTENT_TYPE", b"text/html"),
        ("HTTP_CONTENT_LENGTH", b"6"),
        ("HTTP_CONNECTION", b"keep-alive"),
        ("HTTP_TRANSFER_ENCODING", b"chunked"),
        ("HTTP_UPGRADE_INSECURE_REQUESTS", b"1"),
        ("HTTP_X_TWICE", b"1"),
        ("HTTP_X_TWICE", b"2\xff"),
        ("HTTP_", b"no name"),
        ("HTTP_\u{fc}", b"no token"),
        ("X", b"no header"),
    ]))
    .unwrap();
    let mut headers: Vec<_> = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    headers.sort();
    let expected: [(&str, &[u8]); 6] = [
        ("content-length", b"5"),
        ("content-type", b"text/plain"),
        ("host", b"example.com"),
        ("upgrade-insecure-requests", b"1"),
        ("x-twice", b"1"),
        ("x-twice", b"2\xff"),
    ];
    assert_eq!(headers, expected);
}

/// However often the var came; that they are equal is what lets the request in.
#[test]
fn there_is_one_length() {
    let packet = packet(&[("CONTENT_LENGTH", b"5"), ("CONTENT_LENGTH", b"5"), ("HTTP_CONTENT_LENGTH", b"5")]);
    let parts = parts(&packet).unwrap();
    assert_eq!(parts.headers.get_all("content-length").iter().collect::<Vec<_>>(), ["5"]);
}

#[test]
fn an_upgrade_keeps_what_asks_for_it() {
    let parts = parts(&packet(&[("HTTP_CONNECTION", b"Upgrade"), ("HTTP_UPGRADE", b"websocket")])).unwrap();
    assert_eq!(
        (&parts.headers["connection"], &parts.headers["upgrade"]),
        (&"Upgrade".parse().unwrap(), &"websocket".parse().unwrap())
    );
}

/// `http` has no place for them. What ends a line a server has refused.
#[test]
fn values_with_a_control_byte_are_in_the_vars_alone() {
    let vars: [(&str, &[u8]); 4] =
        [("HTTP_X", b"a\x01b"), ("HTTP_Y", b"\x7f"), ("HTTP_Z", b"a\r\nb"), ("HTTP_TAB", b"a\tb")];
    let parts = parts(&packet(&vars)).unwrap();
    assert_eq!(parts.headers.keys().collect::<Vec<_>>(), ["tab"]);
    assert_eq!(parts.extensions.get::<Vars>().unwrap().as_vars().get("HTTP_X"), Some(&b"a\x01b"[..]));
}

#[test]
fn refusals() {
    for (key, value, expected) in [
        ("REQUEST_METHOD", &b"G T"[..], "REQUEST_METHOD is no method"),
        ("REQUEST_URI", b"/\xff", "the request's target cannot be read: invalid uri character"),
        ("REQUEST_URI", b"/a b", "the request's target cannot be read: invalid uri character"),
    ] {
        assert_eq!(parts(&packet(&[(key, value)])).unwrap_err().to_string(), expected);
    }
}

#[test]
fn extensions() {
    let mut packet = packet(&[("SCRIPT_NAME", b"/app"), ("REMOTE_ADDR", b"2001:db8::1"), ("X", b"\xff")]);
    (packet[0], packet[3]) = (5, 7);
    let parts = parts(&packet).unwrap();
    assert_eq!(parts.extensions.get::<ScriptName>().unwrap().as_bytes(), b"/app");
    assert_eq!(parts.extensions.get::<RemoteAddr>(), Some(&RemoteAddr::new("2001:db8::1".parse().unwrap())));
    let modifiers = Modifiers { modifier1: Modifier1::PSGI, modifier2: 7 };
    assert_eq!(parts.extensions.get::<Modifiers>(), Some(&modifiers));
    assert_eq!(parts.extensions.get::<Vars>().unwrap().as_vars().get("X"), Some(&b"\xff"[..]));
    let bare = self::parts(&self::packet(&[("SCRIPT_NAME", b""), ("REMOTE_ADDR", b"unix:")])).unwrap();
    assert!(bare.extensions.get::<ScriptName>().is_none() && bare.extensions.get::<RemoteAddr>().is_none());
}

/// A target, a `Host`, and the vars that they become.
#[test]
fn vars_of_targets() {
    for (target, host, expected) in [
        (
            "/a%20b?c%20d",
            Some("example.com:81"),
            ["/a b", "c%20d", "/a%20b?c%20d", "example.com", "81", "example.com:81"],
        ),
        ("https://example.com/%2541", None, ["/%41", "", "/%2541", "example.com", "443", "example.com"]),
        ("http://me@[::1]:8/", Some("other"), ["/", "", "/", "[::1]", "8", "[::1]:8"]),
        ("/", None, ["/", "", "/", "localhost", "80", "-"]),
        ("/?", Some("a"), ["/", "", "/?", "a", "80", "a"]),
        ("*", Some("a"), ["*", "", "*", "a", "80", "a"]),
    ] {
        let mut request = Request::builder().uri(target);
        if let Some(host) = host {
            request = request.header("Host", host);
        }
        let packet = encoded(&request.body(()).unwrap().into_parts().0, None).unwrap();
        let keys = ["PATH_INFO", "QUERY_STRING", "REQUEST_URI", "SERVER_NAME", "SERVER_PORT", "HTTP_HOST"];
        let got = keys.map(|key| String::from_utf8_lossy(var(&packet, key).unwrap_or(b"-")).into_owned());
        assert_eq!(got, expected, "{target}");
    }
}

#[test]
fn what_does_not_pass_as_a_var() {
    let request = Request::get("/").header("Proxy", "x").header("a_b", "x").header("Connection", "x").header("TE", "x");
    let request = request.header("Cookie", "a=1").header("Cookie", "b=2").header("X", "1").header("X", "2");
    let packet = encoded(&request.body(()).unwrap().into_parts().0, Some(7)).unwrap();
    for key in ["HTTP_PROXY", "HTTP_A_B", "HTTP_CONNECTION", "HTTP_TE", "HTTP_CONTENT_LENGTH"] {
        assert_eq!(var(&packet, key), None, "{key}");
    }
    assert_eq!(var(&packet, "HTTP_COOKIE"), Some(&b"a=1; b=2"[..]));
    assert_eq!(var(&packet, "HTTP_X"), Some(&b"1, 2"[..]));
    assert_eq!(var(&packet, "CONTENT_LENGTH"), Some(&b"7"[..]));
}

/// A mount, a path, and what is below it.
#[test]
fn mounts() {
    for (mount, path, below) in
        [("/app", "/app/x", "/x"), ("/app", "/app", ""), ("/app", "/apple", "/apple"), ("/app", "/x/app", "/x/app")]
    {
        let packet = packet(&[("SCRIPT_NAME", mount.as_bytes()), ("REQUEST_URI", path.as_bytes())]);
        let again = encoded(&parts(&packet).unwrap(), None).unwrap();
        assert_eq!(var(&again, "SCRIPT_NAME"), Some(mount.as_bytes()));
        assert_eq!(var(&again, "PATH_INFO"), Some(below.as_bytes()), "{path} below {mount}");
    }
}

/// What is added stands for what would be made, and is there once.
#[test]
fn more_vars() {
    let more = MoreVars::new().with("REMOTE_USER", "alice").with("HTTP_X", "mine").with("SERVER_NAME", "here");
    let request = Request::get("/").header("X", "theirs").extension(more).body(()).unwrap();
    let packet = encoded(&request.into_parts().0, None).unwrap();
    let vars = Packet::decode(&packet).unwrap().0.vars().unwrap();
    for (key, value) in [("REMOTE_USER", &b"alice"[..]), ("HTTP_X", b"mine"), ("SERVER_NAME", b"here")] {
        assert_eq!(vars.get_all(key).collect::<Vec<_>>(), [value], "{key}");
    }
}

fn a_method() -> impl Strategy<Value = Method> {
    "[A-Z]{1,9}|[!#$%&'*+.^_`|~0-9a-z-]{1,9}".prop_map(|method| Method::from_bytes(method.as_bytes()).unwrap())
}

fn a_target() -> impl Strategy<Value = String> {
    let piece = "[a-zA-Z0-9._~!$&'()*+,;=:@-]|%[0-9a-fA-F]{2}|/";
    (vec(piece, 0..20), proptest::option::of("[a-zA-Z0-9%/?=&+]{0,20}")).prop_map(|(path, query)| {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        format!("/{}{query}", path.concat())
    })
}

/// Names that are about nothing else, and pass as they are.
fn a_header() -> impl Strategy<Value = (HeaderName, HeaderValue)> {
    let value = vec(prop_oneof![Just(b'\t'), 32..=126_u8, 128..=255_u8], 0..20);
    ("x-[a-z0-9-]{0,8}", value)
        .prop_map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_bytes(&value).unwrap()))
}

fn a_request() -> impl Strategy<Value = Parts> {
    (
        a_method(),
        a_target(),
        vec(a_header(), 0..8),
        prop_oneof![Just(Version::HTTP_10), Just(Version::HTTP_11), Just(Version::HTTP_2)],
    )
        .prop_map(|(method, target, headers, version)| {
            let mut request = Request::builder().method(method).uri(target).version(version);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            request.body(()).unwrap().into_parts().0
        })
}

proptest! {
    /// A request that becomes vars is the same request when they become one, but that headers of one name are one.
    #[test]
    fn there_and_back(request in a_request(), length in proptest::option::of(any::<u64>())) {
        let packet = encoded(&request, length).unwrap();
        let back = parts(&packet).unwrap();
        prop_assert_eq!(&back.method, &request.method);
        prop_assert_eq!(back.uri.to_string(), request.uri.to_string());
        prop_assert_eq!(back.version, request.version);
        let length = length.map(|length| length.to_string());
        prop_assert_eq!(back.headers.get("content-length").map(|value| value.to_str().unwrap()), length.as_deref());
        for name in request.headers.keys() {
            let values: Vec<_> = request.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
            prop_assert_eq!(back.headers[name].as_bytes(), values.join(&b", "[..]));
        }
        prop_assert_eq!(back.headers.keys_len(), request.headers.keys_len() + usize::from(length.is_some()));
    }

    /// And once they are one, vars and requests are the same again and again.
    #[test]
    fn and_there_again(request in a_request()) {
        let once = encoded(&request, None).unwrap();
        let twice = encoded(&parts(&once).unwrap(), None).unwrap();
        let sorted = |packet: &[u8]| {
            let vars = Packet::decode(packet).unwrap().0.vars().unwrap();
            let mut pairs: Vec<_> = vars.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
            pairs.sort();
            pairs
        };
        prop_assert_eq!(sorted(&once), sorted(&twice));
    }

    /// Whatever the vars are, they are a request or a refusal, and each header is one that the core sees.
    #[test]
    fn anything_at_all(pairs in vec((
        prop_oneof![
            Just("REQUEST_METHOD".to_owned()), Just("REQUEST_URI".to_owned()), Just("PATH_INFO".to_owned()),
            Just("QUERY_STRING".to_owned()), Just("SERVER_PROTOCOL".to_owned()), Just("SCRIPT_NAME".to_owned()),
            Just("REMOTE_ADDR".to_owned()), "HTTP_[A-Z_\u{fc}]{0,5}", "[A-Z]{1,3}",
        ],
        vec(any::<u8>(), 0..12),
    ), 0..12)) {
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), &value[..])).collect();
        let packet = packet(&pairs);
        let request = uwsgi::Request::decode(&Packet::decode(&packet).unwrap().0).unwrap();
        if let Ok(parts) = request_parts(&request) {
            for (name, value) in &parts.headers {
                prop_assert!(request.header_all(name.as_str()).any(|other| other == value.as_bytes()));
            }
            prop_assert_eq!(parts.method.as_str().as_bytes(), request.method_or_get());
            encoded(&parts, None).unwrap();
        }
    }
}
