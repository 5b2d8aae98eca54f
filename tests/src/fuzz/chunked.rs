//! Chunked bodies.

use uwsgi::chunked::{ChunkStep, Chunked};

use crate::drive::pieces;
use crate::naive_http::{self, ChunkedEnd};

/// The first byte counts the piece sizes that follow it, one byte each. The other bytes are a chunked body and what
/// follows it.
///
/// Oracle: a naive reading of the whole. In pieces of those sizes, byte by byte and all at once, the same data comes
/// out and the body ends at the same byte. A malformed body is refused for the same reason, also by every later call.
pub fn chunked(input: &[u8]) {
    let Some((count, rest)) = input.split_first() else { return };
    let (sizes, bytes) = rest.split_at((usize::from(*count) % 16).min(rest.len()));
    let want = naive_http::chunked(bytes);
    assert_eq!(in_pieces([bytes]), want);
    assert_eq!(in_pieces(pieces(bytes, sizes)), want);
    assert_eq!(in_pieces(pieces(bytes, &[])), want);
}

/// Returns the data of a chunked body that arrives in pieces, and how the body ended.
pub fn in_pieces<'s>(pieces: impl IntoIterator<Item = &'s [u8]>) -> (Vec<u8>, ChunkedEnd) {
    let (mut chunked, mut data, mut used) = (Chunked::default(), Vec::new(), 0);
    let mut waited = Vec::new();
    for piece in pieces {
        let mut rest = piece;
        loop {
            assert!(!chunked.is_ended());
            match chunked.step(rest) {
                Ok(ChunkStep::Data { skip, take }) => {
                    assert!(skip + take > 0, "no progress");
                    data.extend(&rest[skip..skip + take]);
                    rest = &rest[skip + take..];
                    used += skip + take;
                }
                Ok(ChunkStep::End { skip }) => {
                    used += skip;
                    assert!(skip > 0 && chunked.is_ended());
                    assert_eq!(chunked.step(&rest[skip..]), Ok(ChunkStep::End { skip: 0 }));
                    // All bytes that the machine waited for belonged to the body.
                    waited.iter().for_each(|(at, more)| assert!(at + more <= used));
                    return (data, ChunkedEnd::At(used));
                }
                Ok(ChunkStep::Need(more)) => {
                    assert!(rest.is_empty() && more > 0);
                    waited.push((used, more));
                    break;
                }
                Err(error) => {
                    // The machine does not look at bytes after an error.
                    for more in [&b""[..], rest, b"0\r\n\r\n", b"5\r\nhello\r\n"] {
                        assert_eq!(chunked.step(more), Err(error), "{}", more.escape_ascii());
                    }
                    assert!(!chunked.is_ended());
                    return (data, ChunkedEnd::Refused(error));
                }
            }
        }
    }
    (data, ChunkedEnd::Cut)
}
