//! Requests in, one after the other, each with its body.

use core::time::Duration;
use std::io::{self, IoSlice};

use uwsgi::framing;
use uwsgi::server::{
    BodyStep, Drain, DrainStep, Ending, HeadStep, Receive, Refusal, Respond, Settings, Time, TimeStep,
};
use uwsgi::{Packet, Request};

use crate::server::receiving::fill_window;
use crate::server::request_body::RequestBody;
use crate::server::shared::Shared;
use crate::transport::window::Window;
use crate::transport::{Direction, Transport, is_early};

/// The receiving side of a server's connection: reads packets into one buffer, which is used again for the next. Bytes that
/// were read past the packet serve the body.
///
/// ```
/// use std::io::{Read, Write};
/// use uwsgi::server::Settings;
/// use uwsgi_io::{Arrival, Duplex, RequestReader};
///
/// let sent = b"\0\x2d\0\0\x0e\0REQUEST_METHOD\x04\0POST\x0e\0CONTENT_LENGTH\x05\x0000003abc";
/// let duplex = Duplex::new(&sent[..], Vec::new());
/// let mut reader = RequestReader::new(&duplex, Settings::default());
/// let Arrival::Request { request, mut body, .. } = reader.read_request()? else { panic!("no request") };
/// assert_eq!(request.method(), Some(&b"POST"[..]));
///
/// let mut answer = body.answer();
/// answer.head(200, "OK", [("Content-Type", "text/plain")])?;
/// std::io::copy(&mut body, &mut answer)?;
/// answer.finish()?;
/// let ended = answer.into_respond();
/// assert!(!reader.end(&ended)?);
/// assert!(duplex.into_inner().1.ends_with(b"\r\n\r\nabc"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RequestReader<'t, T> {
    transport: &'t T,
    receive: Receive,
    buffer: Vec<u8>,
    window: Window,
    /// How many bytes at the front are the packet's.
    head: usize,
    /// How long a body may be that is read before its request is given, and for how long it is waited for.
    ahead: (usize, Duration),
    /// Why the connection broke while a body was read ahead, until the body is read.
    broken: Option<io::Error>,
    shared: Shared,
}

/// What came.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "a driver must not pass over what it is told to do")]
#[allow(clippy::large_enum_variant, reason = "it is taken apart at once, and a box would be an allocation a request")]
pub enum Arrival<'r, T> {
    /// Nothing, and nothing more will: close. That is no error.
    Close,
    /// A ping: [pong](RequestReader::pong).
    Ping,
    /// Nothing that can be served: [refuse](RequestReader::refuse).
    Refused(Refusal),
    /// A packet that is no web request, of a kind that the settings accept.
    Message {
        /// The packet.
        packet: Packet<'r>,
        /// What follows it, to the end of the stream.
        body: RequestBody<'r, T>,
    },
    /// A request and its body, from two parts of one buffer.
    Request {
        /// The request.
        request: Request<'r>,
        /// The packet that it came in.
        packet: Packet<'r>,
        /// Its body, which also makes the writer of the answer.
        body: RequestBody<'r, T>,
    },
}

/// What a buffer begins with; packets of browsers have 500 to 1,500 bytes.
const SMALL: usize = 4096;
/// The least room for a body behind a packet.
const ROOM: usize = 1024;

impl<'t, T: Transport> RequestReader<'t, T> {
    /// A reader of a connection that begins now.
    pub fn new(transport: &'t T, settings: Settings) -> Self {
        Self::with_buffer(transport, settings, Vec::new())
    }

    /// A reader that uses a buffer of another connection again.
    pub fn with_buffer(transport: &'t T, settings: Settings, mut buffer: Vec<u8>) -> Self {
        if buffer.len() < SMALL {
            buffer.resize(SMALL, 0);
        }
        Self {
            transport,
            receive: Receive::new(settings, transport.now()),
            buffer,
            window: Window::default(),
            head: 0,
            ahead: (0, Duration::ZERO),
            broken: None,
            shared: Shared::default(),
        }
    }

    /// The same reader, which reads a body of at most so many bytes before it gives the request, and waits for it so long at
    /// most: nothing unless changed. What has not come by then is read when it is asked for. If the body fails, the read that
    /// comes to where it ends says so.
    ///
    /// ```
    /// use core::time::Duration;
    /// use std::io::BufRead;
    /// use uwsgi::server::Settings;
    /// use uwsgi_io::{Arrival, Duplex, RequestReader};
    ///
    /// let sent = b"\0\x13\0\0\x0e\0CONTENT_LENGTH\x01\x003abc";
    /// let duplex = Duplex::new(&sent[..], Vec::new());
    /// let mut reader = RequestReader::new(&duplex, Settings::default()).reading_ahead(16 << 10, Duration::from_secs(1));
    /// let Arrival::Request { mut body, .. } = reader.read_request()? else { panic!("no request") };
    /// assert_eq!(body.fill_buf()?, b"abc"); // without a read of the connection
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn reading_ahead(self, most: usize, patience: Duration) -> Self {
        Self { ahead: (most, patience), ..self }
    }

