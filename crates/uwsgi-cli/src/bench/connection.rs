//! One connection, and the request that is on it.

use std::io::{self, Read, Write};

use mio::{Interest, Registry, Token};
use uwsgi::client::{AnswerStep, Exchange, Incoming};

use super::error::Error;
use super::plan::Plan;
use super::target::Socket;

/// A place for a connection. It moves bytes and has no clock.
#[derive(Debug)]
pub(super) struct Connection {
    link: Option<Link>,
    exchange: Exchange,
    /// How much of the request has left.
    sent: usize,
    /// What came and was not used yet, because more of it is needed.
    held: Vec<u8>,
    /// The status, once the final head is there.
    status: Option<u16>,
    received: u64,
    /// Whether an earlier request was answered on this connection.
    reused: bool,
    /// Whether the server takes no more of the request, which it may have answered all the same.
    broken: Option<Error>,
}

/// A socket, and what the poll was told about it.
#[derive(Debug)]
struct Link {
    socket: Socket,
    interest: Option<Interest>,
    /// Whether anything has shown that the connection is made.
    made: bool,
}

/// How far a request has come.
#[derive(Debug)]
pub(super) enum Progress {
    /// It waits for the socket.
    Pending,
    /// It is answered.
    Answered {
        status: u16,
        /// Bytes of the answer, its head and framing counted.
        received: u64,
    },
    /// The server had closed a kept connection before the request came: it belongs onto a new one.
    Stale,
    /// There is no answer.
    Failed(Error),
}

impl Connection {
    pub(super) fn new(exchange: Exchange) -> Self {
        Self { link: None, exchange, sent: 0, held: Vec::new(), status: None, received: 0, reused: false, broken: None }
    }

    /// Starts a request: on the connection that was kept, or on a new one. Never answers at once.
    pub(super) fn begin(&mut self, plan: &Plan, registry: &Registry, token: Token) -> Progress {
        self.exchange = plan.exchange.clone();
        self.sent = 0;
        self.held.clear();
        self.status = None;
        self.received = 0;
        self.broken = None;
        self.reused = self.link.is_some();
        if self.link.is_none() {
            match Link::open(plan) {
                Ok(link) => self.link = Some(link),
                Err(error) => return Progress::Failed(Error::connect(&error)),
            }
        }
        match self.send(plan).and_then(|()| self.watch(plan, registry, token)) {
            Ok(()) if self.reused && self.broken.is_some() => {
                self.close();
                Progress::Stale
            }
            Ok(()) => Progress::Pending,
            Err(error) => self.failed(error),
        }
    }

    /// Goes on after the poll has shown the socket ready. `closed` says that the peer sends no more.
    pub(super) fn advance(&mut self, plan: &Plan, buffer: &mut [u8], closed: bool) -> Progress {
        if self.sent < plan.bytes.len() && self.broken.is_none() {
            if let Err(error) = self.send(plan) {
                return self.failed(error);
            }
        }
        match self.receive(plan, buffer, closed) {
            Ok(Some((status, keep))) => {
                if !keep {
                    self.close();
                }
                Progress::Answered { status, received: self.received }
            }
            Ok(None) => Progress::Pending,
            Err(error) => self.failed(error),
        }
    }

