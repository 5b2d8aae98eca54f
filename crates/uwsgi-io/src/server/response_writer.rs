//! Writes the response to a request.

use core::sync::atomic::Ordering;
use core::time::Duration;
use std::io::{self, IoSlice, Write};

use uwsgi::Time;
use uwsgi::response::ResponseEncoder;
use uwsgi::server::{AnswerError, Cut, CutLimit, Failure, Leaves, Receive, Refusal, Respond, TimeStep};

use crate::server::head_error::HeadError;
use crate::server::shared_state::SharedState;
use crate::transport::{Direction, Transport, should_retry};

/// The writer of the response to one request. Give the [head](Self::head) first. Another head may replace it until it leaves:
/// with the first non-empty write of the body, or at the [end](Self::finish). Bytes leave before [`write`](Write::write)
/// returns.
///
/// [`RequestBody::answer`](crate::RequestBody::answer) makes a writer.
#[derive(Debug)]
pub struct ResponseWriter<'r, T> {
    transport: &'r T,
    respond: Respond,
    /// The encoded head.
    head: Vec<u8>,
    /// A buffer to encode another head in.
    draft: Vec<u8>,
    shared: &'r SharedState,
    status: u16,
    /// The lines after those of the application.
    head_end: &'static [u8],
    /// How long a refusal may take to leave.
    refusal_time: Duration,
    failure: Option<Refusal>,
    broken: bool,
}

impl<'r, T: Transport> ResponseWriter<'r, T> {
    pub(crate) fn new(transport: &'r T, receive: &Receive, shared: &'r SharedState) -> Self {
        Self {
            transport,
            respond: Respond::queued(receive, transport.now()),
            head: Vec::new(),
            draft: Vec::new(),
            shared,
            status: 0,
            head_end: b"",
            refusal_time: receive.settings().header_timeout,
            failure: None,
            broken: false,
        }
    }

    /// Returns a writer of an answer without a head.
    pub(crate) fn without_head(transport: &'r T, receive: &Receive, shared: &'r SharedState) -> Self {
        let writer = Self::new(transport, receive, shared);
        Self { respond: writer.respond.without_head(), ..writer }
    }

    /// Tells the writer that a worker has taken the request. This ends the time limit for getting a worker
    /// ([`Settings::queue_wait`](uwsgi::server::Settings::queue_wait)). A response can leave without this call: the first byte
    /// that is written also ends the time limit.
    pub fn started(&mut self) {
        self.respond.started();
    }

