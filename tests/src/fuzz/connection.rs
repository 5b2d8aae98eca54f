//! A connection as a server sees it.

use core::time::Duration;

use uwsgi::framing::RequestFraming;
use uwsgi::server::{Refusal, Settings};
use uwsgi::{Limits, Modifier1, Packet, Request, check};

use crate::drive::{Event, Plan, pieces, serve};
use crate::naive::{self, Fault, Pair, Rules};
use crate::naive_cgi;
use crate::naive_http::{self, ChunkedEnd};

/// The first byte counts the piece sizes that follow it, one byte each. Its bit 16 keeps connections, bit 32 accepts
/// chunked bodies, bit 64 sets small limits, and bit 128 accepts pings (which changes nothing) and sends responses
/// without a length. The other bytes are what a front end sends until it closes: packets and bodies.
///
/// Oracle: a naive model of the server that gets everything at once. In pieces of those sizes, byte by byte and all at
/// once, the same requests with the same bodies reach the application, each gets one response, and the same bytes are
/// refused for the same reason. After a body, another request may follow only if the server keeps connections and the
/// length of the body was declared. A server that keeps connections says in each response whether it keeps this one.
pub fn connection(input: &[u8]) {
    let Some((chosen, rest)) = input.split_first() else { return };
    let (sizes, stream) = rest.split_at((usize::from(*chosen) % 16).min(rest.len()));
    let rules = Choice {
        keepalive: chosen & 16 != 0,
        chunked: chosen & 32 != 0,
        small: chosen & 64 != 0,
        odd: chosen & 128 != 0,
    };
    let want = rules.model(stream);
    assert_eq!(rules.serve([stream]), want);
    assert_eq!(rules.serve(pieces(stream, sizes)), want);
    assert_eq!(rules.serve(pieces(stream, &[])), want);
}

#[derive(Debug, Clone, Copy)]
struct Choice {
    keepalive: bool,
    chunked: bool,
    small: bool,
    odd: bool,
}

/// The result of a connection: the events, the number of responses, the number of used bytes.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    events: Vec<Event>,
    answers: usize,
    used: Option<usize>,
}

impl Choice {
    fn rules(self) -> Rules {
        if self.small { Rules { datasize: 512, vars: 8, key: 32, value: 64, ..Rules::WIRE } } else { Rules::WIRE }
    }

    fn body_limit(self) -> u64 {
        if self.small { 16 } else { 1 << 30 }
    }

    fn settings(self) -> Settings {
        let mut settings = Settings::default().with_limits(self.rules().limits()).with_body_limit(self.body_limit());
        settings.chunked = self.chunked;
        if self.keepalive {
            settings = settings.with_keepalive(Duration::from_secs(5));
        }
        if self.odd { settings.with_modifier1(Modifier1::PING) } else { settings }
    }

