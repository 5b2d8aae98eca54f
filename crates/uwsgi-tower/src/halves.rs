//! A connection in two halves: a service may read a body in one task while its answer is written in another.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::io::{self, IoSlice};
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloc::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::listener::{Closed, Listener};

/// What can be seen of a connection, whatever the reactor knows: the functions of its [`Listener`].
#[derive(Debug)]
pub(crate) struct Look<IO> {
    /// Whether bytes can be read now; `None` if nobody can tell.
    pub(crate) has_bytes: fn(&IO) -> Option<bool>,
    /// What the peer has closed.
    pub(crate) closed: fn(&IO) -> Closed,
    /// Makes it ready to be polled elsewhere.
    pub(crate) settle: fn(&mut IO) -> io::Result<()>,
    /// Whether a peer that has ended what it sends has gone.
    pub(crate) end_is_close: bool,
}

impl<IO> Look<IO> {
    pub(crate) fn of<L: Listener<Io = IO>>() -> Self {
        Self { has_bytes: L::has_bytes, closed: L::closed, settle: L::settle, end_is_close: false }
    }
}

impl<IO> Clone for Look<IO> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<IO> Copy for Look<IO> {}

/// What both halves hold.
type Slot<IO> = Arc<Mutex<Held<IO>>>;

struct Held<IO> {
    /// The connection, until it is taken away.
    io: Option<IO>,
    /// Who waits to read, and is to hear of it when it is.
    reader: Option<Waker>,
}

/// The half that reads. When the connection was taken away, it says so.
pub(crate) struct ReadHalf<IO> {
    slot: Slot<IO>,
    look: Option<Look<IO>>,
}

/// The half that writes, to which the connection belongs.
pub(crate) struct WriteHalf<IO> {
    slot: Slot<IO>,
    look: Option<Look<IO>>,
}

/// Takes a connection apart. It is what [`tokio::io::split`] does, but that the connection can still be looked at, and ended
/// while a service holds the other half.
pub(crate) fn split<IO>(io: IO, look: Option<Look<IO>>) -> (ReadHalf<IO>, WriteHalf<IO>) {
    let slot = Arc::new(Mutex::new(Held { io: Some(io), reader: None }));
    (ReadHalf { slot: Arc::clone(&slot), look }, WriteHalf { slot, look })
}

/// Nothing that holds the lock waits, and a connection is no worse for a panic.
fn lock<IO>(slot: &Slot<IO>) -> MutexGuard<'_, Held<IO>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<IO: Unpin> Held<IO> {
    fn poll<T>(&mut self, act: impl FnOnce(Pin<&mut IO>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match &mut self.io {
            Some(io) => act(Pin::new(io)),
            None => Poll::Ready(Err(io::Error::new(io::ErrorKind::NotConnected, "the answer is over"))),
        }
    }
}

impl<IO> ReadHalf<IO> {
    pub(crate) fn has_bytes(&self) -> Option<bool> {
        let look = self.look.as_ref()?;
        lock(&self.slot).io.as_ref().and_then(look.has_bytes)
    }

    pub(crate) fn settle(&self) -> io::Result<()> {
        match (&self.look, &mut lock(&self.slot).io) {
            (Some(look), Some(io)) => (look.settle)(io),
            _ => Ok(()),
        }
    }
}

impl<IO> WriteHalf<IO> {
    /// Whether anybody can tell whether the peer has gone.
    pub(crate) const fn can_look(&self) -> bool {
        self.look.is_some()
    }

    /// Whether nobody waits for an answer.
    pub(crate) fn is_gone(&self) -> bool {
        let (Some(look), Some(io)) = (&self.look, &lock(&self.slot).io) else { return false };
        match (look.closed)(io) {
            Closed::All => true,
            Closed::Sending => look.end_is_close,
            Closed::Nothing => false,
        }
    }

    /// The connection.
    pub(crate) fn take(self) -> Option<IO> {
        self.take_away()
    }

    fn take_away(&self) -> Option<IO> {
        let mut held = lock(&self.slot);
        let (io, reader) = (held.io.take(), held.reader.take());
        drop(held);
        // What wakes the reader goes with the connection.
        if let Some(reader) = reader {
            reader.wake();
        }
        io
    }
}

/// The connection ends with the future that serves it, even if a task of the service still holds the other half.
impl<IO> Drop for WriteHalf<IO> {
    fn drop(&mut self) {
        drop(self.take_away());
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
        let held = &mut *lock(&self.slot);
        let read = held.poll(|io| io.poll_read(cx, buffer));
        if read.is_pending() {
            // Under the same lock: who takes it away wakes whoever is in here.
            match &mut held.reader {
                Some(reader) => reader.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
        read
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for WriteHalf<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        lock(&self.slot).poll(|io| io.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.slot).poll(|io| io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.slot).poll(|io| io.poll_shutdown(cx))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        lock(&self.slot).poll(|io| io.poll_write_vectored(cx, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        lock(&self.slot).io.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }
}
