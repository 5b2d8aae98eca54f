//! Messages on standard error, and the styles of text on a terminal.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

/// Headings.
pub(crate) const HEADING: Style = Style::new().bold();
/// Keys and other names.
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
/// Less important text, such as offsets.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// Deviations that are no danger.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default();
/// Errors and dangers.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// Hints and notes.
pub(crate) const HINT: Style = AnsiColor::Green.on_default().bold();

/// Prints an error message. Its first line follows the word `error:`.
pub(crate) fn error(message: &str) {
    // If standard error cannot be written, the exit status still reports the error.
    let _unwritten = writeln!(anstream::stderr().lock(), "{ERROR}error:{ERROR:#} {message}");
}

/// Prints a message that is no error.
pub(crate) fn note(message: &str) {
    let _unwritten = writeln!(anstream::stderr().lock(), "{HINT}note:{HINT:#} {message}");
}

/// Returns a progress bar of the length on standard error, or `None` if standard error is no terminal.
pub(crate) fn progress_bar(length: u64, template: &str) -> Option<ProgressBar> {
    io::stderr().is_terminal().then(|| {
        let bar = ProgressBar::new(length);
        // Templates are constants of this program. If one were wrong, indicatif's default would be used.
        match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    })
}
