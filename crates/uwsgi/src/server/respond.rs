//! The sending half of a server's connection: what may leave, and when.

use core::time::Duration;

use crate::http::upgrade::Protocols;
use crate::server::answer_head::AnswerHead;
use crate::server::persistence::Persistence;
use crate::server::receive::Receive;
use crate::server::refusal::Refusal;
use crate::server::respond_step::{AnswerError, Failure, Leaves};
use crate::server::truncated_answer::CutLimit;
use crate::time::Time;

/// The sending half of the server side of a connection, for one answer. It owns no buffer, does no I/O and has no clock.
///
/// The application gives the head with [`head`](Self::head). The head leaves with the first non-empty piece of the body or at
/// the end (PEP 3333, "The start_response() Callable"), or earlier with [`flush_head`](Self::flush_head). Until then the
/// application may give another head. The machine also decides about the mistakes of an application: bytes after the declared
/// length never leave, too few bytes end in an abort, and a failure is a 500 as long as nothing has left.
///
/// # Order
///
/// The order of what leaves is always the same, whatever the order of the calls. A call that does not belong to the current
/// phase changes nothing and fails: with [`AnswerError::NoHead`] before there is a head, with [`AnswerError::Over`] after the
/// end. If the application gives a body before [`started`](Self::started), that is a start too.
///
/// ```
/// use uwsgi::response::ResponseEncoder;
/// use uwsgi::server::{Leaves, Receive, Respond, Settings};
/// use uwsgi::Time;
///
/// let receive = Receive::new(Settings::default(), Time::ZERO);
/// let mut respond = Respond::queued(&receive, Time::ZERO);
/// respond.started();
/// let mut buffer = [0; 64];
/// let mut head = ResponseEncoder::new(&mut buffer[..], 200, "OK")?;
/// head.push_length(5)?;
/// respond.head(&head.finish()?);
/// assert_eq!(respond.body(0)?, Leaves { head: false, take: 0 }); // an empty piece
/// assert_eq!(respond.body(5)?, Leaves { head: true, take: 5 });
/// assert!(respond.body(1).is_err()); // past the length
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Respond {
    pub(super) phase: Phase,
    pub(super) queue_wait: Duration,
    pub(super) write_idle: Duration,
    /// How long a refusal may take to leave, counted from its first wait for the peer.
    pub(super) refusal_time: Duration,
    pub(super) stop_grace: Duration,
    pub(super) stop: Option<Time>,
    /// Since when the peer has taken none of the bytes that are to be written.
    pub(super) blocked: Option<Time>,
    pub(super) head: Option<AnswerHead>,
    /// How many bytes of the body were allowed to leave.
    allowed: u64,
    /// How many bytes of the body the connection has taken.
    pub(super) sent: u64,
    pub(super) cut: Option<CutLimit>,
    pub(super) is_head_request: bool,
    /// The answer has no head, because it answers a message.
    pub(super) is_headless: bool,
    /// The protocols that the request offers to upgrade its connection to.
    pub(super) offered_upgrade: Protocols,
    /// The number of the packet that this answers.
    number: u16,
    pub(super) persistence: Persistence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The request waits for a worker, since this time.
    Queued(Time),
    /// The application runs; nothing has left.
    Running,
    /// The head has left.
    Sending,
    /// All of the body has left.
    Finished,
    /// A refusal leaves instead of the answer.
    Refused,
    /// The peer must see that the answer is not complete.
    Aborted,
}

impl Respond {
    /// Begins the answer to the request that was received last. The request waits for a worker from now on.
    #[must_use]
    pub fn queued(receive: &Receive, now: Time) -> Self {
        let settings = receive.settings();
        Self {
            phase: Phase::Queued(now),
            queue_wait: settings.queue_wait,
            write_idle: settings.write_idle,
            refusal_time: settings.header_timeout,
            stop_grace: settings.stop_grace,
            stop: receive.stop(),
            blocked: None,
            head: None,
            allowed: 0,
            sent: 0,
            cut: None,
            is_head_request: receive.is_head_request(),
            is_headless: false,
            offered_upgrade: receive.offered_upgrade(),
            number: receive.number(),
            persistence: Persistence::new(settings.keepalive.is_some(), receive.unread_body()),
        }
    }

