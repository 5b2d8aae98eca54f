//! The target of a request: the path and query that the front end decided. They are spelled as the client wrote them if
//! that is the same path.

use crate::rows::{Input, Pairs, Sees, latin1, run};
use uwsgi::{Packet, Request, RequestUri, is_request_uri_of};
use uwsgi_tests::vectors;
use uwsgi_tests::{naive, naive_cgi};

const NGINX: &str = "nginx 1.22: REQUEST_URI is the client's, PATH_INFO is $document_uri";
const REWRITE: &str = "nginx 1.22 ngx_http_rewrite_module";
const SUBREQUEST: &str = "nginx 1.22: a subrequest has the main request's $request_uri";
const REDIRECT: &str = "nginx 1.22: an internal redirect leaves $request_uri";
const ARGS: &str = "nginx 1.22: `set $args` changes QUERY_STRING alone";
const MOUNT: &str = "PEP 3333, SCRIPT_NAME and PATH_INFO";
const LIGHTTPD: &str = "lighttpd 1.4.69 mod_scgi without fix-root-scriptname";
const ROUTER: &str = "uWSGI 2.0.31 --http: an absolute target is in PATH_INFO too";
const APACHE: &str = "Apache 2.4.71 mod_proxy_uwsgi: an absolute target is in REQUEST_URI";
const ODD: &str = "RFC 3986 section 2.1";
const FORMS: &str = "RFC 9112 section 3.2";

struct Row {
    name: &'static str,
    vars: Pairs,
    target: &'static str,
    mount: &'static str,
    source: &'static str,
}

/// Name, REQUEST_URI, SCRIPT_NAME, PATH_INFO, QUERY_STRING (`-` is absent), the target, the mount, source.
macro_rules! rows {
    ($($name:literal $vars:expr => $target:literal below $mount:literal, $source:expr;)*) => {
        const ROWS: &[Row] = &[$(Row { name: $name, vars: $vars, target: $target, mount: $mount, source: $source }),*];
    };
}

/// REQUEST_URI, PATH_INFO and QUERY_STRING, as in uwsgi_params.
macro_rules! v {
    ($uri:literal, $path:literal, $query:literal) => {
        &[("REQUEST_URI", $uri), ("PATH_INFO", $path), ("QUERY_STRING", $query)]
    };
    ($uri:literal, $script:literal + $path:literal, $query:literal) => {
        &[("REQUEST_URI", $uri), ("SCRIPT_NAME", $script), ("PATH_INFO", $path), ("QUERY_STRING", $query)]
    };
}

