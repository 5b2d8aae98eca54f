//! The server: listeners, threads, and how they end.

use alloc::sync::Arc;
use core::net::SocketAddr;
use core::num::NonZero;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use uwsgi::client::Address;
use uwsgi::server::{AllowList, Refusal, Settings, admit};
use uwsgi_io::{RequestReader, Socket, Transport};

use crate::access::AccessLog;
use crate::app::{App, Ends};
use crate::connection::{House, tell};
use crate::listener::Listener;
use crate::stop::{Stop, Stoppable};
use crate::workers::Workers;

/// A blocking server: a thread a connection, and permits for those whose application works.
///
/// ```
/// use uwsgi_server::{Answer, App, AppError, Body, Call, Head, Server};
///
/// struct Hello;
///
/// impl App for Hello {
///     fn call(&self, _: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
///         Ok(answer.whole(Head::new(200), b"hello")?)
///     }
/// }
///
/// let server = Server::new(Hello)?.bind("127.0.0.1:0")?;
/// let handle = server.handle();
/// let running = std::thread::spawn(|| server.run());
/// handle.stop();
/// running.join().unwrap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Server<A> {
    app: A,
    settings: Settings,
    allow: AllowList<String>,
    workers: usize,
    max_connections: usize,
    stack: usize,
    access: Option<AccessLog>,
    listeners: Vec<Listener>,
    signals: Option<UnixStream>,
    control: Arc<Control>,
}

/// Stops a server, from any thread.
#[derive(Debug, Clone)]
pub struct Handle {
    control: Arc<Control>,
}

/// What a handle and a server share.
#[derive(Debug)]
struct Control {
    stop: Stop,
    workers: Mutex<Option<Arc<Workers>>>,
}

impl Handle {
    /// Asks for a stop: no connection is accepted any more, idle ones close, and what began is finished within the settings'
    /// `stop_grace`. It does not wait for that.
    pub fn stop(&self) {
        self.control.stop.ask();
        if let Some(workers) = self.control.workers.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            workers.wake();
        }
    }
}

/// How many threads wait for connections at most, for each listener, when there are none.
const IDLE: usize = 4;
/// How many connections more than allowed are told so properly; others are told in passing.
const TURNED_AWAY: usize = 64;

