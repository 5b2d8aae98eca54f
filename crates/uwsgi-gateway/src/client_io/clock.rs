//! The clock of a connection: for a request, for a head, and for a client that takes no bytes.
//!
//! hyper's own clock for heads also runs while a kept connection is idle (hyper 1.12, `header_read_timeout`), so the two times
//! could not differ.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use alloc::boxed::Box;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::client_io::deadline_after;
use crate::client_io::phase::{Phase, Waiting};
use crate::settings::Timeouts;

/// The clock of a connection.
#[derive(Debug)]
pub(crate) struct ConnectionClock {
    timeouts: Timeouts,
    /// The progress of the connection when the clock was started.
    progress: Option<u32>,
    /// When the time is over; `None` while the clock does not run.
    until: Option<Instant>,
    /// A timer that ends at that time, or earlier.
    timer: Option<Pin<Box<Sleep>>>,
}

impl ConnectionClock {
    pub(crate) const fn new(timeouts: Timeouts) -> Self {
        Self { timeouts, progress: None, until: None, timer: None }
    }

    /// Returns what the connection has waited for too long. Call it after each poll of the connection.
    pub(crate) fn poll(&mut self, phase: &Phase, cx: &mut Context<'_>) -> Poll<Waiting> {
        let waiting = phase.waiting();
        if self.progress != Some(phase.progress()) {
            self.progress = Some(phase.progress());
            self.until = match waiting {
                Waiting::Request => Some(deadline_after(self.timeouts.keepalive)),
                Waiting::Head => Some(deadline_after(self.timeouts.headers)),
                Waiting::Client => Some(deadline_after(self.timeouts.send)),
                Waiting::Answer => None,
            };
        }
        let Some(until) = self.until else { return Poll::Pending };
        // A timer that ends too early is set again then: most waits are shorter than a timer, and setting it costs time.
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if timer.deadline() > until {
            timer.as_mut().reset(until);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= until {
                return Poll::Ready(waiting);
            }
            timer.as_mut().reset(until);
        }
        Poll::Pending
    }
}