rows! {
    // The client's spelling, if it is the same path.
    "plain" v!("/a/b?x=1", "/a/b", "x=1") => "/a/b?x=1" below "", NGINX;
    "encoded" v!("/a%20b%2Fc?x=%20", "/a b/c", "x=%20") => "/a%20b%2Fc?x=%20" below "", NGINX;
    "needless-encoding" v!("/%61%2d", "/a-", "") => "/%61%2d" below "", NGINX;
    "encoded-percent" v!("/a%252Fb", "/a%2Fb", "") => "/a%252Fb" below "", NGINX;
    "encoded-nul" v!("/a%00b", "/a\0b", "") => "/a%00b" below "", ODD;
    "bytes-above-ascii" v!("/caf\u{e9}", "/caf\u{e9}", "") => "/caf\u{e9}" below "", NGINX;
    "encoded-above-ascii" v!("/%E2%82%AC", "/\u{e2}\u{82}\u{ac}", "") => "/%E2%82%AC" below "", NGINX;
    "reserved" v!("/a;b=c,d:e@f&g!$'()*+~", "/a;b=c,d:e@f&g!$'()*+~", "") => "/a;b=c,d:e@f&g!$'()*+~" below "", ODD;
    "not-allowed-but-written" v!("/a|b\\c^d`e{f}[g]", "/a|b\\c^d`e{f}[g]", "") => "/a|b\\c^d`e{f}[g]" below "", ODD;
    "space-and-quotes-written" v!("/a b\"<c>", "/a b\"<c>", "") => "/a%20b%22%3Cc%3E" below "", ODD;
    "two-slashes" v!("/a//b", "/a//b", "") => "/a//b" below "", ROUTER;
    "begins-with-two-slashes" v!("//a/b", "//a/b", "") => "//a/b" below "", ROUTER;
    "dots" v!("/a/../b/.", "/a/../b/.", "") => "/a/../b/." below "", ROUTER;

    // The front end has normalized the path: the target is the routed path.
    "slashes-merged" v!("/a//b", "/a/b", "") => "/a/b" below "", NGINX;
    "dots-removed" v!("/a/../b", "/b", "") => "/b" below "", NGINX;
    "encoded-dots-removed" v!("/a/%2E%2E/b", "/b", "") => "/b" below "", NGINX;
    "tidied-and-encoded" v!("/x/../a%2Fb c?", "/a/b c", "") => "/a/b%20c" below "", NGINX;
    "fragment" v!("/a#b", "/a", "") => "/a" below "", NGINX;
    "fragment-kept" v!("/a#b", "/a#b", "") => "/a%23b" below "", ODD;
    "fragment-in-query" v!("/a?b#c", "/a", "b#c") => "/a?b%23c" below "", ODD;

    // Percent signs without two digits after them.
    "no-digits" v!("/a%zz", "/a%zz", "") => "/a%25zz" below "", ODD;
    "one-digit" v!("/a%4", "/a%4", "") => "/a%254" below "", ODD;
    "sign-at-the-end" v!("/a%", "/a%", "") => "/a%25" below "", ODD;
    "good-then-bad" v!("/%61%zz", "/a%zz", "") => "/a%25zz" below "", ODD;

    // Decided by the front end.
    "auth-request" v!("/secret?x=1", "/auth", "") => "/auth" below "", SUBREQUEST;
    "auth-request-with-query" v!("/secret?x=1", "/auth", "x=1") => "/auth?x=1" below "", SUBREQUEST;
    "mirror" v!("/page", "/mirror", "") => "/mirror" below "", SUBREQUEST;
    "rewrite" v!("/old/1", "/new/1", "") => "/new/1" below "", REWRITE;
    "rewrite-to-odd-bytes" v!("/old", "/a b%?#`{}\u{e9}", "") => "/a%20b%25%3F%23%60%7B%7D%E9" below "", REWRITE;
    "error-page" v!("/missing?x", "/errors/404", "x") => "/errors/404?x" below "", REDIRECT;
    "try-files" v!("/a/b", "/index", "q=/a/b") => "/index?q=/a/b" below "", REDIRECT;
    "accel-redirect" v!("/download?id=1", "/files/1", "") => "/files/1" below "", REDIRECT;
    "accel-redirect-same-path" v!("/page?a=1", "/page", "b=2") => "/page?b=2" below "", REDIRECT;
    "no-slash" v!("/shop/cart", "cart", "") => "/cart" below "", REWRITE;
    "no-slash-and-empty" v!("/shop/", "", "") => "/" below "", REWRITE;
    "rewritten-to-a-star" v!("/*", "*", "x") => "/*?x" below "", REWRITE;
    "rewritten-to-an-absolute" v!("/shop/http://a/b", "http://a/b", "") => "/http://a/b" below "", REWRITE;

    // The query.
    "args-set" v!("/a?x=1", "/a", "y=2") => "/a?y=2" below "", ARGS;
    "args-added" v!("/a", "/a", "y=2") => "/a?y=2" below "", ARGS;
    "args-stripped" v!("/a?x=1", "/a", "") => "/a" below "", REWRITE;
    "args-with-line-feed" v!("/a%0Ab", "/a\nb", "u=/a\nb") => "/a%0Ab?u=/a%0Ab" below "", ARGS;
    "args-with-control-bytes" v!("/a", "/a", "\0\r\n\t \u{7f}\"<>") => "/a?%00%0D%0A%09%20%7F%22%3C%3E" below "", ARGS;
    "args-as-written" v!("/a?`{}|\\^[]%zz\u{e9}?", "/a", "`{}|\\^[]%zz\u{e9}?") => "/a?`{}|\\^[]%zz\u{e9}?" below "", ODD;
    "mark-alone" v!("/p?", "/p", "") => "/p" below "", NGINX;
    "two-marks" v!("/p??", "/p", "?") => "/p??" below "", NGINX;
    "query-var-absent" &[("REQUEST_URI", "/a?x=1"), ("PATH_INFO", "/a")] => "/a?x=1" below "", ODD;
    "query-var-absent-rewritten" &[("REQUEST_URI", "/a?x=1"), ("PATH_INFO", "/b")] => "/b?x=1" below "", ODD;
    "query-alone" &[("QUERY_STRING", "x=1")] => "/?x=1" below "", ODD;

    // Mounts.
    "mount" v!("/shop/cart%20x?y", "/shop" + "/cart x", "y") => "/cart%20x?y" below "/shop", MOUNT;
    "mount-rewritten" v!("/shop/cart", "/shop" + "/basket", "") => "/basket" below "/shop", MOUNT;
    "mount-itself" v!("/shop", "/shop" + "", "") => "/" below "/shop", MOUNT;
    "mount-itself-with-query" v!("/shop?x", "/shop" + "", "x") => "/?x" below "/shop", MOUNT;
    "mount-with-slash" v!("/shop/", "/shop" + "/", "") => "/" below "/shop", MOUNT;
    "mount-encoded" v!("/%73hop/a%2Fb", "/shop" + "/a/b", "") => "/a%2Fb" below "/shop", MOUNT;
    "mount-with-encoded-slash" v!("/a%2Fb/c", "/a/b" + "/c", "") => "/c" below "/a/b", MOUNT;
    "mount-ends-before-encoded-slash" v!("/shop%2Fcart", "/shop" + "/cart", "") => "/cart" below "/shop", MOUNT;
    "mount-is-not-a-prefix" v!("/other/cart", "/shop" + "/cart", "") => "/cart" below "/shop", MOUNT;
    "mount-ends-inside-a-segment" v!("/apple", "/app" + "le", "") => "/le" below "/app", MOUNT;
    "mount-two-segments" v!("/a/b/c/d", "/a/b" + "/c/d", "") => "/c/d" below "/a/b", MOUNT;
    "mount-is-a-slash" v!("/a", "/" + "/a", "") => "/a" below "/", MOUNT;
    "mount-is-a-slash-encoded" v!("/a%2Fb", "/" + "/a/b", "") => "/a%2Fb" below "/", MOUNT;
    "mount-without-slash" v!("/shop/a%2Fb", "shop" + "/a/b", "") => "/a%2Fb" below "shop", MOUNT;
    "mount-with-slashes" v!("/app/a%2Fb", "/app/" + "/a/b", "") => "/a%2Fb" below "/app/", MOUNT;
    "mount-ends-in-a-slash" v!("/app/a", "/app/" + "a", "") => "/a" below "/app/", MOUNT;
    "mount-and-star" v!("*", "/app" + "*", "") => "/*" below "/app", MOUNT;

    // PATH_INFO is absent.
    "no-path-info" &[("REQUEST_URI", "/a%zz//b/../c?x")] => "/a%zz//b/../c?x" below "", "nginx: a location without uwsgi_params";
    "no-path-info-odd-bytes" &[("REQUEST_URI", "/a b#c")] => "/a%20b%23c" below "", ODD;
    "no-path-info-empty-mount" &[("REQUEST_URI", "/a"), ("SCRIPT_NAME", "")] => "/a" below "", ODD;
    "lighttpd-one-segment" &[("REQUEST_URI", "/page%20x?y"), ("SCRIPT_NAME", "/page x"), ("QUERY_STRING", "y")]
        => "/page%20x?y" below "", LIGHTTPD;
    "lighttpd-one-segment-rewritten" &[("REQUEST_URI", "/old"), ("SCRIPT_NAME", "/new page")] => "/new%20page" below "", LIGHTTPD;
    // The request looks the same as one with a mount.
    "lighttpd-two-segments" v!("/app/page", "/app" + "/page", "") => "/page" below "/app", LIGHTTPD;
    "nothing" &[] => "/" below "", ODD;
    "uri-empty" v!("", "/a", "") => "/a" below "", ODD;
    "everything-empty" v!("", "", "") => "/" below "", ODD;

    // Absolute and other forms.
    "absolute-apache" v!("http://app.example/a%20b?x", "/a b", "x") => "/a%20b?x" below "", APACHE;
    "absolute-router" v!("http://app.example/a%20b?x", "http://app.example/a b", "x") => "/a%20b?x" below "", ROUTER;
    "absolute-upper-case" v!("HTTPS://app.example/a", "HTTPS://app.example/a", "") => "/a" below "", FORMS;
    // The authority of both has the same decoded bytes.
    "absolute-router-slash-in-host" v!("http://a%2Fb/c", "http://a/b/c", "") => "/c" below "", ROUTER;
    "absolute-router-slash-in-host-alone" v!("http://a%2Fb?x", "http://a/b", "x") => "/?x" below "", ROUTER;
    "absolute-router-hash-in-host" v!("http://a%23b/c%2Fd", "http://a#b/c/d", "") => "/c%2Fd" below "", ROUTER;
    "absolute-router-other-host" v!("http://a/c", "http://ab/c", "") => "/c" below "", ROUTER;
    "absolute-router-other-host-slash" v!("http://a%2Fb/c", "http://a/bc/c", "") => "/bc/c" below "", ROUTER;
    "absolute-router-host-not-decodable" v!("http://a%zz/c", "http://a%zz/c", "") => "/c" below "", ROUTER;
    "absolute-without-path" v!("http://app.example", "http://app.example", "") => "/" below "", FORMS;
    "absolute-without-path-apache" v!("http://app.example", "/", "") => "/" below "", APACHE;
    "absolute-without-path-query" v!("http://app.example?x=1", "http://app.example", "x=1") => "/?x=1" below "", FORMS;
    "absolute-rewritten" v!("http://app.example/a", "/b", "") => "/b" below "", APACHE;
    "absolute-mount" v!("http://app.example/shop/a%2Fb", "/shop" + "/a/b", "") => "/a%2Fb" below "/shop", APACHE;
    "absolute-user-and-port" v!("http://u:p@app.example:80/a", "/a", "") => "/a" below "", FORMS;
    "absolute-no-path-info" &[("REQUEST_URI", "http://app.example/a?x")] => "/a?x" below "", FORMS;
    "absolute-of-another-scheme" v!("ftp://app.example/a", "/a", "") => "/a" below "", FORMS;
    "absolute-of-another-scheme-in-both" v!("ftp://a/b", "ftp://a/b", "") => "/ftp://a/b" below "", FORMS;
    "star" v!("*", "*", "") => "*" below "", FORMS;
    "star-alone" &[("REQUEST_URI", "*")] => "*" below "", FORMS;
    "star-without-uri" &[("PATH_INFO", "*")] => "*" below "", FORMS;
    "star-has-no-query" v!("*", "*", "x") => "*" below "", FORMS;
    "star-and-path" v!("*", "/a", "") => "/a" below "", FORMS;
    "authority" v!("app.example:443", "app.example:443", "") => "/app.example:443" below "", FORMS;
    "authority-alone" &[("REQUEST_URI", "app.example:443")] => "/app.example:443" below "", FORMS;
}

