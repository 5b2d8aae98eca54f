//! What front ends send that a receiver must live with, and what their security fixes were about.

use uwsgi::framing::RequestFraming;
use uwsgi::{DecodeErrorKind as Kind, Scheme};
use uwsgi_tests::naive::Rules;

use crate::rows::{Input, Sees, Verdict, ViewRow, WireRow, run_view, run_wire};

const VIEW: &[ViewRow] = &[
    ViewRow {
        name: "nginx-without-uwsgi-params",
        input: Input::Vars(&[("HTTP_HOST", "example.com"), ("HTTP_ACCEPT", "*/*")]),
        sees: &[
            Sees::Method(None),
            Sees::PathInfo(None),
            Sees::Headers(&[("host", "example.com"), ("accept", "*/*")]),
            Sees::Body(Ok(RequestFraming::None)),
            Sees::Clean,
        ],
        uwsgi: "runs the application with neither method nor path",
        gunicorn: "GET /",
        source: "nginx 1.22 ngx_http_uwsgi_module.c: a location without uwsgi_params",
    },
    ViewRow {
        name: "nginx-chunked-upload",
        input: Input::Vars(&[
            ("REQUEST_METHOD", "POST"),
            ("CONTENT_LENGTH", "5"),
            ("HTTP_TRANSFER_ENCODING", "chunked"),
            ("HTTP_EXPECT", "100-continue"),
        ]),
        sees: &[
            Sees::Body(Ok(RequestFraming::Length(5))),
            Sees::BodyOrChunked(Ok(RequestFraming::Length(5))),
            Sees::Header("transfer-encoding", Some("chunked")),
        ],
        uwsgi: "5 bytes",
        gunicorn: "5 bytes",
        source: "nginx 1.22 ngx_http_uwsgi_module.c: the body is no longer chunked, the header still says so",
    },
    ViewRow {
        name: "uwsgi-router-chunked-upload",
        input: Input::Vars(&[("REQUEST_METHOD", "POST"), ("HTTP_TRANSFER_ENCODING", "chunked")]),
        sees: &[Sees::Body(Ok(RequestFraming::None)), Sees::BodyOrChunked(Ok(RequestFraming::Chunked))],
        uwsgi: "no body, unless the application reads chunks",
        gunicorn: "no body, and the chunks as the next request",
        source: "uWSGI 2.0 plugins/http/http.c --http-chunked-input",
    },
    ViewRow {
        name: "caddy-chunked-upload",
        input: Input::Vars(&[("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", ""), ("CONTENT_TYPE", "")]),
        sees: &[Sees::Body(Ok(RequestFraming::None)), Sees::ContentType(None), Sees::Header("content-length", None)],
        uwsgi: "no body",
        gunicorn: "no body, and the body as the next request",
        source: "caddy-uwsgi-transport 4cfc5af uwsgi.go",
    },
    ViewRow {
        name: "caddy-remote-addr-with-port",
        input: Input::Vars(&[("REMOTE_ADDR", "203.0.113.9:51234")]),
        sees: &[Sees::RemoteAddr(Some("203.0.113.9:51234"))],
        uwsgi: "as it is",
        gunicorn: "not passed on",
        source: "caddy-uwsgi-transport 4cfc5af uwsgi.go",
    },
    ViewRow {
        name: "apache-absolute-form",
        input: Input::Vars(&[("REQUEST_URI", "http://other.test:81/abs?a=1"), ("PATH_INFO", "/abs")]),
        sees: &[Sees::RequestUri(Some("http://other.test:81/abs?a=1")), Sees::PathInfo(Some("/abs")), Sees::Clean],
        uwsgi: "as it is",
        gunicorn: "put together from path and query",
        source: "Apache 2.4 mod_proxy_uwsgi.c",
    },
    ViewRow {
        name: "apache-server-port-from-the-client",
        input: Input::Vars(&[("HTTP_HOST", "h:1"), ("SERVER_PORT", "1")]),
        sees: &[Sees::Host(Some("h:1")), Sees::ServerPort(Some(1))],
        uwsgi: "as it is",
        gunicorn: "from the listener",
        source: "Apache 2.4 mod_proxy_uwsgi.c",
    },
    ViewRow {
        name: "server-port-that-is-not-a-port",
        input: Input::Vars(&[("SERVER_PORT", "65536")]),
        sees: &[Sees::ServerPort(None), Sees::Var("SERVER_PORT", Some("65536"))],
        uwsgi: "as it is",
        gunicorn: "from the listener",
        source: "Apache 2.4 mod_proxy_uwsgi.c: the client's Host decides it",
    },
    ViewRow {
        name: "lighttpd-folded-names-collide",
        input: Input::Vars(&[("HTTP_X_UND", "1"), ("HTTP_X_UND", "2"), ("HTTP_X_UND", "3")]),
        sees: &[Sees::HeaderAll("x-und", &["1", "2", "3"]), Sees::Header("X-Und", Some("1, 2, 3"))],
        uwsgi: "the last wins",
        gunicorn: "the last wins",
        source: "lighttpd 1.4.69 src/http_cgi.c folds X_Und, X-Und and x.und into one key",
    },
    ViewRow {
        name: "nginx-passes-proxy",
        input: Input::Vars(&[("HTTP_PROXY", "evil:80")]),
        sees: &[Sees::Header("proxy", Some("evil:80")), Sees::Clean],
        uwsgi: "passes it on",
        gunicorn: "passes it on",
        source: "CVE-2016-5385; nginx 1.22",
    },
    ViewRow {
        name: "nginx-https-param",
        input: Input::Vars(&[("REQUEST_SCHEME", "https"), ("HTTPS", "on")]),
        sees: &[Sees::Scheme(Scheme::Https)],
        uwsgi: "https",
        gunicorn: "https",
        source: "nginx 1.22 conf/uwsgi_params",
    },
    ViewRow {
        name: "http-2-client",
        input: Input::Vars(&[("SERVER_PROTOCOL", "HTTP/2.0")]),
        sees: &[Sees::ServerProtocol(Some("HTTP/2.0")), Sees::Clean],
        uwsgi: "copies it into its status line",
        gunicorn: "HTTP/1.1",
        source: "nginx 1.22 conf/uwsgi_params",
    },
    ViewRow {
        name: "uwsgi-router-var",
        input: Input::Vars(&[("UWSGI_ROUTER", "http"), ("HTTPS", "on")]),
        sees: &[Sees::Var("UWSGI_ROUTER", Some("http")), Sees::Headers(&[])],
        uwsgi: "nothing reads it",
        gunicorn: "not passed on",
        source: "uWSGI 2.0 plugins/http/http.c",
    },
    ViewRow {
        name: "any-order",
        input: Input::Vars(&[("HTTP_X", "1"), ("CONTENT_LENGTH", "3"), ("PATH_INFO", "/"), ("REQUEST_METHOD", "PUT")]),
        sees: &[
            Sees::Method(Some("PUT")),
            Sees::PathInfo(Some("/")),
            Sees::Headers(&[("x", "1"), ("content-length", "3")]),
            Sees::Body(Ok(RequestFraming::Length(3))),
        ],
        uwsgi: "in any order",
        gunicorn: "in any order",
        source: "caddy-uwsgi-transport 4cfc5af sends the vars in random order",
    },
];

