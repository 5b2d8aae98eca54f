//! What front ends make of every kind of response: bytes of a backend, run against nginx 1.31.5, Apache 2.4.71 and
//! lighttpd 1.4.69. Where they differ, ours is the strictest rule that no correct backend violates.

use uwsgi::response::ResponseErrorKind as Kind;

use crate::rows::{Ours, Row, run};

const STATUS: &str = "RFC 9112 section 4; nginx 1.31 ngx_http_parse.c, ngx_http_uwsgi_module.c";
const CGI: &str = "RFC 3875 section 6.2; nginx 1.31 ngx_http_uwsgi_module.c, lighttpd 1.4 http-header-glue.c";
const LENGTH: &str = "RFC 9112 section 6.3; nginx 1.31 ngx_http_upstream.c";
const LINE: &str = "RFC 9112 section 5; Apache 2.4 mod_proxy_uwsgi.c, CVE-2023-27522";
const INTERIM: &str = "RFC 9110 section 15.2; lighttpd 1.4 http-header-glue.c";
const HEADER: &str = "nginx 1.31 ngx_http_upstream.c, lighttpd 1.4 http-header-glue.c";

macro_rules! rows {
    ($($name:literal $bytes:expr, $ours:expr, $nginx:literal, $apache:literal, $lighttpd:literal, $source:expr;)*) => {
        &[$(Row {
            name: $name,
            bytes: $bytes,
            ours: $ours,
            nginx: $nginx,
            apache: $apache,
            lighttpd: $lighttpd,
            source: $source,
        }),*]
    };
}

const fn ok(body: &'static str) -> Ours {
    Ours::Answer(200, "OK", body, "")
}

const ROWS: &[Row] = rows! {
    // The status.
    "status-line-1.0" b"HTTP/1.0 201 Created\r\n\r\nbody", Ours::Answer(201, "Created", "body", ""),
        "201", "201", "201", STATUS;
    "status-line-no-reason" b"HTTP/1.1 200\r\n\r\nbody", Ours::Answer(200, "", "body", ""),
        "200, without a space after it", "200", "200 OK", STATUS;
    "status-line-2" b"HTTP/2 200 OK\r\n\r\nbody", ok("body"),
        "200: the line is skipped", "200", "502", STATUS;
    "status-line-2-not-found" b"HTTP/2 404 Not Found\r\n\r\nbody", Ours::Answer(404, "Not Found", "body", ""),
        "200: the line is skipped", "404", "502", STATUS;
    "status-header" b"Status: 404 Not Here\r\n\r\nbody", Ours::Answer(404, "Not Here", "body", ""),
        "404, Status is passed on", "502", "404", CGI;
    "status-header-no-reason" b"Status: 404\r\n\r\nbody", Ours::Answer(404, "", "body", ""),
        "404 Not Found; 1.22: 404", "502", "404", CGI;
    "status-header-text" b"Status: abc\r\n\r\nbody", Ours::Refused(Kind::Status, 0), "502", "502", "502", CGI;
    "status-header-short" b"Status: 20\r\n\r\nbody", Ours::Refused(Kind::Status, 0), "502", "502", "502", CGI;
    "no-status" b"Content-Type: text/plain\r\n\r\nbody", ok("body"), "200", "502", "200", CGI;
    "location-alone" b"Location: /there\r\n\r\nbody", Ours::Answer(302, "Found", "body", ""), "302", "502", "302", CGI;
    "status-line-and-status" b"HTTP/1.1 200 OK\r\nStatus: 404 Not Found\r\n\r\nbody", ok("body"),
        "200", "200", "404", CGI;
    "lf-alone" b"HTTP/1.1 200 OK\nX: 1\n\nbody", ok("body"), "200", "200", "200", STATUS;
    "status-999" b"HTTP/1.1 999 Far\r\n\r\nbody", Ours::Answer(999, "Far", "body", ""), "999", "999", "999", STATUS;
    "status-099" b"HTTP/1.1 099 Near\r\n\r\nbody", Ours::Refused(Kind::Status, 0), "099", "099", "502", STATUS;

    // The length.
    "chunked" b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", ok("body"),
        "the markers stay in the body", "the markers stay in the body", "decoded", LENGTH;
    "gzip" b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nbody", Ours::Refused(Kind::TransferEncoding, 17),
        "502; 1.22: 200", "200, the header is dropped", "200, empty", LENGTH;
    "length-and-chunked" b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nbody",
        Ours::Refused(Kind::LengthAndTransferEncoding, 36), "502; 1.22: 200", "200 with the length", "broken", LENGTH;
    "length-twice-same" b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nbody",
        Ours::Refused(Kind::TwoLengths, 36), "502; 1.22: 200", "both are passed on", "the first", LENGTH;
    "length-text" b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nbody", Ours::Refused(Kind::InvalidLength, 17),
        "502; 1.22: 200", "passed on", "passed on", LENGTH;
    "length-longer" b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbody", Ours::Cut(200, "body", 6),
        "10, 4 bytes, close", "10, 4 bytes, close", "10, 4 bytes, close", LENGTH;
    "length-shorter" b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nbody", Ours::Answer(200, "OK", "bo", "dy"),
        "2 bytes", "2, and 4 bytes", "2 bytes", LENGTH;
    "no-content" b"HTTP/1.1 204 No Content\r\n\r\nbody", Ours::Answer(204, "No Content", "", "body"),
        "the body is dropped", "the body is dropped", "the body is dropped", LENGTH;
    "not-modified" b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n", Ours::Answer(304, "Not Modified", "", ""),
        "the length is kept", "the length is dropped", "the length is dropped", LENGTH;

    // Interim responses.
    "103-then-200" b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbody",
        Ours::AfterInterim(&[103], 200, "OK", "body"),
        "103, the rest is its body", "103, the rest is its body", "103, then 200", INTERIM;
    "100-then-200" b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbody", Ours::AfterInterim(&[100], 200, "OK", "body"),
        "100, the rest is its body", "100, the rest is its body", "100, then 200", INTERIM;

    // Malformed lines.
    "line-with-space" b"HTTP/1.1 200 OK\r\nfoo bar\r\n\r\nbody", Ours::Refused(Kind::HeaderLine, 17),
        "502", "502", "skipped", LINE;
    "line-without-colon" b"HTTP/1.1 200 OK\r\nfoobar\r\n\r\nbody", Ours::Refused(Kind::HeaderLine, 17),
        "a header without a value", "502", "skipped", LINE;
    "name-with-space" b"HTTP/1.1 200 OK\r\nX A: 1\r\n\r\nbody", Ours::Refused(Kind::HeaderLine, 17),
        "502", "502", "passed on", LINE;
    "name-then-space" b"HTTP/1.1 200 OK\r\nX-A : 1\r\n\r\nbody", Ours::Refused(Kind::HeaderLine, 17),
        "502", "502", "dropped", LINE;
    "folded" b"HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\n\r\nbody", Ours::Refused(Kind::HeaderLine, 23),
        "502", "joined with a space", "dropped", LINE;
    "nul-in-value" b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\nbody", Ours::Refused(Kind::HeaderLine, 17),
        "502", "502", "passed on", LINE;
    "control-in-value" b"HTTP/1.1 200 OK\r\nX: a\x01b\r\n\r\nbody", Ours::Refused(Kind::HeaderLine, 17),
        "passed on", "502", "passed on", LINE;
    "cr-in-value" b"HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\nbody", Ours::Refused(Kind::HeaderLine, 17),
        "502", "502", "passed on", LINE;
    "empty" b"", Ours::NoAnswer, "502", "500", "500", STATUS;
    "cut-before-the-empty-line" b"HTTP/1.1 200 OK\r\nX: 1\r\n", Ours::RefusedWhole(Kind::Truncated),
        "502", "502", "500", STATUS;
    "binary-unended" b"\x16\x03\x01\x02\x00\x01\x00\xff\xfe\x80", Ours::RefusedWhole(Kind::Truncated),
        "502", "500", "502", STATUS;
    "binary-ended" b"\x16\x03\x01\x02\n\x01\x00\xff\n\n\x80", Ours::Refused(Kind::HeaderLine, 0),
        "502", "500", "502", STATUS;

    // Headers with a meaning for some front end.
    "cookies" b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nbody", ok("body"),
        "both", "both", "both", HEADER;
    "sendfile" b"HTTP/1.1 200 OK\r\nX-Sendfile: /etc/passwd\r\n\r\nbody", ok("body"),
        "passed on", "passed on", "dropped, the body is kept", HEADER;
    "of-the-connection" b"HTTP/1.1 200 OK\r\nDate: d\r\nServer: s\r\nConnection: close\r\nKeep-Alive: k\r\n\r\nbody",
        ok("body"), "Date and Server", "Server", "Server", HEADER;
};

