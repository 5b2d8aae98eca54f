//! The HTTP/1.1 client of the tests, with servers that send anything.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use uwsgi_tests::http1::{Answer, Connection, End, latin1};

/// Returns what the client makes of a server that reads a request, sends these bytes and closes.
fn answer_to(request: &'static [u8], answer: &'static [u8]) -> io::Result<Answer> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.read_exact(&mut vec![0; request.len()]).unwrap();
        socket.write_all(answer).unwrap();
    });
    let got = Connection::open(to, Duration::from_secs(5)).unwrap().exchange(request);
    server.join().unwrap();
    got
}

/// A request, the bytes that the server sends, and the status, body and end that the client reads.
type Row = (&'static [u8], &'static [u8], u16, &'static str, End);

#[test]
fn bodies_end_where_the_head_says() {
    const GET: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
    let cut = |bytes: u64| End::Cut(format!("{bytes} bytes are missing"));
    let rows: &[Row] = &[
        (GET, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcd", 200, "abc", End::Whole),
        (GET, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", 200, "abc", cut(2)),
        (GET, b"HTTP/1.1 200 OK\r\n\r\nabc", 200, "abc", End::Closed),
        (GET, b"HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n", 204, "", End::Whole),
        (b"HEAD / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 200, "", End::Whole),
        (GET, b"HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 418 T\r\nContent-Length: 1\r\n\r\na", 418, "a", End::Whole),
        (GET, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\n\r\n", 200, "ab", End::Whole),
        (
            GET,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nT: u\r\n\r\n",
            200,
            "a",
            End::Whole,
        ),
        (GET, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 200, "ab", cut(3)),
    ];
    for (request, sent, status, body, end) in rows {
        let answer = answer_to(request, sent).unwrap();
        let seen = (answer.head.status, latin1(&answer.body), answer.end);
        assert_eq!(seen, (*status, (*body).to_owned(), end.clone()), "{}", sent.escape_ascii());
    }
    let unended = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n";
    assert!(matches!(answer_to(GET, unended).unwrap().end, End::Cut(_)));
    let longer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n";
    assert!(matches!(answer_to(GET, longer).unwrap().end, End::Cut(_)));
}

#[test]
fn bytes_that_are_no_response_are_an_error() {
    let kind = |sent| answer_to(b"x", sent).unwrap_err().kind();
    assert_eq!(kind(b""), ErrorKind::UnexpectedEof);
    assert_eq!(kind(b"HTTP/1.1 200 OK\r\nA: b"), ErrorKind::UnexpectedEof);
    assert_eq!(kind(b"HTTP/1.1 200 OK\r\nA b\r\n\r\n"), ErrorKind::InvalidData);
    assert_eq!(kind(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), ErrorKind::InvalidData);
}

/// A server that responds at once and then reads nothing more: the rest of the request need not arrive.
#[test]
fn a_response_before_the_end_of_the_request_is_read() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let (done, held) = mpsc::channel::<()>();
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.write_all(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n").unwrap();
        held.recv().unwrap_err();
    });
    let request = [&b"POST / HTTP/1.1\r\n\r\n"[..], &vec![b'x'; 32 << 20]].concat();
    let answer = Connection::open(to, Duration::from_secs(10)).unwrap().exchange(&request).unwrap();
    assert_eq!((answer.head.status, answer.end), (413, End::Whole));
    drop(done);
    server.join().unwrap();
}
