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
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

/// A connection to a backend.
pub(crate) trait Io: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {
    /// Whether nothing came, not even the end, as far as anybody can tell.
    fn is_silent(&self) -> bool;
}

/// The connections of a backend that wait for another request, the oldest first.
///
/// While there are any, a task watches them: it closes those on which something comes, which can only be the end or what nobody
/// asked for, and those that have waited too long. None is left for the next request to stumble over.
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
}

impl Pool {
    pub(crate) fn new(most: usize, age: Duration) -> Self {
        Self { most, age, kept: Mutex::default() }
    }

    /// The one that was used last, and still can be.
    pub(crate) fn take(&self) -> Option<Box<dyn Io>> {
        let now = Instant::now();
        let mut kept = self.lock();
        core::iter::from_fn(|| kept.connections.pop_back())
            .find(|idle| idle.until > now && idle.io.is_silent())
            .map(|idle| idle.io)
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
        kept.connections.push_back(Idle { io, until });
        match &kept.watch {
            Some(watch) => watch.wake_by_ref(),
            None => {
                kept.watch = Some(Waker::noop().clone());
                runtime.spawn(watch(Arc::downgrade(self)));
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

/// Watches the connections of a pool, until there are none.
async fn watch(pool: Weak<Pool>) {
    let mut timer = pin!(sleep_until(Instant::now()));
    poll_fn(|cx| {
        loop {
            let Some(next) = pool.upgrade().and_then(|pool| pool.sift(cx)) else { return Poll::Ready(()) };
            timer.as_mut().reset(next);
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await;
}