impl<A: App + 'static> Server<A> {
    /// A server that listens nowhere yet, with the settings that [`Settings::default`] has.
    ///
    /// # Errors
    ///
    /// There are no descriptors left.
    pub fn new(app: A) -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let control = Control { stop: Stop::new()?, workers: Mutex::new(None) };
        Ok(Self {
            app,
            settings: Settings::default(),
            allow: AllowList::parse("127.0.0.1,::1".into()).map_err(io::Error::other)?,
            workers: cores.saturating_mul(4),
            max_connections: 1024,
            stack: 256 << 10,
            access: None,
            listeners: Vec::new(),
            signals: None,
            control: Arc::new(control),
        })
    }

    /// Listens at an address too: `host:port`, `unix:/path`, `@name`, `fd:3`.
    ///
    /// # Errors
    ///
    /// The text is no address, or nobody can listen there.
    pub fn bind(self, address: &str) -> io::Result<Self> {
        let address =
            Address::parse(address).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))?;
        Ok(self.listen(Listener::bind(address)?))
    }

    /// Listens on this listener too.
    #[must_use]
    pub fn listen(mut self, listener: Listener) -> Self {
        self.listeners.push(listener);
        self
    }

    /// With these settings for each connection.
    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// With these peers: this machine alone unless changed. Unix sockets are always allowed.
    #[must_use]
    pub fn with_allow(self, allow: AllowList<String>) -> Self {
        Self { allow, ..self }
    }

    /// With so many requests that an application works on at once: four for each core unless changed, and one at least.
    /// While a request waits for its peer, another may be worked on.
    #[must_use]
    pub fn with_workers(self, workers: usize) -> Self {
        Self { workers: workers.max(1), ..self }
    }

    /// With so many connections at once: 1,024 unless changed. Each has a thread.
    #[must_use]
    pub fn with_max_connections(self, max_connections: usize) -> Self {
        Self { max_connections, ..self }
    }

    /// With so much of a stack for each thread, in bytes: 256 KiB unless changed. What is not touched takes no memory.
    #[must_use]
    pub fn with_stack(self, stack: usize) -> Self {
        Self { stack, ..self }
    }

    /// With a log of requests.
    #[must_use]
    pub fn with_access_log(self, access: AccessLog) -> Self {
        Self { access: Some(access), ..self }
    }

    /// Stops when the process is asked to end (SIGTERM) or interrupted (SIGINT). Asked again, it waits no longer.
    ///
    /// # Errors
    ///
    /// The signals cannot be had.
    pub fn stopping_on_signals(self) -> io::Result<Self> {
        let (shows, tells) = UnixStream::pair()?;
        shows.set_nonblocking(true)?;
        for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
            signal_hook::low_level::pipe::register(signal, tells.try_clone()?)?;
        }
        Ok(Self { signals: Some(shows), ..self })
    }

    /// What stops it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle { control: Arc::clone(&self.control) }
    }

    /// Where it listens.
    #[must_use]
    pub fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    /// The TCP address that it listens at first, if there is one.
    #[must_use]
    pub fn local(&self) -> Option<SocketAddr> {
        self.listeners.iter().find_map(Listener::local)
    }

    /// Serves until it is stopped. What began is finished then, within the settings' `stop_grace`.
    ///
    /// # Errors
    ///
    /// It listens nowhere, or there is no thread to be had.
    pub fn run(self) -> io::Result<()> {
        if self.listeners.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the server listens nowhere: bind it first"));
        }
        let workers = Arc::new(Workers::new(self.workers));
        *self.control.workers.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&workers));
        let handle = self.handle();
        let house = Arc::new(Shared {
            app: self.app,
            settings: self.settings,
            allow: self.allow,
            workers,
            worker_count: self.workers,
            max_connections: self.max_connections,
            stack: self.stack,
            access: self.access,
            control: Arc::clone(&self.control),
            connections: AtomicUsize::new(0),
            threads: Mutex::new(0),
            left: Condvar::new(),
        });
        for listener in self.listeners {
            let door = Arc::new(Door { turn: Mutex::new(listener), idle: AtomicUsize::new(0) });
            attend(&house, &door)?;
        }
        self.control.wait(self.signals.as_ref());
        handle.stop();
        house.wait_for_all(self.signals.as_ref());
        Ok(())
    }
}

impl Control {
    /// Waits until a stop was asked for, or a signal asks for it.
    fn wait(&self, signals: Option<&UnixStream>) {
        while !self.stop.is_asked() {
            let mut both = vec![PollFd::new(&self.stop, PollFlags::IN)];
            both.extend(signals.map(|signals| PollFd::new(signals, PollFlags::IN)));
            if poll(&mut both, None).is_ok() && both.get(1).is_some_and(|signals| !signals.revents().is_empty()) {
                take_signals(signals);
                return;
            }
        }
    }
}

/// Whether a signal has come.
fn take_signals(signals: Option<&UnixStream>) -> bool {
    signals.is_some_and(|mut signals| io::Read::read(&mut signals, &mut [0; 64]).is_ok_and(|count| count > 0))
}

/// What all threads share.
struct Shared<A> {
    app: A,
    settings: Settings,
    allow: AllowList<String>,
    workers: Arc<Workers>,
    worker_count: usize,
    max_connections: usize,
    stack: usize,
    access: Option<AccessLog>,
    control: Arc<Control>,
    connections: AtomicUsize,
    threads: Mutex<usize>,
    /// A thread has ended.
    left: Condvar,
}

/// A listener, and the threads that wait for their turn to accept from it: whoever accepts a connection serves it, and the
/// next one takes the turn.
struct Door {
    turn: Mutex<Listener>,
    idle: AtomicUsize,
}

/// Starts one more thread that accepts and serves.
fn attend<A: App + 'static>(shared: &Arc<Shared<A>>, door: &Arc<Door>) -> io::Result<()> {
    door.idle.fetch_add(1, Ordering::AcqRel);
    shared.join();
    let (ours, theirs) = (Arc::clone(shared), Arc::clone(door));
    let started = thread::Builder::new().name("uwsgi".into()).stack_size(shared.stack).spawn(move || {
        accept_and_serve(&ours, &theirs);
        drop(theirs);
        ours.leave();
    });
    if let Err(error) = started {
        door.idle.fetch_sub(1, Ordering::AcqRel);
        shared.leave();
        return Err(error);
    }
    Ok(())
}

