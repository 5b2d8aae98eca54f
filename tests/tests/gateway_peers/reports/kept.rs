//! Connections of clients that are kept: the router closes them, resets them, or loses count of answers without a body.

use std::io::ErrorKind;
use std::thread;
use std::time::Duration;

use uwsgi_tests::http1::Connection;
use uwsgi_tests::programs::{Listen, TestDir};

use crate::application::{bytes, counted, expect, is_full, whole};
use crate::backends::uwsgi;
use crate::front::{Front, Running, TIMEOUT, chunked_post, get, post, request};

const CONNECTIONS: usize = 16;

pub fn check(test_dir: &TestDir, front: Front) -> Result<(), String> {
    let listen = Listen::Unix(test_dir.path("app.sock"));
    let _backend = uwsgi(test_dir, "backend", &listen);
    let running = front.start(test_dir, "front", &listen, &[], &["http-keepalive = 60", "http-auto-chunked = true"]);
    let all = if is_full() { 100_000 } else { 10_000 };
    thread::scope(|scope| {
        let threads = [(); CONNECTIONS].map(|()| scope.spawn(|| many(&running, all / CONNECTIONS)));
        threads.into_iter().try_for_each(|thread| thread.join().expect("no panic"))
    })?;
    // An idle connection is closed, and not reset.
    let running = front.start(test_dir, "idle", &listen, &["--http-keepalive", "0.5"], &["http-keepalive = 1"]);
    let mut connection = running.connect();
    let answer = connection.exchange(&get("/status/200", "")).map_err(|error| format!("before idling: {error}"))?;
    whole(&answer, 200)?;
    let rest = connection.rest().map_err(|error| format!("at the end of the idle time: {error}"))?;
    expect(rest.is_empty(), || format!("{} more bytes", rest.len()))
}

/// Sends requests of several kinds over one connection.
fn many(running: &Running<'_>, count: usize) -> Result<(), String> {
    let kinds: [(Vec<u8>, u16, &[u8]); 6] = [
        (get("/status/200", ""), 200, b"status 200\n"),
        (request("HEAD", "/status/200", ""), 200, b""),
        (get("/status/204", ""), 204, b""),
        (get("/stream/1000?chunk=100", ""), 200, counted(1000)),
        (post("/echo", bytes(1000)), 200, bytes(1000)),
        (chunked_post("/echo", bytes(1000)), 200, bytes(1000)),
    ];
    let mut connection = Connection::open(running.address, TIMEOUT).map_err(|error| error.to_string())?;
    for (number, (request, status, body)) in kinds.iter().cycle().take(count).enumerate() {
        connection.give(Duration::from_secs(20));
        let answer = connection.send(request).and_then(|()| connection.answer(request.starts_with(b"HEAD ")));
        let answer = answer.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => format!("the connection closed after {number} requests"),
            _ => format!("the connection failed after {number} requests: {error}"),
        })?;
        whole(&answer, *status).map_err(|error| format!("the connection, request {number}: {error}"))?;
        expect(answer.body == *body, || format!("the connection, request {number}: another body"))?;
    }
    Ok(())
}
