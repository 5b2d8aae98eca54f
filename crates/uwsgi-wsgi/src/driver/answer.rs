//! The answer to one request, on an application thread.

use alloc::sync::Arc;
use std::io;

use uwsgi::response::ResponseEncoder;
use uwsgi::server::{AnswerError, Leaves, Receive, Refusal, Respond, TimeStep};
use uwsgi_io::{Direction, HeadError, Socket, Transport};

use crate::driver::incoming::is_retry;
use crate::driver::rest::{Body, Rest, send_pieces};
use crate::driver::shared::Shared;
use crate::driver::wait::Wait;

/// The answer to one request. Give the head first. Another head may replace it until it leaves: with the first non-empty bytes,
/// or at the end.
#[derive(Debug)]
pub(crate) struct Answer {
    socket: Arc<Socket>,
    shared: Arc<Shared>,
    respond: Respond,
    /// The encoded head.
    head: Vec<u8>,
    /// A buffer to encode another head in.
    draft: Vec<u8>,
    status: u16,
    /// The Content-Length of the head.
    length: Option<u64>,
    /// The bytes that have not left when the application has given all of them.
    rest: Option<Rest>,
    /// Why the server ended the answer before the application did.
    failure: Option<Refusal>,
    is_broken: bool,
    /// Whether all of the answer was given, and nothing of it is missing.
    is_finished: bool,
    /// Whether a byte has left.
    has_sent: bool,
}

/// Why bytes of an answer cannot leave.
#[derive(Debug)]
pub(crate) enum SendError {
    /// The application gave bytes that do not fit its head, or no head.
    Application(AnswerError),
    /// The connection broke, or the server cut the answer off.
    Connection(io::Error),
}

/// Room for most heads, so that the buffer does not grow while a head is encoded.
const USUAL_HEAD: usize = 512;

impl Answer {
    /// Begins the answer to the request that was received last.
    pub(crate) fn new(socket: Arc<Socket>, shared: Arc<Shared>, receive: &Receive) -> Self {
        let mut respond = Respond::queued(receive, socket.now());
        respond.started();
        respond.set_write_idle(shared.write_timeout);
        Self {
            socket,
            shared,
            respond,
            head: Vec::new(),
            draft: Vec::new(),
            status: 0,
            length: None,
            rest: None,
            failure: None,
            is_broken: false,
            is_finished: false,
            has_sent: false,
        }
    }

    /// Sets the head. Replaces a head that has not left.
    pub(crate) fn set_head<E: From<HeadError>>(
        &mut self,
        status: u16,
        reason: &[u8],
        lines: impl FnOnce(&mut dyn FnMut(&[u8], &[u8]) -> Result<(), HeadError>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.draft.clear();
        self.draft.reserve(USUAL_HEAD);
        let mut encoder = ResponseEncoder::new(&mut self.draft, status, reason).map_err(HeadError::from)?;
        lines(&mut |name, value| Ok(encoder.push(name, value)?))?;
        let head = encoder.finish().map_err(HeadError::from)?;
        if !self.respond.head(&head) {
            return Err(HeadError::Left.into());
        }
        (self.status, self.length) = (status, head.content_length());
        core::mem::swap(&mut self.head, &mut self.draft);
        Ok(())
    }

    /// Whether the application has given a head.
    pub(crate) const fn has_head(&self) -> bool {
        self.status != 0
    }

    /// Returns the Content-Length of the head.
    pub(crate) const fn length(&self) -> Option<u64> {
        self.length
    }

    /// Whether the head has left, or the answer is over.
    pub(crate) const fn has_left(&self) -> bool {
        self.respond.has_left()
    }

    /// Whether bytes may follow the head.
    pub(crate) const fn has_body(&self) -> bool {
        self.respond.has_body()
    }

    /// Whether the connection broke, or the server cut the answer off.
    pub(crate) const fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Whether a byte of the answer has left.
    pub(crate) const fn has_sent(&self) -> bool {
        self.has_sent
    }

    /// Sends bytes of the body, the head before the first of them, and waits until all have left. `unread` is how much of the
    /// request's body is unread.
    pub(crate) fn write(&mut self, bytes: &[u8], unread: Option<u64>, wait: &impl Wait) -> Result<(), SendError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.check_stop()?;
        self.respond.unread(unread);
        match self.respond.body(bytes.len()) {
            Ok(leaves) => self.send_and_wait(leaves, bytes, wait),
            Err(AnswerError::TooLong { leaves }) => {
                self.send_and_wait(leaves, bytes, wait)?;
                Err(SendError::Application(AnswerError::TooLong { leaves }))
            }
            Err(error) => Err(SendError::Application(error)),
        }
    }

