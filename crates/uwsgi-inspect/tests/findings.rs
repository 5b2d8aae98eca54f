//! Every finding: requests that have it, and requests like them that do not.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has found something"
)]

extern crate alloc;

use alloc::collections::BTreeSet;

use uwsgi::framing::RequestBody;
use uwsgi::{Header, Modifier1, Packet, Request, VarsEncoder};
use uwsgi_inspect::{Body, Finding, Found, FrontEnd, Report};

/// What nginx sends for `GET /hello?x=1` with a uwsgi_params that leaves nothing to remark.
const PERFECT: &[(&str, &str)] = &[
    ("QUERY_STRING", "x=1"),
    ("REQUEST_METHOD", "GET"),
    ("REQUEST_URI", "/hello?x=1"),
    ("PATH_INFO", "/hello"),
    ("DOCUMENT_ROOT", "/var/www/html"),
    ("SERVER_PROTOCOL", "HTTP/1.1"),
    ("REQUEST_SCHEME", "http"),
    ("REMOTE_ADDR", "192.0.2.7"),
    ("REMOTE_PORT", "50362"),
    ("SERVER_PORT", "8080"),
    ("SERVER_NAME", "example.com"),
    ("HTTP_HOST", "example.com:8080"),
    ("HTTP_USER_AGENT", "curl/8"),
    ("HTTP_ACCEPT", "*/*"),
];

