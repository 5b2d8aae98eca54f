//! Each fault of a backend, with 32 clients: what they see, and that the next request is served at once.

use std::io;
use std::thread;

use uwsgi_tests::backend::{Mode, ScriptedBackend, Then};
use uwsgi_tests::http1::{Answer, Connection, End, Head};
use uwsgi_tests::load::GatewayProcess;

use crate::{AtRest, TIMEOUT, check_healthy, check_page, start, wait_until};

/// How a client sends its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// All on one connection.
    Kept,
    /// Each on its own connection.
    New,
    /// With HTTP/1.0, each on its own connection.
    Old,
}

/// What the clients see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// A page of the gateway.
    Page(u16),
    /// A 200 whose body is cut, though the client knows its length.
    CutLength,
    /// A 200 whose body is cut: the last chunk is missing, or there is a reset if the client does not know chunks.
    CutChunks,
    /// A 200 whose body is `part`, and is whole, since only the close of the backend's connection ends it.
    Whole,
}

/// One fault.
struct Row {
    name: &'static str,
    /// `None`: the backend does not listen.
    mode: Option<Mode>,
    seen: Seen,
}

const PART: &[u8] = b"part";

fn rows() -> Vec<Row> {
    let row = |name, mode: Mode, seen| Row { name, mode: Some(mode), seen };
    let send = |bytes: &'static [u8], then| Mode::send(bytes, then);
    let long = [&b"HTTP/1.1 200 OK\r\nX-Long: "[..], &[b'x'; 70_000], b"\r\n\r\n"].concat();
    let with_length = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\npart";
    let with_chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n";
    let to_the_close = b"HTTP/1.1 200 OK\r\n\r\npart";
    let upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    vec![
        Row { name: "killed", mode: None, seen: Seen::Page(502) },
        row("accepts and closes", Mode::CloseAtOnce, Seen::Page(502)),
        row("closes before a head", Mode::nothing(Then::Close), Seen::Page(502)),
        row("resets before a head", Mode::nothing(Then::Reset), Seen::Page(502)),
        row("closes in a head", send(b"HTTP/1.1 200 OK\r\nContent-Le", Then::Close), Seen::Page(502)),
        row("resets in a head", send(b"HTTP/1.1 200 OK\r\nContent-Le", Then::Reset), Seen::Page(502)),
        row("half a head and silence", send(b"HTTP/1.1 200 OK\r\nContent-Le", Then::Hang), Seen::Page(504)),
        row("a head in single bytes for ever", send(b"HTTP/1.1 200 OK\r\nX-Long: ", Then::Drip), Seen::Page(504)),
        row("hangs", Mode::nothing(Then::Hang), Seen::Page(504)),
        row("garbage", send(b"\x00\xff\x16\x03\x01\n\n\r\n\r\n", Then::Hang), Seen::Page(502)),
        row("a head over the limit", Mode::send(long, Then::Hang), Seen::Page(502)),
        row("a 101 that nobody asked for", send(upgrade, Then::Hang), Seen::Page(502)),
        row("closes in a body with a length", send(with_length, Then::CloseLater), Seen::CutLength),
        row("resets in a body with a length", send(with_length, Then::ResetLater), Seen::CutLength),
        row("is silent in a body with a length", send(with_length, Then::Hang), Seen::CutLength),
        row("closes in chunks", send(with_chunks, Then::CloseLater), Seen::CutChunks),
        row("resets in chunks", send(with_chunks, Then::ResetLater), Seen::CutChunks),
        row("is silent in chunks", send(with_chunks, Then::Hang), Seen::CutChunks),
        row("closes in a body to the close", send(to_the_close, Then::CloseLater), Seen::Whole),
        row("resets in a body to the close", send(to_the_close, Then::ResetLater), Seen::CutChunks),
        row("is silent in a body to the close", send(to_the_close, Then::Hang), Seen::CutChunks),
    ]
}

/// A client, and the connection that it keeps.
struct Client {
    kind: Kind,
    index: usize,
    kept: Option<Connection>,
}

const CLIENTS: usize = 32;
/// The most memory that the gateway takes after all faults. It takes about 8 MiB.
const RESIDENT: usize = 24 << 20;

