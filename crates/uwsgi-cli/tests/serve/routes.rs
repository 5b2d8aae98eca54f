//! The routes.

use core::time::Duration;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Instant;

use crate::server::{Answer, Request, Server};

/// Returns the first bytes of `/bytes` and `/stream`.
fn pattern(count: usize) -> Vec<u8> {
    (0..=255).cycle().take(count).collect()
}

#[test]
fn echo_sends_the_body_back() {
    let server = Server::start("echo", &[]);
    let body = pattern(300_000);
    let answer = server.ask(&Request::post("/echo", body.clone()));
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("300000")));
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.body == body);
    // A request without a body and without a type.
    let answer = server.get("/echo");
    answer.is(200, "");
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
}

#[test]
fn echo_answers_before_the_body_has_ended() {
    let server = Server::start("echo-both", &[]);
    let request = Request::get("/echo").with("CONTENT_LENGTH", "6");
    let mut stream = server.connect();
    stream.write_all(&request.followed_by(b"one").to_bytes()).unwrap();
    let mut so_far = Vec::new();
    while !so_far.ends_with(b"one") {
        let mut piece = [0; 1024];
        let count = stream.read(&mut piece).unwrap();
        assert_ne!(count, 0);
        so_far.extend_from_slice(&piece[..count]);
    }
    stream.write_all(b"two").unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"two");
}

#[test]
fn status_has_the_status_of_the_path() {
    let server = Server::start("status", &[]);
    for status in [200, 404, 418, 503, 999] {
        server.get(&format!("/status/{status}")).is(status, &format!("status {status}\n"));
    }
    for status in [204, 304] {
        let answer = server.get(&format!("/status/{status}"));
        assert_eq!((answer.status, &*answer.body), (status, &b""[..]));
        assert_eq!(answer.header("content-type"), None);
    }
    server.get("/status/101").is(400, "after /status/: write a number from 200 to 999\n");
}

#[test]
fn bytes_has_the_length_of_the_path() {
    let server = Server::start("bytes", &[]);
    for (asked, count) in [("0", 0), ("1", 1), ("255", 255), ("257", 257), ("16385", 16_385), ("1M", 1 << 20)] {
        let answer = server.get(&format!("/bytes/{asked}"));
        assert_eq!(answer.header("content-length"), Some(&*count.to_string()));
        assert!(answer.body == pattern(count), "{asked}");
    }
    server.get("/bytes/2G").is(400, "after /bytes/: at most 1G is allowed\n");
    // HEAD gets the head alone.
    let answer = server.ask(&Request::get("/bytes/1G").with("REQUEST_METHOD", "HEAD"));
    assert_eq!((answer.header("content-length"), answer.body.len()), (Some("1073741824"), 0));
}

#[test]
fn stream_has_pieces_without_a_length() {
    let server = Server::start("stream", &[]);
    let answer = server.get("/stream/100000");
    assert_eq!((answer.status, answer.header("content-length")), (200, None));
    assert!(answer.body == pattern(100_000));
    let answer = server.get("/stream/1000?chunk=300&delay_ms=300");
    assert!(answer.body == pattern(1000));
    assert!(answer.took >= Duration::from_millis(900), "{:?}", answer.took);
    // Each piece is sent when it is made. A slow client may read several pieces at once, but not all.
    assert!(answer.pieces > 1);
    assert!(server.get("/stream/0").body.is_empty());
    server.get("/stream/1?chunk=0").is(400, "after chunk=: write a number from 1 to 1048576\n");
}

#[test]
fn delay_waits_before_the_answer() {
    let server = Server::start("delay", &[]);
    let begun = Instant::now();
    server.get("/delay/150").is(200, "waited for 150 ms\n");
    assert!(begun.elapsed() >= Duration::from_millis(150));
    server.get("/delay/60001").is(400, "after /delay/: write a number from 0 to 60000\n");
}

#[test]
fn headers_has_the_headers_of_the_query() {
    let server = Server::start("headers", &[]);
    let answer = server.get("/headers?X-One=1&Content-Type=text%2Fcsv&cache-control=max-age%3D5&X-Utf=%C3%A9");
    assert_eq!(answer.text(), "X-One\nContent-Type\ncache-control\nX-Utf\n");
    assert_eq!(answer.header("x-one"), Some("1"));
    assert_eq!(answer.header("content-type"), Some("text/csv"));
    assert_eq!(answer.header("cache-control"), Some("max-age=5"));
    assert_eq!(answer.header("x-utf"), Some("é"));
    let refused = |target: &str, text: &str| server.get(target).is(400, text);
    refused(
        "/headers?Connection=close",
        "this header cannot be sent: the header is about the connection, which is the server's\n",
    );
    refused("/headers?X=a%0D%0AEvil:%20b", "this header cannot be sent: the header's value has a control byte in it\n");
    refused("/headers?a%20b=1", "this header cannot be sent: the header's name is no token\n");
    refused("/headers?Content-Length=5", "only the server sets Content-Length\n");
}

#[test]
fn drip_sends_byte_by_byte() {
    let server = Server::start("drip", &[]);
    let answer = server.get("/drip?bytes=5&duration_ms=1000");
    answer.is(200, "*****");
    assert!(answer.took >= Duration::from_millis(1000), "{:?}", answer.took);
    assert!(answer.pieces > 1);
    server.get("/drip?duration_ms=0").is(200, "**********");
}

#[test]
fn abort_fails_in_the_middle_of_the_body() {
    let server = Server::start("abort", &["--bind", "127.0.0.1:0"]);
    let answer = server.get("/abort");
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("1000")));
    assert!(answer.body == pattern(500));
    let answer = server.get("/abort?after=3&length=none");
    assert_eq!((answer.header("content-length"), &*answer.body), (None, &[0, 1, 2][..]));
    // Over TCP a reset shows that a body without a length is incomplete.
    let mut stream = crate::server::connect_tcp(&server.listening[1]);
    stream.write_all(&Request::get("/abort?after=3&length=none").to_bytes()).unwrap();
    assert!(Answer::read(stream).was_reset);
    // Before the first byte of the answer, a failure is a status.
    assert_eq!(server.get("/abort?after=0").status, 500);
    let (success, _, stderr) = server.stop();
    assert!(success);
    let last = stderr.lines().last().unwrap();
    assert!(last.ends_with(" ERROR the application failed: the request asked for a failure"), "{stderr}");
}

#[test]
fn upgrade_sends_all_bytes_back() {
    let server = Server::start("upgrade", &[]);
    let request = Request::get("/upgrade").with("HTTP_UPGRADE", "echo").with("HTTP_CONNECTION", "Upgrade");
    let mut stream = server.connect();
    stream.write_all(&request.to_bytes()).unwrap();
    let head = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    let mut read = vec![0; head.len()];
    stream.read_exact(&mut read).unwrap();
    assert_eq!(read.escape_ascii().to_string(), head.escape_ascii().to_string());
    for word in [&b"hello"[..], b"\0\xff", b"bye"] {
        stream.write_all(word).unwrap();
        let mut back = vec![0; word.len()];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(back, word);
    }
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    server.get("/upgrade").is(426, "send the headers Connection: Upgrade and Upgrade: echo\n");
}