const WIRE: &[WireRow] = &[
    WireRow {
        // The length of a value of 65536 + 3 bytes was cut to 3; the rest of the value is read as pairs.
        name: "value-length-that-wrapped",
        input: Input::Hex("00 1000 00  0100 41 0300 616161  616161616161 6161"),
        rules: Rules::WIRE,
        ours: Verdict::Error(Kind::KeyOverrun, 14, 24929, 6),
        uwsgi: "skips the length and reads on after it, until a pair fits",
        gunicorn: "400: truncated key",
        source: "CVE-2020-11984: Apache 2.4.32 to 2.4.44 mod_proxy_uwsgi.c",
    },
    WireRow {
        // The datasize wrapped: 65536 + 6 bytes of vars, and a datasize of 6.
        name: "datasize-that-wrapped",
        input: Input::Hex("00 0600 00  0100 41 ffff 62  6262626262"),
        rules: Rules::WIRE,
        ours: Verdict::Error(Kind::ValueOverrun, 9, 65535, 1),
        uwsgi: "closes",
        gunicorn: "400: truncated value",
        source: "nginx before 1.15.4; caddy-uwsgi-transport 4cfc5af; uwsgi-tools 1.1.1",
    },
    WireRow {
        // A name of 256 bytes: only the low byte of its length, 0, was written, and then the whole name.
        name: "key-length-cut-to-one-byte",
        input: Input::Hex("00 0a00 00  0000 6e6e6e6e 0100 31 00"),
        rules: Rules::WIRE,
        ours: Verdict::Error(Kind::EmptyKey, 4, 1, 0),
        uwsgi: "closes: uwsgi key cannot be null",
        gunicorn: "400: truncated value",
        source: "nginx before 1.31.5 ngx_http_uwsgi_module.c: uwsgi_param names of 256 bytes and more",
    },
    WireRow {
        name: "raw-string-after-the-vars",
        input: Input::Hex("00 0c00 00  0100 41 0100 42  524157535452"),
        rules: Rules::WIRE,
        ours: Verdict::Error(Kind::KeyOverrun, 12, 0x4152, 4),
        uwsgi: "closes",
        gunicorn: "400: truncated key",
        source: "nginx 1.22 ngx_http_uwsgi_module.c: uwsgi_string",
    },
    WireRow {
        name: "character-count-for-a-byte-length",
        input: Input::Hex("00 0c00 00  0100 41 0500 2f636166c3a9"),
        rules: Rules::WIRE,
        ours: Verdict::Needs { more: 1, at: 4 },
        uwsgi: "waits for a byte",
        gunicorn: "waits for a byte",
        source: "uwsgi-tools 1.1.1 counts characters, not bytes",
    },
];

#[test]
fn requests_of_front_ends() {
    run_view("front ends", VIEW);
}

#[test]
fn bytes_of_front_ends() {
    run_wire("front ends", WIRE);
}
