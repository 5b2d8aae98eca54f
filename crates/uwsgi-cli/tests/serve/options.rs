//! What the options change.

use core::time::Duration;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use crate::served::{Answer, Request, Served, connect_tcp};

#[test]
fn several_addresses() {
    let served = Served::new("binds", &["--bind", "127.0.0.1:0", "--bind", "[::1]:0"]);
    assert_eq!(served.listening[0], served.socket.display().to_string());
    for address in &served.listening[1..] {
        let mut stream = connect_tcp(address);
        stream.write_all(&Request::get("/status/204").to_bytes()).unwrap();
        assert_eq!(Answer::read(stream).status, 204, "{address}");
    }
    assert_eq!(served.get("/status/204").status, 204);
}

#[test]
fn allow_from() {
    let served = Served::new("allow", &["--bind", "127.0.0.1:0", "--allow-from", "10.0.0.0/8,::1"]);
    let stream = connect_tcp(&served.listening[1]);
    assert_eq!(Answer::read(stream).status, 403);
    // A Unix socket has its mode.
    assert_eq!(served.get("/status/204").status, 204);
}

#[test]
fn limits() {
    let served = Served::new("limits", &["--max-vars", "12", "--max-body", "2k"]);
    assert_eq!(served.ask(&Request::get("/").with("A", "").with("B", "")).status, 200);
    assert_eq!(served.ask(&Request::get("/").with("A", "").with("B", "").with("C", "")).status, 431);
    assert_eq!(served.ask(&Request::post("/", vec![0; 2048]).with("REMOTE_ADDR", "")).status, 200);
    assert_eq!(served.ask(&Request::post("/", vec![0; 2049])).status, 413);
}

#[test]
fn timeouts() {
    let served = Served::new("timeouts", &["--header-timeout", "0.3", "--body-timeout", "0.3"]);
    let begun = Instant::now();
    let mut stream = served.connect();
    stream.write_all(b"\0\x10").unwrap();
    assert_eq!(Answer::read(stream).status, 408);
    let mut stream = served.connect();
    stream.write_all(&Request::get("/").with("CONTENT_LENGTH", "5").to_bytes()).unwrap();
    assert_eq!(Answer::read(stream).status, 408);
    assert!((Duration::from_millis(600)..Duration::from_secs(8)).contains(&begun.elapsed()));
}

#[test]
fn write_timeout() {
    let served = Served::new("write", &["--write-timeout", "0.3"]);
    let mut stream = served.connect();
    stream.write_all(&Request::get("/bytes/1G").to_bytes()).unwrap();
    // Nobody reads for a while: the server gives up.
    std::thread::sleep(Duration::from_millis(1500));
    let mut all = 0;
    let mut piece = vec![0; 1 << 20];
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        all += count;
    }
    assert!(all < 100 << 20, "{all} bytes came");
}

#[test]
fn keepalive() {
    let served = Served::new("keepalive", &["--keepalive", "5"]);
    let mut stream = served.connect();
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
    let without = Served::new("no-keepalive", &[]);
    let mut stream = without.connect();
    stream.write_all(&Request::post("/echo", "abc").to_bytes()).unwrap();
    Answer::read(&stream).is(200, "abc");
}

#[test]
fn workers_and_connections() {
    let served = Served::new("workers", &["--workers", "1", "--max-connections", "2"]);
    // Connections are accepted, and counted, in the order in which they came.
    let two = [served.connect(), served.connect()];
    assert_eq!(served.get("/").status, 503, "a third connection");
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
fn socket_mode() {
    for (options, mode) in [(&[][..], 0o660), (&["--socket-mode", "606"], 0o606)] {
        let served = Served::new(&format!("mode-{mode:o}"), options);
        let file = std::fs::metadata(&served.socket).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, mode);
    }
}

#[test]
fn access_log() {
    let served = Served::new("log-stdout", &["--access-log", "-"]);
    assert_eq!(served.get("/status/404").status, 404);
    let (well, stdout, stderr) = served.stop();
    assert!(well, "{stderr}");
    assert!(stdout.starts_with("192.0.2.7 - - ["), "{stdout}");
    assert!(stdout.ends_with("] \"GET /status/404 HTTP/1.1\" 404 11 \"-\" \"-\"\n"), "{stdout}");

    let served = Served::new("log-file", &["--access-log", "log"]);
    served.get("/status/404");
    served.get("/");
    let file = served.socket.with_file_name("log");
    let begun = Instant::now();
    // The line is written behind the answer.
    while std::fs::read_to_string(&file).unwrap().lines().count() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn chunked_input() {
    let request = Request::get("/echo").with("REQUEST_METHOD", "POST").with("HTTP_TRANSFER_ENCODING", "chunked");
    let request = request.followed_by(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    let served = Served::new("chunked", &["--chunked-input"]);
    assert_eq!(served.ask(&request).body, b"abcde");
    let report = request.clone().with("PATH_INFO", "/").with("QUERY_STRING", "format=json");
    let document: serde_json::Value = serde_json::from_slice(&served.ask(&report).body).unwrap();
    assert_eq!((&document["body"]["framing"], &document["body"]["length"]), (&"chunked".into(), &5.into()));
    // Unless it is asked for, there is no body.
    Served::new("unchunked", &[]).ask(&request).is(200, "");
}

#[test]
fn a_stop_finishes_what_began() {
    let served = Served::new("stop", &[]);
    let mut stream = served.connect();
    stream.write_all(&Request::get("/delay/500").to_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    served.signal();
    Answer::read(stream).is(200, "waited for 500 ms\n");
    let socket = served.socket.clone();
    let begun = Instant::now();
    while socket.exists() {
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(10));
    }
}
