//! Calls of the server's receiving machine.

use std::time::Duration;

use uwsgi::Modifier1;
use uwsgi::Time;
use uwsgi::framing::RequestFraming;
use uwsgi::server::{BodyStep, Ending, HeadStep, Receive, Refusal, Respond, Settings};

use super::Arrived;
use crate::drive::give_head;
use crate::fuzz::{all, last};
use crate::naive::{self, Pair, Rules};
use crate::naive_cgi;
use crate::naive_http::{self, ChunkedEnd};

pub(super) fn check(chosen: u8, calls: &[[u8; 2]], stream: &[u8]) {
    let mut settings = Settings::default().with_modifier1(Modifier1::SIGNAL).with_modifier1(Modifier1::SPOOLER);
    settings.chunked = chosen & 1 != 0;
    if chosen & 2 != 0 {
        settings = settings.with_keepalive(Duration::from_secs(5));
    }
    if chosen & 4 != 0 {
        settings.stop_grace = Duration::MAX;
    }
    let mut model = Model {
        receive: Receive::new(settings, Time::ZERO),
        arrived: Arrived::new(stream),
        now: Time::ZERO,
        phase: Phase::Silent,
        stopped: false,
    };
    for [call, count] in calls {
        model.call(*call, *count);
    }
}

struct Model<'s> {
    receive: Receive,
    arrived: Arrived<'s>,
    now: Time,
    phase: Phase<'s>,
    stopped: bool,
}

#[derive(Debug)]
enum Phase<'s> {
    /// Before a packet, or inside one.
    Silent,
    /// A request or a message of this many bytes was announced.
    Announced {
        is_request: bool,
        end: usize,
    },
    Ponged,
    Body(Body<'s>),
    /// The response is over, and this many bytes of the request's body are still to be skipped.
    Rest(usize),
    Closed,
    Failed(Refusal),
}

#[derive(Debug)]
struct Body<'s> {
    /// All bytes after the packet.
    after: &'s [u8],
    framing: Framing,
    used: usize,
    given: Vec<u8>,
    /// How many bytes were given before the connection became a pipe.
    piped: usize,
    ended: bool,
    /// Whether all declared lengths are equal.
    keepable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Declared(RequestFraming),
    Message,
    Pipe,
}

