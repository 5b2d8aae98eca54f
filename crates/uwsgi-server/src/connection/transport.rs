//! The transport of a connection. A wait on it holds no permit, and ends at a stop.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::sync::Mutex;
use std::time::Instant;

use tracing::field::display;
use uwsgi::Time;
use uwsgi_io::{Addresses, Direction, Socket, Transport};

use crate::connection::state::{ConnectionState, PermitState};
use crate::lock::lock;
use crate::log::catch_panic;
use crate::stop::Stop;
use crate::workers::{Priority, Workers};

/// A transport that releases the permit of its request while it waits for the peer. The application can work on another request
/// meanwhile. The wait ends when a stop is requested.
pub(super) struct ConnectionTransport<'a, T> {
    pub(super) transport: &'a T,
    /// The same transport as a socket, and the stop of its server. `None` if no server runs.
    pub(super) stop: Option<(&'a Socket, &'a Stop)>,
    pub(super) workers: &'a Workers,
    /// How long a request may go on after a stop was requested.
    pub(super) stop_grace: Duration,
    pub(super) addresses: Addresses,
    pub(super) state: &'a Mutex<ConnectionState>,
    /// Locked while a thread takes the permit back. The thread of the other direction waits for that.
    pub(super) taking_permit_back: Mutex<()>,
    /// Whether the state machines have heard of the stop. Deadlines that were computed before do not count it.
    pub(super) is_stop_known: AtomicBool,
}

/// How long a request that has begun waits for its permit. Then the request goes on without a permit, because it may hold what
/// the requests with permits wait for, such as a lock of the application.
const PERMIT_TIMEOUT: Duration = Duration::from_secs(5);

impl<T> ConnectionTransport<'_, T> {
    /// Releases the permit, if the request has one: the application has finished.
    pub(super) fn end_request(&self) {
        let has_permit = lock(self.state).end();
        if has_permit {
            self.workers.release();
        }
    }

    /// Releases the permit while the connection waits for the peer.
    fn lend_permit(&self) {
        let mut state = lock(self.state);
        if state.permit == PermitState::Held {
            state.permit = PermitState::Lent;
            self.workers.release();
        }
    }
}

impl<T: Transport> ConnectionTransport<'_, T> {
    /// Takes a permit again before the application goes on. If two threads wait, one for each direction, the first thread takes
    /// the permit for both.
    fn take_permit_back(&self) {
        let _only_once = lock(&self.taking_permit_back);
        let state = lock(self.state);
        if state.permit != PermitState::Lent {
            return;
        }
        let timeout = if state.goes_without_permit { Duration::ZERO } else { PERMIT_TIMEOUT };
        drop(state);

        let begun = Instant::now();
        let has_permit = self.workers.acquire(Priority::Begun, || {
            let left = timeout.saturating_sub(begun.elapsed());
            // The wait ends at the end of a stop's grace period, so that the server can still send a response.
            let grace_end = self.stop_asked().map(|asked| asked.after(self.stop_grace));
            grace_end.map_or(left, |end| left.min(end.since(self.now())))
        });
        if !has_permit {
            self.workers.go_without();
        }
        let mut state = lock(self.state);
        state.permit = PermitState::Held;
        if has_permit || core::mem::replace(&mut state.goes_without_permit, true) {
            return;
        }
        let name = state.request_name();
        drop(state);
        if self.stop_asked().is_none() {
            let (peer, at_work) = (self.addresses.peer.map(display), self.workers.max_at_work());
            catch_panic(|| {
                tracing::warn!(
                    peer,
                    "{name} has waited {PERMIT_TIMEOUT:?} for a permit and goes on without one: {at_work} requests are \
                     at work, for {} permits",
                    self.workers.count,
                );
            });
        }
    }
}

impl<T> Drop for ConnectionTransport<'_, T> {
    fn drop(&mut self) {
        self.end_request();
    }
}

impl<T: Transport> Transport for ConnectionTransport<'_, T> {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.transport.read(buffer)
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.transport.write(pieces)
    }

    fn wait(&self, direction: Direction, until: Option<Time>) -> io::Result<()> {
        self.lend_permit();
        let waited = match self.stop {
            Some((socket, stop)) if !stop.is_requested() => {
                socket.wait_with(direction, until, stop.polled.as_fd()).map(|_| ())
            }
            // The stop was requested after the caller computed `until`.
            Some(_) if !self.is_stop_known.load(Ordering::Acquire) => Ok(()),
            // After a stop was requested, the stop's descriptor would end every wait at once.
            _ => self.transport.wait(direction, until),
        };
        self.take_permit_back();
        waited
    }

    fn limit(&self, direction: Direction, until: Time) -> io::Result<()> {
        self.transport.limit(direction, until)
    }

    fn now(&self) -> Time {
        self.transport.now()
    }

    fn shut_down_write(&self) -> io::Result<()> {
        lock(self.state).is_over = true;
        self.transport.shut_down_write()
    }

    fn abort(&self) -> io::Result<()> {
        self.transport.abort()
    }

    fn stop_asked(&self) -> Option<Time> {
        let Some((_, stop)) = self.stop else { return self.transport.stop_asked() };
        let elapsed = u64::try_from(stop.elapsed()?.as_millis()).unwrap_or(u64::MAX);
        self.is_stop_known.store(true, Ordering::Release);
        // If the connection began after the stop was requested, the result is the beginning of the connection.
        Some(Time::from_millis(self.now().as_millis().saturating_sub(elapsed)))
    }

    fn may_have_more(&self) -> bool {
        self.transport.may_have_more()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has found something")]

    use uwsgi::Packet;

    use super::*;

    /// The stop is requested after the state machine has computed its deadline, and before the wait.
    #[test]
    fn a_wait_ends_at_a_stop_that_the_caller_does_not_know() {
        let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let (socket, stop) = (Socket::new(ours).unwrap(), Stop::new().unwrap());
        let (workers, state) = (Workers::new(1), Mutex::default());
        let transport = ConnectionTransport {
            transport: &socket,
            stop: Some((&socket, &stop)),
            workers: &workers,
            stop_grace: Duration::ZERO,
            addresses: Addresses::default(),
            state: &state,
            taking_permit_back: Mutex::default(),
            is_stop_known: AtomicBool::new(false),
        };
        stop.request();
        let (begun, late) = (Instant::now(), transport.now().after(Duration::from_secs(60)));
        transport.wait(Direction::Read, Some(late)).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
        // From now on the caller knows it, and a wait lasts until its deadline.
        assert!(transport.stop_asked().is_some());
        let begun = Instant::now();
        transport.wait(Direction::Read, Some(transport.now().after(Duration::from_millis(50)))).unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(40), "{:?}", begun.elapsed());
    }

    #[test]
    fn a_connection_that_ends_releases_its_permit() {
        let (workers, state) = (Workers::new(1), Mutex::default());
        let transport = ConnectionTransport {
            transport: &(),
            stop: None,
            workers: &workers,
            stop_grace: Duration::ZERO,
            addresses: Addresses::default(),
            state: &state,
            taking_permit_back: Mutex::default(),
            is_stop_known: AtomicBool::new(false),
        };
        let acquire = || workers.acquire(Priority::New, || Duration::ZERO);
        assert!(acquire() && !acquire());
        lock(&state).begin(&Packet::decode(b"\0\0\0\0").unwrap().0);
        drop(transport);
        assert!(acquire() && !acquire());
    }
}