    /// The buffer, for another connection.
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// Waits for the next request, for as long as the settings say.
    ///
    /// Call it once for a connection, and again each time when [`end`](Self::end) says that another may come.
    ///
    /// # Errors
    ///
    /// The connection broke. What a peer sends is no error but an [`Arrival`].
    pub fn read_request(&mut self) -> io::Result<Arrival<'_, T>> {
        let (end, is_request) = loop {
            let got = self.buffer.get(self.window.start..self.window.filled).unwrap_or_default();
            match self.receive.head(got, self.window.eof, self.transport.now()) {
                HeadStep::Head { end } => break (end, true),
                HeadStep::Message { end } => break (end, false),
                HeadStep::Need(_) => self.fill()?,
                HeadStep::Pong { end } => {
                    self.window.pass(end);
                    return Ok(Arrival::Ping);
                }
                HeadStep::Refuse(refusal) => return Ok(Arrival::Refused(refusal)),
                HeadStep::Skip { count } => self.pass_over(count),
                HeadStep::Close => return Ok(Arrival::Close),
            }
        };
        let reads_ahead = is_request && self.ahead.0 > 0;
        if reads_ahead {
            if let Err(refusal) = self.receive.request(self.buffer.get(..end).unwrap_or_default()) {
                return Ok(Arrival::Refused(refusal));
            }
            self.broken = self.read_ahead(end).err();
        }
        // There is room for a body to be read into, whatever the packet has taken.
        let least = end.saturating_add(ROOM);
        if self.buffer.len() < least {
            self.grow(least);
        }
        self.head = end;
        let Some((head, tail)) = self.buffer.split_at_mut_checked(end) else {
            return Ok(Arrival::Close); // end is within what was read
        };
        let packet = match Packet::decode(head) {
            Ok((packet, _)) => packet,
            Err(error) => return Ok(Arrival::Refused(Refusal::Decode(error))),
        };
        let request = match is_request {
            // It was let in already.
            true if reads_ahead => {
                let request = Request::decode_with(&packet, &self.receive.settings().limits);
                request.map(Some).map_err(Refusal::Decode)
            }
            true => self.receive.request(head).map(Some),
            false => self.receive.message(head).map(|_| None),
        };
        let request = match request {
            Ok(request) => request,
            Err(refusal) => return Ok(Arrival::Refused(refusal)),
        };
        self.window.filled = self.window.filled.saturating_sub(end);
        self.shared = Shared::default();
        let broken = self.broken.take();
        let body = RequestBody::new(self.transport, &mut self.receive, tail, &mut self.window, &self.shared, broken);
        Ok(match request {
            Some(request) => Arrival::Request { request, packet, body },
            None => Arrival::Message { packet, body },
        })
    }

    /// Writes the answer to a ping, and ends the connection.
    ///
    /// # Errors
    ///
    /// The connection broke.
    pub fn pong(&mut self) -> io::Result<()> {
        self.write(&Receive::PONG)?;
        self.half_close()
    }

    /// Writes the response of a refusal, and ends the connection.
    ///
    /// # Errors
    ///
    /// The connection broke.
    pub fn refuse(&mut self, refusal: &Refusal) -> io::Result<()> {
        self.write(self.receive.refusal_response(refusal))?;
        self.half_close()
    }

    /// Ends what an answer has ended: whether another request may come. If not, the connection is to be closed.
    ///
    /// # Errors
    ///
    /// The connection broke, or it [cannot be reset](Transport::abort) though the answer is not whole: close it all the same.
    pub fn end(&mut self, respond: &Respond) -> io::Result<bool> {
        self.receive.unread(core::mem::take(&mut self.window.body));
        if let Some(asked) = self.transport.stop_asked() {
            self.receive.shut_down(asked);
        }
        match Ending::of(self.receive.clone(), respond, self.transport.now()) {
            Ending::Next(receive) => {
                self.receive = receive;
                // What is left is the rest of the body, and then the next packet's.
                let left = self.head.saturating_add(self.window.start)..self.head.saturating_add(self.window.filled);
                self.buffer.copy_within(left.clone(), 0);
                (self.window.start, self.window.filled) = (0, left.len());
                Ok(true)
            }
            Ending::Abort => self.transport.abort().map(|()| false),
            // The close is the half-close too: there is nothing to lose.
            Ending::HalfClose(drain) if drain.expects_nothing() && !self.has_more() => Ok(false),
            Ending::HalfClose(_) => self.half_close().map(|()| false),
        }
    }

    /// Whether bytes are there that nobody asked for.
    fn has_more(&self) -> bool {
        self.window.start < self.window.filled || self.transport.may_have_more()
    }

    /// Shuts down writing, then drops what still comes, within bounds: to close over unread bytes would make the kernel reset
    /// the connection, and the front end lose the answer.
    fn half_close(&mut self) -> io::Result<()> {
        let mut drain = Drain::new(self.receive.settings(), self.transport.now());
        match self.transport.shut_down_write() {
            // The close is the only end that the peer will see, and it may be waiting for that.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(()),
            shut => shut?,
        }
        // What is in the buffer was read before, and harms nobody.
        let mut dropped = 0;
        while let DrainStep::Need(most) = drain.step(dropped, self.window.eof, self.transport.now()) {
            let most = most.min(self.buffer.len());
            self.transport.limit(Direction::Read, drain.deadline())?;
            dropped = match self.transport.read(self.buffer.get_mut(..most).unwrap_or_default()) {
                Ok(count) => {
                    self.window.eof = count == 0;
                    count
                }
                Err(error) if is_early(&error) => {
                    self.transport.wait(Direction::Read, Some(drain.deadline()))?;
                    0
                }
                // The answer is written: a peer that neither sends nor closes is no error of it.
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(()),
                Err(error) => return Err(error),
            };
        }
        Ok(())
    }

    /// Reads a small body behind the packet that ends there, as far as it comes.
    fn read_ahead(&mut self, end: usize) -> io::Result<()> {
        let length = match self.receive.framing() {
            framing::RequestBody::Length(length) => usize::try_from(length).unwrap_or(usize::MAX),
            _ => return Ok(()),
        };
        let (most, patience) = self.ahead;
        if length > most {
            return Ok(());
        }
        let until = self.transport.now().after(patience);
        loop {
            let given = end.saturating_add(self.window.body);
            let got = self.buffer.get(given..self.window.filled).unwrap_or_default();
            match self.receive.body(got, self.window.eof, self.transport.now()) {
                // A body that has a length has no framing inside.
                BodyStep::Body { take, .. } => self.window.body = self.window.body.saturating_add(take),
                BodyStep::Need(_) if self.transport.now() < until => {
                    self.fill_to(end.saturating_add(length), Some(until))?;
                }
                // Nobody waits until the application reads, which the peer is not charged for.
                BodyStep::Need(_) => {
                    self.receive.pause(self.transport.now());
                    return Ok(());
                }
                // It is there, or will never be: the machine says so again.
                _ => return Ok(()),
            }
        }
    }

    /// Passes over what nobody has read of the body before: a packet begins at the buffer's start.
    fn pass_over(&mut self, count: usize) {
        let left = self.window.start.saturating_add(count).min(self.window.filled)..self.window.filled;
        self.buffer.copy_within(left.clone(), 0);
        (self.window.start, self.window.filled) = (0, left.len());
    }

    /// Reads once, or waits.
    fn fill(&mut self) -> io::Result<()> {
        let most = self.receive.settings().smallest_buffer();
        self.fill_to(most.max(SMALL), None)
    }

    /// Reads once into a buffer of so many bytes at most, or waits, until this time at most.
    fn fill_to(&mut self, most: usize, until: Option<Time>) -> io::Result<()> {
        if self.window.filled == self.buffer.len() {
            // As much again as came: no peer makes the buffer larger than what it has sent, and there is a limit.
            self.grow(self.buffer.len().saturating_mul(2).min(most));
        }
        let room = self.buffer.get_mut(self.window.filled..).unwrap_or_default();
        fill_window(&mut self.window, self.transport, &mut self.receive, room, until)
    }

    /// Makes the buffer so large, and no larger: a `Vec` that grows by itself takes twice what it needs.
    fn grow(&mut self, len: usize) {
        self.buffer.reserve_exact(len.saturating_sub(self.buffer.len()));
        self.buffer.resize(len, 0);
    }

    /// Writes what the server says by itself, for as long as that may take.
    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        let now = self.transport.now();
        let mut respond = Respond::refusing(&self.receive, now);
        while !bytes.is_empty() {
            self.transport.limit(Direction::Write, now.after(self.receive.settings().header_timeout))?;
            match self.transport.write(&[IoSlice::new(bytes)]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    respond.wrote(count);
                    bytes = bytes.get(count..).unwrap_or_default();
                }
                Err(error) if is_early(&error) => self.wait_to_write(&mut respond)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn wait_to_write(&self, respond: &mut Respond) -> io::Result<()> {
        respond.blocked(self.transport.now());
        if let Some(asked) = self.transport.stop_asked() {
            respond.shut_down(asked);
        }
        match respond.time(self.transport.now()) {
            TimeStep::Wait => self.transport.wait(Direction::Write, respond.deadline()),
            TimeStep::Abort | TimeStep::Refuse(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}
