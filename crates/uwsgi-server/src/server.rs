//! The server: listeners, threads, and how they end.

use alloc::sync::Arc;
use core::net::SocketAddr;
use core::num::NonZero;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use uwsgi::client::Address;
use uwsgi::server::{AllowList, ConnectionLimit, Settings};

use crate::access::AccessLog;
use crate::app::App;
use crate::listener::{Listener, MODE};
use crate::signals::Signals;
use crate::stop::Stop;
use crate::threads::{Door, Shared, Threads, attend};
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
    signals: Option<Signals>,
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
    stop: Arc<Stop>,
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

impl<A: App + 'static> Server<A> {
    /// A server that listens nowhere yet, with the settings that [`Settings::default`] has.
    ///
    /// # Errors
    ///
    /// There are no descriptors left.
    pub fn new(app: A) -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let control = Control { stop: Arc::new(Stop::new()?), workers: Mutex::new(None) };
        Ok(Self {
            app,
            settings: Settings::default(),
            allow: AllowList::parse("127.0.0.1,::1".into()).map_err(io::Error::other)?,
            workers: cores.saturating_mul(4),
            max_connections: ConnectionLimit::DEFAULT,
            stack: 256 << 10,
            access: None,
            listeners: Vec::new(),
            signals: None,
            control: Arc::new(control),
        })
    }

    /// Listens at an address too: `host:port` (all addresses of a name), `:port` (all IPv4 addresses of the machine),
    /// `unix:/path`, `@name`, `fd:3`.
    ///
    /// # Errors
    ///
    /// The text is no address, or nobody can listen there.
    pub fn bind(mut self, address: &str) -> io::Result<Self> {
        let unreadable =
            |error| io::Error::new(io::ErrorKind::InvalidInput, format!("cannot listen at {address}: {error}"));
        self.listeners.extend(Listener::bind_all(Address::parse(address).map_err(unreadable)?, MODE)?);
        Ok(self)
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

    /// With these peers: this machine alone unless changed. Unix sockets are always allowed, since their files' modes have
    /// decided already; abstract names have none, and are open to every user of this machine.
    #[must_use]
    pub fn with_allow(self, allow: AllowList<String>) -> Self {
        Self { allow, ..self }
    }

    /// With so many permits: one for each request that the application is at work on. Four for each core unless changed, and
    /// one at least.
    ///
    /// - A body of at most 16 KiB that comes within a second is read before its request takes a permit.
    /// - While a read or a write of the application waits for the peer, the permit is another request's. Then the application
    ///   goes on as soon as there is a permit again; requests that have begun get one before new ones.
    /// - A request that has begun and has waited 5 seconds for a permit goes on without one, and waits for none any more: the
    ///   requests that are at work may wait for a lock that it holds. [`Call::workers`](crate::Call::workers) counts it, and a
    ///   warning in the log names it.
    ///
    /// So one permit is no promise that nothing is done twice at once: an application that needs that has a lock of its own.
    /// Nor does the server see the threads that an application starts itself. One that writes its answer on one thread while it
    /// reads on another lends its permit while either of them waits.
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
    /// The handlers are the whole process's. A handler that the host had for such a signal before the first server is called as
    /// well, and alone once the server is over, or dropped. If there was none, the signal ends the process then, as it does by
    /// default, even if the host has a handler since. On other systems than Linux a handler of the host's cannot be seen: the
    /// process ends too.
    ///
    /// # Errors
    ///
    /// The signals cannot be had.
    pub fn stopping_on_signals(self) -> io::Result<Self> {
        Ok(Self { signals: Some(Signals::new()?), ..self })
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
    /// The process may open as many descriptors from then on as all connections need: its soft limit (`RLIMIT_NOFILE`) is
    /// raised as far as the hard limit allows, stays so for the whole process, and is told in the log.
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
        let shared = Arc::new(Shared {
            app: self.app,
            settings: self.settings,
            allow: self.allow,
            workers,
            stack: self.stack,
            access: self.access,
            stop: Arc::clone(&self.control.stop),
            threads: Threads::new(self.max_connections),
        });
        raise_descriptors(self.max_connections.saturating_add(ConnectionLimit::REFUSALS).saturating_add(OTHERS));
        let attended = self.listeners.into_iter().try_for_each(|listener| attend(&shared, &Door::new(listener)));
        if attended.is_ok() {
            self.control.wait(self.signals.as_ref());
        }
        handle.stop();
        let enough = || self.signals.as_ref().is_some_and(Signals::take);
        shared.threads.wait_for_all(self.settings.longest_stop(), &shared.workers, enough);
        attended
    }
}

impl Control {
    /// Waits until a stop was asked for, or a signal asks for it.
    fn wait(&self, signals: Option<&Signals>) {
        while !self.stop.is_asked() {
            let mut both = vec![PollFd::new(&*self.stop, PollFlags::IN)];
            both.extend(signals.map(|signals| PollFd::new(&signals.shows, PollFlags::IN)));
            if poll(&mut both, None).is_ok() && signals.is_some_and(Signals::take) {
                return;
            }
        }
    }
}

/// How many descriptors are open beside those of connections: listeners, logs, and what an application needs.
const OTHERS: usize = 64;

/// Has the process open so many descriptors, if it may: the usual soft limit of 1,024 is there for programs that `select`,
/// and would leave connections waiting that are to be told that they are too many.
fn raise_descriptors(wanted: usize) {
    let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
    let is_too_low = |limit: &Rlimit| limit.current.is_some_and(|current| current < wanted);
    let limit = getrlimit(Resource::Nofile);
    if is_too_low(&limit) {
        let current = Some(limit.maximum.map_or(wanted, |maximum| maximum.min(wanted)));
        // What became of it is looked at.
        if let (Ok(()), Some(before), Some(now)) =
            (setrlimit(Resource::Nofile, Rlimit { current, ..limit }), limit.current, current)
        {
            tracing::info!("raised the limit of open files of this process (RLIMIT_NOFILE) from {before} to {now}");
        }
    }
    let limit = getrlimit(Resource::Nofile);
    if let (true, Some(current)) = (is_too_low(&limit), limit.current) {
        tracing::warn!(
            "{current} descriptors can be open, and all connections may need {wanted}: raise the hard limit \
             (LimitNOFILE, ulimit -Hn), or allow fewer connections"
        );
    }
}
