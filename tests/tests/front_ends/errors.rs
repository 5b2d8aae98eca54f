//! What a front end answers by itself, and the line in its log that says why: the table of `docs/front-ends.md`.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use uwsgi_tests::programs::{Listen, Port, Snippet, Stage, nginx};

use super::matrix::{FrontEnd, PATIENCE, SERVERS, Settings, plain};
use super::page::page;

/// What is behind nginx.
enum Behind {
    /// Nobody; there is no file.
    Nothing,
    /// Nobody any more; the file is left.
    Left,
    /// Somebody who reads, answers with these bytes, and closes.
    Says(&'static [u8]),
    /// Somebody who reads and says nothing.
    Silence,
}

/// What is behind nginx, what a client asks, the status that it gets, what the log says.
struct Row {
    name: &'static str,
    behind: Behind,
    request: &'static str,
    status: u16,
    log: &'static str,
}

const GET: &str = "GET / HTTP/1.1\r\nHost: app.example\r\n\r\n";

/// The longest head that `uwsgi_buffer_size` lets through is one page.
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
    Row { name: "missing", behind: Behind::Nothing, request: GET, status: 502, log: "(2: No such file or directory)" },
    Row { name: "refused", behind: Behind::Left, request: GET, status: 502, log: "(111: Connection refused)" },
    Row {
        name: "closed",
        behind: Behind::Says(b""),
        request: GET,
        status: 502,
        log: "upstream prematurely closed connection while reading response header",
    },
    Row {
        name: "long-head",
        behind: Behind::Says(LONG_HEAD),
        request: GET,
        status: 502,
        log: "upstream sent too big header while reading response header",
    },
    Row {
        name: "no-http",
        behind: Behind::Says(b"\xff\0\0\x01\r\n\r\n"),
        request: GET,
        status: 502,
        log: "upstream sent invalid header",
    },
    Row {
        name: "silence",
        behind: Behind::Silence,
        request: GET,
        status: 504,
        log: "upstream timed out (110: Connection timed out) while reading response header",
    },
    Row {
        name: "large",
        behind: Behind::Nothing,
        request: "POST / HTTP/1.1\r\nHost: app.example\r\nContent-Length: 200000000\r\n\r\n",
        status: 413,
        log: "client intended to send too large body",
    },
];

#[test]
fn nginx_says_why() {
    for row in ROWS {
        let stage = Stage::new();
        let socket = stage.path("app.sock");
        thread::scope(|scope| {
            // Listening before nginx is there.
            let listener = row.behind.listen(&socket);
            scope.spawn(|| listener.map(|listener| row.behind.serve(&listener)));
            row.run(&stage);
        });
        assert!(page().contains(&format!("`{}`", row.log)), "{}: not on the page: {}", row.name, row.log);
    }
}

/// Apache's workers are another user than root, and nobody but root may do without the permission.
#[test]
fn a_socket_is_for_those_who_may_write_to_it() {
    for server in SERVERS.iter().filter(|server| server.ours) {
        let stage = Stage::new();
        let listen = Listen::Unix(stage.path("app.sock"));
        let _server = (server.start)(&stage, "server", &listen, Settings::default());
        let door = (FrontEnd::named("apache-unix").start)(&stage, &listen);
        assert_eq!(door.get("/").expect("an answer").head.status, 200);
        fs::set_permissions(stage.path("app.sock"), Permissions::from_mode(0o400)).expect("our own file");
        assert_eq!(door.get("/").expect("an answer").head.status, 503);
        let log = door.log();
        assert!(log.contains(DENIED) && page().contains(&format!("`{DENIED}`")), "{log}");
    }
}

const DENIED: &str = "(13)Permission denied: AH02454";

impl Behind {
    fn listen(&self, socket: &Path) -> Option<UnixListener> {
        if matches!(self, Self::Nothing) {
            return None;
        }
        let listener = UnixListener::bind(socket).expect("a socket");
        (!matches!(self, Self::Left)).then_some(listener)
    }

    /// Serves the first who connects.
    fn serve(&self, listener: &UnixListener) {
        listener.set_nonblocking(true).expect("a socket");
        let until = Instant::now() + PATIENCE;
        let mut peer = loop {
            match listener.accept() {
                Ok((peer, _)) => break peer,
                // A pause between two looks.
                Err(_) if Instant::now() < until => sleep(Duration::from_millis(2)),
                Err(error) => panic!("nginx does not connect: {error}"),
            }
        };
        peer.set_nonblocking(false).expect("a socket");
        peer.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let _vars = peer.read(&mut [0; 4096]).expect("a request");
        if let Self::Says(bytes) = self {
            peer.write_all(bytes).expect("an answer");
        } else {
            let _nothing = peer.read(&mut [0]);
        }
    }
}

impl Row {
    fn run(&self, stage: &Stage) {
        let port = Port::free();
        let patience = if matches!(self.behind, Behind::Silence) { "1s" } else { "20s" };
        let site = Snippet::read("nginx-unix.conf")
            .with("listen 80;", format!("listen {};", port.address()))
            .with("/run/app/app.sock", stage.text_path("app.sock"))
            .with("include uwsgi_params;", format!("include uwsgi_params; uwsgi_read_timeout {patience};"));
        let door = plain(nginx(stage, "nginx", &site, &[&Listen::Tcp(port.clone())]), &port);
        let answer = door.ask(self.request).expect("an answer");
        assert_eq!(answer.head.status, self.status, "{}", self.name);
        assert!(door.log().contains(self.log), "{}: {}", self.name, door.log());
    }
}
