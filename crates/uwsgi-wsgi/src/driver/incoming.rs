//! The receiving half of a connection: one buffer, and the state machine that reads packets and bodies from it.

use std::io;

use uwsgi::Time;
use uwsgi::framing::RequestFraming;
use uwsgi::server::{BodyStep, HeadStep, Receive, Refusal, Settings};
use uwsgi::{Packet, Request};
use uwsgi_io::{Direction, Socket, Transport};

use crate::driver::stop::Stop;
use crate::driver::wait::Wait;

/// The receiving half of a connection. It moves between threads together with the request that it has read.
#[derive(Debug)]
pub(crate) struct Incoming {
    receive: Receive,
    buffer: Vec<u8>,
    /// Where the packet ends, once it is complete. The bytes of the body follow it.
    head: usize,
    /// Where the bytes begin that nothing has used.
    start: usize,
    /// Where the bytes end that were read.
    filled: usize,
    /// How many of the unused bytes belong to the body, as the state machine has said.
    body: usize,
    eof: bool,
    has_request: bool,
    /// Whether the body has failed. The application reads what has come, and then gets the error.
    has_failed: bool,
    failure: Option<Refusal>,
    is_broken: bool,
}

/// What a peer has sent so far.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// Nothing more comes: close the connection.
    Close,
    /// The bytes that follow are needed first. Ask again after a read, and at the deadline.
    Need,
    Ping,
    Refused(Refusal),
    /// A request, and its body if it is short.
    Request,
}

/// The longest body in bytes that is read before the application is called.
const READ_AHEAD: u64 = 64 << 10;
/// The length of a new buffer in bytes. nginx sends a packet and a short body at once.
const INITIAL_BUFFER: usize = 8 << 10;
/// The least room for a body after a packet. A read of at least this many bytes does not go through the buffer.
const BODY_ROOM: usize = 16 << 10;
/// A read of at least this many bytes runs without the lock of Python.
const LONG_READ: usize = 128 << 10;
/// The largest buffer in bytes that is kept for another connection.
const MAX_KEPT_BUFFER: usize = 96 << 10;

impl Incoming {
    /// Begins a connection, with the buffer of an earlier one if there is one.
    pub(crate) fn new(settings: Settings, now: Time, buffer: Option<Vec<u8>>) -> Self {
        Self {
            receive: Receive::new(settings, now),
            buffer: buffer.unwrap_or_else(|| vec![0; INITIAL_BUFFER]),
            head: 0,
            start: 0,
            filled: 0,
            body: 0,
            eof: false,
            has_request: false,
            has_failed: false,
            failure: None,
            is_broken: false,
        }
    }

    /// Returns the buffer for another connection, unless it is too large to be kept.
    pub(crate) fn into_buffer(self) -> Option<Vec<u8>> {
        Some(self.buffer).filter(|buffer| (INITIAL_BUFFER..=MAX_KEPT_BUFFER).contains(&buffer.len()))
    }

    pub(crate) const fn receive(&self) -> &Receive {
        &self.receive
    }

    /// Tells the state machine that a stop was requested.
    pub(crate) fn note_stop(&mut self, stop: &Stop, socket: &Socket) {
        if let Some(requested) = stop.requested_at(socket) {
            self.receive.shut_down(requested);
        }
    }

    /// Says what has come.
    pub(crate) fn arrival(&mut self, now: Time) -> Arrival {
        if !self.has_request {
            let got = self.buffer.get(..self.filled).unwrap_or_default();
            let end = match self.receive.head(got, self.eof, now) {
                HeadStep::Head { end } => end,
                HeadStep::Need(_) => return Arrival::Need,
                HeadStep::Pong { .. } => return Arrival::Ping,
                HeadStep::Refuse(refusal) => return Arrival::Refused(refusal),
                HeadStep::Skip { count } => {
                    self.move_to_start(count);
                    return self.arrival(now);
                }
                // The settings accept web requests alone, so a message never comes.
                HeadStep::Close | HeadStep::Message { .. } => return Arrival::Close,
            };
            if let Err(refusal) = self.receive.request(got.get(..end).unwrap_or_default()) {
                return Arrival::Refused(refusal);
            }
            (self.head, self.start, self.has_request) = (end, end, true);
        }
        match self.receive.framing() {
            RequestFraming::Length(left) if self.is_short(left) => self.read_ahead(now),
            _ => Arrival::Request,
        }
    }

