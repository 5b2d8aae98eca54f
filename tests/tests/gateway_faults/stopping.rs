//! A SIGTERM while 32 clients send requests.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use uwsgi_tests::backend::ScriptedBackend;
use uwsgi_tests::http1::{Connection, End};

use crate::{AT_ONCE, TIMEOUT, check_healthy, get, post, start, wait_until, wait_until_at_rest};

const CLIENTS: usize = 32;

/// Every request that reached the backend is answered whole, and the others were not read.
#[test]
fn a_stop_under_load_loses_no_answer() {
    let backend = ScriptedBackend::start();
    let mut gateway = start(&backend, &["grace=10000", "threads=2"]);
    let address = gateway.address();
    let (answered, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for index in 0..CLIENTS {
            let (answered, stopped) = (&answered, &stopped);
            scope.spawn(move || {
                let mut kept = None;
                loop {
                    let connection = kept.take().map_or_else(|| Connection::open(address, TIMEOUT), Ok);
                    let Ok(connection) = connection else {
                        assert!(stopped.load(Ordering::Relaxed), "refused before the stop");
                        break;
                    };
                    // Some answers are longer than the buffers of the sockets, so that the stop meets them half-way.
                    let length = if index % 4 == 0 { 3_000_000 } else { 1000 };
                    match request(connection, length) {
                        Some(connection) => {
                            answered.fetch_add(1, Ordering::Relaxed);
                            kept = connection.filter(|_| index % 2 == 0);
                        }
                        None => assert!(stopped.load(Ordering::Relaxed), "closed before the stop"),
                    }
                }
            });
        }
        wait_until("the clients send", || answered.load(Ordering::Relaxed) > 500);
        stopped.store(true, Ordering::Relaxed);
        gateway.process.signal(Signal::TERM).unwrap();
    });
    let (ended, took) = gateway.process.ended_within(Duration::from_secs(10)).unwrap();
    assert!(ended.success(), "{ended}");
    // All clients were refused before this, so that little is left to do.
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(TcpStream::connect(address).is_err());
    let (answered, requests) = (answered.into_inner(), backend.requests());
    println!("{answered} answers, {requests} requests");
    assert_eq!(answered, requests);
}

/// Sends a request. Returns the connection, if it is kept; `None` if the connection was closed before an answer began.
fn request(mut connection: Connection, length: usize) -> Option<Option<Connection>> {
    connection.give(TIMEOUT);
    // The gateway may have closed the connection.
    let _gone = connection.send(&get(&format!("/bytes/{length}")));
    // Nothing of an answer has come if there is no head.
    let head = connection.head().ok()?;
    let (body, end) = connection.body(&head, false).unwrap();
    assert_eq!((head.status, body.len(), end), (200, length, End::Whole), "{head:?}");
    Some(Some(connection).filter(|_| head.header("connection") != Some("close")))
}

/// What has not ended when the grace is over is cut off.
#[test]
fn a_stop_ends_with_the_grace() {
    let backend = ScriptedBackend::start();
    let mut gateway = start(&backend, &["grace=1000", "threads=2"]);
    let mut clients: Vec<TcpStream> = (0..CLIENTS).map(|_| TcpStream::connect(gateway.address()).unwrap()).collect();
    for client in &mut clients {
        client.write_all(&get("/bytes/50000000")).unwrap();
    }
    wait_until("all requests have reached the backend", || backend.requests() == CLIENTS);
    gateway.process.signal(Signal::TERM).unwrap();
    let (ended, took) = gateway.process.ended_within(Duration::from_secs(10)).unwrap();
    assert!(
        ended.success() && (Duration::from_millis(900)..Duration::from_secs(4)).contains(&took),
        "{ended} {took:?}"
    );
    wait_until("the backend is free", || backend.open() == 0);
}

/// Idle connections are closed at once, whether they have had a request or not. A body that has begun is read, and its request is
/// answered.
#[test]
fn a_stop_closes_idle_connections_and_finishes_bodies() {
    let backend = ScriptedBackend::start();
    let mut gateway = start(&backend, &["grace=20000", "keepalive=60000", "threads=2"]);
    let new: Vec<Connection> = (0..CLIENTS).map(|_| gateway.connect().unwrap()).collect();
    let mut kept: Vec<Connection> = (0..CLIENTS).map(|_| gateway.connect().unwrap()).collect();
    kept.iter_mut().for_each(|connection| check_healthy(connection, "the start"));
    let mut sending: Vec<Connection> = (0..CLIENTS).map(|_| gateway.connect().unwrap()).collect();
    for connection in &mut sending {
        connection.send(&[post("/read", 100), vec![b'x'; 50]].concat()).unwrap();
    }
    wait_until_at_rest(&gateway.process);
    let begun = Instant::now();
    gateway.process.signal(Signal::TERM).unwrap();
    for mut connection in new.into_iter().chain(kept) {
        assert_eq!(connection.rest().unwrap(), b"");
    }
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    for mut connection in sending {
        connection.send(&[b'x'; 50]).unwrap();
        let answer = connection.answer(false).unwrap();
        assert_eq!((answer.head.status, &*answer.body), (200, &b"100\n"[..]));
        assert_eq!(answer.head.header("connection"), Some("close"));
    }
    let (ended, took) = gateway.process.ended_within(Duration::from_secs(10)).unwrap();
    assert!(ended.success() && took < AT_ONCE, "{ended} {took:?}");
}