#[test]
fn targets() {
    run(
        "targets",
        ROWS,
        |row| (row.name, [row.source; 3]),
        |row| {
            let bytes = Input::Vars(row.vars).bytes();
            let (packet, _) = Packet::decode(&bytes).unwrap();
            let request = Request::decode(&packet).unwrap();
            let mut wrong: Vec<String> =
                Sees::Target(row.target, row.mount).disagreement(&request, b"").into_iter().collect();
            // The log line has the mount too, and no byte that breaks the line.
            if !request.target().from_root().to_string().bytes().all(|byte| byte.is_ascii_graphic()) {
                wrong.push(format!("{} would break a log line", request.target().from_root()));
            }
            let pairs: Vec<_> = row.vars.iter().map(|(key, value)| (latin1(key), latin1(value))).collect();
            let naive = naive_cgi::target(&pairs);
            let query = naive.query.iter().flat_map(|query| [b"?", &query[..]].concat());
            if !naive.path.iter().copied().chain(query).eq(latin1(row.target)) || naive.mount != latin1(row.mount) {
                wrong.push("the naive view disagrees".to_owned());
            }
            wrong
        },
    );
}

/// A middleware that mounts changes the target too.
#[test]
fn mounted_by_a_middleware() {
    let bytes = Input::Vars(v!("/blog/a%2Fb?x", "/blog/a/b", "x")).bytes();
    let (packet, _) = Packet::decode(&bytes).unwrap();
    let request = Request::decode(&packet).unwrap();
    assert_eq!(request.target().to_string(), "/blog/a%2Fb?x");
    let target = request.with_mount(b"/blog", b"/a/b").target();
    assert_eq!((target.to_string(), target.from_root().to_string()), ("/a%2Fb?x".into(), "/blog/a%2Fb?x".into()));
}

