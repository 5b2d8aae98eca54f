//! Connections after an upgrade.

use core::time::Duration;
use std::io::{self, Read, Write};
use std::time::Instant;

use uwsgi::client::ExchangeError;
use uwsgi_io::{ClientErrorKind, Timeout};

use crate::server::{Server, read_bytes};
use crate::{get, packet};

const SWITCHING: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: caps\r\n\r\n";

/// Returns the packet of a request for an upgrade, with a body of `length` bytes.
fn upgrade_request(length: usize) -> Vec<u8> {
    packet(&[("HTTP_UPGRADE", "caps"), ("CONTENT_LENGTH", &length.to_string())])
}

#[test]
fn a_101_makes_a_pipe() {
    let server = Server::tcp(1, |_, connection| {
        read_bytes(connection, upgrade_request(0).len());
        connection.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: caps\r\n\r\nready\n").unwrap();
        for line in [b"one\n", b"two\n"] {
            assert_eq!(read_bytes(connection, 4), line);
            connection.write_all(&line.to_ascii_uppercase()).unwrap();
        }
    });
    let mut client = server.client();
    let response = client.request(&upgrade_request(0), io::empty()).unwrap();
    assert_eq!(response.head().header("Upgrade"), Some(&b"caps"[..]));
    let mut pipe = response.into_pipe();
    assert!(pipe.descriptor().is_some());
    let mut line = [0; 6];
    pipe.read_exact(&mut line).unwrap();
    assert_eq!(&line, b"ready\n");
    assert_eq!(pipe.buffered(), b"");
    for (line, answer) in [("one\n", b"ONE\n"), ("two\n", b"TWO\n")] {
        pipe.write_all(line.as_bytes()).unwrap();
        let mut got = [0; 4];
        pipe.read_exact(&mut got).unwrap();
        assert_eq!(&got, answer);
    }
    assert_eq!(pipe.read(&mut line).unwrap(), 0);
    server.join();
}

/// A 101 is a response to an Upgrade of the client (RFC 9110 section 15.2.2).
#[test]
fn a_101_without_a_request_for_it_is_an_error() {
    for asked in [get(), packet(&[("HTTP_UPGRADE", "")]), packet(&[("HTTP_UPGRADE", "h2c")])] {
        let length = asked.len();
        let server = Server::tcp(1, move |_, connection| {
            read_bytes(connection, length);
            connection.write_all(SWITCHING).unwrap();
        });
        let mut client = server.client();
        let error = client.request(&asked, io::empty()).unwrap_err();
        assert!(matches!(error.kind(), ClientErrorKind::Answer(ExchangeError::UnaskedUpgrade)), "{error}");
        server.join();
    }
}

/// More than the buffers of the connection hold.
const LENGTH: usize = 8 << 20;

/// The bytes of the pipe come after the body, also if the server responds before it reads the body.
#[test]
fn the_pipe_does_not_overtake_the_body() {
    let server = Server::tcp(2, |_, connection| {
        connection.write_all(SWITCHING).unwrap();
        connection.write_all(b"ready").unwrap();
        // A slow server: the client sees the response before the body has left.
        std::thread::sleep(Duration::from_millis(100));
        read_bytes(connection, upgrade_request(LENGTH).len());
        assert!(read_bytes(connection, LENGTH).iter().all(|byte| *byte == b'x'), "the pipe overtook the body");
        assert_eq!(read_bytes(connection, 4), b"pipe");
    });
    let mut client = server.client();
    let response = client.request(&upgrade_request(LENGTH), io::repeat(b'x')).unwrap();
    assert_eq!(response.status(), 101);
    let mut pipe = response.into_pipe();
    pipe.write_all(b"pipe").unwrap();
    assert_eq!(pipe.buffered(), b"ready");
    drop(pipe);

    let mut sending = client.send(&upgrade_request(LENGTH)).unwrap();
    sending.write_all(&vec![b'x'; LENGTH]).unwrap();
    let mut pipe = sending.finish().unwrap().into_pipe();
    pipe.write_all(b"pipe").unwrap();
    drop(pipe);
    server.join();
}

/// A server responds and never reads the body. The client gets no pipe, but a timeout.
#[test]
fn a_server_that_never_reads_the_body_is_a_timeout() {
    const SHORT: Duration = Duration::from_millis(200);
    let (gave_up, has_given_up) = std::sync::mpsc::channel();
    let server = Server::tcp(1, move |_, connection| {
        connection.write_all(SWITCHING).unwrap();
        has_given_up.recv_timeout(Duration::from_secs(60)).unwrap();
        let _ = io::copy(connection, &mut io::sink());
    });
    let mut client = server.client().with_write_timeout(SHORT);
    let error = client.request(&upgrade_request(1 << 30), io::repeat(b'x')).unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::TimedOut(Timeout::Write(SHORT))), "{error}");
    gave_up.send(()).unwrap();
    server.join();
}

/// A server responds and closes with unread bytes.
#[test]
fn a_server_that_closes_before_it_has_read_the_body_is_an_error() {
    let server = Server::tcp(1, |_, connection| {
        connection.write_all(SWITCHING).unwrap();
    });
    let mut client = server.client();
    let error = client.request(&upgrade_request(1 << 30), io::repeat(b'x')).unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::Write(_) | ClientErrorKind::Read(_)), "{error}");
    server.join();
}

/// A 101 does not make a request whole whose body is too short.
#[test]
fn a_body_that_is_too_short_is_an_error() {
    const LONG: usize = 1 << 20;
    let server = Server::tcp(2, |_, connection| {
        connection.write_all(SWITCHING).unwrap();
        // Reads until the client gives up.
        let _ = io::copy(connection, &mut io::sink());
    });
    let mut client = server.client();
    let error = client.request(&upgrade_request(5), &b"he"[..]).unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::BodyTooShort { missing: 3 }), "{error}");

    let mut sending = client.send(&upgrade_request(LONG)).unwrap();
    let start = Instant::now();
    while !sending.is_answered() {
        assert!(start.elapsed() < Duration::from_secs(60), "the response has not come");
        sending.write_all(b"x").unwrap();
        sending.flush().unwrap();
        // Polls: only a flush looks for the response.
        std::thread::sleep(Duration::from_millis(1));
    }
    let left = sending.left();
    let error = sending.finish().unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::BodyTooShort { missing } if *missing == left), "{error}");
    server.join();
}
