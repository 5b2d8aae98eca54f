//! Connections that become pipes.

use core::time::Duration;
use std::io::{self, Read, Write};

use uwsgi::client::ExchangeError;
use uwsgi_io::{ClientErrorKind, Timeout};

use crate::server::{Server, take};
use crate::{get, packet};

const SWITCHING: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: caps\r\n\r\n";

/// A request that asks for an upgrade, with a body of so many bytes.
fn asking(length: usize) -> Vec<u8> {
    packet(&[("HTTP_UPGRADE", "caps"), ("CONTENT_LENGTH", &length.to_string())])
}

#[test]
fn a_pipe_behind_101() {
    let server = Server::tcp(1, |_, connection| {
        take(connection, asking(0).len());
        connection.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: caps\r\n\r\nready\n").unwrap();
        for line in [b"one\n", b"two\n"] {
            assert_eq!(take(connection, 4), line);
            connection.write_all(&line.to_ascii_uppercase()).unwrap();
        }
    });
    let mut client = server.client();
    let response = client.request(&asking(0), io::empty()).unwrap();
    assert_eq!(response.head().get("Upgrade"), Some(&b"caps"[..]));
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
    server.end();
}

/// RFC 9110 section 15.2.2: a 101 answers an Upgrade of the client.
#[test]
fn a_101_that_nobody_asked_for() {
    for asked in [get(), packet(&[("HTTP_UPGRADE", "")]), packet(&[("HTTP_UPGRADE", "h2c")])] {
        let length = asked.len();
        let server = Server::tcp(1, move |_, connection| {
            take(connection, length);
            connection.write_all(SWITCHING).unwrap();
        });
        let mut client = server.client();
        let error = client.request(&asked, io::empty()).unwrap_err();
        assert!(matches!(error.kind(), ClientErrorKind::Answer(ExchangeError::UnaskedUpgrade)), "{error}");
        server.end();
    }
}

/// More than the buffers between hold.
const LENGTH: usize = 8 << 20;

/// What is written to the pipe comes after the body, also where the server answers before it reads.
#[test]
fn nothing_overtakes_the_body() {
    let server = Server::tcp(2, |_, connection| {
        connection.write_all(SWITCHING).unwrap();
        connection.write_all(b"ready").unwrap();
        // Time for the client to see the answer before the body has left.
        std::thread::sleep(Duration::from_millis(100));
        take(connection, asking(LENGTH).len());
        assert!(take(connection, LENGTH).iter().all(|byte| *byte == b'x'), "the pipe overtook the body");
        assert_eq!(take(connection, 4), b"pipe");
    });
    let mut client = server.client();
    let response = client.request(&asking(LENGTH), io::repeat(b'x')).unwrap();
    assert_eq!(response.status(), 101);
    let mut pipe = response.into_pipe();
    pipe.write_all(b"pipe").unwrap();
    assert_eq!(pipe.buffered(), b"ready");
    drop(pipe);

    let mut sending = client.send(&asking(LENGTH)).unwrap();
    sending.write_all(&vec![b'x'; LENGTH]).unwrap();
    let mut pipe = sending.finish().unwrap().into_pipe();
    pipe.write_all(b"pipe").unwrap();
    drop(pipe);
    server.end();
}

/// A server that answers and never reads: there is no pipe, and the client does not wait for ever.
#[test]
fn a_server_that_never_reads_the_body() {
    const SHORT: Duration = Duration::from_millis(200);
    let server = Server::tcp(1, |_, connection| {
        connection.write_all(SWITCHING).unwrap();
        // Long enough for the buffers between to fill up.
        std::thread::sleep(SHORT * 5);
        let _ = io::copy(connection, &mut io::sink());
    });
    let mut client = server.client().with_write_timeout(SHORT);
    let error = client.request(&asking(1 << 30), io::repeat(b'x')).unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::TimedOut(Timeout::Write(SHORT))), "{error}");
    server.end();
}

/// A server that answers and closes: the error is that of the request.
#[test]
fn a_server_that_closes_over_the_body() {
    let server = Server::tcp(1, |_, connection| {
        connection.write_all(SWITCHING).unwrap();
    });
    let mut client = server.client();
    let error = client.request(&asking(1 << 30), io::repeat(b'x')).unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::Write(_) | ClientErrorKind::Read(_)), "{error}");
    server.end();
}

/// A body that is given up is not finished by a 101.
#[test]
fn a_body_that_is_too_short() {
    const LONG: usize = 1 << 20;
    let server = Server::tcp(2, |_, connection| {
        connection.write_all(SWITCHING).unwrap();
        // Until it was given up.
        let _ = io::copy(connection, &mut io::sink());
    });
    let mut client = server.client();
    let error = client.request(&asking(5), &b"he"[..]).unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::BodyTooShort { missing: 3 }), "{error}");

    let mut sending = client.send(&asking(LONG)).unwrap();
    while !sending.is_answered() {
        sending.write_all(b"x").unwrap();
        sending.flush().unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
    let left = sending.left();
    let error = sending.finish().unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::BodyTooShort { missing } if *missing == left), "{error}");
    server.end();
}
