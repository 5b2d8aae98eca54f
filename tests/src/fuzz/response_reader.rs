//! Responses as a buffered reader gives them.

use std::io::{self, BufRead, Read};

use uwsgi::client::{Exchange, ExchangeError};
use uwsgi_io::{ResponseBody, ResponseReader, Stream};

use crate::drive::pieces;
use crate::naive_http::{self, Answer, End, Head, Limits};
use crate::script::Script;

/// The input is that of [`exchange`](super::exchange).
///
/// Oracle: a naive reading of the whole. The bytes come over a connection in memory: all at once, in pieces of those
/// sizes, and one by one, with reads of different sizes. The reader gives the same heads and the same body, fails for
/// the same reason, and leaves the same bytes unused. Its buffer never grows beyond the promised size. The whole in one call
/// ([`Exchange::split`]) gives the same too.
pub fn response_reader(input: &[u8]) {
    let Some((chosen, rest)) = input.split_first() else { return };
    let (sizes, bytes) = rest.split_at((usize::from(*chosen) % 16).min(rest.len()));
    let to_head = chosen & 32 != 0;
    let limits = if chosen & 16 != 0 { Limits { bytes: 96, lines: 3 } } else { Limits::DEFAULT };

    let want = naive_http::answer(bytes, to_head, limits);
    // All readers share one buffer: a reader must not see bytes that an earlier reader left in it.
    let mut buffer = Vec::new();
    let exchange = Exchange::new(to_head).with_limits(limits.head_limits());
    let offered = if chosen & 64 != 0 { "" } else { "x, websocket" };
    let (want, exchange) = (naive_http::asked(want, offered), exchange.with_upgrade(offered.as_bytes()));
    let exchange = || exchange.clone();
    let whole = read(&want, limits, exchange(), &mut buffer, &[bytes], &[64]);
    let split: Vec<&[u8]> = pieces(bytes, sizes).collect();
    assert_eq!(read(&want, limits, exchange(), &mut buffer, &split, sizes), whole);
    let bytewise: Vec<&[u8]> = pieces(bytes, &[]).collect();
    assert_eq!(read(&want, limits, exchange(), &mut buffer, &bytewise, &[1, 3]), whole);
    split_at_once(&want, exchange(), bytes);
}

/// Compares what one call makes of all bytes.
fn split_at_once(want: &Answer, exchange: Exchange, bytes: &[u8]) {
    match exchange.split(bytes) {
        Ok(response) => {
            assert_eq!(want.heads.last(), Some(&Head::from(&response.head)));
            assert_eq!((response.body.as_ref(), response.rest), (&*want.body, &*want.rest));
            assert!(matches!(want.end, End::Whole | End::Upgraded), "{:?}", want.end);
        }
        Err(error) => assert_eq!(End::from(error), want.end),
    }
}

/// Compares what a reader gives. Returns whether the connection may be used again, if no byte followed the response.
fn read(
    want: &Answer,
    limits: Limits,
    exchange: Exchange,
    buffer: &mut Vec<u8>,
    pieces: &[&[u8]],
    reads: &[u8],
) -> Option<bool> {
    let script = Script::pieces(pieces.iter().copied().filter(|piece| !piece.is_empty()));
    let mut heads = Vec::new();
    let mut body = Vec::new();
    let (end, rest, again) = match open(Stream::new(&script), exchange, buffer, &mut heads) {
        Err(error) => (End::from(why(&error)), Vec::new(), None),
        Ok(mut response) => match take(&mut response, reads, &mut body) {
            Err(error) => {
                // The error stays the same.
                assert_eq!(why(&response.fill_buf().unwrap_err()), why(&error));
                assert!(!response.allows_another());
                (End::from(why(&error)), Vec::new(), None)
            }
            Ok(()) => {
                assert!(response.is_ended());
                assert_eq!(response.read(&mut [0; 8]).unwrap(), 0);
                let again = response.allows_another();
                let mut rest = Vec::new();
                response.into_pipe().read_to_end(&mut rest).unwrap();
                let upgraded = heads.last().is_some_and(|head| head.status == 101);
                (if upgraded { End::Upgraded } else { End::Whole }, rest, Some(again))
            }
        },
    };
    assert_eq!(Answer { heads, body, end, rest }, *want);
    assert!(!script.stuck.get());
    assert!(buffer.capacity() <= (32 * 1024).max(2 * limits.bytes) + limits.bytes + 16 * 1024);
    again.filter(|_| want.rest.is_empty())
}

/// Reads all heads.
fn open<'b, 's>(
    stream: Stream<&'s Script>,
    exchange: Exchange,
    buffer: &'b mut Vec<u8>,
    heads: &mut Vec<Head>,
) -> io::Result<ResponseBody<'b, Stream<&'s Script>>> {
    let mut reader = ResponseReader::new(stream, exchange, buffer);
    while let Some(interim) = reader.interim()? {
        heads.push(Head::from(&interim));
    }
    let (head, body) = reader.answer()?;
    heads.push(Head::from(&head));
    Ok(body)
}

/// Reads the body, alternately into buffers of these sizes and from the reader's own buffer.
fn take(response: &mut impl BufRead, reads: &[u8], body: &mut Vec<u8>) -> io::Result<()> {
    for size in reads.iter().chain((reads.is_empty()).then_some(&1)).cycle() {
        let size = usize::from(*size).max(1);
        let mut out = vec![0; size];
        let count = response.read(&mut out)?;
        body.extend_from_slice(&out[..count]);
        let here = response.fill_buf()?;
        let count = here.len().min(size);
        body.extend_from_slice(&here[..count]);
        if count == 0 {
            break;
        }
        response.consume(count);
    }
    Ok(())
}

fn why(error: &io::Error) -> ExchangeError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    *inner.unwrap_or_else(|| panic!("an error that no response causes: {error}"))
}
