//! Reads what the server wrote, with the naive reader of responses.

use uwsgi::server::Receive;

use super::Served;
use super::actor::{Expected, Given, Seen, has_body};
use crate::naive_http::{self, End, Limits};

/// What a response said about its connection.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said {
    /// Whether it was a response with a head, and no 101.
    pub(super) is_head: bool,
    pub(super) keep_alive: bool,
    pub(super) close: bool,
    pub(super) has_length: bool,
}

impl Said {
    fn of(written: &[u8]) -> Self {
        let Some(end) = naive_http::head_end(written) else { return Self::default() };
        let Ok(head) = naive_http::head(&written[..end], Limits::DEFAULT) else { return Self::default() };
        let is_head = head.status != 101;
        Self { is_head, keep_alive: head.keep_alive, close: head.close, has_length: head.content_length.is_some() }
    }
}

/// Checks that each response is the expected one, and that only allowed bytes follow the last. Returns what each
/// response said.
pub(super) fn undisturbed(served: &Served, to_head: &[bool]) -> Vec<Said> {
    let mut rest = &served.written[..];
    let mut aborted = false;
    let mut said = Vec::new();
    for (seen, to_head) in served.seen.iter().zip(to_head) {
        let has_head = !seen.is_message && !matches!(seen.answer, Expected::Aborted(None));
        said.push(if has_head { Said::of(rest) } else { Said::default() });
        rest = match &seen.answer {
            Expected::Whole(given) => answer(rest, given, *to_head),
            Expected::Refused(status) => refusal(rest, Some(*status), *to_head),
            Expected::Aborted(given) => {
                aborted = true;
                given.as_ref().map_or(rest, |given| answer(rest, given, *to_head))
            }
        };
    }
    assert_eq!(served.aborted, aborted);
    let goes_on = said.last().is_none_or(|said| said.keep_alive);
    if goes_on && !rest.is_empty() {
        assert!(served.half_closed);
        rest = if rest == Receive::PONG { &[] } else { any_refusal(rest) };
    }
    assert!(rest.is_empty(), "{} is more than was given", rest.escape_ascii());
    assert!(!(served.half_closed && served.aborted));
    said
}

/// Checks a response; returns the bytes after it.
fn answer<'w>(written: &'w [u8], given: &Given, to_head: bool) -> &'w [u8] {
    let Some((status, length)) = given.head else { return written.strip_prefix(&given.body[..]).expect("a message") };
    let end = naive_http::head_end(written).expect("a head");
    let head = naive_http::head(&written[..end], Limits::DEFAULT).expect("a good head");
    let length = length.filter(|_| status != 101 && status != 204);
    // If an application gives no length and no body, the server adds a length of 0.
    let length = length.or(head.content_length.filter(|said| *said == 0 && given.body.is_empty()));
    assert_eq!((head.status, head.content_length, head.chunked), (status, length, false));
    assert_eq!(head.headers[0], (b"X-Line".to_vec(), b"it is there".to_vec()));
    assert!(given.body.is_empty() || has_body(status, to_head));
    written[end..].strip_prefix(&given.body[..]).expect("the body")
}

/// Checks that a page of the server comes next; returns the bytes after it.
fn refusal(written: &[u8], status: Option<u16>, to_head: bool) -> &[u8] {
    let answer = naive_http::answer(written, to_head, Limits::DEFAULT);
    assert_eq!(answer.end, End::Whole, "{}", written.escape_ascii());
    let head = answer.heads.last().unwrap();
    assert!(status.is_none_or(|status| status == head.status), "{status:?} is {}", head.status);
    assert!(matches!(head.status, 400 | 408 | 413 | 431 | 500 | 501 | 503));
    assert!(head.content_length.is_some());
    &written[written.len() - answer.rest.len()..]
}

/// Checks a page of the server for a request that only the server saw. The request may have been HEAD.
fn any_refusal(written: &[u8]) -> &[u8] {
    let ends = naive_http::head_end(written) == Some(written.len());
    refusal(written, None, ends)
}

/// Checks that each response is whole; the last may be cut short if the connection was `cut` visibly.
pub(super) fn disturbed(written: &[u8], seen: &[Seen], to_head: &[bool], cut: bool) {
    let (mut rest, last) = (written, seen.len().saturating_sub(1));
    for (place, (seen, to_head)) in seen.iter().zip(to_head).enumerate() {
        if seen.is_message {
            return;
        }
        if rest.is_empty() && cut {
            return;
        }
        let answer = naive_http::answer(rest, *to_head, Limits::DEFAULT);
        match answer.end {
            End::Whole => rest = &rest[rest.len() - answer.rest.len()..],
            End::Upgraded => return,
            end => {
                assert!(cut && place == last, "{end:?} of {}", rest.escape_ascii());
                return;
            }
        }
    }
    let is_pong = !rest.is_empty() && Receive::PONG.starts_with(rest);
    if !(rest.is_empty() || cut || is_pong) {
        assert!(any_refusal(rest).is_empty());
    }
}
