//! The sending half of a server's connection: what may leave, and when.

use core::fmt;
use core::time::Duration;

use crate::http::answer::EncodedHead;
use crate::http::upgrade::Protocols;
use crate::server::cut::{Cut, CutLimit};
use crate::server::persistence::Persistence;
use crate::server::receive::Receive;
use crate::server::refusal::Refusal;
use crate::server::time::{Due, Time};

/// The sending half of the server side of a connection, for one answer. It owns no buffer, does no I/O and has no clock.
///
/// The head is given with [`head`](Self::head) and may be given again until it leaves: with the first bytes of the body
/// that are not none, or at the end (PEP 3333, "The start_response() Callable"). Every row of what an application may do
/// wrong is decided here: too many bytes never leave, too few end in an abort, a failure is a 500 while it can be one.
///
/// # Order
///
/// Nothing leaves in another order, whatever the order of the calls. A call that belongs to another phase changes nothing and
/// says so: [`AnswerError::NoHead`] before there is a head, [`AnswerError::Over`] after the end. What is given before
/// [`started`](Self::started) is a start too.
///
/// ```
/// use uwsgi::response::ResponseEncoder;
/// use uwsgi::server::{Leaves, Receive, Respond, Settings, Time};
///
/// let receive = Receive::new(Settings::default(), Time::ZERO);
/// let mut respond = Respond::queued(&receive, Time::ZERO);
/// respond.started();
/// let mut buffer = [0; 64];
/// let mut head = ResponseEncoder::new(&mut buffer[..], 200, "OK")?;
/// head.push_length(5)?;
/// respond.head(&head.finish()?);
/// assert_eq!(respond.body(0)?, Leaves { head: false, take: 0 }); // nothing leaves for nothing
/// assert_eq!(respond.body(5)?, Leaves { head: true, take: 5 });
/// assert!(respond.body(1).is_err()); // past the length
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Respond {
    phase: Phase,
    queue_wait: Duration,
    write_idle: Duration,
    /// For how long a refusal may take to leave, from when it first had to wait.
    refusal_time: Duration,
    stop_grace: Duration,
    stop: Option<Time>,
    /// Since when the peer has taken nothing of what is to be written.
    blocked: Option<Time>,
    head: Option<Promise>,
    /// Bytes of the body that may leave.
    allowed: u64,
    /// Bytes of the body that the connection has taken.
    sent: u64,
    cut: Option<CutLimit>,
    to_head: bool,
    /// The answer to a message, which has no head.
    bare: bool,
    /// What the request offers to upgrade its connection to.
    offered_upgrade: Protocols,
    /// Which of the connection's packets it answers.
    number: u16,
    persistence: Persistence,
}

/// What a head says about what follows it.
#[derive(Debug, Clone, Copy)]
struct Promise {
    status: u16,
    length: Option<u64>,
    /// It is a 101 that switches to what the request did not offer.
    is_unasked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Waits for a worker, since then.
    Queued(Time),
    /// Runs; nothing has left.
    Running,
    /// The head has left.
    Sending,
    /// All has left that was promised.
    Finished,
    /// A refusal leaves instead.
    Refused,
    /// The peer has to see that this is no whole answer.
    Aborted,
}

/// What leaves of what the application gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "a head, and bytes")]
pub struct Leaves {
    /// Whether the head leaves now, before the bytes.
    pub head: bool,
    /// How many of the bytes follow; none of the answer to HEAD, of 204 and of 304.
    pub take: usize,
}

/// What an application did wrong with its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnswerError {
    /// It gave a body, or an end, without a head.
    NoHead,
    /// The answer is over: finished, refused or aborted. Nothing more leaves.
    Over,
    /// It gave fewer bytes than its Content-Length: abort the connection, so that the front end sees it.
    TooShort {
        /// Bytes that are missing.
        missing: u64,
    },
    /// It gave more bytes than its Content-Length. As many as fit may leave, and are counted.
    TooLong {
        /// What leaves all the same.
        leaves: Leaves,
    },
    /// Its head is a 101, and the request did not offer to switch to the protocols of its `Upgrade`
    /// (RFC 9110 sections 7.8 and 15.2.2). Of a request that offers more than four protocols, the first three count. The head has
    /// not left, and another may be given.
    UnaskedUpgrade,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHead => f.write_str("the application gave no head"),
            Self::Over => f.write_str("the answer is over already"),
            Self::TooShort { missing } => write!(f, "the answer is {missing} bytes shorter than its Content-Length"),
            Self::TooLong { .. } => f.write_str("the answer is longer than its Content-Length"),
            Self::UnaskedUpgrade => {
                f.write_str("the answer switches to a protocol (101) that the request's Upgrade does not offer")
            }
        }
    }
}

