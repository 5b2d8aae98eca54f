//! Our client and our server over a connection in memory: each sees what the other sends.

use core::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use uwsgi::client::{AnswerStep, Exchange, ExchangeError, Incoming, ResponseStep};
use uwsgi::framing::FramingError;
use uwsgi::server::Settings;
use uwsgi::{Modifier1, Packet, Request, VarsEncoder};
use uwsgi_tests::drive::{Event, Plan, answer, answer_at_once, pieces, serve};
use uwsgi_tests::naive::Pair;
use uwsgi_tests::naive_http::{self, Answer, End, Most};

/// A request: its vars, and its body.
#[derive(Debug, Clone)]
struct Asked {
    vars: Vec<Pair>,
    body: Vec<u8>,
    declared: bool,
}

impl Asked {
    fn new(method: &str, extra: Vec<Pair>, body: Vec<u8>, declared: bool) -> Self {
        let mut vars = vec![(b"REQUEST_METHOD".to_vec(), method.as_bytes().to_vec())];
        vars.extend(extra);
        if declared {
            vars.push((b"CONTENT_LENGTH".to_vec(), body.len().to_string().into_bytes()));
        }
        let body = if declared { body } else { Vec::new() };
        Self { vars, body, declared }
    }

    fn is_head(&self) -> bool {
        self.vars[0].1 == b"HEAD"
    }

    /// Returns the exchange and what a client writes whose caller gives more bytes than it declared.
    fn write(&self, gives: &[u8]) -> (Exchange, Vec<u8>) {
        let mut bytes = Vec::new();
        let mut vars = VarsEncoder::new(&mut bytes);
        self.vars.iter().for_each(|(key, value)| vars.push_raw(key, value).unwrap());
        vars.finish(Modifier1::WSGI, 0).unwrap();
        let mut exchange = {
            let (packet, _) = Packet::decode(&bytes).unwrap();
            Exchange::of(&Request::decode(&packet).unwrap()).unwrap()
        };
        let given = [&self.body[..], b"more than was declared"].concat();
        for piece in pieces(&given, gives) {
            let left = exchange.outgoing();
            let leaves = exchange.send(piece.len());
            assert_eq!(leaves as u64, left.min(piece.len() as u64));
            assert_eq!(exchange.outgoing(), left - leaves as u64);
            bytes.extend(&piece[..leaves]);
        }
        assert_eq!(exchange.outgoing(), 0);
        (exchange, bytes)
    }

    fn seen(&self) -> Event {
        Event::Request { vars: self.vars.clone(), body: Ok(self.body.clone()) }
    }
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(any::<u8>(), 0..64), 1 => vec(any::<u8>(), 500..2000)]
}

fn asked() -> impl Strategy<Value = Asked> {
    let method = proptest::sample::select(vec!["GET", "HEAD", "POST", "PUT", "OPTIONS", "X-!"]);
    let value = vec(any::<u8>().prop_filter("a control byte", |byte| !b"\r\n\0".contains(byte)), 0..20);
    let extra = vec(("HTTP_[A-Z]{1,8}|[A-Z]{3}".prop_map(String::into_bytes), value), 0..6);
    (method, extra, body(), any::<bool>())
        .prop_map(|(method, extra, body, declared)| Asked::new(method, extra, body, declared))
}

fn plan() -> impl Strategy<Value = Plan> {
    let status = prop_oneof![4 => Just(200_u16), 1 => Just(204), 1 => Just(304), 1 => Just(205), 2 => 200..=999_u16];
    let header = ("[!#$%&'*+.^_`|~0-9A-Z-]{1,9}", "([!-~]([ -~\t]{0,9}[!-~])?)?")
        .prop_filter("a name with a meaning", |(name, _)| {
            !["TE", "TRAILER", "UPGRADE", "STATUS"].contains(&name.as_str())
        });
    (status, "[ -~]{0,9}", vec(header, 0..5), any::<bool>(), vec(body(), 0..4))
        .prop_map(|(status, reason, headers, length, chunks)| Plan { status, reason, headers, length, chunks })
}

fn sizes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![1 => Just(vec![1]), 3 => vec(any::<u8>(), 1..8)]
}

