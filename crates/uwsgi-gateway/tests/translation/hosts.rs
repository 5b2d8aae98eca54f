//! The Host, and the name of the server.

use crate::row::Row;

const RULE: &str = "RFC 9112 section 3.2";

pub(crate) const ROWS: &[Row] = &[
    Row::vars(
        "a Host with a port",
        "",
        "GET / HTTP/1.1\nHost: app.example:8443",
        &["HTTP_HOST=app.example:8443", "HTTP_X_FORWARDED_HOST=app.example:8443"],
        "nginx 1.22: SERVER_PORT is the port of the listener",
    ),
    Row::vars(
        "a Host with an empty port",
        "",
        "GET / HTTP/1.1\nHost: app.example:",
        &["HTTP_HOST=app.example:", "HTTP_X_FORWARDED_HOST=app.example:"],
        "RFC 3986 section 3.2.3",
    ),
    Row::vars(
        "a Host in capitals",
        "",
        "GET / HTTP/1.1\nHOST: APP.example",
        &["SERVER_NAME=APP.example", "HTTP_HOST=APP.example", "HTTP_X_FORWARDED_HOST=APP.example"],
        "nginx 1.22 with `uwsgi_param HTTP_HOST $http_host`",
    ),
    Row::vars(
        "a Host of IPv6",
        "",
        "GET / HTTP/1.1\nHost: [::1]:8080",
        &["SERVER_NAME=[::1]", "HTTP_HOST=[::1]:8080", "HTTP_X_FORWARDED_HOST=[::1]:8080"],
        "RFC 3875 section 4.1.14",
    ),
    Row::vars(
        "a Host with a final dot",
        "",
        "GET / HTTP/1.1\nHost: app.example.",
        &["SERVER_NAME=app.example.", "HTTP_HOST=app.example.", "HTTP_X_FORWARDED_HOST=app.example."],
        "RFC 3986 section 3.2.2",
    ),
    Row::vars(
        "a Host with an underscore",
        "",
        "GET / HTTP/1.1\nHost: my_app",
        &["SERVER_NAME=my_app", "HTTP_HOST=my_app", "HTTP_X_FORWARDED_HOST=my_app"],
        "RFC 3986 section 3.2.2",
    ),
    Row::vars(
        "HTTP/1.0 without a Host",
        "",
        "GET / HTTP/1.0",
        &["SERVER_PROTOCOL=HTTP/1.0", "SERVER_NAME=127.0.0.1", "-HTTP_HOST", "-HTTP_X_FORWARDED_HOST"],
        "RFC 3875 section 4.1.14",
    ),
    Row::vars(
        "HTTP/1.0 with a Host",
        "",
        "GET / HTTP/1.0\nHost: app.example",
        &["SERVER_PROTOCOL=HTTP/1.0"],
        "nginx 1.22, capture nginx/get-http10",
    ),
    Row::vars(
        "a Unix socket and a Host",
        "peer=unix",
        "GET / HTTP/1.1\nHost: app.example",
        &["REMOTE_ADDR=", "-REMOTE_PORT", "SERVER_PORT=80", "-HTTP_X_FORWARDED_FOR"],
        RULE,
    ),
    Row::status("no Host", "", "GET / HTTP/1.1\nAccept: */*", 400, RULE),
    Row::status("no header", "", "GET / HTTP/1.1", 400, RULE),
    Row::status("two Hosts that differ", "", "GET / HTTP/1.1\nHost: app.example\nHost: other.example", 400, RULE),
    Row::status("two equal Hosts", "", "GET / HTTP/1.1\nHost: app.example\nHost: app.example", 400, RULE),
    Row::status("two Hosts in HTTP/1.0", "", "GET / HTTP/1.0\nHost: app.example\nHost: other.example", 400, RULE),
    Row::status("an empty Host", "", "GET / HTTP/1.1\nHost:", 400, "nginx 1.22 answers 400"),
    Row::status("an empty Host in HTTP/1.0", "", "GET / HTTP/1.0\nHost:", 400, "nginx 1.22 answers 400"),
    Row::status("a Host and an empty one", "", "GET / HTTP/1.1\nHost: app.example\nHost:", 400, RULE),
    Row::status("a list of Hosts", "", "GET / HTTP/1.1\nHost: app.example, other.example", 400, RULE),
    Row::status("a Host with a user", "", "GET / HTTP/1.1\nHost: user@app.example", 400, RULE),
    Row::status("a Host with a path", "", "GET / HTTP/1.1\nHost: app.example/path", 400, RULE),
    Row::status("a Host with a space", "", "GET / HTTP/1.1\nHost: app.example other.example", 400, RULE),
    Row::status("a Host of raw UTF-8", "", "GET / HTTP/1.1\nHost: \u{c3}\u{a4}pp.example", 400, RULE),
    Row::status("a Host with a port of letters", "", "GET / HTTP/1.1\nHost: app.example:abc", 400, RULE),
    Row::status("a Host with an open bracket", "", "GET / HTTP/1.1\nHost: [::1", 400, RULE),
    Row::status("a Host of a port alone", "", "GET / HTTP/1.1\nHost: :80", 400, RULE),
    Row::status("a Host of a URL", "", "GET / HTTP/1.1\nHost: http://app.example", 400, RULE),
    Row::status("a Host with a bad percent sign", "", "GET / HTTP/1.1\nHost: app%zz", 400, RULE),
];
