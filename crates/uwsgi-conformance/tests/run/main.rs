//! Runs of several cases against servers with one fault each.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test"
)]

extern crate alloc;

#[cfg(target_os = "linux")]
mod backlog;
mod death;

use alloc::sync::Arc;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use uwsgi::Packet;
use uwsgi_conformance::report::{Body, report};
use uwsgi_conformance::socket::Server;
use uwsgi_conformance::{Application, Danger, Finding, Plan, Results, Row, SMALL, Seen, all};

/// Starts a server on loopback that calls `serve` with each connection, on a thread of its own.
fn server(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream.unwrap()));
        }
    });
    address
}

/// Reads a request, and what comes within 100 ms after it. If the request does not become whole, returns what came after a
/// silence of [`SILENCE`].
fn request(stream: &mut TcpStream) -> Vec<u8> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 70_000]);
    loop {
        let silence = if is_whole(&bytes) { Duration::from_millis(100) } else { SILENCE };
        stream.set_read_timeout(Some(silence)).unwrap();
        match stream.read(&mut buffer) {
            Ok(count @ 1..) => bytes.extend_from_slice(&buffer[..count]),
            _ => return bytes,
        }
    }
}

/// Returns whether the bytes are a packet and the body that it announces.
fn is_whole(bytes: &[u8]) -> bool {
    let Ok((packet, body)) = Packet::decode(bytes) else { return false };
    let length = packet.vars().ok().and_then(|vars| vars.get("CONTENT_LENGTH"));
    let length: Option<usize> = length.and_then(|length| core::str::from_utf8(length).ok()?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// How long the servers here wait for more bytes: long enough for what is sent at once, and less than their clients wait.
const SILENCE: Duration = Duration::from_millis(1500);
/// How long the clients wait.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long a server hangs: longer than any client waits.
const FOR_EVER: Duration = Duration::from_secs(60);

fn respond(stream: &mut TcpStream, status: &str, body: &str) {
    let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read_to_end(&mut Vec::new());
}

/// Returns the report about [`SMALL`].
fn reported() -> String {
    report(&SMALL.build(), false, &Body::default())
}

/// Plays the cases of these names.
fn run(address: SocketAddr, names: &[&str]) -> Results<'static> {
    let server = Server::tcp(address).with_patience(PATIENCE);
    let cases = names.iter().map(|name| all().find(|case| case.name == *name).unwrap());
    Plan::new(cases).with_revival(Duration::from_secs(10)).run(&server, |_| {}).unwrap()
}

fn findings(results: &Results<'_>) -> Vec<(&'static str, Seen, Finding)> {
    results.played.iter().map(|played| (played.case.name, played.seen, played.finding)).collect()
}

/// Cases with different kinds of verdict.
const MIXED: [&str; 7] =
    ["ok-get", "path-percent", "trailing-1", "vars-1001", "pipelined", "body-short-close", "abort"];

/// Seven good requests, and among them a packet with a trailing byte.
const AROUND: [&str; 8] =
    ["ok-get", "ok-post", "path-percent", "trailing-1", "path-utf8", "https-on", "script-name", "path-question"];

#[test]
fn a_server_that_accepts_everything() {
    let address = server(|mut stream| {
        request(&mut stream);
        respond(&mut stream, "200 OK", &reported());
    });
    let results = run(address, &MIXED);
    assert!(results.application.reports());
    assert_eq!(
        findings(&results),
        [
            ("ok-get", Seen::Accepted(200), Finding::AsItShould),
            ("path-percent", Seen::Accepted(200), Finding::Danger(Danger::Misread)),
            ("trailing-1", Seen::Accepted(200), Finding::Danger(Danger::Accepted)),
            ("vars-1001", Seen::Accepted(200), Finding::Differs),
            ("pipelined", Seen::Accepted(200), Finding::AsItShould),
            ("body-short-close", Seen::Accepted(200), Finding::Danger(Danger::Accepted)),
            ("abort", Seen::Left, Finding::AsItShould),
        ]
    );
    assert_eq!(
        results.played[1].to_string(),
        "path-percent: 200 (path /m, target /m); should be: 200; served as another request than was sent"
    );
}

#[test]
fn a_server_whose_application_does_not_report() {
    let address = server(|mut stream| {
        request(&mut stream);
        respond(&mut stream, "403 Forbidden", "not you");
    });
    let results = run(address, &MIXED);
    assert!(!results.application.reports());
    assert_eq!(
        findings(&results),
        [
            ("ok-get", Seen::Accepted(403), Finding::AsItShould),
            ("path-percent", Seen::Accepted(403), Finding::AsItShould),
            ("trailing-1", Seen::Accepted(403), Finding::Danger(Danger::Accepted)),
            ("vars-1001", Seen::Accepted(403), Finding::Differs),
            ("pipelined", Seen::Accepted(403), Finding::AsItShould),
            ("body-short-close", Seen::Accepted(403), Finding::Unknown),
            ("abort", Seen::Left, Finding::AsItShould),
        ]
    );
}

#[test]
fn a_server_that_closes_on_all_but_one_request() {
    let address = server(|mut stream| {
        if request(&mut stream) == SMALL.build() {
            respond(&mut stream, "200 OK", "hello");
        }
    });
    let results = run(address, &["ok-get", "trailing-1", "connect-half-close", "http-text"]);
    assert_eq!(
        findings(&results),
        [
            ("ok-get", Seen::Accepted(200), Finding::AsItShould),
            ("trailing-1", Seen::Closed, Finding::Differs),
            ("connect-half-close", Seen::Closed, Finding::AsItShould),
            ("http-text", Seen::Closed, Finding::Differs),
        ]
    );
    assert_eq!(results.played[1].to_string(), "trailing-1: closes; should be: 400");
}

#[test]
fn a_server_that_takes_bytes_after_a_request_for_a_request() {
    let address = server(|mut stream| {
        let requests = request(&mut stream).len() / SMALL.build().len();
        let body = reported();
        for _ in 0..requests {
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    let results = run(address, &["ok-get", "pipelined"]);
    assert_eq!(findings(&results)[1], ("pipelined", Seen::Accepted(200), Finding::Danger(Danger::Smuggled)));
    assert_eq!(results.played[1].outcome.in_words(results.played[1].case), "200 + 200");
}

#[test]
fn a_server_that_keeps_connections() {
    let address = server(|mut stream| {
        // It reads one or two requests at once, and then more.
        for _ in 0..2 {
            let body = reported();
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let count = request(&mut stream).len() / SMALL.build().len();
            let _ = stream.write_all(answer.repeat(count).as_bytes());
        }
        thread::sleep(FOR_EVER);
    });
    let results = run(address, &["ok-get", "second-after-answer", "pipelined", "trailing-1"]);
    assert_eq!(
        findings(&results),
        [
            // A kept connection is no fault. A second request that waits for the first answer is meant as a request.
            ("ok-get", Seen::Accepted(200), Finding::AsItShould),
            ("second-after-answer", Seen::Accepted(200), Finding::Differs),
            ("pipelined", Seen::Accepted(200), Finding::Danger(Danger::Smuggled)),
            ("trailing-1", Seen::Accepted(200), Finding::Danger(Danger::Accepted)),
        ]
    );
    assert_eq!(results.played[0].outcome.in_words(results.played[0].case), "200, kept open");
}

#[test]
fn a_server_that_copies_a_line_of_the_request_into_its_head() {
    let address = server(|mut stream| {
        let protocol =
            if request(&mut stream).windows(2).any(|bytes| bytes == b"\nX") { "HTTP/1.1\nX" } else { "HTTP/1.1" };
        let _ = write!(stream, "{protocol} 200 OK\r\n\r\n{}", reported());
    });
    let results = run(address, &["ok-get", "protocol-lf"]);
    assert_eq!(findings(&results)[1], ("protocol-lf", Seen::Garbled, Finding::Danger(Danger::Accepted)));
}

#[test]
fn a_server_without_a_limit_may_wait_for_the_announced_body() {
    let address = server(|mut stream| {
        if request(&mut stream) == SMALL.build() {
            respond(&mut stream, "200 OK", "hello");
        } else {
            thread::sleep(FOR_EVER);
        }
    });
    let results = run(address, &["length-over-1-gib", "connect-half-close"]);
    let seen: Vec<_> = findings(&results).into_iter().map(|(_, seen, finding)| (seen, finding)).collect();
    assert_eq!(seen, [(Seen::Hangs, Finding::Differs), (Seen::Hangs, Finding::Danger(Danger::Hangs))]);
}

#[test]
fn a_server_that_hangs() {
    let address = server(|mut stream| {
        if request(&mut stream) == SMALL.build() {
            respond(&mut stream, "200 OK", "hello");
        } else {
            thread::sleep(FOR_EVER);
        }
    });
    let began = Instant::now();
    let results = run(address, &["ok-get", "trailing-1", "http-text"]);
    for (_, seen, finding) in &findings(&results)[1..] {
        assert_eq!((*seen, *finding), (Seen::Hangs, Finding::Danger(Danger::Hangs)));
    }
    // Good requests first, then both cases at once, then each alone and after it a good request.
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[test]
fn a_server_with_one_worker_hangs_only_in_the_case_that_blocks_it() {
    let worker = Mutex::new(());
    let address = server(move |mut stream| {
        let _one = worker.lock().unwrap();
        if request(&mut stream).starts_with(b"GET") {
            // Hangs until its sender gives up.
            stream.set_read_timeout(None).unwrap();
            let _ = stream.read(&mut [0; 1]);
        } else {
            respond(&mut stream, "200 OK", "hello");
        }
    });
    let results = run(address, &["http-text", "ok-get", "ok-post", "length-on-get", "path-percent"]);
    assert_eq!(results.played[0].finding, Finding::Danger(Danger::Hangs));
    for (name, seen, finding) in &findings(&results)[1..] {
        assert_eq!((*seen, *finding), (Seen::Accepted(200), Finding::AsItShould), "{name}");
    }
}

/// Returns the largest number of connections that a plan had at once. Its server answers none before it has `most` connections,
/// or has waited 10 s for them.
fn peak(plan: &Plan<'_>, most: usize) -> usize {
    let (open, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, highest) = (Arc::clone(&open), Arc::clone(&peak));
    let address = server(move |mut stream| {
        let mine = now.fetch_add(1, Ordering::SeqCst) + 1;
        highest.fetch_max(mine, Ordering::SeqCst);
        let until = Instant::now() + Duration::from_secs(10);
        while highest.load(Ordering::SeqCst) < most && Instant::now() < until {
            // A poll with a bound: the connections that are missing may never come.
            thread::sleep(Duration::from_millis(1));
        }
        // This takes 100 ms: time for one more connection to come, if one comes.
        request(&mut stream);
        now.fetch_sub(1, Ordering::SeqCst);
        respond(&mut stream, "200 OK", "hello");
    });
    let server = Server::tcp(address).with_patience(Duration::from_secs(30));
    let results = plan.run(&server, |_| {}).unwrap();
    assert!(results.played.len() > 2 * most, "{}", results.played.len());
    assert_eq!(open.load(Ordering::SeqCst), 0);
    peak.load(Ordering::SeqCst)
}

#[test]
fn a_plan_plays_as_many_cases_at_once_as_it_says() {
    // The application is known: requests to learn it would come alone.
    let served =
        || Plan::new(all().filter(|case| case.row == Row::Served).take(24)).with_application(Application::default());
    assert_eq!(peak(&served(), 8), 8);
    assert_eq!(peak(&served().with_at_once(2), 2), 2);
    assert_eq!(peak(&served().with_at_once(0), 1), 1);
}

#[test]
fn a_run_without_a_server_fails() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = Plan::new(all()).run(&Server::tcp(address), |_| {}).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}
