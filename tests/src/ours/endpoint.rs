//! One of our servers for each case: a server of its own, or one that all cases with the same settings share.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use uwsgi_conformance::socket::{Connected, Server};
use uwsgi_conformance::{App, Bytes, Case, Endpoint, Needs, Peer, Received, Recipe, SMALL, Sender, Verdict};

use super::{Gate, blocking, event_loop, service};

/// One of our servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `uwsgi_server`.
    Blocking,
    /// `uwsgi_tower`.
    Asynchronous,
    /// The example `event_loop` of the core.
    EventLoop,
}

impl Kind {
    /// Both servers that are published.
    pub const BOTH: [Self; 2] = [Self::Blocking, Self::Asynchronous];

    /// Returns the value that belongs to this server.
    ///
    /// # Panics
    ///
    /// For the example, which has no program and no promises of its own.
    pub fn of<T>(self, blocking: T, asynchronous: T) -> T {
        match self {
            Self::Blocking => blocking,
            Self::Asynchronous => asynchronous,
            Self::EventLoop => panic!("the example has no such value"),
        }
    }
}

/// The kind of socket that the tests connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SocketKind {
    Tcp,
    /// TCP on both address families, reached by IPv4.
    Both,
    Unix,
}

/// An endpoint that runs one of our servers with the settings and in the state that each case needs.
#[derive(Debug)]
pub struct OurServers {
    kind: Kind,
    socket: SocketKind,
    timeout: Duration,
    pause: Duration,
    kept: Mutex<HashMap<(String, App), Arc<Running>>>,
}

/// A running server. A drop stops it without waiting for its end.
struct Running {
    at: Server,
    stop: Stop,
    gate: Arc<Gate>,
}

/// Stops a server.
pub(super) type Stop = Box<dyn Fn() + Send + Sync>;

impl OurServers {
    /// Creates the endpoint for this server and this kind of socket.
    pub fn new(kind: Kind, socket: SocketKind) -> Self {
        Self {
            kind,
            socket,
            timeout: Duration::from_secs(10),
            pause: Duration::from_micros(200),
            kept: Mutex::new(HashMap::new()),
        }
    }

    /// Sets the pause after each piece that is sent; 200 µs by default.
    #[must_use]
    pub fn with_pause(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// Returns a server with the settings and in the state that the case needs. It may be a running server with these settings,
    /// if the case needs nothing else.
    fn server(&self, case: &Case) -> io::Result<Arc<Running>> {
        let Needs { connections, busy, stop, sender, .. } = case.needs;
        let mapped = matches!(sender, Sender::Address(address) if address != address.to_canonical());
        let socket = if mapped && self.socket == SocketKind::Tcp { SocketKind::Both } else { self.socket };
        if connections > 1 || busy > 0 || stop.is_some() {
            return Running::start(case, self.kind, socket).map(Arc::new);
        }
        let needs = Needs { sender: Sender::Local, ..case.needs };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (format!("{socket:?} {needs:?}"), case.app);
        if let Some(running) = kept.get(&key) {
            return Ok(Arc::clone(running));
        }
        let running = Arc::new(Running::start(case, self.kind, socket)?);
        kept.insert(key, Arc::clone(&running));
        Ok(running)
    }
}

impl Endpoint for OurServers {
    fn connect(&self, case: &Case) -> io::Result<Box<dyn Peer + '_>> {
        let running = self.server(case)?;
        let server = running.at.clone().with_needs(case.needs).with_app(case.app);
        let server = server.with_patience(self.timeout).with_pause(self.pause);
        let mut others = Vec::new();
        if case.needs.busy > 0 {
            others.push(running.hold()?);
        }
        if case.needs.connections > 1 {
            let idle = (others.len() + 1..case.needs.connections).map(|_| running.at.open(&QUIET));
            others.extend(idle.collect::<io::Result<Vec<_>>>()?);
            // A sleep, because no client can see when the server has accepted these connections. It must have accepted them
            // before the clock of the case starts.
            thread::sleep(Duration::from_millis(200));
        }
        let connected = server.open(case)?;
        let after = |millis, act: fn(&Running)| {
            let running = Arc::clone(&running);
            thread::spawn(move || {
                // The case says when this happens.
                thread::sleep(Duration::from_millis(millis));
                act(&running);
            });
        };
        if case.needs.busy > 0 {
            after(case.needs.busy, |running| running.gate.open());
        }
        if let Some(stop) = case.needs.stop {
            after(stop, |running| (running.stop)());
        }
        Ok(Box::new(Sending { connected: Box::new(connected), _running: running, _others: others }))
    }
}

/// The client's end, and the values that must live as long as it.
struct Sending {
    connected: Box<Connected>,
    _running: Arc<Running>,
    _others: Vec<Connected>,
}

impl Peer for Sending {
    fn send(&mut self, bytes: &[u8]) {
        self.connected.send(bytes);
    }

    fn wait(&mut self, millis: u64) {
        self.connected.wait(millis);
    }

    fn read_until(&mut self, enough: &mut dyn FnMut(&[u8]) -> bool) {
        self.connected.read_until(enough);
    }

    fn shutdown_write(&mut self) {
        self.connected.shutdown_write();
    }

    fn close(&mut self) {
        self.connected.close();
    }

    fn reset(&mut self) {
        self.connected.reset();
    }

    fn finish(self: Box<Self>, enough: &mut dyn FnMut(&[u8]) -> bool) -> Received {
        let Self { connected, _running, _others } = *self;
        connected.finish(enough)
    }
}

/// A connection that sends nothing.
const QUIET: Case = Case {
    name: "quiet",
    about: "nothing",
    steps: &[],
    needs: Needs::DEFAULT,
    app: App::ReadAllThenAnswer,
    verdict: Verdict::Close,
    row: uwsgi_conformance::Row::Silence,
    why: "it only occupies a connection",
    source: "nowhere",
};

/// A request that the gate holds.
const HELD: Recipe = SMALL.changed(&[(b"PATH_INFO", Gate::PATH.as_bytes())]);

impl Running {
    fn start(case: &Case, kind: Kind, socket: SocketKind) -> io::Result<Self> {
        let gate = Arc::new(Gate::default());
        let (at, stop) = match kind {
            Kind::Blocking => blocking::start(case, socket, &gate)?,
            Kind::Asynchronous => service::start(case, socket, &gate)?,
            Kind::EventLoop => event_loop::start(case, socket, &gate)?,
        };
        Ok(Self { at, stop, gate })
    }

    /// Occupies the only worker until the gate opens.
    fn hold(&self) -> io::Result<Connected> {
        let mut held = self.at.open(&QUIET)?;
        held.send(&Bytes::Of(HELD).build());
        self.gate.wait_for(1);
        Ok(held)
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("at", &self.at).finish_non_exhaustive()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.gate.open();
        (self.stop)();
    }
}

/// Returns a path where no socket is.
pub(super) fn socket_path() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("uwsgi-{}-{}.sock", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    // A file of this name was left by a killed process with the same id.
    let _ = std::fs::remove_file(&path);
    path
}
