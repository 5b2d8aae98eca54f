//! The receiving half of a server's connection: packets, requests and bodies in, in the order of the wire.

use core::time::Duration;

use crate::cgi::check::check_var;
use crate::cgi::request::Request;
use crate::http::chunked::{ChunkStep, Chunked};
use crate::http::declared::Declared;
use crate::http::framing::RequestBody;
use crate::http::upgrade::Protocols;
use crate::server::persistence::is_short_enough;
use crate::server::refusal::Refusal;
use crate::server::settings::Settings;
use crate::server::time::{Due, Time};
use crate::wire::error::DecodeErrorKind;
use crate::wire::header::Header;
use crate::wire::modifier::Modifier1;
use crate::wire::packet::Packet;
use crate::wire::vars::Vars;

/// The receiving half of the server side of a connection. It owns no buffer, does no I/O and has no clock: it is shown all
/// bytes that were read and not used yet, and says what to do.
///
/// [`head`](Self::head) until there is a request; [`request`](Self::request) once; [`body`](Self::body) until it ends.
/// Each call makes progress or says what it waits for. The [module](crate::server) has the loop that drives it.
///
/// # Order
///
/// A call that belongs to another phase fails with [`Refusal::OutOfOrder`]. So no byte of a body is ever taken for a packet,
/// and no packet for a body. Every failure stays: all later calls answer the same refusal. [`HeadStep::Close`] stays too.
///
/// ```
/// use uwsgi::server::{BodyStep, HeadStep, Receive, Refusal, Settings, Time};
///
/// # let now = Time::ZERO;
/// let mut receive = Receive::new(Settings::default(), now);
/// let head = b"\0\x13\0\0\x0e\0CONTENT_LENGTH\x01\05";
/// assert_eq!(receive.head(head, false, now), HeadStep::Head { end: head.len() });
/// receive.request(head)?;
/// // The body begins here.
/// assert_eq!(receive.head(b"hello", false, now), HeadStep::Refuse(Refusal::OutOfOrder));
/// assert_eq!(receive.body(b"hello", false, now), BodyStep::Fail(Refusal::OutOfOrder));
/// # Ok::<(), Refusal>(())
/// ```
#[derive(Debug, Clone)]
pub struct Receive {
    settings: Settings,
    phase: Phase,
    /// Since when the peer is waited for inside a body, if it is.
    waiting: Option<Time>,
    /// For how many milliseconds it was waited for before that in all, for how many since its last byte, and how many bytes came.
    waited: u32,
    silent: u32,
    received: u64,
    /// Until when what began may go on, once a stop was asked for.
    stop: Option<Time>,
    first: bool,
    to_head: bool,
    /// Whether the request is one that has no body unless it says so: GET and HEAD, and not chunked.
    bodiless: bool,
    /// Whether every `CONTENT_LENGTH` of the request is the same length.
    keepable: bool,
    /// Whether the request's body has a declared length.
    is_length: bool,
    /// What the request offers to upgrade its connection to.
    upgrade: Protocols,
    /// Which of the connection's packets it is at, from 0 and around: an answer belongs to one.
    number: u16,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Before the first byte of a packet, since the connection began or the request before ended.
    Silent(Time),
    /// Inside the rest of a body that nobody has read, whose answer has left; until when it is waited for.
    Rest(Declared, Time),
    /// Inside a header or a block, since the first byte.
    Begun(Time),
    /// The head was announced, and not yet decoded.
    Announced(Announced),
    Length(Declared),
    Chunked(Chunked),
    /// The body is read; whether it was declared, so that what follows may be a request.
    Read {
        declared: bool,
    },
    /// What follows a packet that is no web request, to the end of the stream.
    Message,
    /// The connection is a pipe.
    Upgraded,
    /// Nothing more belongs to it.
    Closed,
    Failed(Refusal),
}

/// Which packet was announced, and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Announced {
    Message(usize),
    Ping,
    Request(usize),
}

