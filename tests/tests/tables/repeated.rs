//! Repeated vars: which of them count, and what an application sees.
//!
//! uWSGI 2.0 and gunicorn 27 make a dict of the vars, which keeps the last value of a key. The table does not say what
//! they do with two spellings of one header.

use crate::rows::{Input, Pairs, Sees, ViewRow, run_view};

const NGINX: &str = "nginx 1.22: a uwsgi_param set again after `include uwsgi_params` is sent beside the first";
const OLD_NGINX: &str = "nginx before 1.23 sends a header that a client repeats as repeated vars";
const RFC_9110: &str = "RFC 9110 section 5.3";
const COOKIES: &str = "RFC 9113 section 8.2.3";
const REMOVED: &str = "nginx 1.22: `uwsgi_param HTTP_X $nothing;` sends an empty HTTP_X in the place of the client's";

macro_rules! rows {
    ($($name:literal $vars:expr, [$($sees:expr),+], $servers:literal, $source:expr;)*) => {
        const ROWS: &[ViewRow] = &[$(ViewRow {
            name: $name,
            input: Input::Vars($vars),
            sees: &[$($sees),+],
            uwsgi: $servers,
            gunicorn: $servers,
            source: $source,
        }),*];
    };
}

const NO_HEADERS: Pairs = &[];

