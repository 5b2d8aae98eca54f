//! A line for whoever watches.

use core::sync::atomic::Ordering;
use core::time::Duration;
use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

use super::plan::End;
use super::worker::Shared;

/// The line, if standard error is a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    end: End,
}

impl Progress {
    pub(super) fn new(end: End) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(match end {
                End::After(duration) => millis(duration),
                End::Requests(requests) => requests,
            });
            // The template is a constant of this program; were it wrong, indicatif's own would do.
            match ProgressStyle::with_template("{wide_bar} {percent:>3} %  {msg}") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Self { bar, end }
    }

    pub(super) fn show(&self, elapsed: Duration, shared: &Shared) {
        let Some(bar) = &self.bar else { return };
        let (ended, failed) = (shared.ended.load(Ordering::Relaxed), shared.failed.load(Ordering::Relaxed));
        let rate = super::real(ended) / elapsed.as_secs_f64();
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
