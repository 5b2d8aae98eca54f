//! Big heads: the router closes the connection without an answer.

use uwsgi_tests::programs::{Listen, TestDir};

use crate::application::whole;
use crate::backends::uwsgi;
use crate::front::{Front, Running, get};

/// The vars of a packet have at most 65,535 bytes.
const CASES: &[(&str, usize, u16)] =
    &[("8 KiB", 8 * 1024, 200), ("60 KiB", 60 * 1024, 200), ("64 KiB", 64 * 1024, 431), ("1 MiB", 1024 * 1024, 431)];

pub fn check(test_dir: &TestDir, front: Front) -> Result<(), String> {
    let listen = Listen::Unix(test_dir.path("app.sock"));
    let _backend = uwsgi(test_dir, "backend", &listen);
    let running = front.start(test_dir, "front", &listen, &[], &[]);
    for (name, length, status) in CASES {
        // One header, and many.
        let one = format!("X-Big: {}\r\n", "x".repeat(*length));
        let many: String = (0..length / 1024).map(|number| format!("X-{number}: {}\r\n", "x".repeat(1015))).collect();
        for (kind, headers) in [("one header", one), ("many headers", many)] {
            answered(&running, &headers, *status).map_err(|error| format!("{name} in {kind}: {error}"))?;
        }
    }
    let small: String = (0..2000).map(|number| format!("X-{number}: 1\r\n")).collect();
    answered(&running, &small, 431).map_err(|error| format!("2,000 headers: {error}"))
}

/// Sends a request several times: a reset may come before or after the client has read the answer.
fn answered(running: &Running<'_>, headers: &str, status: u16) -> Result<(), String> {
    for _ in 0..5 {
        let answer = running.ask(get("/status/200", headers)).map_err(|error| format!("no answer: {error}"))?;
        whole(&answer, status)?;
    }
    Ok(())
}
