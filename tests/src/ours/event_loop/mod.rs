//! The example `event_loop` of the core, with the application of the conformance cases.

#[allow(dead_code, reason = "its function main is for the program")]
#[path = "../../../../crates/uwsgi/examples/event_loop/main.rs"]
mod example;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};
use uwsgi::Time;
use uwsgi::response::ResponseEncoder;
use uwsgi::server::{AnswerError, ConnectionLimit};
use uwsgi_conformance::report::{self, report};
use uwsgi_conformance::socket::Server;
use uwsgi_conformance::{Act, App, Case};

use self::example::call::{Application, Call, Progress, Read};
use self::example::event_loop::{EventLoop, StopHandle};
use self::example::options::Options;
use super::endpoint::{Stop, socket_path};
use super::{Gate, SocketKind};

/// The example as it is, with its own application, on a thread.
#[derive(Debug)]
pub struct Example {
    pub address: SocketAddr,
    thread: JoinHandle<io::Result<()>>,
    stop: StopHandle,
}

impl Example {
    /// Starts the server on a free port.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn start() -> io::Result<Self> {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        listener.listen(ConnectionLimit::BACKLOG.into())?;
        let address = listener.local_addr()?.as_socket().ok_or(io::ErrorKind::Unsupported)?;
        let server = EventLoop::new(listener, example::options().map_err(io::Error::other)?)?;
        let stop = server.stop_handle();
        Ok(Self { address, thread: std::thread::spawn(|| server.run()), stop })
    }

    /// Begins a stop.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn stop(&self) -> io::Result<()> {
        self.stop.stop()
    }

    /// Waits until the server has ended.
    ///
    /// # Errors
    ///
    /// The error with which the server ended.
    pub fn join(self) -> io::Result<()> {
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the server has panicked")))
    }
}

/// Starts the server that a case needs, on a thread.
pub(super) fn start(case: &Case, socket: SocketKind, gate: &Arc<Gate>) -> io::Result<(Server, Stop)> {
    let tcp = |address: &str| {
        let address: SocketAddr = address.parse().map_err(io::Error::other)?;
        let listener = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        if address.is_ipv6() {
            listener.set_only_v6(false)?;
        }
        listener.bind(&address.into())?;
        let port = listener.local_addr()?.as_socket().map_or(0, |address| address.port());
        Ok::<_, io::Error>((listener, Server::tcp(SocketAddr::from(([127, 0, 0, 1], port)))))
    };
    let (listener, at) = match socket {
        SocketKind::Tcp => tcp("127.0.0.1:0")?,
        SocketKind::Both => tcp("[::]:0")?,
        SocketKind::Unix => {
            let path = socket_path();
            let listener = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            listener.bind(&SockAddr::unix(&path)?)?;
            (listener, Server::unix(path))
        }
    };
    listener.listen(ConnectionLimit::BACKLOG.into())?;
    let (app, chunked, gate) = (case.app, case.needs.chunked, Arc::clone(gate));
    let options = Options {
        settings: case.needs.settings(),
        allow: case.needs.allow_list().map_err(io::Error::other)?,
        max_connections: case.needs.most_connections,
        // Cases that depend on a free worker run with one. Otherwise many cases share the server.
        max_running: if case.needs.busy > 0 { 1 } else { 64 },
        application: Box::new(move |packet, request| {
            if request.path_info() == Some(Gate::PATH.as_bytes()) {
                gate.hold();
                Box::new(Held { gate: Arc::clone(&gate) })
            } else {
                Box::new(Acting::new(app, chunked, packet))
            }
        }),
        log: |_| {},
    };
    let server = EventLoop::new(listener, options)?;
    let stop = server.stop_handle();
    std::thread::spawn(move || server.run());
    Ok((at, Box::new(move || stop.stop().expect("a notification"))))
}

/// A request that the gate holds.
struct Held {
    gate: Arc<Gate>,
}

impl Application for Held {
    fn poll(&mut self, call: &mut Call<'_>) -> Progress {
        if self.gate.is_open() {
            return if give_head(call, 200, Some(0)) { Progress::Finished } else { Progress::Failed };
        }
        call.wait_until(call.now().after(Duration::from_millis(2)));
        Progress::Waiting
    }
}

/// The application of a case, with one request.
struct Acting {
    app: App,
    chunked: bool,
    packet: Vec<u8>,
    acts: VecDeque<Act>,
    /// The body, as far as it was read.
    body: report::Body,
    is_read: bool,
    /// How long the body was before the second read.
    before: Option<usize>,
    /// When the pause ends.
    pause: Option<Time>,
    report: String,
    /// The pieces to give before the next act.
    pieces: VecDeque<Vec<u8>>,
}

