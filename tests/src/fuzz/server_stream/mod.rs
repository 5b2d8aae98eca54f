//! A whole connection of the blocking server, with an application that behaves well or badly.

mod actor;
mod written;

use core::time::Duration;

use uwsgi::framing::RequestFraming;
use uwsgi::server::Settings;
use uwsgi::{Limits, Modifier1};
use uwsgi_server::{Addresses, serve_connection};

use crate::drive::pieces;
use crate::naive::{self, Pair, Rules};
use crate::naive_cgi;
use crate::naive_http::{self, ChunkedEnd};
use crate::timeline::{Act, Behavior, Outcome, Timeline, sent};
use actor::{Actor, Seen};

/// The first byte chooses the server: its bit 1 keeps connections, bit 2 accepts chunked bodies, bit 4 sets small
/// limits, bit 8 accepts signals and remote calls; bits 16 and 32 let the application go on after failed reads and
/// writes. The second byte counts the acts of the application, two bytes each, and the piece sizes for reads and
/// writes. Three more bytes say what else happens, and when. The other bytes are what a front end sends until it
/// closes.
///
/// Oracle: all at once, in pieces and with partial writes, the same bytes leave and the connection ends the same way. A
/// naive account says what leaves: one whole response for each request, another request only where one may come, then a
/// refusal, a pong or nothing. What the application reads of a body is a prefix of what was sent, and all of it if the
/// application saw the end. The target also tries resets, stops, silence and peers that read nothing: the peer can tell
/// half a response from a whole one, and nothing waits for ever.
pub fn server_stream(input: &[u8]) {
    let Some((plan, stream)) = Plan::new(input) else { return };
    let whole = plan.undisturbed([stream], Behavior::default());
    plan.check(stream, &whole);

    let behavior = Behavior { takes: plan.takes(), early: plan.sizes.len() % 2 == 1, ..Behavior::default() };
    // Byte by byte, unless the stream is long: that would take too much time.
    let smallest: &[u8] = if stream.len() > 2048 { &[251] } else { &[] };
    let sizes = if plan.sizes.is_empty() { smallest } else { &plan.sizes[..] };
    assert_eq!(plan.undisturbed(pieces(stream, sizes), behavior), whole);
    assert_eq!(plan.undisturbed(pieces(stream, smallest), Behavior::default()), whole);

    plan.disturbed(stream, sizes);
}

/// The most bytes that are read after a response.
const DRAINED: u32 = 512;

struct Plan {
    flags: u8,
    acts: Vec<[u8; 2]>,
    sizes: Vec<u8>,
    happens: [u8; 3],
}

/// The result of a connection on which nothing disturbs the response.
#[derive(Debug, PartialEq, Eq)]
struct Served {
    seen: Vec<Seen>,
    written: Vec<u8>,
    half_closed: bool,
    aborted: bool,
}

impl Plan {
    fn new(input: &[u8]) -> Option<(Self, &[u8])> {
        let ([flags, counts, happens @ ..], rest) = input.split_first_chunk::<5>()?;
        let (acts, rest) = rest.split_at_checked(2 * usize::from(counts & 15))?;
        let (sizes, stream) = rest.split_at_checked(usize::from(counts >> 4))?;
        let acts = acts.chunks_exact(2).map(|act| [act[0], act[1]]).collect();
        Some((Self { flags: *flags, acts, sizes: sizes.to_vec(), happens: *happens }, stream))
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        (settings.chunked, settings.drain_bytes) = (self.has(2), DRAINED);
        // This timeout is short, so that an event can come after it.
        settings.write_idle = Duration::from_secs(30);
        if self.has(1) {
            settings = settings.with_keepalive(Duration::from_secs(5));
        }
        if self.has(4) {
            settings = settings.with_limits(Limits::server().with_datasize(512)).with_body_limit(64);
        }
        if self.has(2) {
            // No chunked body reaches this limit. How much of a body over its limit had arrived would depend on the pieces.
            settings = settings.with_body_limit(1 << 30);
        }
        if self.has(8) {
            settings = settings.with_modifier1(Modifier1::SIGNAL).with_modifier1(Modifier1::RPC);
        }
        settings
    }

