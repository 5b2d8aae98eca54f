//! Other protocols where uwsgi was expected.

use crate::case::{Bytes, Case, Needs, Row, SMALL, Step};
use crate::cases::sources::FOREIGN;

pub(super) const CASES: &[Case] = &[
    Case::builder("http-text", "an HTTP request, nothing more")
        .steps(&[Step::raw(b"GET / HTTP/1.1\r\nHost: lab.test\r\n\r\n")])
        .refused(400, Row::Foreign)
        .because("the first four bytes tell the protocol, and the peer can read the answer", FOREIGN),
    Case::builder("http-text-close", "an HTTP request, half-close")
        .steps(&[Step::raw(b"GET / HTTP/1.1\r\nHost: lab.test\r\n\r\n"), Step::ShutdownWrite])
        .refused(400, Row::Foreign)
        .because("the first four bytes tell the protocol, and the peer can read the answer", FOREIGN),
    Case::builder("http-four-bytes", "the first four bytes of an HTTP request, nothing more")
        .steps(&[Step::raw(b"GET ")])
        .refused(400, Row::Foreign)
        .because("the server answers at once, and waits for nothing more", FOREIGN),
    Case::builder("http-post", "an HTTP POST with a body")
        .steps(&[Step::raw(b"POST /form HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello")])
        .refused(400, Row::Foreign)
        .because("the first four bytes tell the protocol, and the peer can read the answer", FOREIGN),
    Case::builder("http-head", "an HTTP HEAD")
        .steps(&[Step::raw(b"HEAD / HTTP/1.1\r\n\r\n")])
        .refused(400, Row::Foreign)
        .because("the first four bytes tell the protocol, and the peer can read the answer", FOREIGN),
    Case::builder("http-put", "an HTTP PUT")
        .steps(&[Step::raw(b"PUT / HTTP/1.1\r\n\r\n")])
        .refused(400, Row::Foreign)
        .because("the first four bytes tell the protocol, and the peer can read the answer", FOREIGN),
    Case::builder("http-delete", "an HTTP DELETE")
        .steps(&[Step::raw(b"DELETE / HTTP/1.1\r\n\r\n")])
        .refused(400, Row::Foreign)
        .because("the first four bytes tell the protocol, and the peer can read the answer", FOREIGN),
    Case::builder("http-options", "an HTTP OPTIONS")
        .steps(&[Step::raw(b"OPTIONS / HTTP/1.1\r\n\r\n")])
        .refused(400, Row::Foreign)
        .because("the first four bytes tell the protocol, and the peer can read the answer", FOREIGN),
    Case::builder("http-connect", "an HTTP CONNECT")
        .steps(&[Step::raw(b"CONNECT / HTTP/1.1\r\n\r\n")])
        .refused(400, Row::Foreign)
        .because("the first four bytes tell the protocol, and the peer can read the answer", FOREIGN),
    Case::builder("http-trace", "an HTTP TRACE")
        .steps(&[Step::raw(b"TRACE / HTTP/1.1\r\n\r\n")])
        .refused(400, Row::Foreign)
        .because("the first four bytes tell the protocol, and the peer can read the answer", FOREIGN),
    Case::builder("http-patch", "an HTTP PATCH")
        .steps(&[Step::raw(b"PATCH / HTTP/1.1\r\n\r\n")])
        .refused(400, Row::Foreign)
        .because("the first four bytes tell the protocol, and the peer can read the answer", FOREIGN),
    Case::builder("http-response", "an HTTP response")
        .steps(&[Step::raw(b"HTTP/1.1 200 OK\r\n\r\n")])
        .refused(400, Row::Foreign)
        .because("an HTTP server sends here: the connection is set up the wrong way round", FOREIGN),
    Case::builder("http2-preface", "the connection preface of HTTP/2 (RFC 9113 section 3.4)")
        .steps(&[Step::raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")])
        .refused(400, Row::Foreign)
        .because("HTTP/2 with prior knowledge", FOREIGN),
    Case::builder("tls-hello", "the start of a TLS handshake")
        .steps(&[
            Step::raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
            Step::Send(Bytes::Times(b"\x2a", 200)),
            Step::ShutdownWrite,
        ])
        .refused(400, Row::Foreign)
        .because("TLS wants an alert, but the server has no TLS; its log says what to change", FOREIGN),
    Case::builder("tls-1-0", "a handshake record of SSL 3.0")
        .steps(&[Step::raw(b"\x16\x03\x00\x00\x2f")])
        .refused(400, Row::Foreign)
        .because("an old version has the same records as TLS", FOREIGN),
    Case::builder("fastcgi-begin", "FCGI_BEGIN_REQUEST")
        .steps(&[Step::raw(b"\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0")])
        .refused(400, Row::Foreign)
        .because("the front end has fastcgi_pass instead of uwsgi_pass", FOREIGN),
    Case::builder("fastcgi-get-values", "FCGI_GET_VALUES")
        .steps(&[Step::raw(b"\x01\x09\0\0\0\0\0\0")])
        .refused(400, Row::Foreign)
        .because("a FastCGI connection may also begin with this record", FOREIGN),
    Case::builder("proxy-1", "the PROXY protocol, version 1, then a good GET")
        .steps(&[Step::raw(b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 3031\r\n"), Step::packet(SMALL)])
        .refused(400, Row::Foreign)
        .because("the server does not let a peer say what its address is", FOREIGN),
    Case::builder("proxy-2", "the PROXY protocol, version 2, then a good GET")
        .steps(&[Step::raw(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"), Step::packet(SMALL)])
        .refused(400, Row::Foreign)
        .because("the log says to switch it off in the front end", FOREIGN),
    Case::builder("foreign-bytes-accepted", "modifier1 71 (G of GET), accepted, good variables")
        .steps(&[Step::packet(SMALL.modifiers(71, 0))])
        .needs(Needs { accepting: &[71], ..Needs::DEFAULT })
        .served(&["modifiers 71 0"], Row::Served)
        .because("a server that was told to accept modifier1 71 does so", FOREIGN),
    Case::builder("http-text-accepted", "an HTTP request, half-close, to a server that accepts modifier1 71")
        .steps(&[Step::raw(b"GET / HTTP/1.1\r\nHost: lab.test\r\n\r\n"), Step::ShutdownWrite])
        .needs(Needs { accepting: &[71], ..Needs::DEFAULT })
        .refused(400, Row::EndOfStream)
        .because("71 is accepted, so that these bytes are a header: it announces 21573 bytes", FOREIGN),
    Case::builder("http-text-small-datasize-limit", "an HTTP request, the datasize limit being 4096")
        .steps(&[Step::raw(b"GET / HTTP/1.1\r\nHost: lab.test\r\n\r\n")])
        .needs(Needs { datasize: 4096, ..Needs::DEFAULT })
        .refused(400, Row::Foreign)
        .because("400 for a foreign protocol says more than 431 for a large datasize", FOREIGN),
    Case::builder("http-three-bytes", "the first three bytes of an HTTP request, half-close")
        .steps(&[Step::raw(b"GET"), Step::ShutdownWrite])
        .refused(400, Row::EndOfStream)
        .because("three bytes do not tell the protocol yet", FOREIGN),
];
