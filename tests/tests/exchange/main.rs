//! Our client and our server over a connection in memory: each sees what the other sends.

mod backend;
mod calls;
mod sending;
mod upgrade;

use core::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use uwsgi::client::Exchange;
use uwsgi::server::Settings;
use uwsgi::{Modifier1, Packet, Request, VarsEncoder};
use uwsgi_tests::drive::{Event, Plan, answer, answer_at_once, pieces, serve};
use uwsgi_tests::naive::Pair;
use uwsgi_tests::naive_http::{Answer, End};

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

    /// Returns the exchange, and the bytes that leave when the caller gives more than it declared.
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
