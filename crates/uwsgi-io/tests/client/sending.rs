//! Requests whose body is written.

use std::io::{self, Read, Write};

use uwsgi_io::{Client, ClientErrorKind};

use crate::post;
use crate::server::{Connection, Server, take};

fn echo(_: usize, connection: &mut dyn Connection) {
    let packet = post(5);
    take(connection, packet.len());
    let body = take(connection, 5);
    connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").unwrap();
    connection.write_all(&body).unwrap();
}

#[test]
fn in_pieces() {
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
    server.end();
}

/// What is flushed is there, before the rest.
#[test]
fn flushed() {
    let server = Server::tcp(1, |_, connection| {
        take(connection, post(4).len());
        assert_eq!(take(connection, 2), b"he");
        connection.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        assert_eq!(take(connection, 2), b"y!");
        connection.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    });
    let mut client = server.client();
    let mut sending = client.send(&post(4)).unwrap();
    sending.write_all(b"he").unwrap();
    sending.flush().unwrap();
    sending.write_all(b"y!").unwrap();
    assert_eq!(sending.finish().unwrap().status(), 204);
    server.end();
}

#[test]
fn too_much_and_too_little() {
    let server = Server::tcp(2, |number, connection| {
        if number == 0 {
            echo(number, connection);
        } else {
            take(connection, post(5).len());
            assert_eq!(connection.read(&mut [0; 8]).unwrap(), 0, "it was given up");
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
    server.end();
}

/// A server that answers and closes while the body is written: writing fails, and the answer is there.
#[test]
fn refused_on_the_way() {
    const LENGTH: usize = 50 << 20;
    fn refuse(_: usize, connection: &mut dyn Connection) {
        take(connection, post(LENGTH).len() + 1000);
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
        server.end();
    }
}

/// Who sees that an answer has come may stop.
#[test]
fn answered_on_the_way() {
    let server = Server::tcp(1, |_, connection| {
        take(connection, post(1 << 20).len() + 1);
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
    server.end();
}
