//! One connection, and its request.

use std::io::{self, Read, Write};

use mio::{Interest, Registry, Token};
use uwsgi::client::{AnswerStep, BodyStep, Exchange};

use super::error::Error;
use super::plan::Plan;
use super::target::Socket;

/// The connection of a slot: at most one socket, and at most one request. It moves bytes and has no clock.
#[derive(Debug)]
pub(super) struct Connection {
    socket: Option<RegisteredSocket>,
    exchange: Exchange,
    /// The number of bytes of the request that were sent.
    sent: usize,
    /// Received bytes that cannot be used before more bytes come.
    unused: Vec<u8>,
    /// The status, after the final head.
    status: Option<u16>,
    received: u64,
    /// Whether an earlier request was answered over this socket.
    is_reused: bool,
    /// The error of sending. The server may have answered before this error.
    send_error: Option<Error>,
}

/// A socket, and its registration with the poll.
#[derive(Debug)]
struct RegisteredSocket {
    socket: Socket,
    interest: Option<Interest>,
    /// Whether the connection is known to be established.
    is_established: bool,
}

/// The state of a request.
#[derive(Debug)]
pub(super) enum RequestState {
    /// The request waits for the socket.
    Pending,
    /// The request is answered.
    Answered {
        status: u16,
        /// The bytes of the answer, with its heads and its framing.
        received: u64,
    },
    /// The server closed the kept connection before it received the request. The request needs a new connection.
    Stale,
    /// The request has no answer.
    Failed(Error),
}

impl Connection {
    pub(super) fn new(exchange: Exchange) -> Self {
        Self {
            socket: None,
            exchange,
            sent: 0,
            unused: Vec::new(),
            status: None,
            received: 0,
            is_reused: false,
            send_error: None,
        }
    }

    /// Starts a request on the kept connection, or on a new one. The result is never [`RequestState::Answered`].
    pub(super) fn begin(&mut self, plan: &Plan, registry: &Registry, token: Token) -> RequestState {
        self.exchange = plan.exchange.clone();
        self.sent = 0;
        self.unused.clear();
        self.status = None;
        self.received = 0;
        self.send_error = None;
        self.is_reused = self.socket.is_some();
        if self.socket.is_none() {
            match RegisteredSocket::open(plan) {
                Ok(socket) => self.socket = Some(socket),
                Err(error) => return RequestState::Failed(Error::connect(&error)),
            }
        }
        match self.send(plan).and_then(|()| self.register(plan, registry, token)) {
            Ok(()) if self.is_reused && self.send_error.is_some() => {
                self.close();
                RequestState::Stale
            }
            Ok(()) => RequestState::Pending,
            Err(error) => self.failed(error),
        }
    }

    /// Continues after the poll has reported the socket as ready. `closed` says that the peer has closed its side.
    pub(super) fn advance(&mut self, plan: &Plan, buffer: &mut [u8], closed: bool) -> RequestState {
        if self.sent < plan.bytes.len() && self.send_error.is_none() {
            if let Err(error) = self.send(plan) {
                return self.failed(error);
            }
        }
        match self.receive(plan, buffer, closed) {
            Ok(Some((status, keep))) => {
                if !keep {
                    self.close();
                }
                RequestState::Answered { status, received: self.received }
            }
            Ok(None) => RequestState::Pending,
            Err(error) => self.failed(error),
        }
    }

