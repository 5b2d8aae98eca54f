//! Calls of the client's machine.

use uwsgi::client::{AnswerStep, BodyStep, Exchange, ExchangeError, HeadStep};

use super::Arrived;
use crate::naive_http::{self, Answer, End, Head, Limits};

pub(super) fn check(chosen: u8, calls: &[[u8; 2]], stream: &[u8]) {
    let to_head = chosen & 1 != 0;
    let exchange = Exchange::new(to_head).with_outgoing(OUTGOING);
    let want = naive_http::answer(stream, to_head, Limits::DEFAULT);
    let offered = if chosen & 2 != 0 { "x, websocket" } else { "" };
    let (exchange, want) = (exchange.with_upgrade(offered.as_bytes()), naive_http::asked(want, offered));
    let mut model = Model {
        exchange,
        arrived: Arrived::new(stream),
        want,
        heads: 0,
        given: Vec::new(),
        sent: 0,
        phase: Phase::Head,
    };
    for [call, count] in calls {
        model.call(*call, *count);
    }
}

/// The length of the request's body.
const OUTGOING: u64 = 300;

struct Model<'s> {
    exchange: Exchange,
    arrived: Arrived<'s>,
    /// The naive reading of the whole response.
    want: Answer,
    heads: usize,
    given: Vec<u8>,
    sent: u64,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Head,
    Announced(usize),
    Body,
    Ended,
    Upgraded,
    Failed(ExchangeError),
}

impl Model<'_> {
    fn call(&mut self, call: u8, count: u8) {
        match call % 8 {
            0 | 1 => self.head(count),
            2 => self.response(count),
            3 => self.answer(count),
            4 | 5 => self.body(count, usize::MAX),
            6 => self.body(count & 15, usize::from(count >> 4)),
            _ => self.send(usize::from(count)),
        }
        assert!(!self.exchange.allows_another(b"") || self.phase == Phase::Ended);
        if let Phase::Failed(error) = self.phase {
            let mut exchange = self.exchange.clone();
            assert_eq!(exchange.head(b"HTTP/1.1 200 OK\r\n\r\n", false), HeadStep::Fail(error));
            assert_eq!(exchange.answer(b"HTTP/1.1 200 OK\r\n\r\n", false), AnswerStep::Fail(error));
            assert_eq!(exchange.body(b"x", false), BodyStep::Fail(error));
            assert_eq!(exchange.response(b"HTTP/1.1 200 OK\r\n\r\n").map(drop), Err(error));
        }
    }

    /// Checks the error of a call that does not belong to the phase.
    fn failed(&mut self, error: ExchangeError) {
        match self.phase {
            Phase::Failed(before) => assert_eq!(error, before, "the failure changed"),
            _ => assert_eq!(error, ExchangeError::OutOfOrder),
        }
        self.phase = Phase::Failed(error);
    }

    /// Checks the error of a call that belongs to the phase.
    fn fails(&mut self, error: ExchangeError) {
        assert_ne!(error, ExchangeError::OutOfOrder);
        self.phase = Phase::Failed(error);
    }

    fn head(&mut self, count: u8) {
        let (got, eof) = self.arrived.more(count);
        match (self.phase, self.exchange.head(got, eof)) {
            (Phase::Head, HeadStep::Need(more)) => assert!(more > 0 && !eof),
            (Phase::Head, HeadStep::Head { end }) => {
                assert_eq!(naive_http::head_end(got), Some(end));
                self.phase = Phase::Announced(end);
            }
            (Phase::Head, HeadStep::Fail(error)) => self.fails(error),
            (_, HeadStep::Fail(error)) => self.failed(error),
            (phase, step) => panic!("{step:?} in {phase:?}"),
        }
    }

    fn response(&mut self, count: u8) {
        let head = match self.phase {
            Phase::Announced(end) if count & 1 == 0 => self.arrived.next(end),
            _ => self.arrived.next(usize::from(count)),
        };
        let response = self.exchange.response(head).map(|response| Head::from(&response));
        match (self.phase, response) {
            (Phase::Announced(end), response) if end == head.len() => match response {
                Ok(head) => self.follow(&head, end),
                Err(error) => self.fails(error),
            },
            (_, Err(error)) => self.failed(error),
            (phase, Ok(_)) => panic!("a head in {phase:?}"),
        }
    }

    fn answer(&mut self, count: u8) {
        let (got, eof) = self.arrived.more(count);
        let step = match self.exchange.answer(got, eof) {
            AnswerStep::Need(more) => return assert!(more > 0 && !eof && self.phase == Phase::Head),
            AnswerStep::Head { response, end } => Ok((Head::from(&response), end)),
            AnswerStep::Fail(error) => Err(error),
        };
        match (self.phase, step) {
            (Phase::Head, Ok((head, end))) => self.follow(&head, end),
            (Phase::Head, Err(error)) => self.fails(error),
            (_, Err(error)) => self.failed(error),
            (phase, Ok(_)) => panic!("a head in {phase:?}"),
        }
    }

    fn follow(&mut self, head: &Head, end: usize) {
        assert_eq!(self.want.heads.get(self.heads), Some(head));
        self.heads += 1;
        self.arrived.at += end;
        self.phase = if head.is_interim() { Phase::Head } else { Phase::Body };
    }

    fn body(&mut self, count: u8, most: usize) {
        let (all, eof) = self.arrived.more(count);
        let got = &all[..most.min(all.len())];
        let step = self.exchange.body(got, eof && got.len() == all.len());
        match (self.phase, step) {
            (Phase::Body, BodyStep::Need(more)) => {
                assert!(more > 0 && got.is_empty() && self.want.end != End::Upgraded);
            }
            (Phase::Body, BodyStep::Body { skip, take }) => {
                assert!(skip + take > 0 && skip + take <= got.len());
                self.given.extend(&got[skip..skip + take]);
                self.arrived.at += skip + take;
                assert!(self.want.body.starts_with(&self.given));
            }
            (Phase::Body | Phase::Ended, BodyStep::End { skip }) => {
                assert!(skip <= got.len() && (skip == 0 || self.phase == Phase::Body));
                self.arrived.at += skip;
                assert!(self.want.end == End::Whole && self.want.body == self.given);
                self.phase = Phase::Ended;
            }
            (Phase::Body | Phase::Upgraded, BodyStep::Send | BodyStep::Upgraded) => {
                assert_eq!(self.want.end, End::Upgraded);
                // The connection becomes a pipe once the whole request is sent, and not before.
                assert_eq!(step == BodyStep::Upgraded, self.sent == OUTGOING);
                self.phase = Phase::Upgraded;
            }
            (Phase::Body, BodyStep::Fail(error)) => self.fails(error),
            (Phase::Head | Phase::Announced(_) | Phase::Failed(_), BodyStep::Fail(error)) => self.failed(error),
            (phase, step) => panic!("{step:?} in {phase:?}"),
        }
    }

    fn send(&mut self, len: usize) {
        let refused = self.exchange.is_refused();
        let sent = self.exchange.send(len) as u64;
        let fits = if refused { 0 } else { (OUTGOING - self.sent).min(len as u64) };
        assert_eq!(sent, fits);
        self.sent += sent;
        assert_eq!(self.exchange.outgoing(), OUTGOING - self.sent);
    }
}
