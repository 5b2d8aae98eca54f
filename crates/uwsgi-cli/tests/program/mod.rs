//! Runs `uwsgictl` with wrong arguments.

use std::process::{Command, Stdio};

/// Runs a command of `uwsgictl` with wrong arguments. Returns what it prints on standard error.
pub(crate) fn error_of(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_uwsgictl"))
        .arg(command)
        .args(arguments)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    for word in ["panicked", "Err(", "Error {", "Os {", "Some("] {
        assert!(!text.contains(word), "{text}");
    }
    text
}
