//! Reads the requests of a connection, each with its body.

use core::time::Duration;
use std::io::{self, IoSlice};

use uwsgi::Time;
use uwsgi::framing;
use uwsgi::server::{BodyStep, Drain, DrainStep, Ending, HeadStep, Receive, Refusal, Respond, Settings, TimeStep};
use uwsgi::{Packet, Request};

use crate::server::receive::{fill_window, note_stop};
use crate::server::request_body::RequestBody;
use crate::server::shared_state::SharedState;
use crate::transport::window::{Window, make_room};
use crate::transport::{Direction, Transport, should_retry};

/// The receiving half of a server's connection. It reads packets into one buffer, and uses that buffer again for the next
/// packet. Bytes that were read after a packet are the first bytes of the body.
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
    /// How many bytes at the start of the buffer belong to the packet.
    head: usize,
    read_ahead: ReadAhead,
    /// Why the connection broke while a body was read ahead; the reader of the body gets it.
    read_ahead_error: Option<io::Error>,
    shared: SharedState,
}

/// Which bodies to read before the application gets their requests, and for how long.
#[derive(Debug, Clone, Copy)]
struct ReadAhead {
    /// The length of the longest body that is read ahead.
    length: usize,
    /// How long to wait for the body.
    time: Duration,
}

/// What the peer has sent.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "a driver must not pass over what it is told to do")]
#[allow(
    clippy::large_enum_variant,
    reason = "it is destructured at once, and a box would be an allocation for each request"
)]
pub enum Arrival<'r, T> {
    /// Nothing came: the stream has ended, the connection was idle for too long, or the server stops. Close the connection.
    /// This is not an error.
    Close,
    /// A ping: call [`pong`](RequestReader::pong).
    Ping,
    /// Something that cannot be served: call [`refuse`](RequestReader::refuse).
    Refused(Refusal),
    /// A packet that is not a web request, and that the settings accept.
    Message {
        /// The packet.
        packet: Packet<'r>,
        /// Everything after the packet, to the end of the stream.
        body: RequestBody<'r, T>,
    },
    /// A request and its body. They borrow two parts of one buffer.
    Request {
        /// The request.
        request: Request<'r>,
        /// The packet of the request.
        packet: Packet<'r>,
        /// The body of the request, which also makes the writer of the response.
        body: RequestBody<'r, T>,
    },
}

/// The length of a new buffer. The packets of browsers have 500 to 1,500 bytes.
const INITIAL_BUFFER: usize = 4096;
/// The least room for a body after a packet.
const MIN_BODY_ROOM: usize = 1024;

impl<'t, T: Transport> RequestReader<'t, T> {
    /// Returns a reader of a connection that begins now.
    pub fn new(transport: &'t T, settings: Settings) -> Self {
        Self::with_buffer(transport, settings, Vec::new())
    }

    /// Returns a reader that uses the buffer of an [earlier connection](Self::into_buffer).
    pub fn with_buffer(transport: &'t T, settings: Settings, mut buffer: Vec<u8>) -> Self {
        if buffer.len() < INITIAL_BUFFER {
            buffer.resize(INITIAL_BUFFER, 0);
        }
        Self {
            transport,
            receive: Receive::new(settings, transport.now()),
            buffer,
            window: Window::default(),
            head: 0,
            read_ahead: ReadAhead { length: 0, time: Duration::ZERO },
            read_ahead_error: None,
            shared: SharedState::default(),
        }
    }

    /// Sets which bodies to read before the request is returned: those of at most `length` bytes, and for at most `time`. By
    /// default no body is read ahead.
    ///
    /// The bytes that have not come by then are read when the application asks for them. If the body fails, the application
    /// first reads the bytes that have come, and then gets the error.
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
    /// assert_eq!(body.fill_buf()?, b"abc"); // does not read from the connection
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn reading_ahead(self, length: usize, time: Duration) -> Self {
        Self { read_ahead: ReadAhead { length, time }, ..self }
    }