/// Checks the response of a plan as a client sees it, and what the server says about the connection, if it does.
fn check(seen: &Answer, plan: &Plan, to_head: bool, connection: Option<&str>) {
    assert_eq!((seen.end, seen.heads.len()), (End::Whole, 1), "{:?}", seen.heads);
    let head = &seen.heads[0];
    assert_eq!((head.status, &head.reason[..]), (plan.status, plan.reason.as_bytes()));
    let given: Vec<u8> = plan.chunks.concat();
    let mut headers: Vec<Pair> =
        plan.headers.iter().map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes())).collect();
    if plan.length && plan.status != 204 {
        headers.push((b"Content-Length".to_vec(), given.len().to_string().into_bytes()));
    }
    headers.extend(connection.map(|says| (b"Connection".to_vec(), says.into())));
    assert_eq!(head.headers, headers);
    let body = if to_head || matches!(plan.status, 204 | 304) { Vec::new() } else { given };
    assert_eq!(seen.body, body);
}

/// Returns whether a client knows where the response ends before the connection closes.
fn delimited(plan: &Plan, to_head: bool) -> bool {
    plan.length || to_head || matches!(plan.status, 204 | 304)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// One request, one response, any pieces in both directions.
    #[test]
    fn a_request_and_its_response_arrive(
        asked in asked(), plan in plan(), gives in sizes(), there in sizes(), back in sizes(), keepalive in any::<bool>(),
    ) {
        let (mut exchange, bytes) = asked.write(&gives);
        let mut settings = Settings::default();
        if keepalive {
            settings = settings.with_keepalive(Duration::from_secs(5));
        }
        let served = serve(settings, pieces(&bytes, &there), |vars, body| {
            assert_eq!((vars, body), (&asked.vars[..], &asked.body[..]));
            plan.clone()
        });
        // A connection that may be kept is closed by the client. Only one with a known end of the response may be kept.
        let goes_on = keepalive && asked.declared && delimited(&plan, asked.is_head());
        let end = if goes_on { Event::Closed } else { Event::HalfClosed };
        prop_assert_eq!(&served.events, &[asked.seen(), end]);
        prop_assert_eq!(served.used, bytes.len());

        let seen = answer_at_once(&mut exchange.clone(), pieces(&served.written, &back));
        prop_assert_eq!(&seen, &answer(&mut exchange, pieces(&served.written, &back)));
        check(&seen, &plan, asked.is_head(), keepalive.then_some(if goes_on { "keep-alive" } else { "close" }));
        prop_assert_eq!(seen.rest, b"");
        prop_assert_eq!(exchange.allows_another(b""), goes_on);
        prop_assert!(!exchange.allows_another(b"x"));
    }

    /// Several requests on one connection. Where the server keeps it the client may too, and each request gets its own
    /// response.
    #[test]
    fn responses_come_in_the_order_of_requests(
        asked in vec((asked(), plan()), 1..5), there in sizes(), back in sizes(),
    ) {
        let mut bytes = Vec::new();
        let mut exchanges = Vec::new();
        for (asked, _) in &asked {
            let (exchange, written) = asked.write(&[7]);
            exchanges.push(exchange);
            bytes.extend(written);
        }
        let goes_on = |(asked, plan): &&(Asked, Plan)| asked.declared && delimited(plan, asked.is_head());
        let before_the_last = asked.iter().take_while(goes_on).count();
        let answered = asked.len().min(before_the_last + 1);

        let mut plans = asked.iter().map(|(_, plan)| plan.clone());
        let settings = Settings::default().with_keepalive(Duration::from_secs(5));
        let served = serve(settings, pieces(&bytes, &there), |_, _| plans.next().unwrap());
        let mut want: Vec<Event> = asked[..answered].iter().map(|(asked, _)| asked.seen()).collect();
        want.push(if before_the_last >= asked.len() { Event::Closed } else { Event::HalfClosed });
        prop_assert_eq!(served.events, want);

        let mut rest = served.written;
        for (place, (asked, plan)) in asked[..answered].iter().enumerate() {
            let exchange = &mut exchanges[place];
            let seen = answer_at_once(exchange, pieces(&rest, &back));
            check(&seen, plan, asked.is_head(), Some(if place < before_the_last { "keep-alive" } else { "close" }));
            prop_assert_eq!(exchange.allows_another(b""), place < before_the_last);
            rest = seen.rest;
        }
        prop_assert_eq!(rest, b"");
    }

    #[test]
    fn no_more_bytes_leave_than_were_declared(declared in any::<u64>(), gives in vec(any::<u32>(), 0..8)) {
        for declared in [declared, declared % 1000] {
            let vars = encode(&[("CONTENT_LENGTH", &declared.to_string())]);
            let (packet, _) = Packet::decode(&vars).unwrap();
            let mut exchange = Exchange::of(&Request::decode(&packet).unwrap()).unwrap();
            let (mut left, mut sent) = (declared, 0_u64);
            for len in &gives {
                let leaves = exchange.send(*len as usize) as u64;
                prop_assert_eq!(leaves, left.min(u64::from(*len)));
                left -= leaves;
                sent += leaves;
                prop_assert_eq!(exchange.outgoing(), left);
            }
            prop_assert!(sent <= declared);
        }
    }

    /// A response cut short anywhere is never taken for a whole one, unless the close is its end.
    #[test]
    fn a_response_cut_short_is_not_whole(plan in plan(), cut in any::<proptest::sample::Index>(), back in sizes()) {
        let asked = Asked::new("GET", Vec::new(), Vec::new(), false);
        let (_, bytes) = asked.write(&[9]);
        let served = serve(Settings::default(), [&bytes[..]], |_, _| plan.clone());
        let head = served.written.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let cut = cut.index(served.written.len());
        let (mut exchange, _) = asked.write(&[9]);
        let seen = answer(&mut exchange, pieces(&served.written[..cut], &back));
        let closes = cut >= head && !delimited(&plan, false);
        prop_assert_eq!(seen.end == End::Whole, closes, "{:?}", seen.end);
        prop_assert!(!exchange.allows_another(b""));
        prop_assert!(cut > 0 || seen.end == End::NoAnswer);
    }
}