    /// Sets the head: its status, its reason and its lines. Replaces a previous head that has not left.
    ///
    /// # Errors
    ///
    /// [`HeadError`]: the previous head stays.
    pub fn head<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        status: u16,
        reason: &str,
        lines: impl IntoIterator<Item = (N, V)>,
    ) -> Result<(), HeadError> {
        self.draft.clear();
        self.draft.reserve(USUAL_HEAD);
        let mut encoder = ResponseEncoder::new(&mut self.draft, status, reason)?;
        for (name, value) in lines {
            encoder.push(name.as_ref(), value.as_ref())?;
        }
        let head = encoder.finish()?;
        if !self.respond.head(&head) {
            return Err(HeadError::Left);
        }
        self.status = status;
        core::mem::swap(&mut self.head, &mut self.draft);
        Ok(())
    }

    /// Returns whether the head has left: it can no longer be replaced. True also after a refusal, and after the first bytes of
    /// an answer without a head.
    #[must_use]
    pub const fn has_left(&self) -> bool {
        self.respond.has_left()
    }

    /// Returns whether the response was cut off: the connection broke, the peer takes no bytes, or the grace period of a stop
    /// is over.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Returns why the server ended the response before the application did, if it did: no worker was free in time, or the
    /// grace period of a stop is over. If nothing had left, the response of that refusal was written. Otherwise
    /// [`RequestReader::end`](crate::RequestReader::end) resets the connection.
    #[must_use]
    pub const fn failure(&self) -> Option<Refusal> {
        self.failure
    }

    /// Returns the status of the current head, or of the refusal that was written; 0 before there is a head.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Returns how many bytes of the body have left. The text of a refusal counts as a body.
    #[must_use]
    pub const fn body_bytes(&self) -> u64 {
        self.respond.sent()
    }

    /// Ends the response: the application has given all of it. If the application gave a head without a Content-Length and no
    /// byte of a body, the head gets a Content-Length of 0 where [that is allowed](uwsgi::framing::whole_length). The front end
    /// then knows where the response ends.
    ///
    /// # Errors
    ///
    /// The application gave no head, or fewer bytes than its Content-Length; or the connection broke. If nothing has left,
    /// [`fail`](Self::fail) can still write a refusal. Otherwise the response is not whole, and
    /// [`RequestReader::end`](crate::RequestReader::end) resets the connection; a Unix socket has no reset and is only closed.
    pub fn finish(&mut self) -> io::Result<()> {
        if self.respond.declare_length(0) {
            self.head_end = b"Content-Length: 0\r\n";
        }
        if !self.has_left() {
            self.check_stop_deadline()?;
        }
        self.report_unread();
        let leaves = self.respond.finished().map_err(invalid_answer)?;
        self.send(leaves, &[])
    }

    /// Ends the response of an application that has failed. `body` is why its last read of the body failed, if it did: that
    /// reason has priority.
    ///
    /// If nothing has left, this writes a refusal and returns it. Otherwise [`RequestReader::end`](crate::RequestReader::end)
    /// resets the connection.
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

    /// Checks the deadlines. If the request has waited too long for a worker, or if the grace period of a stop is over, and
    /// nothing has left, this writes a refusal and returns it.
    ///
    /// # Errors
    ///
    /// The connection broke, or the grace period of a stop is over and part of the response has left.
    pub fn time(&mut self) -> io::Result<Option<Refusal>> {
        self.note_stop();
        match self.respond.time(self.transport.now()) {
            TimeStep::Refuse(refusal) => {
                self.failure = Some(refusal);
                self.refuse(refusal).map(|()| Some(refusal))
            }
            TimeStep::Abort => Err(self.cut_off()),
            TimeStep::Wait => Ok(None),
        }
    }

    /// Returns when to call [`time`](Self::time). A stop that was requested meanwhile counts.
    pub fn deadline(&mut self) -> Option<Time> {
        self.note_stop();
        self.respond.deadline()
    }

    /// Returns the state of the response.
    #[must_use]
    pub const fn respond(&self) -> &Respond {
        &self.respond
    }

    /// Returns the state of the response, which [`RequestReader::end`](crate::RequestReader::end) needs.
    #[must_use]
    pub fn into_respond(self) -> Respond {
        self.respond
    }

    /// Reports a requested stop to the state machine.
    fn note_stop(&mut self) {
        if let Some(asked) = self.transport.stop_asked() {
            self.respond.shut_down(asked);
        }
    }

    /// Returns an error if the response has ended early. After the grace period of a stop no byte leaves, even if the peer
    /// takes bytes quickly: see [`Respond::time`].
    fn check_stop_deadline(&mut self) -> io::Result<()> {
        if self.failure.is_none() && !self.broken && self.transport.stop_asked().is_some() {
            self.time()?;
        }
        self.failure.map_or(Ok(()), |refusal| Err(ended_early(refusal)))
    }

    /// Tells the state machine how much of the request's body is unread, before the head leaves. The connection can be kept
    /// only if little is unread.
    fn report_unread(&mut self) {
        if !self.has_left() {
            let unread = self.shared.unread.load(Ordering::Acquire);
            self.respond.unread(u64::try_from(unread).ok());
        }
    }

    /// Marks the response as cut off, and returns the reason.
    fn cut_off(&mut self) -> io::Error {
        self.broken = true;
        match self.respond.cut() {
            Some(Cut { limit: CutLimit::StopGrace(_), .. }) => {
                self.failure = Some(Refusal::Stopping);
                ended_early(Refusal::Stopping)
            }
            _ => io::Error::new(io::ErrorKind::TimedOut, "the peer takes no bytes of the response"),
        }
    }

    /// Writes the response of a refusal.
    fn refuse(&mut self, refusal: Refusal) -> io::Result<()> {
        self.status = refusal.status();
        self.transport.limit(Direction::Write, self.transport.now().after(self.refusal_time))?;
        let whole = self.respond.refusal_response(&refusal);
        // The first empty line ends the head.
        let head = whole.windows(4).position(|end| end == b"\r\n\r\n").map_or(whole.len(), |at| at.saturating_add(4));
        let (head, text) = whole.split_at_checked(head).unwrap_or((whole, &[]));
        self.write_all_or_break(head, text)
    }

    /// Writes the head and the bytes that may leave.
    fn send(&mut self, leaves: Leaves, bytes: &[u8]) -> io::Result<()> {
        let bytes = bytes.get(..leaves.take).unwrap_or(bytes);
        if leaves.head {
            let mut head = core::mem::take(&mut self.head);
            head.truncate(head.len().saturating_sub(2));
            head.extend_from_slice(self.head_end);
            head.extend_from_slice(self.respond.head_end());
            self.write_all_or_break(&head, bytes)?;
            self.head = head;
            if self.respond.is_upgraded() {
                self.shared.upgraded.store(true, Ordering::Release);
            }
        } else if !bytes.is_empty() {
            self.write_all_or_break(&[], bytes)?;
        }
        Ok(())
    }

    /// Writes all of the bytes. If that fails, marks the response as cut off: bytes are lost, and no others may follow them.
    fn write_all_or_break(&mut self, head: &[u8], bytes: &[u8]) -> io::Result<()> {
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
                Err(error) if should_retry(&error) => self.wait()?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until the connection takes bytes. Checks the deadline before the wait and not after it, because a wait may return
    /// late although the peer was in time.
    fn wait(&mut self) -> io::Result<()> {
        self.respond.blocked(self.transport.now());
        self.note_stop();
        match self.respond.time(self.transport.now()) {
            TimeStep::Abort => Err(self.cut_off()),
            // No refusal is due while bytes leave.
            TimeStep::Wait | TimeStep::Refuse(_) => self.transport.wait(Direction::Write, self.respond.deadline()),
        }
    }
}

