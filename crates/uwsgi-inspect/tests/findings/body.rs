//! Requests for the findings about the length of the body.

use uwsgi::framing::RequestFraming;

use crate::Change::{Also, Came, With};
use crate::Row;

pub(crate) const TABLE: &[Row] = &[
    Row(
        "length-refused",
        &[
            &[With("CONTENT_LENGTH", "3, 4")],
            &[With("CONTENT_LENGTH", "+3")],
            &[With("CONTENT_LENGTH", "3"), Also("CONTENT_LENGTH", "x")],
            &[With("CONTENT_LENGTH", "18446744073709551616")],
        ],
        &[
            &[With("CONTENT_LENGTH", "")],
            &[With("CONTENT_LENGTH", "3"), Also("CONTENT_LENGTH", "3"), Came(RequestFraming::Length(3), 3)],
            // The last one counts.
            &[With("CONTENT_LENGTH", "3"), Also("CONTENT_LENGTH", "4"), Came(RequestFraming::Length(4), 4)],
            &[With("CONTENT_LENGTH", "x"), Also("CONTENT_LENGTH", "")],
        ],
    ),
    Row(
        "length-missing",
        &[&[With("HTTP_CONTENT_LENGTH", "5")], &[With("HTTP_CONTENT_LENGTH", "5"), With("CONTENT_LENGTH", "")]],
        &[
            &[With("HTTP_CONTENT_LENGTH", "0")],
            // A subrequest of auth_request: its location sets CONTENT_LENGTH to an empty value after include uwsgi_params.
            &[With("HTTP_CONTENT_LENGTH", "77"), Also("CONTENT_LENGTH", "77"), Also("CONTENT_LENGTH", "")],
            &[With("HTTP_CONTENT_LENGTH", "5"), With("CONTENT_LENGTH", "5"), Came(RequestFraming::Length(5), 5)],
        ],
    ),
    Row(
        "chunked-without-length",
        &[
            &[With("HTTP_TRANSFER_ENCODING", "chunked")],
            &[With("HTTP_TRANSFER_ENCODING", "gzip"), With("CONTENT_LENGTH", "")],
        ],
        &[
            &[With("HTTP_TRANSFER_ENCODING", "chunked"), Came(RequestFraming::Chunked, 5)],
            &[
                With("HTTP_TRANSFER_ENCODING", "chunked"),
                With("CONTENT_LENGTH", "0"),
                Came(RequestFraming::Length(0), 0),
            ],
        ],
    ),
    Row(
        "length-and-chunked",
        &[&[
            With("HTTP_TRANSFER_ENCODING", "chunked"),
            With("CONTENT_LENGTH", "3"),
            With("UWSGI_ROUTER", "http"),
            Came(RequestFraming::Length(3), 3),
        ]],
        &[
            &[
                With("HTTP_TRANSFER_ENCODING", "chunked"),
                With("CONTENT_LENGTH", "3"),
                Came(RequestFraming::Length(3), 3),
            ],
            &[With("HTTP_TRANSFER_ENCODING", "chunked"), With("UWSGI_ROUTER", "http")],
        ],
    ),
    Row(
        "body-cut",
        &[&[With("CONTENT_LENGTH", "5"), Came(RequestFraming::Length(5), 4)]],
        &[&[With("CONTENT_LENGTH", "5"), Came(RequestFraming::Length(5), 5)], &[Came(RequestFraming::Chunked, 0)]],
    ),
    Row(
        "post-without-length",
        &[&[With("REQUEST_METHOD", "POST")], &[With("REQUEST_METHOD", "PUT"), With("CONTENT_LENGTH", "")]],
        &[
            &[With("REQUEST_METHOD", "DELETE")],
            &[With("REQUEST_METHOD", "POST"), With("CONTENT_LENGTH", "0"), Came(RequestFraming::Length(0), 0)],
            &[With("REQUEST_METHOD", "POST"), With("HTTP_TRANSFER_ENCODING", "chunked")],
            &[With("REQUEST_METHOD", "POST"), With("HTTP_CONTENT_LENGTH", "5")],
        ],
    ),
    Row(
        "transfer-encoding-ignored",
        &[&[
            With("HTTP_TRANSFER_ENCODING", "chunked"),
            With("CONTENT_LENGTH", "0"),
            Came(RequestFraming::Length(0), 0),
        ]],
        &[
            &[With("HTTP_TRANSFER_ENCODING", "chunked"), With("CONTENT_LENGTH", "")],
            &[With("HTTP_TRANSFER_ENCODING", ""), With("CONTENT_LENGTH", "0"), Came(RequestFraming::Length(0), 0)],
        ],
    ),
    Row(
        "content-vars-empty",
        &[
            &[With("CONTENT_LENGTH", "")],
            &[With("CONTENT_TYPE", "")],
            &[With("CONTENT_LENGTH", ""), With("CONTENT_TYPE", "")],
        ],
        &[&[], &[With("CONTENT_LENGTH", "0"), With("CONTENT_TYPE", "a/b"), Came(RequestFraming::Length(0), 0)]],
    ),
];
