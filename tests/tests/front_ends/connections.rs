//! What front ends do with a client's connection: keep it, ask for a body, show that an answer is cut off, pass bytes after a
//! 101.

use std::io::ErrorKind;
use std::time::Duration;

use uwsgi_tests::http1::{Connection, End};
use uwsgi_tests::programs::TestDir;

use super::matrix::{FRONT_ENDS, FrontEnd, RunningFrontEnd, SERVERS, TIMEOUT};
use super::verdict::{Report, is_counted};

/// How long a client waits for bytes that should not come.
const A_WHILE: Duration = Duration::from_millis(700);

/// What a front end does with its clients' connections.
pub struct Row {
    pub front_end: &'static str,
    /// Whether a second request may follow the first.
    pub keeps: bool,
    /// Whether it answers `Expect: 100-continue`.
    pub continues: bool,
    /// Whether bytes pass in both directions after a 101.
    pub upgrades: bool,
    /// What a client on such a connection sees if an answer ends before its length.
    pub cut: Cut,
    /// Whether the client sees that an answer without a length is cut off; `None` if this is a race.
    pub sees_cut_without_length: Option<bool>,
    source: &'static str,
}

/// What a client sees if an answer ends before its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The connection closes at once.
    Closes,
    /// Nothing: the client waits for the rest until the connection is too old.
    Waits,
    /// One or the other: the front end may see the reset before or after it has read the answer.
    Races,
}

const NGINX: Row = Row {
    front_end: "nginx-tcp",
    keeps: true,
    continues: true,
    upgrades: true,
    cut: Cut::Closes,
    sees_cut_without_length: Some(true),
    source: "nginx 1.22 ngx_http_uwsgi_module.c: 101 for a client that asked for an upgrade makes a tunnel",
};

const APACHE: Row = Row {
    front_end: "apache-tcp",
    keeps: true,
    continues: true,
    upgrades: false,
    cut: Cut::Races,
    sees_cut_without_length: None,
    source: "httpd 2.4 modules/proxy/mod_proxy_uwsgi.c: answers are copied to their end, whichever that is",
};

pub const ROWS: &[Row] = &[
    NGINX,
    // A Unix socket has no resets.
    Row { front_end: "nginx-unix", sees_cut_without_length: Some(false), ..NGINX },
    Row { front_end: "nginx-streaming", sees_cut_without_length: Some(false), ..NGINX },
    Row { front_end: "nginx-tls", sees_cut_without_length: Some(false), ..NGINX },
    APACHE,
    Row { front_end: "apache-unix", cut: Cut::Waits, sees_cut_without_length: Some(false), ..APACHE },
    Row {
        front_end: "lighttpd-tcp",
        keeps: true,
        continues: true,
        upgrades: false,
        cut: Cut::Closes,
        sees_cut_without_length: Some(false),
        source: "lighttpd 1.4 src/gw_backend.c: a reset of the backend's connection is an error",
    },
    Row {
        front_end: "lighttpd-unix",
        keeps: true,
        continues: true,
        upgrades: false,
        cut: Cut::Waits,
        sees_cut_without_length: Some(false),
        source: "lighttpd 1.4 src/gw_backend.c: the end of the backend's connection is the end of the answer",
    },
    Row {
        front_end: "uwsgi-http",
        keeps: true,
        continues: true,
        upgrades: false,
        cut: Cut::Closes,
        sees_cut_without_length: Some(false),
        source: "uWSGI 2.0.31 plugins/http/http.c: without http-websockets nothing passes after a request",
    },
    Row {
        front_end: "uwsgi-http-chunked",
        keeps: false,
        continues: false,
        upgrades: true,
        cut: Cut::Closes,
        sees_cut_without_length: Some(false),
        source: "uWSGI 2.0.31 plugins/http/http.c: http-keepalive and http-manage-expect are off unless set",
    },
];

#[test]
fn front_ends_treat_connections_as_the_table_says() {
    let http = FRONT_ENDS.iter().map(|front_end| front_end.name).filter(|name| *name != "uwsgi_curl");
    assert!(http.eq(ROWS.iter().map(|row| row.front_end)));
    for row in ROWS {
        for server in SERVERS.iter().filter(|server| server.ours) {
            let (test_dir, front_end) = (TestDir::new(), FrontEnd::named(row.front_end));
            let listen = front_end.listen(&test_dir);
            let _server = (server.start)(&test_dir, "server", &listen, front_end.settings());
            let running = (front_end.start)(&test_dir, &listen);
            row.kept(&running);
            row.continued(&running);
            row.cut(&running);
            row.upgraded(&running);
        }
        assert!(!row.source.is_empty());
    }
}