/// REQUEST_URI, SCRIPT_NAME, PATH_INFO, the target from the root, and whether REQUEST_URI belongs to that target.
const FROM_ROOT: &[(&str, &str, &str, &str, bool)] = &[
    ("/a?x", "", "/a", "/a?x", true),
    ("/shop/a%2Fb?x", "/shop", "/a/b", "/shop/a%2Fb?x", true),
    ("/%73hop/a?x", "/shop", "/a", "/shop/a?x", true),
    ("http://app.example/shop/a?x", "/shop", "/a", "/shop/a?x", true),
    ("/my%20shop/a?x", "/my shop", "/a", "/my%20shop/a?x", true),
    // Mounts that PEP 3333 does not allow, but that a line `uwsgi_param SCRIPT_NAME` may have.
    ("/a%2Fb?x", "/", "/a/b", "/a%2Fb?x", true),
    ("/shop/a?x", "shop", "/a", "/shop/a?x", true),
    ("/app/a?x", "/app/", "/a", "/app/a?x", true),
    ("/app/a?x", "/app/", "a", "/app/a?x", true),
    ("/a?x", "//", "/a", "/a?x", true),
    // Another target: a rewrite, another query, another mount.
    ("/old?x", "/shop", "/new", "/shop/new?x", false),
    ("/a?y", "", "/a", "/a?x", false),
    ("/a", "", "/a", "/a?x", false),
    ("/apple?x", "/app", "le", "/app/le?x", false),
    ("/shop?x", "/shop", "", "/shop/?x", false),
    ("http://app\r\nexample/a?x", "", "/a", "/a?x", false),
    ("", "/shop", "/a", "/shop/a?x", false),
];

