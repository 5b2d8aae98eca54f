//! The threads of a server: each waits for its turn to accept, serves what it accepted, and waits again.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use uwsgi::server::{Admission, AllowList, ConnectionLimit, Settings};
use uwsgi_io::{RequestReader, Socket, Transport};

use crate::access::AccessLog;
use crate::app::{App, Ends};
use crate::connection::{House, say, tell};
use crate::listener::Listener;
use crate::stop::{Stop, Stoppable};
use crate::workers::Workers;

/// How many threads wait for connections at most, for each listener, when there are none.
const IDLE: usize = 4;

/// What all threads share.
#[derive(Debug)]
pub(crate) struct Shared<A> {
    pub(crate) app: A,
    pub(crate) settings: Settings,
    pub(crate) allow: AllowList<String>,
    pub(crate) workers: Arc<Workers>,
    pub(crate) stack: usize,
    pub(crate) access: Option<AccessLog>,
    pub(crate) stop: Arc<Stop>,
    pub(crate) threads: Threads,
}

/// A listener, and the threads that wait for their turn to accept from it: whoever accepts a connection serves it, and the
/// next one takes the turn.
#[derive(Debug)]
pub(crate) struct Door {
    /// Until a stop: whoever comes then finds nobody who listens, though others are still served.
    turn: Mutex<Option<Listener>>,
    idle: Idle,
    /// Whether connections wait that cannot be accepted, and that was told.
    exhausted: AtomicBool,
}

/// How many threads wait for connections at a listener, or are about to. Who leaves is not counted, not for a moment: the
/// last one would think that another is there.
#[derive(Debug)]
struct Idle(AtomicUsize);

/// A connection that was accepted, and whether it is let in.
struct Guest {
    socket: Socket,
    ends: Ends,
    admission: Admission,
}

/// How many threads there are, and connections.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    connections: Mutex<ConnectionLimit>,
    /// One for each thread.
    seats: Mutex<Vec<Arc<Seat>>>,
    /// A thread has ended.
    left: Condvar,
}

/// The connection that a thread serves, where the end of the server reaches it.
#[derive(Debug, Default)]
struct Seat {
    socket: RwLock<Option<Socket>>,
    /// Whether all was written, so that the connection's close says the truth.
    is_over: AtomicBool,
}

impl Door {
    pub(crate) fn new(listener: Listener) -> Arc<Self> {
        Arc::new(Self {
            turn: Mutex::new(Some(listener)),
            idle: Idle(AtomicUsize::new(0)),
            exhausted: AtomicBool::new(false),
        })
    }
}

impl Idle {
    /// One more waits, unless there are enough.
    fn join(&self) -> bool {
        let next = |idle: usize| (idle < IDLE).then_some(idle.saturating_add(1));
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).is_ok()
    }

    /// One waits no longer; whether nobody else does.
    fn leave(&self) -> bool {
        self.0.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

/// Starts one more thread that accepts and serves.
pub(crate) fn attend<A: App + 'static>(shared: &Arc<Shared<A>>, door: &Arc<Door>) -> io::Result<()> {
    if !door.idle.join() {
        return Ok(());
    }
    let seat = shared.threads.join();
    let (ours, theirs, taken) = (Arc::clone(shared), Arc::clone(door), Arc::clone(&seat));
    let started = thread::Builder::new().name("uwsgi".into()).stack_size(shared.stack).spawn(move || {
        accept_and_serve(&ours, &theirs, &taken);
        drop(theirs);
        ours.threads.leave(&taken);
    });
    if let Err(error) = started {
        door.idle.leave();
        shared.threads.leave(&seat);
        return Err(error);
    }
    Ok(())
}

fn accept_and_serve<A: App + 'static>(shared: &Arc<Shared<A>>, door: &Arc<Door>, seat: &Seat) {
    let mut buffer = Vec::new();
    while let Some(guest) = shared.accept(door) {
        // Somebody has to wait for the next connection. Where there is no thread to be had, that is this one, afterwards.
        if door.idle.leave() {
            if let Err(error) = attend(shared, door) {
                say(|| tracing::error!("no thread for the next connection: {error}"));
            }
        }
        shared.serve(guest, seat, &mut buffer);
        if !door.idle.join() {
            return;
        }
    }
}

