//! The progress bar on a terminal.

use core::sync::atomic::Ordering;
use core::time::Duration;

use indicatif::ProgressBar;

use super::float::float;
use super::plan::End;
use super::worker::Shared;
use crate::messages;

/// The progress bar, if standard error is a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    end: End,
}

impl Progress {
    pub(super) fn new(end: End) -> Self {
        let length = match end {
            End::After(duration) => millis(duration),
            End::Requests(requests) => requests,
        };
        Self { bar: messages::progress_bar(length, "{wide_bar} {percent:>3} %  {msg}"), end }
    }

    pub(super) fn show(&self, elapsed: Duration, shared: &Shared) {
        let Some(bar) = &self.bar else { return };
        let (ended, failed) = (shared.ended.load(Ordering::Relaxed), shared.failed.load(Ordering::Relaxed));
        let rate = float(ended) / elapsed.as_secs_f64();
        let errors = if failed == 0 { String::new() } else { format!(", {failed} failed") };
        bar.set_message(format!("{ended} requests, {rate:.0} per second{errors}"));
        bar.set_position(match self.end {
            End::After(duration) => millis(elapsed.min(duration)),
            End::Requests(_) => ended,
        });
    }

    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
