//! The options.

use core::time::Duration;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use crate::server::{Answer, Request, Server, connect_tcp};

#[test]
fn bind_may_be_given_several_times() {
    let server = Server::start("binds", &["--bind", "127.0.0.1:0", "--bind", "[::1]:0"]);
    assert_eq!(server.listening[0], server.socket.display().to_string());
    for address in &server.listening[1..] {
        let mut stream = connect_tcp(address);
        stream.write_all(&Request::get("/status/204").to_bytes()).unwrap();
        assert_eq!(Answer::read(stream).status, 204, "{address}");
    }
    assert_eq!(server.get("/status/204").status, 204);
}

#[test]
fn allow_from_refuses_other_peers() {
    let server = Server::start("allow", &["--bind", "127.0.0.1:0", "--allow-from", "10.0.0.0/8,::1"]);
    let stream = connect_tcp(&server.listening[1]);
    assert_eq!(Answer::read(stream).status, 403);
    // Peers of a Unix socket are not checked: the socket has its file mode.
    assert_eq!(server.get("/status/204").status, 204);
}

#[test]
fn vars_and_bodies_are_limited() {
    let server = Server::start("limits", &["--max-vars", "12", "--max-body", "2k"]);
    assert_eq!(server.ask(&Request::get("/").with("A", "").with("B", "")).status, 200);
    assert_eq!(server.ask(&Request::get("/").with("A", "").with("B", "").with("C", "")).status, 431);
    assert_eq!(server.ask(&Request::post("/", vec![0; 2048]).with("REMOTE_ADDR", "")).status, 200);
    assert_eq!(server.ask(&Request::post("/", vec![0; 2049])).status, 413);
}

#[test]
fn waits_for_vars_and_bodies_are_limited() {
    let server = Server::start("timeouts", &["--header-timeout", "0.3", "--body-timeout", "0.3"]);
    let begun = Instant::now();
    let mut stream = server.connect();
    stream.write_all(b"\0\x10").unwrap();
    assert_eq!(Answer::read(stream).status, 408);
    let mut stream = server.connect();
    stream.write_all(&Request::get("/").with("CONTENT_LENGTH", "5").to_bytes()).unwrap();
    assert_eq!(Answer::read(stream).status, 408);
    assert!((Duration::from_millis(600)..Duration::from_secs(8)).contains(&begun.elapsed()));
}

#[test]
fn the_wait_for_a_reader_is_limited() {
    let server = Server::start("write", &["--write-timeout", "0.3"]);
    let mut stream = server.connect();
    stream.write_all(&Request::get("/bytes/1G").to_bytes()).unwrap();
    // The client reads nothing for a time longer than the timeout: the server closes the connection.
    std::thread::sleep(Duration::from_millis(1500));
    let mut all = 0;
    let mut piece = vec![0; 1 << 20];
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        all += count;
    }
    assert!(all < 100 << 20, "{all} bytes were read");
}

#[test]
fn keepalive_keeps_connections() {
    let server = Server::start("keepalive", &["--keepalive", "5"]);
    let mut stream = server.connect();
    for _ in 0..3 {
        stream.write_all(&Request::post("/echo", "abc").to_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nabc") {
            let mut piece = [0; 4096];
            let count = stream.read(&mut piece).unwrap();
            assert_ne!(count, 0, "{}", answer.escape_ascii());
            answer.extend_from_slice(&piece[..count]);
        }
    }
    let without = Server::start("no-keepalive", &[]);
    let mut stream = without.connect();
    stream.write_all(&Request::post("/echo", "abc").to_bytes()).unwrap();
    Answer::read(&stream).is(200, "abc");
}

#[test]
fn workers_and_connections_are_limited() {
    let server = Server::start("workers", &["--workers", "1", "--max-connections", "2"]);
    // The server accepts and counts connections in their order.
    let two = [server.connect(), server.connect()];
    assert_eq!(server.get("/").status, 503, "a third connection");
    let begun = Instant::now();
    for mut one in &two {
        one.write_all(&Request::get("/delay/300").to_bytes()).unwrap();
    }
    for one in two {
        Answer::read(one).is(200, "waited for 300 ms\n");
    }
    assert!(begun.elapsed() >= Duration::from_millis(600), "one after the other");
}

#[test]
fn socket_mode_sets_the_mode_of_the_file() {
    for (options, mode) in [(&[][..], 0o660), (&["--socket-mode", "606"], 0o606)] {
        let server = Server::start(&format!("mode-{mode:o}"), options);
        let file = std::fs::metadata(&server.socket).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, mode);
    }
}

#[test]
fn access_log_has_a_line_for_each_request() {
    let server = Server::start("log-stdout", &["--access-log", "-"]);
    assert_eq!(server.get("/status/404").status, 404);
    let (success, stdout, stderr) = server.stop();
    assert!(success, "{stderr}");
    assert!(stdout.starts_with("192.0.2.7 - - ["), "{stdout}");
    assert!(stdout.ends_with("] \"GET /status/404 HTTP/1.1\" 404 11 \"-\" \"-\"\n"), "{stdout}");

    let server = Server::start("log-file", &["--access-log", "log"]);
    server.get("/status/404");
    server.get("/");
    let file = server.socket.with_file_name("log");
    let begun = Instant::now();
    // The line is written after the answer.
    while std::fs::read_to_string(&file).unwrap().lines().count() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn chunked_input_reads_chunked_bodies() {
    let request = Request::get("/echo").with("REQUEST_METHOD", "POST").with("HTTP_TRANSFER_ENCODING", "chunked");
    let request = request.followed_by(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    let server = Server::start("chunked", &["--chunked-input"]);
    assert_eq!(server.ask(&request).body, b"abcde");
    let report = request.clone().with("PATH_INFO", "/").with("QUERY_STRING", "format=json");
    let document: serde_json::Value = serde_json::from_slice(&server.ask(&report).body).unwrap();
    assert_eq!((&document["body"]["framing"], &document["body"]["length"]), (&"chunked".into(), &5.into()));
    // Without the option the request has no body.
    Server::start("unchunked", &[]).ask(&request).is(200, "");
}

#[test]
fn a_stop_finishes_started_requests() {
    let server = Server::start("stop", &[]);
    let mut stream = server.connect();
    stream.write_all(&Request::get("/drip?bytes=2&duration_ms=500").to_bytes()).unwrap();
    // After the first byte of its body the answer has started, and its second byte is due in half a second.
    let mut start = Vec::new();
    while !start.ends_with(b"\r\n\r\n*") {
        let mut piece = [0; 1024];
        let count = stream.read(&mut piece).unwrap();
        assert_ne!(count, 0, "{}", start.escape_ascii());
        start.extend_from_slice(&piece[..count]);
    }
    server.signal();
    Answer::read((&*start).chain(stream)).is(200, "**");
    let socket = server.socket.clone();
    let begun = Instant::now();
    while socket.exists() {
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(10));
    }
}
