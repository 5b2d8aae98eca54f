//! An application thread: it accepts connections, calls the application, and takes what the polling thread has made ready.

use alloc::sync::{Arc, Weak};
use core::time::Duration;
use std::io;
use std::os::fd::OwnedFd;

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use uwsgi::server::Admission;
use uwsgi_io::Socket;
use uwsgi_server::{Addresses, Listener};

use crate::driver::application::Application;
use crate::driver::connection::{Connection, Step};
use crate::driver::context::Context;
use crate::lock::lock;

/// An application thread. It is made after every fork, because its epoll set belongs to one process.
pub(crate) struct ApplicationThread {
    context: Arc<Context>,
    /// `PyListener` owns the listeners. After a stop it closes them, even while this thread is still at work.
    listeners: Vec<Weak<Listener>>,
    epoll: OwnedFd,
    /// Waits for the other threads alone: after a stop, or while nothing can be accepted.
    no_listeners: OwnedFd,
    /// The listener that is asked first.
    next: usize,
    /// Whether the last look for a connection without a wait found one.
    is_busy: bool,
    /// How often the thread has asked whether it is time to look.
    requests: u32,
    /// Whether the last accept failed for lack of resources. The error was logged already then.
    is_exhausted: bool,
    /// The buffer of the last connection.
    buffer: Option<Vec<u8>>,
}

/// The number of the queue of complete requests in the epoll set. The listeners have the numbers below it.
const READY: u64 = u64::MAX - 2;
/// The number of the queue of bytes that have left in the epoll set.
const SENT: u64 = u64::MAX - 1;
/// The number of the stop in the epoll set.
const STOP: u64 = u64::MAX;
/// A thread that is not busy looks for a connection without a wait after each request of this number.
const LOOK_INTERVAL: u32 = 16;
/// How long a thread waits before it accepts again after resources ran out.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

