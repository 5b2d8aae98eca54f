//! How many requests an application works on at once.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::net::SocketAddr;
use core::time::Duration;
use std::io::{self, IoSlice};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Instant;

use tracing::field::display;
use uwsgi::server::Time;
use uwsgi::{Header, Packet, Request};
use uwsgi_io::{Direction, Transport};

use crate::connection::say;

/// Permits to work. Requests that have begun get them first, then new ones; each in the order in which they asked.
#[derive(Debug)]
pub(crate) struct Workers {
    count: usize,
    permits: Mutex<Permits>,
    /// One for each connection, whether a request is at work on it or not.
    connections: Mutex<Vec<Arc<Mutex<State>>>>,
}

#[derive(Debug)]
struct Permits {
    /// Below 0 while requests are at work without a permit. While it is above 0, nobody waits.
    free: isize,
    /// Requests that have begun and have lent their permit. A thread that gets a permit is no longer in its queue.
    begun: VecDeque<Thread>,
    /// Requests that have not begun.
    new: VecDeque<Thread>,
}

/// In which queue a request waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queue {
    /// The application has begun with it. It goes first: it may hold what all others need.
    Begun,
    /// The application does not know of it yet.
    New,
}

/// How many requests a line of the log lists at most.
const LISTED: usize = 10;

/// For how long a request that has begun waits for its permit. Then it goes on without one: the requests that have the
/// permits may wait for something that it holds itself, as a lock of the application.
const TURN: Duration = Duration::from_secs(5);

impl Workers {
    pub(crate) fn new(count: usize) -> Self {
        let free = isize::try_from(count).unwrap_or(isize::MAX);
        let permits = Mutex::new(Permits { free, begun: VecDeque::new(), new: VecDeque::new() });
        Self { count, permits, connections: Mutex::default() }
    }

    /// How many requests the application may be at work on now: the permits, and the requests that went on without one.
    pub(crate) fn at_most(&self) -> usize {
        self.count.saturating_add(usize::try_from(self.lock().free.saturating_neg()).unwrap_or(0))
    }

    /// Takes a permit; waits for one for as long as `patience` says, which is asked again whenever there is a reason to, as
    /// after [`wake`](Self::wake).
    pub(crate) fn take_within(&self, queue: Queue, mut patience: impl FnMut() -> Duration) -> bool {
        let mut permits = self.lock();
        if permits.free > 0 {
            permits.free = permits.free.saturating_sub(1);
            return true;
        }
        let own = thread::current();
        permits.queue(queue).push_back(own.clone());
        loop {
            // Asked under the lock, which `wake` takes too: a stop is seen here, or ends the wait.
            let left = patience();
            let place = permits.queue(queue).iter().position(|waits| waits.id() == own.id());
            let Some(place) = place else { return true };
            if left.is_zero() {
                permits.queue(queue).remove(place);
                return false;
            }
            drop(permits);
            thread::park_timeout(left);
            permits = self.lock();
        }
    }

    /// A request goes to work without a permit. The next one that is given back is taken for it.
    fn go_without(&self) {
        let mut permits = self.lock();
        permits.free = permits.free.saturating_sub(1);
    }

    /// Gives a permit back.
    fn give(&self) {
        let mut permits = self.lock();
        let next = if permits.free < 0 { None } else { permits.begun.pop_front().or_else(|| permits.new.pop_front()) };
        if next.is_none() {
            permits.free = permits.free.saturating_add(1);
        }
        drop(permits);
        if let Some(next) = next {
            next.unpark();
        }
    }

    /// Has everybody who waits look up: a stop was asked for.
    pub(crate) fn wake(&self) {
        let permits = self.lock();
        permits.begun.iter().chain(&permits.new).for_each(Thread::unpark);
    }

    /// The requests that the application is working on, for a log: at most [`LISTED`], the oldest first, each with its name and
    /// its age. Without such requests the text is empty.
    pub(crate) fn list(&self) -> String {
        let connections = self.connections();
        let begun = |state: &Arc<Mutex<State>>| Some((lock(state).begun?, Arc::clone(state)));
        let mut at_work: Vec<_> = connections.iter().filter_map(begun).collect();
        drop(connections);
        at_work.sort_by_key(|(begun, _)| *begun);
        let more = at_work.len().saturating_sub(LISTED);
        let name = |(begun, state): &(Instant, Arc<Mutex<State>>)| {
            format!("{} (at work for {} s)", name(&lock(state).packet), begun.elapsed().as_secs())
        };
        let listed: Vec<_> = at_work.iter().take(LISTED).map(name).collect();
        let listed = listed.join(", ");
        if more > 0 { format!("{listed}, and {more} more") } else { listed }
    }

