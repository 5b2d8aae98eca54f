//! A queue of lines with a bound, and the thread that writes them.

use core::mem;
use core::time::Duration;
use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Lines that wait for the thread that writes them.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Tells the thread that a line waits, or that the log ends.
    filled: Condvar,
    /// Tells the end of the log that the thread has written everything.
    finished: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<u8>,
    /// The number of lines that did not fit, and were not reported yet.
    dropped: u64,
    is_closed: bool,
    is_finished: bool,
}

/// The most bytes of lines that wait. They are about 5,000 lines.
const CAPACITY: usize = 1 << 20;
/// At this number of bytes the thread writes at once.
const ENOUGH: usize = 64 << 10;
/// How long the thread waits for more lines before it writes. One write for many lines costs much less than a write for each.
const DELAY: Duration = Duration::from_millis(50);

impl Queue {
    /// Adds a line, or drops it if it does not fit. The lock is held only while bytes are copied, never while they are written.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        let length = state.lines.len().saturating_add(line.len());
        if length > CAPACITY || state.is_finished {
            state.dropped = state.dropped.saturating_add(1);
            return;
        }
        let had = state.lines.len();
        state.lines.extend_from_slice(line);
        drop(state);
        if had == 0 || (had < ENOUGH && length >= ENOUGH) {
            self.filled.notify_one();
        }
    }

    /// Lets the thread write what waits and end. Waits for that, at most for this time.
    pub(super) fn close(&self, wait: Duration) {
        let mut state = self.lock();
        state.is_closed = true;
        self.filled.notify_one();
        let finished = self.finished.wait_timeout_while(state, wait, |state| !state.is_finished);
        let (state, _) = finished.unwrap_or_else(PoisonError::into_inner);
        let lost = state.dropped.saturating_add(lines(&state.lines));
        if lost > 0 {
            tracing::warn!("the access log ended without {lost} lines: its output did not take them");
        }
    }

    /// Says that nothing is written any more.
    pub(super) fn finish(&self) {
        self.lock().is_finished = true;
        self.finished.notify_all();
    }

    /// Writes the lines until the queue is closed.
    pub(super) fn write_to(&self, output: impl Write) {
        // The thread also finishes if the output panics.
        let _finish = Finish(self);
        let mut output = Output { output, is_torn: false, has_failed: false, lost: 0 };
        let mut batch = Vec::new();
        loop {
            let dropped = {
                let mut state = self.next();
                mem::swap(&mut state.lines, &mut batch);
                mem::take(&mut state.dropped)
            };
            if batch.is_empty() {
                return;
            }
            output.write(&batch, dropped);
            batch.clear();
        }
    }

    /// Waits for lines. Without any, the queue is closed.
    fn next(&self) -> MutexGuard<'_, State> {
        let is_open = |state: &State| !state.is_closed;
        let waited = self.filled.wait_while(self.lock(), |state| is_open(state) && state.lines.is_empty());
        let state = waited.unwrap_or_else(PoisonError::into_inner);
        let more = |state: &mut State| is_open(state) && state.lines.len() < ENOUGH;
        self.filled.wait_timeout_while(state, DELAY, more).unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finishes a queue at its drop.
struct Finish<'q>(&'q Queue);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// The output, and what happened to it.
struct Output<W> {
    output: W,
    /// Whether the last bytes that the output took are part of a line.
    is_torn: bool,
    has_failed: bool,
    /// The number of lines that the output did not take, and that were not reported yet.
    lost: u64,
}

impl<W: Write> Output<W> {
    /// Writes lines. Reports the first of several failures, and how many lines are missing when there is room again.
    fn write(&mut self, batch: &[u8], dropped: u64) {
        self.lost = self.lost.saturating_add(dropped);
        let mut rest = batch;
        match self.try_write(&mut rest) {
            Ok(()) => {
                self.has_failed = false;
                if self.lost > 0 {
                    tracing::warn!(
                        "{} lines of the access log were dropped: its output did not take them in time",
                        self.lost
                    );
                    self.lost = 0;
                }
            }
            Err(error) => {
                self.lost = self.lost.saturating_add(lines(rest));
                if !mem::replace(&mut self.has_failed, true) {
                    tracing::error!("the access log cannot be written: {error}");
                }
            }
        }
    }

    fn try_write(&mut self, rest: &mut &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.output.write_all(b"\n")?;
            self.is_torn = false;
        }
        while !rest.is_empty() {
            match self.output.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    let (written, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
                    self.is_torn = written.last().is_some_and(|byte| *byte != b'\n');
                    *rest = after;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.output.flush()
    }
}

/// Returns the number of lines in these bytes.
fn lines(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(u64::MAX)
}