#[test]
fn from_root() {
    for (uri, mount, path, expected, is_its_uri) in FROM_ROOT {
        let pairs = [("REQUEST_URI", *uri), ("SCRIPT_NAME", *mount), ("PATH_INFO", *path), ("QUERY_STRING", "x")];
        let packet = naive::encode_packet(0, 0, &naive::encode_vars(&pairs).unwrap()).unwrap();
        let (packet, _) = Packet::decode(&packet).unwrap();
        let target = Request::decode(&packet).unwrap().target();
        assert_eq!(target.from_root().to_string(), *expected, "{uri} {mount}");
        let target = target.bytes().collect::<Vec<u8>>();
        assert_eq!(is_request_uri_of(uri.as_bytes(), mount.as_bytes(), &target), *is_its_uri, "{uri} {mount}");
    }
}

/// Captures whose target differs from the client's: the capture, its target, its mount.
const CAPTURES: &[(&str, &str, &str)] = &[
    ("apache/absolute-form", "/abs?a=1", ""),
    ("apache/query-empty", "/p", ""),
    ("apache/tcp", "/x?y", "/tcp"),
    ("apache-mod_Ruwsgi/query-empty", "/p", ""),
    ("apache-mod_uwsgi/modifiers-5-7", "/x", "/mod"),
    ("apache-mod_uwsgi/query-empty", "/p", ""),
    ("lighttpd/delete", "/1", "/thing"),
    ("lighttpd/get-browser", "/page?id=42", "/app"),
    ("lighttpd/path-bad-percent", "/a%25zz", ""),
    ("lighttpd/path-encoded", "/b%20c%25d/f;p=1?g=%2F+%20", "/a"),
    ("lighttpd/path-percent", "/f?g=%2F+%20", "/a b%c?d#e"),
    ("lighttpd/path-utf8-raw", "/caf%C3%A9?q=%C3%A9", ""),
    ("lighttpd/path-utf8", "/%E2%9C%93?q=%C3%A9", "/caf\\xc3\\xa9"),
    ("lighttpd/propfind", "/", "/dav"),
    ("lighttpd/query-empty", "/p", ""),
    ("nginx/params-extra", "/extra/?b=%ff", "/extra"),
    ("nginx/path-encoded", "/a/b%20c%25d/f;p=1?g=%2F+%20", ""),
    ("nginx/query-empty", "/p", ""),
    ("uwsgi-http/absolute-form", "/abs?a=1", ""),
    ("uwsgi-http/path-bad-percent", "/a%00", ""),
    ("uwsgi-http/path-encoded", "/a/b%20c%25d//f;p=1?g=%2F+%20", ""),
    ("uwsgi-http/query-empty", "/p", ""),
    ("uwsgi-http-debian/path-encoded", "/a/b%20c%25d//f;p=1?g=%2F+%20", ""),
    ("uwsgi-tools/proxy-path-percent", "/a%20b%25c%3Fd%23e/f?g=%2F+%20", ""),
];