    fn connections(&self) -> MutexGuard<'_, Vec<Arc<Mutex<State>>>> {
        lock(&self.connections)
    }

    fn lock(&self) -> MutexGuard<'_, Permits> {
        self.permits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permits {
    const fn queue(&mut self, queue: Queue) -> &mut VecDeque<Thread> {
        match queue {
            Queue::Begun => &mut self.begun,
            Queue::New => &mut self.new,
        }
    }
}

/// A transport whose waits cost no permit: while a slow peer is waited for, another request is worked on.
#[derive(Debug)]
pub(crate) struct Working<'a, T> {
    transport: &'a T,
    workers: &'a Workers,
    /// For how long a request may go on once a stop was asked for.
    stop_grace: Duration,
    peer: Option<SocketAddr>,
    state: Arc<Mutex<State>>,
    /// The thread that asked for the permit has it.
    taken: Condvar,
}

/// The request that is worked on, and its permit.
#[derive(Debug)]
struct State {
    permit: Permit,
    /// When the application began with it; `None` once it has ended.
    begun: Option<Instant>,
    /// It has gone on without a permit once, and does not wait for one any more.
    impatient: bool,
    /// Its packet; of one that is no web request, the header. The log makes a name of it, if it has to.
    packet: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Permit {
    /// Nothing is worked on.
    None,
    /// It is at work, with a permit or without one.
    Held,
    /// Given back, until the peer is ready.
    Lent,
    /// The peer is ready, and a thread waits for the permit.
    Asked,
}

impl<'a, T> Working<'a, T> {
    pub(crate) fn new(transport: &'a T, workers: &'a Workers, stop_grace: Duration, peer: Option<SocketAddr>) -> Self {
        let state = State { permit: Permit::None, begun: None, impatient: false, packet: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        workers.connections().push(Arc::clone(&state));
        Self { transport, workers, stop_grace, peer, state, taken: Condvar::new() }
    }

    /// A permit was taken for what this packet asks for.
    pub(crate) fn begin(&self, packet: &Packet<'_>) {
        let is_request = packet.modifier1().is_request(packet.modifier2());
        let payload = if is_request { packet.payload() } else { &[] };
        let header = Header { datasize: u16::try_from(payload.len()).unwrap_or(u16::MAX), ..packet.header() };
        let mut state = self.state();
        (state.permit, state.begun, state.impatient) = (Permit::Held, Some(Instant::now()), false);
        state.packet.clear();
        state.packet.extend_from_slice(&header.to_bytes());
        state.packet.extend_from_slice(payload);
    }

    /// Gives the permit back, if one is held.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.begun = None;
        if core::mem::replace(&mut state.permit, Permit::None) == Permit::Held {
            self.workers.give();
        }
    }