    /// Returns the request, which is complete.
    pub(crate) fn request(&self) -> Option<Request<'_>> {
        let head = self.buffer.get(..self.head).filter(|_| self.has_request)?;
        let (packet, _) = Packet::decode(head).ok()?;
        Request::decode_with(&packet, &self.receive.settings().limits).ok()
    }

    /// Reads once. Returns false if no byte is there yet.
    pub(crate) fn read(&mut self, socket: &Socket) -> io::Result<bool> {
        if self.filled == self.buffer.len() {
            // The buffer doubles, so it grows to at most twice the bytes that the peer has sent.
            let most = if self.has_request {
                let short = usize::try_from(READ_AHEAD).unwrap_or(usize::MAX);
                self.head.saturating_add(short)
            } else {
                self.receive.settings().smallest_buffer().max(INITIAL_BUFFER)
            };
            self.grow(self.buffer.len().saturating_mul(2).min(most).max(self.filled.saturating_add(1)));
        }
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        let Some(count) = try_read(socket, room)? else { return Ok(false) };
        self.eof = count == 0;
        self.filled = self.filled.saturating_add(count);
        Ok(true)
    }

    /// Returns bytes of the body; none at the end of the body. Waits for them.
    pub(crate) fn fill_body(&mut self, socket: &Socket, stop: &Stop, wait: &impl Wait) -> io::Result<&[u8]> {
        while self.body == 0 {
            match self.body_step(socket, stop)? {
                BodyStep::Body { skip, take } => {
                    self.start = self.start.saturating_add(skip);
                    self.body = take;
                }
                BodyStep::End { .. } => return Ok(&[]),
                BodyStep::Need(_) => {
                    (self.start, self.filled) = (self.head, self.head);
                    self.grow(self.head.saturating_add(BODY_ROOM));
                    let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
                    let read = read_or_wait(&mut self.receive, socket, stop, wait, room);
                    if let Some(count) = self.note_broken(read)? {
                        self.eof = count == 0;
                        self.filled = self.filled.saturating_add(count);
                    }
                }
                BodyStep::Fail(_) => {}
            }
        }
        Ok(self.body_there())
    }

    /// Reads bytes of the body into `out`; 0 at the end of the body. Waits for them. A large read does not go through the
    /// buffer.
    pub(crate) fn read_body(
        &mut self,
        socket: &Socket,
        stop: &Stop,
        wait: &impl Wait,
        out: &mut [u8],
    ) -> io::Result<usize> {
        while self.body == 0 && out.len() >= BODY_ROOM.min(self.left()) {
            match self.body_step(socket, stop)? {
                BodyStep::Body { skip, take } => {
                    self.start = self.start.saturating_add(skip);
                    self.body = take;
                }
                BodyStep::End { .. } => return Ok(0),
                BodyStep::Need(more) => {
                    let most = more.min(out.len());
                    let room = out.get_mut(..most).unwrap_or_default();
                    let read = read_or_wait(&mut self.receive, socket, stop, wait, room);
                    match self.note_broken(read)? {
                        Some(0) => self.eof = true,
                        Some(count) => {
                            // The state machine counts the bytes that the application gets.
                            let _ = self.receive.body(out.get(..count).unwrap_or_default(), false, socket.now());
                            return Ok(count);
                        }
                        None => {}
                    }
                }
                BodyStep::Fail(_) => {}
            }
        }
        let there = self.fill_body(socket, stop, wait)?;
        let count = there.len().min(out.len());
        if let (Some(out), Some(there)) = (out.get_mut(..count), there.get(..count)) {
            out.copy_from_slice(there);
        }
        self.consume(count);
        Ok(count)
    }

    /// Returns the bytes of the body that are in the buffer.
    pub(crate) fn body_there(&self) -> &[u8] {
        self.buffer.get(self.start..self.start.saturating_add(self.body)).unwrap_or_default()
    }

    /// Marks bytes of the body as read by the application.
    pub(crate) fn consume(&mut self, count: usize) {
        let count = count.min(self.body);
        self.body = self.body.saturating_sub(count);
        self.start = self.start.saturating_add(count);
    }

    /// Returns how many bytes must be read before the next request of the connection; `None` if no request may follow.
    pub(crate) fn unread(&self) -> Option<u64> {
        let left = self.receive.unread_body()?;
        Some(left.saturating_add(u64::try_from(self.body).unwrap_or(u64::MAX)))
    }

    /// Returns how many bytes the application can still read. A body that has failed has no end, so that a read gets the error.
    pub(crate) fn left(&self) -> usize {
        if self.has_failed {
            return usize::MAX;
        }
        let left = match self.receive.framing() {
            RequestFraming::Length(left) => usize::try_from(left).unwrap_or(usize::MAX),
            _ => 0,
        };
        left.saturating_add(self.body)
    }

    /// Returns why the last read of the body failed, if the peer or a stop is the reason.
    pub(crate) const fn failure(&self) -> Option<Refusal> {
        self.failure
    }

    /// Returns whether the connection broke while the body was read.
    pub(crate) const fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Gives back the bytes of the body that the application has not read, before the decision about the connection.
    pub(crate) fn give_back_unread(&mut self) {
        self.receive.unread(core::mem::take(&mut self.body));
    }

    /// Begins the next request of the connection. `receive` is the state after the request before.
    pub(crate) fn begin_next(&mut self, receive: Receive) {
        (self.receive, self.has_request, self.body, self.head) = (receive, false, 0, 0);
        (self.has_failed, self.failure) = (false, None);
        self.move_to_start(self.start);
    }

    /// Returns whether the peer has sent bytes that nothing has used.
    pub(crate) fn has_unused_bytes(&self, socket: &Socket) -> bool {
        self.start < self.filled || socket.may_have_more()
    }

    /// Reads and drops at most `most` bytes. Returns how many; `None` if no byte is there yet.
    pub(crate) fn drop_bytes(&mut self, socket: &Socket, most: usize) -> io::Result<Option<usize>> {
        let most = most.min(self.buffer.len());
        let count = try_read(socket, self.buffer.get_mut(..most).unwrap_or_default())?;
        self.eof = count == Some(0);
        Ok(count)
    }

    /// Whether the stream has ended.
    pub(crate) const fn is_at_end(&self) -> bool {
        self.eof
    }

    /// Whether the rest of a body is short enough to be read before the application is called.
    fn is_short(&self, left: u64) -> bool {
        left.saturating_add(u64::try_from(self.body).unwrap_or(u64::MAX)) <= READ_AHEAD
    }

    /// Takes the bytes of a short body that have come.
    fn read_ahead(&mut self, now: Time) -> Arrival {
        loop {
            let got = self.buffer.get(self.start.saturating_add(self.body)..self.filled).unwrap_or_default();
            match self.receive.body(got, self.eof, now) {
                // A body with a length has no framing: `skip` is 0.
                BodyStep::Body { take, .. } => self.body = self.body.saturating_add(take),
                BodyStep::Need(_) => return Arrival::Need,
                BodyStep::End { .. } => return Arrival::Request,
                // The state machine says the same again when the application reads.
                BodyStep::Fail(_) => {
                    self.has_failed = true;
                    return Arrival::Request;
                }
            }
        }
    }

    /// Asks the state machine about the body. A failure is an error.
    fn body_step(&mut self, socket: &Socket, stop: &Stop) -> io::Result<BodyStep> {
        self.note_stop(stop, socket);
        let got = self.buffer.get(self.start..self.filled).unwrap_or_default();
        match self.receive.body(got, self.eof, socket.now()) {
            BodyStep::Fail(refusal) => {
                (self.failure, self.has_failed) = (Some(refusal), true);
                Err(body_error(refusal))
            }
            step => Ok(step),
        }
    }

    fn note_broken<T>(&mut self, read: io::Result<T>) -> io::Result<T> {
        self.is_broken |= read.is_err();
        read
    }

    /// Makes the buffer at least this long.
    fn grow(&mut self, len: usize) {
        if self.buffer.len() < len {
            self.buffer.reserve_exact(len.saturating_sub(self.buffer.len()));
            self.buffer.resize(len, 0);
        }
    }

    /// Moves the bytes from `from` on to the start of the buffer.
    fn move_to_start(&mut self, from: usize) {
        let left = from.min(self.filled)..self.filled;
        self.buffer.copy_within(left.clone(), 0);
        (self.start, self.filled) = (0, left.len());
    }
}