fn accept_and_serve<A: App + 'static>(shared: &Arc<Shared<A>>, door: &Arc<Door>) {
    let mut buffer = Vec::new();
    while let Some((socket, ends)) = shared.accept(door) {
        // Somebody has to wait for the next connection. Where there is no thread to be had, that is this one, afterwards.
        if door.idle.fetch_sub(1, Ordering::AcqRel) == 1 && !shared.control.stop.is_asked() {
            if let Err(error) = attend(shared, door) {
                tracing::error!("no thread for the next connection: {error}");
            }
        }
        shared.serve(socket, ends, &mut buffer);
        shared.connections.fetch_sub(1, Ordering::AcqRel);
        if door.idle.fetch_add(1, Ordering::AcqRel) >= IDLE {
            break;
        }
    }
    door.idle.fetch_sub(1, Ordering::AcqRel);
}

impl<A: App + 'static> Shared<A> {
    /// Waits for the turn, then for a connection; `None` when a stop was asked for.
    fn accept(&self, door: &Door) -> Option<(Socket, Ends)> {
        let listener = door.turn.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.control.stop.is_asked() {
            let error = match listener.accept() {
                Ok((socket, ends)) => {
                    let connections = self.connections.fetch_add(1, Ordering::AcqRel).saturating_add(1);
                    if connections <= self.max_connections.saturating_add(TURNED_AWAY) {
                        return Some((socket, ends));
                    }
                    // It may be lost, and those who could be told properly are told.
                    let _ = socket.write(&[IoSlice::new(Refusal::TooManyConnections.response(false))]);
                    self.connections.fetch_sub(1, Ordering::AcqRel);
                    continue;
                }
                Err(error) => error,
            };
            let mut both = [PollFd::new(&self.control.stop, PollFlags::IN), PollFd::new(&*listener, PollFlags::IN)];
            // Where poll fails, the loop is slow and not wrong.
            let _ = match error.kind() {
                io::ErrorKind::WouldBlock => poll(&mut both, None),
                io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => continue,
                // Descriptors or memory have run out. They come back when connections end.
                _ => {
                    tracing::error!("cannot accept connections: {error}");
                    poll(both.get_mut(..1).unwrap_or_default(), Some(&A_WHILE))
                }
            };
        }
        None
    }

    fn serve(&self, socket: Socket, ends: Ends, buffer: &mut Vec<u8>) {
        let transport = Stoppable::new(socket, &self.control.stop);
        let connections = self.connections.load(Ordering::Acquire);
        let peer = ends.peer.map(|peer| peer.ip());
        let served = match admit(&self.allow, peer, connections, self.max_connections) {
            Ok(()) => self.house().serve(&transport, ends, buffer),
            Err(refusal) => {
                tell(&refusal, ends);
                RequestReader::new(&transport, self.settings).refuse(&refusal)
            }
        };
        if let Err(error) = served {
            tracing::debug!("the connection broke: {error}");
        }
        // A large packet is no reason to keep a large buffer.
        if buffer.len() > KEPT {
            *buffer = Vec::new();
        }
    }

    fn house(&self) -> House<'_, A> {
        House {
            app: &self.app,
            settings: &self.settings,
            workers: &self.workers,
            worker_count: self.worker_count,
            access: self.access.as_ref(),
        }
    }
}

impl<A> Shared<A> {
    /// A thread begins.
    fn join(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        *threads = threads.saturating_add(1);
    }

    /// A thread ends.
    fn leave(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        *threads = threads.saturating_sub(1);
        self.left.notify_all();
    }

    /// Waits until all threads have ended, for as long as they may take, or until a signal says that it is enough.
    fn wait_for_all(&self, signals: Option<&UnixStream>) {
        // Behind the last answer a connection is still drained.
        let most = self.settings.stop_grace.saturating_add(self.settings.drain_time).saturating_add(A_LITTLE);
        let begun = Instant::now();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        while *threads > 0 && begun.elapsed() < most && !take_signals(signals) {
            threads = self.left.wait_timeout(threads, A_LITTLE).unwrap_or_else(PoisonError::into_inner).0;
        }
        if *threads > 0 {
            tracing::error!("{} connections were not finished in time", *threads);
        }
    }
}

/// How large a buffer may be to be kept for the next connection.
const KEPT: usize = 16 << 10;
const A_LITTLE: Duration = Duration::from_millis(200);
const A_WHILE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
