//! Well-formed packets with odd or hostile values: what the view shows, and what the content check refuses.
//!
//! The behaviour of the servers is from uWSGI 2.0.31 at its default limits and gunicorn 27.0.1.

use uwsgi::ContentErrorKind::{ControlByte, EmptyMethod, MethodNotToken, Nul};
use uwsgi::framing::RequestFraming;

use crate::rows::{Sees, ViewRow, changed, run_view, small, without};

const VARS: &str = "uWSGI 2.0 core/protocol.c; gunicorn 27 uwsgi/message.py";
const ENVIRON: &str = "gunicorn 27 http/wsgi.py";
const FIELDS: &str = "RFC 9110 section 5.5: CR, LF and NUL are refused";
const METHOD: &str = "RFC 9110 section 9.1: a method is a token";

/// Name, input, what the view shows, uWSGI, gunicorn, source.
macro_rules! rows {
    ($($name:literal $input:expr, [$($sees:expr),+], $uwsgi:literal, $gunicorn:literal, $source:expr;)*) => {
        const ROWS: &[ViewRow] = &[$(ViewRow {
            name: $name,
            input: $input,
            sees: &[$($sees),+],
            uwsgi: $uwsgi,
            gunicorn: $gunicorn,
            source: $source,
        }),*];
    };
}