    /// Begins a response that the server makes by itself: a refusal, or a pong. The whole response must leave within
    /// [`header_timeout`](crate::server::Settings::header_timeout), which begins when the peer first takes no bytes. It does
    /// not begin again when the peer takes a part of the response.
    ///
    /// ```
    /// use uwsgi::server::{Receive, Respond, Settings, TimeStep};
    /// use uwsgi::Time;
    ///
    /// let receive = Receive::new(Settings::default(), Time::ZERO);
    /// let mut respond = Respond::refusing(&receive, Time::ZERO);
    /// respond.blocked(Time::ZERO);
    /// respond.wrote(0); // a byte of the head
    /// respond.blocked(Time::from_millis(9_000));
    /// assert_eq!(respond.deadline(), Some(Time::from_millis(10_000)));
    /// assert_eq!(respond.time(Time::from_millis(10_000)), TimeStep::Abort);
    /// ```
    #[must_use]
    pub fn refusing(receive: &Receive, now: Time) -> Self {
        Self { phase: Phase::Refused, ..Self::queued(receive, now) }
    }

    /// Returns the same answer without a head, as the answer to a [message](Receive::message) is: only the bytes that the
    /// application gives leave. Once a head has left, this changes nothing.
    ///
    /// ```
    /// # use uwsgi::server::{Leaves, Receive, Respond, Settings};
    /// # use uwsgi::Time;
    /// # let receive = Receive::new(Settings::default(), Time::ZERO);
    /// let mut respond = Respond::queued(&receive, Time::ZERO).without_head();
    /// respond.started();
    /// assert_eq!(respond.body(7)?, Leaves { head: false, take: 7 });
    /// # Ok::<(), uwsgi::server::AnswerError>(())
    /// ```
    #[must_use]
    pub fn without_head(self) -> Self {
        if self.has_left() { self } else { Self { is_headless: true, head: None, ..self } }
    }

    /// Tells the machine that a worker has taken the request.
    pub fn started(&mut self) {
        if matches!(self.phase, Phase::Queued(_)) {
            self.phase = Phase::Running;
        }
    }

    /// Takes `len` bytes of the application's body. Returns how many of them leave, and whether the head leaves before them.
    ///
    /// # Errors
    ///
    /// [`AnswerError::NoHead`], [`AnswerError::Over`], [`AnswerError::UnaskedUpgrade`], or [`AnswerError::TooLong`] with what
    /// may leave.
    pub fn body(&mut self, len: usize) -> Result<Leaves, AnswerError> {
        if len == 0 {
            return Ok(Leaves { head: false, take: 0 });
        }
        let head = self.head_leaves()?;
        if !self.has_body() {
            return Ok(Leaves { head, take: 0 });
        }
        let given = u64::try_from(len).unwrap_or(u64::MAX);
        let left = self.length().map_or(u64::MAX, |length| length.saturating_sub(self.allowed));
        let take = usize::try_from(given.min(left)).unwrap_or(usize::MAX);
        self.allowed = self.allowed.saturating_add(given.min(left));
        let leaves = Leaves { head, take };
        if given > left { Err(AnswerError::TooLong { leaves }) } else { Ok(leaves) }
    }

    /// Ends the answer: the application has given all of it. Returns whether the head leaves now.
    ///
    /// # Errors
    ///
    /// [`AnswerError::NoHead`] and [`AnswerError::UnaskedUpgrade`] (treat both as a [failure](Self::failed)),
    /// [`AnswerError::Over`] or [`AnswerError::TooShort`].
    pub fn finished(&mut self) -> Result<Leaves, AnswerError> {
        let head = self.head_leaves()?;
        let missing = self.length().filter(|_| self.has_body()).unwrap_or(0).saturating_sub(self.allowed);
        if missing > 0 {
            self.phase = Phase::Aborted;
            return Err(AnswerError::TooShort { missing });
        }
        self.phase = Phase::Finished;
        Ok(Leaves { head, take: 0 })
    }

