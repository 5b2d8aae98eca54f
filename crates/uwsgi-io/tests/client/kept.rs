//! Connections that are used again.

use core::time::Duration;
use std::io::{self, Read};
use std::time::Instant;

use uwsgi_io::{Client, ClientErrorKind, Timeout};

use crate::server::{Connection, Server, directory, take};
use crate::{get, packet, post};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok";

/// Serves so many requests on the connection.
fn serve(connection: &mut dyn Connection, requests: usize) {
    for _ in 0..requests {
        assert_eq!(take(connection, get().len()), get());
        connection.write_all(OK).unwrap();
    }
}

fn ask(client: &mut Client) {
    let mut response = client.request(&get(), io::empty()).unwrap();
    let mut text = String::new();
    response.read_to_string(&mut text).unwrap();
    assert_eq!(text, "ok");
}

/// The server's end of the stream: the client has closed.
fn closed(connection: &mut dyn Connection) {
    assert_eq!(connection.read(&mut [0]).unwrap(), 0);
}

#[test]
fn several_requests_on_one_connection() {
    for start in [Server::tcp, Server::unix] as [fn(usize, fn(usize, &mut dyn Connection)) -> Server; 2] {
        let server = start(1, |_, connection| {
            serve(connection, 5);
            closed(connection);
        });
        let mut client = server.client().with_keepalive(true);
        (0..5).for_each(|_| ask(&mut client));
        drop(client);
        server.end();
    }
}

/// Unless it was asked for, each request has its own, and the connection is closed with the answer.
#[test]
fn one_request_a_connection() {
    let server = Server::tcp(3, |_, connection| {
        serve(connection, 1);
        closed(connection);
    });
    let mut client = server.client();
    (0..3).for_each(|_| ask(&mut client));
    server.end();
}

/// What the server has closed meanwhile is noticed.
#[test]
fn a_stale_connection_is_replaced() {
    let (closed, is_closed) = std::sync::mpsc::channel();
    let serve_two = move |_: usize, connection: &mut dyn Connection| {
        serve(connection, 2);
        connection.shut_down();
        closed.send(()).unwrap();
    };
    for server in [Server::tcp(25, serve_two.clone()), Server::unix(25, serve_two)] {
        let mut client = server.client().with_keepalive(true);
        for _ in 0..25 {
            ask(&mut client);
            ask(&mut client);
            is_closed.recv().unwrap();
        }
        server.end();
    }
}

/// A server whose first connection, once it was used, looks alive and takes nothing; what it does with the second. The client
/// has used the first.
fn deaf_after_one(
    client: impl FnOnce(Client) -> Client,
    second: impl FnOnce(&mut dyn Connection) + Send + 'static,
    then: impl FnOnce(&mut Client),
) {
    let directory = directory();
    let path = directory.join("socket");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let (deaf, is_deaf) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        serve(&mut first, 1);
        first.shutdown(std::net::Shutdown::Read).unwrap();
        deaf.send(()).unwrap();
        second(&mut listener.accept().unwrap().0);
        drop(first);
    });
    let mut client = client(Client::new(path.to_str().unwrap()).unwrap().with_keepalive(true));
    ask(&mut client);
    is_deaf.recv().unwrap();
    then(&mut client);
    drop(client);
    thread.join().unwrap();
    std::fs::remove_dir_all(directory).unwrap();
}

/// Nothing of the request has left, and the body was not read in vain.
#[test]
fn a_request_that_cannot_leave_goes_elsewhere() {
    let answers = |connection: &mut dyn Connection| {
        assert_eq!(take(connection, post(5).len()), post(5));
        assert_eq!(take(connection, 5), b"hello");
        connection.write_all(OK).unwrap();
    };
    deaf_after_one(
        |client| client,
        answers,
        |client| assert_eq!(client.request(&post(5), &b"hello"[..]).unwrap().status(), 200),
    );
}

/// The time for a call does not become longer by that for which the connection before was kept.
#[test]
fn a_connection_that_is_replaced_has_no_more_time() {
    const TOTAL: Duration = Duration::from_millis(200);
    deaf_after_one(
        |client| client.with_total_timeout(TOTAL),
        |connection| assert_eq!(connection.read_to_end(&mut Vec::new()).unwrap(), get().len()),
        |client| {
            std::thread::sleep(TOTAL * 10);
            let start = Instant::now();
            let error = client.request(&get(), io::empty()).unwrap_err();
            assert!(matches!(error.kind(), ClientErrorKind::TimedOut(Timeout::Total(TOTAL))), "{error}");
            assert!(start.elapsed() < TOTAL * 10, "after {:?}", start.elapsed());
        },
    );
}

