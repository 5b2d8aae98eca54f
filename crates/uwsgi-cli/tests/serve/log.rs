//! The log on standard error.

use std::io::{Read, Write};

use crate::server::Server;

/// The log of these requests does not fit into the pipe of standard error, and the queue of the log has no room for the rest.
const REQUESTS: usize = 3000;

/// Sends a malformed request, which the server refuses with a line in its log.
fn send_malformed(server: &Server) {
    let mut stream = server.connect();
    stream.write_all(&[0; 4]).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{}", answer.escape_ascii());
}

#[test]
fn a_line_begins_with_the_time() {
    let server = Server::start("log-time", &[]);
    send_malformed(&server);
    let (success, _, log) = server.stop();
    assert!(success);
    let line = log.lines().last().unwrap();
    let (time, rest) = line.split_once(' ').unwrap();
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000000Z", "{line}");
    assert!(rest.starts_with(" WARN refused: "), "{line}");
}

#[test]
fn a_log_that_nobody_reads_stops_no_request_and_tells_how_much_it_dropped() {
    let server = Server::start("log-unread", &[]);
    for _ in 0..REQUESTS {
        send_malformed(&server);
    }
    assert_eq!(server.get("/status/204").status, 204);
    let (success, _, log) = server.stop();
    assert!(success);
    let lines = log.lines().filter(|line| line.contains(" WARN refused: ")).count();
    let last = log.lines().last().unwrap();
    let dropped = last.rsplit(' ').next().unwrap().parse::<usize>();
    assert_eq!(dropped, Ok(REQUESTS - lines), "{last}");
}
