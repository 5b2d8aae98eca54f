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
    /// The number of lines that are being written.
    writing: u64,
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
        let lost = state.dropped.saturating_add(state.writing).saturating_add(lines(&state.lines));
        if lost > 0 {
            tracing::warn!("at its end the access log dropped lines, because its output did not take them: {lost}");
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
                state.writing = lines(&batch);
                mem::take(&mut state.dropped)
            };
            output.lost = output.lost.saturating_add(dropped);
            if batch.is_empty() {
                return output.report();
            }
            output.write(&batch);
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
    /// Writes lines. Reports the first of several failures, and when there is room again how many lines are missing.
    fn write(&mut self, batch: &[u8]) {
        let mut rest = batch;
        match self.try_write(&mut rest) {
            Ok(()) => {
                self.has_failed = false;
                self.report();
            }
            Err(error) => {
                self.lost = self.lost.saturating_add(lines(rest));
                if !mem::replace(&mut self.has_failed, true) {
                    tracing::error!("the access log cannot be written: {error}");
                }
            }
        }
    }

    /// Reports how many lines are missing.
    fn report(&mut self) {
        let lost = mem::take(&mut self.lost);
        if lost > 0 {
            tracing::warn!("the access log dropped lines, because its output did not take them in time: {lost}");
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

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, clippy::unwrap_used, reason = "a test that panics has found something")]

    use alloc::sync::Arc;
    use core::fmt;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread::{self, JoinHandle};
    use std::time::Instant;

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::subscriber::with_default;
    use tracing::{Event, Metadata};

    use super::*;

    /// The messages of `tracing` on a thread.
    #[derive(Clone, Default)]
    struct Messages(Arc<Mutex<Vec<String>>>);

    impl Messages {
        fn take(&self) -> Vec<String> {
            mem::take(&mut *self.0.lock().unwrap())
        }
    }

    impl tracing::Subscriber for Messages {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &Event<'_>) {
            struct Message(String);
            impl Visit for Message {
                fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                    assert_eq!(field.name(), "message");
                    self.0 = format!("{value:?}");
                }
            }
            let mut message = Message(String::new());
            event.record(&mut message);
            self.0.lock().unwrap().push(message.0);
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    /// An output that tells the test of each write, and asks what to do with it.
    struct Asks {
        written: Sender<Vec<u8>>,
        results: Receiver<io::Result<usize>>,
    }

    impl Write for Asks {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.written.send(bytes.to_vec()).unwrap();
            self.results.recv().unwrap()
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A queue with a thread that writes, and the test's end of its output.
    struct Running {
        queue: Arc<Queue>,
        written: Receiver<Vec<u8>>,
        results: Sender<io::Result<usize>>,
        messages: Messages,
        thread: JoinHandle<()>,
    }

    impl Running {
        fn start() -> Self {
            let ((written, at_test), (results, at_output)) = (channel(), channel());
            let (queue, messages) = (Arc::new(Queue::default()), Messages::default());
            let (writer, subscriber) = (Arc::clone(&queue), messages.clone());
            let output = Asks { written, results: at_output };
            let thread = thread::spawn(move || with_default(subscriber, || writer.write_to(output)));
            Self { queue, written: at_test, results, messages, thread }
        }

        /// Returns what is being written.
        fn next(&self) -> String {
            String::from_utf8(self.written.recv_timeout(Duration::from_secs(20)).unwrap()).unwrap()
        }

        /// Takes all bytes of the next write.
        fn take(&self) -> String {
            let written = self.next();
            self.results.send(Ok(written.len())).unwrap();
            written
        }

        /// Closes the queue, which must not have to wait. Returns what was logged.
        fn close(self) -> Vec<String> {
            self.queue.close(Duration::from_secs(20));
            self.thread.join().unwrap();
            self.messages.take()
        }
    }

    #[test]
    fn lines_are_written_together_and_in_their_order() {
        let running = Running::start();
        running.queue.push(b"1\n");
        let mut written = running.next();
        // The output is at work: these lines wait for it, and need one write.
        for line in ["2\n", "3\n", "4\n"] {
            running.queue.push(line.as_bytes());
        }
        running.results.send(Ok(written.len())).unwrap();
        written.push_str(&running.take());
        assert_eq!(written, "1\n2\n3\n4\n");
        assert_eq!(running.close(), [""; 0]);
    }

    /// While the output stalls, memory is bounded and nobody waits. When it goes on, the number of lost lines is logged.
    #[test]
    fn a_stalled_output_costs_lines_and_no_time() {
        let running = Running::start();
        running.queue.push(b"first\n");
        let first = running.next();
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        let begun = Instant::now();
        let pushed = 10_000;
        for _ in 0..pushed {
            running.queue.push(&line);
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "nothing waits for the output");
        assert_eq!(running.queue.lock().lines.len(), CAPACITY);
        assert_eq!(running.messages.take(), [""; 0]);

        running.results.send(Ok(first.len())).unwrap();
        assert_eq!(running.take().len(), CAPACITY);
        running.queue.push(b"last\n");
        assert_eq!(running.take(), "last\n");
        let dropped = pushed - CAPACITY / line.len();
        let expected = format!("the access log dropped lines, because its output did not take them in time: {dropped}");
        assert_eq!(running.close(), [expected]);
    }

    /// A program can end though the output of its log stalls for ever.
    #[test]
    fn the_end_waits_for_a_stalled_output_only_so_long() {
        let running = Running::start();
        running.queue.push(b"1\n");
        running.next();
        running.queue.push(b"2\n");
        running.queue.push(b"3\n");
        let begun = Instant::now();
        let messages = Messages::default();
        with_default(messages.clone(), || running.queue.close(Duration::from_millis(100)));
        assert!((Duration::from_millis(100)..Duration::from_secs(5)).contains(&begun.elapsed()));
        assert_eq!(
            messages.take(),
            ["at its end the access log dropped lines, because its output did not take them: 3"]
        );
    }

    /// A full disk may take part of a line. The lines after it are whole.
    #[test]
    fn a_failing_output_is_reported_once_and_lines_stay_whole() {
        let running = Running::start();
        let full = || Err(io::ErrorKind::StorageFull.into());
        running.queue.push(b"one\n");
        assert_eq!(running.next(), "one\n");
        running.results.send(Ok(2)).unwrap();
        assert_eq!(running.next(), "e\n");
        running.results.send(full()).unwrap();
        for _ in 0..3 {
            running.queue.push(b"two\n");
            assert_eq!(running.next(), "\n");
            running.results.send(full()).unwrap();
        }
        running.queue.push(b"three\n");
        assert_eq!(running.take(), "\n");
        assert_eq!(running.take(), "three\n");
        running.queue.push(b"four\n");
        assert_eq!(running.take(), "four\n");
        running.queue.push(b"five\n");
        assert_eq!(running.next(), "five\n");
        running.results.send(full()).unwrap();
        let error = format!("the access log cannot be written: {}", io::Error::from(io::ErrorKind::StorageFull));
        let lost =
            |count| format!("the access log dropped lines, because its output did not take them in time: {count}");
        assert_eq!(running.close(), [error.clone(), lost(4), error, lost(1)]);
    }

    /// An output that panics ends the log. It does not end the program, nor delay its end.
    #[test]
    fn a_panicking_output_ends_the_log() {
        struct Panics;
        impl Write for Panics {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                panic!("the output panics, as this test wants")
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let queue = Arc::new(Queue::default());
        let writer = Arc::clone(&queue);
        let thread = thread::spawn(move || writer.write_to(Panics));
        queue.push(b"1\n");
        assert!(thread.join().is_err());
        queue.push(b"2\n");
        let (begun, messages) = (Instant::now(), Messages::default());
        with_default(messages.clone(), || queue.close(Duration::from_secs(60)));
        assert!(begun.elapsed() < Duration::from_secs(20));
        assert_eq!(
            messages.take(),
            ["at its end the access log dropped lines, because its output did not take them: 2"]
        );
    }
}
