//! The timer of a body.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use alloc::boxed::Box;
use tokio::time::{Instant, Sleep, sleep_until};
use uwsgi::Time;
use uwsgi::server::{BodyClock, Settings};

/// The wait for the bytes of a body. It has no timer until a wait begins.
#[derive(Debug)]
pub(super) struct BodyWait {
    clock: BodyClock,
    idle: Duration,
    /// The start of the first wait; it is the clock's [`Time::ZERO`].
    start: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl BodyWait {
    pub(super) const fn new(idle: Duration) -> Self {
        Self { clock: BodyClock::new(), idle, start: None, timer: None }
    }

    /// Returns how many bytes have come.
    pub(super) const fn received(&self) -> u64 {
        self.clock.received()
    }

    /// Counts bytes that came, and ends the wait for them.
    pub(super) fn count(&mut self, bytes: usize) {
        if let Some(start) = self.start {
            self.clock.end_of_silence(Time::ZERO.after(start.elapsed()));
        }
        self.clock.count(bytes);
    }

    /// Waits for bytes. It is ready when the body is too slow.
    pub(super) fn poll_too_slow(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let start = *self.start.get_or_insert_with(Instant::now);
        self.clock.start(Time::ZERO.after(start.elapsed()));
        loop {
            let Some(deadline) = self.clock.deadline(self.idle, Settings::default().body_rate) else {
                return Poll::Pending;
            };
            if Time::ZERO.after(start.elapsed()) >= deadline {
                return Poll::Ready(());
            }
            // A deadline that the clock cannot reach needs no timer.
            let Some(at) = start.checked_add(Duration::from_millis(deadline.as_millis())) else { return Poll::Pending };
            // The deadline never becomes earlier. So the timer is only set again when it ends, and not with each byte.
            match &mut self.timer {
                None => self.timer = Some(Box::pin(sleep_until(at))),
                Some(timer) if timer.is_elapsed() => timer.as_mut().reset(at),
                Some(timer) => match timer.as_mut().poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(()) => {}
                },
            }
        }
    }
}
