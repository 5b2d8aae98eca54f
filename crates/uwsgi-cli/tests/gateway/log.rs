//! The log on standard error.

use std::io::{ErrorKind, Read, Write};

use crate::gateway::Gateway;

/// The log of these requests does not fit into the pipe of standard error, and the queue of the log has no room for the rest.
const REQUESTS: usize = 3000;

/// Starts a gateway without a backend, sends it requests, and reads nothing of its log.
fn gateway_with_an_unread_log(test: &str) -> Gateway {
    let mut gateway = Gateway::start(test, &["--health-path", "/health", "--threads", "1"]);
    gateway.end_backend();
    let mut stream = gateway.connect();
    for number in 0..REQUESTS {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        // The body of the gateway's own answers is one line.
        while !answer.ends_with(b"\n") || answer.ends_with(b"\r\n") {
            let mut buffer = [0; 1024];
            match stream.read(&mut buffer) {
                Ok(count @ 1..) => answer.extend_from_slice(&buffer[..count]),
                // A child of another test has ended (signal(7)).
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                end => panic!("request {number}: {end:?} after {}", answer.escape_ascii()),
            }
        }
        assert!(answer.starts_with(b"HTTP/1.1 502 "), "{}", answer.escape_ascii());
    }
    assert_eq!(gateway.get("/health", "").0, 200);
    gateway
}

#[test]
fn a_log_that_nobody_reads_stops_no_request_and_tells_how_much_it_dropped() {
    let gateway = gateway_with_an_unread_log("log-read-late");
    gateway.signal("TERM");
    let (status, _, log) = gateway.wait();
    assert_eq!(status, Some(0));
    let lines = log.lines().filter(|line| line.contains("/: 502 ")).count();
    let last = log.lines().last().unwrap();
    let dropped = last.rsplit(' ').next().unwrap().parse::<usize>();
    assert_eq!(dropped, Ok(REQUESTS - lines), "{last}");
}

#[test]
fn a_log_that_nobody_reads_does_not_keep_the_gateway_from_its_end() {
    let mut gateway = gateway_with_an_unread_log("log-never-read");
    gateway.signal("TERM");
    let (status, stdout) = gateway.wait_without_the_log();
    assert_eq!((status, &*stdout), (Some(0), ""));
}

#[test]
fn the_last_line_is_written() {
    let mut gateway = Gateway::start("log-last", &[]);
    gateway.end_backend();
    assert_eq!(gateway.get("/last", "").0, 502);
    gateway.signal("TERM");
    let (status, _, log) = gateway.wait();
    assert_eq!(status, Some(0));
    assert!(log.contains("/last: 502 "), "{log}");
}
