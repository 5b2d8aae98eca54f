//! Servers that respond before they have read the whole body.

use std::io::{self, Read};

use uwsgi_io::ClientErrorKind;

use crate::post;
use crate::server::{Connection, Server, read_bytes};

const LENGTH: usize = 20 << 20;
const REFUSAL: &[u8] = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo long";
const REDIRECT: &[u8] = b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 8\r\n\r\ntoo long";

fn body() -> io::Take<io::Repeat> {
    io::repeat(b'x').take(LENGTH as u64)
}

/// The server responds and closes with unread bytes, so that the kernel resets the connection. A client that gave up at the
/// first EPIPE or ECONNRESET would lose the response.
#[test]
fn reads_the_response_of_a_server_that_closes_before_it_has_read_the_body() {
    fn refuse(number: usize, connection: &mut dyn Connection) {
        read_bytes(connection, post(LENGTH).len() + number * 10_000);
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
        server.join();
    }
}

/// The same for a server that does not even read the packet, because it does not allow the client's address.
#[test]
fn reads_the_response_of_a_server_that_closes_before_it_has_read_the_packet() {
    fn refuse(_: usize, connection: &mut dyn Connection) {
        connection.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").unwrap();
    }
    for server in [Server::tcp(20, refuse), Server::unix(20, refuse)] {
        let mut client = server.client();
        for attempt in 0..20 {
            // In every second attempt, the server gets the time to wait in `accept` again. Its response comes earlier then.
            if attempt % 2 == 0 {
                std::thread::sleep(core::time::Duration::from_millis(1));
            }
            let response = client.request(&post(LENGTH), body()).unwrap_or_else(|error| panic!("{attempt}: {error}"));
            assert_eq!(response.status(), 403);
        }
        server.join();
    }
}

/// The server shuts down its sending direction and drains, as `uwsgi-server` does.
#[test]
fn an_error_or_a_redirect_ends_the_sending() {
    for (answer, status) in [(REFUSAL, 413), (REDIRECT, 302)] {
        expect_end_of_sending(answer, status);
    }
}

fn expect_end_of_sending(answer: &'static [u8], status: u16) {
    let server = Server::tcp(1, |_, connection| {
        read_bytes(connection, post(LENGTH).len());
        connection.write_all(answer).unwrap();
        let drained = io::copy(connection, &mut io::sink()).unwrap();
        // Only the bytes that had left already come: the status ends the sending.
        assert!(drained < LENGTH as u64, "{drained} bytes of the body came, which is all of it");
    });
    let mut client = server.client();
    let mut response = client.request(&post(LENGTH), body()).unwrap();
    let mut text = String::new();
    response.read_to_string(&mut text).unwrap();
    assert_eq!((response.status(), &*text), (status, "too long"));
    drop(response);
    server.join();
}

/// uWSGI closes without a response if it refuses a request.
#[test]
fn a_close_without_a_response_is_no_answer() {
    fn close(_: usize, connection: &mut dyn Connection) {
        read_bytes(connection, 4);
    }
    for server in [Server::tcp(10, close), Server::unix(10, close)] {
        let mut client = server.client();
        for _ in 0..10 {
            let error = client.request(&post(LENGTH), body()).unwrap_err();
            assert!(matches!(error.kind(), ClientErrorKind::NoAnswer(_)), "{error}");
            assert!(error.to_string().contains(&server.address));
        }
        server.join();
    }
}

/// The connection is reset after a part of the response.
#[test]
fn a_reset_inside_the_response_is_an_error() {
    let server = Server::tcp(1, |_, connection| {
        read_bytes(connection, post(LENGTH).len());
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
    server.join();
}

/// Responses with a success status, and their bodies: no body, a length, chunks, up to the close.
const EARLY: [(&[u8], &str); 5] = [
    (b"HTTP/1.1 204 No Content\r\n\r\n", ""),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly", "early"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n0\r\n\r\n", "early"),
    (b"HTTP/1.1 200 OK\r\n\r\nearly", "early"),
];

/// The whole request leaves, though the response comes earlier.
#[test]
fn an_early_success_does_not_end_the_sending() {
    for (answer, expected) in EARLY {
        let server = Server::tcp(1, move |_, connection| {
            read_bytes(connection, post(LENGTH).len());
            connection.write_all(answer).unwrap();
            if !answer.windows(8).any(|name| name == b"Content-" || name == b"Transfer") {
                connection.shut_down_write();
            }
            // A slow server: the client has read the response before the rest of the body can leave.
            std::thread::sleep(core::time::Duration::from_millis(200));
            assert_eq!(read_bytes(connection, LENGTH).len(), LENGTH);
        });
        let mut client = server.client();
        let mut response = client.request(&post(LENGTH), body()).unwrap();
        let mut text = String::new();
        response.read_to_string(&mut text).unwrap();
        assert_eq!(text, expected);
        drop(response);
        server.join();
    }
}

/// The last read of the response fails, if no earlier call does.
#[test]
fn a_request_that_cannot_leave_is_an_error() {
    for (answer, expected) in EARLY {
        let server = Server::tcp(1, move |_, connection| {
            read_bytes(connection, post(LENGTH).len());
            read_bytes(connection, 4 << 20);
            connection.write_all(answer).unwrap();
            connection.shut_down_write();
            // The client reads the response before the close resets the connection. It cannot report that: for some of these
            // responses `request` itself waits for the rest of the request.
            std::thread::sleep(core::time::Duration::from_millis(200));
        });
        let mut client = server.client();
        let error = match client.request(&post(LENGTH), body()) {
            // A caller that knows the length reads no more than that.
            Ok(mut response) => {
                let error = match response.read_exact(&mut vec![0; expected.len().max(1)]) {
                    Ok(()) => response.read(&mut [0]).unwrap_err(),
                    Err(error) => error,
                };
                response.read(&mut [0]).expect_err("the error must stay");
                response.explain(error)
            }
            Err(error) => error,
        };
        assert!(matches!(error.kind(), ClientErrorKind::Write(_)), "{}: {error}", answer.escape_ascii());
        server.join();
    }
}
