//! The pairs that are timed against each other, and their bounds.

use std::fmt;
use std::hint::black_box;

use uwsgi::Time;
use uwsgi::server::Settings;
use uwsgi::{Limits, Packet, Request};

use crate::inputs::{self, Input};
use crate::{ours, rivals};

/// How far a measured ratio may miss its bound: five percent, since a shared machine is noisy.
const TOLERANCE: f64 = 1.05;

/// Runs one side this many times.
pub type Side = Box<dyn FnMut(u64)>;

/// Two ways to do the same work, and the bound of the ratio of their times.
pub struct Pair {
    /// "a / b". The ratio is the time of a, divided by the time of b.
    pub name: String,
    /// The side whose time is divided.
    pub a: Side,
    /// The side by whose time it is divided.
    pub b: Side,
    /// The bound of the ratio.
    pub bound: Bound,
}

/// The bound of a ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Side a may take at most this many times as long as side b.
    AtMost(f64),
    /// Side a must take at least this many times as long as side b.
    AtLeast(f64),
    /// The ratio is only reported.
    None,
}

impl Bound {
    /// Returns whether a median holds the bound, within the tolerance; `None` if there is no bound.
    pub fn held(self, ratio: f64) -> Option<bool> {
        match self {
            Self::AtMost(most) => Some(ratio <= most * TOLERANCE),
            Self::AtLeast(least) => Some(ratio * TOLERANCE >= least),
            Self::None => None,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(ratio) => f.pad(&format!("≤ {ratio:.2}")),
            Self::AtLeast(ratio) => f.pad(&format!("≥ {ratio:.2}")),
            Self::None => f.pad("–"),
        }
    }
}

/// Returns all pairs, in the order of the table.
pub fn all() -> Vec<Pair> {
    let browser = inputs::browser();
    let mut pairs = vec![
        pair(
            "decode browser / unchecked walk",
            Bound::AtMost(1.3),
            side(browser.packet, ours::decode),
            unchecked_walk(browser),
        ),
        pair(
            "Request::decode browser / unchecked walk",
            Bound::AtMost(2.5),
            side(browser.packet, ours::request),
            unchecked_walk(browser),
        ),
        encode(browser),
    ];
    for input in inputs::all() {
        let mut plain = |variant, loop_| {
            let name = format!("decode {} / plain loop, {variant}", input.name);
            pairs.push(pair(name, Bound::AtMost(1.03), side(input.packet, ours::decode), loop_));
        };
        plain("four splits", side(input.packet, rivals::four_splits));
        plain("two splits", side(input.packet, rivals::two_splits));
        plain("positions", side(input.packet, rivals::positions));
    }
    for input in inputs::all() {
        let Some(text) = input.http else { continue };
        let parse = match input.name {
            "100 headers" => side(text, rivals::httparse::<128>),
            _ => side(text, rivals::httparse::<64>),
        };
        let bound = if input.name == browser.name { Bound::AtLeast(3.0) } else { Bound::None };
        pairs.push(pair(format!("httparse / decode {}", input.name), bound, parse, side(input.packet, ours::decode)));
    }
    pairs.extend(reported(browser));
    pairs.extend(machines(browser));
    pairs.extend(headers(browser));
    pairs
}

/// Returns the pairs of the machines of both sides of a connection, without I/O.
fn machines(browser: Input) -> [Pair; 3] {
    let limits = Limits::server();
    let settings = Settings::default();
    let now = Time::from_millis(1);
    let bare = || side(browser.packet, move |bytes| ours::checked_request(bytes, black_box(&limits)));
    let byte_by_byte = |len| side(inputs::long_answer_head(len), ours::exchange_byte_by_byte);
    [
        pair(
            "receive browser / Request::decode + check",
            Bound::AtMost(1.5),
            side(browser.packet, move |bytes| ours::receive(black_box(&settings), black_box(now), bytes)),
            bare(),
        ),
        pair(
            "exchange head of six / httparse",
            Bound::AtMost(1.3),
            side(inputs::answer_head(), ours::exchange),
            side(inputs::answer_head(), rivals::httparse_response),
        ),
        pair(
            "head of 8 KiB byte by byte / head of 1 KiB byte by byte",
            Bound::AtMost(10.0),
            byte_by_byte(8192),
            byte_by_byte(1024),
        ),
    ]
}