impl core::error::Error for AnswerError {}

/// What time has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a driver must not pass over what it is told to do")]
pub enum TimeStep {
    /// Reset the connection: the peer takes nothing, or a stop has waited long enough and part of the answer has left.
    Abort,
    /// No worker was free in time, or a stop has waited long enough and nothing has left: write the refusal's response.
    Refuse(Refusal),
    /// Go on; nothing is due.
    Wait,
}

/// What to do about an application that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "something has left, or it has not")]
pub enum Failure {
    /// Part of the answer has left: reset the connection, so that the front end sees that it is not whole.
    Abort,
    /// Nothing has left: write the refusal's response.
    Refuse(Refusal),
}

impl Respond {
    /// An answer to the request that was received, which waits for a worker from now on. If a stop was asked for, it knows.
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
            to_head: receive.is_head_request(),
            bare: false,
            offered_upgrade: receive.offered_upgrade(),
            number: receive.number(),
            persistence: Persistence::of(receive),
        }
    }

    /// What a server says by itself: a refusal, or a pong. All of it may take as long to leave as a header to come
    /// ([`header_timeout`](crate::server::Settings::header_timeout)), however often the peer takes a little of it.
    ///
    /// ```
    /// use uwsgi::server::{Receive, Respond, Settings, Time, TimeStep};
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

    /// The same answer without a head, as that to a [message](Receive::message) is: what leaves is what the application gives,
    /// and nothing leaves for nothing. Once a head has left, nothing changes.
    ///
    /// ```
    /// # use uwsgi::server::{Leaves, Receive, Respond, Settings, Time};
    /// # let receive = Receive::new(Settings::default(), Time::ZERO);
    /// let mut respond = Respond::queued(&receive, Time::ZERO).without_head();
    /// respond.started();
    /// assert_eq!(respond.body(7)?, Leaves { head: false, take: 7 });
    /// # Ok::<(), uwsgi::server::AnswerError>(())
    /// ```
    #[must_use]
    pub fn without_head(self) -> Self {
        if self.has_left() { self } else { Self { bare: true, head: None, ..self } }
    }

    /// A worker has taken the request.
    pub fn started(&mut self) {
        if matches!(self.phase, Phase::Queued(_)) {
            self.phase = Phase::Running;
        }
    }

    /// The application's head: whether it was taken. Once one has left, another is not, and none of an answer
    /// [without one](Self::without_head). Keep its bytes: they leave when [`Leaves::head`] says so.
    pub fn head(&mut self, head: &EncodedHead<'_>) -> bool {
        let replaceable = !self.bare && matches!(self.phase, Phase::Queued(_) | Phase::Running);
        if replaceable {
            let status = head.status();
            // What follows a 101 is no body and has no length (RFC 9110 section 15.2.2).
            let length = head.content_length().filter(|_| status != 101);
            let is_unasked = status == 101 && !self.offered_upgrade.allow(head.upgrade());
            self.head = Some(Promise { status, length, is_unasked });
        }
        replaceable
    }

    /// Has the head leave at once, though no byte of the body is there: what a 101 needs, whose peer may have to speak first.
    ///
    /// ```
    /// use uwsgi::response::ResponseEncoder;
    /// use uwsgi::server::{AnswerError, Receive, Respond, Settings, Time};
    ///
    /// let mut receive = Receive::new(Settings::default(), Time::ZERO);
    /// let packet = b"\0\x19\0\0\x0c\0HTTP_UPGRADE\x09\0websocket";
    /// receive.head(packet, false, Time::ZERO);
    /// receive.request(packet)?;
    /// let mut respond = Respond::queued(&receive, Time::ZERO);
    /// for (upgrade, leaves) in [("h2c", Err(AnswerError::UnaskedUpgrade)), ("websocket", Ok(true))] {
    ///     let mut buffer = [0; 96];
    ///     let mut head = ResponseEncoder::new(&mut buffer[..], 101, "Switching Protocols")?;
    ///     head.push("Connection", "upgrade")?;
    ///     head.push("Upgrade", upgrade)?;
    ///     respond.head(&head.finish()?);
    ///     assert_eq!(respond.flush_head().map(|leaves| leaves.head), leaves);
    /// }
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AnswerError::NoHead`], [`AnswerError::Over`] or [`AnswerError::UnaskedUpgrade`].
    pub fn flush_head(&mut self) -> Result<Leaves, AnswerError> {
        self.head_leaves().map(|head| Leaves { head, take: 0 })
    }

    /// Bytes of the application's body: whether the head leaves now, and how many of them do.
    ///
    /// # Errors
    ///
    /// [`AnswerError::NoHead`], [`AnswerError::Over`], [`AnswerError::UnaskedUpgrade`], or [`AnswerError::TooLong`] with what
    /// leaves all the same.
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

    /// The application has given all of its answer: whether the head leaves now.
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

    /// The application failed, or gave up. `body` is why its last read failed, if one did: it is the better answer.
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

    /// So many bytes of the request's body are unread now: see [`Receive::unread_body`]. Say it before the head leaves: whether
    /// the connection can go on depends on it. Until it is said, it is what was unread when the answer was
    /// [made](Self::queued).
    pub const fn unread(&mut self, bytes: Option<u64>) {
        self.persistence.unread(bytes);
    }

    /// What the head ends with when it leaves, in the place of its last two bytes, which are its empty line: a server that keeps
    /// connections says in it whether this one goes on. Ask when [`Leaves::head`] says that the head leaves.
    ///
    /// ```
    /// use core::time::Duration;
    /// use uwsgi::response::ResponseEncoder;
    /// use uwsgi::server::{Receive, Respond, Settings, Time};
    ///
    /// # let now = Time::ZERO;
    /// let mut receive = Receive::new(Settings::default().with_keepalive(Duration::from_secs(5)), now);
    /// let packet = b"\0\x13\0\0\x0e\0CONTENT_LENGTH\x01\00";
    /// receive.head(packet, false, now);
    /// receive.request(packet).unwrap();
    /// let mut respond = Respond::queued(&receive, now);
    /// let mut buffer = [0; 64];
    /// let mut head = ResponseEncoder::new(&mut buffer[..], 200, "OK")?;
    /// head.push_length(2)?;
    /// respond.head(&head.finish()?);
    /// assert!(respond.body(2)?.head);
    /// assert_eq!(respond.head_end(), b"Connection: keep-alive\r\n\r\n");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn head_end(&self) -> &'static [u8] {
        match self.head {
            // Its `Connection` is the application's, and says `Upgrade`.
            Some(Promise { status: 101, .. }) => b"\r\n",
            _ => self.persistence.head_end(),
        }
    }

    /// The response of a refusal that leaves in the place of the application's answer.
    #[must_use]
    pub const fn refusal_response(&self, refusal: &Refusal) -> &'static [u8] {
        refusal.response_with(self.to_head, self.persistence.is_asked_for())
    }

    /// Bytes are to be written, and the connection takes none now.
    pub fn blocked(&mut self, now: Time) {
        self.blocked.get_or_insert(now);
    }

    /// The connection took bytes, and so many of them are the body's.
    pub fn wrote(&mut self, of_body: usize) {
        // A refusal is short: all of it has one time together.
        if self.phase != Phase::Refused {
            self.blocked = None;
        }
        self.sent = self.sent.saturating_add(u64::try_from(of_body).unwrap_or(u64::MAX));
    }

    /// A stop was asked for: what began may go on for a while.
    pub fn shut_down(&mut self, now: Time) {
        self.stop.get_or_insert(now.after(self.stop_grace));
    }

    /// When to ask [`time`](Self::time).
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        Time::earliest(self.own_deadline(), self.stop)
    }

    /// What is due. Of two deadlines that have come the earlier one counts, and of two at the same time the stop's.
    ///
    /// Ask at the [deadline](Self::deadline). Once a stop was asked for, ask also before the answer begins to leave and before
    /// each further piece of its body: behind the stop's deadline nothing leaves, however quickly the peer takes it and
    /// however late the application was told.
    pub fn time(&mut self, now: Time) -> TimeStep {
        let due = Due::of(self.own_deadline(), self.stop, now);
        match (self.phase, due) {
            (Phase::Aborted, _) => TimeStep::Abort,
            (_, Due::Nothing) => TimeStep::Wait,
            // Never a silent close where a status can be sent.
            (Phase::Queued(_), Due::Own) => self.refuse(Refusal::NoWorker),
            (Phase::Queued(_) | Phase::Running, Due::Stop) => self.refuse(Refusal::Stopping),
            // All of it is written.
            (Phase::Finished | Phase::Refused, _) if self.blocked.is_none() => TimeStep::Wait,
            // No answer of an application's is cut off.
            (Phase::Refused, _) => {
                self.phase = Phase::Aborted;
                TimeStep::Abort
            }
            (_, Due::Own) => self.cut_off(CutLimit::WriteIdle(self.write_idle)),
            (_, Due::Stop) => self.cut_off(CutLimit::StopGrace(self.stop_grace)),
        }
    }

    /// The connection broke: nothing more leaves.
    pub fn broken(&mut self) {
        self.phase = Phase::Aborted;
    }

    /// How many bytes of the body the connection has taken. They may still be on their way to the peer.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// What has cut the answer off, if a limit of the server's has: tell whoever reads the log. A peer that goes away, and an
    /// application that fails, are no limits.
    #[must_use]
    pub fn cut(&self) -> Option<Cut> {
        let length = self.length().filter(|_| self.has_body());
        self.cut.map(|limit| Cut { limit, sent: self.sent, length })
    }

    /// Whether the application's head has left, so that it stands; of an answer without one, its first bytes.
    #[must_use]
    pub const fn has_left(&self) -> bool {
        !matches!(self.phase, Phase::Queued(_) | Phase::Running)
    }

    /// Whether the request was HEAD, whose answer has no body.
    #[must_use]
    pub const fn is_head_request(&self) -> bool {
        self.to_head
    }

    /// Whether the head of a 101 has left: what follows is a pipe, and the receiving half [has to know](Receive::upgrade).
    #[must_use]
    pub const fn is_upgraded(&self) -> bool {
        matches!(self.phase, Phase::Sending) && matches!(self.head, Some(Promise { status: 101, .. }))
    }

    /// Whether bytes that are given to [`body`](Self::body) leave: not those of the answer to HEAD, of 204 and of 304
    /// (RFC 9110 section 6.4.1). What follows a 101 is no body, and leaves all the same. Where none does, an application whose
    /// body does not end need not be asked for it.
    ///
    /// ```
    /// # use uwsgi::response::ResponseEncoder;
    /// # use uwsgi::server::{Receive, Respond, Settings, Time};
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
            Some(Promise { status: 101, .. }) => true,
            Some(Promise { status: 100..=199 | 204 | 304, .. }) => false,
            _ => self.bare || !self.to_head,
        }
    }

    /// Whether the front end must see that the answer is not whole, if it ends now: it is neither finished nor refused.
    #[must_use]
    pub const fn is_aborted(&self) -> bool {
        !matches!(self.phase, Phase::Finished | Phase::Refused)
    }

    /// Whether another answer may follow this one, which is finished: its head has said that the connection goes on, and no stop
    /// was asked for since.
    #[must_use]
    pub const fn allows_another(&self) -> bool {
        matches!(self.phase, Phase::Finished) && self.persistence.goes_on() && self.stop.is_none()
    }

    /// Whether it answers what was received last.
    pub(crate) const fn belongs_to(&self, receive: &Receive) -> bool {
        self.number == receive.number()
    }

    /// Whether the front end knows where the answer ends without a close.
    const fn is_delimited(&self) -> bool {
        match self.head {
            Some(Promise { status: 101, .. }) | None => false,
            Some(Promise { length, .. }) => length.is_some() || !self.has_body(),
        }
    }

    /// How long the body is, where the head says so.
    const fn length(&self) -> Option<u64> {
        match self.head {
            Some(Promise { length, .. }) => length,
            None => None,
        }
    }

    /// For how long a connection may take nothing; of a refusal, for how long all of it may take.
    const fn write_patience(&self) -> Duration {
        if matches!(self.phase, Phase::Refused) { self.refusal_time } else { self.write_idle }
    }

    /// Until when a worker, or the peer, is waited for.
    fn own_deadline(&self) -> Option<Time> {
        match self.phase {
            Phase::Queued(since) => Some(since.after(self.queue_wait)),
            _ => self.blocked.map(|since| since.after(self.write_patience())),
        }
    }

    /// The peer has as long for the refusal as for any answer, whatever it was waited for before.
    fn refuse(&mut self, refusal: Refusal) -> TimeStep {
        (self.phase, self.blocked) = (Phase::Refused, None);
        TimeStep::Refuse(refusal)
    }

    fn cut_off(&mut self, limit: CutLimit) -> TimeStep {
        (self.cut, self.phase) = (Some(limit), Phase::Aborted);
        TimeStep::Abort
    }

    fn head_leaves(&mut self) -> Result<bool, AnswerError> {
        match self.phase {
            Phase::Queued(_) | Phase::Running if self.head.is_none() && !self.bare => Err(AnswerError::NoHead),
            Phase::Queued(_) | Phase::Running if self.head.is_some_and(|head| head.is_unasked) => {
                Err(AnswerError::UnaskedUpgrade)
            }
            Phase::Queued(_) | Phase::Running => {
                let can_go_on = self.is_delimited() && self.stop.is_none();
                self.persistence.head_leaves(can_go_on);
                self.phase = Phase::Sending;
                Ok(!self.bare)
            }
            Phase::Sending => Ok(false),
            Phase::Finished | Phase::Refused | Phase::Aborted => Err(AnswerError::Over),
        }
    }
}
