//! The sending half of a connection: an answer out.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io::{self, IoSlice};

use tokio::io::AsyncWrite;
use uwsgi::server::{Drain, Respond, Time, TimeStep};

use crate::halves::WriteHalf;
use crate::pace::Pace;

/// Writes, for as long as the peer takes anything.
#[derive(Debug)]
pub(crate) struct Outbound<IO> {
    writer: WriteHalf<IO>,
    pub(crate) pace: Pace,
    /// Something was written since the last flush.
    holds_bytes: bool,
    /// The sending direction is closed.
    is_shut: bool,
    /// When to look next whether the peer has gone, if it was waited for already.
    look: Option<Time>,
}

/// How often somebody looks whether the peer has gone, while the service is waited for.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// The peer takes nothing any more, and sends nothing.
pub(crate) struct Gone;

impl<IO: AsyncWrite + Unpin> Outbound<IO> {
    pub(crate) const fn new(writer: WriteHalf<IO>, pace: Pace) -> Self {
        Self { writer, pace, holds_bytes: false, is_shut: false, look: None }
    }

    /// Writes a head and bytes of a body, all of them. If that fails, bytes are lost, and none may follow them.
    pub(crate) async fn send(&mut self, respond: &mut Respond, head: &[u8], body: &[u8]) -> io::Result<()> {
        let sent = self.try_send(respond, head, body).await;
        if sent.is_err() {
            respond.broken();
        }
        sent
    }

    /// Whether something may wait for a flush.
    pub(crate) const fn holds_bytes(&self) -> bool {
        self.holds_bytes
    }

    /// While the service is waited for: ready when something is to be decided. Who has gone waits for nothing.
    pub(crate) fn poll_wait(&mut self, until: Option<Time>, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        if !self.writer.can_look() {
            return self.pace.poll_until(until, cx).map(Ok);
        }
        let now = self.pace.now();
        let mut next = *self.look.get_or_insert_with(|| now.after(BETWEEN_LOOKS));
        if now >= next {
            if self.writer.is_gone() {
                return Poll::Ready(Err(Gone));
            }
            next = now.after(BETWEEN_LOOKS);
            self.look = Some(next);
        }
        self.pace.poll_until(Some(until.unwrap_or(next).min(next)), cx).map(Ok)
    }

    /// Waits until what was written has left, where a connection holds bytes back.
    pub(crate) async fn flush(&mut self, respond: &mut Respond) -> io::Result<()> {
        let flushed = poll_fn(|cx| self.poll_in_time(respond, cx, |writer, cx| writer.poll_flush(cx))).await;
        self.holds_bytes = false;
        match flushed {
            Ok(()) => respond.wrote(0),
            Err(_) => respond.broken(),
        }
        flushed
    }

    /// Closes the sending direction, in the time that there is for the end of a connection.
    pub(crate) async fn shut_down(&mut self, drain: &Drain) -> io::Result<()> {
        if self.is_shut {
            return Ok(());
        }
        poll_fn(|cx| {
            if let Poll::Ready(shut) = Pin::new(&mut self.writer).poll_shutdown(cx) {
                self.is_shut = true;
                return Poll::Ready(shut);
            }
            while self.pace.now() < drain.deadline() {
                ready!(self.pace.poll_until(Some(drain.deadline()), cx));
            }
            Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes no end of the answer")))
        })
        .await
    }

    /// The connection.
    pub(crate) fn into_io(self) -> Option<IO> {
        self.writer.take()
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
            self.holds_bytes = true;
            respond.wrote(count.saturating_sub(head.len()));
            body = body.get(count.saturating_sub(head.len())..).unwrap_or_default();
            head = head.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// Does something that the peer may not let be done. Whether it has not for too long is asked behind a try, so that what
    /// it takes late is never taken for nothing.
    fn poll_in_time<T>(
        &mut self,
        respond: &mut Respond,
        cx: &mut Context<'_>,
        mut act: impl FnMut(Pin<&mut WriteHalf<IO>>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(done) = act(Pin::new(&mut self.writer), cx) {
            return Poll::Ready(done);
        }
        respond.blocked(self.pace.now());
        loop {
            if let Some(asked) = self.pace.stop_asked() {
                respond.shut_down(asked);
            }
            if let TimeStep::Abort = respond.time(self.pace.now()) {
                let late = match respond.cut() {
                    Some(cut) => io::Error::new(io::ErrorKind::TimedOut, cut),
                    None => io::ErrorKind::TimedOut.into(),
                };
                return Poll::Ready(Err(late));
            }
            ready!(self.pace.poll_until(respond.deadline(), cx));
        }
    }
}
