//! One thread that serves many connections: it waits for sockets and deadlines, and lets the connections go on.

use core::net::IpAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use polling::{Event, Events, Poller};
use socket2::Socket;
use uwsgi::Time;
use uwsgi::server::{Admission, ConnectionLimit};

use super::connection::{Connection, Interest};
use super::options::Options;

/// A server on one thread.
pub(crate) struct EventLoop {
    options: Options,
    poller: Arc<Poller>,
    listener: Option<Socket>,
    /// When to accept again, after an accept failed.
    accept_again: Option<Time>,
    connections: HashMap<usize, Served>,
    next_key: usize,
    limit: ConnectionLimit,
    /// The connections whose request waits for a free place, in their order.
    queue: VecDeque<usize>,
    running: usize,
    start: Instant,
    stop: Arc<AtomicBool>,
    /// When a stop ends, once it has begun.
    end: Option<Time>,
}

struct Served {
    connection: Connection,
    admission: Admission,
    /// What the poller waits for.
    waits_for: Interest,
    is_queued: bool,
}

/// Stops a server from another thread.
#[derive(Debug, Clone)]
pub(crate) struct StopHandle {
    poller: Arc<Poller>,
    stop: Arc<AtomicBool>,
}

impl StopHandle {
    /// Begins a graceful stop: the server accepts no more connections, idle ones close, and requests that have begun may go on
    /// for the grace period.
    pub(crate) fn stop(&self) -> io::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.poller.notify()
    }
}

/// The key of the listener. Connections have the keys after it.
const LISTENER: usize = 0;

