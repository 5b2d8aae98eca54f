//! Requests for the findings about headers.

use uwsgi::framing::RequestFraming;

use crate::Change::{Came, With};
use crate::Row;

pub(crate) const TABLE: &[Row] = &[
    Row("httpoxy", &[&[With("HTTP_PROXY", "http://evil.example/")]], &[&[With("HTTP_PROXY_X", "1")]]),
    Row(
        "content-header-differs",
        &[
            &[With("CONTENT_LENGTH", "5"), With("HTTP_CONTENT_LENGTH", "6"), Came(RequestFraming::Length(5), 5)],
            &[With("CONTENT_TYPE", "a/b"), With("HTTP_CONTENT_TYPE", "evil/b")],
        ],
        &[
            &[With("CONTENT_LENGTH", "5"), With("HTTP_CONTENT_LENGTH", "5"), Came(RequestFraming::Length(5), 5)],
            &[With("CONTENT_TYPE", "a/b"), With("HTTP_CONTENT_TYPE", "")],
        ],
    ),
    Row(
        "content-header-too",
        &[
            &[With("CONTENT_LENGTH", "5"), With("HTTP_CONTENT_LENGTH", "5"), Came(RequestFraming::Length(5), 5)],
            &[With("CONTENT_TYPE", "a/b"), With("HTTP_CONTENT_TYPE", "a/b")],
        ],
        &[&[With("CONTENT_TYPE", "a/b")], &[With("CONTENT_TYPE", "a/b"), With("HTTP_CONTENT_TYPE", "c/d")]],
    ),
    Row(
        "header-like-a-var",
        &[&[With("HTTP_REMOTE_USER", "root")], &[With("HTTP_UWSGI_FILE", "x")], &[With("HTTP_HTTPS", "on")]],
        &[&[With("REMOTE_USER", "root")], &[With("HTTP_X_REMOTE_USER", "root")]],
    ),
    Row(
        "header-without-prefix",
        &[
            &[With("X-Forwarded-Proto", "https")],
            &[With("x-real-ip", "192.0.2.7")],
            &[With("X-FOO", "")],
            &[With("Host", "example.com")],
            &[With("X_FORWARDED_PROTO", "https")],
            &[With("X_Forwarded_Proto", "https")],
            &[With("X_REAL_IP", "192.0.2.7")],
            &[With("x_forwarded_for", "192.0.2.7")],
        ],
        &[
            &[],
            &[With("REQUEST_ID", "1")],
            &[With("wsgi.url_scheme", "http")],
            &[With("My_Setting", "1")],
            &[With("X_SETTING", "1")],
            &[With("X_REAL_IPS", "1")],
            &[With("HTTP_X_REAL_IP", "192.0.2.7")],
            &[With("setting", "1")],
            &[With("-", "1")],
            &[With("HTTP_X-FORWARDED-PROTO", "https")],
        ],
    ),
    Row(
        "upgrade",
        &[&[With("HTTP_UPGRADE", "websocket")]],
        &[&[With("HTTP_UPGRADE_INSECURE_REQUESTS", "1")], &[With("HTTP_UPGRADE", "h2c")]],
    ),
    Row(
        "hop-by-hop",
        &[
            &[With("HTTP_CONNECTION", "close")],
            &[With("HTTP_TE", "trailers")],
            &[With("HTTP_EXPECT", "100-continue")],
            &[With("HTTP_UPGRADE", "echo"), With("HTTP_KEEP_ALIVE", "5")],
            // A backend must not accept h2c.
            &[With("HTTP_UPGRADE", "h2c")],
        ],
        &[
            &[],
            &[With("HTTP_TRANSFER_ENCODING", "chunked")],
            &[With("HTTP_UPGRADE", "websocket"), With("HTTP_CONNECTION", "Upgrade")],
        ],
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
];