fn encode(vars: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut block = VarsEncoder::new(&mut bytes);
    vars.iter().for_each(|(key, value)| block.push_raw(key, value).unwrap());
    block.finish(Modifier1::WSGI, 0).unwrap();
    bytes
}

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
    assert_eq!(exchange.head(bytes, false), ResponseStep::Head { end: 62 });
    assert!(!exchange.allows_another(b""));
    exchange.response(&bytes[..62]).unwrap();
    assert!(!exchange.allows_another(b""));
    assert_eq!(exchange.body(&bytes[62..63], false), Incoming::Body { skip: 0, take: 1 });
    assert!(!exchange.allows_another(b""));
    assert_eq!(exchange.body(b"", false), Incoming::Need(1));
    assert_eq!(exchange.body(&bytes[63..], false), Incoming::Body { skip: 0, take: 1 });
    assert!(exchange.allows_another(b""));
    assert_eq!(exchange.body(b"x", false), Incoming::End { skip: 0 });
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
        assert_eq!(seen, naive_http::answer(&bytes, false, Most::DEFAULT));
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
        assert_eq!(exchange.body(b"", false), Incoming::Fail(ExchangeError::TooManyInterim));
        assert!(!exchange.allows_another(b""));
    }
}

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

/// The vars of a request, the headers of a 101, and how the response ends.
type Switching = (&'static [(&'static str, &'static str)], &'static str, End);

