//! The threads of a server. They take turns to accept: a thread accepts a connection, serves it, and waits for its next turn.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::io;
use std::sync::Mutex;
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use uwsgi::server::{Admission, AllowList};
use uwsgi_io::{Addresses, Socket};

use crate::app::App;
use crate::connection::{ConnectionContext, ConnectionState};
use crate::listener::Listener;
use crate::lock::lock;
use crate::log::catch_panic;
use crate::server::tracker::{ConnectionSlot, ConnectionTracker};
use crate::stop::Stop;

/// What all threads of a server share.
#[derive(Debug)]
pub(super) struct ServerContext<A> {
    pub(super) connections: ConnectionContext<Arc<A>>,
    pub(super) allow: AllowList,
    /// The stack of each thread, in bytes.
    pub(super) stack: usize,
    pub(super) stop: Arc<Stop>,
    pub(super) tracker: ConnectionTracker,
}

/// A listener, and the threads that take turns to accept from it.
pub(super) struct Acceptor<A> {
    context: Arc<ServerContext<A>>,
    /// The thread that holds the lock accepts. It is `None` after a stop: the listener is closed then, and open connections are
    /// still served.
    listener: Mutex<Option<Listener>>,
    waiting: WaitingThreads,
    /// Whether the last accept failed for lack of resources. If it is true, the error was logged already.
    is_exhausted: AtomicBool,
}

/// How many threads wait for their turn at a listener, or are about to. A thread that ends because enough threads wait is never
/// counted, not even for a moment. Otherwise the last thread that waits would not know that it is the last.
#[derive(Default)]
struct WaitingThreads(AtomicUsize);

/// A connection that was accepted, and whether to serve it.
type Accepted = (Socket, Addresses, Admission);

/// How many threads at most wait at each listener while there are no connections.
const MAX_WAITING: usize = 4;
/// The largest buffer, in bytes, that a thread keeps for its next connection.
const MAX_KEPT_BUFFER: usize = 16 << 10;
/// How long a thread waits before it accepts again after resources ran out.
const RETRY_INTERVAL: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

