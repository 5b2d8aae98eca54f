//! The vars that the operator adds.

use crate::row::Row;

const OPTION: &str = "http-var of uWSGI's router";
const REPLACES: &str = "http-var of uWSGI's router comes last, and of equal keys uWSGI reads the last";

pub(crate) const ROWS: &[Row] = &[
    Row::vars("a var", "var=MY_VAR=a=b", "GET / HTTP/1.1\nHost: app.example", &["+MY_VAR=a=b"], OPTION),
    Row::vars("an empty var", "var=MY_VAR=", "GET / HTTP/1.1\nHost: app.example", &["+MY_VAR="], OPTION),
    Row::vars(
        "two vars, in their order",
        "var=B=1 var=A=2",
        "GET / HTTP/1.1\nHost: app.example",
        &["+B=1", "+A=2"],
        OPTION,
    ),
    Row::vars(
        "a var twice",
        "var=A=1 var=B=2 var=A=3",
        "GET / HTTP/1.1\nHost: app.example",
        &["+B=2", "+A=3"],
        REPLACES,
    ),
    Row::vars(
        "every variable",
        "var=ALL=$remote_addr,$host,$scheme,$request_uri,$request_id,$$",
        "GET /a%20b?c HTTP/1.1\nHost: app.example:81",
        &[
            "QUERY_STRING=c",
            "REQUEST_URI=/a%20b?c",
            "PATH_INFO=/a b",
            "HTTP_HOST=app.example:81",
            "HTTP_X_FORWARDED_HOST=app.example:81",
            "+ALL=203.0.113.9,app.example,http,/a%20b?c,ID,$",
        ],
        "nginx 1.22: $host has no port",
    ),
    Row::vars(
        "variables behind a proxy",
        "proxy=203.0.113.9 var=ALL=$remote_addr,$scheme,$request_id",
        "GET / HTTP/1.1\nHost: app.example\nX-Forwarded-For: 198.51.100.7\nX-Forwarded-Proto: https\nX-Request-Id: abc",
        &[
            "REQUEST_SCHEME=https",
            "HTTPS=on",
            "REMOTE_ADDR=198.51.100.7",
            "-REMOTE_PORT",
            "HTTP_X_FORWARDED_FOR=198.51.100.7",
            "HTTP_X_FORWARDED_PROTO=https",
            "HTTP_X_REQUEST_ID=abc",
            "+ALL=198.51.100.7,https,abc",
        ],
        "nginx 1.22 with the realip module",
    ),
    Row::vars(
        "$host without a Host",
        "var=A=$host",
        "GET / HTTP/1.0",
        &["SERVER_PROTOCOL=HTTP/1.0", "SERVER_NAME=127.0.0.1", "-HTTP_HOST", "-HTTP_X_FORWARDED_HOST", "+A=127.0.0.1"],
        "nginx 1.22: $host is the name of the server then",
    ),
    Row::vars(
        "a var in place of a param",
        "var=SERVER_NAME=fixed",
        "GET / HTTP/1.1\nHost: app.example",
        &["-SERVER_NAME", "+SERVER_NAME=fixed"],
        REPLACES,
    ),
    Row::vars(
        "a var in place of the Host",
        "var=HTTP_HOST=$host",
        "GET / HTTP/1.1\nHost: app.example:81",
        &["-HTTP_HOST", "HTTP_X_FORWARDED_HOST=app.example:81", "+HTTP_HOST=app.example"],
        REPLACES,
    ),
    Row::vars(
        "a var in place of a header of the client",
        "var=HTTP_X_USER=none",
        "GET / HTTP/1.1\nHost: app.example\nX-User: root",
        &["+HTTP_X_USER=none"],
        REPLACES,
    ),
    Row::vars(
        "a var in place of a header with an underscore, allowed",
        "underscores var=HTTP_X_USER=none",
        "GET / HTTP/1.1\nHost: app.example\nX_User: root",
        &["+HTTP_X_USER=none"],
        REPLACES,
    ),
    Row::vars(
        "a var in place of what the gateway says",
        "var=HTTP_X_FORWARDED_PROTO=https var=HTTP_X_REQUEST_ID=a",
        "GET / HTTP/1.1\nHost: app.example",
        &["-HTTP_X_FORWARDED_PROTO", "-HTTP_X_REQUEST_ID", "+HTTP_X_FORWARDED_PROTO=https", "+HTTP_X_REQUEST_ID=a"],
        REPLACES,
    ),
    Row::vars(
        "a var for uWSGI",
        "var=UWSGI_SCHEME=https",
        "GET / HTTP/1.1\nHost: app.example",
        &["+UWSGI_SCHEME=https"],
        OPTION,
    ),
    Row::vars(
        "a var in place of the type",
        "var=CONTENT_TYPE=a/b",
        "GET / HTTP/1.1\nHost: app.example\nContent-Type: c/d",
        &["-CONTENT_TYPE", "+CONTENT_TYPE=a/b"],
        REPLACES,
    ),
];
