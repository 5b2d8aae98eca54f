//! The server: its configuration, its start and its stop.

mod acceptor;
mod signals;
mod tracker;

use alloc::sync::Arc;
use core::net::SocketAddr;
use core::num::NonZero;
use core::time::Duration;
use std::io;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use uwsgi::Address;
use uwsgi::server::{AllowList, Settings};

use crate::access_log::AccessLog;
use crate::app::App;
use crate::connection::ConnectionContext;
use crate::listener::{Listener, MODE};
use crate::lock::lock;
use crate::stop::Stop;
use crate::workers::Workers;
use acceptor::{Acceptor, ServerContext};
use signals::Signals;
use tracker::ConnectionTracker;

/// A blocking server. It has one thread for each connection, and permits that limit how many requests the application works on
/// at once.
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
#[must_use]
#[derive(Debug)]
pub struct Server<A> {
    context: ServerContext<A>,
    listeners: Vec<Listener>,
    signals: Option<Signals>,
}

/// Stops a server, from any thread.
#[derive(Debug, Clone)]
pub struct Handle {
    stop: Arc<Stop>,
}

impl Handle {
    /// Requests a stop, and returns at once. The server finishes the requests that have begun, within the settings'
    /// `stop_grace`, and closes idle connections.
    ///
    /// The server first removes the files of its Unix sockets. Then it accepts the connections that wait at each listener, at
    /// most [`BACKLOG`](uwsgi::server::ConnectionLimit::BACKLOG) of them, because the close of a listener would reset them.
    /// Then it closes its listeners. It accepts no more connections from an inherited listener.
    pub fn stop(&self) {
        self.stop.request();
    }
}

impl<A: App + 'static> Server<A> {
    /// Creates a server with the settings of [`Settings::default`]. It listens nowhere yet.
    ///
    /// # Errors
    ///
    /// The process has no descriptors left.
    pub fn new(app: A) -> io::Result<Self> {
        let workers = thread::available_parallelism().map_or(1, NonZero::get).saturating_mul(4);
        let context = ServerContext {
            connections: ConnectionContext::new(Arc::new(app), Settings::default(), workers, READ_AHEAD),
            allow: AllowList::default(),
            stack: 256 << 10,
            stop: Arc::new(Stop::new()?),
            tracker: ConnectionTracker::default(),
        };
        Ok(Self { context, listeners: Vec::new(), signals: None })
    }

    /// Adds an address to listen at: `host:port` (all addresses of a name), `:port` (all IPv4 addresses of the machine),
    /// `unix:/path`, `@name`, `fd:3`.
    ///
    /// # Errors
    ///
    /// The text is not an address, or the system cannot listen there.
    pub fn bind(mut self, address: &str) -> io::Result<Self> {
        let invalid =
            |error| io::Error::new(io::ErrorKind::InvalidInput, format!("cannot listen at {address}: {error}"));
        self.listeners.extend(Listener::bind_all(Address::parse(address).map_err(invalid)?, MODE)?);
        Ok(self)
    }

    /// Adds a listener.
    pub fn listen(mut self, listener: Listener) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Sets the settings of each connection.
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.context.connections.settings = settings;
        self
    }

    /// Sets the peers that can connect over TCP; loopback by default. Peers on Unix sockets are always allowed, because the
    /// mode of the socket's file decides who can connect. An abstract name has no mode: every user of this machine can connect
    /// to it.
    pub fn with_allow_list(mut self, allow: AllowList) -> Self {
        self.context.allow = allow;
        self
    }

    /// Sets the number of permits, at least 1; by default 4 for each core. A request needs a permit while the application works
    /// on it.
    ///
    /// - A body of at most 16 KiB that arrives within a second is read before its request waits for a permit.
    /// - While a read or a write of the application waits for the peer, the permit is free for other requests. After the wait
    ///   the application goes on as soon as it has a permit again. Requests that have begun get one before new requests.
    /// - A request that has begun and has waited 5 seconds for a permit goes on without one, and does not wait for one again:
    ///   the requests with permits may wait for a lock that it holds. [`Call::workers`](crate::Call::workers) counts it, and a
    ///   warning in the log names it.
    ///
    /// So even with one permit, two requests can be at work at once. An application that must prevent this needs a lock of its
    /// own. The server does not see threads that the application starts. If an application writes its response on one thread
    /// and reads the body on another, its permit is free while either of them waits.
    pub fn with_workers(mut self, workers: usize) -> Self {
        self.context.connections.workers = Workers::new(workers.max(1));
        self
    }

    /// Sets the limit on connections; 1,024 by default. Each connection has a thread.
    pub fn with_max_connections(mut self, max_connections: usize) -> Self {
        self.context.tracker = ConnectionTracker::new(max_connections);
        self
    }

    /// Sets the size of each thread's stack, in bytes; 256 KiB by default. Only the part that a thread has used takes memory.
    pub fn with_stack_size(mut self, stack: usize) -> Self {
        self.context.stack = stack;
        self
    }

    /// Sets the access log; none by default.
    pub fn with_access_log(mut self, access_log: AccessLog) -> Self {
        self.context.connections.access_log = Some(access_log);
        self
    }

    /// Sets that SIGTERM or SIGINT stops the server. At the second signal the server ends at once.
    ///
    /// The handlers work for the whole process. If your program had a handler for such a signal before the first server, the
    /// system calls that handler too. After the server has ended, or was dropped, the system calls only that handler. If your
    /// program had no handler, the signal then ends the process, as it does by default, even if your program has added a
    /// handler since. On systems other than Linux the server cannot see whether your program had a handler, so the signal then
    /// always ends the process.
    ///
    /// # Errors
    ///
    /// The system refuses the handlers.
    pub fn with_stop_on_signals(self) -> io::Result<Self> {
        Ok(Self { signals: Some(Signals::new()?), ..self })
    }

    /// Returns a handle that stops the server.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle { stop: Arc::clone(&self.context.stop) }
    }

    /// Returns the listeners.
    #[must_use]
    pub fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    /// Returns the address of the first TCP listener.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.listeners.iter().find_map(Listener::local_addr)
    }

    /// Serves until a stop is requested. Then it finishes the requests that have begun, within the settings' `stop_grace`.
    ///
    /// It raises the process's soft limit of open files (`RLIMIT_NOFILE`) to what all connections need, as far as the hard
    /// limit allows, and logs that. The limit stays raised afterwards.
    ///
    /// # Errors
    ///
    /// The server has no listener, or the system cannot start a thread.
    pub fn run(self) -> io::Result<()> {
        if self.listeners.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the server listens nowhere: bind it first"));
        }
        raise_open_files(lock(&self.context.tracker.limit).max_open().saturating_add(OTHER_FILES));
        let context = Arc::new(self.context);
        // If a thread cannot be started, the listeners without a thread are closed here, and not after the wait below.
        let started =
            self.listeners.into_iter().try_for_each(|listener| Acceptor::new(&context, listener).start_thread());
        if started.is_ok() {
            wait_for_stop(&context.stop, self.signals.as_ref());
        }
        context.stop.request();
        context.connections.workers.wake_all();
        let is_interrupted = || self.signals.as_ref().is_some_and(Signals::take);
        context.tracker.wait_for_all(context.connections.settings.longest_stop(), is_interrupted);
        started
    }
}

