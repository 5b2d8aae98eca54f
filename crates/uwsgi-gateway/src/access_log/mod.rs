//! The access log: one line for each request. A thread of its own writes it, so that no request waits for a disk or a pipe.

mod entry;
mod queue;

use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;
use std::io::Write;
use std::thread;

use time::OffsetDateTime;

pub(crate) use self::entry::Entry;
use self::entry::Format;
use self::queue::Queue;

/// A log of requests. It has no cookies and no credentials: of the headers it writes only Referer, User-Agent, and in JSON also
/// Host and X-Request-Id.
///
/// A thread of its own writes the lines, several at once. While the output does not take them, 1 MiB of lines waits in memory.
/// Lines that do not fit are dropped, so that no request waits. The log on `tracing` says how many as soon as there is room.
/// When the access log is dropped, it writes what waits; it gives up after 5 seconds.
///
/// ```
/// use uwsgi_gateway::AccessLog;
///
/// let log = AccessLog::combined(std::io::stderr());
/// ```
pub struct AccessLog {
    format: Format,
    queue: Arc<Queue>,
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLog").finish_non_exhaustive()
    }
}

/// How long the drop of a log waits for its output.
const MAX_WAIT_AT_END: Duration = Duration::from_secs(5);

impl AccessLog {
    /// Writes lines in the format that Apache and nginx call "combined". Lines of `uwsgi_server::AccessLog` look the same.
    pub fn combined(output: impl Write + Send + 'static) -> Self {
        Self::start(Entry::combined, output)
    }

    /// Writes one JSON object a line: `bytes`, `client`, `host`, `method`, `milliseconds`, `protocol`, `referer`, `request_id`,
    /// `status`, `time`, `uri`, `user`, `user_agent`. All control characters are escaped, including DEL and C1. Except for
    /// `host` and `request_id`, lines of `uwsgi_server::AccessLog` look the same. `user` is always `null`: a gateway knows no
    /// user.
    pub fn json(output: impl Write + Send + 'static) -> Self {
        Self::start(Entry::json, output)
    }

    fn start(format: Format, output: impl Write + Send + 'static) -> Self {
        let queue = Arc::new(Queue::default());
        let writer = Arc::clone(&queue);
        let started = thread::Builder::new().name("access-log".into()).spawn(move || writer.write_to(output));
        if let Err(error) = started {
            tracing::error!("the access log cannot be written: its thread did not start: {error}");
            queue.finish();
        }
        Self { format, queue }
    }

    /// Puts a line for this request into the queue, or drops it if the queue is full. It never waits for the output.
    pub(crate) fn log(&self, entry: &Entry) {
        let mut line = Vec::with_capacity(384);
        // A write to a vector fails only if the system's time has no date, as in the year 10000.
        if (self.format)(entry, OffsetDateTime::now_utc(), &mut line).is_ok() {
            self.queue.push(&line);
        }
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.queue.close(MAX_WAIT_AT_END);
    }
}
