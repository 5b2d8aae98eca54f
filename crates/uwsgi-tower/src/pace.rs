//! A connection's clock, its one timer, and the stop that may be asked for.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use std::sync::OnceLock;

use alloc::boxed::Box;
use alloc::sync::Arc;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use uwsgi::server::Time;

/// Asks connections to stop: see [`serve_connection_until`](crate::serve_connection_until). Clones ask the same ones.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// In one place: every connection has several clones, which all processors count.
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    token: CancellationToken,
    /// Since when.
    asked: OnceLock<Instant>,
}

impl Stop {
    /// A stop that is not asked for yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for it. Idle connections close, and what began is finished within the settings' `stop_grace`.
    pub fn ask(&self) {
        self.inner.asked.get_or_init(Instant::now);
        // Whoever looked before that waits for this.
        self.inner.token.cancel();
    }

    /// Ready when it was asked for.
    pub fn asked(&self) -> impl Future<Output = ()> + Send + Sync + use<> {
        self.inner.token.clone().cancelled_owned()
    }
}

/// Panics in a runtime that has no timers: where nothing has to wait, none is asked for, so that a server would answer for a while
/// and then panic inside of a connection.
pub(crate) fn expect_timers() {
    drop(tokio::time::sleep(Duration::ZERO));
}

/// Tells the time to the machines, and wakes tasks when they asked for it.
#[derive(Debug)]
pub(crate) struct Pace {
    start: Instant,
    stop: Stop,
    /// Until when a stop is not heard of.
    deaf: Time,
    /// Whether the stop was told of.
    told: bool,
    stopped: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// The timer, and what it is set to.
    timer: Option<(Time, Pin<Box<Sleep>>)>,
}

impl Pace {
    /// A clock that starts now. For a moment it does not hear of a stop.
    pub(crate) fn new(start: Instant, stop: Stop, moment: Duration) -> Self {
        Self { start, stop, deaf: Time::ZERO.after(moment), told: false, stopped: None, timer: None }
    }

    /// Another one for the other half of the connection.
    pub(crate) fn another(&self) -> Self {
        let Self { start, deaf, .. } = *self;
        Self { start, stop: self.stop.clone(), deaf, told: false, stopped: None, timer: None }
    }

    pub(crate) fn now(&self) -> Time {
        Time::ZERO.after(self.start.elapsed())
    }

    /// When a stop was asked for, if it was and is heard of; before that moment is when it begins to hear.
    pub(crate) fn stop_asked(&self) -> Option<Time> {
        let asked = self.stop.inner.asked.get()?;
        let asked = Time::ZERO.after(asked.saturating_duration_since(self.start)).max(self.deaf);
        Some(asked).filter(|_| self.hears())
    }

    /// Ready when the time has come, and once when a stop is asked for.
    pub(crate) fn poll_until(&mut self, mut until: Option<Time>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.told && self.poll_stop(cx).is_ready() {
            self.stopped = None;
            self.told = self.hears();
            if self.told {
                return Poll::Ready(());
            }
            until = Some(until.map_or(self.deaf, |until| until.min(self.deaf)));
        }
        let Some(until) = until else { return Poll::Pending };
        let at = || self.start.checked_add(Duration::from_millis(until.as_millis()));
        match &mut self.timer {
            Some((set, timer)) => {
                if *set != until {
                    let Some(at) = at() else { return Poll::Pending };
                    timer.as_mut().reset(at);
                    *set = until;
                }
            }
            None => {
                let Some(at) = at() else { return Poll::Pending };
                self.timer = Some((until, Box::pin(sleep_until(at))));
            }
        }
        match &mut self.timer {
            Some((_, timer)) => timer.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }

    /// Makes the timer, which takes a runtime to be made in.
    pub(crate) fn arm(&mut self) {
        self.timer.get_or_insert_with(|| (Time::ZERO, Box::pin(sleep_until(self.start))));
    }

    fn hears(&self) -> bool {
        self.deaf == Time::ZERO || self.now() >= self.deaf
    }

    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // The token has one lock for all connections.
        if self.stop.inner.asked.get().is_some() {
            return Poll::Ready(());
        }
        let stop = &self.stop.inner.token;
        self.stopped.get_or_insert_with(|| Box::pin(stop.clone().cancelled_owned())).as_mut().poll(cx)
    }
}
