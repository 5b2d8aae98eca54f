//! An answer out.

use core::fmt;
use core::sync::atomic::Ordering;
use core::time::Duration;
use std::io::{self, IoSlice, Write};

use uwsgi::framing::whole_length;
use uwsgi::response::{EncodedHead, RefusedLine, ResponseEncoder, ResponseHead};
use uwsgi::server::{AnswerError, Cut, CutLimit, Failure, Leaves, Receive, Refusal, Respond, Time, TimeStep};

use crate::server::shared::Shared;
use crate::transport::{Direction, Transport, is_early};

/// The answer to one request. The head is given first, and may be given again until it leaves: with the first bytes of the
/// body that are not none, or at the end. Bytes leave before [`write`](Write::write) returns.
///
/// [`RequestBody::answer`](crate::RequestBody::answer) makes it.
#[derive(Debug)]
pub struct ResponseWriter<'r, T> {
    transport: &'r T,
    respond: Respond,
    /// The head, ready to leave.
    head: Vec<u8>,
    /// Another head, which is not ready.
    draft: Vec<u8>,
    shared: &'r Shared,
    status: u16,
    /// Whether the head has a Content-Length.
    has_length: bool,
    /// For how long a refusal may take to leave.
    refusal_time: Duration,
    failure: Option<Refusal>,
    broken: bool,
}

/// Why a head was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeadError {
    /// Another has left already.
    Left,
    /// A line of it cannot stand in a head. The head before it, if there was one, still stands.
    Line(RefusedLine),
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left => f.write_str("the head has left already"),
            Self::Line(line) => line.fmt(f),
        }
    }
}

impl core::error::Error for HeadError {}

impl From<RefusedLine> for HeadError {
    fn from(line: RefusedLine) -> Self {
        Self::Line(line)
    }
}

impl<'r, T: Transport> ResponseWriter<'r, T> {
    pub(crate) fn new(transport: &'r T, receive: &Receive, shared: &'r Shared) -> Self {
        Self {
            transport,
            respond: Respond::queued(receive, transport.now()),
            head: Vec::new(),
            draft: Vec::new(),
            shared,
            status: 0,
            has_length: false,
            refusal_time: receive.settings().header_timeout,
            failure: None,
            broken: false,
        }
    }

    /// A writer of an answer without a head.
    pub(crate) fn without_head(transport: &'r T, receive: &Receive, shared: &'r Shared) -> Self {
        let writer = Self::new(transport, receive, shared);
        Self { respond: writer.respond.without_head(), ..writer }
    }

    /// A worker has taken the request. Nothing leaves before.
    pub fn started(&mut self) {
        self.respond.started();
    }

