//! A client's stream that notes what moves on it.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::io::{self, IoSlice};

use alloc::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::client_io::phase::Phase;

/// A client's stream that notes what moves on it, for the [clock](crate::client_io::ConnectionClock).
#[derive(Debug)]
pub(crate) struct ObservedIo<S> {
    stream: S,
    phase: Arc<Phase>,
    /// The client has sent the end of its stream.
    eof: bool,
}

impl<S> ObservedIo<S> {
    pub(crate) const fn new(stream: S, phase: Arc<Phase>) -> Self {
        Self { stream, phase, eof: false }
    }

    /// Returns the stream, if the client has not sent its end.
    pub(crate) fn into_open_stream(self) -> Option<S> {
        Some(self.stream).filter(|_| !self.eof)
    }

    /// Returns the stream.
    pub(crate) fn into_stream(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ObservedIo<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
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
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.phase.set_written(written.is_ready());
        written
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
        this.phase.set_written(written.is_ready());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