    /// Returns the buffer, to be used for [another connection](Self::with_buffer).
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// Waits for the next request, within the time limits of the settings.
    ///
    /// Call it once for each connection, and again whenever [`end`](Self::end) returns true.
    ///
    /// # Errors
    ///
    /// The connection broke. Malformed input is not an error but an [`Arrival`].
    pub fn read_request(&mut self) -> io::Result<Arrival<'_, T>> {
        let (end, is_request) = loop {
            let got = self.window.bytes(&self.buffer);
            match self.receive.head(got, self.window.eof, self.transport.now()) {
                HeadStep::Head { end } => break (end, true),
                HeadStep::Message { end } => break (end, false),
                HeadStep::Need(_) => self.fill()?,
                HeadStep::Pong { end } => {
                    self.window.consume(end);
                    return Ok(Arrival::Ping);
                }
                HeadStep::Refuse(refusal) => return Ok(Arrival::Refused(refusal)),
                HeadStep::Skip { count } => self.skip_unread_body(count),
                HeadStep::Close => return Ok(Arrival::Close),
            }
        };
        let reads_ahead = is_request && self.read_ahead.length > 0;
        if reads_ahead {
            if let Err(refusal) = self.receive.request(self.buffer.get(..end).unwrap_or_default()) {
                return Ok(Arrival::Refused(refusal));
            }
            self.read_ahead_error = self.read_body_ahead(end).err();
        }
        // The body needs room too, even if the packet fills the buffer.
        make_room(&mut self.buffer, end.saturating_add(MIN_BODY_ROOM));
        self.head = end;
        let Some((head, tail)) = self.buffer.split_at_mut_checked(end) else {
            return Ok(Arrival::Close); // cannot happen: the packet is within the buffer
        };
        let packet = match Packet::decode(head) {
            Ok((packet, _)) => packet,
            Err(error) => return Ok(Arrival::Refused(Refusal::Decode(error))),
        };
        let request = match is_request {
            // `receive` has accepted the request already.
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
        self.shared = SharedState::default();
        let error = self.read_ahead_error.take();
        let body = RequestBody::new(self.transport, &mut self.receive, tail, &mut self.window, &self.shared, error);
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
        self.write_all(&Receive::PONG)?;
        self.half_close()
    }

    /// Writes the response of a refusal, and ends the connection.
    ///
    /// # Errors
    ///
    /// The connection broke.
    pub fn refuse(&mut self, refusal: &Refusal) -> io::Result<()> {
        self.write_all(self.receive.refusal_response(refusal))?;
        self.half_close()
    }

    /// Ends a request after its response. Returns whether another request may come; if not, close the connection.
    ///
    /// # Errors
    ///
    /// The connection broke, or the response is not whole and the transport [has no reset](Transport::abort). Close the
    /// connection then, too.
    pub fn end(&mut self, respond: &Respond) -> io::Result<bool> {
        self.receive.unread(core::mem::take(&mut self.window.body));
        note_stop(self.transport, &mut self.receive);
        match Ending::of(self.receive.clone(), respond, self.transport.now()) {
            Ending::Next(receive) => {
                self.receive = receive;
                // The bytes that are left are the rest of the body, and after it those of the next packet.
                let left = self.head.saturating_add(self.window.start)..self.head.saturating_add(self.window.filled);
                self.buffer.copy_within(left.clone(), 0);
                (self.window.start, self.window.filled) = (0, left.len());
                Ok(true)
            }
            Ending::Abort => self.transport.abort().map(|()| false),
            // Closes at once: no unread byte can turn the close into a reset.
            Ending::HalfClose(drain) if drain.expects_nothing() && !self.has_unused_bytes() => Ok(false),
            Ending::HalfClose(_) => self.half_close().map(|()| false),
        }
    }

    /// Returns whether the peer has sent bytes that nothing has used.
    fn has_unused_bytes(&self) -> bool {
        self.window.start < self.window.filled || self.transport.may_have_more()
    }

