//! Each of our servers in a process of its own, under load: how much memory it takes, and how much slow clients delay others.
//!
//! The tests run one after the other, since each measures something. One of them needs nginx, and so the feature `peers`.
#![cfg(unix)]

mod memory;
#[cfg(feature = "peers")]
mod nginx;
mod slow;

use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;
use uwsgi_tests::load::{Process, ServerAddress};
use uwsgi_tests::ours::Kind;

/// No other test of this file runs until the guard is dropped.
fn run_alone() -> MutexGuard<'static, ()> {
    static RUNNING: Mutex<()> = Mutex::new(());
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server that runs, at a Unix socket in a directory of its own.
struct Served {
    process: Process,
    at: ServerAddress,
    _directory: TempDir,
}

/// Starts a server.
fn serve(kind: Kind, options: &[&str]) -> Served {
    let directory = tempfile::Builder::new().prefix("uwsgi-").tempdir().unwrap();
    let path = directory.path().join("a.sock");
    // The applications of both servers do the same.
    let program = kind.of(env!("CARGO_BIN_EXE_test-server"), env!("CARGO_BIN_EXE_axum-server"));
    let mut command = Command::new(program);
    command.arg(format!("bind=unix:{}", path.display())).args(options).stderr(Stdio::null());
    let at = ServerAddress::Unix(path);
    Served { process: Process::start(&mut command, &at).unwrap(), at, _directory: directory }
}