    fn takes(&self) -> Vec<u8> {
        if self.sizes.iter().any(|size| *size > 0) { self.sizes.clone() } else { Vec::new() }
    }

    fn serve(&self, connection: &Timeline, undisturbed: bool) -> (std::io::Result<()>, Vec<Seen>) {
        let actor = Actor::new(&self.acts, self.has(16), self.has(32), undisturbed);
        let served = serve_connection(connection, &actor, &self.settings(), Addresses::default());
        (served, actor.into_seen())
    }

    /// Serves a connection on which nothing disturbs the response.
    fn undisturbed<'s>(&self, pieces: impl IntoIterator<Item = &'s [u8]>, behavior: Behavior) -> Served {
        let connection = Timeline::new(sent(pieces), behavior);
        let (served, seen) = self.serve(&connection, true);
        served.expect("nothing broke");
        let Outcome { written, half_closed, aborted, drained, .. } = connection.outcome();
        assert!(drained <= DRAINED as usize);
        Served { seen, written, half_closed, aborted }
    }

    /// Serves a connection on which the peer and the server's owner do anything at any moment.
    fn disturbed(&self, stream: &[u8], sizes: &[u8]) {
        let [kind, when, pause] = self.happens.map(u64::from);
        // In milliseconds. `when` is at most 65 s, which is longer than any timeout here.
        let (when, pause) = (when * when, pause * pause / 8);
        let mut script: Vec<(u64, Act)> =
            pieces(stream, sizes).zip(0..).map(|(piece, at)| (at * pause, Act::Send(piece.to_vec()))).collect();
        let last = script.last().map_or(0, |(at, _)| *at);
        if kind & 1 != 0 {
            script.push((when, Act::Reset));
        }
        if kind & 2 != 0 {
            script.push((when / 2, Act::Stop));
        }
        if kind & 4 != 0 {
            script.push((when / 3, Act::Stall));
        }
        match kind & 8 {
            0 => script.push((last, Act::Shut)),
            // A pipe may be silent for ever, so a stop must come.
            _ => script.push((last + 1_000_000, Act::Stop)),
        }
        script.sort_by_key(|(at, _)| *at);
        let late = Duration::from_secs(if kind & 16 != 0 { when.min(50) } else { 0 });
        let connection = Timeline::new(script, Behavior { takes: self.takes(), early: kind & 32 != 0, late });
        let (served, seen) = self.serve(&connection, false);
        let outcome = connection.outcome();
        assert!(outcome.drained <= DRAINED as usize);
        // Serving fails only if the peer resets the connection or reads nothing for too long.
        assert!(served.is_ok() || outcome.was_reset || kind & 4 != 0 || !late.is_zero(), "{served:?}");
        let cut = outcome.aborted || served.is_err() || outcome.was_reset;
        let to_head: Vec<bool> = self.requests(stream, &seen).iter().map(Request::is_to_head).collect();
        written::disturbed(&outcome.written, &seen, &to_head, cut);
    }

    /// Checks by a naive account of the stream that what was seen and written is allowed.
    fn check(&self, stream: &[u8], served: &Served) {
        let requests = self.requests(stream, &served.seen);
        let to_head: Vec<bool> = requests.iter().map(Request::is_to_head).collect();
        let said = written::undisturbed(served, &to_head);
        for (place, ((request, seen), said)) in requests.iter().zip(&served.seen).zip(&said).enumerate() {
            let delimited = said.has_length || seen.is_delimited(request.is_to_head());
            let may_say = self.has(1) && said.is_head && delimited;
            let may = may_say && seen.is_whole();
            assert!(
                !said.keep_alive || (may_say && request.is_nearly_read(seen)),
                "request {place} has no other after it"
            );
            // With a longer body, it depends on how much of the body was unread when the head left.
            assert!(
                said.keep_alive || !(may && request.is_short_enough() && !seen.failed),
                "request {place} is the last"
            );
            assert_eq!(said.close, self.has(1) && said.is_head && !said.keep_alive, "request {place}");
            assert!(said.keep_alive || place + 1 == served.seen.len(), "request {} must not be there", place + 1);
        }
    }

    /// Returns the requests that the application saw, as they are in the stream. Checks that the application saw no more
    /// bytes of each body than the body has.
    fn requests<'s>(&self, stream: &'s [u8], seen: &[Seen]) -> Vec<Request<'s>> {
        let mut at = 0;
        let mut requests = Vec::new();
        for seen in seen {
            let request = Request::new(&stream[at..], self.has(2));
            request.check_given(seen);
            at += request.len;
            requests.push(request);
        }
        requests
    }
}

