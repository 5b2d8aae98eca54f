//! Headers that only a trusted proxy may send.

use crate::row::Row;

const LETS_THROUGH: &str = "the option --trusted-header";

pub(crate) const ROWS: &[Row] = &[
    Row::vars(
        "a trusted header",
        "proxy=203.0.113.9 header=x-real-ip",
        "GET / HTTP/1.1\nHost: app.example\nX-Real-IP: 198.51.100.7\nX-Client-Cert: x",
        &["-REMOTE_PORT", "HTTP_X_REAL_IP=198.51.100.7"],
        LETS_THROUGH,
    ),
    Row::vars(
        "a trusted header of an untrusted peer",
        "proxy=10.0.0.1 header=x-real-ip",
        "GET / HTTP/1.1\nHost: app.example\nX-Real-IP: 198.51.100.7",
        &[],
        LETS_THROUGH,
    ),
    Row::vars(
        "a trusted header that is not of the family",
        "proxy=203.0.113.9 header=remote-user",
        "GET / HTTP/1.1\nHost: app.example\nRemote-User: alice",
        &["-REMOTE_PORT", "HTTP_REMOTE_USER=alice"],
        LETS_THROUGH,
    ),
    Row::vars(
        "a trusted header that is not of the family, of an untrusted peer",
        "proxy=10.0.0.1 header=remote-user",
        "GET / HTTP/1.1\nHost: app.example\nRemote-User: alice",
        &[],
        LETS_THROUGH,
    ),
    Row::vars(
        "two trusted headers",
        "proxy=203.0.113.9 header=client-cert header=x-forwarded-port",
        "GET / HTTP/1.1\nHost: app.example\nClient-Cert: x\nX-Forwarded-Port: 443\nX-Forwarded-Prefix: /a",
        &["-REMOTE_PORT", "HTTP_CLIENT_CERT=x", "HTTP_X_FORWARDED_PORT=443"],
        LETS_THROUGH,
    ),
    Row::whole(
        "a trusted header in place of the gateway's",
        "proxy=203.0.113.9 header=x-forwarded-host",
        "GET / HTTP/1.1\nHost: app.example\nX-Forwarded-Host: front.example\nAccept: */*",
        &[
            "QUERY_STRING=",
            "REQUEST_METHOD=GET",
            "CONTENT_TYPE=",
            "CONTENT_LENGTH=0",
            "REQUEST_URI=/",
            "PATH_INFO=/",
            "SERVER_PROTOCOL=HTTP/1.1",
            "REQUEST_SCHEME=http",
            "REMOTE_ADDR=203.0.113.9",
            "SERVER_PORT=8080",
            "SERVER_NAME=app.example",
            "HTTP_HOST=app.example",
            "HTTP_X_FORWARDED_HOST=front.example",
            "HTTP_ACCEPT=*/*",
            "HTTP_X_FORWARDED_FOR=203.0.113.9",
            "HTTP_X_FORWARDED_PROTO=http",
            "HTTP_X_REQUEST_ID=ID",
        ],
        LETS_THROUGH,
    ),
    Row::vars(
        "a trusted header that is absent leaves the gateway's",
        "proxy=203.0.113.9 header=x-forwarded-host",
        "GET / HTTP/1.1\nHost: app.example",
        &["-REMOTE_PORT"],
        LETS_THROUGH,
    ),
    Row::vars(
        "a trusted header that Connection lists leaves the gateway's",
        "proxy=203.0.113.9 header=x-forwarded-host",
        "GET / HTTP/1.1\nHost: app.example\nConnection: X-Forwarded-Host\nX-Forwarded-Host: front.example",
        &["-REMOTE_PORT"],
        "RFC 9110 section 7.6.1",
    ),
    Row::vars(
        "a trusted header with underscores, allowed",
        "underscores proxy=203.0.113.9 header=x-real-ip",
        "GET / HTTP/1.1\nHost: app.example\nX_Real_IP: 198.51.100.7",
        &["-REMOTE_PORT", "HTTP_X_REAL_IP=198.51.100.7"],
        LETS_THROUGH,
    ),
    Row::vars(
        "a trusted header with underscores",
        "proxy=203.0.113.9 header=x-real-ip",
        "GET / HTTP/1.1\nHost: app.example\nX_Real_IP: 198.51.100.7",
        &["-REMOTE_PORT"],
        "nginx 1.22 without underscores_in_headers",
    ),
];