impl Model<'_> {
    fn call(&mut self, call: u8, count: u8) {
        match call % 12 {
            0 | 1 => self.head(count),
            2 => self.request(count),
            3 => self.message(count),
            4 | 5 => self.body(count, usize::MAX),
            6 => self.body(count & 15, usize::from(count >> 4)),
            7 => self.upgrade(),
            8 => self.unread(usize::from(count)),
            9 => self.now = self.now.after(Duration::from_millis(u64::from(count) * u64::from(count))),
            10 if count > 200 => {
                self.receive.shut_down(self.now);
                self.stopped = true;
            }
            10 => self.receive.pause(self.now),
            _ => self.end(),
        }
        let _deadline = self.receive.deadline();
        assert!(!self.receive.allows_another() || matches!(self.phase, Phase::Body(_)));
        if let Phase::Failed(refusal) = self.phase {
            let mut receive = self.receive.clone();
            assert_eq!(receive.head(b"\0\0\0\0", false, Time::ZERO), HeadStep::Refuse(refusal));
            assert_eq!(receive.body(b"x", false, Time::ZERO), BodyStep::Fail(refusal));
            assert_eq!(receive.request(b"").map(drop), Err(refusal));
            assert_eq!(receive.message(b"").map(drop), Err(refusal));
            receive.upgrade();
            assert_eq!(receive.body(b"", true, Time::ZERO), BodyStep::Fail(refusal));
        }
    }

    /// Checks the refusal of a call that does not belong to the phase.
    fn failed(&mut self, refusal: Refusal) {
        match self.phase {
            Phase::Failed(before) => assert_eq!(refusal, before, "the failure changed"),
            _ => assert_eq!(refusal, Refusal::OutOfOrder),
        }
        self.phase = Phase::Failed(refusal);
    }

    fn head(&mut self, count: u8) {
        let (got, eof) = self.arrived.more(count);
        let step = self.receive.head(got, eof, self.now);
        match (&self.phase, step) {
            (Phase::Closed, step) => assert_eq!(step, HeadStep::Close),
            (Phase::Silent, HeadStep::Need(more)) => assert!(more > 0 && !eof),
            (Phase::Silent, HeadStep::Close) => {
                assert!(got.is_empty());
                self.phase = Phase::Closed;
            }
            (Phase::Silent, HeadStep::Refuse(refusal)) => {
                assert_ne!(refusal, Refusal::OutOfOrder);
                self.phase = Phase::Failed(refusal);
            }
            (Phase::Silent, HeadStep::Head { end } | HeadStep::Message { end } | HeadStep::Pong { end }) => {
                let header = naive::header(got).expect("a packet has a header");
                assert_eq!(end, 4 + header.datasize);
                assert!(end <= got.len());
                self.phase = match header.modifier1 {
                    0 => Phase::Announced { is_request: true, end },
                    100 => Phase::Ponged,
                    _ => Phase::Announced { is_request: false, end },
                };
                let expected = match self.phase {
                    Phase::Announced { is_request: true, .. } => HeadStep::Head { end },
                    Phase::Ponged => HeadStep::Pong { end },
                    _ => HeadStep::Message { end },
                };
                assert_eq!(step, expected);
            }
            (Phase::Rest(left), HeadStep::Skip { count }) => {
                assert!(count > 0 && count == got.len().min(*left));
                self.phase = if count == *left { Phase::Silent } else { Phase::Rest(left - count) };
                self.arrived.at += count;
            }
            (Phase::Rest(left), HeadStep::Need(more)) => assert!(got.is_empty() && !eof && more == *left),
            (Phase::Rest(_), HeadStep::Close) => {
                assert!(got.is_empty());
                self.phase = Phase::Closed;
            }
            (_, HeadStep::Refuse(refusal)) => self.failed(refusal),
            (phase, step) => panic!("{step:?} in {phase:?}"),
        }
    }

    /// Returns the bytes of the announced packet, or other bytes.
    fn packet(&self, count: u8) -> &[u8] {
        match self.phase {
            Phase::Announced { end, .. } if count & 1 == 0 => self.arrived.next(end),
            _ => self.arrived.next(usize::from(count)),
        }
    }

    fn request(&mut self, count: u8) {
        let packet = self.packet(count).to_vec();
        let request = self.receive.request(&packet).map(|request| crate::drive::pairs(&request));
        match (&self.phase, request) {
            (Phase::Announced { is_request: true, end }, request) if *end == packet.len() => match request {
                Ok(pairs) => self.begin(&packet, Some(&pairs)),
                Err(refusal) => {
                    assert_ne!(refusal, Refusal::OutOfOrder);
                    self.phase = Phase::Failed(refusal);
                }
            },
            (_, Err(refusal)) => self.failed(refusal),
            (phase, Ok(_)) => panic!("a request in {phase:?}"),
        }
    }

    fn message(&mut self, count: u8) {
        let packet = self.packet(count).to_vec();
        let message = self.receive.message(&packet).map(drop);
        match (&self.phase, message) {
            (Phase::Announced { is_request: false, end }, message) if *end == packet.len() => {
                message.expect("its limits were checked before");
                self.begin(&packet, None);
            }
            (_, Err(refusal)) => self.failed(refusal),
            (phase, Ok(())) => panic!("a message in {phase:?}"),
        }
    }

    /// Starts the body that a naive reading says follows the packet.
    fn begin(&mut self, packet: &[u8], pairs: Option<&[Pair]>) {
        let payload = naive::packet(packet, &Rules::WIRE).unwrap().payload;
        self.arrived.at += packet.len();
        let (mut framing, mut keepable) = (Framing::Message, false);
        if let Some(pairs) = pairs {
            assert_eq!(naive::vars(&payload, &Rules::WIRE).whole().unwrap(), pairs);
            let lengths = all(pairs, b"CONTENT_LENGTH");
            keepable = naive_cgi::allows_keepalive(&lengths);
            let chunked = self.receive.settings().chunked;
            let body = naive_cgi::framing(&lengths, last(pairs, b"HTTP_TRANSFER_ENCODING"), chunked);
            framing = Framing::Declared(body.unwrap());
        }
        self.phase = Phase::Body(Body {
            after: &self.arrived.stream[self.arrived.at..],
            framing,
            used: 0,
            given: Vec::new(),
            piped: 0,
            ended: matches!(framing, Framing::Declared(RequestFraming::None | RequestFraming::Length(0))),
            keepable,
        });
    }

    fn body(&mut self, count: u8, most: usize) {
        let (all, eof) = self.arrived.more(count);
        let got = &all[..most.min(all.len())];
        let step = self.receive.body(got, eof && got.len() == all.len(), self.now);
        let Phase::Body(body) = &mut self.phase else {
            let BodyStep::Fail(refusal) = step else { panic!("{step:?} in {:?}", self.phase) };
            return self.failed(refusal);
        };
        match step {
            BodyStep::Need(more) => assert!(more > 0 && got.is_empty() && !body.ended),
            BodyStep::Fail(refusal) => {
                assert!(refusal != Refusal::OutOfOrder && !body.ended);
                self.phase = Phase::Failed(refusal);
            }
            BodyStep::Body { skip, take } => {
                assert!(skip + take > 0 && skip + take <= got.len() && !body.ended);
                body.given.extend(&got[skip..skip + take]);
                body.used += skip + take;
                self.arrived.at += skip + take;
                body.check_given();
            }
            BodyStep::End { skip } => {
                assert!(skip <= got.len());
                body.used += skip;
                self.arrived.at += skip;
                body.end();
            }
        }
    }

    fn upgrade(&mut self) {
        self.receive.upgrade();
        match &mut self.phase {
            Phase::Body(Body { framing: Framing::Message, .. }) | Phase::Failed(_) => {}
            Phase::Body(Body { framing: Framing::Pipe, .. }) => {}
            Phase::Body(body) => {
                (body.framing, body.ended, body.keepable) = (Framing::Pipe, false, false);
                body.piped = body.given.len();
            }
            _ => self.failed(Refusal::OutOfOrder),
        }
    }

    fn unread(&mut self, count: usize) {
        self.receive.unread(count);
        if let Phase::Body(body) = &mut self.phase {
            // The caller did not use some bytes of a body with a declared length. These bytes come again.
            if let Framing::Declared(RequestFraming::Length(length)) = body.framing {
                let back = count.min(body.given.len());
                body.given.truncate(body.given.len() - back);
                body.used -= back;
                self.arrived.at -= back;
                body.ended = body.used as u64 == length;
            }
        }
    }

    /// Gives a whole response with a length.
    fn end(&mut self) {
        let mut respond = Respond::queued(&self.receive, self.now);
        respond.started();
        assert!(give_head(&mut respond, 200, Some(0)) && respond.finished().is_ok());
        let settings = *self.receive.settings();
        match (Ending::of(self.receive.clone(), &respond, self.now), &self.phase) {
            (Ending::Next(next), Phase::Body(body)) => {
                assert!(settings.keepalive.is_some() && !self.stopped && body.can_go_on());
                let RequestFraming::Length(length) = body.declared() else { panic!("{body:?}") };
                let left = usize::try_from(length).unwrap() - body.used;
                (self.receive, self.phase) = (next, if left == 0 { Phase::Silent } else { Phase::Rest(left) });
            }
            (Ending::HalfClose(_), phase) => {
                let may = matches!(phase, Phase::Body(body) if body.can_go_on());
                assert!(!may || settings.keepalive.is_none() || self.stopped, "{phase:?}");
            }
            (other, phase) => panic!("{other:?} in {phase:?}"),
        }
    }
}

