//! The socket of a client.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{timeout, timeout_at};

use crate::client_io::deadline_after;

/// The socket of a client: TCP, or a Unix socket.
#[derive(Debug)]
pub(crate) enum ClientSocket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// How long a connection is read after its last answer, so that the client gets the answer (RFC 9112 section 9.6). nginx has
/// the same time (`lingering_time`).
const LINGER: Duration = Duration::from_secs(30);

/// How long a client may be silent that still sends a request, as in nginx (`lingering_timeout`).
pub(crate) const LONG_SILENCE: Duration = Duration::from_secs(5);
/// How long a client may be silent whose request was read to its end. It may have sent the next one already.
pub(crate) const SHORT_SILENCE: Duration = Duration::from_secs(1);

impl ClientSocket {
    /// Makes a socket of a connected TCP socket that does not block.
    pub(crate) fn tcp(descriptor: OwnedFd) -> io::Result<Self> {
        let stream = TcpStream::from_std(descriptor.into())?;
        stream.set_nodelay(true)?;
        Ok(Self::Tcp(stream))
    }

    /// Makes a socket of a connected Unix socket that does not block.
    pub(crate) fn unix(descriptor: OwnedFd) -> io::Result<Self> {
        Ok(Self::Unix(UnixStream::from_std(descriptor.into())?))
    }

    /// Sets that the close of the connection is a reset, so that the client sees that its answer is not whole. A client of a
    /// Unix socket sees an error if it still sends, else only the end.
    pub(crate) fn close_with_reset(&self) {
        let descriptor = match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        };
        // If this fails, the connection ends without a reset.
        let _ = sockopt::set_socket_linger(descriptor, Some(Duration::ZERO));
    }
}

/// Closes a connection after its last answer: half-closes it, and reads what the client still sends. Otherwise the kernel would
/// reset the connection, and the client could lose the answer. It ends when the client is silent for `silence`.
pub(crate) async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin, silence: Duration) {
    let until = deadline_after(LINGER);
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut buffer = alloc::vec![0; 16 << 10];
    while let Ok(Ok(Ok(1..))) = timeout_at(until, timeout(silence, stream.read(&mut buffer))).await {}
}

impl AsyncRead for ClientSocket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for ClientSocket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A socket has no buffer of its own.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}