/// The server reads a body of at most this many bytes, for at most this long, before its request waits for a permit. Most forms
/// and API calls are shorter. The time is short, because some peers send the next piece of the body only after they get a piece
/// of the response.
const READ_AHEAD: (usize, Duration) = (16 << 10, Duration::from_secs(1));

/// Waits until a stop is requested, by a handle or by a signal.
fn wait_for_stop(stop: &Stop, signals: Option<&Signals>) {
    while !stop.is_requested() {
        let mut polled = vec![PollFd::new(&stop.polled, PollFlags::IN)];
        polled.extend(signals.map(|signals| PollFd::new(&signals.receiver, PollFlags::IN)));
        if poll(&mut polled, None).is_ok() && signals.is_some_and(Signals::take) {
            return;
        }
    }
}

/// How many files are open besides connections: listeners, logs, and those of the application.
const OTHER_FILES: usize = 64;

/// Raises the soft limit of open files of this process (RLIMIT_NOFILE) to what a server needs, as far as the hard limit allows.
/// Logs a warning if that is not enough. The usual soft limit of 1,024 is made for programs that use `select`.
///
/// ```
/// uwsgi_server::raise_open_files(1024 + 64);
/// ```
pub fn raise_open_files(needed: usize) {
    let needed = u64::try_from(needed).unwrap_or(u64::MAX);
    let limit = getrlimit(Resource::Nofile);
    // `None` means no limit.
    let Some(mut current) = limit.current.filter(|current| *current < needed) else { return };
    let raised = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
    if raised > current && setrlimit(Resource::Nofile, Rlimit { current: Some(raised), ..limit }).is_ok() {
        tracing::info!("raised the limit of open files of this process (RLIMIT_NOFILE) from {current} to {raised}");
        current = raised;
    }
    if current < needed {
        tracing::warn!(
            "{current} descriptors can be open, and all connections may need {needed}: raise the hard limit \
             (LimitNOFILE, ulimit -Hn), or allow fewer connections"
        );
    }
}
