//! A client's stream that notes what moves on it.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::io::{self, IoSlice};

use alloc::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::client_io::phase::Phase;

/// A client's stream that notes what moves on it, for the [clock](crate::client_io::ConnectionClock).
///
/// If it is dropped inside an answer that only the close of the connection ends, the close is a reset, so that the client sees
/// that the answer is not whole.
#[derive(Debug)]
pub(crate) struct ObservedIo<S> {
    /// `None` once it was taken.
    stream: Option<S>,
    close_with_reset: fn(&S),
    phase: Arc<Phase>,
    /// The client has sent the end of its stream.
    eof: bool,
}

impl<S> ObservedIo<S> {
    /// `close_with_reset` sets that the close of the stream is a reset.
    pub(crate) const fn new(stream: S, close_with_reset: fn(&S), phase: Arc<Phase>) -> Self {
        Self { stream: Some(stream), close_with_reset, phase, eof: false }
    }

    /// Takes the stream. The new owner closes it.
    pub(crate) const fn take(&mut self) -> Option<S> {
        self.stream.take()
    }

    /// Returns whether the client has not sent the end of its stream.
    pub(crate) const fn is_open(&self) -> bool {
        !self.eof
    }

    /// Closes the connection with a reset.
    pub(crate) fn reset(mut self) {
        if let Some(stream) = self.take() {
            (self.close_with_reset)(&stream);
        }
    }
}

impl<S> Drop for ObservedIo<S> {
    fn drop(&mut self) {
        if let (true, Some(stream)) = (self.phase.is_inside_answer_to_close(), &self.stream) {
            (self.close_with_reset)(stream);
        }
    }
}

/// The error of a stream that was taken.
fn taken<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}

impl<S: AsyncRead + Unpin> AsyncRead for ObservedIo<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let Some(stream) = &mut this.stream else { return taken() };
        let read = Pin::new(stream).poll_read(cx, buffer);
        if read.is_ready() {
            if buffer.filled().len() == before {
                this.eof = true;
            } else {
                this.phase.begin_head();
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ObservedIo<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let Some(stream) = &mut this.stream else { return taken() };
        let written = Pin::new(stream).poll_write(cx, bytes);
        this.phase.set_written(written.is_ready());
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(stream) = &mut self.get_mut().stream else { return taken() };
        Pin::new(stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(stream) = &mut self.get_mut().stream else { return taken() };
        Pin::new(stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let Some(stream) = &mut this.stream else { return taken() };
        let written = Pin::new(stream).poll_write_vectored(cx, pieces);
        this.phase.set_written(written.is_ready());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }
}