/// A packet in the stream.
struct Request<'s> {
    vars: Vec<Pair>,
    framing: RequestFraming,
    /// All bytes after the packet.
    after: &'s [u8],
    /// The length of the packet and its declared body.
    len: usize,
}

impl<'s> Request<'s> {
    fn new(stream: &'s [u8], chunked: bool) -> Self {
        let packet = naive::packet(stream, &Rules::WIRE).expect("a packet was seen");
        let vars = naive::vars(&packet.payload, &Rules::WIRE).elements;
        let lengths = super::all(&vars, b"CONTENT_LENGTH");
        let framing = naive_cgi::framing(&lengths, super::last(&vars, b"HTTP_TRANSFER_ENCODING"), chunked);
        let packet = 4 + packet.header.datasize;
        let framing = framing.unwrap_or(RequestFraming::None);
        let body = if let RequestFraming::Length(length) = framing { usize::try_from(length).unwrap() } else { 0 };
        Self { vars, framing, after: &stream[packet..], len: (packet + body).min(stream.len()) }
    }

    fn is_to_head(&self) -> bool {
        super::last(&self.vars, b"REQUEST_METHOD") == Some(b"HEAD")
    }

    /// Returns the body's length, if it was declared once, or several times with the same bytes.
    fn length(&self) -> Option<u64> {
        match self.framing {
            RequestFraming::Length(length)
                if naive_cgi::allows_keepalive(&super::all(&self.vars, b"CONTENT_LENGTH")) =>
            {
                Some(length)
            }
            _ => None,
        }
    }

    /// Returns whether at most 64 KiB of the body were not read.
    fn is_nearly_read(&self, seen: &Seen) -> bool {
        self.length().is_some_and(|length| length - seen.body.len() as u64 <= 65_536)
    }

    /// Returns whether the whole body is at most 64 KiB, so that the application need not read it.
    fn is_short_enough(&self) -> bool {
        self.length().is_some_and(|length| length <= 65_536)
    }

    fn check_given(&self, seen: &Seen) {
        let sent = match self.framing {
            _ if seen.is_message || seen.is_pipe => {
                let all = self.framing == RequestFraming::Chunked || seen.body == self.after;
                assert!(!seen.ended || all, "an end before the end of the stream");
                self.after.to_vec()
            }
            RequestFraming::Length(length) => {
                let most = usize::try_from(length).unwrap().min(self.after.len());
                assert!(!seen.ended || seen.body.len() as u64 == length, "an end before the end of the body");
                self.after[..most].to_vec()
            }
            RequestFraming::Chunked => {
                let (body, end) = naive_http::chunked(self.after);
                assert!(
                    !seen.ended || (matches!(end, ChunkedEnd::At(_)) && seen.body == body),
                    "an end before the end of the body"
                );
                body
            }
            _ => Vec::new(),
        };
        // A pipe after chunks gives the bytes of the stream unchanged. These bytes are no part of the decoded body.
        if !(seen.is_pipe && self.framing == RequestFraming::Chunked) {
            assert!(sent.starts_with(&seen.body), "{} is not part of what was sent", seen.body.escape_ascii());
        }
    }
}
