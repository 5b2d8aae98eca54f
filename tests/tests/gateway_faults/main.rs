//! The gateway, in a process of its own, under faults: of its backend, its clients, its disk, and at its limits.
#![cfg(target_os = "linux")]

mod backend_faults;
mod backlog;
mod changing_backend;
mod descriptors;
mod floods;
mod stopping;
mod temp_files;
mod tunnels;

use std::time::{Duration, Instant};

use uwsgi_tests::backend::ScriptedBackend;
use uwsgi_tests::http1::{Answer, Connection, End};
use uwsgi_tests::load::{GatewayProcess, Process, TIMEOUT, wait_until, wait_until_at_rest};

/// How long a request may take that nothing holds up. Other tests may keep the machine busy. A request that waits for a timeout
/// of the gateway has another status, or takes longer.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Starts a gateway before a backend.
fn start(backend: &ScriptedBackend, options: &[&str]) -> GatewayProcess {
    start_after("", backend, options)
}

/// Starts a gateway after a shell has run this line.
fn start_after(before: &str, backend: &ScriptedBackend, options: &[&str]) -> GatewayProcess {
    let program = env!("CARGO_BIN_EXE_test-gateway");
    GatewayProcess::start(program, before, &backend.address().to_string(), options).unwrap()
}

/// Returns a GET of this path, on a connection that is kept.
fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: app.example\r\n\r\n").into_bytes()
}

/// Returns the head of a POST to this path with a body of `length` bytes.
fn post(path: &str, length: usize) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nHost: app.example\r\nContent-Length: {length}\r\n\r\n").into_bytes()
}

/// Checks that a request on this connection is answered with 200 at once.
#[track_caller]
fn check_healthy(connection: &mut Connection, after: &str) {
    let begun = Instant::now();
    connection.give(TIMEOUT);
    let answer = connection.exchange(&get("/hello")).unwrap_or_else(|error| panic!("after {after}: {error}"));
    let took = begun.elapsed();
    assert_eq!((answer.head.status, &*answer.body, answer.end), (200, &b"hello\n"[..], End::Whole), "after {after}");
    assert!(took < AT_ONCE, "after {after}: {took:?}");
}

/// Checks an answer that the gateway itself gives: its status, one line of text, and Retry-After where the client may try again.
#[track_caller]
fn check_page(answer: &Answer, status: u16, after: &str) {
    assert_eq!((answer.head.status, &answer.end), (status, &End::Whole), "{after}: {answer:?}");
    assert!(
        answer.body.starts_with(status.to_string().as_bytes()) && answer.body.ends_with(b"\n"),
        "{after}: {answer:?}"
    );
    assert_eq!(answer.head.header("retry-after").is_some(), status == 503, "{after}: {answer:?}");
}

/// What a gateway has when it does nothing.
#[derive(Debug, Clone, Copy)]
struct AtRest {
    descriptors: usize,
    threads: usize,
}

impl AtRest {
    fn of(process: &Process) -> Self {
        wait_until_at_rest(process);
        Self { descriptors: process.descriptors().unwrap(), threads: process.threads().unwrap() }
    }

    /// Waits until the gateway has the same number of descriptors and threads again.
    #[track_caller]
    fn wait_until_again(self, process: &Process) {
        wait_until("the descriptors are closed", || process.descriptors().unwrap() <= self.descriptors);
        wait_until("the threads end", || process.threads().unwrap() <= self.threads);
    }
}
