//! Connections that wait for another request.

use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::{Handle, Id};
use tokio::time::{Instant, sleep_until};

/// A connection to a backend.
pub(crate) trait Io: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {
    /// Whether nothing came, not even the end, as far as anybody can tell.
    fn is_silent(&self) -> bool;
}

/// The connections of a backend that wait for another request, the oldest first.
///
/// While there are any, a task watches them: it closes those on which something comes, which can only be the end or what nobody
/// asked for, and those that have waited too long. None is left for the next request to stumble over. A connection belongs to the
/// runtime that it was made in, and no other runtime uses it. When the task's runtime ends, the connections that are left are closed.
#[derive(Debug)]
pub(crate) struct Pool {
    most: usize,
    age: Duration,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    connections: VecDeque<Idle>,
    /// The task that watches, if there is one.
    watch: Option<Waker>,
}

#[derive(Debug)]
struct Idle {
    io: Box<dyn Io>,
    until: Instant,
    runtime: Id,
}

impl Pool {
    pub(crate) fn new(most: usize, age: Duration) -> Self {
        Self { most, age, kept: Mutex::default() }
    }

    /// The one that was used last, and still can be.
    pub(crate) fn take(&self) -> Option<Box<dyn Io>> {
        let (now, runtime) = (Instant::now(), Handle::try_current().ok()?.id());
        let mut kept = self.lock();
        loop {
            let at = kept.connections.iter().rposition(|idle| idle.runtime == runtime)?;
            let idle = kept.connections.remove(at)?;
            if idle.until > now && idle.io.is_silent() {
                return Some(idle.io);
            }
        }
    }

    /// Keeps one that can be used again, in place of the oldest if there are too many.
    pub(crate) fn keep(self: &Arc<Self>, io: Box<dyn Io>) {
        // Without a runtime nobody would close it.
        let (Ok(runtime), Some(until)) = (Handle::try_current(), Instant::now().checked_add(self.age)) else { return };
        if self.most == 0 {
            return;
        }
        let mut kept = self.lock();
        if kept.connections.len() >= self.most {
            kept.connections.pop_front();
        }
        kept.connections.push_back(Idle { io, until, runtime: runtime.id() });
        match &kept.watch {
            Some(watch) => watch.wake_by_ref(),
            None => {
                kept.watch = Some(Waker::noop().clone());
                // A runtime that is ending drops the task at once, which takes the lock.
                drop(kept);
                runtime.spawn(watch(Watching { pool: Arc::downgrade(self), is_over: false }));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes those that are of no more use. When to look again; `None` if there are no more.
    fn sift(&self, cx: &mut Context<'_>) -> Option<Instant> {
        let now = Instant::now();
        let mut kept = self.lock();
        kept.connections.retain_mut(|idle| idle.until > now && idle.is_waiting(cx));
        let next = kept.connections.front().map(|idle| idle.until);
        kept.watch = next.map(|_| cx.waker().clone());
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
        if let Some(watch) = self.lock().watch.take() {
            watch.wake();
        }
    }
}

/// A task that watches, as long as its runtime lets it.
struct Watching {
    pool: Weak<Pool>,
    /// Nothing is left to be watched.
    is_over: bool,
}

impl Drop for Watching {
    fn drop(&mut self) {
        if let (false, Some(pool)) = (self.is_over, self.pool.upgrade()) {
            let mut kept = pool.lock();
            kept.watch = None;
            kept.connections.clear();
        }
    }
}

/// Watches the connections of a pool, until there are none.
async fn watch(mut watching: Watching) {
    let mut timer = pin!(sleep_until(Instant::now()));
    poll_fn(|cx| {
        loop {
            let Some(next) = watching.pool.upgrade().and_then(|pool| pool.sift(cx)) else {
                watching.is_over = true;
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
