//! `encode` of a URL.

use crate::{run, run_with, scratch};

/// Returns the pairs as `KEY=VALUE` lines, and the bytes after the packet.
fn sent(bytes: &[u8]) -> (Vec<String>, Vec<u8>) {
    let (packet, body) = uwsgi::Packet::decode(bytes).unwrap();
    let vars = packet.vars().unwrap();
    let pairs = vars.iter().map(|(key, value)| format!("{}={}", key.escape_ascii(), value.escape_ascii()));
    (pairs.collect(), body.to_vec())
}

fn encoded(arguments: &[&str]) -> (Vec<String>, String) {
    let (vars, body) = sent(&run(&[&["encode"], arguments].concat()).success());
    (vars, String::from_utf8(body).unwrap())
}

/// Returns the value of the only var of this key.
fn value<'v>(vars: &'v [String], key: &str) -> Option<&'v str> {
    let mut found = vars.iter().filter_map(|var| var.strip_prefix(key)?.strip_prefix('='));
    let first = found.next();
    assert_eq!(found.next(), None, "{key} twice in {vars:?}");
    first
}

#[test]
fn a_get_has_the_vars_of_nginx() {
    let (vars, body) = encoded(&["http://example.com/a%20b/%2f%c3%a4?x=%201&y#part"]);
    assert_eq!(
        vars,
        [
            "QUERY_STRING=x=%201&y",
            "REQUEST_METHOD=GET",
            "REQUEST_URI=/a%20b/%2f%c3%a4?x=%201&y",
            "PATH_INFO=/a b//\\xc3\\xa4",
            "SERVER_PROTOCOL=HTTP/1.1",
            "REQUEST_SCHEME=http",
            "REMOTE_ADDR=127.0.0.1",
            "SERVER_PORT=80",
            "SERVER_NAME=example.com",
            "HTTP_HOST=example.com",
            concat!("HTTP_USER_AGENT=uwsgictl/", env!("CARGO_PKG_VERSION")),
            "HTTP_ACCEPT=*/*",
            "CONTENT_LENGTH=0",
        ]
    );
    assert_eq!(body, "");
}

#[test]
fn urls_become_vars() {
    for (url, scheme, https, name, port, host, uri, path, query) in [
        ("http://a", "http", None, "a", "80", "a", "/", "/", ""),
        ("HTTPS://a.b", "https", Some("on"), "a.b", "443", "a.b", "/", "/", ""),
        ("http://a?q", "http", None, "a", "80", "a", "/?q", "/", "q"),
        ("http://a/?", "http", None, "a", "80", "a", "/?", "/", ""),
        ("http://a#f", "http", None, "a", "80", "a", "/", "/", ""),
        ("http://a:80/", "http", None, "a", "80", "a", "/", "/", ""),
        ("http://a:443/", "http", None, "a", "443", "a:443", "/", "/", ""),
        ("https://a:443/", "https", Some("on"), "a", "443", "a", "/", "/", ""),
        ("https://[::1]:8443/x", "https", Some("on"), "[::1]", "8443", "[::1]:8443", "/x", "/x", ""),
        ("http://a/%252e/../b//c;d=1", "http", None, "a", "80", "a", "/%252e/../b//c;d=1", "/%2e/../b//c;d=1", ""),
        ("http://a/%01%0d%zz%", "http", None, "a", "80", "a", "/%01%0d%zz%", "/\\x01\\r%zz%", ""),
    ] {
        let (vars, _) = encoded(&[url]);
        for (key, wanted) in [
            ("REQUEST_SCHEME", Some(scheme)),
            ("HTTPS", https),
            ("SERVER_NAME", Some(name)),
            ("SERVER_PORT", Some(port)),
            ("HTTP_HOST", Some(host)),
            ("REQUEST_URI", Some(uri)),
            ("PATH_INFO", Some(path)),
            ("QUERY_STRING", Some(query)),
            ("CONTENT_LENGTH", Some("0")),
            ("CONTENT_TYPE", None),
        ] {
            assert_eq!(value(&vars, key), wanted, "{key} of {url}");
        }
    }
}

#[test]
fn invalid_urls_are_refused() {
    for (url, what) in [
        ("http://", "the URL http:// cannot be read"),
        ("http:///x", "the URL http:///x"),
        ("http://a b/", "percent-encode spaces"),
        ("http://a/\n", "the URL http://a/\\x0a cannot be read"),
        ("http://a:99999/", "the URL http://a:99999/"),
        ("http://user:pw@a/", "has a user in it"),
        ("http://:80/", "the URL http://:80/"),
    ] {
        let result = run(&["encode", url]);
        assert_eq!((result.status, result.text()), (2, ""), "{url}");
        assert!(result.stderr.contains(what), "{what} in {}", result.stderr);
    }
}

#[test]
fn bodies_follow_the_rules_of_curl() {
    let directory = scratch("bodies");
    let file = directory.join("lines.txt");
    std::fs::write(&file, "one\r\ntwo\n\0").unwrap();
    let at = format!("@{}", file.to_str().unwrap());
    for (arguments, method, body) in [
        (&["-d", "a=1"][..], "POST", "a=1"),
        (&["-d", ""], "POST", ""),
        (&["-d", "a=1", "--data-raw", "@b", "-d", "-c"], "POST", "a=1&@b&-c"),
        (&["--data-binary", "x\r\n", "--data", "y", "--data-binary", "z"], "POST", "x\r\n&y&z"),
        (&["-d", &at], "POST", "onetwo"),
        (&["--data-binary", &at, "-X", "PUT"], "PUT", "one\r\ntwo\n\0"),
    ] {
        let (vars, sent) = encoded(&[&["http://a/"], arguments].concat());
        assert_eq!(sent, body);
        assert_eq!(value(&vars, "REQUEST_METHOD"), Some(method));
        assert_eq!(value(&vars, "CONTENT_LENGTH"), Some(&*body.len().to_string()));
        assert_eq!(value(&vars, "CONTENT_TYPE"), Some("application/x-www-form-urlencoded"));
        assert_eq!(value(&vars, "HTTP_CONTENT_LENGTH"), None);
    }
    let result = run_with(&["encode", "http://a/", "-d", "@-"], b"from\nstdin");
    assert_eq!(sent(&result.success()).1, b"fromstdin");
    let result = run(&["encode", "http://a/", "-d", "@/nowhere"]);
    assert_eq!(result.status, 2);
    assert!(result.stderr.starts_with("error: cannot read /nowhere: "), "{}", result.stderr);
}

