//! Requests for the findings about the host, the port and the scheme.

use crate::Change::{With, Without};
use crate::Row;

pub(crate) const TABLE: &[Row] = &[
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
            // uWSGI checks only the first characters.
            &[With("HTTP_X_FORWARDED_SSL", "ON")],
            &[With("HTTP_X_FORWARDED_SSL", "10")],
            &[With("REMOTE_ADDR", "10.0.0.1"), With("HTTP_X_FORWARDED_PROTO", "ftp")],
        ],
        &[
            &[With("HTTP_X_FORWARDED_PROTO", "http")],
            &[With("HTTP_X_FORWARDED_PROTO", "")],
            &[With("HTTP_X_FORWARDED_PROTO", "https"), With("REQUEST_SCHEME", "https")],
            &[With("HTTP_X_FORWARDED_SSL", "off")],
            // This has a finding of its own.
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
            // This is no host.
            &[With("HTTP_HOST", "a, b")],
            // A proxy before the front end has the port that clients use.
            &[With("HTTP_HOST", "example.com"), With("HTTP_X_FORWARDED_FOR", "192.0.2.7")],
            &[With("HTTP_HOST", "example.com"), With("HTTP_VIA", "1.1 proxy")],
        ],
    ),
    Row(
        "host-port-differs",
        &[&[With("HTTP_HOST", "example.com:9090")]],
        &[
            &[],
            &[With("HTTP_HOST", "example.com")],
            &[With("HTTP_HOST", "example.com:x")],
            &[With("HTTP_HOST", "example.com:65536")],
        ],
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
];