/// Returns the pairs of `Request::headers`. Not every header may be compared with all others.
fn headers(browser: Input) -> [Pair; 5] {
    let headers_of = |packet| {
        let (packet, _) = Packet::decode(packet).expect("the inputs are well formed");
        let request = Request::decode(&packet).expect("the inputs are well formed");
        side((), move |()| ours::headers(black_box(&request)))
    };
    let names = |count| headers_of(inputs::names(count));
    [
        pair("headers browser / check browser", Bound::None, headers_of(browser.packet), {
            let (packet, _) = Packet::decode(browser.packet).expect("the inputs are well formed");
            let request = Request::decode(&packet).expect("the inputs are well formed");
            side((), move |()| ours::check(black_box(&request)))
        }),
        pair("headers of 60 names / headers of 10 names", Bound::None, names(60), names(10)),
        pair("headers of 100 names / headers of 10 names", Bound::None, names(100), names(10)),
        pair("headers of 1000 names / headers of 100 names", Bound::AtMost(30.0), names(1000), names(100)),
        pair("headers of 5000 names / headers of 100 names", Bound::AtMost(500.0), names(5000), names(100)),
    ]
}

/// Returns pairs without a bound: other work of a server with a request.
fn reported(browser: Input) -> [Pair; 5] {
    let (packet, _) = Packet::decode(browser.packet).expect("the inputs are well formed");
    let request = Request::decode(&packet).expect("the inputs are well formed");
    let vars = request.vars();
    let limits = Limits::server();
    let decode_request = || side(browser.packet, ours::request);
    [
        pair(
            "decode_with browser / decode browser",
            Bound::None,
            side(browser.packet, move |bytes| ours::decode_with(bytes, black_box(&limits))),
            side(browser.packet, ours::decode),
        ),
        pair("Vars::iter browser / unchecked walk", Bound::None, side(vars, ours::iterate), unchecked_walk(browser)),
        pair(
            "Request::header / Vars::get, the cookie of browser",
            Bound::None,
            side((), move |()| ours::header(black_box(&request), black_box("cookie"))),
            side(vars, |vars| ours::get(vars, black_box(b"HTTP_COOKIE"))),
        ),
        pair(
            "Vars::get last of browser / Request::decode browser",
            Bound::None,
            side(vars, |vars| ours::get(vars, black_box(b"HTTP_COOKIE"))),
            decode_request(),
        ),
        pair(
            "check browser / Request::decode browser",
            Bound::None,
            side((), move |()| ours::check(black_box(&request))),
            decode_request(),
        ),
    ]
}

fn encode(input: Input) -> Pair {
    let pairs: &'static [_] = inputs::pairs_of(input).leak();
    let mut packet = vec![0; input.packet.len()];
    let mut copies = vec![0; input.packet.len()];
    pair(
        "encode browser / copy",
        Bound::AtMost(1.5),
        Box::new(move |iterations| {
            for _ in 0..iterations {
                black_box(&ours::encode(black_box(pairs), black_box(&mut packet[..])));
            }
        }),
        Box::new(move |iterations| {
            for _ in 0..iterations {
                black_box(&rivals::copy(black_box(pairs), black_box(&mut copies[..])));
            }
        }),
    )
}

fn unchecked_walk(input: Input) -> Side {
    // SAFETY: the inputs are well formed: a test of `inputs` checks it.
    side(input.packet, |packet| unsafe { rivals::unchecked_walk(packet) })
}

fn pair(name: impl Into<String>, bound: Bound, a: Side, b: Side) -> Pair {
    Pair { name: name.into(), a, b, bound }
}

/// Returns a loop around one operation. The compiler knows neither its input nor its result.
///
/// `black_box` takes a reference to the result, so that copying it costs nothing.
fn side<I: Copy + 'static, O>(input: I, operation: impl Fn(I) -> O + 'static) -> Side {
    Box::new(move |iterations| {
        for _ in 0..iterations {
            black_box(&operation(black_box(input)));
        }
    })
}