impl WaitingThreads {
    /// Counts a thread. Returns false if enough threads wait.
    fn add(&self) -> bool {
        let next = |waiting: usize| (waiting < MAX_WAITING).then_some(waiting.saturating_add(1));
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).is_ok()
    }

    /// Stops counting a thread. Returns whether it was the last one.
    fn remove(&self) -> bool {
        self.0.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

impl<A: App + 'static> Acceptor<A> {
    pub(super) fn new(context: &Arc<ServerContext<A>>, listener: Listener) -> Arc<Self> {
        let (context, listener, waiting) = (Arc::clone(context), Mutex::new(Some(listener)), WaitingThreads::default());
        Arc::new(Self { context, listener, waiting, is_exhausted: AtomicBool::new(false) })
    }

    /// Starts a thread that accepts and serves connections, unless enough threads wait already.
    pub(super) fn start_thread(self: &Arc<Self>) -> io::Result<()> {
        if !self.waiting.add() {
            return Ok(());
        }
        let slot = self.context.tracker.add_slot();
        let (acceptor, thread_slot) = (Arc::clone(self), Arc::clone(&slot));
        let thread = thread::Builder::new().name("uwsgi".into()).stack_size(self.context.stack);
        let started = thread.spawn(move || {
            acceptor.accept_and_serve(&thread_slot);
            let context = Arc::clone(&acceptor.context);
            drop(acceptor);
            context.tracker.remove_slot(&thread_slot);
        });
        started.map(drop).inspect_err(|_| {
            self.waiting.remove();
            self.context.tracker.remove_slot(&slot);
        })
    }

    fn accept_and_serve(self: &Arc<Self>, slot: &ConnectionSlot) {
        let mut buffer = Vec::new();
        while let Some(accepted) = self.accept() {
            // Another thread must wait for the next connection. If no thread can be started, this thread accepts that
            // connection later.
            if self.waiting.remove() {
                if let Err(error) = self.start_thread() {
                    catch_panic(|| tracing::error!("no thread for the next connection: {error}"));
                }
            }
            self.serve(accepted, slot, &mut buffer);
            if !self.waiting.add() {
                return;
            }
        }
    }

    /// Waits for this thread's turn, then for a connection. Returns `None` after a stop, when no more connection waits to be
    /// accepted.
    fn accept(&self) -> Option<Accepted> {
        let stop = &*self.context.stop;
        let mut turn = lock(&self.listener);
        let listener = turn.as_mut()?;
        while !stop.is_requested() || listener.accepts_after_stop() {
            let error = match listener.accept() {
                Ok((socket, addresses)) => match self.admit(&socket, addresses) {
                    Admission::RefuseWithoutWaiting(_) => continue,
                    admission => return Some((socket, addresses, admission)),
                },
                Err(error) => error,
            };
            let stopping = stop.elapsed();
            let mut polled = [PollFd::new(&stop.polled, PollFlags::IN), PollFd::new(&*listener, PollFlags::IN)];
            // If poll fails, this loop only tries again too early.
            let _ = match error.kind() {
                io::ErrorKind::WouldBlock if stopping.is_some() => break,
                io::ErrorKind::WouldBlock => {
                    self.is_exhausted.store(false, Ordering::Relaxed);
                    poll(&mut polled, None)
                }
                io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => continue,
                _ if stopping.is_some_and(|elapsed| elapsed >= self.context.connections.settings.stop_grace) => break,
                // Descriptors or memory have run out. They come back when connections end.
                _ => {
                    if !self.is_exhausted.swap(true, Ordering::Relaxed) {
                        catch_panic(|| tracing::error!("cannot accept connections, and tries again: {error}"));
                    }
                    // After a stop, the stop's descriptor would end the wait at once.
                    let polled_count = usize::from(stopping.is_none());
                    poll(polled.get_mut(..polled_count).unwrap_or_default(), Some(&RETRY_INTERVAL))
                }
            };
        }
        *turn = None;
        None
    }

    /// Decides about a new connection. If it must be refused without waiting, this refuses it.
    fn admit(&self, socket: &Socket, addresses: Addresses) -> Admission {
        let peer = addresses.peer.map(|peer| peer.ip());
        let admission = lock(&self.context.tracker.limit).admit(&self.context.allow, peer);
        if let Admission::RefuseWithoutWaiting(refusal) = admission {
            let keeps = self.context.connections.settings.keepalive.is_some();
            socket.write_before_close(refusal.response_with(false, keeps));
        }
        admission
    }

    fn serve(&self, (socket, addresses, admission): Accepted, slot: &ConnectionSlot, buffer: &mut Vec<u8>) {
        let ServerContext { connections, stop, tracker, .. } = &*self.context;
        let socket = Arc::new(socket);
        lock(slot).socket = Some(Arc::clone(&socket));
        catch_panic(|| {
            let stop = Some((&*socket, &**stop));
            if let Err(error) = connections.serve(&*socket, stop, (addresses, admission), slot, buffer) {
                tracing::debug!("the connection broke: {error}");
            }
        });
        // The socket is closed before the limit stops counting its connection.
        *lock(slot) = ConnectionState::default();
        drop(socket);
        lock(&tracker.limit).release(admission);
        // A large buffer, which one large packet needed, is not kept.
        if buffer.len() > MAX_KEPT_BUFFER {
            *buffer = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One thread too many ends slowly. Meanwhile connections arrive for all other threads.
    #[test]
    fn the_last_thread_that_waits_knows_that_it_is_the_last() {
        let waiting = WaitingThreads::default();
        for _ in 0..MAX_WAITING {
            assert!(waiting.add());
        }
        assert!(!waiting.add(), "one too many");
        for _ in 1..MAX_WAITING {
            assert!(!waiting.remove());
        }
        assert!(waiting.remove());
        assert!(waiting.add());
    }
}
