//! Servers whose backlog is full, for a while or for ever. On Linux, connect(2) on a Unix socket waits while the backlog is full;
//! these tests need that.

use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use uwsgi_conformance::socket::Server;
use uwsgi_conformance::{Application, Danger, Finding, Plan, Seen, all};

use crate::{AROUND, findings};

/// The server has one worker, and a Unix socket whose backlog has room for one connection. Another sender waits in connect(2),
/// but not for ever.
#[test]
fn a_server_whose_backlog_is_full() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-full.sock", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    socket2::SockRef::from(&listener).listen(0).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut start = [0; 4];
            if stream.read_exact(&mut start).is_err() {
                continue;
            }
            if start.starts_with(b"GET") {
                // Hangs until its sender gives up.
                while stream.read(&mut [0; 100]).is_ok_and(|count| count > 0) {}
                continue;
            }
            stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
            while stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
            let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        }
    });
    let server = Server::unix(&path).with_patience(Duration::from_millis(300));
    let names =
        ["http-text", "ok-get", "ok-post", "length-on-get", "path-percent", "path-utf8", "https-on", "script-name"];
    let cases = names.iter().map(|name| all().find(|case| case.name == *name).unwrap());
    let began = Instant::now();
    let results = Plan::new(cases).run(&server, |_| {}).unwrap();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    for (name, seen, finding) in findings(&results) {
        let expected = match name {
            "http-text" => (Seen::Hangs, Finding::Danger(Danger::Hangs)),
            _ => (Seen::Accepted(200), Finding::AsItShould),
        };
        assert_eq!((seen, finding), expected, "{name}");
    }
    std::fs::remove_file(path).unwrap();
}

/// The server takes no connection, from the start or after a while.
#[test]
fn a_server_that_never_accepts() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-never.sock", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    socket2::SockRef::from(&listener).listen(0).unwrap();
    let server = Server::unix(&path).with_patience(Duration::from_millis(200));
    let began = Instant::now();
    let case = all().find(|case| case.name == "ok-get").unwrap();
    let mut held = Vec::new();
    let error = loop {
        match server.open(case) {
            Ok(connected) => held.push(connected),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let cases = || AROUND.iter().map(|name| all().find(|case| case.name == *name).unwrap());
    let plan = || Plan::new(cases()).with_revival(Duration::from_millis(500));
    assert_eq!(plan().run(&server, |_| {}).unwrap_err().kind(), ErrorKind::TimedOut);
    let results = plan().with_application(Application::default()).run(&server, |_| {}).unwrap();
    assert_eq!(results.played.len(), AROUND.len());
    for (name, seen, finding) in findings(&results) {
        assert!(matches!(seen, Seen::Hangs | Seen::Died), "{name}: {seen:?}");
        assert!(matches!(finding, Finding::Danger(Danger::Hangs | Danger::Died)), "{name}: {finding:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    std::fs::remove_file(path).unwrap();
}
