//! Vars that are converted to requests of `http`.

use http::Version;
use uwsgi::Modifier1;
use uwsgi_tower::{Modifiers, RemoteAddr, RequestUri, Scheme, ScriptName, Vars};

use crate::{packet, parts};

/// `REQUEST_URI`, `SCRIPT_NAME`, `PATH_INFO`, `QUERY_STRING`, and the URI of the request. The tests of the core have more rows.
/// These are about `http`.
const TARGETS: &[[&str; 5]] = &[
    // nginx and lighttpd normalise PATH_INFO. The normalised path counts.
    ["/a%2Fb/%41?x=%20", "", "/a/b/A", "x=%20", "/a%2Fb/%41?x=%20"],
    ["/a/../b//c", "", "/b/c", "", "/b/c"],
    ["//a.example/b", "", "/a.example/b", "", "/a.example/b"],
    // A subrequest of auth_request, and `set $args`.
    ["/secret?a", "", "/auth", "a", "/auth?a"],
    ["/a?b", "", "/a", "c", "/a?c"],
    // A mount.
    ["/shop/a%2Fb?x", "/shop", "/a/b", "x", "/a%2Fb?x"],
    ["/shop", "/shop", "", "", "/"],
    // Bytes above ASCII.
    ["/%c3%bc", "", "/\u{fc}", "", "/%c3%bc"],
    ["/\u{fc}?\u{fc}", "", "/\u{fc}", "\u{fc}", "/\u{fc}?\u{fc}"],
    ["", "", "/\u{fc}?#", "#", "/%C3%BC%3F%23?%23"],
    // A percent sign without two hexadecimal digits.
    ["/100%", "", "/100%", "", "/100%25"],
    ["", "", "/100% %20", "100%", "/100%25%20%2520?100%"],
    // Queries.
    ["/a?b?c", "", "/a", "b?c", "/a?b?c"],
    ["/?", "", "/", "", "/"],
    ["", "", "", "a=b", "/?a=b"],
    ["", "", "/a b", "c d", "/a%20b?c%20d"],
    ["/a", "", "/a", "u=/a\nb", "/a?u=/a%0Ab"],
    // Other forms.
    ["http://example.com/a%20b?c", "", "/a b", "c", "/a%20b?c"],
    ["http://", "", "/", "", "/"],
    ["*", "", "*", "", "*"],
    ["*", "", "/", "", "/"],
    ["", "", "", "", "/"],
    ["", "", "a", "", "/a"],
    // Targets that `http` does not accept as they are.
    ["/a b", "", "/a b", "", "/a%20b"],
    ["/a\u{1}b", "", "/", "", "/"],
    ["/a#b", "", "/a", "", "/a"],
    ["/a\u{7f}", "", "/", "", "/"],
    ["/<a>`", "", "/<a>`", "", "/%3Ca%3E%60"],
];

#[test]
fn targets_become_uris() {
    for [uri, mount, path, query, expected] in TARGETS {
        let packet = packet(&[
            ("REQUEST_URI", uri.as_bytes()),
            ("SCRIPT_NAME", mount.as_bytes()),
            ("PATH_INFO", path.as_bytes()),
            ("QUERY_STRING", query.as_bytes()),
        ]);
        assert_eq!(parts(&packet).unwrap().uri, *expected, "{uri} {path} {query}");
    }
}

#[test]
fn server_protocol_becomes_the_version() {
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
fn vars_become_headers() {
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

/// Equal values are accepted, and become one header.
#[test]
fn repeated_lengths_become_one_header() {
    let packet = packet(&[("CONTENT_LENGTH", b"5"), ("CONTENT_LENGTH", b"5"), ("HTTP_CONTENT_LENGTH", b"5")]);
    let parts = parts(&packet).unwrap();
    assert_eq!(parts.headers.get_all("content-length").iter().collect::<Vec<_>>(), ["5"]);
}

#[test]
fn an_upgrade_keeps_its_headers() {
    let parts = parts(&packet(&[("HTTP_CONNECTION", b"Upgrade"), ("HTTP_UPGRADE", b"websocket")])).unwrap();
    assert_eq!(
        (&parts.headers["connection"], &parts.headers["upgrade"]),
        (&"Upgrade".parse().unwrap(), &"websocket".parse().unwrap())
    );
}

/// `http` does not accept them. A server has refused values with line ends before.
#[test]
fn values_with_a_control_byte_are_only_in_the_vars() {
    let vars: [(&str, &[u8]); 4] =
        [("HTTP_X", b"a\x01b"), ("HTTP_Y", b"\x7f"), ("HTTP_Z", b"a\r\nb"), ("HTTP_TAB", b"a\tb")];
    let parts = parts(&packet(&vars)).unwrap();
    assert_eq!(parts.headers.keys().collect::<Vec<_>>(), ["tab"]);
    assert_eq!(parts.extensions.get::<Vars>().unwrap().as_vars().get("HTTP_X"), Some(&b"a\x01b"[..]));
}

#[test]
fn invalid_vars_are_errors() {
    // Each space is three bytes when it is encoded, and `http` takes at most 65,534 bytes.
    let long = [&b"/"[..], &[b' '; 30_000]].concat();
    for (key, value, expected) in [
        ("REQUEST_METHOD", &b"G T"[..], "REQUEST_METHOD is no method"),
        ("PATH_INFO", &long, "the request's target cannot be read: uri too long"),
    ] {
        let error = parts(&packet(&[(key, value)])).unwrap_err();
        assert_eq!(format!("{error:#}"), expected);
        let source = core::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(source.as_deref(), expected.strip_prefix("the request's target cannot be read: "), "{key}");
    }
}

#[test]
fn vars_become_extensions() {
    let mut packet = packet(&[
        ("SCRIPT_NAME", b"/app"),
        ("PATH_INFO", b"/x"),
        ("REQUEST_URI", b"/app/x?y"),
        ("REMOTE_ADDR", b"::ffff:10.0.0.5"),
        ("REMOTE_PORT", b"40001"),
        ("HTTPS", b"on"),
        ("X", b"\xff"),
    ]);
    (packet[0], packet[3]) = (5, 7);
    let parts = parts(&packet).unwrap();
    assert_eq!(parts.extensions.get::<ScriptName>().unwrap().as_bytes(), b"/app");
    assert_eq!(parts.extensions.get::<RequestUri>().unwrap().as_bytes(), b"/app/x?y");
    let client = RemoteAddr::new("10.0.0.5".parse().unwrap()).with_port(40001);
    assert_eq!(parts.extensions.get::<RemoteAddr>(), Some(&client));
    assert_eq!(parts.extensions.get::<Scheme>(), Some(&Scheme::Https));
    let modifiers = Modifiers { modifier1: Modifier1::PSGI, modifier2: 7 };
    assert_eq!(parts.extensions.get::<Modifiers>(), Some(&modifiers));
    assert_eq!(parts.extensions.get::<Vars>().unwrap().as_vars().get("X"), Some(&b"\xff"[..]));
    let bare =
        self::parts(&self::packet(&[("SCRIPT_NAME", b""), ("REQUEST_URI", b""), ("REMOTE_ADDR", b"unix:")])).unwrap();
    assert!(bare.extensions.get::<ScriptName>().is_none() && bare.extensions.get::<RemoteAddr>().is_none());
    assert!(bare.extensions.get::<RequestUri>().is_none());
    assert_eq!(bare.extensions.get::<Scheme>(), Some(&Scheme::Http));
}