impl<T: Transport> Write for ResponseWriter<'_, T> {
    /// Writes bytes of the body. Accepts and drops bytes that must not leave, such as the body of a response to HEAD. Bytes
    /// after the declared length are an error.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            // An empty write sends nothing, and so it cannot fail.
            return Ok(0);
        }
        self.check_stop_deadline()?;
        self.report_unread();
        match self.respond.body(bytes.len()) {
            Ok(leaves) => {
                self.send(leaves, bytes)?;
                Ok(bytes.len())
            }
            Err(error) => {
                if let AnswerError::TooLong { leaves } = error {
                    self.send(leaves, bytes)?;
                }
                Err(invalid_answer(error))
            }
        }
    }

    /// Sends the head of a 101: its peer may have to send first. All other bytes leave in [`write`](Write::write); if a write
    /// has failed, this fails too.
    fn flush(&mut self) -> io::Result<()> {
        if self.status == 101 && !self.has_left() {
            self.check_stop_deadline()?;
            let leaves = self.respond.flush_head().map_err(invalid_answer)?;
            return self.send(leaves, &[]);
        }
        match self.failure {
            Some(refusal) => Err(ended_early(refusal)),
            None if self.broken => Err(invalid_answer(AnswerError::Over)),
            None => Ok(()),
        }
    }
}

/// Room for most heads, so that the buffer does not grow while a head is encoded.
const USUAL_HEAD: usize = 256;

fn ended_early(refusal: Refusal) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, refusal)
}

fn invalid_answer(error: AnswerError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
