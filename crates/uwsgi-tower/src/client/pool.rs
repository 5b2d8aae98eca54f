//! The idle connections of a client.

use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::{Handle, Id};
use tokio::time::{Instant, sleep_until};

/// A connection to a backend.
pub(crate) trait Io: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {
    /// Returns whether the peer has sent nothing, not even the end, as far as this is known.
    fn is_silent(&self) -> bool;
}

/// A connection that a connector has made. The client cannot ask what its peer has sent before it reads.
#[derive(Debug)]
pub(crate) struct Connected<I>(pub(crate) I);

impl<I: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> Io for Connected<I> {
    fn is_silent(&self) -> bool {
        true
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Connected<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Connected<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}

/// The idle connections to a backend, the oldest first.
///
/// While there are idle connections, a task watches them, so that the next request does not get a closed connection. The task
/// closes a connection that has been idle for too long. It also closes a connection on which something arrives, because that is
/// the end of the stream, or bytes that no request asked for. A connection is used only in the runtime that kept it. When the
/// runtime of the task ends, the connections are closed.
#[derive(Debug)]
pub(crate) struct Pool {
    max_idle: usize,
    keep_for: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    connections: VecDeque<Idle>,
    /// Wakes the task that watches, if there is one.
    watcher: Option<Waker>,
}

#[derive(Debug)]
struct Idle {
    io: Box<dyn Io>,
    until: Instant,
    runtime: Id,
}

impl Pool {
    pub(crate) fn new(max_idle: usize, keep_for: Duration) -> Self {
        Self { max_idle, keep_for, state: Mutex::default() }
    }

    /// Takes the most recently used connection that is still usable.
    pub(crate) fn take(&self) -> Option<Box<dyn Io>> {
        let (now, runtime) = (Instant::now(), Handle::try_current().ok()?.id());
        let mut state = self.lock();
        loop {
            let at = state.connections.iter().rposition(|idle| idle.runtime == runtime)?;
            let idle = state.connections.remove(at)?;
            if idle.until > now && idle.io.is_silent() {
                return Some(idle.io);
            }
        }
    }

    /// Keeps a connection to be used again. If there are too many, the oldest one is closed.
    pub(crate) fn keep(self: &Arc<Self>, io: Box<dyn Io>) {
        // Outside a runtime no task could watch the connection.
        let (Ok(runtime), Some(until)) = (Handle::try_current(), Instant::now().checked_add(self.keep_for)) else {
            return;
        };
        if self.max_idle == 0 {
            return;
        }
        let mut state = self.lock();
        if state.connections.len() >= self.max_idle {
            state.connections.pop_front();
        }
        state.connections.push_back(Idle { io, until, runtime: runtime.id() });
        match &state.watcher {
            Some(watcher) => watcher.wake_by_ref(),
            None => {
                state.watcher = Some(Waker::noop().clone());
                // A runtime that ends drops the task at once, and `Watcher::drop` takes the lock.
                drop(state);
                runtime.spawn(watch(Watcher { pool: Arc::downgrade(self), is_done: false }));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the connections that cannot be used again. Returns when the next connection is too old; `None` if no connections
    /// are left.
    fn close_unusable(&self, cx: &mut Context<'_>) -> Option<Instant> {
        let now = Instant::now();
        let mut state = self.lock();
        state.connections.retain_mut(|idle| idle.until > now && idle.is_waiting(cx));
        let next = state.connections.front().map(|idle| idle.until);
        state.watcher = next.map(|_| cx.waker().clone());
        next
    }
}

impl Idle {
    fn is_waiting(&mut self, cx: &mut Context<'_>) -> bool {
        Pin::new(&mut self.io).poll_read(cx, &mut ReadBuf::new(&mut [0])).is_pending()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(watcher) = self.lock().watcher.take() {
            watcher.wake();
        }
    }
}

/// The state of the task that watches. If the runtime drops the task, the connections are closed.
struct Watcher {
    pool: Weak<Pool>,
    /// The task has ended by itself, because no connections are left.
    is_done: bool,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let (false, Some(pool)) = (self.is_done, self.pool.upgrade()) {
            let mut state = pool.lock();
            state.watcher = None;
            state.connections.clear();
        }
    }
}

/// Watches the connections of a pool until none are left.
async fn watch(mut watcher: Watcher) {
    let mut timer = pin!(sleep_until(Instant::now()));
    poll_fn(|cx| {
        loop {
            let Some(next) = watcher.pool.upgrade().and_then(|pool| pool.close_unusable(cx)) else {
                watcher.is_done = true;
                return Poll::Ready(());
            };
            timer.as_mut().reset(next);
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await;
}