    /// The head: its status, its reason, its lines.
    ///
    /// # Errors
    ///
    /// [`HeadError`]: nothing has changed.
    pub fn head<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        status: u16,
        reason: &str,
        lines: impl IntoIterator<Item = (N, V)>,
    ) -> Result<(), HeadError> {
        self.draft.clear();
        self.draft.reserve(USUAL);
        let mut encoder = ResponseEncoder::new(&mut self.draft, status, reason)?;
        for (name, value) in lines {
            encoder.push(name.as_ref(), value.as_ref())?;
        }
        let head = encoder.finish()?;
        if !self.respond.head(&head) {
            return Err(HeadError::Left);
        }
        (self.status, self.has_length) = (status, head.content_length().is_some());
        core::mem::swap(&mut self.head, &mut self.draft);
        Ok(())
    }

    /// Whether the head has left, so that it stands.
    #[must_use]
    pub const fn has_left(&self) -> bool {
        self.respond.has_left()
    }

    /// Whether the connection broke: the peer has gone, or takes nothing.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// What ended the answer before the application did, if something did: nobody was free to work on it, or a stop had
    /// waited long enough. Its response was written if nothing had left; else the connection will be reset.
    #[must_use]
    pub const fn failure(&self) -> Option<Refusal> {
        self.failure
    }

    /// The status of what leaves; 0 before there is a head.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// How many bytes of body have left; a refusal's text is one too.
    #[must_use]
    pub const fn body_bytes(&self) -> u64 {
        self.respond.sent()
    }

    /// The application has given all. If that is a head without a Content-Length and no byte of body, the head gets a length of
    /// 0, if [one belongs there](uwsgi::framing::whole_length): the answer has an end then that everybody sees.
    ///
    /// # Errors
    ///
    /// The application gave no head, or fewer bytes than its Content-Length; or the connection broke. The answer is not whole
    /// then: the [end](crate::RequestReader::end) of it resets the connection, and closes a Unix socket, unless it can be a
    /// [failure](Self::fail).
    pub fn finish(&mut self) -> io::Result<()> {
        self.tell_no_length();
        if !self.has_left() {
            self.go_on()?;
        }
        self.tell_unread();
        let leaves = self.respond.finished().map_err(refused)?;
        self.send(leaves, &[])
    }

    /// Puts a length of 0 into a head that has none and that nothing follows.
    fn tell_no_length(&mut self) {
        let none = whole_length(self.status, self.respond.is_head_request(), 0);
        if self.status == 0 || self.status == 101 || self.has_length || self.has_left() || none.is_none() {
            return;
        }
        if let Ok(head) = with_length_of_0(&self.head, &mut self.draft) {
            if self.respond.head(&head) {
                self.has_length = true;
                core::mem::swap(&mut self.head, &mut self.draft);
            }
        }
    }

    /// The application failed. `body` is why its last read failed, if one did: it is the better answer.
    ///
    /// If nothing has left, a refusal is written, which is returned; else the connection will be reset.
    ///
    /// # Errors
    ///
    /// The connection broke.
    pub fn fail(&mut self, body: Option<Refusal>) -> io::Result<Option<Refusal>> {
        match self.respond.failed(body) {
            Failure::Abort => Ok(None),
            Failure::Refuse(refusal) => self.refuse(refusal).map(|()| Some(refusal)),
        }
    }

    /// What is due: a refusal that was written, because the request has waited for a worker for too long, or a stop for the
    /// answer.
    ///
    /// # Errors
    ///
    /// The connection broke, or a stop has waited long enough and part of the answer has left.
    pub fn time(&mut self) -> io::Result<Option<Refusal>> {
        self.look_for_stop();
        match self.respond.time(self.transport.now()) {
            TimeStep::Refuse(refusal) => {
                self.failure = Some(refusal);
                self.refuse(refusal).map(|()| Some(refusal))
            }
            TimeStep::Abort => Err(self.given_up()),
            TimeStep::Wait => Ok(None),
        }
    }

    /// When to ask [`time`](Self::time), a stop that was asked for by now included.
    pub fn deadline(&mut self) -> Option<Time> {
        self.look_for_stop();
        self.respond.deadline()
    }

    /// The state of the answer.
    #[must_use]
    pub const fn respond(&self) -> &Respond {
        &self.respond
    }

    /// What [`RequestReader::end`](crate::RequestReader::end) asks for.
    #[must_use]
    pub fn into_respond(self) -> Respond {
        self.respond
    }

    fn look_for_stop(&mut self) {
        if let Some(asked) = self.transport.stop_asked() {
            self.respond.shut_down(asked);
        }
    }

    /// More is to leave. Once a stop has waited long enough nothing does, however quickly the peer takes it:
    /// see [`Respond::time`].
    fn go_on(&mut self) -> io::Result<()> {
        if self.failure.is_none() && !self.broken && self.transport.stop_asked().is_some() {
            self.time()?;
        }
        self.failure.map_or(Ok(()), |refusal| Err(ended(refusal)))
    }

    /// Whether the connection can go on depends on what is unread when the head leaves.
    fn tell_unread(&mut self) {
        if !self.has_left() {
            let unread = self.shared.unread.load(Ordering::Acquire);
            self.respond.unread(u64::try_from(unread).ok());
        }
    }

    /// Part of the answer is missing, and will be.
    fn given_up(&mut self) -> io::Error {
        self.broken = true;
        match self.respond.cut() {
            Some(Cut { limit: CutLimit::StopGrace(_), .. }) => {
                self.failure = Some(Refusal::Stopping);
                ended(Refusal::Stopping)
            }
            _ => io::Error::new(io::ErrorKind::TimedOut, "the peer takes no bytes of the answer"),
        }
    }

    fn refuse(&mut self, refusal: Refusal) -> io::Result<()> {
        self.status = refusal.status();
        self.transport.limit(Direction::Write, self.transport.now().after(self.refusal_time))?;
        let whole = self.respond.refusal_response(&refusal);
        // The empty line is the head's end; the text has none.
        let head = whole.windows(4).position(|end| end == b"\r\n\r\n").map_or(whole.len(), |at| at.saturating_add(4));
        let (head, text) = whole.split_at_checked(head).unwrap_or((whole, &[]));
        self.write_all_now(head, text)
    }

    /// Sends what leaves.
    fn send(&mut self, leaves: Leaves, bytes: &[u8]) -> io::Result<()> {
        let bytes = bytes.get(..leaves.take).unwrap_or(bytes);
        if leaves.head {
            let mut head = core::mem::take(&mut self.head);
            head.truncate(head.len().saturating_sub(2));
            head.extend_from_slice(self.respond.head_end());
            self.write_all_now(&head, bytes)?;
            self.head = head;
            if self.respond.is_upgraded() {
                self.shared.upgraded.store(true, Ordering::Release);
            }
        } else if !bytes.is_empty() {
            self.write_all_now(&[], bytes)?;
        }
        Ok(())
    }

    /// Writes all of it. If that fails, bytes are lost, and none may follow them.
    fn write_all_now(&mut self, head: &[u8], bytes: &[u8]) -> io::Result<()> {
        let written = self.try_write_all(head, bytes);
        if written.is_err() {
            self.respond.broken();
            self.broken = true;
        }
        written
    }

    fn try_write_all(&mut self, mut head: &[u8], mut bytes: &[u8]) -> io::Result<()> {
        while !(head.is_empty() && bytes.is_empty()) {
            let wrote = if head.is_empty() {
                self.transport.write(&[IoSlice::new(bytes)])
            } else {
                self.transport.write(&[IoSlice::new(head), IoSlice::new(bytes)])
            };
            match wrote {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    let of_body = count.saturating_sub(head.len());
                    self.respond.wrote(of_body);
                    bytes = bytes.get(of_body..).unwrap_or_default();
                    head = head.get(count..).unwrap_or_default();
                }
                Err(error) if is_early(&error) => self.wait()?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The connection takes nothing now. Whether it has for too long is asked before a wait, not behind it: a wait may take
    /// longer than the peer did.
    fn wait(&mut self) -> io::Result<()> {
        self.respond.blocked(self.transport.now());
        self.look_for_stop();
        match self.respond.time(self.transport.now()) {
            TimeStep::Abort => Err(self.given_up()),
            // A refusal is due only where nothing leaves yet.
            TimeStep::Wait | TimeStep::Refuse(_) => self.transport.wait(Direction::Write, self.respond.deadline()),
        }
    }
}

impl<T: Transport> Write for ResponseWriter<'_, T> {
    /// Gives bytes of the body. All of them are taken; those that must not leave (of the answer to HEAD, say) do not.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            // Nothing leaves for nothing, so that nothing can be in its way.
            return Ok(0);
        }
        self.go_on()?;
        self.tell_unread();
        match self.respond.body(bytes.len()) {
            Ok(leaves) => {
                self.send(leaves, bytes)?;
                Ok(bytes.len())
            }
            Err(error) => {
                if let AnswerError::TooLong { leaves } = error {
                    self.send(leaves, bytes)?;
                }
                Err(refused(error))
            }
        }
    }

    /// Has the head of a 101 leave, whose peer may have to speak first. All else leaves as it is written; if that has failed,
    /// the bytes are lost, and this fails too.
    fn flush(&mut self) -> io::Result<()> {
        if self.status == 101 && !self.has_left() {
            self.go_on()?;
            let leaves = self.respond.flush_head().map_err(refused)?;
            return self.send(leaves, &[]);
        }
        match self.failure {
            Some(refusal) => Err(ended(refusal)),
            None if self.broken => Err(refused(AnswerError::Over)),
            None => Ok(()),
        }
    }
}

/// Room that most heads fit into, so that none is moved while it grows.
const USUAL: usize = 256;

/// The same head with a Content-Length of 0, written into `draft`.
fn with_length_of_0<'d>(head: &[u8], draft: &'d mut Vec<u8>) -> Result<EncodedHead<'d>, HeadError> {
    // A head of our own is always read back; else the answer ends with its connection.
    let head = ResponseHead::decode(head).map_err(|_| HeadError::Left)?;
    draft.clear();
    let reason = core::str::from_utf8(head.reason()).unwrap_or_default();
    let mut encoder = ResponseEncoder::new(draft, head.status(), reason)?;
    for (name, value) in head.headers() {
        encoder.push(name, value)?;
    }
    encoder.push_length(0)?;
    Ok(encoder.finish()?)
}

fn ended(refusal: Refusal) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, refusal)
}

fn refused(error: AnswerError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