#[test]
fn each_fault_has_its_status_and_the_next_request_is_served() {
    let mut backend = ScriptedBackend::start();
    let gateway = start(&backend, &["timeout=1000", "connect=5000", "threads=2"]);
    let kinds = [Kind::Kept, Kind::New, Kind::Old, Kind::Kept];
    let client = |index| Client { kind: kinds[index % kinds.len()], index, kept: None };
    let mut clients: Vec<Client> = (0..CLIENTS).map(client).collect();
    let at_rest = AtRest::of(&gateway.process);
    for (number, Row { name, mode, seen }) in rows().into_iter().enumerate() {
        match mode {
            Some(mode) => backend.set(mode),
            None => backend.kill(),
        }
        let path = format!("/{number}");
        at_once(&mut clients, |client| client.meets(&gateway, &backend, &path, name, seen));
        backend.set(Mode::Healthy);
        backend.listen();
        at_once(&mut clients, |client| client.goes_on(&gateway, name, seen));
    }
    drop(clients);
    at_rest.wait_until_again(&gateway.process);
    wait_until("all connections to the backend are closed", || backend.open() == 0);
    let resident = gateway.process.resident().unwrap();
    println!("{at_rest:?}, {} KiB after all faults", resident / 1024);
    assert!(resident < RESIDENT, "{resident} bytes");
}

/// Lets all clients do something, each on a thread of its own.
fn at_once(clients: &mut [Client], act: impl Fn(&mut Client) + Sync) {
    thread::scope(|scope| {
        for client in clients {
            scope.spawn(|| act(client));
        }
    });
}

impl Client {
    /// Sends a request, which meets the fault.
    fn meets(&mut self, gateway: &GatewayProcess, backend: &ScriptedBackend, path: &str, name: &str, seen: Seen) {
        let path = format!("{path}/{}", self.index);
        let place = format!("{name}, {:?}", self.kind);
        let mut connection = self.kept.take().unwrap_or_else(|| gateway.connect().unwrap());
        connection.give(TIMEOUT);
        let version = if self.kind == Kind::Old { "1.0" } else { "1.1" };
        connection.send(format!("GET {path} HTTP/{version}\r\nHost: app.example\r\n\r\n").as_bytes()).unwrap();
        let head = connection.head().unwrap_or_else(|error| panic!("{place}: {error}"));
        backend.going_on().go_on(&path);
        let (body, end) = connection.body(&head, false).unwrap();
        if let Seen::Page(status) = seen {
            let answer = Answer { interim: Vec::new(), head, body, end };
            check_page(&answer, status, &place);
        } else {
            self.check_body(seen, &head, &body, &end, &place);
        }
        // A client does not use a connection any more after an answer that was cut.
        if self.kind == Kind::Kept && matches!(seen, Seen::Page(_) | Seen::Whole) {
            self.kept = Some(connection);
        }
    }

    fn check_body(&self, seen: Seen, head: &Head, body: &[u8], end: &End, place: &str) {
        assert_eq!(head.status, 200, "{place}");
        assert!(PART.starts_with(body), "{place}: {}", body.escape_ascii());
        assert_eq!(head.header("content-length").is_some(), seen == Seen::CutLength, "{place}: {head:?}");
        let is_right = match (seen, self.kind, end) {
            (Seen::Whole, Kind::Old, End::Closed) | (Seen::Whole, Kind::Kept | Kind::New, End::Whole) => body == PART,
            (Seen::CutLength, _, End::Cut(_)) | (Seen::CutChunks, Kind::Kept | Kind::New, End::Cut(_)) => true,
            // The length is unknown, and so there must be an error of the system.
            (Seen::CutChunks, Kind::Old, End::Cut(how)) => *how == io::Error::from_raw_os_error(104).to_string(),
            _ => false,
        };
        assert!(is_right, "{place}: {end:?}, {head:?}, {}", body.escape_ascii());
    }

    /// Sends a request to a backend that is healthy again, on the same connection if it was kept.
    fn goes_on(&mut self, gateway: &GatewayProcess, name: &str, seen: Seen) {
        let was_kept = self.kept.is_some();
        assert_eq!(was_kept, self.kind == Kind::Kept && matches!(seen, Seen::Page(_) | Seen::Whole), "{name}");
        let mut connection = self.kept.take().unwrap_or_else(|| gateway.connect().unwrap());
        check_healthy(&mut connection, name);
        self.kept = Some(connection).filter(|_| self.kind == Kind::Kept);
    }
}
