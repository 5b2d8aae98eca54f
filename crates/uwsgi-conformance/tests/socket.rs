//! Cases over loopback: the same machines behind a socket must come out as they do in memory.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test"
)]

use core::time::Duration;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use uwsgi::server::Time;
use uwsgi_conformance::machine::{Connection, State};
use uwsgi_conformance::socket::Server;
use uwsgi_conformance::{Case, Split, all, run};

/// Cases that take no time to speak of, each for another reason.
const CASES: [&str; 14] = [
    "ok-get",
    "ok-post",
    "ok-head",
    "body-trickle",
    "body-short-close",
    "connect-half-close",
    "datasize-0",
    "header-only-close",
    "http-text",
    "key-overrun-hidden",
    "keepalive-three-posts",
    "ping-bare",
    "pipelined",
    "vars-1001",
];

/// Answers that are cut off, which have to show.
const ABORTED: [&str; 3] = ["app-short", "app-fails-halfway", "keepalive-short"];

fn case(name: &str) -> &'static Case {
    all().find(|case| case.name == name).unwrap()
}

/// Serves one connection, as a server of threads does: reads until the next deadline at most.
fn serve(case: &Case, mut stream: TcpStream) {
    let began = Instant::now();
    let now = || Time::from_millis(began.elapsed().as_millis().try_into().unwrap());
    let mut connection = Connection::new(case, now());
    let (mut buffer, mut half_closed) = ([0; 4096], false);
    loop {
        connection.poll(now());
        if stream.write_all(&connection.take_output()).is_err() {
            return;
        }
        match connection.state() {
            State::HalfClosed if !half_closed => {
                half_closed = true;
                let _ = stream.shutdown(Shutdown::Write);
            }
            // std cannot reset. What is cut off shows by its length.
            State::Aborted | State::Closed | State::Gone => return,
            _ => {}
        }
        let wait = connection.deadline().map(|deadline| deadline.since(now()) + Duration::from_millis(1));
        stream.set_read_timeout(wait).unwrap();
        match stream.read(&mut buffer) {
            Ok(0) => connection.ended(),
            Ok(count) => connection.received(&buffer[..count]),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => connection.was_reset(),
        }
    }
}

/// Plays a case against a server of its own.
fn play(name: &'static str, split: Split) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::tcp(listener.local_addr().unwrap()).with_patience(Duration::from_secs(2));
    thread::scope(|scope| {
        scope.spawn(|| serve(case(name), listener.accept().unwrap().0));
        if let Err(mismatch) = run(case(name), &server, split) {
            panic!("{mismatch}");
        }
    });
}

#[test]
fn whole() {
    thread::scope(|scope| {
        for name in CASES.into_iter().chain(ABORTED) {
            scope.spawn(move || play(name, Split::Whole));
        }
    });
}

#[test]
fn split_inside_the_header_and_inside_the_block() {
    thread::scope(|scope| {
        for name in CASES {
            scope.spawn(move || [2, 100].map(|place| play(name, Split::At(place))));
        }
    });
}

#[test]
fn byte_by_byte() {
    play("ok-post", Split::ByteByByte);
}

#[test]
fn what_is_wrong_is_told() {
    // Another case's server: it answers 200, and closes.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::tcp(listener.local_addr().unwrap());
    let wrong = Case { verdict: case("datasize-0").verdict, ..*case("ok-get") };
    thread::scope(|scope| {
        scope.spawn(|| serve(case("ok-get"), listener.accept().unwrap().0));
        let mismatch = run(&wrong, &server, Split::Whole).unwrap_err().to_string();
        for part in ["ok-get: a good GET", "status: 400", "row Served", "answer 200", "method GET", "closed"] {
            assert!(mismatch.contains(part), "{part} is not in {mismatch}");
        }
    });
}
