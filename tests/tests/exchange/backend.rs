//! What a client makes of the responses of other backends, and when it may send another request.

use uwsgi::client::{AnswerStep, BodyStep, Exchange, ExchangeError, HeadStep};
use uwsgi::{Packet, Request};
use uwsgi_tests::drive::{answer, answer_at_once, pieces};
use uwsgi_tests::naive_http::{self, End, Limits};

use super::encode;

/// Name, what the backend sends until it closes, whether the request was HEAD, how the response ends, and whether
/// another request may follow if no byte followed the response.
const AFTER: &[(&str, &[u8], bool, End, bool)] = &[
    ("length", b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", false, End::Whole, true),
    ("length-zero", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", false, End::Whole, true),
    ("says-nothing", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, End::Whole, false),
    ("cgi", b"Status: 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", false, End::Whole, false),
    ("http-1-0", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", false, End::Whole, false),
    ("http-2", b"HTTP/2.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", false, End::Whole, false),
    ("keep-alive-upper", b"HTTP/1.1 204 x\r\nCONNECTION:KEEP-ALIVE\r\n\r\n", false, End::Whole, true),
    ("keep-alive-in-a-list", b"HTTP/1.1 204 x\r\nConnection: a, keep-alive\t,b\r\n\r\n", false, End::Whole, true),
    (
        "keep-alive-in-two",
        b"HTTP/1.1 204 x\r\nConnection: a\r\nConnection: keep-alive\r\n\r\n",
        false,
        End::Whole,
        true,
    ),
    ("keep-alive-and-more", b"HTTP/1.1 204 x\r\nConnection: keep-alives\r\n\r\n", false, End::Whole, false),
    ("keep-alive-elsewhere", b"HTTP/1.1 204 x\r\nKeep-Alive: keep-alive\r\n\r\n", false, End::Whole, false),
    ("close", b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", false, End::Whole, false),
    ("close-upper", b"HTTP/1.1 200 OK\r\nCONNECTION:CLOSE\r\nContent-Length: 0\r\n\r\n", false, End::Whole, false),
    ("both", b"HTTP/1.1 204 x\r\nConnection: keep-alive, close\r\n\r\n", false, End::Whole, false),
    ("both-in-two", b"HTTP/1.1 204 x\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n", false, End::Whole, false),
    ("closed-is-not-close", b"HTTP/1.1 204 x\r\nConnection: closed, keep-alive\r\n\r\n", false, End::Whole, true),
    ("no-length", b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\nok", false, End::Whole, false),
    ("no-length-no-body", b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", false, End::Whole, false),
    (
        "chunked",
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        false,
        End::Whole,
        false,
    ),
    ("no-content", b"HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n", false, End::Whole, true),
    ("not-modified", b"HTTP/1.1 304 x\r\nConnection: keep-alive\r\nContent-Length: 9\r\n\r\n", false, End::Whole, true),
    ("to-head", b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 9\r\n\r\n", true, End::Whole, true),
    ("to-head-no-length", b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", true, End::Whole, true),
    (
        "interim-says-close",
        b"HTTP/1.1 103 x\r\nConnection: close\r\n\r\nHTTP/1.1 204 x\r\nConnection: keep-alive\r\n\r\n",
        false,
        End::Whole,
        true,
    ),
    (
        "interim-says-keep-alive",
        b"HTTP/1.1 103 x\r\nConnection: keep-alive\r\n\r\nHTTP/1.1 204 x\r\n\r\n",
        false,
        End::Whole,
        false,
    ),
    (
        "upgrade",
        b"HTTP/1.1 101 x\r\nConnection: keep-alive, upgrade\r\nUpgrade: x\r\n\r\n",
        false,
        End::Upgraded,
        false,
    ),
    (
        "cut",
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\no",
        false,
        End::BodyCutShort { missing: 1 },
        false,
    ),
    ("nothing", b"", false, End::NoAnswer, false),
];

#[test]
fn another_request_may_follow_where_the_row_says_so() {
    for (name, bytes, to_head, end, another) in AFTER {
        let mut exchange = Exchange::new(*to_head).with_upgrade(b"x");
        assert!(!exchange.allows_another(b""), "{name}: before the answer");
        let mut at_once = exchange.clone();
        let seen = answer(&mut exchange, [*bytes]);
        assert_eq!((seen.end, exchange.allows_another(b"")), (*end, *another), "{name}");
        assert_eq!(answer_at_once(&mut at_once, [*bytes]), seen, "{name}");
        assert_eq!(at_once.allows_another(b""), *another, "{name}, at once");
        assert!(!exchange.allows_another(b"x"), "{name}: with bytes after it");
    }
}

#[test]
fn another_request_waits_for_the_end_of_this_one() {
    let vars = encode(&[("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "3")]);
    let (packet, _) = Packet::decode(&vars).unwrap();
    let mut exchange = Exchange::of(&Request::decode(&packet).unwrap()).unwrap();
    assert_eq!(exchange.send(2), 2);
    let seen = answer(&mut exchange, [&b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"[..]]);
    assert_eq!((seen.end, exchange.outgoing()), (End::Whole, 1));
    assert!(!exchange.allows_another(b""), "a byte of the body has not left");
    // It never will: the backend does not read on after an error (RFC 9112 section 9.5).
    assert_eq!(exchange.send(5), 0);
    assert!(!exchange.allows_another(b""));
    let mut exchange = Exchange::of(&Request::decode(&packet).unwrap()).unwrap();
    assert_eq!(exchange.send(2), 2);
    answer(&mut exchange, [&b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"[..]]);
    assert!(!exchange.allows_another(b""), "a byte of the body has not left");
    assert_eq!(exchange.send(5), 1);
    assert!(exchange.allows_another(b""));

    // A response whose body was not read to its end has not ended.
    let bytes = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok";
    let mut exchange = Exchange::new(false);
    assert_eq!(exchange.head(bytes, false), HeadStep::Head { end: 62 });
    assert!(!exchange.allows_another(b""));
    exchange.response(&bytes[..62]).unwrap();
    assert!(!exchange.allows_another(b""));
    assert_eq!(exchange.body(&bytes[62..63], false), BodyStep::Body { skip: 0, take: 1 });
    assert!(!exchange.allows_another(b""));
    assert_eq!(exchange.body(b"", false), BodyStep::Need(1));
    assert_eq!(exchange.body(&bytes[63..], false), BodyStep::Body { skip: 0, take: 1 });
    assert!(exchange.allows_another(b""));
    assert_eq!(exchange.body(b"x", false), BodyStep::End { skip: 0 });
}

/// uWSGI closes without a response on every request that it refuses, and in the middle of a response when a worker
/// dies.
#[test]
fn a_backend_that_closes_early_is_an_error() {
    for to_head in [false, true] {
        assert_eq!(answer(&mut Exchange::new(to_head), []).end, End::NoAnswer);
    }
    let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    for cut in 1..whole.len() {
        let seen = answer(&mut Exchange::new(false), [&whole[..cut]]);
        match seen.end {
            End::Head(fault) => {
                assert_eq!((fault.kind, cut < 38), (uwsgi::response::ResponseErrorKind::Truncated, true))
            }
            End::BodyCutShort { missing } => assert_eq!(missing as usize, whole.len() - cut),
            other => panic!("cut at {cut}: {other:?}"),
        }
    }
    // There is no response after an interim one alone either.
    let seen = answer(&mut Exchange::new(false), [&b"HTTP/1.1 100 Continue\r\n\r\n"[..]]);
    assert_eq!((seen.end, seen.heads.len()), (End::NoAnswer, 1));
    // A body without a length is whole when the backend closes.
    let seen = answer(&mut Exchange::new(false), [&b"HTTP/1.1 200 OK\r\n\r\nhel"[..]]);
    assert_eq!((seen.end, &seen.body[..]), (End::Whole, &b"hel"[..]));
}

/// RFC 9110 section 15.2 gives no number; no backend needs as many as ours.
#[test]
fn interim_responses_have_a_limit() {
    let most = usize::from(Exchange::MOST_INTERIM);
    for count in [1, most - 1, most, most + 1, 3 * most] {
        let bytes = b"HTTP/1.1 102 Processing\r\n\r\n".repeat(count);
        let bytes = [&bytes, &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"[..]].concat();
        let seen = answer(&mut Exchange::new(false), [&bytes[..]]);
        let (end, heads) = if count <= most { (End::Whole, count + 1) } else { (End::TooManyInterim, most) };
        assert_eq!((seen.end, seen.heads.len()), (end, heads), "{count}");
        assert_eq!(seen, naive_http::answer(&bytes, false, Limits::DEFAULT));
        for size in [1, 7, 26, 27, 28, 200] {
            assert_eq!(answer(&mut Exchange::new(false), pieces(&bytes, &[size])), seen, "{count} by {size}");
            assert_eq!(answer_at_once(&mut Exchange::new(false), pieces(&bytes, &[size])), seen, "{count} by {size}");
        }
    }
    // The failure stays the same.
    let mut exchange = Exchange::new(false);
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
    for _ in 0..most {
        assert!(matches!(exchange.answer(interim, false), AnswerStep::Head { .. }));
    }
    for _ in 0..2 {
        assert_eq!(exchange.answer(interim, false), AnswerStep::Fail(ExchangeError::TooManyInterim));
        assert_eq!(exchange.body(b"", false), BodyStep::Fail(ExchangeError::TooManyInterim));
        assert!(!exchange.allows_another(b""));
    }
}
