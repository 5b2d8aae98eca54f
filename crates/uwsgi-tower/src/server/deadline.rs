//! The clock of a connection, its timer, and the stop of its server.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use alloc::boxed::Box;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::WaitForCancellationFutureOwned;
use uwsgi::Time;

use crate::stop::Stop;

/// Panics in a runtime that has no timers. A connection makes its timer only when it has to wait. Without this check, a server
/// would start, and panic later inside a connection.
pub(crate) fn expect_timers() {
    drop(tokio::time::sleep(Duration::ZERO));
}

/// The clock of the state machines. It wakes the task at a deadline or a stop.
#[derive(Debug)]
pub(crate) struct Deadlines {
    start: Instant,
    stop: Stop,
    /// A stop is ignored before this time.
    ignore_stop_until: Time,
    /// Whether `poll_until` has reported the stop.
    stop_reported: bool,
    stop_asked: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// The timer, and the time that it is set to.
    timer: Option<(Time, Pin<Box<Sleep>>)>,
}

impl Deadlines {
    /// Starts a clock at `start`. It ignores a stop for the first `stop_delay`.
    pub(crate) fn new(start: Instant, stop: Stop, stop_delay: Duration) -> Self {
        let ignore_stop_until = Time::ZERO.after(stop_delay);
        Self { start, stop, ignore_stop_until, stop_reported: false, stop_asked: None, timer: None }
    }

    /// Makes deadlines with the same clock for the other half of the connection.
    pub(crate) fn for_other_half(&self) -> Self {
        let Self { start, ignore_stop_until, .. } = *self;
        let stop = self.stop.clone();
        Self { start, stop, ignore_stop_until, stop_reported: false, stop_asked: None, timer: None }
    }

    /// Returns the time since the start of the connection.
    pub(crate) fn now(&self) -> Time {
        Time::ZERO.after(self.start.elapsed())
    }

    /// Returns when a stop was asked for, unless stops are still ignored. A stop that came while stops were ignored counts from
    /// the end of that time.
    pub(crate) fn stop_asked(&self) -> Option<Time> {
        let asked = self.stop.asked_at()?;
        let asked = Time::ZERO.after(asked.saturating_duration_since(self.start)).max(self.ignore_stop_until);
        Some(asked).filter(|_| self.heeds_stop())
    }

    /// Waits until a time, or until a stop that was not reported yet.
    pub(crate) fn poll_until(&mut self, mut until: Option<Time>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.stop_reported && self.poll_stop(cx).is_ready() {
            self.stop_asked = None;
            self.stop_reported = self.heeds_stop();
            if self.stop_reported {
                return Poll::Ready(());
            }
            until = Some(until.map_or(self.ignore_stop_until, |until| until.min(self.ignore_stop_until)));
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

    /// Makes the timer now, inside the runtime of the server: a timer cannot be made outside a runtime.
    pub(crate) fn make_timer(&mut self) {
        self.timer.get_or_insert_with(|| (Time::ZERO, Box::pin(sleep_until(self.start))));
    }

    fn heeds_stop(&self) -> bool {
        self.ignore_stop_until == Time::ZERO || self.now() >= self.ignore_stop_until
    }

    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // This check comes first, because a poll of the token takes a lock that all connections share.
        if self.stop.asked_at().is_some() {
            return Poll::Ready(());
        }
        let stop = &self.stop;
        self.stop_asked.get_or_insert_with(|| Box::pin(stop.cancelled())).as_mut().poll(cx)
    }
}
