//! Requests of `http` that are converted to vars.

use http::request::Parts;
use http::{Request, Version};
use uwsgi::Packet;
use uwsgi_tower::{MoreVars, Mount, VarsError, remove_connection_headers};

use crate::{encoded, packet, parts, var};

/// A target, a `Host`, and their vars.
#[test]
fn targets_become_vars() {
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
        ("http://a?x", None, ["/", "x", "/?x", "a", "80", "a"]),
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

/// Targets without a path, and paths with a NUL.
#[test]
fn targets_that_cannot_be_sent_are_errors() {
    for (target, expected) in [
        ("/a%00b", Err(VarsError::NulInPath)),
        ("/%00", Err(VarsError::NulInPath)),
        // The target of CONNECT (RFC 9112 section 3.2.3).
        ("example.com:443", Err(VarsError::AuthorityForm)),
        ("example.com", Err(VarsError::AuthorityForm)),
        ("http://example.com", Ok(&b"/"[..])),
        // These paths have no NUL.
        ("/a%0", Ok(b"/a%0")),
        ("/a%2500b", Ok(b"/a%00b")),
        ("/a?%00", Ok(b"/a")),
        ("/a%0Ab%zz", Ok(b"/a\nb%zz")),
    ] {
        let packet = encoded(&Request::get(target).body(()).unwrap().into_parts().0, None);
        let path = packet.as_deref().map(|packet| var(packet, "PATH_INFO").unwrap()).map_err(|error| *error);
        assert_eq!(path, expected, "{target}");
    }
}

/// A target, its `Host` headers, and `HTTP_HOST`, `SERVER_NAME` and `SERVER_PORT`.
#[test]
fn hosts_become_vars() {
    type Row = (&'static str, &'static [&'static [u8]], Result<[&'static str; 3], VarsError>);
    let rows: &[Row] = &[
        ("/", &[b"[::1]:81"], Ok(["[::1]:81", "[::1]", "81"])),
        ("/", &[b"[::1]"], Ok(["[::1]", "[::1]", "80"])),
        ("/", &[b"a_b.example"], Ok(["a_b.example", "a_b.example", "80"])),
        ("/", &[b"a:"], Ok(["a:", "a", "80"])),
        // This number is not a port.
        ("/", &[b"a:99999"], Ok(["a:99999", "a", "80"])),
        ("/", &[b""], Ok(["-", "localhost", "80"])),
        ("/", &[b"a", b"b"], Err(VarsError::TwoHosts)),
        ("/", &[b"a", b"a"], Err(VarsError::TwoHosts)),
        ("http://a/", &[b"a", b"a"], Err(VarsError::TwoHosts)),
        ("/", &[b"caf\xc3\xa9"], Err(VarsError::InvalidHost)),
        ("/", &[b"\xff"], Err(VarsError::InvalidHost)),
        ("/", &[b"a/b"], Err(VarsError::InvalidHost)),
        ("/", &[b"me@a"], Err(VarsError::InvalidHost)),
        ("/", &[b"a b"], Err(VarsError::InvalidHost)),
        ("http://a/", &[b"a b"], Err(VarsError::InvalidHost)),
    ];
    for (target, hosts, expected) in rows {
        let request = hosts.iter().fold(Request::get(*target), |request, host| request.header("Host", *host));
        let packet = encoded(&request.body(()).unwrap().into_parts().0, None);
        let got = packet.map(|packet| {
            let value = |key| String::from_utf8(var(&packet, key).unwrap_or(b"-").to_vec()).unwrap();
            ["HTTP_HOST", "SERVER_NAME", "SERVER_PORT"].map(value)
        });
        assert_eq!(got, expected.map(|values| values.map(str::to_owned)), "{target} {hosts:?}");
    }
}

/// Headers of a request from HTTP, a key, and the value of its var.
#[test]
fn headers_become_vars() {
    type Row = (&'static [(&'static str, &'static [u8])], &'static str, Option<&'static [u8]>);
    let rows: &[Row] = &[
        // Headers that are joined, and headers of which the last counts.
        (&[("Cookie", b"a=1"), ("Cookie", b"b=2")], "HTTP_COOKIE", Some(b"a=1; b=2")),
        (&[("X", b"1"), ("X", b"2")], "HTTP_X", Some(b"1, 2")),
        (&[("X", b"1"), ("X", b""), ("X", b"1"), ("X", b"2"), ("X", b"1")], "HTTP_X", Some(b"1, 2, 1")),
        (&[("X", b"1"), ("X", b"")], "HTTP_X", Some(b"1")),
        (&[("X", b""), ("X", b"")], "HTTP_X", Some(b"")),
        (&[("X", b"")], "HTTP_X", Some(b"")),
        (&[("Authorization", b"a"), ("Authorization", b"b")], "HTTP_AUTHORIZATION", Some(b"b")),
        (&[("X-Real-IP", b"a"), ("X-Real-IP", b"b")], "HTTP_X_REAL_IP", Some(b"b")),
        (&[("Content-Type", b"a"), ("Content-Type", b"b")], "CONTENT_TYPE", Some(b"b")),
        // Headers about the connection.
        (&[("Connection", b"x"), ("TE", b"x")], "HTTP_CONNECTION", None),
        (&[("TE", b"trailers")], "HTTP_TE", None),
        (&[("Expect", b"100-continue")], "HTTP_EXPECT", None),
        (&[("Content-Length", b"5")], "HTTP_CONTENT_LENGTH", None),
        // A client may list a header of the gateway.
        (&[("Connection", b"x-real-ip"), ("X-Real-IP", b"192.0.2.1")], "HTTP_X_REAL_IP", Some(b"192.0.2.1")),
        (&[("Connection", b"remote-user")], "REMOTE_USER", Some(b"alice")),
        (&[("Connection", b"x-mine"), ("X-Mine", b"theirs")], "HTTP_X_MINE", Some(b"mine")),
        // Upgrades.
        (&[("Connection", b"upgrade"), ("Upgrade", b"websocket")], "HTTP_UPGRADE", Some(b"websocket")),
        (&[("Connection", b"upgrade"), ("Upgrade", b"websocket")], "HTTP_CONNECTION", Some(b"upgrade")),
        (&[("Connection", b"upgrade"), ("Upgrade", b"h2c")], "HTTP_UPGRADE", None),
        (&[("Connection", b"upgrade"), ("Upgrade", b"websocket, H2C")], "HTTP_UPGRADE", None),
        (&[("Connection", b"upgrade"), ("Upgrade", b"h2c")], "HTTP_CONNECTION", None),
        (&[("Upgrade", b"h2c"), ("HTTP2-Settings", b"x")], "HTTP_HTTP2_SETTINGS", None),
        (&[("Upgrade", b"websocket"), ("HTTP2-Settings", b"x")], "HTTP_HTTP2_SETTINGS", None),
        // Headers that a server could mistake for others.
        (&[("Proxy", b"x")], "HTTP_PROXY", None),
        (&[("a_b", b"x")], "HTTP_A_B", None),
    ];
    for (headers, key, expected) in rows {
        let more = MoreVars::new().with("REMOTE_USER", "alice").with("HTTP_X_MINE", "mine");
        let request = headers
            .iter()
            .fold(Request::get("/").extension(more), |request, (name, value)| request.header(*name, *value));
        let packet = encoded(&request.body(()).unwrap().into_parts().0, Some(7)).unwrap();
        assert_eq!(var(&packet, key), *expected, "{headers:?}");
    }
}

/// Headers of a request from HTTP, and the headers that [`remove_connection_headers`] leaves.
#[test]
fn connection_headers_are_removed() {
    type Headers = &'static [(&'static str, &'static str)];
    let rows: &[(Headers, Headers)] = &[
        (&[("connection", "close, X-Hop"), ("x-hop", "1"), ("x", "1")], &[("x", "1")]),
        (&[("connection", "close"), ("connection", "x-hop"), ("x-hop", "1"), ("x-hop", "2")], &[]),
        (&[("connection", "cookie"), ("cookie", "a=1")], &[]),
        (&[("connection", "keep-alive, connection"), ("accept", "*/*")], &[("accept", "*/*")]),
        (&[("accept", "*/*")], &[("accept", "*/*")]),
        // RFC 9110 section 7.6.1 has no exception for these. But without them the message would mean something else.
        (&[("connection", "host"), ("host", "a")], &[("host", "a")]),
        (&[("connection", "content-length"), ("content-length", "7")], &[("content-length", "7")]),
        (&[("connection", "content-type"), ("content-type", "a")], &[("content-type", "a")]),
        // Upgrades.
        (
            &[("connection", "keep-alive, Upgrade, X-Hop"), ("upgrade", "websocket"), ("x-hop", "1")],
            &[("connection", "upgrade"), ("upgrade", "websocket")],
        ),
        (&[("connection", "upgrade"), ("upgrade", "h2c")], &[]),
        (&[("connection", "close"), ("upgrade", "websocket")], &[]),
        (&[("upgrade", "websocket")], &[]),
        (&[("connection", "upgrade")], &[]),
    ];
    for (headers, expected) in rows {
        let request = headers.iter().fold(Request::get("/"), |request, (name, value)| request.header(*name, *value));
        let mut parts = request.body(()).unwrap().into_parts().0;
        // A gateway may have several layers that call it.
        for _ in 0..2 {
            remove_connection_headers(&mut parts.headers);
            let mut left: Vec<_> =
                parts.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
            left.sort_unstable();
            assert_eq!(left, *expected, "{headers:?}");
        }
    }
}

/// A header of the gateway stays, even if the client's `Connection` lists its name.
#[test]
fn headers_that_a_layer_sets_stay() {
    let request = Request::get("/").header("Connection", "X-Real-IP, X-Hop").header("X-Hop", "1");
    let mut parts = request.header("X-Real-IP", "theirs").body(()).unwrap().into_parts().0;
    remove_connection_headers(&mut parts.headers);
    parts.headers.insert("X-Real-IP", "192.0.2.1".parse().unwrap());
    let packet = encoded(&parts, None).unwrap();
    let headers = ["HTTP_X_REAL_IP", "HTTP_X_HOP", "HTTP_CONNECTION"].map(|key| var(&packet, key));
    assert_eq!(headers, [Some(&b"192.0.2.1"[..]), None, None]);
}

/// A client could otherwise remove a header that the front end has set.
#[test]
fn a_connection_among_received_vars_removes_nothing() {
    let front_end: [(&str, &[u8]); 3] =
        [("HTTP_UPGRADE", b"x"), ("HTTP_CONNECTION", b"upgrade, x-user"), ("HTTP_X_USER", b"alice")];
    let packet = encoded(&parts(&packet(&front_end)).unwrap(), None).unwrap();
    assert_eq!(var(&packet, "HTTP_X_USER"), Some(&b"alice"[..]));
}

/// A mount, a target, and `SCRIPT_NAME`, `PATH_INFO` and `REQUEST_URI`.
#[test]
fn a_mount_splits_the_path() {
    type Row = (&'static str, &'static str, Result<[&'static str; 3], VarsError>);
    let rows: &[Row] = &[
        ("/app", "/app/x?y", Ok(["/app", "/x", "/app/x?y"])),
        ("/app", "/app", Ok(["/app", "", "/app"])),
        ("/app", "/app/", Ok(["/app", "/", "/app/"])),
        ("/app", "/%61pp/a%2Fb%20", Ok(["/app", "/a/b ", "/%61pp/a%2Fb%20"])),
        ("/my app", "/my%20app/x", Ok(["/my app", "/x", "/my%20app/x"])),
        ("/a/b", "http://example.com/a/b/c", Ok(["/a/b", "/c", "/a/b/c"])),
        ("/app", "/apple", Err(VarsError::OutsideMount)),
        ("/app", "/app%2Fx", Err(VarsError::OutsideMount)),
        ("/app", "/x/app", Err(VarsError::OutsideMount)),
        ("/app", "/App/x", Err(VarsError::OutsideMount)),
        ("/app", "/", Err(VarsError::OutsideMount)),
        ("/app", "*", Err(VarsError::OutsideMount)),
        ("/app", "example.com:443", Err(VarsError::AuthorityForm)),
        ("/app", "/app/%00", Err(VarsError::NulInPath)),
    ];
    for (mount, target, expected) in rows {
        let request = Request::get(*target).extension(Mount::new(*mount).unwrap()).body(()).unwrap();
        assert_eq!(target_vars(&request.into_parts().0), expected.map(|values| values.map(str::to_owned)), "{target}");
    }
}

/// The mount of a uwsgi server, another mount below it, a URI, and the same vars.
#[test]
fn a_mount_below_the_mount_of_a_uwsgi_server() {
    type Row = (&'static str, Option<&'static str>, &'static str, Result<[&'static str; 3], VarsError>);
    let rows: &[Row] = &[
        ("/app", None, "/x?y", Ok(["/app", "/x", "/app/x?y"])),
        // The URI does not include the mount, even if it begins with the same name.
        ("/app", None, "/app/x", Ok(["/app", "/app/x", "/app/app/x"])),
        ("/app", None, "/apple", Ok(["/app", "/apple", "/app/apple"])),
        ("/app", None, "*", Err(VarsError::OutsideMount)),
        ("/my app%", None, "/a%2Fb", Ok(["/my app%", "/a/b", "/my%20app%25/a%2Fb"])),
        ("/app", Some("/shop"), "/shop/x", Ok(["/app/shop", "/x", "/app/shop/x"])),
        ("/app", Some("/shop"), "/shop", Ok(["/app/shop", "", "/app/shop"])),
        ("/", Some("/shop"), "/shop/x", Ok(["/shop", "/x", "/shop/x"])),
        ("/app/", Some("/shop"), "/shop/x", Ok(["/app/shop", "/x", "/app/shop/x"])),
        ("/app", Some("/shop"), "/shopping", Err(VarsError::OutsideMount)),
    ];
    for (script_name, mount, target, expected) in rows {
        let mut parts = parts(&packet(&[("SCRIPT_NAME", script_name.as_bytes()), ("PATH_INFO", b"/")])).unwrap();
        parts.uri = target.parse().unwrap();
        if let Some(mount) = mount {
            parts.extensions.insert(Mount::new(*mount).unwrap());
        }
        assert_eq!(target_vars(&parts), expected.map(|values| values.map(str::to_owned)), "{script_name} {target}");
    }
}

/// `REQUEST_URI`, `SCRIPT_NAME` and `PATH_INFO` of a received request, a URI that a layer sets, and the vars that are sent on.
#[test]
fn a_received_request_uri_is_sent_on_if_it_still_fits() {
    type Row = ([&'static str; 3], Option<&'static str>, [&'static str; 3]);
    let rows: &[Row] = &[
        // REQUEST_URI as the client wrote it.
        (["/app/a%2Fb", "/app", "/a/b"], None, ["/app", "/a/b", "/app/a%2Fb"]),
        (["/%61pp/x?y=1", "/app", "/x"], None, ["/app", "/x", "/%61pp/x?y=1"]),
        (["/app/x?", "/app", "/x"], None, ["/app", "/x", "/app/x?"]),
        (["http://example.com/x", "", "/x"], None, ["", "/x", "http://example.com/x"]),
        // Mounts with an unusual spelling.
        (["/x", "/", "/x"], None, ["/", "/x", "/x"]),
        (["/a%2Fb", "/", "/a/b"], None, ["/", "/a/b", "/a%2Fb"]),
        (["/shop/x", "shop", "/x"], None, ["shop", "/x", "/shop/x"]),
        (["/app/x", "/app/", "/x"], None, ["/app/", "/x", "/app/x"]),
        // Another target.
        (["/old", "/app", "/new"], None, ["/app", "/new", "/app/new"]),
        (["/x", "/", "/x"], Some("/y"), ["/", "/y", "/y"]),
        (["/shop/x", "shop", "/x"], Some("/y"), ["shop", "/y", "/shop/y"]),
        (["/app/x", "/app/", "/x"], Some("/y?z"), ["/app/", "/y", "/app/y?z"]),
        (["/app/x", "/app", "/x"], Some("/x?z"), ["/app", "/x", "/app/x?z"]),
        // To a router, a decoded slash makes another path.
        (["/app/a%2Fb", "/app", "/a/b"], Some("/a/b"), ["/app", "/a/b", "/app/a/b"]),
        // A control byte is not sent on.
        (["http://a\u{1}b/x", "", "/x"], None, ["", "/x", "/x"]),
    ];
    for ([uri, mount, path], changed, expected) in rows {
        let query = uri.split_once('?').map_or("", |(_, query)| query);
        let mut pairs = vec![("REQUEST_URI", uri.as_bytes()), ("SCRIPT_NAME", mount.as_bytes())];
        pairs.extend([("PATH_INFO", path.as_bytes()), ("QUERY_STRING", query.as_bytes())]);
        let mut parts = parts(&packet(&pairs)).unwrap();
        if let Some(changed) = changed {
            parts.uri = changed.parse().unwrap();
        }
        assert_eq!(target_vars(&parts), Ok(expected.map(str::to_owned)), "{uri} {mount} {changed:?}");
    }
}

fn target_vars(parts: &Parts) -> Result<[String; 3], VarsError> {
    let packet = encoded(parts, None)?;
    let value = |key| String::from_utf8(var(&packet, key).unwrap().to_vec()).unwrap();
    Ok(["SCRIPT_NAME", "PATH_INFO", "REQUEST_URI"].map(value))
}

/// A var of `MoreVars` replaces all others of its name.
#[test]
fn more_vars_replace_others() {
    let more = MoreVars::new().with("REMOTE_USER", "bob").with("REMOTE_USER", "alice");
    let more = more.with("HTTP_X", "mine").with("SERVER_NAME", "here");
    let request = Request::get("/").header("X", "theirs").extension(more).body(()).unwrap();
    let packet = encoded(&request.into_parts().0, None).unwrap();
    let vars = Packet::decode(&packet).unwrap().0.vars().unwrap();
    for (key, value) in [("REMOTE_USER", &b"alice"[..]), ("HTTP_X", b"mine"), ("SERVER_NAME", b"here")] {
        assert_eq!(vars.get_all(key).collect::<Vec<_>>(), [value], "{key}");
    }
}

/// The status says whether the request or the program is at fault.
#[test]
fn vars_that_cannot_be_sent_are_errors() {
    let by_hand = |more: MoreVars| Request::get("/").extension(more).body(()).unwrap().into_parts().0;
    let received = |key: &str, value: &[u8]| parts(&packet(&[(key, value)])).unwrap();
    let more = MoreVars::new();
    let long = "x".repeat(65_536);
    let rows = [
        ("a long header", Request::get("/").header("X", &*long).body(()).unwrap().into_parts().0, 431),
        ("a long path", Request::get(["/", &"x".repeat(65_000)].concat()).body(()).unwrap().into_parts().0, 431),
        ("a key that came, with a line end", received("MY\nPARAM", b"a"), 400),
        ("a header of our own, with a line end", by_hand(more.clone().with("HTTP_X", "a\r\nb")), 500),
        ("an empty key", by_hand(more.clone().with("", "a")), 500),
        ("a length that is not a number", by_hand(more.clone().with("CONTENT_LENGTH", "many")), 500),
        ("the header Proxy", by_hand(more.clone().with("HTTP_PROXY", "a")), 500),
        ("a value that no packet holds", by_hand(more.clone().with("MY_PARAM", &*long)), 500),
        ("a value beside others that do not fit", by_hand(more.with("MY_PARAM", "x".repeat(65_400))), 431),
    ];
    for (name, parts, status) in rows {
        let error = encoded(&parts, None).unwrap_err();
        assert_eq!(error.status(), status, "{name}: {error}");
        let begin = match status {
            431 => "the request's vars do not fit into a packet: ",
            400 => "a var or header of the request may not be sent: ",
            _ => "a var of MoreVars cannot be sent: ",
        };
        assert!(format!("{error:#}").starts_with(begin), "{name}: {error:#}");
        assert!(core::error::Error::source(&error).is_some(), "{name}");
    }
}

#[test]
fn versions_become_vars() {
    for (version, expected) in [
        (Version::HTTP_09, &b"HTTP/0.9"[..]),
        (Version::HTTP_10, b"HTTP/1.0"),
        (Version::HTTP_11, b"HTTP/1.1"),
        (Version::HTTP_2, b"HTTP/2.0"),
        (Version::HTTP_3, b"HTTP/3.0"),
    ] {
        let packet = encoded(&Request::get("/").version(version).body(()).unwrap().into_parts().0, None).unwrap();
        assert_eq!(var(&packet, "SERVER_PROTOCOL"), Some(expected), "{version:?}");
    }
}

#[test]
fn a_mount_is_a_path() {
    for path in ["/shop", "/my shop", "/a/b"] {
        assert_eq!(Mount::new(path).unwrap().as_str(), path);
    }
    for path in ["", "/", "shop", "/shop/", "/sh\0p"] {
        assert!(Mount::new(path).unwrap_err().to_string().starts_with("a mount begins with a slash"), "{path:?}");
    }
}