impl Row {
    fn kept(&self, running: &RunningFrontEnd<'_>) {
        let mut client = running.connect().expect("a connection");
        let post = b"POST /echo HTTP/1.1\r\nHost: app.example\r\nContent-Length: 5\r\n\r\nhello";
        for time in 0..3 {
            let answer = client.exchange(post);
            if time > 0 && !self.keeps {
                assert!(answer.is_err(), "{}: keeps connections", self.front_end);
                return;
            }
            let answer = answer.unwrap_or_else(|error| panic!("{}, request {time}: {error}", self.front_end));
            assert_eq!((answer.head.status, &answer.body[..]), (200, &b"hello"[..]), "{}, {time}", self.front_end);
        }
    }

    fn continued(&self, running: &RunningFrontEnd<'_>) {
        // The application reads the body before it answers. So what comes before the body is from the front end.
        let expect = b"POST / HTTP/1.1\r\nHost: app.example\r\nAccept: application/json\r\nExpect: 100-continue\r\n\
                       Content-Length: 5\r\n\r\n";
        let mut client = running.connect().expect("a connection");
        client.give(if self.continues { TIMEOUT } else { A_WHILE });
        client.send(expect).expect("a request");
        match client.head() {
            Ok(head) => {
                assert!(self.continues && head.status == 100, "{}: {head:?}", self.front_end);
                let answer = client.exchange(b"hello").expect("an answer");
                let seen = Report::of(&answer).expect("a report").body.length;
                assert_eq!((answer.head.status, seen), (200, 5), "{}", self.front_end);
            }
            Err(error) => {
                assert!(!self.continues && error.kind() == ErrorKind::TimedOut, "{}: {error}", self.front_end);
            }
        }
    }

    fn cut(&self, running: &RunningFrontEnd<'_>) {
        let mut client = running.connect().expect("a connection");
        client.send(b"GET /abort HTTP/1.1\r\nHost: app.example\r\n\r\n").expect("a request");
        let head = client.head().expect("a head");
        client.give(if self.cut == Cut::Closes { TIMEOUT } else { A_WHILE });
        let (body, end) = client.body(&head, false).expect("a body");
        // Through no front end does a cut answer look whole.
        let as_expected = match (&end, self.cut) {
            (End::Cut(why), Cut::Waits) => why == "timed out",
            (End::Cut(why), Cut::Closes) => why != "timed out",
            (End::Cut(_), Cut::Races) => true,
            _ => false,
        };
        assert!(as_expected, "{}: {end:?}, not {:?}", self.front_end, self.cut);

        let answer = running.get("/abort?length=none").expect("an answer");
        if let Some(sees) = self.sees_cut_without_length {
            assert_eq!(matches!(answer.end, End::Cut(_)), sees, "{}: {:?}", self.front_end, answer.end);
        }
        // Also in a race the client gets a beginning of the body that the server sends, and no other bytes.
        for (status, body) in [(head.status, &body), (answer.head.status, &answer.body)] {
            let is_beginning = body.len() <= 500 && is_counted(body);
            assert!(status == 200 && is_beginning, "{}: {status} {}", self.front_end, body.escape_ascii());
        }
    }

    fn upgraded(&self, running: &RunningFrontEnd<'_>) {
        let mut client = running.connect().expect("a connection");
        client.give(if self.upgrades { TIMEOUT } else { A_WHILE });
        let upgrade = "GET /upgrade HTTP/1.1\r\nHost: app.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        let upgraded = |client: &mut Connection| {
            client.send(upgrade.as_bytes())?;
            let head = client.head()?;
            let mut back = Vec::new();
            for bytes in [&b"hello"[..], b"again"] {
                client.send(bytes)?;
                back.extend(client.bytes(bytes.len() as u64)?);
            }
            std::io::Result::Ok((head.status, back))
        };
        match upgraded(&mut client) {
            Ok(seen) => assert!(self.upgrades && seen == (101, b"helloagain".to_vec()), "{}: {seen:?}", self.front_end),
            Err(error) => assert!(!self.upgrades, "{}: {error}", self.front_end),
        }
    }
}