/// What is different from that.
#[derive(Clone, Copy)]
enum Change {
    /// The var is not there.
    Without(&'static str),
    /// The var has this value, and comes once.
    With(&'static str, &'static str),
    /// The var comes once more.
    Also(&'static str, &'static str),
    /// One more var makes the block this many bytes.
    Block(usize),
    /// More vars make this many of them.
    Vars(usize),
    Modifier1(u8),
    Modifier2(u8),
    /// What the server says about the body.
    Came(RequestBody, u64),
}
use Change::{Also, Block, Came, Modifier2, Vars, With, Without};

/// One request, by its differences.
type Case = &'static [Change];

/// A finding, the requests that have it, and those that do not.
struct Row(&'static str, &'static [Case], &'static [Case]);

const NO_PARAMS: [Change; 3] = [Without("REQUEST_METHOD"), Without("REQUEST_URI"), Without("PATH_INFO")];

const TABLE: &[Row] = &[
    // Vars that did not come.
    Row(
        "no-uwsgi-params",
        &[&NO_PARAMS],
        &[&[], &[Without("REQUEST_METHOD")], &[Without("REQUEST_METHOD"), Without("PATH_INFO")]],
    ),
    Row("no-request-method", &[&[Without("REQUEST_METHOD")]], &[&NO_PARAMS, &[With("REQUEST_METHOD", "PUT")]]),
    Row(
        "no-path-info",
        &[&[Without("PATH_INFO")], &[Without("PATH_INFO"), With("SCRIPT_NAME", "")]],
        &[&NO_PARAMS, &[With("PATH_INFO", "")], &[Without("PATH_INFO"), With("SCRIPT_NAME", "/hello")]],
    ),
    Row("no-query-string", &[&[Without("QUERY_STRING")]], &[&[With("QUERY_STRING", "")]]),
    Row("no-request-uri", &[&[Without("REQUEST_URI")]], &[&NO_PARAMS]),
    Row("no-server-name", &[&[Without("SERVER_NAME")]], &[&[With("SERVER_NAME", "")]]),
    Row(
        "no-server-port",
        &[
            &[Without("SERVER_PORT")],
            &[With("SERVER_PORT", "")],
            &[With("SERVER_PORT", "example.com:80")],
            &[With("SERVER_PORT", "65536")],
        ],
        &[&[With("SERVER_PORT", "80")], &[With("SERVER_PORT", "65535")]],
    ),
    Row("no-server-protocol", &[&[Without("SERVER_PROTOCOL")]], &[&[]]),
    Row("no-remote-addr", &[&[Without("REMOTE_ADDR")], &[With("REMOTE_ADDR", "")]], &[&[With("REMOTE_ADDR", "::1")]]),
    Row("no-host", &[&[Without("HTTP_HOST")], &[With("HTTP_HOST", "")]], &[&[With("HTTP_HOST", "a")]]),
    // Paths.
    Row(
        "path-in-script-name",
        &[
            &[With("SCRIPT_NAME", "/hello"), Without("PATH_INFO")],
            &[With("SCRIPT_NAME", "/h o"), With("REQUEST_URI", "/h%20o"), Without("PATH_INFO")],
        ],
        &[
            // Mounted there, and asked for its root.
            &[With("SCRIPT_NAME", "/hello"), With("PATH_INFO", "")],
            &[With("SCRIPT_NAME", "/app"), Without("PATH_INFO")],
        ],
    ),
    Row(
        "script-name-twice",
        &[
            &[With("SCRIPT_NAME", "/app"), With("PATH_INFO", "/app/x"), With("REQUEST_URI", "/app/x?y")],
            &[With("SCRIPT_NAME", "/app"), With("PATH_INFO", "/app"), With("REQUEST_URI", "/app")],
            &[With("SCRIPT_NAME", "/app/"), With("PATH_INFO", "/app/x"), With("REQUEST_URI", "/app/x")],
        ],
        &[
            &[With("SCRIPT_NAME", "/app"), With("PATH_INFO", "/x"), With("REQUEST_URI", "/app/x")],
            // A page of the application that is called like its mount.
            &[With("SCRIPT_NAME", "/app"), With("PATH_INFO", "/app/x"), With("REQUEST_URI", "/app/app/x")],
            &[With("SCRIPT_NAME", "/app"), With("PATH_INFO", "/apple"), With("REQUEST_URI", "/apple")],
            &[With("SCRIPT_NAME", ""), With("PATH_INFO", "/hello")],
            &[With("SCRIPT_NAME", "/")],
        ],
    ),
    Row(
        "script-name-odd",
        &[&[With("SCRIPT_NAME", "/")], &[With("SCRIPT_NAME", "/app/")], &[With("SCRIPT_NAME", "app")]],
        &[
            &[With("SCRIPT_NAME", "")],
            &[With("SCRIPT_NAME", "/app")],
            &[With("SCRIPT_NAME", "/a/b")],
            &[With("SCRIPT_NAME", "/"), Without("PATH_INFO")],
        ],
    ),
    Row(
        "path-info-without-slash",
        &[&[With("PATH_INFO", "hello")], &[With("PATH_INFO", "http://a/b")], &[With("PATH_INFO", "*")]],
        &[&[With("PATH_INFO", "/")], &[With("PATH_INFO", "")], &[Without("PATH_INFO")]],
    ),
    Row(
        "path-encoded",
        &[
            &[With("PATH_INFO", "/a%20b"), With("REQUEST_URI", "/a%20b?x")],
            &[With("PATH_INFO", "/a%2Fb"), With("SCRIPT_NAME", "/m"), With("REQUEST_URI", "/m/a%2Fb")],
        ],
        &[
            &[With("PATH_INFO", "/a b"), With("REQUEST_URI", "/a%20b")],
            &[With("PATH_INFO", "/a%20b"), With("REQUEST_URI", "/a%2520b")],
            &[With("PATH_INFO", "/100%"), With("REQUEST_URI", "/100%")],
        ],
    ),
    Row(
        "path-with-query",
        &[&[With("PATH_INFO", "/hello?x=1")]],
        &[&[With("PATH_INFO", "/a?b"), With("REQUEST_URI", "/a%3Fb")]],
    ),
    Row(
        "path-encoded-twice",
        &[&[With("PATH_INFO", "/%61dmin"), With("REQUEST_URI", "/%2561dmin")]],
        &[
            &[With("PATH_INFO", "/%61dmin"), With("REQUEST_URI", "/%61dmin")],
            &[With("PATH_INFO", "/%61dmin?x"), With("REQUEST_URI", "/%61dmin?x")],
            &[With("PATH_INFO", "/100%"), With("REQUEST_URI", "/100%25")],
            &[With("PATH_INFO", "/%61dmin"), Without("REQUEST_URI")],
        ],
    ),
    Row(
        "slashes-merged",
        &[&[With("REQUEST_URI", "//hello"), With("PATH_INFO", "/hello")]],
        &[
            &[With("REQUEST_URI", "//hello"), With("PATH_INFO", "//hello")],
            &[With("REQUEST_URI", "//hello/../x"), With("PATH_INFO", "/x")],
        ],
    ),
    Row(
        "path-rewritten",
        &[
            &[With("REQUEST_URI", "/a/../hello")],
            &[With("REQUEST_URI", "/old")],
            &[With("REQUEST_URI", "/a//../hello")],
            &[With("SCRIPT_NAME", "/app"), With("PATH_INFO", "/x"), With("REQUEST_URI", "/other/x")],
        ],
        &[
            &[],
            &[With("REQUEST_URI", "/%68ello")],
            &[With("REQUEST_URI", "//hello")],
            &[With("REQUEST_URI", "http://example.com/hello")],
            &[With("SCRIPT_NAME", "/app"), With("PATH_INFO", "/x"), With("REQUEST_URI", "/app/x")],
            // These have findings of their own.
            &[With("SCRIPT_NAME", "/app"), With("PATH_INFO", "/app/x"), With("REQUEST_URI", "/app/x")],
            &[With("PATH_INFO", "/a%20b"), With("REQUEST_URI", "/a%20b?x")],
            &[With("PATH_INFO", "/hello?x=1")],
            &[Without("PATH_INFO")],
        ],
    ),
    Row(
        "uri-absolute",
        &[&[With("REQUEST_URI", "http://example.com/hello")], &[With("REQUEST_URI", "*")]],
        &[&[With("REQUEST_URI", "/")], &[With("REQUEST_URI", "")], &[Without("REQUEST_URI")]],
    ),
    Row(
        "script-name-from-path",
        &[&[
            With("SERVER_SOFTWARE", "lighttpd/1.4.69"),
            With("SCRIPT_NAME", "/a"),
            With("PATH_INFO", "/b"),
            With("REQUEST_URI", "/a/b"),
        ]],
        &[
            &[With("SCRIPT_NAME", "/a"), With("PATH_INFO", "/b"), With("REQUEST_URI", "/a/b")],
            &[With("SERVER_SOFTWARE", "lighttpd/1.4.69"), With("SCRIPT_NAME", "")],
            &[With("SERVER_SOFTWARE", "lighttpd/1.4.69"), With("SCRIPT_NAME", "/hello"), Without("PATH_INFO")],
        ],
    ),
    // Host, port, scheme.
    Row(
        "https-missing",
        &[
            &[With("REQUEST_SCHEME", "https")],
            &[With("REQUEST_SCHEME", "https"), With("HTTPS", "off")],
            &[With("UWSGI_SCHEME", "https"), Without("REQUEST_SCHEME")],
            &[With("SERVER_PORT", "443")],
        ],
        &[
            &[],
            &[With("REQUEST_SCHEME", "https"), With("HTTPS", "on")],
            &[With("SERVER_PORT", "443"), With("HTTPS", "1")],
        ],
    ),
    Row(
        "scheme-contradicted",
        &[&[With("HTTPS", "on")], &[With("HTTPS", "True")]],
        &[
            &[With("HTTPS", "on"), With("REQUEST_SCHEME", "https")],
            &[With("HTTPS", "on"), Without("REQUEST_SCHEME")],
            &[With("HTTPS", "off")],
        ],
    ),
    Row(
        "forwarded-scheme-unread",
        &[
            &[With("REMOTE_ADDR", "10.0.0.1"), With("HTTP_X_FORWARDED_PROTO", "https")],
            &[With("REMOTE_ADDR", "::1"), With("HTTP_X_FORWARDED_SSL", "on"), Without("REQUEST_SCHEME")],
        ],
        &[
            &[With("HTTP_X_FORWARDED_PROTO", "https")],
            &[With("REMOTE_ADDR", "10.0.0.1"), With("HTTP_X_FORWARDED_PROTO", "http")],
            &[With("REMOTE_ADDR", "10.0.0.1"), With("HTTP_X_FORWARDED_PROTO", "ftp")],
            &[With("REMOTE_ADDR", "10.0.0.1"), With("HTTP_X_FORWARDED_PROTO", "https"), With("HTTPS", "on")],
        ],
    ),
    Row(
        "forwarded-scheme-from-client",
        &[
            &[With("HTTP_X_FORWARDED_PROTO", "https")],
            &[With("HTTP_X_FORWARDED_PROTO", "ftp")],
            &[With("HTTP_X_FORWARDED_PROTO", "http"), With("REQUEST_SCHEME", "https"), With("HTTPS", "on")],
            &[With("HTTP_X_FORWARDED_SSL", "on")],
            &[With("REMOTE_ADDR", "10.0.0.1"), With("HTTP_X_FORWARDED_PROTO", "ftp")],
        ],
        &[
            &[With("HTTP_X_FORWARDED_PROTO", "http")],
            &[With("HTTP_X_FORWARDED_PROTO", "")],
            &[With("HTTP_X_FORWARDED_PROTO", "https"), With("REQUEST_SCHEME", "https")],
            &[With("HTTP_X_FORWARDED_SSL", "off")],
            // Its own finding.
            &[With("REMOTE_ADDR", "10.0.0.1"), With("HTTP_X_FORWARDED_PROTO", "https")],
        ],
    ),
    Row(
        "host-without-port",
        &[
            &[With("HTTP_HOST", "example.com")],
            &[With("HTTP_HOST", "[::1]")],
            &[With("HTTP_HOST", "example.com"), With("SERVER_PORT", "443")],
            &[With("HTTP_HOST", "example.com"), With("SERVER_PORT", "80"), With("HTTPS", "on")],
        ],
        &[
            &[],
            &[With("HTTP_HOST", "[::1]:8080")],
            &[With("HTTP_HOST", "example.com"), With("SERVER_PORT", "80")],
            &[With("HTTP_HOST", "example.com"), With("SERVER_PORT", "443"), With("HTTPS", "on")],
            &[With("HTTP_HOST", "")],
            // The proxy in front has the port that clients use.
            &[With("HTTP_HOST", "example.com"), With("HTTP_X_FORWARDED_FOR", "192.0.2.7")],
            &[With("HTTP_HOST", "example.com"), With("HTTP_VIA", "1.1 proxy")],
        ],
    ),
    Row(
        "host-port-differs",
        &[&[With("HTTP_HOST", "example.com:9090")]],
        &[&[], &[With("HTTP_HOST", "example.com")], &[With("HTTP_HOST", "example.com:x")]],
    ),
    Row("host-twice", &[&[With("HTTP_HOST", "a, b")]], &[&[With("HTTP_HOST", "a")]]),
    Row(
        "server-name-is-no-name",
        &[&[With("SERVER_NAME", "")], &[With("SERVER_NAME", "_")], &[With("SERVER_NAME", "localhost")]],
        &[&[With("SERVER_NAME", "localhost.example")], &[Without("SERVER_NAME")]],
    ),
    Row(
        "server-name-from-client",
        &[
            &[With("SERVER_SOFTWARE", "Apache/2.4.71 (Debian)")],
            &[With("SERVER_SOFTWARE", "Apache"), With("HTTP_HOST", "example.com")],
        ],
        &[
            &[With("SERVER_SOFTWARE", "lighttpd/1.4.69")],
            &[With("SERVER_SOFTWARE", "Apache"), With("HTTP_HOST", "www.example.com:8080")],
            &[With("SERVER_SOFTWARE", "Apache"), With("HTTP_HOST", "example.com:80")],
        ],
    ),
    // The client.
    Row(
        "remote-addr-with-port",
        &[&[With("REMOTE_ADDR", "192.0.2.7:5000")], &[With("REMOTE_ADDR", "[2001:db8::7]:5000")]],
        &[&[With("REMOTE_ADDR", "192.0.2.7")], &[With("REMOTE_ADDR", "2001:db8::7")], &[With("REMOTE_ADDR", "unix:")]],
    ),
    Row(
        "remote-addr-is-no-address",
        &[&[With("REMOTE_ADDR", "unix:")], &[With("REMOTE_ADDR", "0.0.0.0")], &[With("REMOTE_ADDR", "client.example")]],
        &[&[With("REMOTE_ADDR", "192.0.2.7:5000")], &[With("REMOTE_ADDR", "")], &[With("REMOTE_ADDR", "fe80::1")]],
    ),
    Row(
        "forwarded-for-unread",
        &[
            &[With("REMOTE_ADDR", "127.0.0.1"), With("HTTP_X_FORWARDED_FOR", "203.0.113.9")],
            &[With("REMOTE_ADDR", "::ffff:10.1.2.3"), With("HTTP_X_FORWARDED_FOR", "203.0.113.9")],
            &[With("REMOTE_ADDR", "fd00::1"), With("HTTP_X_FORWARDED_FOR", "203.0.113.9")],
        ],
        &[
            &[With("REMOTE_ADDR", "127.0.0.1")],
            &[With("HTTP_X_FORWARDED_FOR", "203.0.113.9")],
            &[With("REMOTE_ADDR", "10.0.0.1"), With("HTTP_X_FORWARDED_FOR", "")],
        ],
    ),
    Row(
        "forwarded-for-from-client",
        &[&[With("HTTP_X_FORWARDED_FOR", "203.0.113.9")]],
        &[
            &[With("HTTP_X_FORWARDED_FOR", "192.0.2.7")],
            &[With("REMOTE_ADDR", "10.0.0.1"), With("HTTP_X_FORWARDED_FOR", "203.0.113.9")],
        ],
    ),
    Row("remote-user-empty", &[&[With("REMOTE_USER", "")]], &[&[With("REMOTE_USER", "alice")]]),
    // Headers.
    Row("httpoxy", &[&[With("HTTP_PROXY", "http://evil.example/")]], &[&[With("HTTP_PROXY_X", "1")]]),
    Row(
        "content-header-differs",
        &[
            &[With("CONTENT_LENGTH", "5"), With("HTTP_CONTENT_LENGTH", "6"), Came(RequestBody::Length(5), 5)],
            &[With("CONTENT_TYPE", "a/b"), With("HTTP_CONTENT_TYPE", "evil/b")],
        ],
        &[
            &[With("CONTENT_LENGTH", "5"), With("HTTP_CONTENT_LENGTH", "5"), Came(RequestBody::Length(5), 5)],
            &[With("CONTENT_TYPE", "a/b"), With("HTTP_CONTENT_TYPE", "")],
        ],
    ),
    Row(
        "content-header-too",
        &[
            &[With("CONTENT_LENGTH", "5"), With("HTTP_CONTENT_LENGTH", "5"), Came(RequestBody::Length(5), 5)],
            &[With("CONTENT_TYPE", "a/b"), With("HTTP_CONTENT_TYPE", "a/b")],
        ],
        &[&[With("CONTENT_TYPE", "a/b")], &[With("CONTENT_TYPE", "a/b"), With("HTTP_CONTENT_TYPE", "c/d")]],
    ),
    Row(
        "header-like-a-var",
        &[&[With("HTTP_REMOTE_USER", "root")], &[With("HTTP_UWSGI_FILE", "x")], &[With("HTTP_HTTPS", "on")]],
        &[&[With("REMOTE_USER", "root")], &[With("HTTP_X_REMOTE_USER", "root")]],
    ),
    Row("upgrade", &[&[With("HTTP_UPGRADE", "websocket")]], &[&[With("HTTP_UPGRADE_INSECURE_REQUESTS", "1")]]),
    Row(
        "hop-by-hop",
        &[
            &[With("HTTP_CONNECTION", "close")],
            &[With("HTTP_TE", "trailers")],
            &[With("HTTP_EXPECT", "100-continue")],
            &[With("HTTP_UPGRADE", "h2c"), With("HTTP_KEEP_ALIVE", "5")],
        ],
        &[
            &[],
            &[With("HTTP_TRANSFER_ENCODING", "chunked")],
            &[With("HTTP_UPGRADE", "websocket"), With("HTTP_CONNECTION", "Upgrade")],
        ],
    ),
    Row(
        "header-repeated",
        &[&[Also("HTTP_ACCEPT", "a/b")], &[Also("HTTP_ACCEPT", "*/*")]],
        &[&[Also("X_TWICE", "1"), Also("X_TWICE", "2")], &[Also("HTTP_ACCEPT_X", "a/b")]],
    ),
    Row(
        "header-names-collide",
        &[
            &[With("HTTP_X_A", "1"), With("HTTP_X-A", "2")],
            &[With("HTTP_X_A", "1"), With("HTTP_X_a", "2")],
            &[With("HTTP_USER-AGENT", "1")],
        ],
        &[&[Also("HTTP_ACCEPT", "a/b")], &[With("HTTP_X_A", "1"), With("HTTP_X.A", "2")]],
    ),
    Row(
        "header-name-odd",
        &[&[With("HTTP_", "1")], &[With("HTTP_X.Y", "1")], &[With("HTTP_CONTENT-TYPE", "a/b")], &[With("HTTP_x", "1")]],
        &[&[With("HTTP_X_1", "1")], &[With("X.Y", "1")]],
    ),
    Row(
        "cookies-joined-by-comma",
        &[&[With("HTTP_COOKIE", "a=1, b=2")], &[With("HTTP_COOKIE", "x, a=1, session.id=2")]],
        &[
            &[With("HTTP_COOKIE", "a=1; b=2")],
            &[With("HTTP_COOKIE", "a=1,b=2")],
            &[With("HTTP_COOKIE", "a=1, 2, 3")],
            &[With("HTTP_COOKIE", "a=1, ")],
            &[With("HTTP_COOKIE", "a=1, =2")],
        ],
    ),
    Row(
        "value-refused",
        &[
            &[With("HTTP_X", "a\r\nb")],
            &[With("REQUEST_METHOD", "G ET")],
            &[With("REQUEST_METHOD", "")],
            &[With("PATH_INFO", "/a\0b")],
        ],
        &[&[With("PATH_INFO", "/a\nb")], &[With("X", "a\nb")]],
    ),
    // The body.
    Row(
        "length-refused",
        &[
            &[With("CONTENT_LENGTH", "3, 4")],
            &[With("CONTENT_LENGTH", "+3")],
            &[With("CONTENT_LENGTH", "3"), Also("CONTENT_LENGTH", "4")],
            &[With("CONTENT_LENGTH", "18446744073709551616")],
        ],
        &[
            &[With("CONTENT_LENGTH", "")],
            &[With("CONTENT_LENGTH", "3"), Also("CONTENT_LENGTH", "3"), Came(RequestBody::Length(3), 3)],
        ],
    ),
    Row(
        "length-missing",
        &[&[With("HTTP_CONTENT_LENGTH", "5")], &[With("HTTP_CONTENT_LENGTH", "5"), With("CONTENT_LENGTH", "")]],
        &[
            &[With("HTTP_CONTENT_LENGTH", "0")],
            &[With("HTTP_CONTENT_LENGTH", "5"), With("CONTENT_LENGTH", "5"), Came(RequestBody::Length(5), 5)],
        ],
    ),
    Row(
        "chunked-without-length",
        &[
            &[With("HTTP_TRANSFER_ENCODING", "chunked")],
            &[With("HTTP_TRANSFER_ENCODING", "gzip"), With("CONTENT_LENGTH", "")],
        ],
        &[
            &[With("HTTP_TRANSFER_ENCODING", "chunked"), Came(RequestBody::Chunked, 5)],
            &[With("HTTP_TRANSFER_ENCODING", "chunked"), With("CONTENT_LENGTH", "0"), Came(RequestBody::Length(0), 0)],
        ],
    ),
    Row(
        "length-and-chunked",
        &[&[
            With("HTTP_TRANSFER_ENCODING", "chunked"),
            With("CONTENT_LENGTH", "3"),
            With("UWSGI_ROUTER", "http"),
            Came(RequestBody::Length(3), 3),
        ]],
        &[
            &[With("HTTP_TRANSFER_ENCODING", "chunked"), With("CONTENT_LENGTH", "3"), Came(RequestBody::Length(3), 3)],
            &[With("HTTP_TRANSFER_ENCODING", "chunked"), With("UWSGI_ROUTER", "http")],
        ],
    ),
    Row(
        "body-cut",
        &[&[With("CONTENT_LENGTH", "5"), Came(RequestBody::Length(5), 4)]],
        &[&[With("CONTENT_LENGTH", "5"), Came(RequestBody::Length(5), 5)], &[Came(RequestBody::Chunked, 0)]],
    ),
    Row(
        "post-without-length",
        &[&[With("REQUEST_METHOD", "POST")], &[With("REQUEST_METHOD", "PUT"), With("CONTENT_LENGTH", "")]],
        &[
            &[With("REQUEST_METHOD", "DELETE")],
            &[With("REQUEST_METHOD", "POST"), With("CONTENT_LENGTH", "0"), Came(RequestBody::Length(0), 0)],
            &[With("REQUEST_METHOD", "POST"), With("HTTP_TRANSFER_ENCODING", "chunked")],
            &[With("REQUEST_METHOD", "POST"), With("HTTP_CONTENT_LENGTH", "5")],
        ],
    ),
    Row(
        "transfer-encoding-ignored",
        &[&[With("HTTP_TRANSFER_ENCODING", "chunked"), With("CONTENT_LENGTH", "0"), Came(RequestBody::Length(0), 0)]],
        &[
            &[With("HTTP_TRANSFER_ENCODING", "chunked"), With("CONTENT_LENGTH", "")],
            &[With("HTTP_TRANSFER_ENCODING", ""), With("CONTENT_LENGTH", "0"), Came(RequestBody::Length(0), 0)],
        ],
    ),
    Row(
        "content-vars-empty",
        &[
            &[With("CONTENT_LENGTH", "")],
            &[With("CONTENT_TYPE", "")],
            &[With("CONTENT_LENGTH", ""), With("CONTENT_TYPE", "")],
        ],
        &[&[], &[With("CONTENT_LENGTH", "0"), With("CONTENT_TYPE", "a/b"), Came(RequestBody::Length(0), 0)]],
    ),
    // The packet.
    Row("modifier1", &[&[Change::Modifier1(5)], &[Change::Modifier1(77)]], &[&[Modifier2(5)]]),
    Row("modifier2", &[&[Modifier2(1)], &[Modifier2(255)]], &[&[Change::Modifier1(5)]]),
    Row("over-uwsgi-buffer", &[&[Block(4097)]], &[&[Block(4096)]]),
    Row("near-uwsgi-buffer", &[&[Block(3072)], &[Block(4096)]], &[&[Block(3071)], &[Block(4097)]]),
    Row("near-datasize", &[&[Block(61440)], &[Block(65535)]], &[&[Block(61439)]]),
    Row("over-uwsgi-vars", &[&[Vars(129)]], &[&[Vars(128)]]),
    Row("near-uwsgi-vars", &[&[Vars(96)], &[Vars(128)]], &[&[Vars(95)], &[Vars(129)]]),
    Row(
        "var-repeated",
        &[&[Also("REMOTE_ADDR", "192.0.2.8")], &[Also("X_TWICE", "1"), Also("X_TWICE", "2")]],
        &[&[Also("HTTP_ACCEPT", "a/b")]],
    ),
    Row(
        "uwsgi-control",
        &[&[With("UWSGI_FILE", "/app.py")], &[With("UWSGI_NEW", "")]],
        &[&[With("UWSGI_ROUTER", "http")], &[With("UWSGI_SCHEME", "http")], &[With("HTTP_UWSGI_FILE", "x")]],
    ),
    Row("uwsgi-router", &[&[With("UWSGI_ROUTER", "http")]], &[&[With("UWSGI_SCHEME", "http")]]),
    Row(
        "front-ends-environment",
        &[&[With("PATH", "/usr/bin:/bin")], &[With("LD_LIBRARY_PATH", "")]],
        &[&[With("PATH_TRANSLATED", "/x")]],
    ),
    Row("http-1.0", &[&[With("SERVER_PROTOCOL", "HTTP/1.0")]], &[&[With("SERVER_PROTOCOL", "HTTP/2.0")]]),
    Row(
        "protocol-odd",
        &[
            &[With("SERVER_PROTOCOL", "b HTTP/1.1")],
            &[With("SERVER_PROTOCOL", "INCLUDED")],
            &[With("SERVER_PROTOCOL", "HTTP/1.10")],
        ],
        &[
            &[With("SERVER_PROTOCOL", "HTTP/2")],
            &[With("SERVER_PROTOCOL", "HTTP/2.0")],
            &[With("SERVER_PROTOCOL", "")],
            &[Without("SERVER_PROTOCOL")],
        ],
    ),
];

/// What is found about a request.
fn findings(case: Case) -> Vec<Found> {
    let mut vars: Vec<(String, String)> =
        PERFECT.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let (mut modifier1, mut modifier2) = (0, 0);
    let mut body = Body::NONE;
    for change in case {
        match *change {
            Without(key) => vars.retain(|(other, _)| other != key),
            With(key, value) => {
                vars.retain(|(other, _)| other != key);
                vars.push((key.to_owned(), value.to_owned()));
            }
            Also(key, value) => vars.push((key.to_owned(), value.to_owned())),
            Block(length) => {
                vars.push(("X_LONG".to_owned(), String::new()));
                let missing = length - uwsgi::encoded_len(vars.iter().map(|(key, value)| (key, value))) + Header::LEN;
                vars.last_mut().unwrap().1 = "x".repeat(missing);
            }
            Vars(count) => vars.extend((vars.len()..count).map(|n| (format!("X{n}"), String::new()))),
            Change::Modifier1(number) => modifier1 = number,
            Modifier2(number) => modifier2 = number,
            Came(framing, length) => body = Body::new(framing, length, [0; 32]),
        }
    }
    let mut buffer = Vec::new();
    let mut encoder = VarsEncoder::new(&mut buffer);
    for (key, value) in &vars {
        encoder.push(key, value).unwrap();
    }
    let bytes = encoder.finish(Modifier1(modifier1), modifier2).unwrap();
    let (packet, _) = Packet::decode(bytes).unwrap();
    let report = Report::new(Request::decode(&packet).unwrap(), body);
    report.findings().to_vec()
}

fn ids(case: Case) -> Vec<&'static str> {
    findings(case).iter().map(Found::id).collect()
}

#[test]
fn a_perfect_request_has_none() {
    assert_eq!(ids(&[]), [""; 0]);
}

#[test]
fn the_table() {
    for Row(id, with, without) in TABLE {
        for (nth, case) in with.iter().enumerate() {
            assert!(ids(case).contains(id), "{id}, case {nth}: not found, but {:?}", ids(case));
        }
        for (nth, case) in without.iter().enumerate() {
            assert!(!ids(case).contains(id), "{id}, counter-case {nth}: found");
        }
    }
}

#[test]
fn every_finding_has_a_row_with_both_kinds() {
    let rows: BTreeSet<_> = TABLE.iter().map(|Row(id, ..)| *id).collect();
    let all: BTreeSet<_> = Finding::all().map(Finding::id).collect();
    assert_eq!(rows, all);
    assert_eq!(TABLE.len(), all.len(), "a row twice");
    for Row(id, with, without) in TABLE {
        assert!(!with.is_empty() && !without.is_empty(), "{id}");
    }
}

#[test]
fn texts_are_whole_sentences_about_what_was_seen() {
    for Row(id, with, _) in TABLE {
        for case in *with {
            let all = findings(case);
            let found = all.iter().find(|found| found.id() == *id).unwrap();
            let text = found.text();
            assert!(text.ends_with('.') && text.len() > 40, "{id}: {text}");
            assert!(!text.contains("{0}") && !text.contains("{1}") && !text.contains("  "), "{id}: {text}");
            assert!(!text.starts_with([' ', '.', ':']), "{id}: {text}");
            let lines = found.change().flat_map(|(front_end, lines)| lines.lines().map(move |line| (front_end, line)));
            for (front_end, line) in lines {
                assert!(!line.contains("{0}") && !line.contains("{1}"), "{id}: {line}");
                let ends = match front_end {
                    FrontEnd::Nginx => line.ends_with([';', '}']) || line.contains("; # "),
                    _ => !line.ends_with(';'),
                };
                assert!(ends && line.trim() == line, "{id}: {line}");
            }
            // nginx first.
            let nginx = found.change().position(|(front_end, _)| front_end == FrontEnd::Nginx);
            assert!(matches!(nginx, None | Some(0)), "{id}: {found:?}");
        }
    }
}

#[test]
fn the_most_severe_come_first() {
    let case: Case = &[With("HTTP_PROXY", "x"), With("CONTENT_LENGTH", ""), With("REMOTE_USER", ""), Modifier2(1)];
    assert_eq!(ids(case), ["httpoxy", "content-vars-empty", "remote-user-empty", "modifier2"]);
}

/// A line that makes the finding go away may still make things worse: what only the client knows stays what it said,
/// and so does what a proxy before the front end said, except where the finding is that the client said it.
#[test]
fn no_line_overwrites_what_only_the_client_knows() {
    for Row(id, with, _) in TABLE {
        for found in with.iter().flat_map(|case| findings(case)).filter(|found| found.id() == *id) {
            let lines = found.change().flat_map(|(_, lines)| lines.lines());
            for (name, value) in lines.filter_map(|line| line.strip_prefix("uwsgi_param ")?.split_once(' ')) {
                let is_right = match name {
                    "REQUEST_URI" => value == "$request_uri;",
                    "REQUEST_METHOD" => value == "$request_method;",
                    "QUERY_STRING" => value == "$query_string;",
                    "HTTP_HOST" => value == "$http_host;",
                    _ if name.starts_with("HTTP_X_FORWARDED") => id.ends_with("-from-client"),
                    _ => true,
                };
                assert!(is_right, "{id}: {name} {value}");
            }
        }
    }
}

/// A line is made to be copied into a configuration: nothing from outside may stand in it as it came.
#[test]
fn lines_hold_nothing_that_came_from_outside() {
    let evil = "/x;} http { include /etc/passwd; \"'$host\n";
    let keys: &[&str] = &["HTTP_TE;}", "HTTP_REMOTE_USER", "HTTP_UWSGI_;} evil {", "HTTP_X;} evil {"];
    let mut cases: Vec<Vec<(&str, &str)>> =
        vec![vec![("SCRIPT_NAME", evil), ("PATH_INFO", evil), ("REQUEST_URI", evil)]];
    cases.extend(keys.iter().map(|key| vec![(*key, evil), (*key, evil)]));
    cases.extend(PERFECT.iter().map(|(key, _)| vec![(*key, evil)]));
    for case in cases {
        let mut buffer = Vec::new();
        let mut encoder = VarsEncoder::new(&mut buffer);
        for (key, value) in PERFECT.iter().filter(|(key, _)| case.iter().all(|(other, _)| other != key)).chain(&case) {
            encoder.push(key, value).unwrap();
        }
        let (packet, _) = Packet::decode(encoder.finish(Modifier1::WSGI, 0).unwrap()).unwrap();
        let report = Report::new(Request::decode(&packet).unwrap(), Body::NONE);
        for found in report.findings() {
            for (_, line) in found.change() {
                assert!(!line.contains("evil") && !line.contains("passwd"), "{}: {line}", found.id());
            }
        }
    }
}
