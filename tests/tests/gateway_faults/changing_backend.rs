//! A backend that changes again and again, while clients send requests without a pause.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use uwsgi_tests::backend::{GoingOn, Mode, ScriptedBackend, Then};
use uwsgi_tests::http1::{Connection, End};

use crate::{AtRest, TIMEOUT, check_healthy, get, start, wait_until};

/// How long the backend stays in each mode. It is shorter than the timeout, so that requests meet the changes themselves.
const EACH: Duration = Duration::from_millis(150);
const CLIENTS: usize = 32;

/// What the clients have seen.
#[derive(Debug, Default)]
struct Counts {
    whole: AtomicUsize,
    bad_gateway: AtomicUsize,
    timeout: AtomicUsize,
    cut: AtomicUsize,
}

#[test]
fn the_backend_changes_under_load() {
    let mut backend = ScriptedBackend::start();
    let gateway = start(&backend, &["timeout=300", "threads=2"]);
    let at_rest = AtRest::of(&gateway.process);
    let (counts, over) = (Counts::default(), AtomicBool::new(false));
    let modes = [
        None,
        Some(Mode::CloseAtOnce),
        Some(Mode::nothing(Then::Reset)),
        Some(Mode::send(&b"HTTP/1.1 200 OK\r\nContent-Le"[..], Then::Reset)),
        Some(Mode::send(&b"HTTP/1.1 200 OK\r\nContent-Le"[..], Then::Hang)),
        Some(Mode::send(&b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\npart"[..], Then::ResetLater)),
        Some(Mode::send(&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n"[..], Then::ResetLater)),
        Some(Mode::send(&b"\0garbage\r\n\r\n"[..], Then::Close)),
    ];
    let go_on = backend.going_on();
    thread::scope(|scope| {
        for index in 0..CLIENTS {
            let (gateway, counts, over, go_on) = (&gateway, &counts, &over, go_on.clone());
            scope.spawn(move || {
                let mut connection = None;
                for number in 0.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    let open = connection.take().unwrap_or_else(|| gateway.connect().unwrap());
                    connection = request(open, &format!("/{index}/{number}"), counts, &go_on);
                    // Half of the clients never keep a connection.
                    connection = connection.filter(|_| index % 2 == 0);
                }
            });
        }
        for mode in modes.into_iter().cycle().take(16) {
            match mode {
                Some(mode) => backend.set(mode),
                None => backend.kill(),
            }
            // The clients send in this time, and in the next.
            thread::sleep(EACH);
            backend.set(Mode::Healthy);
            backend.listen();
            thread::sleep(EACH / 2);
        }
        over.store(true, Ordering::Relaxed);
    });
    println!("{counts:?}");
    let seen = [&counts.whole, &counts.bad_gateway, &counts.timeout, &counts.cut];
    assert!(seen.into_iter().all(|count| count.load(Ordering::Relaxed) > 0), "{counts:?}");
    check_healthy(&mut gateway.connect().unwrap(), "all changes");
    at_rest.wait_until_again(&gateway.process);
    wait_until("all connections to the backend are closed", || backend.open() == 0);
}

/// Sends a request, and counts what comes. Returns the connection if it can be used again.
fn request(mut connection: Connection, path: &str, counts: &Counts, go_on: &GoingOn) -> Option<Connection> {
    connection.give(TIMEOUT);
    connection.send(&get(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    // The gateway answers each request, whatever the backend does.
    let head = connection.head().unwrap_or_else(|error| panic!("{path}: {error}"));
    go_on.go_on(path);
    let (body, end) = connection.body(&head, false).unwrap();
    let count = match (head.status, &*body, &end) {
        (200, b"hello\n", End::Whole) => &counts.whole,
        (502, _, End::Whole) => &counts.bad_gateway,
        (504, _, End::Whole) => &counts.timeout,
        (200, b"" | b"part", End::Cut(_)) => &counts.cut,
        _ => panic!("{path}: {head:?}, {}, {end:?}", body.escape_ascii()),
    };
    count.fetch_add(1, Ordering::Relaxed);
    (end == End::Whole).then_some(connection)
}
