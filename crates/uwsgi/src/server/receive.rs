//! The receiving half of a server's connection: packets, requests and bodies, in the order of the wire.

use core::time::Duration;

use crate::http::body_framing::RequestFraming;
use crate::http::chunked::{ChunkStep, Chunked};
use crate::http::remaining_length::Declared;
use crate::http::upgrade::Protocols;
use crate::server::body_clock::BodyClock;
use crate::server::checks::RequestFacts;
use crate::server::persistence::is_short_enough;
use crate::server::receive_step::BodyStep;
use crate::server::refusal::Refusal;
use crate::server::settings::Settings;
use crate::time::{Due, Time};

/// The receiving half of the server side of a connection. It owns no buffer, does no I/O and has no clock. The driver passes to
/// it all bytes that were read and not used yet, and it says what to do.
///
/// Call [`head`](Self::head) until there is a request, [`request`](Self::request) once, and [`body`](Self::body) until the body
/// ends. Each call makes progress or says what it waits for. The [module](crate::server) has the loop that drives it.
///
/// # Order
///
/// A call that does not belong to the current phase fails with [`Refusal::OutOfOrder`]. So no byte of a body is ever taken for
/// a packet, and no packet for a body. After a failure all later calls return the same refusal. After
/// [`HeadStep::Close`](crate::server::HeadStep::Close) every later call of `head` returns `Close` too.
///
/// ```
/// use uwsgi::server::{BodyStep, HeadStep, Receive, Refusal, Settings};
/// use uwsgi::Time;
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
    pub(super) settings: Settings,
    pub(super) phase: Phase,
    pub(super) clock: BodyClock,
    /// The deadline of the stop, once a stop has begun.
    pub(super) stop: Option<Time>,
    is_first: bool,
    pub(super) facts: RequestFacts,
    /// The number of the packet on its connection, from 0; it wraps around. A response belongs to one packet.
    number: u16,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Phase {
    /// Before the first byte of a packet. The time is that of the connection's start, or of the end of the request before.
    Idle(Time),
    /// In the unread rest of a body whose answer has left. The time is the deadline for the rest.
    Rest(Declared, Time),
    /// In a header or a block. The time is that of the packet's first byte.
    Begun(Time),
    /// A packet was announced, and not yet decoded.
    Announced(Announced),
    Length(Declared),
    Chunked(Chunked),
    /// The body was read. If it was declared, another request may follow it.
    Read {
        declared: bool,
    },
    /// After a packet that is not a web request. All bytes to the end of the stream belong to it.
    Message,
    /// The connection is a pipe.
    Upgraded,
    /// The connection is over: no other packet came.
    Closed,
    Failed(Refusal),
}

/// The kind of the packet that was announced, and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Announced {
    Message(usize),
    Ping,
    Request(usize),
}

impl Receive {
    /// The response to a ping.
    pub const PONG: [u8; 4] = [100, 0, 0, 1];

    /// Begins a connection.
    #[must_use]
    pub const fn new(settings: Settings, now: Time) -> Self {
        Self {
            settings,
            phase: Phase::Idle(now),
            clock: BodyClock::new(),
            stop: None,
            is_first: true,
            facts: RequestFacts::NONE,
            number: 0,
        }
    }

    /// Looks for the body at the start of `got`, which is all bytes after the packet that were read and not used.
    ///
    /// Bytes that a step gives count as read by the application. To give the application fewer bytes, pass fewer in `got`.
    pub fn body(&mut self, got: &[u8], eof: bool, now: Time) -> BodyStep {
        if !got.is_empty() || eof {
            // Bytes that came are never too late: the driver may have been slow.
            self.clock.end_of_silence(now);
        }
        let step = match self.phase {
            Phase::Read { .. } => return BodyStep::End { skip: 0 },
            Phase::Length(body) if got.is_empty() => self.wait_for_body(body.left(), body.needed(), eof, now),
            Phase::Length(body) => {
                let (take, rest) = body.take(got.len());
                self.phase = if rest.left() == 0 {
                    Phase::Read { declared: self.facts.allows_keepalive }
                } else {
                    Phase::Length(rest)
                };
                BodyStep::Body { skip: 0, take }
            }
            Phase::Chunked(mut chunked) => {
                let step = match chunked.step(got) {
                    Ok(ChunkStep::Need(more)) => self.wait_for_body(0, more, eof, now),
                    Ok(ChunkStep::Data { skip, take }) => BodyStep::Body { skip, take },
                    Ok(ChunkStep::End { skip }) => BodyStep::End { skip },
                    Err(error) => BodyStep::Fail(Refusal::BodyMalformed(error)),
                };
                self.phase = match step {
                    // No front end sends another request after a chunked body.
                    BodyStep::End { .. } => Phase::Read { declared: false },
                    _ => Phase::Chunked(chunked),
                };
                step
            }
            // The limit on bodies does not hold for a message or a pipe.
            Phase::Message | Phase::Upgraded if !got.is_empty() => {
                self.clock.count(got.len());
                return BodyStep::Body { skip: 0, take: got.len() };
            }
            Phase::Message | Phase::Upgraded if eof => return BodyStep::End { skip: 0 },
            Phase::Message => self.wait_for_body(0, 1, eof, now),
            // A pipe may be silent for any time. Only a stop ends it.
            Phase::Upgraded if self.stop.is_some_and(|stop| now >= stop) => BodyStep::Fail(Refusal::Stopping),
            Phase::Upgraded => return BodyStep::Need(1),
            Phase::Idle(_)
            | Phase::Rest(..)
            | Phase::Begun(_)
            | Phase::Announced(_)
            | Phase::Closed
            | Phase::Failed(_) => return BodyStep::Fail(self.out_of_order()),
        };
        self.hold_to_limit(step)
    }

