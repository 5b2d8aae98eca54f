//! The backend of the tests: it counts requests, and keeps what came with each.
//!
//! A front end sends the port of its client in REMOTE_PORT, which tells to which connection a request belongs.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, IoSlice, Read, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use uwsgi::Time;
use uwsgi::server::Settings;
use uwsgi::{Limits, Packet, Request};
use uwsgi_io::{Arrival, Direction, RequestBody, RequestReader, Socket, Transport};

use super::outcome::Taken;

/// A backend that runs as long as the test.
#[derive(Debug)]
pub(crate) struct Backend {
    socket: PathBuf,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The requests of each connection that a client has open, by the port of the client.
    taken: BTreeMap<u16, Vec<Taken>>,
    /// What must not happen, however a client behaves.
    faults: Vec<String>,
}

impl Backend {
    /// Starts a backend at this path.
    pub(crate) fn start(socket: PathBuf) -> Self {
        let listener = UnixListener::bind(&socket).expect("a Unix socket");
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || {
                    // A front end may close a connection at any time, for example when its client has gone.
                    let _broke = Socket::new(stream).and_then(|socket| serve(socket, &state));
                });
            }
        });
        Self { socket, state }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Begins to keep the requests of the client at this port.
    pub(crate) fn begin(&self, port: u16) {
        lock(&self.state).taken.insert(port, Vec::new());
    }

    /// Returns the requests of the client at this port. Requests that come after this call are faults.
    pub(crate) fn end(&self, port: u16) -> Vec<Taken> {
        lock(&self.state).taken.remove(&port).unwrap_or_default()
    }

    /// Returns what must not have happened.
    pub(crate) fn faults(&self) -> Vec<String> {
        lock(&self.state).faults.clone()
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves one connection, which has one request.
fn serve(socket: Socket, state: &Mutex<State>) -> io::Result<()> {
    let counted = Counted { socket, read: Cell::new(0) };
    let mut reader = RequestReader::new(&counted, Settings::default().with_limits(Limits::wire()));
    let (ended, port, expected) = match reader.read_request()? {
        Arrival::Close => return Ok(()),
        // A front end must send what a server accepts.
        Arrival::Refused(refusal) => {
            lock(state).faults.push(format!("the backend refused a request: {refusal:#}"));
            return reader.refuse(&refusal);
        }
        Arrival::Request { request, packet, mut body } => {
            let port = remote_port(&request).unwrap_or_default();
            let taken = taken(&request, &mut body);
            let expected = 4 + packet.payload().len() + taken.body.len();
            let is_head = taken.method == b"HEAD";
            let path = taken.path.clone();
            let is_whole = taken.is_whole;
            if let Err(fault) = unique(&packet) {
                lock(state).faults.push(fault);
            }
            let number = keep(state, port, taken);
            if !is_whole {
                return counted.abort();
            }
            let mut answer = body.answer();
            respond(&mut answer, number, is_head, &path)?;
            (answer.into_respond(), port, expected)
        }
        _ => {
            lock(state).faults.push("the backend got a packet that is not a request".to_owned());
            return Ok(());
        }
    };
    reader.end(&ended)?;
    if counted.read.get() != expected {
        let surplus = format!("client {port}: {} bytes came, and the request has {expected}", counted.read.get());
        lock(state).faults.push(surplus);
    }
    Ok(())
}

fn taken<T: Transport>(request: &Request<'_>, body: &mut RequestBody<'_, T>) -> Taken {
    let var = |key: &str| request.vars().get(key).map(<[u8]>::to_vec);
    let mut read = Vec::new();
    let is_whole = body.read_to_end(&mut read).is_ok();
    Taken {
        method: var("REQUEST_METHOD").unwrap_or_default(),
        uri: var("REQUEST_URI").unwrap_or_default(),
        path: var("PATH_INFO").unwrap_or_default(),
        length: var("CONTENT_LENGTH").filter(|length| !length.is_empty()),
        body: read,
        is_whole,
    }
}

fn remote_port(request: &Request<'_>) -> Option<u16> {
    str::from_utf8(request.vars().get("REMOTE_PORT")?).ok()?.parse().ok()
}

/// Keeps a request. Returns its number among those of its client.
fn keep(state: &Mutex<State>, port: u16, taken: Taken) -> usize {
    let mut state = lock(state);
    match state.taken.get_mut(&port) {
        Some(all) => {
            all.push(taken);
            all.len()
        }
        None => {
            state.faults.push(format!("no client at {port} waits for a request: {taken}"));
            0
        }
    }
}

/// Returns an error if a var that decides about a request comes twice, or a name that must never come.
fn unique(packet: &Packet<'_>) -> Result<(), String> {
    let vars = packet.vars().map_err(|error| error.to_string())?;
    let mut seen = BTreeMap::<&[u8], usize>::new();
    for (key, _) in &vars {
        *seen.entry(key).or_default() += 1;
    }
    for (key, count) in seen {
        let text = key.escape_ascii();
        if count > 1 && !key.starts_with(b"HTTP_") {
            return Err(format!("the var {text} came {count} times"));
        }
        let never = ["HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING", "HTTP_PROXY", "HTTP_KEEP_ALIVE"];
        // The gateway asks for a WebSocket itself.
        let is_stray = key == b"HTTP_CONNECTION" && vars.get(key) != Some(b"upgrade");
        // Some backends take other names for these: PHP turns the `.` of X.Real.IP into `_`.
        let is_plain = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_');
        if key.starts_with(b"HTTP_") && !key.iter().all(is_plain) {
            return Err(format!("the header of the var {text} must not pass"));
        }
        if is_stray || never.iter().any(|name| name.as_bytes() == key) {
            return Err(format!("the var {text} must never come"));
        }
    }
    Ok(())
}

/// Writes an answer of which the client knows which request it answers.
fn respond<T: Transport>(
    answer: &mut uwsgi_io::ResponseWriter<'_, T>,
    number: usize,
    is_head: bool,
    path: &[u8],
) -> io::Result<()> {
    let number = number.to_string();
    let body = format!("answer {number}");
    let length = body.len().to_string();
    let mut lines = vec![("X-Number", &*number), ("Content-Type", "text/plain")];
    if is_head {
        lines.push(("X-Head", "yes"));
    }
    let (status, reason) = match path {
        b"/answer/204" => (204, "No Content"),
        b"/answer/304" => (304, "Not Modified"),
        _ => (200, "OK"),
    };
    if status == 200 && path != b"/answer/no-length" {
        lines.push(("Content-Length", &length));
    }
    answer.head(status, reason, lines).map_err(io::Error::other)?;
    if status == 200 && !is_head {
        answer.write_all(body.as_bytes())?;
    }
    answer.finish()
}

/// A socket that counts the bytes that were read from it.
#[derive(Debug)]
struct Counted {
    socket: Socket,
    read: Cell<usize>,
}

impl Transport for Counted {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.socket.read(buffer)?;
        self.read.set(self.read.get() + count);
        Ok(count)
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.socket.write(pieces)
    }

    fn wait(&self, direction: Direction, until: Option<Time>) -> io::Result<()> {
        self.socket.wait(direction, until)
    }

    fn now(&self) -> Time {
        self.socket.now()
    }

    fn shut_down_write(&self) -> io::Result<()> {
        self.socket.shut_down_write()
    }

    fn abort(&self) -> io::Result<()> {
        self.socket.abort()
    }

    fn may_have_more(&self) -> bool {
        self.socket.may_have_more()
    }
}
