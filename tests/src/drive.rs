//! Loops that drive the machines over bytes that arrive in pieces, as the owner of a socket does. The loops also check
//! each step: each call makes progress or waits, no call waits for more bytes than are missing, a failure stays the same
//! failure, and a deadline takes effect at its time and not before.

use uwsgi::Time;
use uwsgi::client::{self, AnswerStep, Exchange, ExchangeError};
use uwsgi::response::ResponseEncoder;
use uwsgi::server::{AnswerError, BodyStep, Ending, Failure, HeadStep, Receive, Refusal, Respond, Settings};
use uwsgi::{Header, Request};

use crate::naive::Pair;
use crate::naive_http::{Answer, End, Head};

/// Cuts the bytes into pieces of these sizes, over and over. A size of 0 counts as 1, and without sizes each piece is
/// one byte.
pub fn pieces<'s>(mut stream: &'s [u8], sizes: &'s [u8]) -> impl Iterator<Item = &'s [u8]> {
    let mut sizes = sizes.iter().chain(sizes.is_empty().then_some(&1)).cycle();
    std::iter::from_fn(move || {
        let size = sizes.next().map_or(1, |size| usize::from(*size).max(1)).min(stream.len());
        let (piece, rest) = stream.split_at(size);
        stream = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The bytes of a connection that are not used yet: those that were read, and the pieces that are still to come.
struct Input<I> {
    pieces: I,
    got: Vec<u8>,
    /// The number of bytes that were used.
    used: usize,
    eof: bool,
    /// Each wait: how many bytes had arrived, and how many more the machine asked for.
    waited: Vec<(usize, usize)>,
}

impl<'s, I: Iterator<Item = &'s [u8]>> Input<I> {
    fn new(pieces: impl IntoIterator<IntoIter = I>) -> Self {
        Self { pieces: pieces.into_iter(), got: Vec::new(), used: 0, eof: false, waited: Vec::new() }
    }

    /// Reads once, because the machine waits for `need` more bytes.
    fn read(&mut self, need: usize) {
        assert!(need > 0, "a wait for nothing");
        assert!(!self.eof, "a wait for more bytes at the end of the stream");
        self.waited.push((self.used + self.got.len(), need));
        match self.pieces.next() {
            Some(piece) => self.got.extend_from_slice(piece),
            None => self.eof = true,
        }
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        self.used += len;
        self.got.drain(..len).collect()
    }

    /// Checks, at the end of a unit such as a head, that the machine never waited for a byte after the unit.
    fn end_unit(&mut self) {
        for (at, need) in self.waited.drain(..) {
            assert!(at + need <= self.used, "{need} bytes waited for after {at}, of {}", self.used);
        }
    }

    /// Returns all bytes that were not used, read or not.
    fn rest(mut self) -> Vec<u8> {
        self.got.extend(self.pieces.flatten());
        self.got
    }
}

/// Reads a response that arrives in these pieces, with the end of the stream after them. Each head is found first and
/// then decoded.
pub fn answer<'s>(exchange: &mut Exchange, pieces: impl IntoIterator<Item = &'s [u8]>) -> Answer {
    drive(exchange, pieces, |exchange, got, eof| match exchange.head(got, eof) {
        client::HeadStep::Need(more) => HeadResult::Need(more),
        client::HeadStep::Fail(error) => HeadResult::Fail(error),
        client::HeadStep::Head { end } => match exchange.response(&got[..end]) {
            Ok(response) => HeadResult::Head(Head::from(&response), end),
            Err(error) => HeadResult::Fail(error),
        },
    })
}

/// Does what [`answer`] does, but finds and decodes each head in one call.
pub fn answer_at_once<'s>(exchange: &mut Exchange, pieces: impl IntoIterator<Item = &'s [u8]>) -> Answer {
    drive(exchange, pieces, |exchange, got, eof| match exchange.answer(got, eof) {
        AnswerStep::Need(more) => HeadResult::Need(more),
        AnswerStep::Fail(error) => HeadResult::Fail(error),
        AnswerStep::Head { response, end } => HeadResult::Head(Head::from(&response), end),
    })
}

enum HeadResult {
    Need(usize),
    Fail(ExchangeError),
    Head(Head, usize),
}

fn drive<'s>(
    exchange: &mut Exchange,
    pieces: impl IntoIterator<Item = &'s [u8]>,
    look: impl Fn(&mut Exchange, &[u8], bool) -> HeadResult,
) -> Answer {
    let mut input = Input::new(pieces);
    let mut heads: Vec<Head> = Vec::new();
    let failed = |heads, body, error| Answer { heads, body, end: End::from(error), rest: Vec::new() };
    loop {
        match look(exchange, &input.got, input.eof) {
            HeadResult::Need(more) => input.read(more),
            HeadResult::Head(head, end) => {
                input.take(end);
                input.end_unit();
                heads.push(head);
                if !heads[heads.len() - 1].is_interim() {
                    break;
                }
            }
            HeadResult::Fail(error) => {
                assert_eq!(exchange.head(&input.got, input.eof), client::HeadStep::Fail(error));
                assert_eq!(exchange.answer(&input.got, input.eof), AnswerStep::Fail(error));
                assert_eq!(exchange.body(&input.got, input.eof), client::BodyStep::Fail(error));
                return failed(heads, Vec::new(), error);
            }
        }
    }
    let mut body = Vec::new();
    let end = loop {
        match exchange.body(&input.got, input.eof) {
            client::BodyStep::Need(more) => input.read(more),
            client::BodyStep::Body { skip, take } => {
                assert!(skip + take > 0, "no progress");
                input.take(skip);
                body.extend(input.take(take));
            }
            client::BodyStep::End { skip } => {
                input.take(skip);
                assert_eq!(exchange.body(&input.got, input.eof), client::BodyStep::End { skip: 0 });
                // Where the machine waits for the end of the stream, the end counts as one byte.
                if !input.eof {
                    input.end_unit();
                }
                break End::Whole;
            }
            client::BodyStep::Upgraded => break End::Upgraded,
            client::BodyStep::Send => panic!("a request without a body is sent at once"),
            client::BodyStep::Fail(error) => {
                assert_eq!(exchange.body(&input.got, input.eof), client::BodyStep::Fail(error));
                return failed(heads, body, error);
            }
        }
    };
    Answer { heads, body, end, rest: input.rest() }
}