    /// Ends the answer with the whole of its body, or with its last part. Bytes that cannot leave at once leave later, without
    /// this thread. If the body is longer than its Content-Length, the bytes within it leave, and the result says so.
    pub(crate) fn finish_with(&mut self, body: Body, unread: Option<u64>) -> Result<(), SendError> {
        self.check_stop()?;
        if !self.has_left() {
            self.respond.unread(unread);
        }
        let len = match &body {
            Body::None => 0,
            Body::Bytes(bytes, _) => (**bytes).as_ref().len(),
            Body::File(part) => usize::try_from(part.left).unwrap_or(usize::MAX),
        };
        let length = u64::try_from(len).unwrap_or(u64::MAX);
        let declares = !self.has_left() && self.respond.declare_length(length);
        let (leaves, too_long) = match self.respond.body(len) {
            Ok(leaves) => (leaves, None),
            Err(AnswerError::TooLong { leaves }) => (leaves, Some(AnswerError::TooLong { leaves })),
            Err(error) => return Err(SendError::Application(error)),
        };
        let finished = self.respond.finished();
        self.is_finished = finished.is_ok();
        let head = leaves.head || finished.is_ok_and(|leaves| leaves.head);
        let head = if head { self.take_head(declares.then_some(length)) } else { Vec::new() };
        let mut rest = Rest::new(head, cut(body, leaves.take));
        // Nobody waits for this answer any longer, so the peer has the usual time.
        self.respond.set_write_idle(self.shared.settings.write_idle);
        let sent = self.send_now(&mut rest);
        if !rest.is_empty() && sent.is_ok() {
            self.rest = Some(rest);
        }
        sent.map_err(SendError::Connection)?;
        finished.map_err(SendError::Application)?;
        too_long.map_or(Ok(()), |error| Err(SendError::Application(error)))
    }

    /// Checks whether the peer has left: a Unix socket was closed, or a TCP connection was reset.
    pub(crate) fn check_peer(&mut self) -> Result<(), SendError> {
        self.check_stop()?;
        let gone = is_gone(&self.socket);
        self.is_broken |= gone;
        if gone { Err(SendError::Connection(io::ErrorKind::ConnectionReset.into())) } else { Ok(()) }
    }

    /// Ends the answer because the application failed. `body` is why its last read of the request's body failed, if it did.
    /// Returns the refusal that has to be written, if nothing has left.
    pub(crate) fn fail(&mut self, body: Option<Refusal>) -> Option<Refusal> {
        if self.failure.is_some() || self.is_broken || self.is_whole() {
            return self.failure;
        }
        match self.respond.failed(body) {
            uwsgi::server::Failure::Refuse(refusal) => {
                self.failure = Some(refusal);
                Some(refusal)
            }
            uwsgi::server::Failure::Abort => None,
        }
    }

    /// Returns the state of the answer, its status, and the bytes that have not left.
    pub(crate) fn into_parts(self) -> (Respond, u16, Vec<u8>, Option<Rest>) {
        (self.respond, self.status, self.head, self.rest)
    }

    /// Whether the peer gets a whole answer, whatever the application does now.
    fn is_whole(&mut self) -> bool {
        if !self.is_finished && self.has_left() && self.length == Some(self.respond.sent()) {
            self.is_finished = self.respond.finished().is_ok();
        }
        self.is_finished
    }

    /// Returns an error if the grace period of a stop is over.
    fn check_stop(&mut self) -> Result<(), SendError> {
        if self.failure.is_none() && !self.is_broken {
            if let Some(requested) = self.shared.stop.requested_at(&self.socket) {
                self.respond.shut_down(requested);
                match self.respond.time(self.socket.now()) {
                    TimeStep::Wait => {}
                    TimeStep::Refuse(refusal) => self.failure = Some(refusal),
                    TimeStep::Abort => self.is_broken = true,
                }
            }
        }
        match self.failure {
            Some(refusal) => Err(SendError::Connection(io::Error::new(io::ErrorKind::ConnectionAborted, refusal))),
            None if self.is_broken => Err(SendError::Connection(io::ErrorKind::BrokenPipe.into())),
            None => Ok(()),
        }
    }

