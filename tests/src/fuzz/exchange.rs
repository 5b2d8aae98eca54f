//! Responses as a client sees them.

use uwsgi::client::Exchange;

use crate::drive::{answer, answer_at_once, pieces};
use crate::naive_http::{self, End, Limits};

/// The first byte counts the piece sizes that follow it, one byte each. Its bit 16 sets small limits, bit 32 makes the
/// request a HEAD, bit 64 makes it ask for no upgrade. The other bytes are what a backend sends until it closes.
///
/// Oracle: a naive reading of the whole. In pieces of those sizes, byte by byte and all at once, an exchange sees the
/// same heads and the same body, fails for the same reason, and leaves the same bytes unused. Another request is allowed
/// only after a response that says where it ends and that the server keeps the connection.
pub fn exchange(input: &[u8]) {
    let Some((chosen, rest)) = input.split_first() else { return };
    let (sizes, bytes) = rest.split_at((usize::from(*chosen) % 16).min(rest.len()));
    let to_head = chosen & 32 != 0;
    let limits = if chosen & 16 != 0 { Limits { bytes: 96, lines: 3 } } else { Limits::DEFAULT };

    let want = naive_http::answer(bytes, to_head, limits);
    let exchange = Exchange::new(to_head).with_limits(limits.head_limits());
    let offered = if chosen & 64 != 0 { "" } else { "x, websocket" };
    let (want, exchange) = (naive_http::asked(want, offered), exchange.with_upgrade(offered.as_bytes()));
    let whole = allows_another(&want, to_head, &exchange, || [bytes]);
    assert_eq!(allows_another(&want, to_head, &exchange, || pieces(bytes, sizes)), whole);
    assert_eq!(allows_another(&want, to_head, &exchange, || pieces(bytes, &[])), whole);
}

/// Compares both ways to read the heads, in two calls and in one. Returns whether another request is allowed after the
/// response when no byte follows it.
fn allows_another<'s, I: IntoIterator<Item = &'s [u8]>>(
    want: &naive_http::Answer,
    to_head: bool,
    exchange: &Exchange,
    pieces: impl Fn() -> I,
) -> bool {
    let pieces = || pieces().into_iter().filter(|piece| !piece.is_empty());
    let (mut exchange, mut at_once) = (exchange.clone(), exchange.clone());
    assert_eq!(answer(&mut exchange, pieces()), *want);
    let allowed = exchange.allows_another(b"");
    assert!(!exchange.allows_another(b"x"));
    let may = want.heads.last().is_some_and(|head| {
        let without_body = to_head || matches!(head.status, 204 | 304);
        let says_so = head.version.as_deref() == Some(b"HTTP/1.1") && head.keep_alive && !head.close;
        says_so && (without_body || head.content_length.is_some())
    });
    assert_eq!(allowed, may && want.end == End::Whole);

    assert_eq!(answer_at_once(&mut at_once, pieces()), *want);
    assert_eq!(at_once.allows_another(b""), allowed);
    allowed
}
