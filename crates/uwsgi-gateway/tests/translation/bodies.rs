//! Where bodies end.

use uwsgi_gateway::FrontBody;

use crate::play::{Settings, inspect};

/// A head without its Host, and where its body ends.
const ROWS: &[(&str, FrontBody)] = &[
    ("GET / HTTP/1.1\r\n", FrontBody::None),
    ("POST / HTTP/1.1\r\n", FrontBody::None),
    ("POST / HTTP/1.1\r\nContent-Length: 0\r\n", FrontBody::None),
    ("POST / HTTP/1.1\r\nContent-Length: 000\r\n", FrontBody::None),
    ("GET / HTTP/1.1\r\nContent-Length: 5\r\n", FrontBody::Length(5)),
    ("POST / HTTP/1.1\r\nContent-Length: 005\r\n", FrontBody::Length(5)),
    ("POST / HTTP/1.0\r\nContent-Length: 5\r\n", FrontBody::Length(5)),
    ("POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n", FrontBody::Length(5)),
    ("POST / HTTP/1.1\r\nContent-Length: 5\r\nContent_Length: 9\r\n", FrontBody::Length(5)),
    ("POST / HTTP/1.1\r\nConnection: Content-Length\r\nContent-Length: 5\r\n", FrontBody::Length(5)),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", FrontBody::Chunked),
    ("POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", FrontBody::Chunked),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", FrontBody::Chunked),
    ("POST / HTTP/1.1\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n", FrontBody::Chunked),
    ("POST / HTTP/1.1\r\nTransfer_Encoding: chunked\r\nContent-Length: 5\r\n", FrontBody::Length(5)),
];

#[test]
fn bodies() {
    for (head, expected) in ROWS {
        let head = format!("{head}Host: app.example\r\n\r\n");
        let settings = Settings::parse("");
        let body = inspect(&settings, head.as_bytes(), |_, request| request.unwrap().body());
        assert_eq!(body, Ok(*expected), "{head}");
    }
}