    /// Whether there is a socket, and its connection is established.
    pub(super) fn is_established(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| socket.is_established)
    }

    /// Closes the socket, if there is one.
    pub(super) fn close(&mut self) {
        self.socket = None;
    }

    fn failed(&mut self, error: Error) -> RequestState {
        self.close();
        if self.is_reused && self.received == 0 { RequestState::Stale } else { RequestState::Failed(error) }
    }

    /// Sends as much of the request as the socket takes.
    fn send(&mut self, plan: &Plan) -> Result<(), Error> {
        let Some(registered) = &mut self.socket else { return Ok(()) };
        while let Some(rest) = plan.bytes.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match registered.socket.write(rest) {
                Ok(sent) => {
                    registered.is_established = true;
                    self.sent = self.sent.saturating_add(sent);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    // Some systems return NotConnected while the connection is being established.
                    io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected => return Ok(()),
                    _ if !registered.is_established => return Err(Error::connect(&error)),
                    // The server may have answered and refused the body, so that there may be an answer to read.
                    _ => {
                        self.send_error = Some(Error::io(&error));
                        return Ok(());
                    }
                },
            }
        }
        Ok(())
    }

    /// Registers the socket with the poll. This follows the first send, so that most sockets are registered once.
    fn register(&mut self, plan: &Plan, registry: &Registry, token: Token) -> Result<(), Error> {
        let Some(registered) = &mut self.socket else { return Ok(()) };
        let unsent = self.sent < plan.bytes.len() && self.send_error.is_none();
        let wanted = if unsent { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        let result = match registered.interest {
            None => registry.register(&mut registered.socket, token, wanted),
            Some(registered) if registered.is_writable() || !wanted.is_writable() => return Ok(()),
            Some(_) => registry.reregister(&mut registered.socket, token, wanted),
        };
        registered.interest = Some(wanted);
        result.map_err(|error| Error::io(&error))
    }

    /// Reads the available bytes. Returns the status at the end of the answer, and whether the connection may be kept.
    fn receive(&mut self, plan: &Plan, buffer: &mut [u8], closed: bool) -> Result<Option<(u16, bool)>, Error> {
        loop {
            let Some(registered) = &mut self.socket else { return Ok(None) };
            let got = match registered.socket.read(buffer) {
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected) => {
                    return match registered.socket.take_error() {
                        Ok(Some(error)) if !registered.is_established => Err(Error::connect(&error)),
                        _ => Ok(None),
                    };
                }
                Err(error) if !registered.is_established => return Err(Error::connect(&error)),
                Err(error) => return Err(Error::io(&error)),
            };
            registered.is_established = true;
            self.received = self.received.saturating_add(u64::try_from(got).unwrap_or(u64::MAX));
            let answered = if self.unused.is_empty() {
                let bytes = buffer.get(..got).unwrap_or_default();
                let (answered, used) = self.step(bytes, got == 0)?;
                self.unused.extend(bytes.get(used..).unwrap_or_default());
                answered
            } else {
                let mut unused = core::mem::take(&mut self.unused);
                unused.extend(buffer.get(..got).unwrap_or_default());
                let (answered, used) = self.step(&unused, got == 0)?;
                unused.drain(..used);
                self.unused = unused;
                answered
            };
            if let Some(status) = answered {
                let may_keep = plan.keepalive && self.sent == plan.bytes.len() && !closed;
                return Ok(Some((status, may_keep && self.exchange.allows_another(&self.unused))));
            }
            // A read that does not fill the buffer has emptied the socket. Later bytes cause a new event.
            if got < buffer.len() && !closed {
                return Ok(None);
            }
        }
    }

    /// Processes bytes of the answer. Returns the status at the end of the answer, and the number of used bytes.
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
                    AnswerStep::Fail(error) => return Err(self.send_error.take().unwrap_or_else(|| error.into())),
                    AnswerStep::Need(_) => return Ok((None, used)),
                }
                continue;
            };
            match self.exchange.body(rest, eof) {
                BodyStep::Body { skip, take } => used = used.saturating_add(skip).saturating_add(take),
                BodyStep::End { skip } => return Ok((Some(status), used.saturating_add(skip))),
                BodyStep::Upgraded => return Ok((Some(status), used)),
                BodyStep::Fail(error) => return Err(error.into()),
                BodyStep::Need(_) | BodyStep::Send => return Ok((None, used)),
            }
        }
    }
}

impl RegisteredSocket {
    fn open(plan: &Plan) -> io::Result<Self> {
        let socket = plan.target.connect()?;
        if plan.bytes.len() > MAX_SEGMENT {
            socket.set_nodelay()?;
        }
        Ok(Self { socket, interest: None, is_established: false })
    }
}

/// The bytes that fit into one segment over Ethernet. A longer request can need several segments.
const MAX_SEGMENT: usize = 1400;
