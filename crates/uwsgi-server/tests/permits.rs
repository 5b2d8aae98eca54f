//! A request that waits too long for its permit: it goes on, and the log names it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that panics has found something")]

use core::fmt::{self, Write as _};
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use uwsgi_server::{Answer, AppError, Body, Call, Head, Server};

/// The warnings in the log.
static WARNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// What `Call::workers` returned after the first request had gone on without a permit.
static WORKERS: AtomicUsize = AtomicUsize::new(0);

/// Keeps the warnings.
struct Warnings;

/// The fields of an event as text.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        WARNINGS.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// More bytes than the buffers of a connection hold.
const MUCH: usize = 32 << 20;

/// The first request holds a lock while it writes to a slow peer. The second has the permit and waits for the lock.
#[test]
fn a_request_that_has_waited_5_seconds_goes_on_without_a_permit_and_is_named() {
    tracing::subscriber::set_global_default(Warnings).unwrap();
    let (lock, (called, calls)) = (Mutex::new(()), mpsc::channel());
    let app = move |call: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> Result<(), AppError> {
        called.send(call.workers())?;
        let _held = lock.lock().unwrap();
        if call.request().query_string() == Some(b"secret") {
            answer.whole(Head::new(200), &vec![b'x'; MUCH])?;
            WORKERS.store(call.workers(), Ordering::SeqCst);
            return Ok(());
        }
        Ok(answer.whole(Head::new(200), call.workers().to_string().as_bytes())?)
    };
    let server = Server::new(app).unwrap().bind("127.0.0.1:0").unwrap().with_workers(1);
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let running = thread::spawn(|| server.run());

    let ask = |packet: &[u8]| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(packet).unwrap();
        assert_eq!(calls.recv_timeout(Duration::from_secs(20)).unwrap(), 1, "Call::workers");
        stream
    };
    let mut first = ask(b"\0\x29\0\0\x09\0PATH_INFO\x06\0/first\x0c\0QUERY_STRING\x06\0secret");
    let peer = first.local_addr().unwrap();
    let mut second = ask(b"\0\x14\0\0\x09\0PATH_INFO\x07\0/second");
    let begun = Instant::now();
    let (mut much, mut little) = (Vec::new(), Vec::new());
    first.read_to_end(&mut much).unwrap();
    let took = begun.elapsed();
    second.read_to_end(&mut little).unwrap();
    assert!(much.len() > MUCH && took >= Duration::from_secs(5), "{} bytes after {took:?}", much.len());
    // It waits for a permit only once, however often it waits for its peer.
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(WORKERS.load(Ordering::SeqCst), 2, "Call::workers counts both");
    assert!(little.ends_with(b"\r\n\r\n1") || little.ends_with(b"\r\n\r\n2"), "{}", little.escape_ascii());

    handle.stop();
    running.join().unwrap().unwrap();
    let warnings = WARNINGS.lock().unwrap();
    let [line] = &warnings[..] else { panic!("not one line: {warnings:?}") };
    assert!(
        line.contains("GET /first has waited 5s for a permit and goes on without one: 2 requests are at work"),
        "{line}"
    );
    assert!(line.contains(&peer.to_string()) && !line.contains("secret"), "{line}");
}