/// What to do about a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a driver must not pass over what it is told to do")]
pub enum HeadStep {
    /// Close: there was nothing, and that is no error.
    Close,
    /// The first `end` bytes are a packet: decode it with [`Receive::request`]. What follows is the body.
    Head {
        /// The length of the packet, its header counted.
        end: usize,
    },
    /// The first `end` bytes are a packet that is no web request and was to be accepted: decode it with [`Receive::message`].
    /// What follows, to the end of the stream, belongs to it.
    Message {
        /// The length of the packet, its header counted.
        end: usize,
    },
    /// Read: so many more bytes complete the header or the block. Fewer may come at once, and are welcome.
    Need(usize),
    /// The first `end` bytes were a ping: write [`PONG`](Receive::PONG), half-close, drain and close.
    Pong {
        /// The length of the packet, its header counted.
        end: usize,
    },
    /// Write the refusal's response, half-close, drain and close.
    Refuse(Refusal),
    /// The first `count` bytes are what nobody has read of the body before: pass them over, and ask again.
    Skip {
        /// How many bytes; never 0.
        count: usize,
    },
}

/// What to do about a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a driver must not pass over what it is told to do")]
pub enum BodyStep {
    /// Pass `skip` bytes over, then give `take` bytes to the application; `take` may be 0.
    Body {
        /// Bytes of framing.
        skip: usize,
        /// Bytes of the body behind them.
        take: usize,
    },
    /// The body has ended: pass `skip` bytes over, and no byte behind them is its.
    End {
        /// Bytes of framing.
        skip: usize,
    },
    /// The application's read fails; if nothing of its answer has left, this is the answer.
    Fail(Refusal),
    /// Read: so many more bytes complete the body, or are known to belong to it.
    Need(usize),
}

impl Receive {
    /// The answer to a ping.
    pub const PONG: [u8; 4] = [100, 0, 0, 1];

    /// A connection that begins now.
    #[must_use]
    pub const fn new(settings: Settings, now: Time) -> Self {
        Self {
            settings,
            phase: Phase::Silent(now),
            waiting: None,
            waited: 0,
            silent: 0,
            received: 0,
            stop: None,
            first: true,
            to_head: false,
            bodiless: false,
            keepable: false,
            is_length: false,
            upgrade: Protocols::NONE,
            number: 0,
        }
    }

    /// Looks for a packet at the start of `got`: all bytes that were read and not used. `eof` says that no more will come.
    pub fn head(&mut self, got: &[u8], eof: bool, now: Time) -> HeadStep {
        let begun = match self.phase {
            Phase::Begun(begun) => begun,
            Phase::Silent(since) if got.is_empty() => return self.silence(since, eof, now),
            Phase::Silent(_) => now,
            Phase::Rest(rest, until) => return self.pass_over(rest, until, (got, eof), now),
            Phase::Closed => return HeadStep::Close,
            _ => return HeadStep::Refuse(self.out_of_order()),
        };
        self.phase = Phase::Begun(begun);
        let Some(header) = got.first_chunk() else {
            return self.wait(Header::LEN.saturating_sub(got.len()), begun, eof, now);
        };
        let header = Header::from_bytes(*header);
        if let Err(refusal) = self.judge(&header, got) {
            return self.refuse(refusal);
        }
        let end = usize::from(header.datasize).saturating_add(Header::LEN);
        if got.len() < end {
            return self.wait(end.saturating_sub(got.len()), begun, eof, now);
        }
        let (announced, step) = if header.modifier1 == Modifier1::PING {
            (Announced::Ping, HeadStep::Pong { end })
        } else if is_message(&header) {
            (Announced::Message(end), HeadStep::Message { end })
        } else {
            (Announced::Request(end), HeadStep::Head { end })
        };
        self.phase = Phase::Announced(announced);
        step
    }