impl ApplicationThread {
    pub(crate) fn new(context: Arc<Context>, listeners: &[Arc<Listener>]) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        // A connection wakes one of the threads that wait, not all of them.
        let exclusive = EventFlags::IN | EventFlags::EXCLUSIVE;
        for (number, listener) in (0..READY).zip(listeners) {
            epoll::add(&epoll, &**listener, EventData::new_u64(number), exclusive)?;
        }
        let no_listeners = epoll::create(CreateFlags::CLOEXEC)?;
        for epoll in [&epoll, &no_listeners] {
            epoll::add(epoll, &context.ready.wake, EventData::new_u64(READY), exclusive)?;
            epoll::add(epoll, &context.sent.wake, EventData::new_u64(SENT), exclusive)?;
        }
        epoll::add(&epoll, &context.stop, EventData::new_u64(STOP), EventFlags::IN)?;
        let listeners = listeners.iter().map(Arc::downgrade).collect();
        Ok(Self {
            context,
            listeners,
            epoll,
            no_listeners,
            next: 0,
            is_busy: false,
            requests: 0,
            is_exhausted: false,
            buffer: None,
        })
    }

    /// Serves until a stop is requested and no connection is left.
    pub(crate) fn run(&mut self, application: &mut impl Application) {
        let mut woken = None;
        while !self.context.stop.is_requested() {
            // What woke this thread comes first: the kernel has woken no other thread for it, and the application may take long.
            let is_listener = woken.is_some_and(|number| number < READY);
            let mut has_served = !is_listener && self.serve_ready(application);
            let looks = woken.is_some() || self.is_busy || self.is_time_to_look();
            // The request above may have taken long.
            let looks = looks && !self.context.stop.is_requested();
            match if looks { self.accept() } else { Ok(None) } {
                Ok(accepted) => {
                    if woken.is_none() {
                        self.is_busy = accepted.is_some();
                    }
                    has_served |= accepted.is_some();
                    if let Some(connection) = accepted {
                        self.serve(connection, application);
                    }
                }
                Err(error) => {
                    if !self.is_exhausted {
                        tracing::error!("cannot accept connections, and tries again: {error}");
                    }
                    self.is_exhausted = true;
                    if !self.serve_ready(application) {
                        self.wait(application, &self.no_listeners, Some(RETRY_INTERVAL));
                    }
                    woken = None;
                    continue;
                }
            }
            has_served |= is_listener && self.serve_ready(application);
            woken = if has_served { None } else { self.wait(application, &self.epoll, None) };
            if let Some(number) = woken.filter(|number| *number < READY) {
                self.next = usize::try_from(number).unwrap_or(0);
            }
        }
        // Nothing accepts any longer. A child of the application may hold the listeners, which then stay readable.
        while !self.context.has_no_connections() {
            if !self.serve_ready(application) {
                self.wait(application, &self.no_listeners, Some(RETRY_INTERVAL));
            }
        }
    }

    /// Whether to look for a connection without a wait although none waited the last time. A look that finds nothing costs a
    /// system call, and a wait that ends at once costs more.
    fn is_time_to_look(&mut self) -> bool {
        self.requests = self.requests.wrapping_add(1);
        self.requests % LOOK_INTERVAL == 0
    }

    /// Serves a connection whose request the polling thread has completed, if there is one.
    fn serve_ready(&mut self, application: &mut impl Application) -> bool {
        let ready = self.context.ready.pop();
        let is_there = ready.is_some();
        if let Some(connection) = ready {
            self.serve(connection, application);
        }
        is_there
    }

    /// Advances a connection as far as possible without a wait, and answers one request at most.
    fn serve(&mut self, mut connection: Box<Connection>, application: &mut impl Application) {
        let mut has_called = false;
        loop {
            match connection.advance() {
                Step::Application if has_called => {
                    // The peer has sent the next request already. Others have their turn first.
                    self.context.ready.push(connection);
                    return;
                }
                Step::Application => {
                    application.call(&mut connection);
                    has_called = true;
                }
                Step::Wait(..) => {
                    self.context.waiting.push(connection);
                    return;
                }
                Step::Over => {
                    self.buffer = connection.take_buffer().or(self.buffer.take());
                    return;
                }
            }
        }
    }

    /// Accepts a connection, if one waits.
    fn accept(&mut self) -> io::Result<Option<Box<Connection>>> {
        for _ in 0..self.listeners.len() {
            let listener = self.listeners.get(self.next).and_then(Weak::upgrade);
            self.next = self.next.saturating_add(1);
            if self.next >= self.listeners.len() {
                self.next = 0;
            }
            let Some(listener) = listener else { continue };
            loop {
                match listener.accept() {
                    Ok((socket, addresses)) => {
                        self.is_exhausted = false;
                        if let Some(connection) = self.admit(socket, addresses) {
                            return Ok(Some(connection));
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error)
                        if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(None)
    }

    /// Decides about a new connection.
    fn admit(&mut self, socket: Socket, addresses: Addresses) -> Option<Box<Connection>> {
        let peer = addresses.peer.map(|peer| peer.ip());
        let admission = lock(&self.context.limit).admit(&self.context.allow, peer);
        if let Admission::RefuseWithoutWaiting(refusal) = admission {
            let keeps_connections = self.context.settings.keepalive.is_some();
            socket.write_before_close(refusal.response_with(false, keeps_connections));
            return None;
        }
        Some(Box::new(Connection::new(&self.context.shared, socket, addresses, admission, self.buffer.take())))
    }

    /// Waits for what is in an epoll set. Returns what ended the wait: the number of a listener, [`READY`], [`SENT`] or [`STOP`].
    fn wait(&self, application: &impl Application, epoll: &OwnedFd, timeout: Option<Duration>) -> Option<u64> {
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let woken = application.wait(|| {
            // A thread handles one event at a time. Meanwhile it is not in the wait queue, so that the kernel wakes another
            // thread for the next event.
            let mut event = [core::mem::MaybeUninit::<Event>::uninit()];
            // If this fails, the thread only tries again too early.
            let waited = epoll::wait(epoll, &mut event, timeout.as_ref());
            waited.ok().and_then(|(events, _)| events.first().map(|event| event.data.u64()))
        });
        if woken == Some(SENT) {
            drop(self.context.sent.pop());
        }
        woken
    }
}
