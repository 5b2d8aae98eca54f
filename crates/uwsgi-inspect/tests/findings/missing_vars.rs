//! Requests for the findings about missing vars.

use crate::Change::{With, Without};
use crate::{NO_PARAMS, Row};

pub(crate) const TABLE: &[Row] = &[
    Row(
        "no-uwsgi-params",
        &[&NO_PARAMS],
        &[&[], &[Without("REQUEST_METHOD")], &[Without("REQUEST_METHOD"), Without("PATH_INFO")]],
    ),
    Row("no-request-method", &[&[Without("REQUEST_METHOD")]], &[&NO_PARAMS, &[With("REQUEST_METHOD", "PUT")]]),
    Row(
        "no-path-info",
        &[
            &[Without("PATH_INFO")],
            &[Without("PATH_INFO"), With("SCRIPT_NAME", "")],
            &[Without("PATH_INFO"), With("SCRIPT_NAME", "/app"), With("REQUEST_URI", "/app/x?y")],
            &[Without("PATH_INFO"), With("SCRIPT_NAME", "/app/"), With("REQUEST_URI", "http://a.example/%61pp/")],
        ],
        &[&NO_PARAMS, &[With("PATH_INFO", "")], &[Without("PATH_INFO"), With("SCRIPT_NAME", "/hello")]],
    ),
    Row("no-query-string", &[&[Without("QUERY_STRING")]], &[&[With("QUERY_STRING", "")]]),
    Row("no-request-uri", &[&[Without("REQUEST_URI")]], &[&NO_PARAMS]),
    Row("no-server-name", &[&[Without("SERVER_NAME")]], &[&[With("SERVER_NAME", "")]]),
    Row(
        "no-server-port",
        &[
            &[Without("SERVER_PORT")],
            &[With("SERVER_PORT", "")],
            &[With("SERVER_PORT", "example.com:80")],
            &[With("SERVER_PORT", "65536")],
        ],
        &[&[With("SERVER_PORT", "80")], &[With("SERVER_PORT", "65535")]],
    ),
    Row("no-server-protocol", &[&[Without("SERVER_PROTOCOL")]], &[&[]]),
    Row("no-remote-addr", &[&[Without("REMOTE_ADDR")], &[With("REMOTE_ADDR", "")]], &[&[With("REMOTE_ADDR", "::1")]]),
    Row(
        "no-host",
        &[
            &[Without("HTTP_HOST")],
            &[With("HTTP_HOST", "")],
            &[Without("HTTP_HOST"), With("SERVER_PROTOCOL", "HTTP/1.0")],
            &[Without("HTTP_HOST"), With("SERVER_PROTOCOL", "HTTP/2.0")],
            &[With("HTTP_HOST", ""), With("SERVER_PROTOCOL", "HTTP/3.0")],
        ],
        &[&[With("HTTP_HOST", "a")], &[With("SERVER_PROTOCOL", "HTTP/3.0")]],
    ),
];