    /// Takes back the last `count` bytes that [`body`](Self::body) gave, because the application did not read them. Pass these
    /// bytes again: to the next [`body`](Self::body), or to [`head`](Self::head) after the answer.
    ///
    /// For a chunked body this changes nothing, because no other request follows one.
    ///
    /// ```
    /// use uwsgi::server::{BodyStep, Receive, Settings};
    /// use uwsgi::Time;
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
        let back = u64::try_from(count).unwrap_or(u64::MAX).min(self.clock.received());
        let left = match self.phase {
            _ if back == 0 => return,
            Phase::Length(body) => body.left(),
            // Only the end of a declared body is known.
            Phase::Read { .. } if self.facts.has_length => 0,
            _ => return,
        };
        self.clock.take_back(back);
        self.phase = Phase::Length(Declared::new(left.saturating_add(back)));
    }

    /// Stops the clock of the body until the next call of [`body`](Self::body). Call it if nothing reads the body now, for
    /// example because the application has cancelled a read. The time before still counts, so a silent peer gains no time by
    /// pauses.
    pub fn pause(&mut self, now: Time) {
        self.clock.pause(now);
    }

    /// Makes the connection a pipe, because the head of a 101 has left. From now on [`body`](Self::body) gives every byte, to
    /// the end of the stream. The unread rest of a declared body comes first; front ends send no body with an upgrade.
    ///
    /// For a message, whose answer has no head, this changes nothing.
    pub fn upgrade(&mut self) {
        match self.phase {
            Phase::Length(_) | Phase::Chunked(_) | Phase::Read { .. } => self.phase = Phase::Upgraded,
            Phase::Upgraded | Phase::Message => {}
            Phase::Idle(_)
            | Phase::Rest(..)
            | Phase::Begun(_)
            | Phase::Announced(_)
            | Phase::Closed
            | Phase::Failed(_) => {
                self.out_of_order();
            }
        }
    }

    /// Returns when to call again even if no byte has come; `None` while there is no deadline. A call at the deadline deals with it,
    /// so that a driver never wakes twice for the same one.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let own = match self.phase {
            // A stop closes an idle connection at once.
            Phase::Idle(since) if self.is_stopping() => Some(since),
            Phase::Idle(since) => Some(since.after(self.idle_time())),
            Phase::Rest(_, until) => Some(until),
            Phase::Begun(begun) => Some(begun.after(self.settings.header_timeout)),
            Phase::Length(_) | Phase::Chunked(_) | Phase::Message => self.body_deadline(),
            Phase::Upgraded => None,
            // Nothing is waited for: the packet or the body is there, or the connection is over. A stop ends the answer then.
            Phase::Announced(_) | Phase::Read { .. } | Phase::Closed | Phase::Failed(_) => return None,
        };
        Time::earliest(own, self.stop)
    }

    /// Begins a stop: an idle connection closes, and a request that has begun may go on for
    /// [`stop_grace`](Settings::stop_grace).
    pub fn shut_down(&mut self, now: Time) {
        self.stop = Time::earliest(self.stop, Some(now.after(self.settings.stop_grace)));
    }

    /// Returns how the rest of the body is framed. For a declared body, it has the length of the rest.
    #[must_use]
    pub const fn framing(&self) -> RequestFraming {
        match &self.phase {
            Phase::Length(body) => RequestFraming::Length(body.left()),
            Phase::Chunked(_) => RequestFraming::Chunked,
            Phase::Read { declared: true } => RequestFraming::Length(0),
            _ => RequestFraming::None,
        }
    }

    /// Whether the request was HEAD, whose answer has no body.
    #[must_use]
    pub const fn is_head_request(&self) -> bool {
        self.facts.is_head
    }

    /// Returns the settings of the connection.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether another request may follow, once the answer is complete and its head has said so.
    ///
    /// The server must keep connections ([`keepalive`](Settings::keepalive)), no stop may have begun, and the body must have a
    /// declared length. At most 64 KiB of the body may be unread; the driver [skips](crate::server::HeadStep::Skip) them.
    #[must_use]
    pub const fn allows_another(&self) -> bool {
        self.settings.keepalive.is_some() && !self.is_stopping() && is_short_enough(self.unread_body())
    }

    /// Returns how many bytes of the body are unread; `None` where no other request may follow them, because the body failed or
    /// was not declared. Pass this number to [`Respond::unread`](crate::server::Respond::unread).
    #[must_use]
    pub const fn unread_body(&self) -> Option<u64> {
        match self.phase {
            Phase::Read { declared: true } => Some(0),
            Phase::Length(rest) if self.facts.allows_keepalive => Some(rest.left()),
            _ => None,
        }
    }

    /// Returns the response of a refusal: see [`Refusal::response_with`].
    #[must_use]
    pub const fn refusal_response(&self, refusal: &Refusal) -> &'static [u8] {
        refusal.response_with(self.facts.is_head, self.settings.keepalive.is_some())
    }

    /// Whether no more bytes of the request can come: its declared body was read to its end, or the request has no body.
    ///
    /// A POST without a length may have a body that comes a moment later. nginx sends one where a location has no
    /// `uwsgi_param CONTENT_LENGTH`, and `uwsgi_curl -d` always does.
    pub(crate) const fn has_read_all(&self) -> bool {
        match self.phase {
            Phase::Read { declared } => declared || self.facts.is_bodiless,
            _ => false,
        }
    }

    /// Returns the number of the packet on its connection.
    pub(crate) const fn number(&self) -> u16 {
        self.number
    }

    /// Returns the protocols that the request offers to upgrade its connection to.
    pub(crate) const fn offered_upgrade(&self) -> Protocols {
        self.facts.upgrade
    }

    /// Returns the deadline of the stop, once a stop has begun.
    pub(crate) const fn stop(&self) -> Option<Time> {
        self.stop
    }

    pub(super) const fn is_stopping(&self) -> bool {
        self.stop.is_some()
    }

    /// Returns the state before the next packet of the connection. The unread rest of the body comes first, and has as much
    /// time as a drain.
    pub(crate) fn another(mut self, now: Time) -> Self {
        self.phase = match self.phase {
            Phase::Length(rest) => Phase::Rest(rest, now.after(self.settings.drain_time)),
            _ => Phase::Idle(now),
        };
        (self.is_first, self.facts.is_head, self.facts.upgrade) = (false, false, Protocols::NONE);
        self.number = self.number.wrapping_add(1);
        self
    }

    /// Returns how long the connection may be idle.
    pub(super) fn idle_time(&self) -> Duration {
        match self.settings.keepalive {
            Some(idle) if !self.is_first => idle,
            _ => self.settings.header_timeout,
        }
    }

    /// Waits for more of a body.
    fn wait_for_body(&mut self, missing: u64, more: usize, eof: bool, now: Time) -> BodyStep {
        self.clock.start(now);
        if eof {
            return BodyStep::Fail(Refusal::BodyCutShort { missing });
        }
        match Due::of(self.body_deadline(), self.stop, now) {
            Due::Own => BodyStep::Fail(Refusal::BodyTimeout),
            Due::Stop => BodyStep::Fail(Refusal::Stopping),
            Due::Nothing => BodyStep::Need(more),
        }
    }

    /// Returns when the body is too slow.
    fn body_deadline(&self) -> Option<Time> {
        self.clock.deadline(self.settings.body_idle, self.settings.body_rate)
    }

    /// Counts the bytes of a step, refuses a body over the limit, and stores a failure.
    fn hold_to_limit(&mut self, step: BodyStep) -> BodyStep {
        let step = match step {
            BodyStep::Body { take, .. } => {
                self.clock.count(take);
                let limit = self.settings.body_limit;
                if self.clock.received() > limit {
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

    /// Fails the connection after a call that does not belong to its phase. An earlier failure stays.
    #[cold]
    pub(super) fn out_of_order(&mut self) -> Refusal {
        let refusal = if let Phase::Failed(refusal) = self.phase { refusal } else { Refusal::OutOfOrder };
        self.phase = Phase::Failed(refusal);
        refusal
    }
}