/// How long the server waits after an accept failed, for example because there are no more descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl EventLoop {
    /// Makes a server on a socket that listens.
    pub(crate) fn new(listener: Socket, options: Options) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let limit = ConnectionLimit::new(options.max_connections);
        let server = Self {
            options,
            poller: Arc::new(Poller::new()?),
            listener: Some(listener),
            accept_again: None,
            connections: HashMap::new(),
            next_key: LISTENER,
            limit,
            queue: VecDeque::new(),
            running: 0,
            start: Instant::now(),
            stop: Arc::new(AtomicBool::new(false)),
            end: None,
        };
        if let Some(listener) = &server.listener {
            watch(&server.poller, listener, Event::readable(LISTENER))?;
        }
        Ok(server)
    }

    /// Returns a handle that stops the server.
    pub(crate) fn stop_handle(&self) -> StopHandle {
        StopHandle { poller: Arc::clone(&self.poller), stop: Arc::clone(&self.stop) }
    }

    /// Serves until a stop has ended.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Events::new();
        loop {
            let now = self.now();
            if self.stop.load(Ordering::Relaxed) && self.end.is_none() {
                self.begin_stop(now)?;
            }
            if self.end.is_some_and(|end| now >= end || self.connections.is_empty()) {
                return Ok(());
            }
            events.clear();
            self.poller.wait(&mut events, self.timeout(now))?;
            let now = self.now();
            let mut ready: Vec<usize> = events.iter().map(|event| event.key).collect();
            if ready.contains(&LISTENER) || self.accept_again.is_some_and(|again| again <= now) {
                self.accept(now)?;
            }
            let is_due = |served: &Served| served.connection.deadline().is_some_and(|deadline| deadline <= now);
            ready.extend(self.connections.iter().filter(|(_, served)| is_due(served)).map(|(key, _)| *key));
            for key in ready {
                self.advance(key, now)?;
            }
            self.start_queued(now)?;
        }
    }

    fn now(&self) -> Time {
        Time::ZERO.after(self.start.elapsed())
    }

    /// Returns how long to wait at most. With many connections, a heap would find the earliest deadline sooner.
    fn timeout(&self, now: Time) -> Option<Duration> {
        let deadlines = self.connections.values().filter_map(|served| served.connection.deadline());
        let earliest = deadlines.chain(self.accept_again).chain(self.end).min()?;
        // A millisecond more, because the clock of the machines counts whole ones.
        Some(earliest.since(now).saturating_add(Duration::from_millis(1)))
    }

    /// Accepts the connections that wait.
    fn accept(&mut self, now: Time) -> io::Result<()> {
        self.accept_again = None;
        for _ in 0..ConnectionLimit::BACKLOG {
            let Some(listener) = &self.listener else { return Ok(()) };
            match listener.accept() {
                Ok((socket, address)) => self.admit(socket, address.as_socket().map(|address| address.ip()), now)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    (self.options.log)(&format!("cannot accept: {error}"));
                    self.accept_again = Some(now.after(ACCEPT_PAUSE));
                    return Ok(());
                }
            }
        }
        match &self.listener {
            Some(listener) => self.poller.modify(listener, Event::readable(LISTENER)),
            None => Ok(()),
        }
    }

    /// Decides about a new connection. The peer of a Unix socket has no address.
    fn admit(&mut self, socket: Socket, peer: Option<IpAddr>, now: Time) -> io::Result<()> {
        let settings = self.options.settings;
        socket.set_nonblocking(true)?;
        if peer.is_some() {
            socket.set_tcp_nodelay(true)?;
        }
        let admission = self.limit.admit(&self.options.allow, peer);
        let connection = match &admission {
            Admission::Serve => Connection::new(socket, settings, now),
            Admission::Refuse(refusal) => Connection::refused(socket, &self.options, refusal, now),
            Admission::RefuseWithoutWaiting(refusal) => {
                // The response may be lost.
                let _lost = (&socket).write(refusal.response(settings.keepalive.is_some()));
                return Ok(());
            }
        };
        self.next_key = self.next_key.wrapping_add(1);
        watch(&self.poller, connection.socket(), Event::none(self.next_key))?;
        let served = Served { connection, admission, waits_for: Interest::default(), is_queued: false };
        self.connections.insert(self.next_key, served);
        self.advance(self.next_key, now)
    }

    /// Lets a connection go on, and waits for what it needs.
    fn advance(&mut self, key: usize, now: Time) -> io::Result<()> {
        let Some(served) = self.connections.get_mut(&key) else { return Ok(()) };
        let was_running = served.connection.is_running();
        let interest = served.connection.advance(now, &self.options);
        if was_running && !served.connection.is_running() {
            self.running = self.running.saturating_sub(1);
        }
        if served.connection.is_over() {
            self.poller.delete(served.connection.socket())?;
            if let Some(Served { admission, .. }) = self.connections.remove(&key) {
                self.limit.release(admission);
            }
            return Ok(());
        }
        if served.connection.is_queued() && !served.is_queued {
            served.is_queued = true;
            self.queue.push_back(key);
        }
        // The poller reports each socket once, and must be told again. A socket that nothing waits for is not told again,
        // because a poller always reports the end of a connection.
        if interest != Interest::default() || served.waits_for != interest {
            served.waits_for = interest;
            let event = Event::new(key, interest.read, interest.write);
            self.poller.modify(served.connection.socket(), event)?;
        }
        Ok(())
    }

    /// Starts the requests that wait, while there are free places.
    fn start_queued(&mut self, now: Time) -> io::Result<()> {
        while self.running < self.options.max_running {
            let Some(key) = self.queue.pop_front() else { break };
            let Some(served) = self.connections.get_mut(&key) else { continue };
            served.is_queued = false;
            if served.connection.is_queued() {
                served.connection.start();
                self.running = self.running.saturating_add(1);
                self.advance(key, now)?;
            }
        }
        Ok(())
    }

    fn begin_stop(&mut self, now: Time) -> io::Result<()> {
        // The peers of the connections that wait have connected before the stop.
        self.accept(now)?;
        if let Some(listener) = self.listener.take() {
            self.poller.delete(&listener)?;
        }
        self.accept_again = None;
        self.end = Some(now.after(self.options.settings.longest_stop()));
        let keys: Vec<usize> = self.connections.keys().copied().collect();
        for key in keys {
            if let Some(served) = self.connections.get_mut(&key) {
                served.connection.shut_down(now);
            }
            self.advance(key, now)?;
        }
        Ok(())
    }
}

/// Adds a socket to the poller.
#[allow(unsafe_code, reason = "the poller asks for it")]
fn watch(poller: &Poller, socket: &Socket, event: Event) -> io::Result<()> {
    // SAFETY: a socket must not be closed before it is deleted from the poller. `advance` and `begin_stop` delete each socket
    // before they drop it, and the sockets that are left when the event loop ends are dropped together with the poller.
    unsafe { poller.add(socket, event) }
}