    /// Decodes the packet that [`head`](Self::head) announced, and makes every check that comes before the application.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: write its response, half-close, drain and close.
    pub fn request<'b>(&mut self, head: &'b [u8]) -> Result<Request<'b>, Refusal> {
        self.expect(Announced::Request(head.len()))?;
        match self.decode(head) {
            Ok((request, body)) => {
                (self.received, self.waited, self.silent, self.waiting) = (0, 0, 0, None);
                self.is_length = matches!(body, RequestBody::Length(_));
                self.phase = match body {
                    RequestBody::Length(0) => Phase::Read { declared: self.keepable },
                    RequestBody::Length(length) => Phase::Length(Declared::new(length)),
                    RequestBody::Chunked => Phase::Chunked(Chunked::default()),
                    RequestBody::None => Phase::Read { declared: false },
                };
                Ok(request)
            }
            Err(refusal) => {
                self.phase = Phase::Failed(refusal);
                Err(refusal)
            }
        }
    }

    /// Decodes the packet of an accepted kind that is no web request. Whatever follows it belongs to it, to the end of the
    /// stream: [`body`](Self::body) gives it, and it may be silent no longer, and come no slower, than the body of a request.
    /// Its answer is written as it is.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: write its response, half-close, drain and close.
    pub fn message<'b>(&mut self, head: &'b [u8]) -> Result<Packet<'b>, Refusal> {
        self.expect(Announced::Message(head.len()))?;
        match Packet::decode_with(head, &self.settings.limits) {
            Ok((packet, _)) => {
                (self.received, self.waited, self.silent, self.waiting) = (0, 0, 0, None);
                self.phase = Phase::Message;
                Ok(packet)
            }
            Err(error) => {
                self.phase = Phase::Failed(Refusal::Decode(error));
                Err(Refusal::Decode(error))
            }
        }
    }

    /// Looks for the body at the start of `got`: all bytes behind the packet that were read and not used.
    ///
    /// Bytes count as read by the application once a step gives them to it: to give it fewer, show fewer.
    pub fn body(&mut self, got: &[u8], eof: bool, now: Time) -> BodyStep {
        if !got.is_empty() || eof {
            // What came late came too late only if nothing came: who drives this may be slow too.
            self.pause(now);
            self.silent = 0;
        }
        let step = match self.phase {
            Phase::Read { .. } => return BodyStep::End { skip: 0 },
            Phase::Length(body) if got.is_empty() => self.starve(body.left(), body.needed(), eof, now),
            Phase::Length(body) => {
                let (take, rest) = body.take(got.len());
                self.phase =
                    if rest.left() == 0 { Phase::Read { declared: self.keepable } } else { Phase::Length(rest) };
                BodyStep::Body { skip: 0, take }
            }
            Phase::Chunked(mut chunked) => {
                let step = match chunked.step(got) {
                    Ok(ChunkStep::Need(more)) => self.starve(0, more, eof, now),
                    Ok(ChunkStep::Data { skip, take }) => BodyStep::Body { skip, take },
                    Ok(ChunkStep::End { skip }) => BodyStep::End { skip },
                    Err(error) => BodyStep::Fail(Refusal::BodyMalformed(error)),
                };
                self.phase = match step {
                    // A length of a chunked body is known when it is over; no front end goes on behind one.
                    BodyStep::End { .. } => Phase::Read { declared: false },
                    _ => Phase::Chunked(chunked),
                };
                step
            }
            // The length of what has none declared has no limit.
            Phase::Message | Phase::Upgraded if !got.is_empty() => {
                self.count(got.len());
                return BodyStep::Body { skip: 0, take: got.len() };
            }
            Phase::Message | Phase::Upgraded if eof => return BodyStep::End { skip: 0 },
            Phase::Message => self.starve(0, 1, eof, now),
            // Silence is no fault in a pipe.
            Phase::Upgraded if self.stop.is_some_and(|stop| now >= stop) => BodyStep::Fail(Refusal::Stopping),
            Phase::Upgraded => return BodyStep::Need(1),
            Phase::Silent(_)
            | Phase::Rest(..)
            | Phase::Begun(_)
            | Phase::Announced(_)
            | Phase::Closed
            | Phase::Failed(_) => return BodyStep::Fail(self.out_of_order()),
        };
        self.account(step)
    }

    /// Counts a body's bytes against its limit, and remembers a failure.
    fn account(&mut self, step: BodyStep) -> BodyStep {
        let step = match step {
            BodyStep::Body { take, .. } => {
                self.count(take);
                let limit = self.settings.body_limit;
                if self.received > limit {
                    // Only a chunked body gets here: a declared length was checked before.
                    BodyStep::Fail(Refusal::BodyTooLarge { length: limit.saturating_add(1), limit })
                } else {
                    step
                }
            }
            other => other,
        };
        if let BodyStep::Fail(refusal) = step {
            self.phase = Phase::Failed(refusal);
        }
        step
    }

    fn count(&mut self, take: usize) {
        self.received = self.received.saturating_add(u64::try_from(take).unwrap_or(u64::MAX));
    }

    /// The application did not read the last `count` bytes that [`body`](Self::body) gave. Show them again first: to
    /// [`body`](Self::body), or after the answer to [`head`](Self::head). For a chunked body this changes nothing, since no
    /// request is looked for after one.
    ///
    /// ```
    /// use uwsgi::server::{BodyStep, Receive, Settings, Time};
    ///
    /// # let now = Time::ZERO;
    /// let settings = Settings::default().with_keepalive(core::time::Duration::from_secs(5));
    /// let mut receive = Receive::new(settings, now);
    /// let head = b"\0\x13\0\0\x0e\0CONTENT_LENGTH\x01\05";
    /// receive.head(head, false, now);
    /// receive.request(head)?;
    /// assert_eq!(receive.body(b"hello", false, now), BodyStep::Body { skip: 0, take: 5 });
    /// receive.unread(3);
    /// assert_eq!(receive.body(b"llo", false, now), BodyStep::Body { skip: 0, take: 3 });
    /// # Ok::<(), uwsgi::server::Refusal>(())
    /// ```
    pub fn unread(&mut self, count: usize) {
        let back = u64::try_from(count).unwrap_or(u64::MAX).min(self.received);
        let left = match self.phase {
            _ if back == 0 => return,
            Phase::Length(body) => body.left(),
            // A body that was declared: of no other is it known where it ends.
            Phase::Read { .. } if self.is_length => 0,
            _ => return,
        };
        self.received = self.received.saturating_sub(back);
        self.phase = Phase::Length(Declared::new(left.saturating_add(back)));
    }

    /// Nobody waits for the body any more (a read that was cancelled, say): time from here on does not count against it, until
    /// the next [`body`](Self::body). The time before does: a peer that is silent gets no more time by pauses.
    pub fn pause(&mut self, now: Time) {
        if let Some(since) = self.waiting.take() {
            let waited = now.as_millis().saturating_sub(since.as_millis());
            let waited = u32::try_from(waited).unwrap_or(u32::MAX);
            self.waited = self.waited.saturating_add(waited);
            self.silent = self.silent.saturating_add(waited);
        }
    }

    /// The head of a 101 has left: the connection is a pipe from here on, and [`body`](Self::body) gives whatever comes, to the
    /// end of the stream. What is left of a body that was declared comes first in it: front ends send none with an upgrade.
    /// Of a message, which is answered without a head, there is nothing to upgrade.
    pub fn upgrade(&mut self) {
        match self.phase {
            Phase::Length(_) | Phase::Chunked(_) | Phase::Read { .. } => self.phase = Phase::Upgraded,
            Phase::Upgraded | Phase::Message => {}
            Phase::Silent(_)
            | Phase::Rest(..)
            | Phase::Begun(_)
            | Phase::Announced(_)
            | Phase::Closed
            | Phase::Failed(_) => {
                self.out_of_order();
            }
        }
    }

    /// When to call again though no byte has come; `None` while nothing is waited for.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let own = match self.phase {
            // An idle connection closes at once.
            Phase::Silent(since) if self.is_stopping() => Some(since),
            Phase::Silent(since) => Some(since.after(self.patience())),
            Phase::Rest(_, until) => Some(until),
            Phase::Begun(begun) => Some(begun.after(self.settings.header_timeout)),
            Phase::Length(_) | Phase::Chunked(_) | Phase::Message => self.body_deadline(),
            Phase::Announced(_) | Phase::Read { .. } | Phase::Upgraded => None,
            // Nothing is waited for.
            Phase::Closed | Phase::Failed(_) => return None,
        };
        Time::earliest(own, self.stop)
    }

    /// A stop was asked for: an idle connection closes, what began may go on for a while.
    pub fn shut_down(&mut self, now: Time) {
        self.stop = Time::earliest(self.stop, Some(now.after(self.settings.stop_grace)));
    }

    /// How the rest of the body is framed: of a declared length, what is left of it.
    #[must_use]
    pub const fn framing(&self) -> RequestBody {
        match &self.phase {
            Phase::Length(body) => RequestBody::Length(body.left()),
            Phase::Chunked(_) => RequestBody::Chunked,
            Phase::Read { declared: true } => RequestBody::Length(0),
            _ => RequestBody::None,
        }
    }

    /// Whether the request was HEAD, whose answer has no body.
    #[must_use]
    pub const fn is_head_request(&self) -> bool {
        self.to_head
    }

    /// What the connection was made with.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether another request may follow once the answer is complete and its head has said so. The server must keep connections
    /// ([`keepalive`](Settings::keepalive)), and the body must have a declared length. At most 64 KiB of the body may be unread: they
    /// are [passed over](HeadStep::Skip).
    #[must_use]
    pub const fn allows_another(&self) -> bool {
        self.settings.keepalive.is_some() && !self.is_stopping() && is_short_enough(self.unread_body())
    }

    /// How many bytes of the body are unread, if a request may be looked for after them: not after a body that failed or was
    /// not declared. [`Respond::unread`](crate::server::Respond::unread) asks for it.
    #[must_use]
    pub const fn unread_body(&self) -> Option<u64> {
        match self.phase {
            Phase::Read { declared: true } => Some(0),
            Phase::Length(rest) if self.keepable => Some(rest.left()),
            _ => None,
        }
    }

    /// The response of a refusal: see [`Refusal::response_with`].
    #[must_use]
    pub const fn refusal_response(&self, refusal: &Refusal) -> &'static [u8] {
        refusal.response_with(self.to_head, self.settings.keepalive.is_some())
    }

    /// Whether nothing more can be expected of the request: its body was declared and is read to its end, or it is one that
    /// has none. A POST without a length may have one all the same, which comes a moment later: nginx sends it where a location
    /// has no `uwsgi_param CONTENT_LENGTH`, and `uwsgi_curl -d` always does.
    pub(crate) const fn has_read_all(&self) -> bool {
        match self.phase {
            Phase::Read { declared } => declared || self.bodiless,
            _ => false,
        }
    }

    /// Which of the connection's packets this is.
    pub(crate) const fn number(&self) -> u16 {
        self.number
    }

    /// What the request offers to upgrade its connection to.
    pub(crate) const fn offered_upgrade(&self) -> Protocols {
        self.upgrade
    }

    /// Until when what began may go on, once a stop was asked for.
    pub(crate) const fn stop(&self) -> Option<Time> {
        self.stop
    }

    const fn is_stopping(&self) -> bool {
        self.stop.is_some()
    }

    /// Makes ready for the next packet of the connection, and before that for what is left of the body: for that there is as much
    /// time as for what is drained.
    pub(crate) fn another(mut self, now: Time) -> Self {
        self.phase = match self.phase {
            Phase::Length(rest) => Phase::Rest(rest, now.after(self.settings.drain_time)),
            _ => Phase::Silent(now),
        };
        (self.first, self.to_head, self.upgrade) = (false, false, Protocols::NONE);
        self.number = self.number.wrapping_add(1);
        self
    }

    /// Inside the rest of a body whose answer has left: no end of the wait is an error.
    fn pass_over(&mut self, rest: Declared, until: Time, (got, eof): (&[u8], bool), now: Time) -> HeadStep {
        let (count, left) = rest.take(got.len());
        let late = now >= until || self.stop.is_some_and(|stop| now >= stop);
        if count == 0 && (eof || late) {
            self.phase = Phase::Closed;
            return HeadStep::Close;
        }
        self.phase = if left.left() == 0 { Phase::Silent(now) } else { Phase::Rest(left, until) };
        if count == 0 { HeadStep::Need(rest.needed()) } else { HeadStep::Skip { count } }
    }

    /// Before the first byte of a packet: no end of the wait is an error.
    fn silence(&mut self, since: Time, eof: bool, now: Time) -> HeadStep {
        if eof || self.is_stopping() || now >= since.after(self.patience()) {
            self.phase = Phase::Closed;
            HeadStep::Close
        } else {
            HeadStep::Need(Header::LEN)
        }
    }

    /// How long a connection may be silent.
    fn patience(&self) -> Duration {
        match self.settings.keepalive {
            Some(idle) if !self.first => idle,
            _ => self.settings.header_timeout,
        }
    }

    /// How long the body may be waited for from now on: until the idle limit, or until its rate is too low. Its rate counts
    /// after the first `body_idle` of waiting, and waiting for the application is none.
    fn body_patience(&self) -> Duration {
        let idle = u64::try_from(self.settings.body_idle.as_millis()).unwrap_or(u64::MAX);
        let rate = u64::from(self.settings.body_rate);
        let silence = idle.saturating_sub(u64::from(self.silent));
        // A rate of 0 is no limit.
        let Some(earned) = self.received.saturating_mul(1000).checked_div(rate) else {
            return Duration::from_millis(silence);
        };
        // A body of just the rate is none that is under it: hence the millisecond.
        let patience = idle.max(earned).saturating_add(1).saturating_sub(u64::from(self.waited));
        Duration::from_millis(silence.min(patience))
    }

    /// Until when the body is waited for, if it is.
    fn body_deadline(&self) -> Option<Time> {
        self.waiting.map(|since| since.after(self.body_patience()))
    }

    /// Inside a header or a block.
    fn wait(&mut self, more: usize, begun: Time, eof: bool, now: Time) -> HeadStep {
        if eof {
            return self.refuse(Refusal::EndOfStream);
        }
        match Due::of(Some(begun.after(self.settings.header_timeout)), self.stop, now) {
            Due::Own => self.refuse(Refusal::HeaderTimeout),
            Due::Stop => self.refuse(Refusal::Stopping),
            Due::Nothing => HeadStep::Need(more),
        }
    }

    /// Inside a body, with no byte to give.
    fn starve(&mut self, missing: u64, more: usize, eof: bool, now: Time) -> BodyStep {
        self.waiting = Time::earliest(self.waiting, Some(now));
        if eof {
            return BodyStep::Fail(Refusal::BodyCutShort { missing });
        }
        match Due::of(self.body_deadline(), self.stop, now) {
            Due::Own => BodyStep::Fail(Refusal::BodyTimeout),
            Due::Stop => BodyStep::Fail(Refusal::Stopping),
            Due::Nothing => BodyStep::Need(more),
        }
    }

    /// A call that does not belong to this phase: how the connection fails, unless it has.
    #[cold]
    fn out_of_order(&mut self) -> Refusal {
        let refusal = if let Phase::Failed(refusal) = self.phase { refusal } else { Refusal::OutOfOrder };
        self.phase = Phase::Failed(refusal);
        refusal
    }

    /// Goes on only if this is what was announced.
    fn expect(&mut self, announced: Announced) -> Result<(), Refusal> {
        match self.phase {
            Phase::Announced(other) if other == announced => Ok(()),
            _ => Err(self.out_of_order()),
        }
    }

    fn refuse(&mut self, refusal: Refusal) -> HeadStep {
        self.phase = Phase::Failed(refusal);
        HeadStep::Refuse(refusal)
    }

    /// Everything that four bytes decide.
    fn judge(&self, header: &Header, got: &[u8]) -> Result<(), Refusal> {
        let is_ping = header.modifier1 == Modifier1::PING;
        if !is_ping && !self.settings.accepts(header.modifier1) {
            return Err(header.foreign().map_or(Refusal::Modifier1(header.modifier1), Refusal::Foreign));
        }
        if header.datasize > self.settings.limits.datasize() {
            // The decoder words it; it looks no further than the header for that.
            if let Err(error) = Packet::decode_with(got, &self.settings.limits) {
                return Err(Refusal::Decode(error));
            }
        }
        // A ping and a signal are their headers alone.
        if header.datasize == 0 && !is_ping && !is_message(header) { Err(Refusal::Empty) } else { Ok(()) }
    }

    /// Everything that the block decides, in the order of the rows: well-formed, limits, length, its limit, contents.
    fn decode<'b>(&mut self, head: &'b [u8]) -> Result<(Request<'b>, RequestBody), Refusal> {
        let (packet, _) = Packet::decode(head).map_err(Refusal::Decode)?;
        let request = Request::decode_with(&packet, &self.settings.limits).map_err(|error| match error.kind() {
            DecodeErrorKind::VarsLimit | DecodeErrorKind::KeyLimit | DecodeErrorKind::ValueLimit => {
                // What is malformed behind the limit is malformed first of all.
                Refusal::Decode(Vars::decode(packet.payload()).err().map_or(error, Packet::behind_header))
            }
            _ => Refusal::Decode(error),
        })?;
        // A refusal of it has no body either.
        self.to_head = request.method() == Some(b"HEAD");
        self.bodiless = matches!(request.method_or_get(), b"GET" | b"HEAD")
            && request.vars().get("HTTP_TRANSFER_ENCODING").is_none();
        self.keepable = request.allows_keepalive();
        let framing = if self.settings.chunked { request.body_framing_or_chunked() } else { request.body_framing() };
        let body = framing.map_err(Refusal::Framing)?;
        match body {
            RequestBody::Length(length) if length > self.settings.body_limit => {
                return Err(Refusal::BodyTooLarge { length, limit: self.settings.body_limit });
            }
            _ => {}
        }
        // In the same pass: hardly any request has this header, and looking for it costs a pass of its own.
        let mut has_upgrade = false;
        for (key, value) in request.vars() {
            check_var(key, value)?;
            has_upgrade |= key.eq_ignore_ascii_case(b"HTTP_UPGRADE");
        }
        self.upgrade = if has_upgrade { Protocols::of(request.upgrade()) } else { Protocols::NONE };
        Ok((request, body))
    }
}

/// Whether a packet that is no ping is no web request either.
fn is_message(header: &Header) -> bool {
    !header.modifier1.is_request(header.modifier2)
}
