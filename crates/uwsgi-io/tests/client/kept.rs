//! Kept connections.

use core::time::Duration;
use std::io::{self, Read};
use std::time::Instant;

use uwsgi_io::{Client, ClientErrorKind, Timeout};

use crate::server::{Connection, Server, read_bytes, temp_directory};
use crate::{get, packet, post};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok";

/// Serves this many requests on the connection.
fn serve(connection: &mut dyn Connection, requests: usize) {
    for _ in 0..requests {
        assert_eq!(read_bytes(connection, get().len()), get());
        connection.write_all(OK).unwrap();
    }
}

/// Sends a request and reads the response.
fn request_ok(client: &mut Client) {
    let mut response = client.request(&get(), io::empty()).unwrap();
    let mut text = String::new();
    response.read_to_string(&mut text).unwrap();
    assert_eq!(text, "ok");
}

/// Waits until the client closes.
fn expect_close(connection: &mut dyn Connection) {
    assert_eq!(connection.read(&mut [0]).unwrap(), 0);
}

#[test]
fn several_requests_on_one_connection() {
    for start in [Server::tcp, Server::unix] as [fn(usize, fn(usize, &mut dyn Connection)) -> Server; 2] {
        let server = start(1, |_, connection| {
            serve(connection, 5);
            expect_close(connection);
        });
        let mut client = server.client().with_keepalive(true);
        (0..5).for_each(|_| request_ok(&mut client));
        drop(client);
        server.join();
    }
}

/// By default the client closes the connection after the response.
#[test]
fn a_new_connection_for_each_request_by_default() {
    let server = Server::tcp(3, |_, connection| {
        serve(connection, 1);
        expect_close(connection);
    });
    let mut client = server.client();
    (0..3).for_each(|_| request_ok(&mut client));
    server.join();
}

/// The server has closed the kept connection before the next request.
#[test]
fn a_closed_connection_is_replaced() {
    let (closed, is_closed) = std::sync::mpsc::channel();
    let serve_two = move |_: usize, connection: &mut dyn Connection| {
        serve(connection, 2);
        connection.shut_down();
        closed.send(()).unwrap();
    };
    for server in [Server::tcp(25, serve_two.clone()), Server::unix(25, serve_two)] {
        let mut client = server.client().with_keepalive(true);
        for _ in 0..25 {
            request_ok(&mut client);
            request_ok(&mut client);
            is_closed.recv().unwrap();
        }
        server.join();
    }
}

/// Serves one request on a first connection. After it the connection looks open, but each write of the client fails. `second`
/// serves the second connection. `then` gets the client after the first request.
fn with_broken_connection(
    configure: impl FnOnce(Client) -> Client,
    second: impl FnOnce(&mut dyn Connection) + Send + 'static,
    then: impl FnOnce(&mut Client),
) {
    let directory = temp_directory();
    let path = directory.join("socket");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let (broken, is_broken) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        serve(&mut first, 1);
        first.shutdown(std::net::Shutdown::Read).unwrap();
        broken.send(()).unwrap();
        second(&mut listener.accept().unwrap().0);
        drop(first);
    });
    let mut client = configure(Client::new(path.to_str().unwrap()).unwrap().with_keepalive(true));
    request_ok(&mut client);
    is_broken.recv().unwrap();
    then(&mut client);
    drop(client);
    thread.join().unwrap();
    std::fs::remove_dir_all(directory).unwrap();
}

/// No byte of the request can leave on the kept connection. Its body, which was read already, is sent on the new one.
#[test]
fn a_request_that_cannot_leave_is_sent_on_a_new_connection() {
    let respond = |connection: &mut dyn Connection| {
        assert_eq!(read_bytes(connection, post(5).len()), post(5));
        assert_eq!(read_bytes(connection, 5), b"hello");
        connection.write_all(OK).unwrap();
    };
    with_broken_connection(
        |client| client,
        respond,
        |client| assert_eq!(client.request(&post(5), &b"hello"[..]).unwrap().status(), 200),
    );
}

