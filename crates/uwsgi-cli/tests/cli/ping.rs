//! `ping`: alive, not alive, and what cannot be told.

use core::time::Duration;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::server::endless_server;
use crate::{run, scratch};

/// Waits for a line, as a server of HTTP does, and answers it.
fn http(mut stream: TcpStream) {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        let Ok(1) = stream.read(&mut byte) else { return };
        read.extend(byte);
    }
    let _closed = stream.write_all(b"HTTP/1.0 200 OK\r\nServer: SimpleHTTP\r\n\r\n");
}

/// Answers the first byte that cannot be one of HTTP, as nginx does.
fn nginx(mut stream: TcpStream) {
    let mut read = [0; 4096];
    let _closed = stream.read(&mut read);
    let status = if read[0] == b'H' { "403 Forbidden" } else { "400 Bad Request" };
    let _closed = write!(stream, "HTTP/1.1 {status}\r\nDate: x\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n");
}

/// Refuses a ping as gunicorn does, and everything else too.
fn without_pings(mut stream: TcpStream) {
    let _closed = stream.read(&mut [0; 4096]);
    let _closed = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
}

/// Reads, and never answers.
fn silent(mut stream: TcpStream) {
    let _closed = stream.read_to_end(&mut Vec::new());
    // It hangs for longer than the test takes.
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_server_that_is_not_alive_has_a_status_of_its_own() {
    let directory = scratch("not-alive");
    let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    drop(std::os::unix::net::UnixListener::bind(path("left")).unwrap());
    let absent = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for (to, what) in [
        (absent, "nobody listens there: is the server running?"),
        (path("left"), "nobody listens there: is the server running?"),
        (path("absent"), "there is no such socket: is the server running?"),
        (path("no/such/directory"), "there is no such socket: is the server running?"),
        (endless_server(silent), "not done within 500ms"),
    ] {
        let result = run(&["ping", "--to", &to, "--timeout", "0.5"]);
        assert_eq!((result.status, result.text()), (3, ""), "{}", result.stderr);
        assert!(result.stderr.ends_with(&format!("{to}: {what}\n")), "{}", result.stderr);
    }
}

/// A restart would not help here.
#[test]
fn what_is_wrong_with_the_command_line_has_another_status() {
    for (arguments, what) in [
        (&["--to", "no-such-host.invalid:3031"][..], "failed to lookup address"),
        (&["--to", "127.0.0.1"], "no port from 0 to 65535"),
        (&["--to", "/"], "this is a directory"),
        (&["--too", "127.0.0.1:3031"], "unexpected argument '--too'"),
        (&[], "--to <ADDR>"),
    ] {
        let result = run(&[&["ping"], arguments].concat());
        assert_eq!((result.status, result.text()), (2, ""), "{}", result.stderr);
        assert!(result.stderr.contains(what), "{}", result.stderr);
    }
    let result = run(&["ping", "--to", &endless_server(without_pings)]);
    assert_eq!(result.status, 2);
    assert!(result.stderr.contains("the answer is HTTP with status 400"), "{}", result.stderr);
}

#[test]
fn a_server_of_http_is_recognised() {
    let message = "this server speaks HTTP, not uwsgi: give the address of its uwsgi socket, or ask it with curl";
    for serve in [http, nginx] {
        let to = endless_server(serve);
        let result = run(&["ping", "--to", &to, "--timeout", "0.5"]);
        assert_eq!((result.status, &*result.stderr), (2, &*format!("error: {to}: {message}\n")));
        let result = run(&["check", "--to", &to, "--patience", "0.5"]);
        assert_eq!((result.status, result.text()), (2, ""));
        assert_eq!(result.stderr, format!("error: cannot check {to}: {message}\n"));
        let result = run(&["request", "--to", &to, "/", "--timeout", "0.5"]);
        assert!(result.stderr.ends_with(&format!(": {to}: {message}\n")), "{}", result.stderr);
    }
}