/// RFC 9110 sections 7.8 and 15.2.2: a 101 names the protocol that it switches to, and the request must have offered
/// it. Our client never asks for h2c.
const SWITCHING: &[Switching] = &[
    (&[], "Upgrade: x", End::UnaskedUpgrade),
    (&[("HTTP_CONNECTION", "upgrade")], "Upgrade: x", End::UnaskedUpgrade),
    (&[("HTTP_UPGRADE", "")], "Upgrade: x", End::UnaskedUpgrade),
    (&[("HTTP_UPGRADE", "h2c")], "Upgrade: h2c", End::UnaskedUpgrade),
    (&[("HTTP_UPGRADE", "x"), ("HTTP_UPGRADE", "")], "Upgrade: x", End::UnaskedUpgrade),
    (&[("HTTP_UPGRADE", "x")], "Upgrade: x", End::Upgraded),
    (&[("HTTP_UPGRADE", "x")], "upgrade:\tX ", End::Upgraded),
    (&[("HTTP_UPGRADE", "x, y")], "Upgrade: y", End::Upgraded),
    (&[("HTTP_UPGRADE", "x, y")], "Upgrade: y\r\nUpgrade: x", End::Upgraded),
    (&[("HTTP_UPGRADE", "x")], "X: 1", End::UnaskedUpgrade),
    (&[("HTTP_UPGRADE", "x")], "Upgrade:", End::UnaskedUpgrade),
    (&[("HTTP_UPGRADE", "websocket")], "Upgrade: h2c", End::UnaskedUpgrade),
    (&[("HTTP_UPGRADE", "websocket")], "Upgrade: websocket\r\nUpgrade: h2c", End::UnaskedUpgrade),
    (&[("HTTP_UPGRADE", "websocket")], "Upgrade: websocket, h2c", End::UnaskedUpgrade),
    (&[("HTTP_UPGRADE", "x")], "Upgrade: y", End::UnaskedUpgrade),
];

#[test]
fn an_upgrade_must_be_asked_for() {
    for (vars, headers, end) in SWITCHING {
        let switching = format!("HTTP/1.1 101 Switching Protocols\r\n{headers}\r\n\r\nbytes");
        let switching = switching.as_bytes();
        let packet = encode(vars);
        let (packet, _) = Packet::decode(&packet).unwrap();
        let mut exchange = Exchange::of(&Request::decode(&packet).unwrap()).unwrap();
        let mut at_once = exchange.clone();
        let want = naive_http::answer(switching, false, Most::DEFAULT);
        let want = if *end == End::Upgraded { want } else { naive_http::unasked(want) };
        assert_eq!((want.end, answer(&mut exchange, [switching])), (*end, want.clone()), "{vars:?} {headers}");
        assert_eq!(answer_at_once(&mut at_once, [switching]), want, "{vars:?} {headers}");
        assert!(!exchange.allows_another(b""));
    }
}

/// Answers that come before all of the request has left, and whether the end of the stream is an error then. A backend that only
/// shuts down its own direction still reads the request, but a connection without that direction is no pipe.
const EARLY_ANSWERS: &[(&[u8], bool)] = &[
    (b"", false),
    (b"HTTP/1.1 100 Continue\r\n\r\n", false),
    (b"HTTP/1.1 101 x\r\nUpgrade: x\r\n\r\n", true),
    (b"HTTP/1.1 101 x\r\nUpgrade: y\r\n\r\n", false), // the exchange has failed
    (b"HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n", false),
    (b"HTTP/1.1 200 x\r\nUpgrade: x\r\n\r\n", false),
    (b"HTTP/1.1 204 x\r\n\r\n", false),
    (b"HTTP/1.1 413 x\r\n\r\n", false),
];

#[test]
fn the_end_of_the_stream_after_an_early_answer() {
    for (bytes, fails) in EARLY_ANSWERS {
        let mut exchange = Exchange::new(false).with_outgoing(4).with_upgrade(b"x");
        exchange.answer(bytes, false);
        assert_eq!(exchange.fails_at_end_of_stream(), *fails, "{}", bytes.escape_ascii());
        // All bytes were given to the driver, which may hold some of them back.
        exchange.send(4);
        assert_eq!(exchange.fails_at_end_of_stream(), *fails, "{}", bytes.escape_ascii());
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
    let failed = |bytes: &[u8]| {
        let mut exchange = Exchange::new(false);
        match exchange.head(bytes, true) {
            ResponseStep::Fail(error) => error.to_string(),
            ResponseStep::Head { end } => match exchange.response(&bytes[..end]) {
                Err(error) => error.to_string(),
                Ok(_) => match exchange.body(b"", true) {
                    Incoming::Fail(error) => error.to_string(),
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
        assert_eq!(exchange.head(HEAD, false), ResponseStep::Fail(error), "{name}");
        assert_eq!(exchange.response(HEAD).map(drop), Err(error), "{name}");
        assert_eq!(exchange.answer(HEAD, true), AnswerStep::Fail(error), "{name}");
        assert_eq!(exchange.body(HEAD, true), Incoming::Fail(error), "{name}");
        assert!(!exchange.allows_another(b""), "{name}");
    }
}