    /// Ends the answer, because the application failed. If its last read of the request's body failed, `body` says why, and
    /// replaces [`Refusal::AppFailed`].
    pub fn failed(&mut self, body: Option<Refusal>) -> Failure {
        match self.phase {
            Phase::Queued(_) | Phase::Running => {
                (self.phase, self.blocked) = (Phase::Refused, None);
                Failure::Refuse(body.unwrap_or(Refusal::AppFailed))
            }
            Phase::Sending | Phase::Finished | Phase::Refused | Phase::Aborted => {
                if let (Phase::Sending, Some(refusal)) = (self.phase, body) {
                    self.cut = Some(match refusal {
                        Refusal::Stopping => CutLimit::StopGrace(self.stop_grace),
                        other => CutLimit::Request(other),
                    });
                }
                self.phase = Phase::Aborted;
                Failure::Abort
            }
        }
    }

    /// Sets how many bytes of the request's body are unread now: see [`Receive::unread_body`]. Call it before the head leaves,
    /// because the number decides whether the connection is kept. The default is the number at the time of
    /// [`queued`](Self::queued).
    pub const fn unread(&mut self, bytes: Option<u64>) {
        self.persistence.unread(bytes);
    }

    /// Returns the response of a refusal that replaces the application's answer.
    #[must_use]
    pub const fn refusal_response(&self, refusal: &Refusal) -> &'static [u8] {
        refusal.response_with(self.is_head_request, self.persistence.is_enabled())
    }

    /// Tells the machine that the connection broke. Nothing more leaves.
    pub fn broken(&mut self) {
        self.phase = Phase::Aborted;
    }

    /// Returns how many bytes of the body the connection has taken. They may still be on their way to the peer.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// Whether it is too late for another head: the application's head has left, or the answer is refused or aborted. In an
    /// answer without a head, the first bytes count as the head.
    #[must_use]
    pub const fn has_left(&self) -> bool {
        !matches!(self.phase, Phase::Queued(_) | Phase::Running)
    }

    /// Whether the request was HEAD, whose answer has no body.
    #[must_use]
    pub const fn is_head_request(&self) -> bool {
        self.is_head_request
    }

    /// Whether the head of a 101 has left. The connection is a pipe then: call [`Receive::upgrade`].
    #[must_use]
    pub const fn is_upgraded(&self) -> bool {
        matches!(self.phase, Phase::Sending) && matches!(self.head, Some(head) if head.is_upgrade())
    }

    /// Whether bytes that [`body`](Self::body) takes may leave. In the answer to HEAD, and after a 204 or a 304, they may not
    /// (RFC 9110 section 6.4.1). The bytes after a 101 are not a body, and may leave. If no byte may leave, the server need not
    /// read the body of the application, which may have no end.
    ///
    /// ```
    /// # use uwsgi::response::ResponseEncoder;
    /// # use uwsgi::server::{Receive, Respond, Settings};
    /// # use uwsgi::Time;
    /// # let receive = Receive::new(Settings::default(), Time::ZERO);
    /// # let mut respond = Respond::queued(&receive, Time::ZERO);
    /// # let mut buffer = [0; 64];
    /// respond.head(&ResponseEncoder::new(&mut buffer[..], 204, "No Content")?.finish()?);
    /// assert!(!respond.has_body());
    /// respond.head(&ResponseEncoder::new(&mut buffer[..], 200, "OK")?.finish()?);
    /// assert!(respond.has_body());
    /// # Ok::<(), uwsgi::response::RefusedLine>(())
    /// ```
    #[must_use]
    pub const fn has_body(&self) -> bool {
        match self.head {
            Some(head) => head.has_body(self.is_head_request),
            None => self.is_headless || !self.is_head_request,
        }
    }

    /// Whether the front end must see that the answer is not complete, if the connection ends now: the answer is neither
    /// finished nor refused.
    #[must_use]
    pub const fn is_aborted(&self) -> bool {
        !matches!(self.phase, Phase::Finished | Phase::Refused)
    }

    /// Whether another answer may follow this one: it is finished, its head has said that the connection is kept, and no stop
    /// has begun since.
    #[must_use]
    pub const fn allows_another(&self) -> bool {
        matches!(self.phase, Phase::Finished) && self.persistence.is_kept() && self.stop.is_none()
    }

    /// Whether this answers the packet that was received last.
    pub(crate) const fn belongs_to(&self, receive: &Receive) -> bool {
        self.number == receive.number()
    }

    /// Returns the length of the body, if the head says it.
    pub(super) const fn length(&self) -> Option<u64> {
        match self.head {
            Some(head) => head.length(),
            None => None,
        }
    }
}
