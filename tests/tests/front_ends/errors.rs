//! Errors that a front end answers itself, and the line in its log that says why: the table of `docs/front-ends.md`.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use uwsgi_tests::programs::{Listen, Port, Snippet, TestDir, nginx};

use super::matrix::{FrontEnd, SERVERS, Settings, TIMEOUT, plain};
use super::page::page;

/// What is at the socket that nginx connects to.
enum Upstream {
    /// There is no socket file.
    Missing,
    /// The socket file is there, and nothing listens.
    Refuses,
    /// A server reads, answers with these bytes, and closes.
    Answers(&'static [u8]),
    /// A server reads and does not answer.
    Silent,
}

/// An error: the upstream, the request of a client, the status that it gets, and a part of the line in the log.
struct Row {
    name: &'static str,
    upstream: Upstream,
    request: &'static str,
    status: u16,
    log: &'static str,
}

const GET: &str = "GET / HTTP/1.1\r\nHost: app.example\r\n\r\n";

/// A head that is too long: by default `uwsgi_buffer_size` is one page.
const LONG_HEAD: &[u8] = &{
    let mut head = [b'x'; 9000];
    let start = b"HTTP/1.1 200 OK\r\nX-Long: ";
    let mut at = 0;
    while at < start.len() {
        head[at] = start[at];
        at += 1;
    }
    head
};

const ROWS: &[Row] = &[
    Row {
        name: "missing",
        upstream: Upstream::Missing,
        request: GET,
        status: 502,
        log: "(2: No such file or directory)",
    },
    Row { name: "refused", upstream: Upstream::Refuses, request: GET, status: 502, log: "(111: Connection refused)" },
    Row {
        name: "closed",
        upstream: Upstream::Answers(b""),
        request: GET,
        status: 502,
        log: "upstream prematurely closed connection while reading response header",
    },
    Row {
        name: "long-head",
        upstream: Upstream::Answers(LONG_HEAD),
        request: GET,
        status: 502,
        log: "upstream sent too big header while reading response header",
    },
    Row {
        name: "no-http",
        upstream: Upstream::Answers(b"\xff\0\0\x01\r\n\r\n"),
        request: GET,
        status: 502,
        log: "upstream sent invalid header",
    },
    Row {
        name: "silence",
        upstream: Upstream::Silent,
        request: GET,
        status: 504,
        log: "upstream timed out (110: Connection timed out) while reading response header",
    },
    Row {
        name: "large",
        upstream: Upstream::Missing,
        request: "POST / HTTP/1.1\r\nHost: app.example\r\nContent-Length: 200000000\r\n\r\n",
        status: 413,
        log: "client intended to send too large body",
    },
];

#[test]
fn nginx_logs_why_it_answers_an_error() {
    for row in ROWS {
        let test_dir = TestDir::new();
        let socket = test_dir.path("app.sock");
        thread::scope(|scope| {
            // It listens before nginx starts.
            let listener = row.upstream.listen(&socket);
            scope.spawn(|| listener.map(|listener| row.upstream.serve(&listener)));
            row.run(&test_dir);
        });
        assert!(page().contains(&format!("`{}`", row.log)), "{}: not on the page: {}", row.name, row.log);
    }
}

/// Apache's workers are not root, and need the permission to write to the socket file.
#[test]
fn apache_needs_the_permission_to_write_to_the_socket() {
    for server in SERVERS.iter().filter(|server| server.ours) {
        let test_dir = TestDir::new();
        let listen = Listen::Unix(test_dir.path("app.sock"));
        let _server = (server.start)(&test_dir, "server", &listen, Settings::default());
        let running = (FrontEnd::named("apache-unix").start)(&test_dir, &listen);
        assert_eq!(running.get("/").expect("an answer").head.status, 200);
        fs::set_permissions(test_dir.path("app.sock"), Permissions::from_mode(0o400)).expect("our own file");
        assert_eq!(running.get("/").expect("an answer").head.status, 503);
        let log = running.log();
        assert!(log.contains(DENIED) && page().contains(&format!("`{DENIED}`")), "{log}");
    }
}

const DENIED: &str = "(13)Permission denied: AH02454";

impl Upstream {
    fn listen(&self, socket: &Path) -> Option<UnixListener> {
        if matches!(self, Self::Missing) {
            return None;
        }
        let listener = UnixListener::bind(socket).expect("a socket");
        (!matches!(self, Self::Refuses)).then_some(listener)
    }

    /// Serves the first connection.
    fn serve(&self, listener: &UnixListener) {
        listener.set_nonblocking(true).expect("a socket");
        let until = Instant::now() + TIMEOUT;
        let mut peer = loop {
            match listener.accept() {
                Ok((peer, _)) => break peer,
                // A pause between two looks.
                Err(_) if Instant::now() < until => sleep(Duration::from_millis(2)),
                Err(error) => panic!("nginx does not connect: {error}"),
            }
        };
        peer.set_nonblocking(false).expect("a socket");
        peer.set_read_timeout(Some(TIMEOUT)).expect("a socket");
        let _request = peer.read(&mut [0; 4096]).expect("a request");
        if let Self::Answers(bytes) = self {
            peer.write_all(bytes).expect("an answer");
        } else {
            let _end = peer.read(&mut [0]);
        }
    }
}

impl Row {
    fn run(&self, test_dir: &TestDir) {
        let port = Port::free();
        let timeout = if matches!(self.upstream, Upstream::Silent) { "1s" } else { "20s" };
        let site = Snippet::read("nginx-unix.conf")
            .with("listen 80;", format!("listen {};", port.address()))
            .with("/run/app/app.sock", test_dir.text_path("app.sock"))
            .with("include uwsgi_params;", format!("include uwsgi_params; uwsgi_read_timeout {timeout};"));
        let running = plain(nginx(test_dir, "nginx", &site, &[&Listen::Tcp(port.clone())]), &port);
        let answer = running.ask(self.request).expect("an answer");
        assert_eq!(answer.head.status, self.status, "{}", self.name);
        assert!(running.log().contains(self.log), "{}: {}", self.name, running.log());
    }
}
