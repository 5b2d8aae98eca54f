//! The calls of an exchange: requests that it refuses, its errors, and calls out of order.

use std::error::Error as _;

use uwsgi::client::{AnswerStep, BodyStep, Exchange, ExchangeError, HeadStep};
use uwsgi::framing::FramingError;
use uwsgi::{Packet, Request};
use uwsgi_tests::drive::answer;
use uwsgi_tests::naive_http::End;

use super::encode;

#[test]
fn an_invalid_request_is_not_sent() {
    for (vars, error) in [
        (encode(&[("CONTENT_LENGTH", "+3")]), FramingError::InvalidLength),
        (encode(&[("CONTENT_LENGTH", "18446744073709551616")]), FramingError::LengthOverflow),
        (encode(&[("CONTENT_LENGTH", "3"), ("CONTENT_LENGTH", "x")]), FramingError::InvalidLength),
    ] {
        let (packet, _) = Packet::decode(&vars).unwrap();
        assert_eq!(Exchange::of(&Request::decode(&packet).unwrap()).err(), Some(error));
    }
    // With an empty length, and with a chunked one, nothing leaves after the packet.
    for vars in [encode(&[("CONTENT_LENGTH", "")]), encode(&[("HTTP_TRANSFER_ENCODING", "chunked")])] {
        let (packet, _) = Packet::decode(&vars).unwrap();
        assert_eq!(Exchange::of(&Request::decode(&packet).unwrap()).unwrap().send(5), 0);
    }
}

/// The method is case-sensitive: `head` is another one.
#[test]
fn only_the_method_head_has_no_body() {
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    for (method, end) in [("HEAD", End::Whole), ("head", End::BodyCutShort { missing: 2 })] {
        let vars = encode(&[("REQUEST_METHOD", method)]);
        let (packet, _) = Packet::decode(&vars).unwrap();
        let mut exchange = Exchange::of(&Request::decode(&packet).unwrap()).unwrap();
        assert_eq!(answer(&mut exchange, [&bytes[..]]).end, end, "{method}");
    }
}

#[test]
fn every_failure_has_its_message() {
    // The text of the cause, where there is one. The error itself says nothing of it, and `{:#}` prints both.
    let cause = |error: ExchangeError| match error.source() {
        Some(source) => {
            assert_eq!(format!("{error:#}"), format!("{error}: {source}"));
            source.to_string()
        }
        None => error.to_string(),
    };
    let failed = |bytes: &[u8]| {
        let mut exchange = Exchange::new(false);
        match exchange.head(bytes, true) {
            HeadStep::Fail(error) => cause(error),
            HeadStep::Head { end } => match exchange.response(&bytes[..end]) {
                Err(error) => cause(error),
                Ok(_) => match exchange.body(b"", true) {
                    BodyStep::Fail(error) => cause(error),
                    other => panic!("{other:?}"),
                },
            },
            other => panic!("{other:?}"),
        }
    };
    for (bytes, want) in [
        (&b""[..], "the backend closed without an answer, as uWSGI does with what it refuses"),
        (b"HTTP", "the answer ends inside its head (at byte 4)"),
        (b"\n", "the answer has no head (at byte 0)"),
        (b"X: 1\nfoo\n\n", "a line of the answer's head is no header (at byte 5)"),
        (b"HTTP/1.1 20\n\n", "the answer's status is not three digits of 100 or more (at byte 0)"),
        (
            b"Content-Length: x\n\n",
            "the answer's Content-Length is not a decimal number of at most 64 bits (at byte 0)",
        ),
        (b"Content-Length: 1\nContent-Length: 1\n\n", "the answer has two Content-Length lines (at byte 18)"),
        (
            b"Content-Length: 1\nTransfer-Encoding: chunked\n\n",
            "the answer has a Content-Length beside a Transfer-Encoding (at byte 18)",
        ),
        (b"Transfer-Encoding: gzip\n\n", "the answer's Transfer-Encoding is not chunked (at byte 0)"),
        (b"Status: 200\nStatus: 200\n\n", "the answer has two lines where one is allowed (at byte 12)"),
        (b"Content-Length: 3\n\n", "the backend closed 3 bytes before the answer's end"),
        (b"Transfer-Encoding: chunked\n\n", "the backend closed inside the answer's body"),
    ] {
        assert_eq!(failed(bytes), want);
    }
    let many = format!("{}\n", "A: b\n".repeat(257));
    assert!(failed(many.as_bytes()).starts_with("the answer has too many header lines (at byte "));
    assert!(failed(&[b'x'; 65536]).starts_with("the answer's head is too long (at byte "));
}

/// Calls that bring an exchange into a phase, and one that does not belong to it.
#[test]
fn a_call_out_of_order_fails_and_so_does_every_later_call() {
    type Call = fn(&mut Exchange);
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n";
    let head: Call = |exchange| {
        let _step = exchange.head(HEAD, false);
    };
    let response: Call = |exchange| {
        let _step = exchange.response(HEAD);
    };
    let answer: Call = |exchange| {
        let _step = exchange.answer(HEAD, false);
    };
    let body: Call = |exchange| {
        let _step = exchange.body(HEAD, false);
    };
    let rows: [(&str, &[Call], Call); 9] = [
        ("a body of no answer", &[], body),
        ("a head that nobody has found", &[], response),
        ("a second head before the first is decoded", &[head], head),
        ("an answer before the head is decoded", &[head], answer),
        ("a body before the head is decoded", &[head], body),
        ("fewer bytes than were found", &[head], |exchange| {
            let _step = exchange.response(b"A: b\r\n\r\n");
        }),
        ("a head that was decoded", &[head, response], response),
        ("a body as a head", &[head, response], head),
        ("a body as an answer", &[answer], answer),
    ];
    for (name, before, call) in rows {
        let mut exchange = Exchange::new(false);
        before.iter().for_each(|call| call(&mut exchange));
        call(&mut exchange);
        let error = ExchangeError::OutOfOrder;
        assert_eq!(exchange.head(HEAD, false), HeadStep::Fail(error), "{name}");
        assert_eq!(exchange.response(HEAD).map(drop), Err(error), "{name}");
        assert_eq!(exchange.answer(HEAD, true), AnswerStep::Fail(error), "{name}");
        assert_eq!(exchange.body(HEAD, true), BodyStep::Fail(error), "{name}");
        assert!(!exchange.allows_another(b""), "{name}");
    }
}
