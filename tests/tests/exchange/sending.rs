//! What an exchange says between a response's head and the end of the request: how much may be sent, and how much must arrive.

use uwsgi::client::{AnswerStep, BodyStep, Exchange, ExchangeError, HeadStep};
use uwsgi::response::{HeadLimits, ResponseErrorKind};

/// A response while the client sends, and what the exchange says then.
struct Row {
    name: &'static str,
    /// How many bytes of the request's body are declared. Two of them are sent before the response.
    declared: u64,
    response: &'static [u8],
    is_refused: bool,
    /// How many of 10 further bytes may leave.
    sends: usize,
    /// How many bytes of the response's body must still arrive.
    incoming: Option<u64>,
    source: &'static str,
}

const STOPS: &str = "RFC 9112 section 9.5: a client that sees an error stops sending";
const LENGTH: &str = "RFC 9112 section 6.3";

const ROWS: &[Row] = &[
    Row {
        name: "no response yet",
        declared: 6,
        response: b"",
        is_refused: false,
        sends: 4,
        incoming: None,
        source: LENGTH,
    },
    Row {
        name: "no body to send",
        declared: 0,
        response: b"",
        is_refused: false,
        sends: 0,
        incoming: None,
        source: LENGTH,
    },
    Row {
        name: "all is sent",
        declared: 2,
        response: b"",
        is_refused: false,
        sends: 0,
        incoming: None,
        source: LENGTH,
    },
    Row {
        name: "an early success",
        declared: 6,
        response: b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        is_refused: false,
        sends: 4,
        incoming: Some(5),
        source: LENGTH,
    },
    Row {
        name: "an early error",
        declared: 6,
        response: b"HTTP/1.1 413 x\r\nContent-Length: 5\r\n\r\n",
        is_refused: true,
        sends: 0,
        incoming: Some(5),
        source: STOPS,
    },
    Row {
        name: "an early redirect",
        declared: 6,
        response: b"HTTP/1.1 303 x\r\nContent-Length: 0\r\n\r\n",
        is_refused: true,
        sends: 0,
        incoming: Some(0),
        source: STOPS,
    },
    Row {
        name: "a response without a body",
        declared: 6,
        response: b"HTTP/1.1 204 x\r\n\r\n",
        is_refused: false,
        sends: 4,
        incoming: Some(0),
        source: LENGTH,
    },
    Row {
        name: "a response that ends with the connection",
        declared: 6,
        response: b"HTTP/1.1 200 x\r\n\r\n",
        is_refused: false,
        sends: 4,
        incoming: None,
        source: LENGTH,
    },
];

#[test]
fn what_leaves_and_what_must_arrive() {
    for row in ROWS {
        let mut exchange = Exchange::new(false).with_outgoing(row.declared);
        exchange.send(2);
        if !row.response.is_empty() {
            assert!(matches!(exchange.answer(row.response, false), AnswerStep::Head { .. }), "{}", row.name);
        }
        assert_eq!(exchange.is_refused(), row.is_refused, "{}: {}", row.name, row.source);
        assert_eq!(exchange.wants_body(), row.sends > 0, "{}: {}", row.name, row.source);
        assert_eq!(exchange.incoming(), row.incoming, "{}: {}", row.name, row.source);
        assert_eq!(exchange.send(10), row.sends, "{}: {}", row.name, row.source);
        assert!(!exchange.wants_body(), "{}", row.name);
    }
}

#[test]
fn the_rest_of_a_body_is_counted_down() {
    let mut exchange = Exchange::new(false);
    exchange.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false);
    for (got, left) in [(&b"he"[..], 3), (b"l", 2), (b"lo", 0)] {
        assert_eq!(exchange.body(got, false), BodyStep::Body { skip: 0, take: got.len() });
        assert_eq!(exchange.incoming(), Some(left));
    }
}

/// An upgraded connection begins after the request's own body.
#[test]
fn a_request_is_sent_whole_before_an_upgrade() {
    let mut exchange = Exchange::new(false).with_outgoing(3).with_upgrade(b"echo");
    exchange.answer(b"HTTP/1.1 101 x\r\nUpgrade: echo\r\n\r\n", false);
    for sent in [1, 2] {
        assert_eq!(exchange.body(b"early", false), BodyStep::Send);
        assert_eq!(exchange.send(sent), sent);
    }
    assert_eq!(exchange.body(b"early", false), BodyStep::Upgraded);
}

/// The limit holds also where the end of a longer head is already there.
#[test]
fn a_head_one_byte_over_the_limit() {
    let head = b"HTTP/1.1 200 OK\r\nX: abcdefgh\r\n\r\n";
    for (limit, is_whole) in [(head.len(), true), (head.len() - 1, false)] {
        let limits = HeadLimits::default().with_bytes(u32::try_from(limit).unwrap());
        let step = Exchange::new(false).with_limits(limits).head(head, false);
        match step {
            HeadStep::Head { end } => assert!(is_whole && end == head.len()),
            HeadStep::Fail(ExchangeError::Response(error)) => {
                assert!(!is_whole && error.kind() == ResponseErrorKind::TooLong, "{error}");
            }
            step => panic!("{limit}: {step:?}"),
        }
    }
}
