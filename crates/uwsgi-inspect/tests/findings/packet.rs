//! Requests for the findings about the packet.

use crate::Change::{Block, Modifier2, Vars, With, Without};
use crate::{Change, Row};

pub(crate) const TABLE: &[Row] = &[
    Row("modifier1", &[&[Change::Modifier1(5)], &[Change::Modifier1(77)]], &[&[Modifier2(5)]]),
    Row("modifier2", &[&[Modifier2(1)], &[Modifier2(255)]], &[&[Change::Modifier1(5)]]),
    Row("over-uwsgi-buffer", &[&[Block(4097)]], &[&[Block(4096)]]),
    Row("near-uwsgi-buffer", &[&[Block(3072)], &[Block(4096)]], &[&[Block(3071)], &[Block(4097)]]),
    Row("near-datasize", &[&[Block(61440)], &[Block(65535)]], &[&[Block(61439)]]),
    Row("over-uwsgi-vars", &[&[Vars(129)]], &[&[Vars(128)]]),
    Row("near-uwsgi-vars", &[&[Vars(96)], &[Vars(128)]], &[&[Vars(95)], &[Vars(129)]]),
    Row(
        "uwsgi-control",
        &[&[With("UWSGI_FILE", "/app.py")], &[With("UWSGI_NEW", "")]],
        &[&[With("UWSGI_ROUTER", "http")], &[With("UWSGI_SCHEME", "http")], &[With("HTTP_UWSGI_FILE", "x")]],
    ),
    Row("uwsgi-router", &[&[With("UWSGI_ROUTER", "http")]], &[&[With("UWSGI_SCHEME", "http")]]),
    Row(
        "front-ends-environment",
        &[&[With("PATH", "/usr/local/bin:/usr/bin:/bin")], &[With("LD_LIBRARY_PATH", "/opt/lib")]],
        &[
            &[With("PATH_TRANSLATED", "/x")],
            // The lines of the finding set these values.
            &[With("PATH", "/usr/bin:/bin")],
            &[With("LD_LIBRARY_PATH", "")],
        ],
    ),
    Row("http-1.0", &[&[With("SERVER_PROTOCOL", "HTTP/1.0")]], &[&[With("SERVER_PROTOCOL", "HTTP/2.0")]]),
    Row(
        "protocol-odd",
        &[
            &[With("SERVER_PROTOCOL", "b HTTP/1.1")],
            &[With("SERVER_PROTOCOL", "INCLUDED")],
            &[With("SERVER_PROTOCOL", "HTTP/1.10")],
        ],
        &[
            &[With("SERVER_PROTOCOL", "HTTP/2")],
            &[With("SERVER_PROTOCOL", "HTTP/2.0")],
            &[With("SERVER_PROTOCOL", "")],
            &[Without("SERVER_PROTOCOL")],
        ],
    ),
];
