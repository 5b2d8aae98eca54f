//! The sending half of a connection: writes responses.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io::{self, IoSlice};

use tokio::io::AsyncWrite;
use uwsgi::Time;
use uwsgi::server::{Drain, Respond, TimeStep};

use crate::server::deadline::Deadlines;
use crate::server::halves::WriteHalf;

/// The sending half. A write fails if the peer does not take the bytes in time.
#[derive(Debug)]
pub(crate) struct Outbound<IO> {
    writer: WriteHalf<IO>,
    pub(crate) deadlines: Deadlines,
    /// Bytes were written since the last flush.
    is_unflushed: bool,
    /// The sending direction is closed.
    is_shut: bool,
    /// When to check next whether the peer has closed the connection. The first wait sets it.
    next_peer_check: Option<Time>,
}

/// The time between two checks whether the peer has closed the connection, while the server waits for the service. A check is a
/// system call.
const PEER_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The peer has closed the connection, and needs no response.
pub(crate) struct PeerGone;

impl<IO: AsyncWrite + Unpin> Outbound<IO> {
    pub(crate) const fn new(writer: WriteHalf<IO>, deadlines: Deadlines) -> Self {
        Self { writer, deadlines, is_unflushed: false, is_shut: false, next_peer_check: None }
    }

    /// Writes a whole head and all these bytes of a body. After an error, some bytes may have left, and no more bytes may be
    /// sent.
    pub(crate) async fn send(&mut self, respond: &mut Respond, head: &[u8], body: &[u8]) -> io::Result<()> {
        let sent = self.try_send(respond, head, body).await;
        if sent.is_err() {
            respond.broken();
        }
        sent
    }

    /// Returns whether written bytes may still wait for a flush.
    pub(crate) const fn is_unflushed(&self) -> bool {
        self.is_unflushed
    }

    /// Waits for a deadline or a stop while the service has nothing yet. Checks once a second whether the peer has closed the
    /// connection.
    pub(crate) fn poll_wait(&mut self, until: Option<Time>, cx: &mut Context<'_>) -> Poll<Result<(), PeerGone>> {
        if !self.writer.can_check_peer() {
            return self.deadlines.poll_until(until, cx).map(Ok);
        }
        let now = self.deadlines.now();
        let mut next = *self.next_peer_check.get_or_insert_with(|| now.after(PEER_CHECK_INTERVAL));
        if now >= next {
            if self.writer.peer_has_gone() {
                return Poll::Ready(Err(PeerGone));
            }
            next = now.after(PEER_CHECK_INTERVAL);
            self.next_peer_check = Some(next);
        }
        self.deadlines.poll_until(Some(until.unwrap_or(next).min(next)), cx).map(Ok)
    }

    /// Waits until the written bytes have left. Some connections buffer them, such as those of TLS.
    pub(crate) async fn flush(&mut self, respond: &mut Respond) -> io::Result<()> {
        let flushed = poll_fn(|cx| self.poll_in_time(respond, cx, |writer, cx| writer.poll_flush(cx))).await;
        self.is_unflushed = false;
        match flushed {
            Ok(()) => respond.wrote(0),
            Err(_) => respond.broken(),
        }
        flushed
    }

    /// Closes the sending direction. Fails at the deadline of the drain.
    pub(crate) async fn shut_down(&mut self, drain: &Drain) -> io::Result<()> {
        if self.is_shut {
            return Ok(());
        }
        poll_fn(|cx| {
            if let Poll::Ready(shut) = Pin::new(&mut self.writer).poll_shutdown(cx) {
                self.is_shut = true;
                return Poll::Ready(shut);
            }
            while self.deadlines.now() < drain.deadline() {
                ready!(self.deadlines.poll_until(Some(drain.deadline()), cx));
            }
            Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the peer did not take the end of the response in time",
            )))
        })
        .await
    }

    /// Returns the connection.
    pub(crate) fn into_io(self) -> Option<IO> {
        self.writer.into_io()
    }

    async fn try_send(&mut self, respond: &mut Respond, mut head: &[u8], mut body: &[u8]) -> io::Result<()> {
        while !(head.is_empty() && body.is_empty()) {
            let write = |writer: Pin<&mut WriteHalf<IO>>, cx: &mut Context<'_>| match (head.is_empty(), body.is_empty())
            {
                (true, _) => writer.poll_write(cx, body),
                (_, true) => writer.poll_write(cx, head),
                _ => writer.poll_write_vectored(cx, &[IoSlice::new(head), IoSlice::new(body)]),
            };
            let count = poll_fn(|cx| self.poll_in_time(respond, cx, write)).await?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.is_unflushed = true;
            respond.wrote(count.saturating_sub(head.len()));
            body = body.get(count.saturating_sub(head.len())..).unwrap_or_default();
            head = head.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// Polls a write or a flush until the deadline of the response. The clock is read after each try: if this task is late, the
    /// bytes that the peer has taken still count.
    fn poll_in_time<T>(
        &mut self,
        respond: &mut Respond,
        cx: &mut Context<'_>,
        mut act: impl FnMut(Pin<&mut WriteHalf<IO>>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(done) = act(Pin::new(&mut self.writer), cx) {
            return Poll::Ready(done);
        }
        respond.blocked(self.deadlines.now());
        loop {
            if let Some(asked) = self.deadlines.stop_asked() {
                respond.shut_down(asked);
            }
            if let TimeStep::Abort = respond.time(self.deadlines.now()) {
                let late = match respond.cut() {
                    Some(cut) => io::Error::new(io::ErrorKind::TimedOut, cut),
                    None => io::ErrorKind::TimedOut.into(),
                };
                return Poll::Ready(Err(late));
            }
            ready!(self.deadlines.poll_until(respond.deadline(), cx));
        }
    }
}