    /// Gives the permit back for as long as the peer is waited for.
    fn lend(&self) {
        let mut state = self.state();
        if state.permit == Permit::Held {
            state.permit = Permit::Lent;
            self.workers.give();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl<T: Transport> Working<'_, T> {
    /// Takes the permit again before the application goes on. Of two threads that wait, one for each direction, the first
    /// asks for both.
    fn resume(&self) {
        let mut state = self.state();
        while state.permit == Permit::Asked {
            state = self.taken.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.permit != Permit::Lent {
            return;
        }
        state.permit = Permit::Asked;
        let patience = if state.impatient { Duration::ZERO } else { TURN };
        drop(state);

        let begun = Instant::now();
        let taken = self.workers.take_within(Queue::Begun, || {
            let left = patience.saturating_sub(begun.elapsed());
            // Once a stop has waited long enough the peer is to be told so in time.
            let end = self.transport.stop_asked().map(|asked| asked.after(self.stop_grace));
            end.map_or(left, |end| left.min(end.since(self.transport.now())))
        });
        if !taken {
            self.workers.go_without();
        }
        let mut state = self.state();
        state.permit = Permit::Held;
        let gave_up = !taken && !state.impatient;
        state.impatient |= gave_up;
        let name = if gave_up { name(&state.packet) } else { String::new() };
        drop(state);
        self.taken.notify_all();
        if gave_up && self.transport.stop_asked().is_none() {
            let (peer, at_work, permits) = (self.peer.map(display), self.workers.at_most(), self.workers.count);
            say(|| {
                tracing::warn!(
                    peer,
                    "{name} has waited {TURN:?} for a permit and goes on without one: {at_work} requests are at work, \
                     for {permits} permits"
                );
            });
        }
    }
}

/// What the log calls what a packet asks for: method and target, in ASCII. The query may hold what no log should have.
fn name(packet: &[u8]) -> String {
    /// In bytes.
    const LONGEST: usize = 400;
    let Ok((packet, _)) = Packet::decode(packet) else { return String::from("a request") };
    let name = match Request::decode(&packet) {
        Ok(request) if packet.modifier1().is_request(packet.modifier2()) => {
            format!("{} {}", request.method_or_get().escape_ascii(), request.target().from_root())
        }
        _ => return format!("a packet of modifier1 {}", packet.modifier1().0),
    };
    let name = name.split('?').next().unwrap_or_default();
    name.get(..LONGEST).unwrap_or(name).to_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Drop for Working<'_, T> {
    fn drop(&mut self) {
        self.end();
        self.workers.connections().retain(|other| !Arc::ptr_eq(other, &self.state));
    }
}

impl<T: Transport> Transport for Working<'_, T> {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.transport.read(buffer)
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.transport.write(pieces)
    }

    fn wait(&self, direction: Direction, until: Option<Time>) -> io::Result<()> {
        self.lend();
        let waited = self.transport.wait(direction, until);
        self.resume();
        waited
    }

    fn limit(&self, direction: Direction, until: Time) -> io::Result<()> {
        self.transport.limit(direction, until)
    }

    fn now(&self) -> Time {
        self.transport.now()
    }

    fn shut_down_write(&self) -> io::Result<()> {
        self.transport.shut_down_write()
    }

    fn abort(&self) -> io::Result<()> {
        self.transport.abort()
    }

    fn stop_asked(&self) -> Option<Time> {
        self.transport.stop_asked()
    }

    fn may_have_more(&self) -> bool {
        self.transport.may_have_more()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "a test that panics has found something")]

    use super::*;

    const NOT: Duration = Duration::ZERO;
    const LONG_PATH: &str = match core::str::from_utf8(&[b'x'; 1000]) {
        Ok(path) => path,
        Err(_) => "",
    };
    const LONG: Duration = Duration::from_secs(20);

    fn free(workers: &Workers) -> isize {
        workers.lock().free
    }

    /// Waits until so many wait.
    fn until_waiting(workers: &Workers, count: usize) {
        let waiting = || {
            let permits = workers.lock();
            permits.begun.len() + permits.new.len()
        };
        while waiting() != count {
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_permit_goes_to_the_request_that_waits_and_to_no_later_one() {
        let workers = Workers::new(1);
        assert!(workers.take_within(Queue::New, || NOT));
        assert!(!workers.take_within(Queue::New, || NOT));
        let order = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let mut waiting = Vec::new();
            for number in 0..3 {
                let (workers, order) = (&workers, &order);
                waiting.push(scope.spawn(move || {
                    assert!(workers.take_within(Queue::New, || LONG));
                    order.lock().unwrap().push(number);
                }));
                until_waiting(workers, waiting.len());
            }
            for thread in waiting {
                workers.give();
                assert!(!workers.take_within(Queue::Begun, || NOT), "it passed those that wait");
                thread.join().unwrap();
            }
        });
        assert_eq!(*order.lock().unwrap(), [0, 1, 2]);
        workers.give();
        assert_eq!(free(&workers), 1);
    }

