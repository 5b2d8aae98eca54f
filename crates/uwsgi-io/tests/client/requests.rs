//! Requests and responses.

use core::time::Duration;
use std::io::{self, BufRead, Read};

use uwsgi::Address;
use uwsgi_io::{Client, ClientErrorKind};

use crate::server::{Connection, Server, read_bytes};
use crate::{get, packet, post};

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn hello(client: &mut Client) {
    let mut response = client.request(&get(), io::empty()).unwrap();
    assert_eq!((response.status(), response.head().content_length()), (200, Some(5)));
    let mut text = String::new();
    response.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
}

fn answer_hello(_: usize, connection: &mut dyn Connection) {
    assert_eq!(read_bytes(connection, get().len()), get());
    connection.write_all(HELLO).unwrap();
}

#[test]
fn tcp_by_address_and_by_name() {
    let server = Server::tcp(2, answer_hello);
    hello(&mut server.client());
    let port = server.address.rsplit_once(':').unwrap().1;
    hello(&mut Client::new(&format!("localhost:{port}")).unwrap());
    server.join();
}

#[test]
fn unix_sockets_in_every_notation() {
    let server = Server::unix(3, answer_hello);
    hello(&mut server.client());
    hello(&mut Client::new(&format!("unix:{}", server.address)).unwrap());
    hello(&mut Client::from(Address::Unix(&server.address)));
    server.join();
}

#[cfg(target_os = "linux")]
#[test]
fn abstract_unix_sockets() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};

    let name = format!("uwsgi-io-test-{}", std::process::id());
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let thread = std::thread::spawn(move || answer_hello(0, &mut listener.accept().unwrap().0));
    hello(&mut Client::new(&format!("@{name}")).unwrap());
    thread.join().unwrap();
}

/// Many calls of one client: its buffers keep nothing of earlier calls.
#[test]
fn one_client_many_requests() {
    let server = Server::tcp(30, |number, connection| {
        let packet = post(number * 1000);
        assert_eq!(read_bytes(connection, packet.len()), packet);
        let body = read_bytes(connection, number * 1000);
        assert!(body.iter().all(|byte| usize::from(*byte) == number));
        let head = format!("HTTP/1.1 4{number:02} Ok\r\nX-Number: {number}\r\n\r\n");
        connection.write_all(head.as_bytes()).unwrap();
        connection.write_all(&vec![b'a'; (29 - number) * 3000]).unwrap();
    });
    let mut client = server.client();
    for number in 0..30 {
        let body = vec![u8::try_from(number).unwrap(); number * 1000];
        let mut response = client.request(&post(body.len()), &body[..]).unwrap();
        assert_eq!(usize::from(response.status()), 400 + number);
        assert_eq!(response.head().header("x-number"), Some(number.to_string().as_bytes()));
        let mut text = Vec::new();
        response.read_to_end(&mut text).unwrap();
        assert!(text == vec![b'a'; (29 - number) * 3000], "{number}");
    }
    server.join();
}

#[test]
fn head_and_lines() {
    let head = packet(&[("REQUEST_METHOD", "HEAD")]);
    let server = Server::answering_once(head.len(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    let mut client = server.client();
    let mut response = client.request(&head, io::empty()).unwrap();
    assert_eq!(response.read(&mut [0; 8]).unwrap(), 0, "the response to HEAD has no body, even with a length");
    server.join();

    let server = Server::answering_once(get().len(), "Status: 404 No\r\nA: 1\r\nA: 2\r\n\r\none\ntwo\n");
    let mut client = server.client();
    let response = client.request(&get(), io::empty()).unwrap();
    let headers: Vec<_> = response.head().headers().collect();
    assert_eq!(headers, [(&b"Status"[..], &b"404 No"[..]), (b"A", b"1"), (b"A", b"2")]);
    assert_eq!(response.lines().map(Result::unwrap).collect::<Vec<_>>(), ["one", "two"]);
    server.join();
}

#[test]
fn interim_responses_are_skipped_or_shown() {
    const ANSWER: &str =
        "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No\r\n\r\n";
    let server = Server::tcp(2, |_, connection| {
        read_bytes(connection, get().len());
        connection.write_all(ANSWER.as_bytes()).unwrap();
    });
    let mut client = server.client();
    assert_eq!(client.request(&get(), io::empty()).unwrap().status(), 204);
    let mut seen = Vec::new();
    let response = client.request_with_interim(&get(), io::empty(), |head| seen.push(head.status())).unwrap();
    assert_eq!(response.status(), 204);
    assert_eq!(seen, [102, 103]);
    server.join();
}

/// One thread sends 8 MB and receives them back.
#[test]
fn sends_and_receives_at_the_same_time() {
    const LENGTH: usize = 8 << 20;
    fn echo(_: usize, connection: &mut dyn Connection) {
        let packet = post(LENGTH);
        assert_eq!(read_bytes(connection, packet.len()), packet);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n");
        connection.write_all(head.as_bytes()).unwrap();
        let (mut left, mut buffer) = (LENGTH, vec![0; 50_000]);
        while left > 0 {
            // Sends each byte back before it reads the next.
            let count = connection.read(&mut buffer).unwrap();
            assert!(count > 0 && count <= left);
            connection.write_all(&buffer[..count]).unwrap();
            left -= count;
        }
    }
    let body: Vec<u8> = (0_u32..).flat_map(u32::to_le_bytes).take(LENGTH).collect();
    for server in [Server::tcp(1, echo), Server::unix(1, echo)] {
        let mut client = server.client();
        let mut response = client.request(&post(LENGTH), &body[..]).unwrap();
        let mut echoed = Vec::new();
        response.read_to_end(&mut echoed).unwrap();
        assert!(echoed == body);
        server.join();
    }
}

#[test]
fn raw_bytes() {
    let server = Server::answering_once(9, "\0\x01\x02 not HTTP at all");
    assert_eq!(server.client().raw(b"malformed").unwrap().into_vec(100).unwrap(), b"\0\x01\x02 not HTTP at all");
    server.join();
    let server = Server::answering_once(3, "");
    let mut client = server.client();
    let value = client.raw(b"abc").unwrap();
    assert_eq!(value.length(), None);
    assert_eq!(value.into_vec(0).unwrap(), b"", "an empty answer is not an error here");
    server.join();
}

/// The server reads up to the end of the stream before it answers. The second request is longer than what a connection buffers,
/// so that most of it leaves during the read of the answer.
#[test]
fn raw_bytes_and_a_half_close() {
    let echo = |_: usize, connection: &mut dyn Connection| {
        let mut got = Vec::new();
        connection.read_to_end(&mut got).unwrap();
        connection.write_all(&got).unwrap();
    };
    for server in [Server::tcp(2, echo), Server::unix(2, echo)] {
        let mut client = server.client().with_read_timeout(Duration::from_secs(20));
        for bytes in [b"malformed".to_vec(), vec![b'x'; 20 << 20]] {
            let answer = client.raw_and_half_close(&bytes).unwrap().into_vec(bytes.len()).unwrap();
            assert!(answer == bytes);
        }
        server.join();
    }
}

/// Without a half-close the server sees no end of the stream.
#[test]
fn raw_bytes_leave_the_stream_open() {
    let server = Server::tcp(1, |_, connection| {
        connection.read_to_end(&mut Vec::new()).unwrap();
    });
    let mut client = server.client().with_read_timeout(Duration::from_millis(50));
    let error = client.raw(b"malformed").unwrap().into_vec(10).unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::TimedOut(_)), "{error}");
    server.join();
}