    /// Whether there is a socket with somebody at its other end.
    pub(super) fn is_made(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.made)
    }

    /// Lets go of the socket, if there is one.
    pub(super) fn close(&mut self) {
        self.link = None;
    }

    fn failed(&mut self, error: Error) -> Progress {
        self.close();
        if self.reused && self.received == 0 { Progress::Stale } else { Progress::Failed(error) }
    }

    /// Sends as much as the socket takes.
    fn send(&mut self, plan: &Plan) -> Result<(), Error> {
        let Some(link) = &mut self.link else { return Ok(()) };
        while let Some(rest) = plan.bytes.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match link.socket.write(rest) {
                Ok(sent) => {
                    link.made = true;
                    self.sent = self.sent.saturating_add(sent);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    // NotConnected is what some systems say while the connection is being made.
                    io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected => return Ok(()),
                    _ if !link.made => return Err(Error::connect(&error)),
                    // The server may have refused the body and said so: the answer is read all the same.
                    _ => {
                        self.broken = Some(Error::io(&error));
                        return Ok(());
                    }
                },
            }
        }
        Ok(())
    }

    /// Tells the poll what to wait for. Done behind the first bytes, so that most sockets are told about once.
    fn watch(&mut self, plan: &Plan, registry: &Registry, token: Token) -> Result<(), Error> {
        let Some(link) = &mut self.link else { return Ok(()) };
        let unsent = self.sent < plan.bytes.len() && self.broken.is_none();
        let wanted = if unsent { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        let told = match link.interest {
            None => registry.register(&mut link.socket, token, wanted),
            Some(told) if told.is_writable() || !wanted.is_writable() => return Ok(()),
            Some(_) => registry.reregister(&mut link.socket, token, wanted),
        };
        link.interest = Some(wanted);
        told.map_err(|error| Error::io(&error))
    }

    /// Reads what is there: the status of a whole answer, and whether its connection may be kept.
    fn receive(&mut self, plan: &Plan, buffer: &mut [u8], closed: bool) -> Result<Option<(u16, bool)>, Error> {
        loop {
            let Some(link) = &mut self.link else { return Ok(None) };
            let got = match link.socket.read(buffer) {
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected) => {
                    return match link.socket.take_error() {
                        Ok(Some(error)) if !link.made => Err(Error::connect(&error)),
                        _ => Ok(None),
                    };
                }
                Err(error) if !link.made => return Err(Error::connect(&error)),
                Err(error) => return Err(Error::io(&error)),
            };
            link.made = true;
            self.received = self.received.saturating_add(u64::try_from(got).unwrap_or(u64::MAX));
            let answered = if self.held.is_empty() {
                let bytes = buffer.get(..got).unwrap_or_default();
                let (answered, used) = self.step(bytes, got == 0)?;
                self.held.extend(bytes.get(used..).unwrap_or_default());
                answered
            } else {
                let mut held = core::mem::take(&mut self.held);
                held.extend(buffer.get(..got).unwrap_or_default());
                let (answered, used) = self.step(&held, got == 0)?;
                held.drain(..used);
                self.held = held;
                answered
            };
            if let Some(status) = answered {
                let whole = self.sent == plan.bytes.len() && !closed;
                return Ok(Some((status, plan.keepalive && whole && self.exchange.allows_another(&self.held))));
            }
            // Less than asked for means that there is no more; what comes later is a new event.
            if got < buffer.len() && !closed {
                return Ok(None);
            }
        }
    }

    /// Takes bytes of the answer: its status if it is whole, and how many bytes were used.
    fn step(&mut self, bytes: &[u8], eof: bool) -> Result<(Option<u16>, usize), Error> {
        let mut used: usize = 0;
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            let Some(status) = self.status else {
                match self.exchange.answer(rest, eof) {
                    AnswerStep::Head { response, end } => {
                        used = used.saturating_add(end);
                        self.status = Some(response.status()).filter(|_| !response.is_interim());
                    }
                    AnswerStep::Fail(error) => return Err(self.broken.take().unwrap_or_else(|| error.into())),
                    AnswerStep::Need(_) => return Ok((None, used)),
                }
                continue;
            };
            match self.exchange.body(rest, eof) {
                Incoming::Body { skip, take } => used = used.saturating_add(skip).saturating_add(take),
                Incoming::End { skip } => return Ok((Some(status), used.saturating_add(skip))),
                Incoming::Upgraded => return Ok((Some(status), used)),
                Incoming::Fail(error) => return Err(error.into()),
                Incoming::Need(_) | Incoming::Send => return Ok((None, used)),
            }
        }
    }
}

impl Link {
    fn open(plan: &Plan) -> io::Result<Self> {
        let socket = plan.target.connect()?;
        if plan.bytes.len() > LONG {
            socket.set_nodelay()?;
        }
        Ok(Self { socket, interest: None, made: false })
    }
}

/// More bytes than the smallest segment of an Ethernet: the request may leave in several.
const LONG: usize = 1400;