    /// Returns the head as it leaves.
    fn take_head(&mut self, length: Option<u64>) -> Vec<u8> {
        let mut head = core::mem::take(&mut self.head);
        head.truncate(head.len().saturating_sub(2));
        if let Some(length) = length {
            head.extend_from_slice(format!("Content-Length: {length}\r\n").as_bytes());
        }
        head.extend_from_slice(self.respond.head_end());
        head
    }

    /// Sends the head and the bytes that may leave, and waits until all have left.
    fn send_and_wait(&mut self, leaves: Leaves, bytes: &[u8], wait: &impl Wait) -> Result<(), SendError> {
        let head = if leaves.head { self.take_head(None) } else { Vec::new() };
        let bytes = bytes.get(..leaves.take).unwrap_or(bytes);
        let sent = self.try_send_and_wait(&head, bytes, wait);
        if leaves.head {
            self.head = head;
        }
        if sent.is_err() {
            self.respond.broken();
            self.is_broken = true;
        }
        sent.map_err(SendError::Connection)
    }

    /// The time for all of these bytes begins when the peer first takes none. It does not begin again when the peer takes some:
    /// a peer that takes few bytes at a time would hold the thread for ever.
    fn try_send_and_wait(&mut self, head: &[u8], bytes: &[u8], wait: &impl Wait) -> io::Result<()> {
        let mut of_body = 0;
        let sent = self.send_counting(head, bytes, wait, &mut of_body);
        self.respond.wrote(of_body);
        sent
    }

    fn send_counting(
        &mut self,
        mut head: &[u8],
        mut bytes: &[u8],
        wait: &impl Wait,
        sent: &mut usize,
    ) -> io::Result<()> {
        while !(head.is_empty() && bytes.is_empty()) {
            match send_pieces(&self.socket, head, bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    let of_body = count.saturating_sub(head.len());
                    *sent = sent.saturating_add(of_body);
                    self.has_sent = true;
                    bytes = bytes.get(of_body..).unwrap_or_default();
                    head = head.get(count..).unwrap_or_default();
                }
                Err(error) if is_retry(&error) => {
                    self.respond.blocked(self.socket.now());
                    if let Some(requested) = self.shared.stop.requested_at(&self.socket) {
                        self.respond.shut_down(requested);
                    }
                    if self.respond.time(self.socket.now()) == TimeStep::Abort {
                        return Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes no bytes of the answer"));
                    }
                    let until = self.respond.deadline();
                    wait.for_socket(&self.socket, &self.shared.stop, Direction::Write, until)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends what can leave now. A part of a file may have to be read from a disk, so that only its first piece leaves here.
    fn send_now(&mut self, rest: &mut Rest) -> io::Result<()> {
        while !rest.is_empty() {
            match rest.send(&self.socket) {
                Ok(Some(of_body)) => {
                    self.respond.wrote(of_body);
                    self.has_sent = true;
                    if of_body > 0 && rest.is_file() {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    self.respond.broken();
                    self.is_broken = true;
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// Keeps the first `len` bytes of a body.
fn cut(body: Body, len: usize) -> Body {
    match body {
        _ if len == 0 => Body::None,
        Body::Bytes(bytes, 0) if len < (*bytes).as_ref().len() => {
            let short = (*bytes).as_ref().get(..len).unwrap_or_default().to_vec();
            Body::Bytes(Box::new(short), 0)
        }
        Body::File(mut part) => {
            part.left = part.left.min(u64::try_from(len).unwrap_or(u64::MAX));
            Body::File(part)
        }
        body => body,
    }
}

/// Whether the peer of a Unix socket has closed it, or the peer of a TCP connection has reset it. A peer that has only closed
/// its sending direction still reads.
pub(crate) fn is_gone(socket: &Socket) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut polled = [PollFd::new(socket, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let _ = poll(&mut polled, Some(&now));
    let [polled] = polled;
    polled.revents().intersects(PollFlags::HUP | PollFlags::ERR)
}