    fn serve<'s>(self, pieces: impl IntoIterator<Item = &'s [u8]>) -> Seen {
        let pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
        let served = serve(self.settings(), pieces, |_, body| Plan::echo(body, !self.odd));
        let mut written = &served.written[..];
        let (mut answers, mut before) = (0, 0);
        // The server wrote responses, one after another, one for each request, and perhaps a pong after them.
        while !written.is_empty() {
            if written == uwsgi::server::Receive::PONG {
                break;
            }
            let to_head = served.events.get(before).is_some_and(is_to_head);
            let answer = naive_http::answer(written, to_head, naive_http::Limits::DEFAULT);
            assert_eq!(answer.end, naive_http::End::Whole);
            // A server that keeps connections says in each response whether it keeps this one. Other servers say
            // nothing.
            let (head, goes_on) = (&answer.heads[0], served.events.get(before + 1) != Some(&Event::HalfClosed));
            assert_eq!((head.keep_alive, head.close), (self.keepalive && goes_on, self.keepalive && !goes_on));
            written = &written[written.len() - answer.rest.len()..];
            answers += 1;
            before += 1;
        }
        let whole = !served.events.iter().any(|event| match event {
            Event::Request { body, .. } => body.is_err(),
            Event::Refused(_) => true,
            _ => false,
        });
        Seen {
            events: served.events.into_iter().map(same_length).collect(),
            answers,
            used: whole.then_some(served.used),
        }
    }

    fn model(self, stream: &[u8]) -> Seen {
        let (mut events, mut answers, mut at) = (Vec::new(), 0, 0);
        let mut whole = true;
        loop {
            let rest = &stream[at..];
            if rest.is_empty() {
                events.push(Event::Closed);
                break;
            }
            answers += 1;
            let (end, vars, framing) = match self.packet(rest) {
                Ok(Some(packet)) => packet,
                Ok(None) => {
                    at += 4 + naive::header(rest).unwrap().datasize;
                    answers -= 1;
                    events.extend([Event::Pong, Event::HalfClosed]);
                    break;
                }
                Err(refusal) => {
                    whole = false;
                    events.extend([Event::Refused(refusal), Event::HalfClosed]);
                    break;
                }
            };
            at += end;
            let (body, used) = self.body(&stream[at..], framing);
            at += used;
            let another = self.keepalive
                && body.is_ok()
                && naive_cgi::allows_keepalive(&super::all(&vars, b"CONTENT_LENGTH"))
                && (!self.odd || method(&vars) == Some(b"HEAD"));
            whole &= body.is_ok();
            events.push(same_length(Event::Request { vars, body }));
            if !another {
                events.push(Event::HalfClosed);
                break;
            }
        }
        Seen { events, answers, used: whole.then_some(at) }
    }

    /// Returns the length of the packet, its vars, and how the body after it is framed; `None` for a ping.
    #[allow(clippy::type_complexity, reason = "explained in the line above, and used once")]
    fn packet(self, rest: &[u8]) -> Result<Option<(usize, Vec<Pair>, RequestFraming)>, Refusal> {
        let header = naive::header(rest).map_err(|_| Refusal::EndOfStream)?;
        let accepted = header.modifier1 == 0;
        if !accepted && header.modifier1 != 100 {
            let looks = uwsgi::Header::from_bytes(*rest.first_chunk().unwrap()).foreign();
            return Err(looks.map_or(Refusal::Modifier1(Modifier1(header.modifier1)), Refusal::Foreign));
        }
        if header.datasize > usize::from(self.rules().datasize) {
            return Err(refused(rest, self.rules()));
        }
        if header.datasize == 0 && accepted {
            return Err(Refusal::Empty);
        }
        let packet = naive::packet(rest, &Rules::WIRE).map_err(|_| Refusal::EndOfStream)?;
        if !accepted {
            return Ok(None);
        }
        // A malformed packet is refused as malformed before its limits are checked.
        let vars = naive::vars(&packet.payload, &Rules::WIRE).whole();
        let bytes = &rest[..4 + header.datasize];
        let vars = vars.map_err(|fault| refused_for(bytes, Rules::WIRE, fault))?;
        let within = naive::vars(&packet.payload, &self.rules()).whole();
        within.map_err(|fault| refused_for(bytes, self.rules(), fault))?;

        let transfer_encoding = super::last(&vars, b"HTTP_TRANSFER_ENCODING");
        let framing = naive_cgi::framing(&super::all(&vars, b"CONTENT_LENGTH"), transfer_encoding, self.chunked);
        let framing = framing.map_err(Refusal::Framing)?;
        let limit = self.body_limit();
        match framing {
            RequestFraming::Length(length) if length > limit => return Err(Refusal::BodyTooLarge { length, limit }),
            _ => {}
        }
        let (packet, _) = Packet::decode(rest).unwrap();
        check(&Request::decode(&packet).unwrap())?;
        Ok(Some((bytes.len(), vars, framing)))
    }

    /// Returns a body or why it is refused, and how many bytes it takes.
    fn body(self, rest: &[u8], framing: RequestFraming) -> (Result<Vec<u8>, Refusal>, usize) {
        match framing {
            RequestFraming::Length(length) => {
                let missing = length.saturating_sub(rest.len() as u64);
                if missing > 0 {
                    return (Err(Refusal::BodyCutShort { missing }), rest.len());
                }
                let length = usize::try_from(length).unwrap();
                (Ok(rest[..length].to_vec()), length)
            }
            RequestFraming::Chunked => {
                let (body, end) = naive_http::chunked(rest);
                let limit = self.body_limit();
                if body.len() as u64 > limit {
                    return (Err(Refusal::BodyTooLarge { length: 0, limit }), rest.len());
                }
                match end {
                    ChunkedEnd::At(used) => (Ok(body), used),
                    ChunkedEnd::Cut => (Err(Refusal::BodyCutShort { missing: 0 }), rest.len()),
                    ChunkedEnd::Refused(error) => (Err(Refusal::BodyMalformed(error)), rest.len()),
                }
            }
            _ => (Ok(Vec::new()), 0),
        }
    }
}

/// Returns the crate's refusal for a fault that the naive decoder found, and checks that both are the same fault.
fn refused_for(packet: &[u8], rules: Rules, fault: Fault) -> Refusal {
    let refusal = refused(packet, rules);
    match refusal {
        Refusal::Decode(error) => assert_eq!(Fault::from(error), super::in_packet(fault)),
        other => panic!("{other:?}, not {fault:?}"),
    }
    refusal
}

fn refused(packet: &[u8], rules: Rules) -> Refusal {
    let limits: Limits = rules.limits();
    let decoded = Packet::decode_with(packet, &limits).and_then(|(packet, _)| Request::decode_with(&packet, &limits));
    Refusal::Decode(decoded.expect_err("the naive decoder refused it"))
}

/// Sets the length in the refusal of a body over its limit to a constant: how much had arrived depends on the pieces.
fn same_length(event: Event) -> Event {
    match event {
        Event::Request { vars, body: Err(Refusal::BodyTooLarge { limit, .. }) } => {
            Event::Request { vars, body: Err(Refusal::BodyTooLarge { length: 0, limit }) }
        }
        other => other,
    }
}

fn is_to_head(event: &Event) -> bool {
    matches!(event, Event::Request { vars, .. } if method(vars) == Some(b"HEAD"))
}

/// Returns the method. The last value counts, as in the request view.
fn method(vars: &[Pair]) -> Option<&[u8]> {
    super::last(vars, b"REQUEST_METHOD")
}
