//! The log of a server that a test starts.

use std::io;

use tracing_subscriber::filter::LevelFilter;

/// Writes log lines of this level and above to standard error: the level, the text, the fields.
///
/// # Errors
///
/// If there is no such level.
pub fn on_stderr(level: &str) -> io::Result<()> {
    let level: LevelFilter = level.parse().map_err(io::Error::other)?;
    let lines = tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).with_ansi(false);
    lines.without_time().with_target(false).with_thread_names(false).init();
    Ok(())
}
