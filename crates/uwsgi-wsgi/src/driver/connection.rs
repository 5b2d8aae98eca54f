//! One connection, from its first byte to its close. Each step does what is possible now, and never waits.

use alloc::sync::Arc;
use std::io;

use uwsgi::Time;
use uwsgi::server::{Admission, Drain, DrainStep, Ending, Receive, Refusal, Respond, TimeStep};
use uwsgi_io::{Direction, Socket, Transport};
use uwsgi_server::{Addresses, log_cut, log_refusal};

use crate::access_log::Exchange;
use crate::driver::incoming::{Arrival, Incoming};
use crate::driver::rest::{Body, Rest};
use crate::driver::shared::Shared;
use crate::fork;
use crate::lock::lock;

/// One connection. A thread that has nothing to wait for calls [`advance`](Self::advance).
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) socket: Arc<Socket>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) addresses: Addresses,
    admission: Admission,
    /// `None` while the application has it.
    incoming: Option<Box<Incoming>>,
    phase: Phase,
    /// The request whose answer leaves.
    exchange: Option<Exchange>,
}

#[derive(Debug)]
enum Phase {
    /// A request comes, or waits for the application.
    Receiving,
    /// An answer, a refusal or a pong leaves.
    Sending(Box<Respond>, Rest),
    /// What the peer still sends is dropped.
    Draining(Drain),
    Over,
}

/// What a connection needs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// An application thread, which answers the request.
    Application,
    /// A wait for the peer, until this time at most.
    Wait(Direction, Option<Time>),
    /// Nothing: drop it.
    Over,
}