    #[test]
    fn a_request_that_has_begun_goes_first() {
        let workers = Workers::new(1);
        assert!(workers.take_within(Queue::New, || NOT));
        let order = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let queues = [Queue::New, Queue::New, Queue::Begun, Queue::Begun];
            for (number, queue) in queues.into_iter().enumerate() {
                let (workers, order) = (&workers, &order);
                scope.spawn(move || {
                    assert!(workers.take_within(queue, || LONG));
                    order.lock().unwrap().push(number);
                    workers.give();
                });
                until_waiting(workers, number + 1);
            }
            workers.give();
        });
        assert_eq!(*order.lock().unwrap(), [2, 3, 0, 1]);
        assert_eq!(free(&workers), 1);
    }

    #[test]
    fn a_request_that_went_on_without_a_permit_is_counted_and_makes_up_for_it() {
        let workers = Workers::new(1);
        assert!(workers.take_within(Queue::New, || NOT));
        assert_eq!(workers.at_most(), 1);
        workers.go_without();
        assert_eq!((free(&workers), workers.at_most()), (-1, 2));
        thread::scope(|scope| {
            let waits = scope.spawn(|| workers.take_within(Queue::New, || LONG));
            until_waiting(&workers, 1);
            workers.give();
            assert_eq!((free(&workers), workers.at_most(), workers.lock().new.len()), (0, 1, 1));
            workers.give();
            assert!(waits.join().unwrap());
        });
        workers.give();
        assert_eq!((free(&workers), workers.at_most()), (1, 1));
    }

    #[test]
    fn what_is_at_work_is_listed_the_longest_first_and_10_at_most() {
        let workers = Workers::new(64);
        let transport = ();
        let begin = |number: usize| {
            let working = Working::new(&transport, &workers, NOT, None);
            let mut packet = Vec::new();
            let mut vars = uwsgi::VarsEncoder::new(&mut packet);
            vars.push_raw("REQUEST_URI", format!("/{number}?secret").as_bytes()).unwrap();
            vars.finish(uwsgi::Modifier1::WSGI, 0).unwrap();
            assert!(workers.take_within(Queue::New, || NOT));
            working.begin(&Packet::decode(&packet).unwrap().0);
            working
        };
        let list = |numbers: core::ops::Range<usize>| {
            numbers.map(|number| format!("GET /{number} (at work for 0 s)")).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(workers.list(), "");
        let mut all: Vec<_> = (0..10).map(begin).collect();
        assert_eq!(workers.list(), list(0..10));
        all.extend((10..13).map(begin));
        assert_eq!(workers.list(), format!("{}, and 3 more", list(0..10)));
        for working in all.get(..8).unwrap() {
            working.end();
        }
        assert_eq!(workers.list(), list(8..13));
        drop(all);
        assert_eq!((workers.list(), workers.connections().len()), (String::new(), 0));
    }

    #[test]
    fn a_request_is_named_by_its_target() {
        type Vars = &'static [(&'static str, &'static str)];
        let rows: [(u8, Vars, String); 6] = [
            (0, &[("PATH_INFO", "/a")], "GET /a".into()),
            (
                0,
                &[("REQUEST_URI", "/shop/a%2Fb?secret"), ("SCRIPT_NAME", "/shop"), ("PATH_INFO", "/a/b")],
                "GET /shop/a%2Fb".into(),
            ),
            (
                0,
                &[("REQUEST_METHOD", "PUT"), ("SCRIPT_NAME", "/my blog"), ("PATH_INFO", "/\n?")],
                "PUT /my%20blog/%0A%3F".into(),
            ),
            (0, &[("REQUEST_URI", "/only")], "GET /only".into()),
            (0, &[("PATH_INFO", LONG_PATH)], format!("GET /{}", "x".repeat(395))),
            (110, &[], "a packet of modifier1 110".into()),
        ];
        for (modifier1, vars, expected) in rows {
            let mut bytes = Vec::new();
            let mut encoder = uwsgi::VarsEncoder::new(&mut bytes);
            vars.iter().for_each(|(key, value)| encoder.push(key, value).unwrap());
            let packet = encoder.finish(uwsgi::Modifier1(modifier1), 0).unwrap();
            assert_eq!(name(packet), expected);
        }
    }

    #[test]
    fn a_thread_that_is_woken_looks_up_and_keeps_its_place() {
        let workers = Workers::new(0);
        let patience = Mutex::new(LONG);
        for queue in [Queue::New, Queue::Begun] {
            *patience.lock().unwrap() = LONG;
            thread::scope(|scope| {
                let first = scope.spawn(|| workers.take_within(queue, || LONG));
                until_waiting(&workers, 1);
                let second = scope.spawn(|| workers.take_within(queue, || *patience.lock().unwrap()));
                until_waiting(&workers, 2);
                *patience.lock().unwrap() = NOT;
                workers.wake();
                assert!(!second.join().unwrap());
                workers.give();
                assert!(first.join().unwrap());
            });
        }
    }
}