/// The connection is not used again if the answer does not say `keep-alive`, if it was not read, if its end was not known before
/// it came, or if more bytes came after it.
#[test]
fn what_is_not_used_again() {
    let answers: [&[u8]; 7] = [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        OK,
    ];
    let server = Server::tcp(8, move |number, connection| {
        take(connection, get().len());
        connection.write_all(answers.get(number).copied().unwrap_or(OK)).unwrap();
        if number != 2 {
            closed(connection);
        }
    });
    let mut client = server.client().with_keepalive(true);
    (0..6).for_each(|_| ask(&mut client));
    // This one is not read to its end.
    assert_eq!(client.request(&get(), io::empty()).unwrap().status(), 200);
    ask(&mut client);
    drop(client);
    server.end();
}

/// A server that has taken a request and closes: it is not sent again, since it may have been obeyed.
#[test]
fn nothing_is_sent_twice() {
    let server = Server::tcp(1, |_, connection| {
        serve(connection, 1);
        assert_eq!(take(connection, get().len()), get());
    });
    let mut client = server.client().with_keepalive(true);
    ask(&mut client);
    let error = client.request(&get(), io::empty()).unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::NoAnswer(_)), "{error}");
    server.end();
}

/// Bodies of a length that is read exactly, and never looked behind, count as read.
#[test]
fn bodies_on_a_kept_connection() {
    let server = Server::tcp(1, |_, connection| {
        for number in 0..20 {
            let length = number * 5000;
            take(connection, post(length).len());
            let body = take(connection, length);
            connection
                .write_all(
                    format!("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: {length}\r\n\r\n").as_bytes(),
                )
                .unwrap();
            connection.write_all(&body).unwrap();
        }
    });
    let mut client = server.client().with_keepalive(true);
    for number in 0..20 {
        let body = vec![b'a' + number; usize::from(number) * 5000];
        let mut response = client.request(&post(body.len()), &body[..]).unwrap();
        let mut echoed = vec![0; body.len()];
        response.read_exact(&mut echoed).unwrap();
        assert!(echoed == body);
    }
    server.end();
}

/// Without a length no server could go on: where the packet says nothing of a body, one of 0 is added.
#[test]
fn a_request_that_says_nothing_of_a_body_declares_none() {
    let silent = packet(&[("REQUEST_METHOD", "GET")]);
    let rows = [
        (true, silent.clone(), packet(&[("REQUEST_METHOD", "GET"), ("CONTENT_LENGTH", "0")])),
        (false, silent.clone(), silent),
        // What is said stays.
        (true, packet(&[("CONTENT_LENGTH", "")]), packet(&[("CONTENT_LENGTH", "")])),
        (true, packet(&[("CONTENT_LENGTH", "0")]), packet(&[("CONTENT_LENGTH", "0")])),
    ];
    for (keepalive, given, sent) in rows {
        let (expected, length) = (sent.clone(), sent.len());
        let server = Server::tcp(1, move |_, connection| {
            assert_eq!(take(connection, length), expected);
            connection.write_all(OK).unwrap();
            assert_eq!(connection.read(&mut [0]).unwrap(), 0);
        });
        let mut client = server.client().with_keepalive(keepalive);
        assert_eq!(client.request(&given, io::empty()).unwrap().status(), 200);
        drop(client);
        server.end();
    }
}

/// Method, body, whether it was allowed, whether a byte of an answer comes before the close; whether it is asked again.
#[test]
fn what_meets_a_close_and_is_asked_again() {
    let large = vec![b'x'; 100_000];
    let rows: [(&str, &[u8], bool, bool, bool); 7] = [
        ("GET", b"", true, false, true),
        ("GET", b"", false, false, false),
        ("GET", b"", true, true, false),
        ("PUT", b"hello", true, false, true),
        ("PUT", &large, true, false, false),
        ("POST", b"", true, false, false),
        ("POST", b"hello", true, false, false),
    ];
    for (method, body, allowed, answered, again) in rows {
        let request = packet(&[("REQUEST_METHOD", method), ("CONTENT_LENGTH", &body.len().to_string())]);
        let (sent, expected) = (request.clone(), body.to_vec());
        let server = Server::tcp(if again { 2 } else { 1 }, move |number, connection| {
            if number == 0 {
                serve(connection, 1);
            }
            assert_eq!(take(connection, sent.len()), sent);
            assert!(take(connection, expected.len()) == expected);
            if number == 1 {
                connection.write_all(OK).unwrap();
            } else if answered {
                connection.write_all(b"H").unwrap();
            }
        });
        let mut client = server.client().with_keepalive(true);
        if allowed {
            client = client.retrying_idempotent();
        }
        ask(&mut client);
        let status = client.request(&request, body).map(|response| response.status());
        assert_eq!(status.is_ok(), again, "{method} {} {allowed} {answered}: {status:?}", body.len());
        drop(client);
        server.end();
    }
}