impl Connection {
    /// Begins a connection that was accepted.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        socket: Socket,
        addresses: Addresses,
        admission: Admission,
        buffer: Option<Vec<u8>>,
    ) -> Self {
        shared.connection_begins();
        let incoming = Incoming::new(shared.settings, socket.now(), buffer);
        let mut connection = Self {
            socket: Arc::new(socket),
            shared: Arc::clone(shared),
            addresses,
            admission,
            incoming: Some(Box::new(incoming)),
            phase: Phase::Receiving,
            exchange: None,
        };
        if let Admission::Refuse(refusal) = admission {
            connection.refuse(refusal);
        }
        connection
    }

    /// Does what is possible now, and says what is needed next.
    pub(crate) fn advance(&mut self) -> Step {
        loop {
            let step = match &self.phase {
                Phase::Receiving => self.receive(),
                Phase::Sending(..) => self.send(),
                Phase::Draining(_) => self.drain(),
                Phase::Over => Ok(Some(Step::Over)),
            };
            match step {
                Ok(Some(step)) => return step,
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!("the connection broke: {error}");
                    self.phase = Phase::Over;
                    return Step::Over;
                }
            }
        }
    }

    /// Lends the receiving half to the application, for one request.
    pub(crate) fn take_incoming(&mut self) -> Option<Box<Incoming>> {
        self.incoming.take()
    }

    /// Takes the receiving half back, and the answer of the application. `incoming` is `None` if the application did not give
    /// it back; then the connection ends. `refusal` is written instead of the answer.
    pub(crate) fn answered(
        &mut self,
        incoming: Option<Box<Incoming>>,
        respond: Respond,
        rest: Option<Rest>,
        refusal: Option<Refusal>,
        exchange: Exchange,
    ) {
        self.incoming = incoming;
        self.exchange = Some(exchange);
        match (refusal, rest) {
            (Some(refusal), _) => {
                let rest = whole(respond.refusal_response(&refusal));
                self.phase = Phase::Sending(Box::new(respond), rest);
            }
            (None, Some(rest)) => self.phase = Phase::Sending(Box::new(respond), rest),
            (None, None) => {
                if let Err(error) = self.end(&respond) {
                    tracing::debug!("the connection could not be ended: {error}");
                    self.phase = Phase::Over;
                }
            }
        }
    }

    /// Ends the connection, because a thread of the application still writes its answer.
    pub(crate) fn abandon(&mut self) {
        self.phase = Phase::Over;
        if let Err(error) = self.reset(true) {
            tracing::debug!("the connection could not be ended: {error}");
        }
    }

    /// Returns the buffer of a connection that is over.
    pub(crate) fn take_buffer(&mut self) -> Option<Vec<u8>> {
        self.incoming.take().and_then(|incoming| incoming.into_buffer())
    }

    fn receive(&mut self) -> io::Result<Option<Step>> {
        let Some(incoming) = &mut self.incoming else { return Ok(Some(Step::Over)) };
        loop {
            incoming.note_stop(&self.shared.stop, &self.socket);
            let now = self.socket.now();
            match incoming.arrival(now) {
                Arrival::Need if incoming.read(&self.socket)? => {}
                Arrival::Need => {
                    let until = incoming.receive().deadline();
                    // A read may have come late: the deadline is checked once no byte is there.
                    if until.is_none_or(|until| now < until) {
                        return Ok(Some(Step::Wait(Direction::Read, until)));
                    }
                }
                Arrival::Request => return Ok(Some(Step::Application)),
                Arrival::Close => {
                    self.phase = Phase::Over;
                    return Ok(None);
                }
                Arrival::Ping => {
                    let respond = Respond::refusing(incoming.receive(), now);
                    self.phase = Phase::Sending(Box::new(respond), Rest::new(Receive::PONG.to_vec(), Body::None));
                    return Ok(None);
                }
                Arrival::Refused(refusal) => {
                    self.refuse(refusal);
                    return Ok(None);
                }
            }
        }
    }

    /// Refuses a request that the application has not seen.
    fn refuse(&mut self, refusal: Refusal) {
        log_refusal(&refusal, self.addresses.peer);
        let Some(incoming) = &self.incoming else { return };
        let receive = incoming.receive();
        let rest = whole(receive.refusal_response(&refusal));
        let respond = Respond::refusing(receive, self.socket.now());
        self.phase = Phase::Sending(Box::new(respond), rest);
    }

    fn send(&mut self) -> io::Result<Option<Step>> {
        let Phase::Sending(respond, rest) = &mut self.phase else { return Ok(None) };
        let mut turns = 0_u32;
        while !rest.is_empty() {
            turns = turns.saturating_add(1);
            if turns > MAX_TURNS {
                // Other connections wait too. If the peer takes nothing more, the time counts from here.
                respond.blocked(self.socket.now());
                return Ok(Some(Step::Wait(Direction::Write, respond.deadline())));
            }
            match rest.send(&self.socket) {
                Ok(Some(of_body)) => respond.wrote(of_body),
                Ok(None) => {
                    let now = self.socket.now();
                    respond.blocked(now);
                    if let Some(requested) = self.shared.stop.requested_at(&self.socket) {
                        respond.shut_down(requested);
                    }
                    if respond.time(now) == TimeStep::Abort {
                        break;
                    }
                    return Ok(Some(Step::Wait(Direction::Write, respond.deadline())));
                }
                Err(error) => {
                    if error.kind() == io::ErrorKind::UnexpectedEof {
                        tracing::error!("an answer was cut off: {error}");
                    }
                    if let (true, Some(exchange)) = (rest.is_unsent(), &mut self.exchange) {
                        exchange.has_gone = true;
                    }
                    respond.broken();
                    break;
                }
            }
        }
        let Phase::Sending(respond, rest) = core::mem::replace(&mut self.phase, Phase::Over) else { return Ok(None) };
        if let Some(bytes) = rest.into_large_bytes() {
            self.shared.sent.push(bytes);
        }
        self.end(&respond)?;
        Ok(None)
    }

    /// Decides what follows an answer.
    fn end(&mut self, respond: &Respond) -> io::Result<()> {
        self.log_exchange(respond);
        let Some(incoming) = &mut self.incoming else {
            // A thread of the application still reads the body. It holds the socket, so that only this ends the connection.
            self.phase = Phase::Over;
            return self.reset(true);
        };
        incoming.give_back_unread();
        incoming.note_stop(&self.shared.stop, &self.socket);
        match Ending::of(incoming.receive().clone(), respond, self.socket.now()) {
            Ending::Next(receive) => {
                incoming.begin_next(receive);
                self.phase = Phase::Receiving;
            }
            Ending::Abort => {
                self.phase = Phase::Over;
                return self.reset(false);
            }
            // Closes at once: no unread byte can turn the close into a reset.
            Ending::HalfClose(drain) if drain.expects_nothing() && !incoming.has_unused_bytes(&self.socket) => {
                self.phase = Phase::Over;
            }
            Ending::HalfClose(drain) => {
                self.socket.shut_down_write()?;
                self.phase = Phase::Draining(drain);
            }
        }
        Ok(())
    }

    /// Ends the connection so that the peer sees that the answer is not whole. A Unix socket has no reset: there the close alone
    /// ends the answer. `is_shared` says that a thread of the application holds the socket too.
    fn reset(&self, is_shared: bool) -> io::Result<()> {
        self.socket.abort()?;
        if is_shared || fork::has_child() {
            // The close of this side alone would end nothing.
            if self.addresses.peer.is_some() {
                rustix::net::connect_unspec(&*self.socket)?;
            } else {
                rustix::net::shutdown(&*self.socket, rustix::net::Shutdown::Both)?;
            }
        }
        Ok(())
    }

    /// Reads and drops what the peer still sends. If the server closed the connection with unread bytes, the kernel would reset
    /// it, and the front end would lose the answer.
    fn drain(&mut self) -> io::Result<Option<Step>> {
        let (Phase::Draining(drain), Some(incoming)) = (&mut self.phase, &mut self.incoming) else {
            return Ok(Some(Step::Over));
        };
        let (mut dropped, mut turns) = (0, 0_u32);
        while let DrainStep::Need(most) = drain.step(dropped, incoming.is_at_end(), self.socket.now()) {
            turns = turns.saturating_add(1);
            match incoming.drop_bytes(&self.socket, most)? {
                Some(count) if turns < MAX_TURNS => dropped = count,
                Some(count) => {
                    let _ = drain.step(count, incoming.is_at_end(), self.socket.now());
                    return Ok(Some(Step::Wait(Direction::Read, Some(drain.deadline()))));
                }
                None => return Ok(Some(Step::Wait(Direction::Read, Some(drain.deadline())))),
            }
        }
        self.phase = Phase::Over;
        Ok(Some(Step::Over))
    }

    /// Writes the request to the access log, and the cut of its answer to the error log.
    fn log_exchange(&mut self, respond: &Respond) {
        let Some(exchange) = self.exchange.take() else { return };
        if let Some(cut) = respond.cut() {
            log_cut(&cut, self.addresses.peer);
        }
        let Some(access_log) = &self.shared.access_log else { return };
        let request = self.incoming.as_ref().and_then(|incoming| incoming.request());
        if let Some(request) = request {
            access_log.log(&request, self.addresses, &exchange, respond.sent());
        }
    }
}

/// How often a connection sends or reads before others have their turn.
const MAX_TURNS: u32 = 32;

impl Drop for Connection {
    fn drop(&mut self) {
        if fork::has_child() {
            // A child may hold the socket too, so that the close alone would not end the connection for the peer.
            let _ = rustix::net::shutdown(&*self.socket, rustix::net::Shutdown::Both);
        }
        lock(&self.shared.limit).release(self.admission);
        self.shared.connection_ends();
    }
}

/// Splits a whole response into its head and its body, whose bytes are counted.
fn whole(response: &'static [u8]) -> Rest {
    let end = response.windows(4).position(|end| end == b"\r\n\r\n").map_or(response.len(), |at| at.saturating_add(4));
    let (head, body) = response.split_at_checked(end).unwrap_or((response, &[]));
    let body = if body.is_empty() { Body::None } else { Body::Bytes(Box::new(body), 0) };
    Rest::new(head.to_vec(), body)
}
