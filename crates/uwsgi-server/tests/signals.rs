//! The host's own signal handlers, while a server handles the signals too, and after the server has ended.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that panics has found something")]

extern crate alloc;

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::thread;
use std::time::Instant;

use rustix::process::{Signal, getpid, kill_process};
use uwsgi_server::{Answer, AppError, Body, Call, Head, Server};

fn hello(_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
    Ok(answer.whole(Head::new(200), b"hello")?)
}

/// Sends a signal to this process. Returns whether the host's handler is called.
fn is_handled(signal: Signal, handled: &AtomicBool) -> bool {
    handled.store(false, Ordering::SeqCst);
    kill_process(getpid(), signal).unwrap();
    let begun = Instant::now();
    while !handled.load(Ordering::SeqCst) && begun.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(5));
    }
    handled.load(Ordering::SeqCst)
}

/// Signals are for the whole process, so this file has only one test. If a signal ends the process, the test fails.
#[test]
fn the_hosts_handlers_are_called_while_a_server_runs_and_afterwards() {
    let signals = [Signal::TERM, Signal::INT].map(|signal| {
        let handled = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(signal.as_raw(), Arc::clone(&handled)).unwrap();
        (signal, handled)
    });
    for (signal, handled) in &signals {
        let server = Server::new(hello).unwrap().bind("127.0.0.1:0").unwrap().with_stop_on_signals().unwrap();
        let running = thread::spawn(|| server.run());
        assert!(is_handled(*signal, handled), "{signal:?}: the host's handler is not called while there is a server");
        running.join().unwrap().unwrap();
        for (signal, handled) in &signals {
            assert!(is_handled(*signal, handled), "{signal:?}: the host's handler is not called after a server");
        }
    }
}
