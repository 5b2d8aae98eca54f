//! Runs the real `uwsgictl` on captures of real programs, on malformed input, and against test servers.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has found something"
)]

extern crate alloc;

mod bench;
mod captures;
mod check;
mod command_line;
mod decode;
mod decode_malformed;
mod encode;
mod encode_url;
mod help;
mod messages;
mod ping;
mod pipes;
mod request;
mod request_as_curl;
mod server;
mod statuses;
mod subscribe;
#[cfg(target_os = "linux")]
mod terminal;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// Returns the command with these arguments, without the environment variables that control it.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_uwsgictl"));
    command.args(arguments).stdin(Stdio::null());
    for setting in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "UWSGICTL_TO"] {
        command.env_remove(setting);
    }
    command
}

/// The result of a run. It has not panicked, and has not printed the debug format of a value.
struct RunResult {
    status: i32,
    stdout: Vec<u8>,
    stderr: String,
}

impl RunResult {
    fn from(output: Output) -> Self {
        let stderr = String::from_utf8(output.stderr).unwrap();
        let status = output.status.code().unwrap_or_else(|| panic!("killed: {}", output.status));
        assert!(matches!(status, 0..=3 | 22 | 23), "status {status}: {stderr}");
        for word in ["panicked", "RUST_BACKTRACE", "Err(", "Error {", "Os {", "Some("] {
            assert!(!stderr.contains(word), "{word} in {stderr}");
        }
        Self { status, stdout: output.stdout, stderr }
    }

    fn text(&self) -> &str {
        core::str::from_utf8(&self.stdout).unwrap()
    }

    /// Returns the output of a run, which must have status 0 and nothing on standard error.
    fn success(self) -> Vec<u8> {
        assert_eq!((self.status, &*self.stderr), (0, ""));
        self.stdout
    }
}

fn run(arguments: &[&str]) -> RunResult {
    RunResult::from(command(arguments).output().unwrap())
}

fn run_with(arguments: &[&str], input: &[u8]) -> RunResult {
    let mut child =
        command(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    RunResult::from(output)
}

/// Returns the path of a capture.
fn capture(name: &str) -> String {
    format!("{}/../../tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Returns a new, empty directory for this test.
fn scratch(test: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    drop(std::fs::remove_dir_all(&directory));
    std::fs::create_dir_all(&directory).unwrap();
    directory
}