#[test]
fn methods_are_checked() {
    for (arguments, method) in [(&["-I"][..], "HEAD"), (&["-X", "PURGE"], "PURGE"), (&["-I", "-X", "GET"], "GET")] {
        let (vars, _) = encoded(&[&["http://a/"], arguments].concat());
        assert_eq!(value(&vars, "REQUEST_METHOD"), Some(method));
    }
    for method in ["", "GE T", "G\r\n"] {
        let result = run(&["encode", "http://a/", "-X", method]);
        assert_eq!(result.status, 2);
        assert!(result.stderr.contains("REQUEST_METHOD is"), "{}", result.stderr);
    }
    // A pair sends the invalid method all the same.
    let (vars, _) = encoded(&["http://a/", "REQUEST_METHOD=GE T"]);
    assert_eq!(value(&vars, "REQUEST_METHOD"), Some("GE T"));
}

#[test]
fn headers_follow_the_rules_of_curl() {
    let (vars, body) = encoded(&[
        "http://a/",
        "-H",
        "X-Real-IP:  203.0.113.9\t",
        "-H",
        "X-Empty;",
        "-H",
        "accept:",
        "-H",
        "X-None:",
        "-H",
        "HOST: other:81",
        "-H",
        "X-Twice: 1",
        "-H",
        "X-Twice: a:b;",
        "-H",
        "Content-Type: text/plain",
        "-d",
        "hello",
    ]);
    assert_eq!(
        vars[9..],
        [
            concat!("HTTP_USER_AGENT=uwsgictl/", env!("CARGO_PKG_VERSION")),
            "CONTENT_LENGTH=5",
            "HTTP_X_REAL_IP=203.0.113.9",
            "HTTP_X_EMPTY=",
            "HTTP_HOST=other:81",
            "HTTP_X_TWICE=1",
            "HTTP_X_TWICE=a:b;",
            "CONTENT_TYPE=text/plain",
        ]
    );
    assert_eq!(body, "hello");
    let (vars, body) = encoded(&["http://a/", "-d", "hello", "-H", "Content-Length:", "-H", "Content-Type:"]);
    assert_eq!((value(&vars, "CONTENT_LENGTH"), value(&vars, "CONTENT_TYPE"), &*body), (None, None, "hello"));
    let (vars, body) = encoded(&["http://a/", "-H", "Content-Length:"]);
    assert_eq!((value(&vars, "CONTENT_LENGTH"), &*body), (None, ""));
}

#[test]
fn invalid_headers_are_refused() {
    for (header, what) in [
        ("Proxy: evil:80", "CVE-2016-5385"),
        ("X_Real_IP: 1", "a header name with _"),
        ("X-A: 1\r\nX-B: 2", "the value has CR, LF or NUL in it, at byte 1"),
        ("X A: 1", "the header's name is no token: byte 1"),
        (": 1", "the header's name is empty"),
        ("X-A", "neither 'Name: value', nor 'Name;'"),
        ("", "neither 'Name: value', nor 'Name;'"),
        ("Content-Length: 5, 5", "Content-Length is not a decimal number"),
    ] {
        let result = run(&["encode", "http://a/", "-H", header]);
        assert_eq!((result.status, result.text()), (2, ""), "{header}");
        assert!(
            result.stderr.starts_with("error: -H '") && result.stderr.contains(what),
            "{what} in {}",
            result.stderr
        );
    }
}

#[test]
fn pairs_replace_vars_and_come_last() {
    let (vars, body) = encoded(&[
        "SCRIPT_NAME=/app",
        "http://a/x",
        "-d",
        "12345",
        "PATH_INFO=",
        "CONTENT_LENGTH=99",
        "HTTP_PROXY=evil",
        "HTTP_HOST=b",
        "HTTP_HOST=c",
    ]);
    assert_eq!(vars.len(), 17);
    assert_eq!(
        vars[11..],
        ["SCRIPT_NAME=/app", "PATH_INFO=", "CONTENT_LENGTH=99", "HTTP_PROXY=evil", "HTTP_HOST=b", "HTTP_HOST=c"]
    );
    assert_eq!(value(&vars, "REQUEST_URI"), Some("/x"));
    assert_eq!(body, "12345");
    let bytes = run(&["encode", "--modifier1", "psgi", "--modifier2", "3", "http://a/", "A=1"]).success();
    assert_eq!((bytes[0], bytes[3]), (5, 3));
}

#[test]
fn a_request_that_does_not_fit_is_refused() {
    let long = format!("X-Long: {}", "x".repeat(65_000));
    let result = run(&["encode", "http://a/", "-H", &long, "-H", &long]);
    assert_eq!((result.status, result.text()), (2, ""));
    assert!(result.stderr.contains("-H 'X-Long': the payload would be"), "{}", result.stderr);
}
