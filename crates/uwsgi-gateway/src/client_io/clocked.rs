//! A client's stream with the clocks for heads, for idle connections and for answers.
//!
//! hyper's own clock for heads also runs while a kept connection is idle (hyper 1.12, `header_read_timeout`), so the two times
//! could not differ.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io::{self, IoSlice};

use alloc::boxed::Box;
use alloc::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep_until};

use crate::client_io::after;
use crate::client_io::phase::{Phase, Waiting};
use crate::client_io::socket::ClientStream;
use crate::settings::Timeouts;

/// A client's stream with clocks. After the time for a request or for a head, a read finds the end of the stream: the
/// connection closes without an answer. After the time in which a client takes no byte, a write fails.
#[derive(Debug)]
pub(crate) struct ClockedIo<S> {
    stream: S,
    phase: Arc<Phase>,
    timeouts: Timeouts,
    read_clock: Clock,
    /// What the clock for reads runs for.
    clock_is_for: Waiting,
    write_clock: Clock,
    /// The client takes no byte of an answer at present.
    write_waits: bool,
    /// The client has sent the end of its stream.
    eof: bool,
}

impl<S: ClientStream> ClockedIo<S> {
    pub(crate) fn new(stream: S, phase: Arc<Phase>, timeouts: Timeouts) -> Self {
        Self {
            stream,
            phase,
            timeouts,
            read_clock: Clock::default(),
            clock_is_for: Waiting::Answer,
            write_clock: Clock::default(),
            write_waits: false,
            eof: false,
        }
    }

    /// Returns the stream, if the client has not sent its end.
    pub(crate) fn into_open_stream(self) -> Option<S> {
        Some(self.stream).filter(|_| !self.eof)
    }

    /// Returns the stream.
    pub(crate) fn into_stream(self) -> S {
        self.stream
    }

    /// Runs the clock of what the connection waits for. It is ready when the time is over.
    fn poll_read_clock(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let waiting = self.phase.waiting();
        let time = match waiting {
            Waiting::Request => self.timeouts.keepalive,
            Waiting::Head => self.timeouts.headers,
            Waiting::Answer => Duration::ZERO,
        };
        // The last bytes of an answer may still be on their way, when the service is ready for the next request.
        if self.write_waits || waiting == Waiting::Answer {
            self.clock_is_for = Waiting::Answer;
            return Poll::Pending;
        }
        if self.clock_is_for != waiting {
            self.clock_is_for = waiting;
            self.read_clock.start(time);
        }
        self.read_clock.poll(cx)
    }

    fn poll_written(&mut self, written: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.write_waits = false;
            // The time for the next request begins after the last byte of this answer.
            self.clock_is_for = Waiting::Answer;
            return written;
        }
        if !self.write_waits {
            self.write_waits = true;
            self.write_clock.start(self.timeouts.send);
        }
        ready!(self.write_clock.poll(cx));
        tracing::info!("the client took no byte of its answer for {:?}: see --send-timeout", self.timeouts.send);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: ClientStream> AsyncRead for ClockedIo<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(cx, buffer) {
            if buffer.filled().len() == before {
                this.eof = true;
            } else if this.phase.waiting() == Waiting::Request {
                this.phase.set(Waiting::Head);
            }
            return Poll::Ready(read);
        }
        this.poll_read_clock(cx).map(Ok)
    }
}

impl<S: ClientStream> AsyncWrite for ClockedIo<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.poll_written(written, cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, pieces);
        this.poll_written(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// A timer that is made when it is needed first.
#[derive(Debug, Default)]
struct Clock {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    /// Starts the clock anew.
    fn start(&mut self, time: Duration) {
        let until = after(time);
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(until),
            None => self.sleep = Some(Box::pin(sleep_until(until))),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
