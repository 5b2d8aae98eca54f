//! What a command does before it serves: it starts its log, opens the access log, and listens.

use core::time::Duration;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::thread;

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use uwsgi::Address;
use uwsgi_server::Listener;

use crate::exit::Failure;
use crate::files;

/// Sends the log of the server to standard error. `RUST_LOG` sets the filter; the default is warnings.
///
/// A thread of its own writes the lines. If nobody reads standard error, lines are dropped, and no request waits. Keep what is
/// returned until the end of the program, so that the last lines are written.
#[must_use]
pub(crate) fn start_log() -> LogQueue {
    /// The most lines that wait. A line may have the target of a request, which has at most 64 KiB.
    const LINES: usize = 1024;
    let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(LINES).thread_name("log");
    let (writer, guard) = builder.finish(io::stderr());
    let dropped = writer.error_counter();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let colours = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(colours);
    // A log line that cannot be written is lost. An error message about it would go to standard error too, and panic.
    let subscriber = subscriber.log_internal_errors(false);
    // If there is already a subscriber, it stays.
    let _already_set = subscriber.with_target(false).try_init();
    LogQueue { guard: Some(guard), dropped }
}

/// The lines of a log that are not written yet.
pub(crate) struct LogQueue {
    /// Waits for the lines, for about a second at most, when it is dropped.
    guard: Option<WorkerGuard>,
    dropped: ErrorCounter,
}

impl Drop for LogQueue {
    fn drop(&mut self) {
        const ATTEMPTS: usize = 100;
        let dropped = self.dropped.dropped_lines();
        if dropped == 0 {
            return;
        }
        for _ in 0..ATTEMPTS {
            let before = self.dropped.dropped_lines();
            tracing::warn!("the log dropped lines, because standard error did not take them in time: {dropped}");
            if self.dropped.dropped_lines() == before {
                return;
            }
            // The queue is full, and nothing tells when a line is written.
            thread::sleep(Duration::from_millis(10));
        }
        // Nobody reads. If the guard of tracing-appender 0.2 finds a full queue, it prints to standard output, where an access log
        // may be, and could wait for ever.
        if let Some(guard) = self.guard.take() {
            core::mem::forget(guard);
        }
    }
}

/// Opens the output of an access log: a file, to which lines are appended, or standard output for `-`.
pub(crate) fn log_output(file: &Path) -> Result<Box<dyn Write + Send>, Failure> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdout()));
    }
    let opened = OpenOptions::new().append(true).create(true).open(file);
    Ok(Box::new(opened.map_err(|error| Failure::Failed(format!("cannot write {}: {error}", files::name(file))))?))
}

/// Listens at an address, or fails with the reason and what to do.
pub(crate) fn listen(address: &str, mode: u32) -> Result<Vec<Listener>, Failure> {
    let failed = |message: String| Failure::Failed(message);
    let parsed = Address::parse(address).map_err(|error| failed(error.to_string()))?;
    if matches!(parsed, Address::Unix(path) if Path::new(path).is_dir()) {
        return Err(failed(format!("{address} is a directory: write the path of a socket in it")));
    }
    Listener::bind_all(parsed, mode).map_err(|error| {
        let what_to_do = match (error.kind(), parsed) {
            // The messages of these errors already say what to do.
            (io::ErrorKind::AddrInUse | io::ErrorKind::AlreadyExists, _) => return failed(error.to_string()),
            (_, Address::Fd(_)) => return failed(error.to_string()),
            (io::ErrorKind::PermissionDenied, Address::Unix(_)) => {
                "permission denied: choose a directory that you may write in"
            }
            (io::ErrorKind::PermissionDenied, _) => {
                "permission denied: only root may use ports below 1024, choose a higher port"
            }
            (io::ErrorKind::NotFound | io::ErrorKind::NotADirectory, Address::Unix(_)) => {
                "the directory does not exist: make it, or choose another path"
            }
            (io::ErrorKind::AddrNotAvailable, _) => {
                "this machine does not have that address: choose one that `ip address` lists, or 0.0.0.0"
            }
            (_, Address::Name { .. }) => "the name cannot be looked up: write an IP address",
            _ => return failed(format!("cannot listen at {address}: {error}")),
        };
        failed(format!("cannot listen at {address}: {what_to_do}"))
    })
}