/// The response that an application gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub status: u16,
    pub reason: String,
    pub headers: Vec<(String, String)>,
    /// Whether the head has a Content-Length.
    pub length: bool,
    /// The body, in the pieces in which the application gives it.
    pub chunks: Vec<Vec<u8>>,
}

impl Plan {
    /// Returns a response that sends a request's body back.
    pub fn echo(body: &[u8], length: bool) -> Self {
        Self { status: 200, reason: "OK".into(), headers: Vec::new(), length, chunks: vec![body.to_vec()] }
    }
}

/// What a server did with a connection, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Request {
        vars: Vec<Pair>,
        body: Result<Vec<u8>, Refusal>,
    },
    Refused(Refusal),
    Pong,
    /// The server closed without a response.
    Closed,
    /// The server half-closed after a response, a refusal or a pong.
    HalfClosed,
}

/// A connection that was served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    pub events: Vec<Event>,
    /// The bytes that the server wrote.
    pub written: Vec<u8>,
    /// The number of bytes of packets and bodies that the server used.
    pub used: usize,
}

/// Serves a connection on which these pieces arrive, with the end of the stream after them.
pub fn serve<'s>(
    settings: Settings,
    pieces: impl IntoIterator<Item = &'s [u8]>,
    mut application: impl FnMut(&[Pair], &[u8]) -> Plan,
) -> Served {
    let now = Time::from_millis(1000);
    let mut receive = Receive::new(settings, now);
    let mut input = Input::new(pieces);
    let (mut events, mut written) = (Vec::new(), Vec::new());
    loop {
        let request = loop {
            let step = receive.head(&input.got, input.eof, now);
            match step {
                HeadStep::Need(more) => {
                    assert_eq!(more, missing_of_packet(&input.got));
                    check_deadline(&receive, |receive, now| receive.head(&input.got, false, now) == step);
                    input.read(more);
                }
                HeadStep::Head { end } => break Some(input.take(end)),
                HeadStep::Close => {
                    events.push(Event::Closed);
                    break None;
                }
                HeadStep::Pong { end } => {
                    input.take(end);
                    written.extend(Receive::PONG);
                    events.extend([Event::Pong, Event::HalfClosed]);
                    break None;
                }
                HeadStep::Message { .. } => panic!("a message was accepted"),
                HeadStep::Skip { count } => {
                    assert!(count > 0, "no progress");
                    input.take(count);
                }
                HeadStep::Refuse(refusal) => {
                    assert_eq!(receive.head(&input.got, input.eof, now), step);
                    written.extend(refusal.response_with(false, settings.keepalive.is_some()));
                    events.extend([Event::Refused(refusal), Event::HalfClosed]);
                    break None;
                }
            }
        };
        let Some(head) = request else { break };
        input.end_unit();
        let request = match receive.request(&head) {
            Ok(request) => request,
            Err(refusal) => {
                assert_eq!(receive.head(&input.got, input.eof, now), HeadStep::Refuse(refusal));
                written.extend(refusal.response_with(false, settings.keepalive.is_some()));
                events.extend([Event::Refused(refusal), Event::HalfClosed]);
                break;
            }
        };
        let vars = pairs(&request);
        let body = read_body(&mut receive, &mut input, now);
        let mut respond = Respond::queued(&receive, now);
        respond.started();
        let plan = body.as_ref().ok().map(|body| application(&vars, body));
        match plan {
            Some(plan) => written.extend(respond_with(&mut respond, &plan)),
            None => match respond.failed(body.as_ref().err().copied()) {
                Failure::Refuse(refusal) => written.extend(respond.refusal_response(&refusal)),
                Failure::Abort => panic!("no byte of the response had left"),
            },
        }
        events.push(Event::Request { vars, body });
        match Ending::of(receive, &respond, now) {
            Ending::Next(next) => receive = next,
            Ending::HalfClose(_) => {
                events.push(Event::HalfClosed);
                break;
            }
            other => panic!("{other:?} after a whole response"),
        }
    }
    Served { events, written, used: input.used }
}

