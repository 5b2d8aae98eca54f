//! Heads of responses.

use uwsgi::framing::{ResponseFraming, response_framing};
use uwsgi::response::{HeadEnd, ResponseHead};

use super::print;
use crate::drive::pieces;
use crate::naive_http::{self, Fault, Head, Limits};

/// The first byte counts the piece sizes that follow it, one byte each; its bit 64 sets small limits. The other bytes
/// are a head and what follows it.
///
/// Oracle: a naive reading of the whole. `HeadEnd` finds the same end however the bytes arrive, looks at each byte
/// once, and never reports a false end. `ResponseHead` reads every line as the naive reader does, with and without
/// limits. Both report an error in the same line.
pub fn response_head(input: &[u8]) {
    let Some((chosen, rest)) = input.split_first() else { return };
    let (sizes, bytes) = rest.split_at((usize::from(*chosen) % 16).min(rest.len()));
    let end = naive_http::head_end(bytes);
    assert_eq!(HeadEnd::default().find(bytes), end);
    in_pieces(bytes, sizes, end);

    // Only exactly one head decodes, and the offset of an error lies within the bytes.
    if end != Some(bytes.len()) {
        let error = ResponseHead::decode(bytes).expect_err("decoded, but not exactly one head");
        assert!(error.offset() <= bytes.len());
        print(&error);
    }
    let Some(end) = end else { return };
    let head = &bytes[..end];
    agree(head, Limits::DEFAULT);
    if chosen & 64 != 0 {
        agree(head, Limits { bytes: usize::from(chosen & 15) * 8, lines: usize::from(chosen >> 4) % 4 });
    }
}

fn in_pieces(bytes: &[u8], sizes: &[u8], end: Option<usize>) {
    let (mut found, mut got) = (HeadEnd::default(), 0);
    for piece in pieces(bytes, sizes) {
        got += piece.len();
        let before = found.searched();
        let answer = found.find(&bytes[..got]);
        assert_eq!(answer, end.filter(|end| *end <= got));
        if answer.is_some() {
            return;
        }
        assert!(before <= found.searched() && found.searched() <= got);
        // Only a newline and the CR after it may be looked at again.
        assert!(got - found.searched() <= 2);
    }
}

fn agree(bytes: &[u8], limits: Limits) {
    let want = naive_http::head(bytes, limits);
    match (ResponseHead::decode_with(bytes, &limits.head_limits()), &want) {
        (Ok(head), Ok(want)) => {
            assert_eq!(Head::from(&head), *want);
            look_up(&head, want);
        }
        (Err(error), Err(want)) => {
            assert!(error.offset() <= bytes.len());
            assert_eq!(Fault::from(error), *want);
            print(&error);
        }
        (ours, want) => panic!("{ours:?}, not {want:?}"),
    }
}

fn look_up(head: &ResponseHead<'_>, want: &Head) {
    for name in ["Set-Cookie", "status", "a"] {
        let last = want.headers.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes()));
        assert_eq!(head.header(name), last.map(|(_, value)| value.as_slice()));
    }
    assert_eq!(head.is_interim(), want.is_interim());
    let body = match (want.status, want.chunked, want.content_length) {
        (101, ..) => ResponseFraming::Upgrade,
        (..200 | 204 | 304, ..) => ResponseFraming::None,
        (_, true, _) => ResponseFraming::Chunked,
        (.., Some(length)) => ResponseFraming::Length(length),
        _ => ResponseFraming::Close,
    };
    assert_eq!(response_framing(head, false), body);
    let of_head = if body == ResponseFraming::Upgrade { body } else { ResponseFraming::None };
    assert_eq!(response_framing(head, true), of_head);
}
