//! A 101 must switch to a protocol that the request offers.

use uwsgi::client::Exchange;
use uwsgi::{Packet, Request};
use uwsgi_tests::drive::{answer, answer_at_once};
use uwsgi_tests::naive_http::{self, End, Limits};

use super::encode;

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
        let want = naive_http::answer(switching, false, Limits::DEFAULT);
        let want = if *end == End::Upgraded { want } else { naive_http::unasked(want) };
        assert_eq!((want.end, answer(&mut exchange, [switching])), (*end, want.clone()), "{vars:?} {headers}");
        assert_eq!(answer_at_once(&mut at_once, [switching]), want, "{vars:?} {headers}");
        assert!(!exchange.allows_another(b""));
    }
}

/// Responses that arrive before the whole request is sent, and whether the end of the stream is an error then. A backend that
/// only shuts down its own direction still reads the request, but a connection without that direction is no upgraded connection.
const EARLY_RESPONSES: &[(&[u8], bool)] = &[
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
fn the_end_of_the_stream_after_an_early_response() {
    for (bytes, fails) in EARLY_RESPONSES {
        let mut exchange = Exchange::new(false).with_outgoing(4).with_upgrade(b"x");
        exchange.answer(bytes, false);
        assert_eq!(exchange.fails_at_end_of_stream(), *fails, "{}", bytes.escape_ascii());
        // The driver was given all bytes, but it may hold some of them back.
        exchange.send(4);
        assert_eq!(exchange.fails_at_end_of_stream(), *fails, "{}", bytes.escape_ascii());
    }
}