rows! {
    // Vars that are not headers: the last counts.
    "method" &[("REQUEST_METHOD", "POST"), ("REQUEST_METHOD", "GET")], [Sees::Method(Some("GET"))], "GET", NGINX;
    "path-info" &[("PATH_INFO", "/a"), ("PATH_INFO", "/b")], [Sees::PathInfo(Some("/b")), Sees::Target("/b", "")], "/b", NGINX;
    "script-name" &[("SCRIPT_NAME", "/a"), ("SCRIPT_NAME", ""), ("PATH_INFO", "/x")],
        [Sees::ScriptName(Some("")), Sees::Target("/x", "")], "empty", NGINX;
    "query-emptied" &[("REQUEST_URI", "/a?x"), ("PATH_INFO", "/a"), ("QUERY_STRING", "x"), ("QUERY_STRING", "")],
        [Sees::QueryString(Some("")), Sees::Target("/a", "")], "empty", NGINX;
    "remote-addr" &[("REMOTE_ADDR", "192.0.2.1"), ("REMOTE_ADDR", "192.0.2.2")],
        [Sees::RemoteAddr(Some("192.0.2.2")), Sees::Every("REMOTE_ADDR", &["192.0.2.1", "192.0.2.2"])], "192.0.2.2", NGINX;
    "content-type" &[("CONTENT_TYPE", "a/b"), ("CONTENT_TYPE", "c/d")],
        [Sees::ContentType(Some("c/d")), Sees::Headers(&[("content-type", "c/d")])], "c/d", NGINX;
    "content-type-emptied" &[("CONTENT_TYPE", "a/b"), ("CONTENT_TYPE", "")],
        [Sees::ContentType(None), Sees::Headers(NO_HEADERS), Sees::Header("content-type", None)], "empty", NGINX;
    "content-length" &[("CONTENT_LENGTH", "77"), ("CONTENT_LENGTH", "0")],
        [Sees::Headers(&[("content-length", "0")]), Sees::HeaderAll("content-length", &["0"]), Sees::Keepalive(false)],
        "0", NGINX;
    "content-length-emptied" &[("CONTENT_LENGTH", "77"), ("CONTENT_LENGTH", "")],
        [Sees::Headers(NO_HEADERS), Sees::Header("content-length", None), Sees::Keepalive(false)], "0", NGINX;
    "content-length-same" &[("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", "5")],
        [Sees::Headers(&[("content-length", "5")]), Sees::Keepalive(true)], "5", NGINX;

    // Headers that may stand once: the last counts.
    "host" &[("HTTP_HOST", "a"), ("HTTP_X", "1"), ("HTTP_HOST", "b")],
        [Sees::Host(Some("b")), Sees::Headers(&[("x", "1"), ("host", "b")]), Sees::Header("host", Some("b")),
         Sees::RawHeaders(&[("host", "a"), ("x", "1"), ("host", "b")])], "b", NGINX;
    "host-same" &[("HTTP_HOST", "a"), ("HTTP_HOST", "a")], [Sees::Headers(&[("host", "a")])], "a", NGINX;
    "host-emptied" &[("HTTP_HOST", "a"), ("HTTP_HOST", "")],
        [Sees::Headers(&[("host", "")]), Sees::Header("host", Some(""))], "empty", NGINX;
    "host-three-spellings" &[("HTTP_HOST", "a"), ("HTTP_host", "b"), ("HTTP_Host", "c")],
        [Sees::Headers(&[("host", "c")]), Sees::HeaderAll("Host", &["c"]), Sees::Host(Some("a"))], "not in the table", RFC_9110;
    "authorization" &[("HTTP_AUTHORIZATION", "Basic a"), ("HTTP_AUTHORIZATION", "Basic b")],
        [Sees::Headers(&[("authorization", "Basic b")])], "Basic b", NGINX;
    "forwarded-proto" &[("HTTP_X_FORWARDED_PROTO", "https"), ("HTTP_X_FORWARDED_PROTO", "http")],
        [Sees::Header("x-forwarded-proto", Some("http")), Sees::HeaderAll("x-forwarded-proto", &["http"])], "http", NGINX;
    "forwarded-host-port-ssl-prefix" &[
            ("HTTP_X_FORWARDED_HOST", "a"), ("HTTP_X_FORWARDED_PORT", "1"), ("HTTP_X_FORWARDED_SSL", "on"),
            ("HTTP_X_FORWARDED_PREFIX", "/a"), ("HTTP_X_FORWARDED_HOST", "b"), ("HTTP_X_FORWARDED_PORT", "2"),
            ("HTTP_X_FORWARDED_SSL", "off"), ("HTTP_X_FORWARDED_PREFIX", "/b")],
        [Sees::Headers(&[("x-forwarded-host", "b"), ("x-forwarded-port", "2"), ("x-forwarded-ssl", "off"),
                         ("x-forwarded-prefix", "/b")])], "the last", NGINX;
    "real-ip-request-id-origin" &[
            ("HTTP_X_REAL_IP", "a"), ("HTTP_X_REQUEST_ID", "1"), ("HTTP_ORIGIN", "a"),
            ("HTTP_X_REAL_IP", "b"), ("HTTP_X_REQUEST_ID", "2"), ("HTTP_ORIGIN", "b")],
        [Sees::Headers(&[("x-real-ip", "b"), ("x-request-id", "2"), ("origin", "b")])], "the last", NGINX;
    "conditions" &[
            ("HTTP_RANGE", "a"), ("HTTP_IF_RANGE", "a"), ("HTTP_IF_MODIFIED_SINCE", "a"), ("HTTP_IF_UNMODIFIED_SINCE", "a"),
            ("HTTP_RANGE", "b"), ("HTTP_IF_RANGE", "b"), ("HTTP_IF_MODIFIED_SINCE", "b"), ("HTTP_IF_UNMODIFIED_SINCE", "b")],
        [Sees::Headers(&[("range", "b"), ("if-range", "b"), ("if-modified-since", "b"), ("if-unmodified-since", "b")])],
        "the last", RFC_9110;
    "user-agent-referer" &[("HTTP_USER_AGENT", "a"), ("HTTP_REFERER", "a"), ("HTTP_USER_AGENT", "b"), ("HTTP_REFERER", "b")],
        [Sees::Headers(&[("user-agent", "b"), ("referer", "b")])], "the last", RFC_9110;

    // Other headers are joined.
    "forwarded-for" &[("HTTP_X_FORWARDED_FOR", "a"), ("HTTP_X_FORWARDED_FOR", "b")],
        [Sees::Headers(&[("x-forwarded-for", "a"), ("x-forwarded-for", "b")]), Sees::Header("x-forwarded-for", Some("a, b"))],
        "b", OLD_NGINX;
    "three" &[("HTTP_X", "1"), ("HTTP_X", "2"), ("HTTP_X", "3")],
        [Sees::Header("x", Some("1, 2, 3")), Sees::HeaderAll("X", &["1", "2", "3"])], "3", OLD_NGINX;
    "if-none-match" &[("HTTP_IF_NONE_MATCH", "\"a\""), ("HTTP_IF_NONE_MATCH", "\"b\"")],
        [Sees::Header("if-none-match", Some("\"a\", \"b\""))], "the last", RFC_9110;
    "cookie" &[("HTTP_COOKIE", "a=1"), ("HTTP_COOKIE", "b=2")],
        [Sees::Header("cookie", Some("a=1; b=2")), Sees::HeaderAll("cookie", &["a=1", "b=2"])], "b=2", COOKIES;
    "spellings" &[("HTTP_X_A", "1"), ("HTTP_X-A", "2"), ("HTTP_x_a", "3")],
        [Sees::Header("X-A", Some("1, 2, 3")), Sees::Headers(&[("x-a", "1"), ("x-a", "2"), ("x-a", "3")])],
        "three vars", "lighttpd 1.4.69 sends X_A beside X-A";
    "neighbours" &[("HTTP_X", "1"), ("HTTP_X", "1"), ("HTTP_X", "2"), ("HTTP_X", "1")],
        [Sees::Header("x", Some("1, 2, 1")), Sees::Headers(&[("x", "1"), ("x", "2"), ("x", "1")])], "1", NGINX;
    "neighbours-across-others" &[("HTTP_X", "1"), ("HTTP_Y", "1"), ("HTTP_X", "1")],
        [Sees::Headers(&[("x", "1"), ("y", "1")]), Sees::HeaderAll("x", &["1"])], "1", NGINX;
    "neighbours-across-empty" &[("HTTP_X", "1"), ("HTTP_X", ""), ("HTTP_X", "1")],
        [Sees::Header("x", Some("1")), Sees::Headers(&[("x", "1")])], "1", RFC_9110;
    "empty-among" &[("HTTP_X", ""), ("HTTP_X", "1"), ("HTTP_X", ""), ("HTTP_X", "2")],
        [Sees::Header("x", Some("1, 2")), Sees::Headers(&[("x", "1"), ("x", "2")])], "2", RFC_9110;
    "removed" &[("HTTP_PROXY", "evil"), ("HTTP_PROXY", "")],
        [Sees::Header("proxy", None), Sees::Headers(NO_HEADERS), Sees::RawHeaders(&[("proxy", "evil"), ("proxy", "")])],
        "empty", REMOVED;
    "removed-alone" &[("HTTP_PROXY", "")], [Sees::Header("proxy", None), Sees::Headers(NO_HEADERS)], "empty", REMOVED;
    "removed-then-set" &[("HTTP_X", "a"), ("HTTP_X", ""), ("HTTP_X", "b")], [Sees::Header("x", Some("a, b"))], "b", NGINX;
    // The two names have the same length and last letter, and neither is repeated.
    "look-alikes" &[("HTTP_XA", "1"), ("HTTP_YA", "2"), ("HTTP_ZA", "")],
        [Sees::Headers(&[("xa", "1"), ("ya", "2")]), Sees::Header("za", None)], "as they are", RFC_9110;

    // Headers about the connection, and headers that other vars carry.
    "hop-by-hop" &[
            ("HTTP_CONNECTION", "close, X-Secret"), ("HTTP_KEEP_ALIVE", "5"), ("HTTP_TE", "trailers"), ("HTTP_TRAILER", "x"),
            ("HTTP_TRANSFER_ENCODING", "chunked"), ("HTTP_EXPECT", "100-continue"), ("HTTP_HTTP2_SETTINGS", "x"),
            ("HTTP_PROXY_AUTHORIZATION", "x"), ("HTTP_CONTENT_LENGTH", "5"), ("HTTP_CONTENT_TYPE", "x"), ("HTTP_X_SECRET", "1")],
        [Sees::Headers(&[("x-secret", "1")]), Sees::Header("te", Some("trailers"))], "all of them", "RFC 9110 section 7.6.1";
    "upgrade" &[("HTTP_CONNECTION", "upgrade"), ("HTTP_UPGRADE", "websocket"), ("HTTP_KEEP_ALIVE", "5")],
        [Sees::Headers(&[("connection", "upgrade"), ("upgrade", "websocket")])], "all of them", "RFC 9110 section 7.8";
    "upgrade-h2c" &[("HTTP_CONNECTION", "Upgrade, HTTP2-Settings"), ("HTTP_UPGRADE", "h2c"), ("HTTP_HTTP2_SETTINGS", "AA")],
        [Sees::Headers(NO_HEADERS)], "all of them", "RFC 9113 section 3.1";
    "upgrade-h2c-listed" &[("HTTP_CONNECTION", "upgrade"), ("HTTP_UPGRADE", "websocket, H2C")],
        [Sees::Headers(NO_HEADERS)], "all of them", "RFC 9113 section 3.1";
    "upgrade-emptied" &[("HTTP_CONNECTION", "upgrade"), ("HTTP_UPGRADE", "websocket"), ("HTTP_UPGRADE", "")],
        [Sees::Headers(NO_HEADERS)], "empty", NGINX;
    "upgrade-last-counts" &[("HTTP_UPGRADE", "h2c"), ("HTTP_UPGRADE", "websocket")],
        [Sees::Headers(&[("upgrade", "websocket")])], "websocket", NGINX;
}

#[test]
fn repeated() {
    run_view("repeated vars", ROWS);
}
