//! The receiving half of a connection: reads packets and bodies.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;

use alloc::sync::Arc;
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;
use uwsgi::Modifier1;
use uwsgi::server::{BodyStep, Drain, DrainStep, HeadStep, Receive, Refusal};

use crate::server::deadline::Deadlines;
use crate::server::halves::ReadHalf;

/// Reads packets and bodies into one buffer. Bytes that were read past a packet belong to its body.
#[derive(Debug)]
pub(crate) struct Inbound<IO> {
    reader: ReadHalf<IO>,
    pub(crate) receive: Receive,
    buffer: BytesMut,
    eof: bool,
    /// If the last poll left a read pending: how many bytes that read had room for.
    pending_read: Option<usize>,
    pub(crate) deadlines: Deadlines,
}

/// The packet of a request, or what arrived instead.
#[derive(Debug)]
pub(crate) enum Head {
    Close,
    /// A whole packet.
    Packet(Bytes),
    Ping,
    Refuse(Refusal),
}

/// Why the rest of a body cannot be read.
#[derive(Debug, Clone)]
pub(crate) enum BodyFailure {
    Peer(Refusal),
    Io(Arc<io::Error>),
}

/// The first size of the buffer. Packets of browsers have 500 to 1,500 bytes.
const FIRST_BUFFER: usize = 4096;
/// The most bytes of a body that one read takes.
const MAX_READ: usize = 32 << 10;

impl<IO: AsyncRead + Unpin> Inbound<IO> {
    pub(crate) fn new(reader: ReadHalf<IO>, receive: Receive, deadlines: Deadlines) -> Self {
        Self { reader, receive, buffer: BytesMut::new(), eof: false, pending_read: None, deadlines }
    }

    /// Waits for the next packet as long as the settings allow.
    pub(crate) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Head>> {
        if let Err(error) = self.catch_up(cx) {
            return Poll::Ready(Err(error));
        }
        loop {
            return Poll::Ready(Ok(match self.receive.head(&self.buffer, self.eof, self.deadlines.now()) {
                HeadStep::Need(_) => {
                    // The buffer grows with the bytes that arrived, and not with the announced size.
                    let most = self.receive.settings().smallest_buffer().max(FIRST_BUFFER);
                    let room = self.buffer.len().clamp(FIRST_BUFFER, most);
                    match self.poll_fill(room, cx) {
                        Poll::Ready(Ok(())) => continue,
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                        Poll::Pending => return Poll::Pending,
                    }
                }
                HeadStep::Head { end } => Head::Packet(self.buffer.split_to(end).freeze()),
                // A service of `http` cannot answer such a packet.
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

    /// Waits for the next bytes of the body; `None` is its end.
    pub(crate) fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyFailure>>> {
        if let Err(error) = self.catch_up(cx) {
            return Poll::Ready(Some(Err(BodyFailure::Io(Arc::new(error)))));
        }
        loop {
            match self.receive.body(&self.buffer, self.eof, self.deadlines.now()) {
                BodyStep::Body { skip, take } => {
                    self.buffer.advance(skip);
                    if take > 0 {
                        return Poll::Ready(Some(Ok(self.buffer.split_to(take).freeze())));
                    }
                }
                BodyStep::Need(more) => match self.poll_fill(more.clamp(1, MAX_READ), cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(BodyFailure::Io(Arc::new(error))))),
                    Poll::Pending => return Poll::Pending,
                },
                BodyStep::End { skip } => {
                    self.buffer.advance(skip);
                    return Poll::Ready(None);
                }
                BodyStep::Fail(refusal) => return Poll::Ready(Some(Err(BodyFailure::Peer(refusal)))),
            }
        }
    }

    /// Returns whether this many bytes were read already.
    pub(crate) fn has_buffered(&self, length: u64) -> bool {
        u64::try_from(self.buffer.len()).is_ok_and(|read| read >= length)
    }

    /// Prepares this half to be polled by another task, on another thread, or outside any runtime. This does what needs the
    /// runtime of the server.
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        self.deadlines.make_timer();
        self.reader.settle()
    }

    /// Returns whether the peer may have sent bytes after its request.
    pub(crate) fn may_have_more(&self) -> bool {
        !self.buffer.is_empty() || self.reader.has_bytes() != Some(false)
    }

    /// Reads and drops what the peer still sends after the response, within the bounds of `drain`. The bytes of the buffer do
    /// not count, because they were read before.
    pub(crate) fn poll_drain(&mut self, drain: &mut Drain, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.buffer.clear();
        loop {
            let dropped = self.buffer.len();
            self.buffer.clear();
            match drain.step(dropped, self.eof, self.deadlines.now()) {
                DrainStep::Close => return Poll::Ready(Ok(())),
                DrainStep::Need(most) => match self.poll_read(most.min(MAX_READ), cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => match self.deadlines.poll_until(Some(drain.deadline()), cx) {
                        Poll::Ready(()) => {}
                        Poll::Pending => return Poll::Pending,
                    },
                },
            }
        }
    }

    /// Returns the bytes that were read and not used.
    pub(crate) fn into_unused(self) -> Bytes {
        self.buffer.freeze()
    }

    /// Reads what arrived since the last poll, before the clock is read. If only this task is late, the peer was in time.
    fn catch_up(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(room) = self.pending_read.take() else { return Ok(()) };
        match self.poll_read(room, cx) {
            Poll::Ready(read) => read,
            Poll::Pending => Ok(()),
        }
    }

    /// Reads once. It is also ready at a deadline or a stop: the state machine must be asked again then.
    fn poll_fill(&mut self, room: usize, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(read) = self.poll_read(room, cx) {
            return Poll::Ready(read);
        }
        self.apply_stop();
        let woken = self.deadlines.poll_until(self.receive.deadline(), cx);
        self.apply_stop();
        if woken.is_pending() {
            self.pending_read = Some(room);
            return Poll::Pending;
        }
        // If bytes arrived meanwhile, they count, and not the deadline.
        match self.poll_read(room, cx) {
            Poll::Pending => Poll::Ready(Ok(())),
            read => read,
        }
    }

    /// Tells the state machine of a stop, unless the first bytes of a request wait in the socket. These bytes came before the
    /// stop, even if the runtime has not reported them yet.
    fn apply_stop(&mut self) {
        if let Some(asked) = self.deadlines.stop_asked() {
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
