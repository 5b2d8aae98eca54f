//! Requests for the findings about the client's address and user.

use crate::Change::With;
use crate::Row;

pub(crate) const TABLE: &[Row] = &[
    Row(
        "remote-addr-with-port",
        &[&[With("REMOTE_ADDR", "192.0.2.7:5000")], &[With("REMOTE_ADDR", "[2001:db8::7]:5000")]],
        &[&[With("REMOTE_ADDR", "192.0.2.7")], &[With("REMOTE_ADDR", "2001:db8::7")], &[With("REMOTE_ADDR", "unix:")]],
    ),
    Row(
        "remote-addr-is-no-address",
        &[
            &[With("REMOTE_ADDR", "0.0.0.0")],
            &[With("REMOTE_ADDR", "client.example")],
            &[With("REMOTE_ADDR", "10.0.0.1%eth0")],
            &[With("REMOTE_ADDR", "fe80::1%")],
        ],
        &[
            &[With("REMOTE_ADDR", "192.0.2.7:5000")],
            &[With("REMOTE_ADDR", "")],
            &[With("REMOTE_ADDR", "fe80::1")],
            &[With("REMOTE_ADDR", "fe80::1%eth0")],
            &[With("REMOTE_ADDR", "unix:")],
        ],
    ),
    Row("remote-addr-is-unix", &[&[With("REMOTE_ADDR", "unix:")]], &[&[With("REMOTE_ADDR", "0.0.0.0")]]),
    Row(
        "remote-addr-with-zone",
        &[&[With("REMOTE_ADDR", "fe80::1%eth0")], &[With("REMOTE_ADDR", "fe80::1%2")]],
        &[&[With("REMOTE_ADDR", "fe80::1")], &[With("REMOTE_ADDR", "10.0.0.1%eth0")], &[With("REMOTE_ADDR", "unix:")]],
    ),
    Row(
        "forwarded-for-unread",
        &[
            &[With("REMOTE_ADDR", "127.0.0.1"), With("HTTP_X_FORWARDED_FOR", "203.0.113.9")],
            &[With("REMOTE_ADDR", "::ffff:10.1.2.3"), With("HTTP_X_FORWARDED_FOR", "203.0.113.9")],
            &[With("REMOTE_ADDR", "fd00::1"), With("HTTP_X_FORWARDED_FOR", "203.0.113.9")],
            &[With("REMOTE_ADDR", "fe80::1%eth0"), With("HTTP_X_FORWARDED_FOR", "203.0.113.9")],
        ],
        &[
            &[With("REMOTE_ADDR", "127.0.0.1")],
            &[With("HTTP_X_FORWARDED_FOR", "203.0.113.9")],
            &[With("REMOTE_ADDR", "10.0.0.1"), With("HTTP_X_FORWARDED_FOR", "")],
            &[With("REMOTE_ADDR", "127.0.0.1"), With("HTTP_X_FORWARDED_FOR", "127.0.0.1")],
        ],
    ),
    Row(
        "forwarded-for-from-client",
        &[&[With("HTTP_X_FORWARDED_FOR", "203.0.113.9")]],
        &[
            &[With("HTTP_X_FORWARDED_FOR", "192.0.2.7")],
            &[With("REMOTE_ADDR", "10.0.0.1"), With("HTTP_X_FORWARDED_FOR", "203.0.113.9")],
        ],
    ),
    Row("remote-user-empty", &[&[With("REMOTE_USER", "")]], &[&[With("REMOTE_USER", "alice")]]),
];