/// The time for which the old connection was kept does not lengthen the timeout of the call.
#[test]
fn the_total_timeout_holds_on_a_replaced_connection() {
    const TOTAL: Duration = Duration::from_millis(200);
    with_broken_connection(
        |client| client.with_total_timeout(TOTAL),
        |connection| assert_eq!(connection.read_to_end(&mut Vec::new()).unwrap(), get().len()),
        |client| {
            // The connection is kept for longer than the timeout of a call.
            std::thread::sleep(TOTAL * 10);
            let start = Instant::now();
            let error = client.request(&get(), io::empty()).unwrap_err();
            assert!(matches!(error.kind(), ClientErrorKind::TimedOut(Timeout::Total(TOTAL))), "{error}");
            assert!(start.elapsed() < TOTAL * 10, "after {:?}", start.elapsed());
        },
    );
}

/// The connection is not kept if the response does not say `keep-alive`, is not read to its end, has an end that is not known
/// before it comes, or is followed by more bytes.
#[test]
fn connections_that_are_not_kept() {
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
        read_bytes(connection, get().len());
        connection.write_all(answers.get(number).copied().unwrap_or(OK)).unwrap();
        if number != 2 {
            expect_close(connection);
        }
    });
    let mut client = server.client().with_keepalive(true);
    (0..6).for_each(|_| request_ok(&mut client));
    // The body of this response is not read.
    assert_eq!(client.request(&get(), io::empty()).unwrap().status(), 200);
    request_ok(&mut client);
    drop(client);
    server.join();
}

/// A server takes a request and closes. It may have executed the request, so the client does not send it again.
#[test]
fn no_request_is_sent_twice_by_default() {
    let server = Server::tcp(1, |_, connection| {
        serve(connection, 1);
        assert_eq!(read_bytes(connection, get().len()), get());
    });
    let mut client = server.client().with_keepalive(true);
    request_ok(&mut client);
    let error = client.request(&get(), io::empty()).unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::NoAnswer(_)), "{error}");
    server.join();
}

/// The caller reads exactly the length of each body and no end after it. The connection is kept all the same.
#[test]
fn a_body_that_is_read_exactly_keeps_the_connection() {
    let server = Server::tcp(1, |_, connection| {
        for number in 0..20 {
            let length = number * 5000;
            read_bytes(connection, post(length).len());
            let body = read_bytes(connection, length);
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
    server.join();
}

/// A server cannot keep a connection without a length. So the client adds a length of 0 to a packet that does not declare one.
#[test]
fn a_request_without_a_length_gets_a_length_of_0() {
    let silent = packet(&[("REQUEST_METHOD", "GET")]);
    let rows = [
        (true, silent.clone(), packet(&[("REQUEST_METHOD", "GET"), ("CONTENT_LENGTH", "0")])),
        (false, silent.clone(), silent),
        // A declared length stays as it is.
        (true, packet(&[("CONTENT_LENGTH", "")]), packet(&[("CONTENT_LENGTH", "")])),
        (true, packet(&[("CONTENT_LENGTH", "0")]), packet(&[("CONTENT_LENGTH", "0")])),
    ];
    for (keepalive, given, sent) in rows {
        let (expected, length) = (sent.clone(), sent.len());
        let server = Server::tcp(1, move |_, connection| {
            assert_eq!(read_bytes(connection, length), expected);
            connection.write_all(OK).unwrap();
            assert_eq!(connection.read(&mut [0]).unwrap(), 0);
        });
        let mut client = server.client().with_keepalive(keepalive);
        assert_eq!(client.request(&given, io::empty()).unwrap().status(), 200);
        drop(client);
        server.join();
    }
}

/// The rows: method, body, whether the caller allows it, whether a byte of a response comes before the close; whether the
/// request is sent again.
#[test]
fn a_request_that_meets_a_close_is_sent_again_if_that_is_harmless() {
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
            assert_eq!(read_bytes(connection, sent.len()), sent);
            assert!(read_bytes(connection, expected.len()) == expected);
            if number == 1 {
                connection.write_all(OK).unwrap();
            } else if answered {
                connection.write_all(b"H").unwrap();
            }
        });
        let mut client = server.client().with_keepalive(true);
        if allowed {
            client = client.with_idempotent_retries();
        }
        request_ok(&mut client);
        let status = client.request(&request, body).map(|response| response.status());
        assert_eq!(status.is_ok(), again, "{method} {} {allowed} {answered}: {status:?}", body.len());
        drop(client);
        server.join();
    }
}