/// Why an application does not go on.
enum Stopped {
    Waiting,
    Finished,
    Failed,
}

impl Acting {
    fn new(app: App, chunked: bool, packet: &[u8]) -> Self {
        Self {
            app,
            chunked,
            packet: packet.to_vec(),
            acts: app.acts().into(),
            body: report::Body::default(),
            is_read: false,
            before: None,
            pause: None,
            report: String::new(),
            pieces: VecDeque::new(),
        }
    }

    fn go_on(&mut self, call: &mut Call<'_>) -> Result<(), Stopped> {
        loop {
            self.give(call)?;
            let Some(act) = self.acts.front() else { return Ok(()) };
            match *act {
                Act::Fail => return Err(Stopped::Failed),
                Act::Give(count) => self.pieces.push_back(vec![b'a'; count]),
                Act::GiveReport => self.pieces.push_back(self.report.clone().into_bytes()),
                Act::GiveReportInPieces => {
                    let pieces = self.report.bytes().flat_map(|byte| [vec![], vec![byte], vec![]]);
                    self.pieces.extend(pieces);
                }
                Act::Head(status, length) => drop(give_head(call, status, length)),
                Act::Pause(millis) => {
                    let until = *self.pause.get_or_insert(call.now().after(Duration::from_millis(millis)));
                    if call.now() < until {
                        call.wait_until(until);
                        return Err(Stopped::Waiting);
                    }
                    self.pause = None;
                }
                Act::Read(count) => self.read(call, count)?,
                Act::ReadAgain => {
                    let before = *self.before.get_or_insert(self.body.bytes.len());
                    self.read(call, usize::MAX)?;
                    self.body.again = Some(self.body.bytes.len() - before);
                }
                Act::ReportHead { length } => {
                    self.report = report(&self.packet, self.chunked, &self.body);
                    give_head(call, 200, length.then_some(self.report.len() as u64));
                }
                act => panic!("{act:?} is an act that this application does not know"),
            }
            self.acts.pop_front();
        }
    }

    /// Gives the pieces that are left.
    fn give(&mut self, call: &mut Call<'_>) -> Result<(), Stopped> {
        while let Some(piece) = self.pieces.front_mut() {
            match call.write(piece) {
                Ok(count) if count == piece.len() => drop(self.pieces.pop_front()),
                Ok(0) => return Err(Stopped::Waiting),
                Ok(count) => drop(piece.drain(..count)),
                Err(AnswerError::TooLong { .. }) if !self.app.fails_when_cut() => return Err(Stopped::Finished),
                Err(_) => return Err(Stopped::Failed),
            }
        }
        Ok(())
    }

    /// Reads until there are `count` bytes in all, or to the end.
    fn read(&mut self, call: &mut Call<'_>, count: usize) -> Result<(), Stopped> {
        while !self.is_read && self.body.bytes.len() < count {
            match call.read(count - self.body.bytes.len()) {
                Read::Bytes(mut bytes) => self.body.bytes.append(&mut bytes),
                Read::End => self.is_read = true,
                Read::Later => return Err(Stopped::Waiting),
                Read::Failed(refusal) if self.app.takes_read_errors() => {
                    (self.body.error, self.is_read) = (Some(refusal), true);
                }
                Read::Failed(_) => return Err(Stopped::Failed),
            }
        }
        Ok(())
    }
}

impl Application for Acting {
    fn poll(&mut self, call: &mut Call<'_>) -> Progress {
        match self.go_on(call) {
            Ok(()) | Err(Stopped::Finished) => Progress::Finished,
            Err(Stopped::Waiting) => Progress::Waiting,
            Err(Stopped::Failed) => Progress::Failed,
        }
    }
}

/// Gives a head. Returns whether it is a valid one.
fn give_head(call: &mut Call<'_>, status: u16, length: Option<u64>) -> bool {
    let mut buffer = Vec::new();
    let reason = if status == 200 { "OK" } else { "As Asked" };
    let Ok(mut head) = ResponseEncoder::new(&mut buffer, status, reason) else { return false };
    let pushed =
        head.push("Content-Type", "text/plain").and_then(|()| length.map_or(Ok(()), |length| head.push_length(length)));
    pushed.is_ok() && head.finish().map(|head| call.head(&head)).is_ok()
}
