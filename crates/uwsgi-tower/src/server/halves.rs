//! A connection in two halves: a service may read a body in one task while another task writes the response.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::io::{self, IoSlice};
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloc::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::listener::{Closed, Listener};

/// The functions of a [`Listener`] that ask the kernel about a connection. The kernel may know more than the runtime.
#[derive(Debug)]
pub(crate) struct SocketHooks<IO> {
    /// Returns whether bytes can be read now; `None` if that cannot be known.
    pub(crate) has_bytes: fn(&IO) -> Option<bool>,
    /// Returns what the peer has closed.
    pub(crate) closed: fn(&IO) -> Closed,
    /// Prepares the connection to be polled by other tasks and threads.
    pub(crate) settle: fn(&mut IO) -> io::Result<()>,
    /// Whether a peer that sends nothing more may still wait for its response.
    pub(crate) half_close: bool,
}

impl<IO> SocketHooks<IO> {
    /// Takes the functions of a listener.
    pub(crate) fn of<L: Listener<Io = IO>>() -> Self {
        Self { has_bytes: L::has_bytes, closed: L::closed, settle: L::settle, half_close: true }
    }
}

impl<IO> Clone for SocketHooks<IO> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<IO> Copy for SocketHooks<IO> {}

/// What both halves share.
type Shared<IO> = Arc<Mutex<State<IO>>>;

struct State<IO> {
    /// The connection, until it is taken.
    io: Option<IO>,
    /// The task that waits to read. It is woken when the connection is taken.
    reader: Option<Waker>,
}

/// The half that reads. Reads fail once the connection is taken.
pub(crate) struct ReadHalf<IO> {
    shared: Shared<IO>,
    hooks: Option<SocketHooks<IO>>,
}

/// The half that writes. When it is dropped, the connection is dropped.
pub(crate) struct WriteHalf<IO> {
    shared: Shared<IO>,
    hooks: Option<SocketHooks<IO>>,
}

/// Splits a connection. Unlike [`tokio::io::split`], this lets the server ask the kernel about the connection, and end it while
/// a service holds the other half.
pub(crate) fn split<IO>(io: IO, hooks: Option<SocketHooks<IO>>) -> (ReadHalf<IO>, WriteHalf<IO>) {
    let shared = Arc::new(Mutex::new(State { io: Some(io), reader: None }));
    (ReadHalf { shared: Arc::clone(&shared), hooks }, WriteHalf { shared, hooks })
}

/// Locks the state. No holder of the lock waits, and a panic of a holder does not damage the connection.
fn lock<IO>(shared: &Shared<IO>) -> MutexGuard<'_, State<IO>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<IO: Unpin> State<IO> {
    fn poll<T>(&mut self, act: impl FnOnce(Pin<&mut IO>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match &mut self.io {
            Some(io) => act(Pin::new(io)),
            None => Poll::Ready(Err(io::Error::new(io::ErrorKind::NotConnected, "the answer is over"))),
        }
    }
}

impl<IO> ReadHalf<IO> {
    pub(crate) fn has_bytes(&self) -> Option<bool> {
        let hooks = self.hooks.as_ref()?;
        lock(&self.shared).io.as_ref().and_then(hooks.has_bytes)
    }

    pub(crate) fn settle(&self) -> io::Result<()> {
        match (&self.hooks, &mut lock(&self.shared).io) {
            (Some(hooks), Some(io)) => (hooks.settle)(io),
            _ => Ok(()),
        }
    }
}

impl<IO> WriteHalf<IO> {
    /// Returns whether [`peer_has_gone`](Self::peer_has_gone) can notice a close.
    pub(crate) const fn can_check_peer(&self) -> bool {
        self.hooks.is_some()
    }

    /// Returns whether the peer has closed the connection, and so needs no response.
    pub(crate) fn peer_has_gone(&self) -> bool {
        let (Some(hooks), Some(io)) = (&self.hooks, &lock(&self.shared).io) else { return false };
        match (hooks.closed)(io) {
            Closed::All => true,
            Closed::Sending => !hooks.half_close,
            Closed::Nothing => false,
        }
    }

    /// Returns the connection.
    pub(crate) fn into_io(self) -> Option<IO> {
        self.take_io()
    }

    fn take_io(&self) -> Option<IO> {
        let mut state = lock(&self.shared);
        let (io, reader) = (state.io.take(), state.reader.take());
        drop(state);
        // The connection can no longer wake the reader.
        if let Some(reader) = reader {
            reader.wake();
        }
        io
    }
}

/// Ends the connection when the future that serves it is dropped, even if a task of the service still holds the other half.
impl<IO> Drop for WriteHalf<IO> {
    fn drop(&mut self) {
        drop(self.take_io());
    }
}

impl<IO> fmt::Debug for WriteHalf<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteHalf").finish_non_exhaustive()
    }
}

impl<IO> fmt::Debug for ReadHalf<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadHalf").finish_non_exhaustive()
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for ReadHalf<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let state = &mut *lock(&self.shared);
        let read = state.poll(|io| io.poll_read(cx, buffer));
        if read.is_pending() {
            // The waker is stored under the same lock, so that `take_io` cannot miss it.
            match &mut state.reader {
                Some(reader) => reader.clone_from(cx.waker()),
                empty => *empty = Some(cx.waker().clone()),
            }
        }
        read
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for WriteHalf<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        lock(&self.shared).poll(|io| io.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.shared).poll(|io| io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.shared).poll(|io| io.poll_shutdown(cx))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        lock(&self.shared).poll(|io| io.poll_write_vectored(cx, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        lock(&self.shared).io.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }
}
