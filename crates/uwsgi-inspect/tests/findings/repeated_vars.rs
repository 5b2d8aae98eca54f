//! Requests for the findings about repeated vars and headers.

use crate::Change::{Also, With};
use crate::Row;

pub(crate) const TABLE: &[Row] = &[
    Row(
        "remote-addr-repeated",
        &[&[Also("REMOTE_ADDR", "192.0.2.8")]],
        &[&[], &[Also("REMOTE_ADDR", "192.0.2.7")], &[Also("SERVER_NAME", "a")]],
    ),
    Row(
        "header-repeated",
        &[
            &[Also("HTTP_ACCEPT", "a/b")],
            &[Also("HTTP_X_FORWARDED_FOR", "192.0.2.8"), Also("HTTP_X_FORWARDED_FOR", "192.0.2.7")],
            &[Also("HTTP_COOKIE", "a=1"), Also("HTTP_COOKIE", ""), Also("HTTP_COOKIE", "b=2")],
            &[Also("HTTP_X_A", "1"), Also("HTTP_X_A", "2"), With("SERVER_SOFTWARE", "lighttpd/1.4.69")],
            // A third var with another spelling of the key is the same header.
            &[Also("HTTP_X_A", "1"), Also("HTTP_X_A", "1"), Also("HTTP_x-a", "2")],
            &[Also("HTTP_\u{e9}", "1"), Also("HTTP_\u{e9}", "2")],
        ],
        &[
            &[Also("X_TWICE", "1"), Also("X_TWICE", "2")],
            &[Also("HTTP_ACCEPT_X", "a/b")],
            // Only one value counts.
            &[Also("HTTP_ACCEPT", "*/*")],
            &[Also("HTTP_ACCEPT", "")],
            &[Also("HTTP_X", ""), Also("HTTP_X", "1")],
            &[Also("HTTP_HOST", "example.com")],
            &[Also("HTTP_X_REAL_IP", "1"), Also("HTTP_X_REAL_IP", "2")],
        ],
    ),
    Row(
        "var-repeated",
        &[
            &[Also("SERVER_NAME", "www.example.com")],
            &[Also("SERVER_NAME", "example.com")],
            &[Also("X_TWICE", "1"), Also("X_TWICE", "2")],
            &[Also("CONTENT_LENGTH", "77"), Also("CONTENT_LENGTH", "")],
            &[Also("HTTP_HOST", "example.com:8080")],
            &[Also("HTTP_ACCEPT", "*/*")],
            &[Also("HTTP_ACCEPT", "")],
            &[Also("HTTP_PROXY", "evil"), Also("HTTP_PROXY", "")],
        ],
        &[
            &[],
            &[Also("HTTP_ACCEPT", "a/b")],
            &[Also("REMOTE_ADDR", "192.0.2.8")],
            // uWSGI's router sends this with http-var = HTTP_PROXY=.
            &[Also("HTTP_PROXY", "evil"), Also("HTTP_PROXY", ""), With("UWSGI_ROUTER", "http")],
        ],
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
];
