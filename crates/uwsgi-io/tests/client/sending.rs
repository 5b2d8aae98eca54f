//! Requests whose body the caller writes.

use std::io::{self, Read, Write};

use uwsgi_io::{Client, ClientErrorKind};

use crate::post;
use crate::server::{Connection, Server, read_bytes};

fn echo(_: usize, connection: &mut dyn Connection) {
    let packet = post(5);
    read_bytes(connection, packet.len());
    let body = read_bytes(connection, 5);
    connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").unwrap();
    connection.write_all(&body).unwrap();
}

#[test]
fn a_body_in_pieces() {
    let server = Server::tcp(1, echo);
    let mut client = server.client();
    let mut sending = client.send(&post(5)).unwrap();
    assert_eq!(sending.left(), 5);
    sending.write_all(b"he").unwrap();
    assert_eq!(sending.left(), 3);
    sending.write_all(b"llo").unwrap();
    assert_eq!(sending.left(), 0);
    let mut response = sending.finish().unwrap();
    let mut text = String::new();
    response.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
    drop(response);
    server.join();
}

/// Flushed bytes arrive before the rest is written.
#[test]
fn flushed_bytes_arrive() {
    let server = Server::tcp(1, |_, connection| {
        read_bytes(connection, post(4).len());
        assert_eq!(read_bytes(connection, 2), b"he");
        connection.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        assert_eq!(read_bytes(connection, 2), b"y!");
        connection.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    });
    let mut client = server.client();
    let mut sending = client.send(&post(4)).unwrap();
    sending.write_all(b"he").unwrap();
    sending.flush().unwrap();
    sending.write_all(b"y!").unwrap();
    assert_eq!(sending.finish().unwrap().status(), 204);
    server.join();
}

#[test]
fn a_body_that_is_too_long_or_too_short_is_an_error() {
    let server = Server::tcp(2, |number, connection| {
        if number == 0 {
            echo(number, connection);
        } else {
            read_bytes(connection, post(5).len());
            assert_eq!(connection.read(&mut [0; 8]).unwrap(), 0, "the client closes without the rest");
        }
    });
    let mut client = server.client();
    let mut sending = client.send(&post(5)).unwrap();
    let error = sending.write_all(b"hello, and more").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert_eq!(error.to_string(), "the body is longer than its CONTENT_LENGTH");
    assert_eq!(sending.finish().unwrap().status(), 200);

    let mut sending = client.send(&post(5)).unwrap();
    sending.write_all(b"hel").unwrap();
    let error = sending.finish().unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::BodyTooShort { missing: 2 }), "{error}");
    server.join();
}

/// The server responds and closes while the client writes the body. A write fails, and the client reads the response.
#[test]
fn reads_the_response_after_a_failed_write() {
    const LENGTH: usize = 50 << 20;
    fn refuse(_: usize, connection: &mut dyn Connection) {
        read_bytes(connection, post(LENGTH).len() + 1000);
        connection.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo long").unwrap();
    }
    fn attempt(client: &mut Client) {
        let mut sending = client.send(&post(LENGTH)).unwrap();
        let error = io::copy(&mut io::repeat(b'x').take(LENGTH as u64), &mut sending).unwrap_err();
        assert!(matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset), "{error}");
        let mut response = sending.finish().unwrap();
        let mut text = String::new();
        response.read_to_string(&mut text).unwrap();
        assert_eq!((response.status(), &*text), (413, "too long"));
    }
    for server in [Server::tcp(10, refuse), Server::unix(10, refuse)] {
        let mut client = server.client();
        (0..10).for_each(|_| attempt(&mut client));
        server.join();
    }
}

/// The caller stops writing when a response has come.
#[test]
fn a_response_during_the_body_can_be_noticed() {
    let server = Server::tcp(1, |_, connection| {
        read_bytes(connection, post(1 << 20).len() + 1);
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        io::copy(connection, &mut io::sink()).unwrap();
    });
    let mut client = server.client();
    let mut sending = client.send(&post(1 << 20)).unwrap();
    while !sending.is_answered() {
        sending.write_all(b"x").unwrap();
        sending.flush().unwrap();
    }
    assert!(sending.left() > 0);
    assert_eq!(sending.finish().unwrap().status(), 200);
    server.join();
}
