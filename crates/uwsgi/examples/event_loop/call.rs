//! One request, as the application sees it.

use uwsgi::Time;
use uwsgi::response::EncodedHead;
use uwsgi::server::{AnswerError, BodyStep, Leaves, Receive, Refusal, Respond};

use super::buffers::Buffers;

/// What answers one request. The event loop calls it again whenever something that it waits for may have happened.
pub(crate) trait Application: Send {
    /// Goes on until the answer is complete, or until a read, a write or a time has to be waited for.
    fn poll(&mut self, call: &mut Call<'_>) -> Progress;
}

/// How far an application has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It waits for what it asked for last.
    Waiting,
    /// The answer is complete.
    Finished,
    /// It failed.
    Failed,
}

/// What a read of the body gives.
#[derive(Debug)]
pub(crate) enum Read {
    /// Bytes of the body.
    Bytes(Vec<u8>),
    /// The end of the body.
    End,
    /// Nothing yet: wait.
    Later,
    /// The body is not complete and never will be.
    Failed(Refusal),
}

/// A request that is being answered. It borrows the machines and the buffers of the connection.
pub(crate) struct Call<'c> {
    pub(super) receive: &'c mut Receive,
    pub(super) respond: &'c mut Respond,
    pub(super) buffers: &'c mut Buffers,
    /// The head that the application gave last, with its empty line.
    pub(super) head: &'c mut Vec<u8>,
    pub(super) waits: &'c mut Waits,
    pub(super) now: Time,
}

/// What a request waits for besides room for its answer.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    /// Whether the application waits for bytes of the body.
    pub(super) for_body: bool,
    /// Until when the application waits.
    pub(super) until: Option<Time>,
    /// Why the last read of the body failed.
    pub(super) read_error: Option<Refusal>,
}

impl Call<'_> {
    /// Returns the current time.
    pub(crate) const fn now(&self) -> Time {
        self.now
    }

    /// Calls the application again at this time.
    pub(crate) const fn wait_until(&mut self, time: Time) {
        self.waits.until = Some(time);
    }

    /// Reads at most `most` bytes of the request's body. The connection reads no more from the peer than the application asks
    /// for, so a slow application slows the peer.
    pub(crate) fn read(&mut self, most: usize) -> Read {
        self.waits.for_body = false;
        loop {
            // The machine counts what it is shown, so it is shown no more than the application wants.
            let input = self.buffers.input();
            let shown = input.get(..most).unwrap_or(input);
            match self.receive.body(shown, self.buffers.is_ended(), self.now) {
                BodyStep::Body { skip, take } => {
                    self.buffers.consume(skip);
                    let bytes = self.buffers.take(take);
                    if !bytes.is_empty() {
                        return Read::Bytes(bytes);
                    }
                }
                BodyStep::End { skip } => {
                    self.buffers.consume(skip);
                    return Read::End;
                }
                BodyStep::Need(_) => {
                    self.waits.for_body = true;
                    return Read::Later;
                }
                BodyStep::Fail(refusal) => {
                    self.waits.read_error = Some(refusal);
                    return Read::Failed(refusal);
                }
            }
        }
    }

    /// Gives a head. It leaves with the first byte of the body, or at the end. Until then another head replaces it.
    pub(crate) fn head(&mut self, head: &EncodedHead<'_>) {
        if self.respond.head(head) {
            self.head.clear();
            self.head.extend_from_slice(head.as_bytes());
        }
    }

    /// Gives bytes of the answer's body. Returns how many were taken; 0 means that the peer is slow: wait. Bytes that may not
    /// leave, as in the answer to HEAD, are taken too.
    ///
    /// # Errors
    ///
    /// The errors of [`Respond::body`]. After [`AnswerError::TooLong`] the bytes within the length leave.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<usize, AnswerError> {
        let count = bytes.len().min(self.buffers.room());
        let bytes = bytes.get(..count).unwrap_or_default();
        self.count_unread();
        match self.respond.body(count) {
            Ok(leaves) => {
                self.send(leaves, bytes);
                Ok(count)
            }
            Err(error) => {
                if let AnswerError::TooLong { leaves } = error {
                    self.send(leaves, bytes);
                }
                Err(error)
            }
        }
    }

    /// Lets the head leave now. After the head of a 101 the connection is a pipe: [`read`](Self::read) gives what the peer
    /// sends, and [`write`](Self::write) sends to it.
    ///
    /// # Errors
    ///
    /// The errors of [`Respond::flush_head`].
    pub(crate) fn flush_head(&mut self) -> Result<(), AnswerError> {
        self.count_unread();
        let leaves = self.respond.flush_head()?;
        self.send(leaves, &[]);
        Ok(())
    }

    /// Ends the answer.
    pub(super) fn finish(&mut self) -> Result<(), AnswerError> {
        self.count_unread();
        let leaves = self.respond.finished()?;
        self.send(leaves, &[]);
        Ok(())
    }

    /// Tells the answer how much of the body is unread: the head says whether the connection is kept.
    fn count_unread(&mut self) {
        if !self.respond.has_left() {
            self.respond.unread(self.receive.unread_body());
        }
    }

    fn send(&mut self, leaves: Leaves, bytes: &[u8]) {
        if leaves.head {
            let lines = self.head.strip_suffix(b"\r\n").unwrap_or_default();
            self.buffers.push_head(lines);
            self.buffers.push_head(self.respond.head_end());
            if self.respond.is_upgraded() {
                self.receive.upgrade();
            }
        }
        self.buffers.push_body(bytes.get(..leaves.take).unwrap_or_default());
    }
}
