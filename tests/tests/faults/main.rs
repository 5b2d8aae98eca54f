//! Faults around a server: of its sockets, peers and applications, at its limits, and at its end.
#![cfg(unix)]

mod access;
mod admission;
mod descriptors;
mod failures;
mod listeners;
mod log;
mod permits;
mod small_bodies;
mod stopping;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use tempfile::TempDir;
use uwsgi_server::{App, Handle, Server};
use uwsgi_tests::load::{Process, ServerAddress, TIMEOUT, wait_until, wait_until_at_rest};
use uwsgi_tests::ours::Kind;

/// A server that runs on a thread of this process until it is dropped.
struct Running {
    handle: Handle,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    fn start<A: App + 'static>(server: Server<A>) -> Self {
        let handle = server.handle();
        let thread = std::thread::spawn(move || server.run());
        Self { handle, thread: Some(thread) }
    }

    /// Stops the server, and waits for its end.
    fn stop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap().unwrap();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A directory for sockets and logs.
struct TestDir(TempDir);

impl TestDir {
    fn new() -> Self {
        Self(tempfile::Builder::new().prefix("uwsgi-").tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Returns the address of a Unix socket, and the text that binds a server to it.
    fn socket(&self, name: &str) -> (ServerAddress, String) {
        let path = self.path(name);
        let text = format!("unix:{}", path.display());
        (ServerAddress::Unix(path), text)
    }
}

/// Returns the path of a server of `src/bin`. The applications of both do the same.
fn program(kind: Kind) -> &'static str {
    kind.of(env!("CARGO_BIN_EXE_test-server"), env!("CARGO_BIN_EXE_axum-server"))
}

/// Returns a command that starts a server in a process of its own. The test can read its standard error.
fn command_of(kind: Kind, options: &[&str]) -> Command {
    let mut command = Command::new(program(kind));
    command.args(options).stderr(Stdio::piped());
    command
}

/// Does what [`command_of`] does, for the blocking server.
fn command(options: &[&str]) -> Command {
    command_of(Kind::Blocking, options)
}

/// Returns a command that starts a shell, which runs this line and then becomes the server.
fn shell_of(kind: Kind, line: &str, options: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{line} exec \"$0\" \"$@\""), program(kind)]);
    command.args(options).stderr(Stdio::piped());
    command
}

/// Does what [`shell_of`] does, for the blocking server.
fn shell(line: &str, options: &[&str]) -> Command {
    shell_of(Kind::Blocking, line, options)
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Waits until a server has at least this many descriptors open.
#[track_caller]
fn wait_for_descriptors(process: &Process, count: usize) {
    wait_until(&format!("the server has {count} descriptors open"), || process.descriptors().unwrap() >= count);
}