fn read_body<'s, I: Iterator<Item = &'s [u8]>>(
    receive: &mut Receive,
    input: &mut Input<I>,
    now: Time,
) -> Result<Vec<u8>, Refusal> {
    let mut body = Vec::new();
    loop {
        let step = receive.body(&input.got, input.eof, now);
        match step {
            BodyStep::Need(more) => {
                assert!(input.got.is_empty(), "the machine waits although bytes are there");
                check_deadline(receive, |receive, now| receive.body(b"", false, now) == step);
                input.read(more);
            }
            BodyStep::Body { skip, take } => {
                assert!(skip + take > 0, "no progress");
                input.take(skip);
                body.extend(input.take(take));
            }
            BodyStep::End { skip } => {
                input.take(skip);
                input.end_unit();
                assert_eq!(receive.body(&input.got, input.eof, now), BodyStep::End { skip: 0 });
                return Ok(body);
            }
            BodyStep::Fail(refusal) => {
                assert_eq!(receive.body(&input.got, input.eof, now), step);
                input.waited.clear();
                return Err(refusal);
            }
        }
    }
}

/// Checks that the machine still waits one millisecond before its deadline, and no longer waits at the deadline.
fn check_deadline(receive: &Receive, waits: impl Fn(&mut Receive, Time) -> bool) {
    let deadline = receive.deadline().expect("the machine waits without a deadline");
    assert!(waits(&mut receive.clone(), Time::from_millis(deadline.as_millis() - 1)));
    assert!(!waits(&mut receive.clone(), deadline));
}

/// Returns how many bytes complete a packet's header or, after a whole header, its payload.
fn missing_of_packet(got: &[u8]) -> usize {
    match got {
        [_, low, high, _, block @ ..] => usize::from(u16::from_le_bytes([*low, *high])) - block.len(),
        _ => Header::LEN - got.len(),
    }
}

/// Returns the vars of a request, in order.
pub fn pairs(request: &Request<'_>) -> Vec<Pair> {
    request.vars().iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

/// Gives the head of a response and returns whether the machine took it. A 101 switches to the protocol `x`.
pub fn give_head(respond: &mut Respond, status: u16, length: Option<u64>) -> bool {
    let mut buffer = [0; 96];
    let mut head = ResponseEncoder::new(&mut buffer[..], status, "As Asked").unwrap();
    if status == 101 {
        head.push("Connection", "upgrade").unwrap();
        head.push("Upgrade", "x").unwrap();
    }
    if let Some(length) = length {
        head.push_length(length).unwrap();
    }
    respond.head(&head.finish().unwrap())
}

/// Gives a whole response. Returns the bytes of it that leave.
fn respond_with(respond: &mut Respond, plan: &Plan) -> Vec<u8> {
    let length = plan.chunks.iter().map(Vec::len).sum::<usize>() as u64;
    let mut buffer = Vec::new();
    let mut head = ResponseEncoder::new(&mut buffer, plan.status, &plan.reason).unwrap();
    for (name, value) in &plan.headers {
        head.push(name, value).unwrap();
    }
    if plan.length {
        head.push_length(length).unwrap();
    }
    let head = head.finish().unwrap();
    assert!(respond.head(&head));
    let lines = &head.as_bytes()[..head.as_bytes().len() - 2];
    let mut head_len = 0;
    let mut out = Vec::new();
    for chunk in &plan.chunks {
        let leaves = respond.body(chunk.len()).unwrap();
        if leaves.head {
            assert!(out.is_empty());
            out.extend([lines, respond.head_end()].concat());
            head_len = out.len();
        }
        out.extend(&chunk[..leaves.take]);
    }
    // One byte beyond the length does not leave.
    if plan.length && !plan.chunks.is_empty() && !out.is_empty() && out.len() > head_len {
        match respond.body(1) {
            Err(AnswerError::TooLong { leaves }) => assert_eq!((leaves.head, leaves.take), (false, 0)),
            other => panic!("{other:?} beyond the length"),
        }
    }
    if respond.finished().unwrap().head {
        assert!(out.is_empty());
        out.extend([lines, respond.head_end()].concat());
    }
    out
}
