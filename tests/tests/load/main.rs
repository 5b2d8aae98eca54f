//! Each of our servers in a process of its own, under load: what it takes of the machine, and what slow clients cost the
//! others.
//!
//! The tests follow each other: what one of them measures, another would disturb. With the feature `peers`, nginx is in front
//! of one.
#![cfg(unix)]

mod memory;
#[cfg(feature = "peers")]
mod nginx;
mod trickle;

use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;
use uwsgi_tests::load::{At, Process};
use uwsgi_tests::ours::Kind;

/// Until it is dropped, no other test runs.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server at a Unix socket in a directory of its own.
struct Served {
    process: Process,
    at: At,
    _directory: TempDir,
}

fn serve(kind: Kind, options: &[&str]) -> Served {
    let directory = tempfile::Builder::new().prefix("uwsgi-").tempdir().unwrap();
    let path = directory.path().join("a.sock");
    // Their applications do the same.
    let program = kind.of(env!("CARGO_BIN_EXE_test-server"), env!("CARGO_BIN_EXE_axum-server"));
    let mut command = Command::new(program);
    command.arg(format!("bind=unix:{}", path.display())).args(options).stderr(Stdio::null());
    let at = At::Unix(path);
    Served { process: Process::start(&mut command, &at).unwrap(), at, _directory: directory }
}
