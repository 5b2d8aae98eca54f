//! gunicorn's own test cases about a request's view, and cases that its tests lack.

use uwsgi::framing::{FramingError, RequestFraming};
use uwsgi::{ContentErrorKind, Scheme};

use crate::rows::{Input, Pairs, Sees, ViewRow, changed, run_view, small};

const SYNC: &str = "gunicorn 27 tests/test_uwsgi.py";
const ASYNC: &str = "gunicorn 27 tests/test_asgi_uwsgi.py";
const PARSER: &str = "gunicorn 27 uwsgi/message.py";

const GET: Pairs = &[("REQUEST_METHOD", "GET"), ("PATH_INFO", "/test"), ("QUERY_STRING", "foo=bar")];

const VIEW: &[ViewRow] = &[
    ViewRow {
        name: "get",
        input: Input::Vars(GET),
        sees: &[
            Sees::Method(Some("GET")),
            Sees::PathInfo(Some("/test")),
            Sees::QueryString(Some("foo=bar")),
            Sees::RequestUri(None),
            Sees::Body(Ok(RequestFraming::None)),
        ],
        uwsgi: "the same",
        gunicorn: "the same, and a uri put together from path and query",
        source: SYNC,
    },
    ViewRow {
        name: "get-search",
        input: Input::Vars(&[("REQUEST_METHOD", "GET"), ("PATH_INFO", "/search"), ("QUERY_STRING", "q=test&page=1")]),
        sees: &[Sees::PathInfo(Some("/search")), Sees::QueryString(Some("q=test&page=1"))],
        uwsgi: "the same",
        gunicorn: "the same",
        source: ASYNC,
    },
    ViewRow {
        name: "post-form",
        input: Input::Vars(&[
            ("REQUEST_METHOD", "POST"),
            ("PATH_INFO", "/submit"),
            ("CONTENT_TYPE", "application/x-www-form-urlencoded"),
            ("CONTENT_LENGTH", "19"),
        ]),
        sees: &[
            Sees::Method(Some("POST")),
            Sees::PathInfo(Some("/submit")),
            Sees::ContentType(Some("application/x-www-form-urlencoded")),
            Sees::Body(Ok(RequestFraming::Length(19))),
        ],
        uwsgi: "reads 19 bytes",
        gunicorn: "reads 19 bytes",
        source: SYNC,
    },
    ViewRow {
        name: "headers",
        input: Input::Vars(&[
            ("REQUEST_METHOD", "GET"),
            ("PATH_INFO", "/"),
            ("HTTP_HOST", "example.com"),
            ("HTTP_USER_AGENT", "TestClient/1.0"),
            ("HTTP_ACCEPT", "text/html"),
        ]),
        sees: &[
            Sees::Headers(&[("host", "example.com"), ("user-agent", "TestClient/1.0"), ("accept", "text/html")]),
            Sees::Host(Some("example.com")),
            Sees::Header("User-Agent", Some("TestClient/1.0")),
        ],
        uwsgi: "no headers of its own; environ has the vars",
        gunicorn: "HOST, USER-AGENT, ACCEPT in upper case",
        source: SYNC,
    },
    ViewRow {
        name: "header-in-any-case",
        input: Input::Vars(&[("HTTP_X_CUSTOM_HEADER", "custom-value")]),
        sees: &[
            Sees::Header("X-Custom-Header", Some("custom-value")),
            Sees::Header("x-custom-header", Some("custom-value")),
            Sees::Header("X_CUSTOM_HEADER", Some("custom-value")),
            Sees::Header("X-Custom", None),
        ],
        uwsgi: "no headers of its own",
        gunicorn: "get_header ignores case",
        source: ASYNC,
    },
    ViewRow {
        name: "content-headers",
        input: Input::Vars(&[
            ("REQUEST_METHOD", "POST"),
            ("PATH_INFO", "/"),
            ("CONTENT_TYPE", "application/json"),
            ("CONTENT_LENGTH", "0"),
        ]),
        sees: &[
            Sees::Headers(&[("content-type", "application/json"), ("content-length", "0")]),
            Sees::Body(Ok(RequestFraming::Length(0))),
        ],
        uwsgi: "no body",
        gunicorn: "the same headers in upper case",
        source: SYNC,
    },
    ViewRow {
        name: "https-on",
        input: Input::Vars(&[("REQUEST_METHOD", "GET"), ("PATH_INFO", "/"), ("HTTPS", "on")]),
        sees: &[Sees::Scheme(Scheme::Https)],
        uwsgi: "https",
        gunicorn: "https",
        source: SYNC,
    },
    ViewRow {
        name: "url-scheme",
        input: Input::Vars(&[("REQUEST_METHOD", "GET"), ("PATH_INFO", "/"), ("wsgi.url_scheme", "https")]),
        sees: &[Sees::Scheme(Scheme::Https)],
        uwsgi: "http",
        gunicorn: "https",
        source: SYNC,
    },
    ViewRow {
        name: "no-vars",
        input: Input::Hex("00000000"),
        sees: &[
            Sees::Method(None),
            Sees::PathInfo(None),
            Sees::QueryString(None),
            Sees::Scheme(Scheme::Http),
            Sees::Body(Ok(RequestFraming::None)),
            Sees::Headers(&[]),
        ],
        uwsgi: "closes",
        gunicorn: "GET, /, no query: its defaults; in our view absent vars stay absent, and a server decides",
        source: SYNC,
    },
    ViewRow {
        name: "other-vars",
        input: Input::Vars(&[("SERVER_NAME", "localhost"), ("SERVER_PORT", "8000"), ("CUSTOM_VAR", "custom_value")]),
        sees: &[
            Sees::ServerName(Some("localhost")),
            Sees::ServerPort(Some(8000)),
            Sees::Var("CUSTOM_VAR", Some("custom_value")),
            Sees::Headers(&[]),
        ],
        uwsgi: "all in environ",
        gunicorn: "kept in uwsgi_vars, not passed on to the application",
        source: SYNC,
    },
    ViewRow {
        name: "connection-close",
        input: Input::Vars(&[("REQUEST_METHOD", "GET"), ("PATH_INFO", "/"), ("HTTP_CONNECTION", "close")]),
        sees: &[Sees::Header("connection", Some("close")), Sees::Body(Ok(RequestFraming::None))],
        uwsgi: "closes after every answer",
        gunicorn: "closes: a client's header decides; our servers ignore it",
        source: SYNC,
    },
    ViewRow {
        name: "connection-keep-alive",
        input: Input::Vars(&[("REQUEST_METHOD", "GET"), ("PATH_INFO", "/"), ("HTTP_CONNECTION", "keep-alive")]),
        sees: &[Sees::Header("connection", Some("keep-alive")), Sees::Body(Ok(RequestFraming::None))],
        uwsgi: "closes after every answer",
        gunicorn: "keeps the connection: a client's header decides",
        source: SYNC,
    },
    ViewRow {
        name: "body-of-1000",
        input: Input::Vars(&[("REQUEST_METHOD", "POST"), ("PATH_INFO", "/"), ("CONTENT_LENGTH", "1000")]),
        sees: &[Sees::Body(Ok(RequestFraming::Length(1000)))],
        uwsgi: "reads 1000 bytes",
        gunicorn: "reads 1000 bytes",
        source: SYNC,
    },
    ViewRow {
        name: "content-length-invalid",
        input: Input::Vars(&[("REQUEST_METHOD", "POST"), ("PATH_INFO", "/"), ("CONTENT_LENGTH", "invalid")]),
        sees: &[Sees::Body(Err(FramingError::InvalidLength))],
        uwsgi: "reads 0 bytes",
        gunicorn: "wants the opposite: read as no body, and the body as the next request",
        source: SYNC,
    },
    ViewRow {
        name: "content-length-negative",
        input: Input::Vars(&[("REQUEST_METHOD", "POST"), ("PATH_INFO", "/"), ("CONTENT_LENGTH", "-5")]),
        sees: &[Sees::Body(Err(FramingError::InvalidLength))],
        uwsgi: "reads 0 bytes",
        gunicorn: "wants the opposite: clamped to no body",
        source: SYNC,
    },
    ViewRow {
        name: "no-length",
        input: Input::Vars(&[("REQUEST_METHOD", "GET"), ("PATH_INFO", "/")]),
        sees: &[Sees::Body(Ok(RequestFraming::None)), Sees::ContentType(None)],
        uwsgi: "no body",
        gunicorn: "no body",
        source: ASYNC,
    },
    ViewRow {
        name: "not-ascii",
        input: Input::Vars(&[("HTTP_X", "caf\u{e9}"), ("PATH_INFO", "/\u{c3}\u{a9}")]),
        sees: &[Sees::Header("x", Some("caf\u{e9}")), Sees::NotText("HTTP_X"), Sees::PathInfo(Some("/\u{c3}\u{a9}"))],
        uwsgi: "bytes",
        gunicorn: "latin-1 (not in its tests)",
        source: PARSER,
    },
    ViewRow {
        name: "two-requests",
        input: Input::Hex("00 0600 00 0100 41 0100 31  00 0600 00 0100 41 0100 32"),
        sees: &[Sees::Var("A", Some("1")), Sees::After("\0\u{6}\0\0\u{1}\0A\u{1}\x002")],
        uwsgi: "never reads the second",
        gunicorn: "its gthread and ASGI workers answer both (not in its tests)",
        source: PARSER,
    },
    ViewRow {
        name: "http-content-length-differs",
        input: small(&[("HTTP_CONTENT_LENGTH", "99")]),
        sees: &[
            Sees::Body(Ok(RequestFraming::None)),
            Sees::Header("content-length", None),
            Sees::Var("HTTP_CONTENT_LENGTH", Some("99")),
        ],
        uwsgi: "CONTENT_LENGTH alone counts",
        gunicorn: "environ gets 99, the body reader 0 (not in its tests)",
        source: "gunicorn 27 http/wsgi.py",
    },
    ViewRow {
        name: "modifier2-7",
        input: Input::Hex("00 0600 07  0100 41 0100 42"),
        sees: &[Sees::Var("A", Some("B"))],
        uwsgi: "passes it on to the handler",
        gunicorn: "ignored (not in its tests)",
        source: PARSER,
    },
    ViewRow {
        name: "path-with-percent",
        input: changed(&[("PATH_INFO", "/%61dmin")]),
        sees: &[Sees::PathInfo(Some("/%61dmin"))],
        uwsgi: "as it is",
        gunicorn: "decodes it again, around the front end's access rules (not in its tests)",
        source: "gunicorn 27 http/wsgi.py",
    },
    ViewRow {
        name: "request-scheme",
        input: small(&[("REQUEST_SCHEME", "https")]),
        sees: &[Sees::Scheme(Scheme::Https)],
        uwsgi: "http: ignored",
        gunicorn: "http: ignored (not in its tests)",
        source: PARSER,
    },
    ViewRow {
        name: "server-protocol",
        input: changed(&[("SERVER_PROTOCOL", "HTTP/1.0")]),
        sees: &[Sees::ServerProtocol(Some("HTTP/1.0"))],
        uwsgi: "copies it into its status line",
        gunicorn: "HTTP/1.1, whatever was sent (not in its tests)",
        source: PARSER,
    },
    ViewRow {
        name: "method-empty",
        input: changed(&[("REQUEST_METHOD", "")]),
        sees: &[Sees::Method(Some("")), Sees::Refused("REQUEST_METHOD", ContentErrorKind::EmptyMethod, 0)],
        uwsgi: "passes it on",
        gunicorn: "passes it on (not in its tests)",
        source: PARSER,
    },
    ViewRow {
        name: "method-with-line-end",
        input: changed(&[("REQUEST_METHOD", "G\r\nT")]),
        sees: &[Sees::Method(Some("G\r\nT")), Sees::Refused("REQUEST_METHOD", ContentErrorKind::MethodNotToken, 1)],
        uwsgi: "passes it on",
        gunicorn: "passes it on (not in its tests)",
        source: PARSER,
    },
];

#[test]
fn requests() {
    run_view("gunicorn", VIEW);
}