#[test]
fn every_row_is_read_as_it_says() {
    run(ROWS);
    assert!(ROWS.iter().all(|row| ![row.nginx, row.apache, row.lighttpd].contains(&"")));
}

#[test]
fn a_line_of_nine_thousand_bytes() {
    // nginx: 502 with its buffer of 4 KiB. Apache: 502 over lines of 8192 bytes. lighttpd: passed on.
    let bytes = [&b"HTTP/1.1 200 OK\r\nX: "[..], &[b'x'; 8997], b"\r\n\r\nbody"].concat();
    let row = Row {
        name: "long-line",
        bytes: bytes.leak(),
        ours: ok("body"),
        nginx: "502: 4 KiB",
        apache: "502: 8192 bytes a line",
        lighttpd: "200",
        source: HEADER,
    };
    run(&[row]);
}

/// A client sees all headers, in order, with duplicates.
#[test]
fn all_headers_are_passed_on_in_order() {
    use uwsgi::response::ResponseHead;

    let head = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-Sendfile: /f\r\nset-cookie:b=2\r\nStatus: 404\r\nE:\r\n\r\n";
    let head = ResponseHead::decode(head).unwrap();
    let headers: Vec<_> = head.headers().collect();
    let want: [(&[u8], &[u8]); 5] =
        [(b"Set-Cookie", b"a=1"), (b"X-Sendfile", b"/f"), (b"set-cookie", b"b=2"), (b"Status", b"404"), (b"E", b"")];
    assert_eq!(headers, want);
    assert_eq!((head.len(), head.is_empty()), (5, false));
    assert_eq!((head.header("Set-Cookie"), head.header("SET-COOKIE")), (Some(&b"b=2"[..]), Some(&b"b=2"[..])));
    assert_eq!((head.header("e"), head.header("f")), (Some(&b""[..]), None));
}