/// Reads once. If no byte is there, waits until one comes or until the deadline of `receive`; then tries once more.
fn read_or_wait(
    receive: &mut Receive,
    socket: &Socket,
    stop: &Stop,
    wait: &impl Wait,
    room: &mut [u8],
) -> io::Result<Option<usize>> {
    // A long read copies for a while, so that other threads run meanwhile.
    let read = if room.len() < LONG_READ { try_read(socket, room) } else { wait.wait(|| try_read(socket, room)) };
    if let Some(count) = read? {
        return Ok(Some(count));
    }
    wait.for_socket(socket, stop, Direction::Read, receive.deadline())?;
    // The wait may return late. Bytes that are there now count as in time.
    try_read(socket, room)
}

/// Reads once. Returns `None` if no byte is there yet.
fn try_read(socket: &Socket, room: &mut [u8]) -> io::Result<Option<usize>> {
    match socket.read(room) {
        Ok(count) => Ok(Some(count)),
        Err(error) if is_retry(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a read or a write has to be tried again, perhaps after a wait.
pub(crate) fn is_retry(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Returns the error that the application gets. Python makes a `ConnectionAbortedError` or a `TimeoutError` of it, or an
/// `OSError`, which both of them are.
fn body_error(refusal: Refusal) -> io::Error {
    let kind = match refusal {
        Refusal::BodyTimeout => io::ErrorKind::TimedOut,
        _ => io::ErrorKind::ConnectionAborted,
    };
    io::Error::new(kind, refusal)
}