rows! {
    "good" small(&[]), [Sees::Clean, Sees::Method(Some("GET")), Sees::PathInfo(Some("/m"))], "200", "200", VARS;

    // Absent.
    "no-request-method" without(&["REQUEST_METHOD"]), [Sees::Method(None), Sees::Clean], "passes it on", "GET", VARS;
    "no-path-info" without(&["PATH_INFO"]), [Sees::PathInfo(None), Sees::RequestUri(Some("/m")), Sees::Clean],
        "passes it on", "/", VARS;
    "no-request-uri" without(&["REQUEST_URI"]), [Sees::RequestUri(None), Sees::PathInfo(Some("/m")), Sees::Clean],
        "passes it on", "from PATH_INFO", VARS;
    "no-server-protocol" without(&["SERVER_PROTOCOL"]), [Sees::ServerProtocol(None), Sees::Clean], "passes it on",
        "HTTP/1.1", VARS;
    "no-http-host" without(&["HTTP_HOST"]), [Sees::Host(None), Sees::ServerName(Some("lab.test")), Sees::Clean],
        "passes it on", "passes it on", VARS;
    "no-content-length" without(&["CONTENT_LENGTH"]), [Sees::Body(Ok(RequestFraming::None)), Sees::Clean], "no body", "no body", VARS;
    "no-query-string" without(&["QUERY_STRING"]), [Sees::QueryString(None), Sees::Clean], "passes it on", "''", VARS;

    // The method.
    "method-empty" changed(&[("REQUEST_METHOD", "")]),
        [Sees::Method(Some("")), Sees::Refused("REQUEST_METHOD", EmptyMethod, 0)], "passes it on", "passes it on", METHOD;
    "method-lower-case" changed(&[("REQUEST_METHOD", "get")]), [Sees::Method(Some("get")), Sees::Clean],
        "passes it on", "passes it on", METHOD;
    "method-unknown" changed(&[("REQUEST_METHOD", "BREW")]), [Sees::Method(Some("BREW")), Sees::Clean],
        "passes it on", "passes it on", METHOD;
    "method-all-token-bytes" changed(&[("REQUEST_METHOD", "aZ09!#$%&'*+-.^_`|~")]), [Sees::Clean],
        "passes it on", "passes it on", METHOD;
    "method-space-and-line-end" changed(&[("REQUEST_METHOD", "GET /\r\nX")]),
        [Sees::Method(Some("GET /\r\nX")), Sees::Refused("REQUEST_METHOD", MethodNotToken, 3)],
        "passes it on, and splits its log line", "passes it on, and splits its log line", METHOD;
    "method-blank-after" changed(&[("REQUEST_METHOD", "GET ")]), [Sees::Refused("REQUEST_METHOD", MethodNotToken, 3)],
        "passes it on", "passes it on", METHOD;
    "method-nul" changed(&[("REQUEST_METHOD", "GE\0T")]), [Sees::Refused("REQUEST_METHOD", MethodNotToken, 2)],
        "passes it on", "passes it on", METHOD;
    "method-high-byte" changed(&[("REQUEST_METHOD", "G\u{c9}T")]), [Sees::Refused("REQUEST_METHOD", MethodNotToken, 1)],
        "passes it on", "passes it on", METHOD;
    "method-colon" changed(&[("REQUEST_METHOD", ":")]), [Sees::Refused("REQUEST_METHOD", MethodNotToken, 0)],
        "passes it on", "passes it on", METHOD;
    "second-method-bad" small(&[("REQUEST_METHOD", "P T")]), [Sees::Refused("REQUEST_METHOD", MethodNotToken, 1)],
        "passes it on", "passes it on", METHOD;
    "first-method-bad" changed(&[("REQUEST_METHOD", "")]), [Sees::Refused("REQUEST_METHOD", EmptyMethod, 0)],
        "passes it on", "passes it on", METHOD;

    // Header values.
    "value-crlf" small(&[("HTTP_X", "a\r\nEvil: b")]),
        [Sees::Header("x", Some("a\r\nEvil: b")), Sees::Refused("HTTP_X", ControlByte, 1)],
        "passes it on", "passes it on", FIELDS;
    "value-cr" small(&[("HTTP_X", "ab\r")]), [Sees::Refused("HTTP_X", ControlByte, 2)], "passes it on", "passes it on", FIELDS;
    "value-lf" small(&[("HTTP_X", "\nab")]), [Sees::Refused("HTTP_X", ControlByte, 0)], "passes it on", "passes it on", FIELDS;
    "value-nul" small(&[("HTTP_X", "a\0b")]),
        [Sees::Header("x", Some("a\0b")), Sees::Refused("HTTP_X", ControlByte, 1)], "passes it on", "passes it on", FIELDS;
    "value-tab-and-high-bytes" small(&[("HTTP_X", "a\tb\u{ff}\u{1}\u{7f}")]), [Sees::Clean], "passes it on",
        "passes it on", FIELDS;
    "value-not-utf8" small(&[("HTTP_X", "\u{ff}\u{fe}")]),
        [Sees::Header("x", Some("\u{ff}\u{fe}")), Sees::NotText("HTTP_X"), Sees::Clean], "passes it on", "passes it on", VARS;
    "bare-http-with-crlf" small(&[("HTTP_", "\r\n")]), [Sees::Refused("HTTP_", ControlByte, 0)],
        "passes it on", "passes it on", FIELDS;
    "first-in-wire-order" small(&[("HTTP_B", "x\n"), ("HTTP_A", "\r")]), [Sees::Refused("HTTP_B", ControlByte, 1)],
        "passes it on", "passes it on", FIELDS;

    // Other checked vars.
    "uri-crlf" changed(&[("REQUEST_URI", "/m HTTP/1.1\r\nX: y")]), [Sees::Refused("REQUEST_URI", ControlByte, 11)],
        "passes it on", "passes it on", FIELDS;
    "uri-nul" changed(&[("REQUEST_URI", "/\0")]), [Sees::Refused("REQUEST_URI", ControlByte, 1)],
        "passes it on", "passes it on", FIELDS;
    "uri-space" changed(&[("REQUEST_URI", "/a b")]), [Sees::RequestUri(Some("/a b")), Sees::Clean], "passes it on",
        "passes it on", VARS;
    "protocol-crlf" changed(&[("SERVER_PROTOCOL", "HTTP/1.1 200 OK\r\nX: y\r\n")]),
        [Sees::Refused("SERVER_PROTOCOL", ControlByte, 15)], "copies it into its status line", "not looked at", FIELDS;
    "protocol-unknown" changed(&[("SERVER_PROTOCOL", "SPDY/9")]), [Sees::ServerProtocol(Some("SPDY/9")), Sees::Clean],
        "copies it into its status line", "HTTP/1.1", VARS;
    "content-type-crlf" changed(&[("CONTENT_TYPE", "a/b\r\nX: y")]), [Sees::Refused("CONTENT_TYPE", ControlByte, 3)],
        "passes it on", "passes it on", FIELDS;
    "content-length-lf" changed(&[("CONTENT_LENGTH", "5\n")]), [Sees::Refused("CONTENT_LENGTH", ControlByte, 1)],
        "5 bytes", "5 bytes", FIELDS;
    "content-length-nul" changed(&[("CONTENT_LENGTH", "5\0")]), [Sees::Refused("CONTENT_LENGTH", ControlByte, 1)],
        "5 bytes", "0 bytes", FIELDS;
    "content-other-crlf" small(&[("CONTENT_X", "a\rb")]), [Sees::Refused("CONTENT_X", ControlByte, 1)],
        "passes it on", "passes it on", FIELDS;
    "a-front-ends-own-var-is-not-checked" small(&[("REMOTE_USER", "a\r\nb"), ("X", "\0"), ("QUERY_STRING", "\n")]),
        [Sees::RemoteUser(Some("a\r\nb")), Sees::Clean], "passes it on", "not passed on", VARS;

    // Paths: the front end decodes them once, and nothing decodes them again.
    "path-not-utf8" changed(&[("PATH_INFO", "/\u{e9}")]),
        [Sees::PathInfo(Some("/\u{e9}")), Sees::NotText("PATH_INFO"), Sees::Clean], "/\u{e9}", "/\u{c3}\u{a9}", ENVIRON;
    "path-utf8" changed(&[("PATH_INFO", "/\u{c3}\u{a9}")]), [Sees::PathInfo(Some("/\u{c3}\u{a9}")), Sees::Clean],
        "as it is", "encoded twice", ENVIRON;
    "path-percent" changed(&[("PATH_INFO", "/a%41b")]), [Sees::PathInfo(Some("/a%41b")), Sees::Clean],
        "as it is", "/aAb: decoded again", ENVIRON;
    "path-encoded-dots" changed(&[("PATH_INFO", "/a/%2e%2e/b")]), [Sees::PathInfo(Some("/a/%2e%2e/b")), Sees::Clean],
        "as it is", "/a/../b: decoded again", ENVIRON;
    "path-dots" changed(&[("PATH_INFO", "/a/../b")]), [Sees::PathInfo(Some("/a/../b")), Sees::Clean],
        "as it is", "as it is", ENVIRON;
    "path-question" changed(&[("PATH_INFO", "/a?b#c"), ("REQUEST_URI", "/a%3Fb%23c")]),
        [Sees::PathInfo(Some("/a?b#c")), Sees::QueryString(Some("")), Sees::Clean], "as it is", "as it is", ENVIRON;
    "path-line-end" changed(&[("PATH_INFO", "/a\r\nb")]), [Sees::PathInfo(Some("/a\r\nb")), Sees::Clean],
        "as it is", "as it is", "a front end decodes %0D%0A on purpose";
    "path-nul" changed(&[("PATH_INFO", "/a\0b")]), [Sees::Refused("PATH_INFO", Nul, 2)], "as it is", "as it is", ENVIRON;
    "path-no-slash" changed(&[("PATH_INFO", "m")]), [Sees::PathInfo(Some("m")), Sees::Clean], "as it is", "as it is", ENVIRON;
    "path-empty" changed(&[("PATH_INFO", "")]), [Sees::PathInfo(Some("")), Sees::Clean], "as it is", "as it is", ENVIRON;

    // Other vars of front ends.
    "script-name" small(&[("SCRIPT_NAME", "/app")]), [Sees::ScriptName(Some("/app")), Sees::PathInfo(Some("/m"))],
        "/app", "'': taken from its process alone", ENVIRON;
    "remote" small(&[("REMOTE_USER", "root"), ("REMOTE_ADDR", "192.0.2.7")]),
        [Sees::RemoteUser(Some("root")), Sees::RemoteAddr(Some("192.0.2.7"))], "as it is", "not passed on", ENVIRON;
    "server-name" changed(&[("SERVER_NAME", "other.test")]), [Sees::ServerName(Some("other.test"))],
        "as it is", "from the listener or HTTP_HOST", ENVIRON;
    "environ-clash" small(&[("wsgi.input", "x")]), [Sees::Var("wsgi.input", Some("x")), Sees::Clean],
        "the server's own wins", "the server's own wins", ENVIRON;
    "uwsgi-file" small(&[("UWSGI_FILE", "/nonexistent.py")]), [Sees::Var("UWSGI_FILE", Some("/nonexistent.py")), Sees::Clean],
        "loads it where dynamic apps are on", "not looked at", "uWSGI 2.0 core/protocol.c uwsgi_proto_check_10";
    "uwsgi-postfile" small(&[("UWSGI_POSTFILE", "/etc/hostname")]), [Sees::Body(Ok(RequestFraming::None)), Sees::Clean],
        "the file becomes the body", "not looked at", "uWSGI 2.0 core/protocol.c uwsgi_proto_check_14";
    "expect" small(&[("HTTP_EXPECT", "100-continue")]), [Sees::Header("expect", Some("100-continue")), Sees::Clean],
        "passes it on", "passes it on, sends no 100", VARS;
}

#[test]
fn odd_and_hostile_values() {
    run_view("malformed values", ROWS);
}
