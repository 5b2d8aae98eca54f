//! The receiving half of a connection: packets and bodies in.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;

use alloc::sync::Arc;
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;
use uwsgi::Modifier1;
use uwsgi::server::{BodyStep, Drain, DrainStep, HeadStep, Receive, Refusal};

use crate::halves::ReadHalf;
use crate::pace::Pace;

/// Reads into one buffer; bytes that were read past the packet serve the body.
#[derive(Debug)]
pub(crate) struct Inbound<IO> {
    reader: ReadHalf<IO>,
    pub(crate) receive: Receive,
    buffer: BytesMut,
    eof: bool,
    /// What there was room for when the last poll had to wait.
    waited: Option<usize>,
    pub(crate) pace: Pace,
}

/// What came.
#[derive(Debug)]
pub(crate) enum Head {
    Close,
    /// A packet, whole.
    Packet(Bytes),
    Ping,
    Refuse(Refusal),
}

/// Why a body cannot be read on.
#[derive(Debug, Clone)]
pub(crate) enum Broken {
    Peer(Refusal),
    Io(Arc<io::Error>),
}

/// What a buffer begins with; packets of browsers have 500 to 1,500 bytes.
const SMALL: usize = 4096;
/// How much of a body is read at once.
const PIECE: usize = 32 << 10;

impl<IO: AsyncRead + Unpin> Inbound<IO> {
    pub(crate) fn new(reader: ReadHalf<IO>, receive: Receive, pace: Pace) -> Self {
        Self { reader, receive, buffer: BytesMut::new(), eof: false, waited: None, pace }
    }

    /// The next packet, for as long as the settings say.
    pub(crate) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Head>> {
        if let Err(error) = self.catch_up(cx) {
            return Poll::Ready(Err(error));
        }
        loop {
            return Poll::Ready(Ok(match self.receive.head(&self.buffer, self.eof, self.pace.now()) {
                HeadStep::Need(_) => {
                    // As much again as came: no peer makes the buffer larger than what it has sent.
                    let most = self.receive.settings().smallest_buffer().max(SMALL);
                    let room = self.buffer.len().clamp(SMALL, most);
                    match self.poll_fill(room, cx) {
                        Poll::Ready(Ok(())) => continue,
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                        Poll::Pending => return Poll::Pending,
                    }
                }
                HeadStep::Head { end } => Head::Packet(self.buffer.split_to(end).freeze()),
                // What it asks for is nothing that a service of `http` has an answer to.
                HeadStep::Message { .. } => {
                    Head::Refuse(Refusal::Modifier1(Modifier1(self.buffer.first().copied().unwrap_or(0))))
                }
                HeadStep::Pong { end } => {
                    self.buffer.advance(end);
                    Head::Ping
                }
                HeadStep::Skip { count } => {
                    self.buffer.advance(count);
                    continue;
                }
                HeadStep::Refuse(refusal) => Head::Refuse(refusal),
                HeadStep::Close => Head::Close,
            }));
        }
    }

    /// The next bytes of the body; `None` is its end.
    pub(crate) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        if let Err(error) = self.catch_up(cx) {
            return Poll::Ready(Some(Err(Broken::Io(Arc::new(error)))));
        }
        loop {
            match self.receive.body(&self.buffer, self.eof, self.pace.now()) {
                BodyStep::Body { skip, take } => {
                    self.buffer.advance(skip);
                    if take > 0 {
                        return Poll::Ready(Some(Ok(self.buffer.split_to(take).freeze())));
                    }
                }
                BodyStep::Need(more) => match self.poll_fill(more.clamp(1, PIECE), cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(Broken::Io(Arc::new(error))))),
                    Poll::Pending => return Poll::Pending,
                },
                BodyStep::End { skip } => {
                    self.buffer.advance(skip);
                    return Poll::Ready(None);
                }
                BodyStep::Fail(refusal) => return Poll::Ready(Some(Err(Broken::Peer(refusal)))),
            }
        }
    }

    /// Whether so many bytes were read already.
    pub(crate) fn has(&self, length: u64) -> bool {
        u64::try_from(self.buffer.len()).is_ok_and(|read| read >= length)
    }

    /// Gets ready to be polled by whoever it is lent to, who may be another task, on another thread, or in no runtime at all:
    /// what a runtime has to be told is told here.
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        self.pace.arm();
        self.reader.settle()
    }

    /// Whether bytes are there that nobody asked for, as far as anybody can tell.
    pub(crate) fn may_have_more(&self) -> bool {
        !self.buffer.is_empty() || self.reader.has_bytes() != Some(false)
    }

    /// Drops what still comes behind an answer, within bounds. What is in the buffer was read before, and harms nobody.
    pub(crate) fn poll_drain(&mut self, drain: &mut Drain, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.buffer.clear();
        loop {
            let dropped = self.buffer.len();
            self.buffer.clear();
            match drain.step(dropped, self.eof, self.pace.now()) {
                DrainStep::Close => return Poll::Ready(Ok(())),
                DrainStep::Need(most) => match self.poll_read(most.min(PIECE), cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => match self.pace.poll_until(Some(drain.deadline()), cx) {
                        Poll::Ready(()) => {}
                        Poll::Pending => return Poll::Pending,
                    },
                },
            }
        }
    }

    /// What was read and not used.
    pub(crate) fn into_rest(self) -> Bytes {
        self.buffer.freeze()
    }

    /// Reads what came since the last poll, before anybody asks what time it is: a task that is late is no late peer.
    fn catch_up(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(room) = self.waited.take() else { return Ok(()) };
        match self.poll_read(room, cx) {
            Poll::Ready(read) => read,
            Poll::Pending => Ok(()),
        }
    }

    /// Reads once; ready too when the machine has to be asked again, because of the time or a stop.
    fn poll_fill(&mut self, room: usize, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(read) = self.poll_read(room, cx) {
            return Poll::Ready(read);
        }
        self.hear_of_a_stop();
        let woken = self.pace.poll_until(self.receive.deadline(), cx);
        self.hear_of_a_stop();
        if woken.is_pending() {
            self.waited = Some(room);
            return Poll::Pending;
        }
        // What has come meanwhile comes first.
        match self.poll_read(room, cx) {
            Poll::Pending => Poll::Ready(Ok(())),
            read => read,
        }
    }

    /// Bytes that the reactor has yet to tell of came before the stop, and are read first.
    fn hear_of_a_stop(&mut self) {
        if let Some(asked) = self.pace.stop_asked() {
            if !(self.buffer.is_empty() && self.reader.has_bytes() == Some(true)) {
                self.receive.shut_down(asked);
            }
        }
    }

    fn poll_read(&mut self, room: usize, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.buffer.capacity() == self.buffer.len() {
            self.buffer.reserve(room);
        }
        poll_read_buf(Pin::new(&mut self.reader), cx, &mut self.buffer).map_ok(|count| self.eof = count == 0)
    }
}
