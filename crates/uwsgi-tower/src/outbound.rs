//! The sending half of a connection: an answer out.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io::{self, IoSlice};

use tokio::io::{AsyncWrite, AsyncWriteExt};
use uwsgi::server::{Respond, TimeStep};

use crate::pace::Pace;

#[derive(Debug)]
pub(crate) struct Outbound<W> {
    writer: W,
    pub(crate) pace: Pace,
}

impl<W: AsyncWrite + Unpin> Outbound<W> {
    pub(crate) const fn new(writer: W, pace: Pace) -> Self {
        Self { writer, pace }
    }

    /// Writes a head and bytes of a body, all of them, for as long as the peer takes any.
    pub(crate) async fn send(&mut self, respond: &mut Respond, mut head: &[u8], mut body: &[u8]) -> io::Result<()> {
        poll_fn(|cx| {
            while !(head.is_empty() && body.is_empty()) {
                let count = match ready!(self.poll_write(respond, head, body, cx)) {
                    Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Ok(count) => count,
                    Err(error) => {
                        respond.broken();
                        return Poll::Ready(Err(error));
                    }
                };
                respond.wrote();
                body = body.get(count.saturating_sub(head.len())..).unwrap_or_default();
                head = head.get(count..).unwrap_or_default();
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Closes the sending direction.
    pub(crate) async fn shut_down(&mut self) -> io::Result<()> {
        self.writer.shutdown().await
    }

    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        self.writer.flush().await
    }

    pub(crate) fn into_writer(self) -> W {
        self.writer
    }

    fn poll_write(
        &mut self,
        respond: &mut Respond,
        head: &[u8],
        body: &[u8],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let writer = Pin::new(&mut self.writer);
        let wrote = match (head.is_empty(), body.is_empty()) {
            (true, _) => writer.poll_write(cx, body),
            (_, true) => writer.poll_write(cx, head),
            _ => writer.poll_write_vectored(cx, &[IoSlice::new(head), IoSlice::new(body)]),
        };
        if wrote.is_ready() {
            return wrote;
        }
        respond.blocked(self.pace.now());
        loop {
            if let Some(asked) = self.pace.stop_asked() {
                respond.shut_down(asked);
            }
            ready!(self.pace.poll_until(respond.deadline(), cx));
            if let TimeStep::Abort = respond.time(self.pace.now()) {
                let idle = io::Error::new(io::ErrorKind::TimedOut, "the peer takes no bytes of the answer");
                return Poll::Ready(Err(idle));
            }
        }
    }
}