impl<A: App + 'static> Shared<A> {
    /// Waits for the turn, then for a connection; `None` when a stop was asked for and nobody waits to be accepted any more.
    fn accept(&self, door: &Door) -> Option<Guest> {
        let mut turn = door.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let listener = turn.as_mut()?;
        while !self.stop.is_asked() || listener.accepts_the_last() {
            let error = match listener.accept() {
                Ok((socket, ends)) => match self.admit(socket, ends) {
                    Some(guest) => return Some(guest),
                    None => continue,
                },
                Err(error) => error,
            };
            let stopping = self.stop.ago();
            let mut both = [PollFd::new(&*self.stop, PollFlags::IN), PollFd::new(&*listener, PollFlags::IN)];
            // Where poll fails, the loop is slow and not wrong.
            let _ = match error.kind() {
                io::ErrorKind::WouldBlock if stopping.is_some() => break,
                io::ErrorKind::WouldBlock => {
                    door.exhausted.store(false, Ordering::Relaxed);
                    poll(&mut both, None)
                }
                io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => continue,
                _ if stopping.is_some_and(|ago| ago >= self.settings.stop_grace) => break,
                // Descriptors or memory have run out. They come back when connections end.
                _ => {
                    if !door.exhausted.swap(true, Ordering::Relaxed) {
                        say(|| tracing::error!("cannot accept connections, and tries again: {error}"));
                    }
                    // A stop that was asked for shows at once, and for ever.
                    let shows = usize::from(stopping.is_none());
                    poll(both.get_mut(..shows).unwrap_or_default(), Some(&A_WHILE))
                }
            };
        }
        *turn = None;
        None
    }

    /// Counts a connection where it belongs; `None` if it was told that it is one too many.
    fn admit(&self, socket: Socket, ends: Ends) -> Option<Guest> {
        let admission = self.threads.connections().admit(&self.allow, ends.peer.map(|peer| peer.ip()));
        if let Admission::RefuseWithoutWaiting(refusal) = admission {
            // It may be lost, and those who could be told properly are told. A close over what is unread would be a reset.
            let _ = socket.read(&mut [0; 4096]);
            let _ = socket.write(&[IoSlice::new(refusal.response_with(false, self.settings.keepalive.is_some()))]);
            return None;
        }
        Some(Guest { socket, ends, admission })
    }

    fn serve(&self, Guest { socket, ends, admission }: Guest, seat: &Seat, buffer: &mut Vec<u8>) {
        seat.is_over.store(false, Ordering::Relaxed);
        seat.put(Some(socket));
        seat.with(|socket| {
            let transport = Stoppable::new(socket, &self.stop, &seat.is_over);
            let served = match admission {
                Admission::Serve => self.house().serve(&transport, ends, buffer),
                Admission::Refuse(refusal) | Admission::RefuseWithoutWaiting(refusal) => {
                    tell(&refusal, ends);
                    RequestReader::new(&transport, self.settings).refuse(&refusal)
                }
            };
            if let Err(error) = served {
                tracing::debug!("the connection broke: {error}");
            }
        });
        // It is closed before another connection is counted in its place.
        seat.put(None);
        self.threads.connections().release(admission);
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
            access: self.access.as_ref(),
            read_ahead: READ_AHEAD,
        }
    }
}

impl Seat {
    fn put(&self, socket: Option<Socket>) {
        *self.socket.write().unwrap_or_else(PoisonError::into_inner) = socket;
    }

    /// Does something with the connection, if there is one. A panic of it is no more than its end.
    fn with(&self, what: impl FnOnce(&Socket)) {
        let socket = self.socket.read().unwrap_or_else(PoisonError::into_inner);
        say(|| {
            socket.as_ref().map(what);
        });
    }

    /// Has the front end see that what it has is not whole, when the process ends.
    fn abort(&self) {
        if !self.is_over.load(Ordering::Relaxed) {
            self.with(|socket| drop(socket.abort()));
        }
    }
}

impl Threads {
    /// For so many connections.
    pub(crate) fn new(max_connections: usize) -> Self {
        Self { connections: Mutex::new(ConnectionLimit::new(max_connections)), ..Self::default() }
    }

    /// A thread begins.
    fn join(&self) -> Arc<Seat> {
        let seat = Arc::<Seat>::default();
        self.seats().push(Arc::clone(&seat));
        seat
    }

    /// A thread ends.
    fn leave(&self, seat: &Arc<Seat>) {
        self.seats().retain(|other| !Arc::ptr_eq(other, seat));
        self.left.notify_all();
    }

    /// Waits until all threads have ended, for as long as they may take, or until somebody says that it is enough. The answers
    /// of threads that have not ended do not pass for whole ones, and the log lists the requests that `workers` know of.
    pub(crate) fn wait_for_all(&self, most: Duration, workers: &Workers, enough: impl Fn() -> bool) {
        let begun = Instant::now();
        let mut seats = self.seats();
        while !seats.is_empty() && begun.elapsed() < most && !enough() {
            seats = self.left.wait_timeout(seats, A_LITTLE).unwrap_or_else(PoisonError::into_inner).0;
        }
        if !seats.is_empty() {
            let (count, at_work) = (seats.len(), workers.list());
            let colon = if at_work.is_empty() { "" } else { ": " };
            tracing::error!("{count} connections were not finished in time{colon}{at_work}");
            seats.iter().for_each(|seat| seat.abort());
        }
    }

    fn connections(&self) -> MutexGuard<'_, ConnectionLimit> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seats(&self) -> MutexGuard<'_, Vec<Arc<Seat>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a body may be that is read before its request waits for a permit (most forms and most calls of an API are shorter), and
/// for how long it is waited for: an application that answers piece by piece need not wait for ever.
const READ_AHEAD: (usize, Duration) = (16 << 10, Duration::from_secs(1));
/// How large a buffer may be to be kept for the next connection.
const KEPT: usize = 16 << 10;
const A_LITTLE: Duration = Duration::from_millis(200);
const A_WHILE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

#[cfg(test)]
mod tests {
    use super::*;

    /// One that is too many and slow to leave, while connections come for all others: the last sees that it is the last.
    #[test]
    fn the_last_who_waits_knows_that_nobody_else_does() {
        let idle = Idle(AtomicUsize::new(0));
        for _ in 0..IDLE {
            assert!(idle.join());
        }
        assert!(!idle.join(), "one too many");
        for _ in 1..IDLE {
            assert!(!idle.leave());
        }
        assert!(idle.leave());
        assert!(idle.join());
    }
}