/// The target of every other capture is its `REQUEST_URI`.
#[test]
fn captures() {
    let (mut as_sent, mut others) = (0, Vec::new());
    for capture in vectors::captures() {
        for packet in &capture.packets {
            let Ok((packet, _)) = Packet::decode(&capture.bytes[packet.offset..]) else { continue };
            let Ok(request) = Request::decode(&packet) else { continue };
            let Some(uri) = request.request_uri() else { continue };
            let target = request.target();
            if target.bytes().eq(uri.iter().copied()) && target.mount().is_empty() {
                as_sent += 1;
            } else {
                others.push((capture.name.clone(), target.to_string(), target.mount().escape_ascii().to_string()));
            }
        }
    }
    others.dedup();
    let expected =
        CAPTURES.iter().map(|(name, target, mount)| (name.to_string(), target.to_string(), mount.to_string()));
    assert!(expected.eq(others.iter().cloned()), "{others:#?}");
    assert!(as_sent > 250, "{as_sent}");
}

/// A `REQUEST_URI`, its path as it is written, its path decoded, its query (`-`: there is none).
const URIS: &[(&str, &str, &str, &str)] = &[
    ("/a%2Fb?x=%31", "/a%2Fb", "/a/b", "x=%31"),
    ("//a/../b?", "//a/../b", "//a/../b", ""),
    ("/a?b?c", "/a", "/a", "b?c"),
    ("/%c3%A9%00", "/%c3%A9%00", "/\u{c3}\u{a9}\0", "-"),
    ("/%2541", "/%2541", "/%41", "-"),
    ("/%41%zz%42", "/%41%zz%42", "/A%zzB", "-"),
    ("/a%4", "/a%4", "/a%4", "-"),
    ("/%%41", "/%%41", "/%A", "-"),
    ("http://lab.test/a%20b?x", "/a%20b", "/a b", "x"),
    ("HTTPS://lab.test:1//a", "//a", "//a", "-"),
    ("http://lab.test?x", "", "", "x"),
    ("ftp://lab.test/a?x", "-", "-", "x"),
    ("*", "-", "-", "-"),
    ("lab.test:443", "-", "-", "-"),
    ("", "-", "-", "-"),
];

/// RFC 9112 section 3.2.
#[test]
fn parts_of_a_request_uri() {
    let given = |text: &str| (text != "-").then(|| latin1(text));
    for (uri, path, decoded, query) in URIS {
        let uri = latin1(uri);
        let parts = RequestUri::parse(&uri);
        assert_eq!(parts.path().map(<[u8]>::to_vec), given(path), "{parts:?}");
        assert_eq!(parts.decoded_path().map(Iterator::collect::<Vec<u8>>), given(decoded), "{parts:?}");
        assert_eq!(parts.query().map(<[u8]>::to_vec), given(query), "{parts:?}");
    }
}

/// uWSGI 2.0.31 --http: an absolute target is in PATH_INFO too.
#[test]
fn paths_that_came_with_an_absolute_uri() {
    for (uri, path_info, path) in [
        ("http://lab.test/m?x", "http://lab.test/m", "/m"),
        ("http://lab.test/m", "/m", "/m"),
        ("/m", "http://lab.test/m", "http://lab.test/m"),
        ("*", "*", "*"),
    ] {
        assert_eq!(RequestUri::parse(uri.as_bytes()).path_of(path_info.as_bytes()), path.as_bytes(), "{uri}");
    }
}
