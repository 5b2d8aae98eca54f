//! What goes wrong around a server: its sockets, its peers, its applications, its limits, its end.
#![cfg(unix)]

mod access;
mod admission;
mod descriptors;
mod failures;
mod listeners;
mod log;
mod permits;
mod stopping;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use tempfile::TempDir;
use uwsgi_server::{App, Handle, Server};
use uwsgi_tests::load::At;
use uwsgi_tests::ours::Kind;

/// A server on a thread of this process, until it is dropped.
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

    /// Stops it, and waits for its end.
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
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::Builder::new().prefix("uwsgi-").tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A Unix socket, and how it is bound.
    fn socket(&self, name: &str) -> (At, String) {
        let path = self.path(name);
        let text = format!("unix:{}", path.display());
        (At::Unix(path), text)
    }
}

/// The servers of `src/bin`, whose applications do the same.
fn program(kind: Kind) -> &'static str {
    kind.of(env!("CARGO_BIN_EXE_test-server"), env!("CARGO_BIN_EXE_axum-server"))
}

/// One of them in a process of its own, with its errors to be read.
fn command_of(kind: Kind, options: &[&str]) -> Command {
    let mut command = Command::new(program(kind));
    command.args(options).stderr(Stdio::piped());
    command
}

/// The blocking one.
fn command(options: &[&str]) -> Command {
    command_of(Kind::Blocking, options)
}

/// A shell that becomes one of them behind this line.
fn shell_of(kind: Kind, line: &str, options: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{line} exec \"$0\" \"$@\""), program(kind)]);
    command.args(options).stderr(Stdio::piped());
    command
}

/// The blocking one.
fn shell(line: &str, options: &[&str]) -> Command {
    shell_of(Kind::Blocking, line, options)
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