    /// Shuts down writing, then reads and drops what the peer still sends, within the limits of the settings. If the server
    /// closed the connection with unread bytes, the kernel would reset it, and the front end would lose the response.
    fn half_close(&mut self) -> io::Result<()> {
        let mut drain = Drain::new(self.receive.settings(), self.transport.now());
        match self.transport.shut_down_write() {
            // Only the close ends the stream for the peer. The peer may wait for the close, so do not drain.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(()),
            shut => shut?,
        }
        // The bytes in the buffer were read before: they cannot cause a reset.
        let mut dropped = 0;
        while let DrainStep::Need(most) = drain.step(dropped, self.window.eof, self.transport.now()) {
            let most = most.min(self.buffer.len());
            self.transport.limit(Direction::Read, drain.deadline())?;
            dropped = match self.transport.read(self.buffer.get_mut(..most).unwrap_or_default()) {
                Ok(count) => {
                    self.window.eof = count == 0;
                    count
                }
                Err(error) if should_retry(&error) => {
                    self.transport.wait(Direction::Read, Some(drain.deadline()))?;
                    0
                }
                // The response is written. It is not an error if the peer neither sends nor closes.
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(()),
                Err(error) => return Err(error),
            };
        }
        Ok(())
    }

    /// Reads a small body, as far as it comes in time. The packet before it ends at `end`.
    fn read_body_ahead(&mut self, end: usize) -> io::Result<()> {
        let length = match self.receive.framing() {
            framing::RequestFraming::Length(length) => usize::try_from(length).unwrap_or(usize::MAX),
            _ => return Ok(()),
        };
        let ReadAhead { length: longest, time } = self.read_ahead;
        if length > longest {
            return Ok(());
        }
        let until = self.transport.now().after(time);
        loop {
            let given = end.saturating_add(self.window.body);
            let got = self.buffer.get(given..self.window.filled).unwrap_or_default();
            match self.receive.body(got, self.window.eof, self.transport.now()) {
                // A body with a length has no framing: `skip` is 0.
                BodyStep::Body { take, .. } => self.window.body = self.window.body.saturating_add(take),
                BodyStep::Need(_) if self.transport.now() < until => {
                    self.fill_to(end.saturating_add(length), Some(until))?;
                }
                // The time until the application reads does not count against the peer.
                BodyStep::Need(_) => {
                    self.receive.pause(self.transport.now());
                    return Ok(());
                }
                // The body has ended or failed. `receive` returns the same step when the application reads.
                _ => return Ok(()),
            }
        }
    }

    /// Removes unread bytes of the previous body. The next packet then begins at the start of the buffer.
    fn skip_unread_body(&mut self, count: usize) {
        let left = self.window.start.saturating_add(count).min(self.window.filled)..self.window.filled;
        self.buffer.copy_within(left.clone(), 0);
        (self.window.start, self.window.filled) = (0, left.len());
    }

    /// Reads once for a packet, or waits.
    fn fill(&mut self) -> io::Result<()> {
        let longest = self.receive.settings().smallest_buffer().max(INITIAL_BUFFER);
        self.fill_to(longest, None)
    }

    /// Reads once, or waits until `until` at most. The buffer grows to `longest` bytes at most.
    fn fill_to(&mut self, longest: usize, until: Option<Time>) -> io::Result<()> {
        if self.window.filled == self.buffer.len() {
            // The buffer doubles, so it grows to at most twice the bytes that the peer has sent.
            let doubled = self.buffer.len().saturating_mul(2);
            make_room(&mut self.buffer, doubled.min(longest));
        }
        let room = self.buffer.get_mut(self.window.filled..).unwrap_or_default();
        fill_window(&mut self.window, self.transport, &mut self.receive, room, until)
    }

    /// Writes a pong or a refusal, within the time limit of the settings.
    fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
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
                Err(error) if should_retry(&error) => self.wait_to_write(&mut respond)?,
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
