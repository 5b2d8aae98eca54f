//! Servers that answer before they have taken the whole body.

use std::io::{self, Read};

use uwsgi_io::ClientErrorKind;

use crate::post;
use crate::server::{Connection, Server, take};

const LENGTH: usize = 20 << 20;
const REFUSAL: &[u8] = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo long";
const REDIRECT: &[u8] = b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 8\r\n\r\ntoo long";

fn body() -> io::Take<io::Repeat> {
    io::repeat(b'x').take(LENGTH as u64)
}

/// The answer is there, and then the connection is closed over unread bytes: the kernel resets it. To give up at the first
/// EPIPE or ECONNRESET would be to lose the answer.
#[test]
fn answers_and_closes_over_the_body() {
    fn refuse(number: usize, connection: &mut dyn Connection) {
        take(connection, post(LENGTH).len() + number * 10_000);
        connection.write_all(REFUSAL).unwrap();
    }
    for server in [Server::tcp(20, refuse), Server::unix(20, refuse)] {
        let mut client = server.client();
        for attempt in 0..20 {
            let mut response =
                client.request(&post(LENGTH), body()).unwrap_or_else(|error| panic!("{attempt}: {error}"));
            assert_eq!(response.status(), 413);
            let mut text = String::new();
            response.read_to_string(&mut text).unwrap();
            assert_eq!(text, "too long");
        }
        server.end();
    }
}

/// The same, with a server that does not even read the packet: its address list has no place for us.
#[test]
fn answers_and_closes_before_the_packet() {
    fn refuse(_: usize, connection: &mut dyn Connection) {
        connection.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").unwrap();
    }
    for server in [Server::tcp(20, refuse), Server::unix(20, refuse)] {
        let mut client = server.client();
        for attempt in 0..20 {
            // The answer may be there before the first byte has left, and may not.
            if attempt % 2 == 0 {
                std::thread::sleep(core::time::Duration::from_millis(1));
            }
            let response = client.request(&post(LENGTH), body()).unwrap_or_else(|error| panic!("{attempt}: {error}"));
            assert_eq!(response.status(), 403);
        }
        server.end();
    }
}

/// A server that shuts down and drains, as ours does.
#[test]
fn answers_and_drains() {
    for (answer, status) in [(REFUSAL, 413), (REDIRECT, 302)] {
        ends_the_sending(answer, status);
    }
}

fn ends_the_sending(answer: &'static [u8], status: u16) {
    let server = Server::tcp(1, |_, connection| {
        take(connection, post(LENGTH).len());
        connection.write_all(answer).unwrap();
        let drained = io::copy(connection, &mut io::sink()).unwrap();
        // What was on its way, and no more: the status of an error or a redirect ends the sending.
        assert!(drained < LENGTH as u64, "{drained} bytes of the body came all the same");
    });
    let mut client = server.client();
    let mut response = client.request(&post(LENGTH), body()).unwrap();
    let mut text = String::new();
    response.read_to_string(&mut text).unwrap();
    assert_eq!((response.status(), &*text), (status, "too long"));
    drop(response);
    server.end();
}

/// uWSGI closes over what it refuses without a word.
#[test]
fn closes_without_an_answer() {
    fn close(_: usize, connection: &mut dyn Connection) {
        take(connection, 4);
    }
    for server in [Server::tcp(10, close), Server::unix(10, close)] {
        let mut client = server.client();
        for _ in 0..10 {
            let error = client.request(&post(LENGTH), body()).unwrap_err();
            assert!(matches!(error.kind(), ClientErrorKind::NoAnswer(_)), "{error}");
            assert!(error.to_string().contains(&server.address));
        }
        server.end();
    }
}

/// A reset inside the answer is told as what it is.
#[test]
fn resets_inside_the_answer() {
    let server = Server::tcp(1, |_, connection| {
        take(connection, post(LENGTH).len());
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello").unwrap();
    });
    let mut client = server.client();
    let mut response = client.request(&post(LENGTH), body()).unwrap();
    let error = response.read_to_end(&mut Vec::new()).unwrap_err();
    match response.explain(error).kind() {
        ClientErrorKind::Read(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        ClientErrorKind::Answer(error) => assert!(error.to_string().contains("95 bytes"), "{error}"),
        other => panic!("{other}"),
    }
    drop(response);
    server.end();
}

/// Answers that are no error, and what they have of a body: with none at all, with a length, in chunks, up to the close.
const EARLY: [(&[u8], &str); 5] = [
    (b"HTTP/1.1 204 No Content\r\n\r\n", ""),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly", "early"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n0\r\n\r\n", "early"),
    (b"HTTP/1.1 200 OK\r\n\r\nearly", "early"),
];

/// All of the request leaves, though the answer was there before it had.
#[test]
fn an_early_answer_does_not_cut_the_request() {
    for (answer, expected) in EARLY {
        let server = Server::tcp(1, move |_, connection| {
            take(connection, post(LENGTH).len());
            connection.write_all(answer).unwrap();
            if !answer.windows(8).any(|name| name == b"Content-" || name == b"Transfer") {
                connection.shut_down_write();
            }
            std::thread::sleep(core::time::Duration::from_millis(200));
            assert_eq!(take(connection, LENGTH).len(), LENGTH);
        });
        let mut client = server.client();
        let mut response = client.request(&post(LENGTH), body()).unwrap();
        let mut text = String::new();
        response.read_to_string(&mut text).unwrap();
        assert_eq!(text, expected);
        drop(response);
        server.end();
    }
}

/// If it cannot leave, the caller is told so, with the last bytes of the answer at the latest.
#[test]
fn a_request_that_cannot_leave_is_an_error() {
    for (answer, expected) in EARLY {
        let server = Server::tcp(1, move |_, connection| {
            take(connection, post(LENGTH).len());
            take(connection, 4 << 20);
            connection.write_all(answer).unwrap();
            // The answer is there before the reset.
            connection.shut_down_write();
            std::thread::sleep(core::time::Duration::from_millis(200));
        });
        let mut client = server.client();
        let error = match client.request(&post(LENGTH), body()) {
            // A caller that knows the length reads no further.
            Ok(mut response) => {
                let error = match response.read_exact(&mut vec![0; expected.len().max(1)]) {
                    Ok(()) => response.read(&mut [0]).unwrap_err(),
                    Err(error) => error,
                };
                response.read(&mut [0]).expect_err("it stays an error");
                response.explain(error)
            }
            Err(error) => error,
        };
        assert!(matches!(error.kind(), ClientErrorKind::Write(_)), "{}: {error}", answer.escape_ascii());
        server.end();
    }
}