impl Body<'_> {
    /// Returns whether a request may follow this body: its length is declared, all lengths are equal, and at most 64 KiB of
    /// the body are unread.
    fn can_go_on(&self) -> bool {
        matches!(self.declared(), RequestFraming::Length(length) if self.keepable && length - self.used as u64 <= 65_536)
    }

    fn declared(&self) -> RequestFraming {
        match self.framing {
            Framing::Declared(body) => body,
            Framing::Message | Framing::Pipe => RequestFraming::None,
        }
    }

    /// Checks that the given bytes are those of the stream.
    fn check_given(&mut self) {
        match self.framing {
            Framing::Declared(RequestFraming::Length(length)) => {
                assert!(self.given == self.after[..self.used] && self.used as u64 <= length);
                self.ended = self.used as u64 == length;
            }
            Framing::Declared(RequestFraming::Chunked) => {
                assert!(naive_http::chunked(self.after).0.starts_with(&self.given));
            }
            Framing::Declared(_) => panic!("an undeclared body"),
            Framing::Message => assert_eq!(self.given, self.after[..self.used]),
            // After the part of a chunked body that was read before the pipe, all bytes that come are given unchanged.
            Framing::Pipe => {
                let piped = &self.given[self.piped..];
                assert!(self.after[..self.used].ends_with(piped));
            }
        }
    }

    fn end(&mut self) {
        match self.framing {
            Framing::Declared(RequestFraming::Chunked) if !self.ended => {
                let (body, end) = naive_http::chunked(self.after);
                assert!(body == self.given && end == ChunkedEnd::At(self.used));
                self.ended = true;
            }
            Framing::Declared(_) => assert!(self.ended, "an end before the end"),
            Framing::Message | Framing::Pipe => assert_eq!(self.used, self.after.len()),
        }
    }
}
