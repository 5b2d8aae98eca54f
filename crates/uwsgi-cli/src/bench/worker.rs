//! One thread: a poll over its share of the connections.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::io;
use std::time::Instant;

use mio::{Events, Poll, Token};

use super::connection::{Connection, Progress};
use super::error::Error;
use super::plan::{End, Plan};
use super::schedule::{Next, Schedule};
use super::tally::Tally;
use super::timer::Timer;

/// What all threads share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Whether to stop at once.
    pub(super) stop: Arc<AtomicBool>,
    /// Whether nobody listens there, so that there is no use in going on.
    pub(super) nobody: AtomicBool,
    /// Whether a connection was made, or something else has shown that somebody listens.
    pub(super) reached: AtomicBool,
    /// Requests that the [`Schedule`] counts.
    pub(super) taken: AtomicU64,
    /// Requests that have ended, for those who watch.
    pub(super) ended: AtomicU64,
    /// Those of them without an answer.
    pub(super) failed: AtomicU64,
}

impl Shared {
    /// Whether all that was heard so far is that nobody listens there.
    pub(super) fn is_at_nobody(&self) -> bool {
        self.failed.load(Ordering::Relaxed) > 0 && !self.reached.load(Ordering::Relaxed)
    }
}

/// What one thread brings back.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) tally: Tally,
    /// Answers that were there when the time was up.
    pub(super) in_time: u64,
    /// When the last request ended.
    pub(super) last: Instant,
}

/// One of the connections, and its request.
#[derive(Debug)]
struct Slot {
    connection: Connection,
    /// What the latency counts from.
    from: Instant,
    /// When the request was started; `None` while there is none.
    started: Option<Instant>,
    /// Whether the request is asked the second time.
    repeated: bool,
}

#[derive(Debug)]
pub(super) struct Worker<'a> {
    plan: &'a Plan,
    shared: &'a Shared,
    schedule: Schedule<'a>,
    poll: Poll,
    timer: Timer,
    slots: Vec<Slot>,
    /// Slots without a request.
    free: Vec<usize>,
    /// Slots that rest behind a failure, and until when.
    resting: VecDeque<(Instant, usize)>,
    buffer: Vec<u8>,
    tally: Tally,
    /// When the time is up that the rate is counted over.
    deadline: Option<Instant>,
    in_time: Option<u64>,
    reached: bool,
    last: Instant,
    published: (u64, u64),
}

/// Without a rate, a slot rests so long behind a failure: a server that is down is not to be run into without a pause.
const REST: Duration = Duration::from_millis(10);

/// The longest wait, so that a stop is seen.
const TICK: Duration = Duration::from_millis(100);

/// The token of the timer; slots have lower ones.
const TIMER: Token = Token(usize::MAX);

impl<'a> Worker<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        shared: &'a Shared,
        schedule: Schedule<'a>,
        connections: usize,
        begin: Instant,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let slot =
            || Slot { connection: Connection::new(plan.exchange.clone()), from: begin, started: None, repeated: false };
        Ok(Self {
            plan,
            shared,
            schedule,
            timer: Timer::new(poll.registry(), TIMER, plan.rate.is_some())?,
            poll,
            slots: (0..connections).map(|_| slot()).collect(),
            free: (0..connections).rev().collect(),
            resting: VecDeque::new(),
            buffer: vec![0; 65536],
            tally: Tally::new().map_err(io::Error::other)?,
            deadline: match plan.end {
                End::After(duration) => begin.checked_add(duration),
                End::Requests(_) => None,
            },
            in_time: None,
            reached: false,
            last: begin,
            published: (0, 0),
        })
    }

    /// Works until nothing is left to do.
    pub(super) fn run(mut self, begin: Instant) -> io::Result<Done> {
        let mut events = Events::with_capacity(1024);
        let mut sweep = begin;
        loop {
            let now = Instant::now();
            if now >= sweep {
                self.sweep(now);
                sweep = later(now, self.plan.timeout.checked_div(20).unwrap_or(TICK).min(TICK));
            }
            let next = self.start(now);
            self.publish();
            let stopped = [&self.shared.stop, &self.shared.nobody].iter().any(|flag| flag.load(Ordering::Relaxed));
            if stopped
                || (next == Next::Never && self.free.len().saturating_add(self.resting.len()) == self.slots.len())
            {
                return Ok(self.done());
            }
            self.wait(&mut events, next)?;
            for event in &events {
                match event.token() {
                    TIMER => {}
                    Token(slot) => self.advance(slot, event.is_read_closed() || event.is_error()),
                }
            }
        }
    }

    /// Starts what is due, as far as there are slots; says what comes next.
    fn start(&mut self, now: Instant) -> Next {
        while let Some((until, slot)) = self.resting.front().copied() {
            if until > now {
                break;
            }
            self.resting.pop_front();
            self.free.push(slot);
        }
        // No more than there are slots, so that a rate at which every connection fails at once does not go on here for ever.
        for _ in 0..self.free.len() {
            let Some(slot) = self.free.pop() else { break };
            // To connect takes time, which is not the next request's.
            let now = Instant::now();
            let Some(from) = self.schedule.take(now) else {
                self.free.push(slot);
                break;
            };
            self.begin(slot, from, now);
        }
        self.schedule.next(Instant::now())
    }

    fn begin(&mut self, place: usize, from: Instant, now: Instant) {
        let Some(slot) = self.slots.get_mut(place) else { return };
        slot.from = from;
        slot.started = Some(now);
        slot.repeated = false;
        let progress = slot.connection.begin(self.plan, self.poll.registry(), Token(place));
        self.settle(place, progress);
    }

    fn advance(&mut self, place: usize, closed: bool) {
        let Some(slot) = self.slots.get_mut(place) else { return };
        if slot.started.is_none() {
            // A kept connection that nothing was asked on: all it can say is that it is closed.
            slot.connection.close();
            return;
        }
        let progress = slot.connection.advance(self.plan, &mut self.buffer, closed);
        self.settle(place, progress);
    }

    /// Counts what has come of a request, and starts the next one in its place if that is due at once.
    fn settle(&mut self, place: usize, progress: Progress) {
        let Some(slot) = self.slots.get_mut(place) else { return };
        self.reached |= slot.connection.is_made();
        match progress {
            Progress::Pending => {}
            Progress::Stale => {
                slot.repeated = true;
                let progress = slot.connection.begin(self.plan, self.poll.registry(), Token(place));
                self.settle(place, progress);
            }
            Progress::Answered { status, received } => {
                let now = Instant::now();
                slot.started = None;
                self.last = now;
                self.reached = true;
                // Up to here, if the time is up: this one came behind it.
                if self.in_time.is_none() && self.deadline.is_some_and(|deadline| now >= deadline) {
                    self.in_time = Some(self.tally.answered());
                }
                let latency = now.saturating_duration_since(slot.from);
                if slot.repeated {
                    self.tally.error(Error::repeated(), latency);
                } else {
                    self.tally.answer(status, received, latency);
                }
                // With a rate, `start` takes what is due in its order.
                let next = if self.plan.rate.is_none() { self.schedule.take(now) } else { None };
                match next {
                    Some(from) => self.begin(place, from, now),
                    None => self.free.push(place),
                }
            }
            Progress::Failed(error) => self.fail(place, error, Instant::now()),
        }
    }

    fn fail(&mut self, place: usize, error: Error, now: Instant) {
        let Some(slot) = self.slots.get_mut(place) else { return };
        slot.started = None;
        slot.connection.close();
        self.last = now;
        self.reached |= !error.kind.is_nobody_there();
        self.tally.error(error, now.saturating_duration_since(slot.from));
        match self.plan.rate {
            Some(_) => self.free.push(place),
            None => self.resting.push_back((later(now, REST), place)),
        }
    }

    /// Gives up on what has taken too long.
    fn sweep(&mut self, now: Instant) {
        for place in 0..self.slots.len() {
            let started = self.slots.get(place).and_then(|slot| slot.started);
            if started.is_some_and(|started| now.saturating_duration_since(started) >= self.plan.timeout) {
                self.fail(place, Error::timeout(), now);
            }
        }
    }

    /// Waits for a socket, or until something is due.
    fn wait(&mut self, events: &mut Events, next: Next) -> io::Result<()> {
        // Not the time before the connections were made: who sleeps by that one is late for what is due next, and its latency
        // counts from when it is due.
        let now = Instant::now();
        let rested = self.resting.front().map(|(until, _)| until.saturating_duration_since(now));
        let due = match next {
            // What has no slot to start in waits for one, which an event will free.
            Next::At(due) if !self.free.is_empty() => Some(due.saturating_duration_since(now)),
            Next::Now if !self.free.is_empty() => Some(Duration::ZERO),
            _ => None,
        };
        let wait = [rested, self.timer.arm(due)?].into_iter().flatten().fold(TICK, Duration::min);
        match self.poll.poll(events, Some(wait)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// Tells those who watch how far this is.
    fn publish(&mut self) {
        let failed = self.tally.failed();
        let ended = self.tally.answered().saturating_add(failed);
        self.shared.ended.fetch_add(ended.saturating_sub(self.published.0), Ordering::Relaxed);
        self.shared.failed.fetch_add(failed.saturating_sub(self.published.1), Ordering::Relaxed);
        self.published = (ended, failed);
        if self.reached {
            self.shared.reached.store(true, Ordering::Relaxed);
        }
    }

    fn done(mut self) -> Done {
        let now = Instant::now();
        for slot in self.slots.iter().filter(|slot| slot.started.is_some()) {
            self.tally.never_finished(now.saturating_duration_since(slot.from));
        }
        Done { in_time: self.in_time.unwrap_or(self.tally.answered()), last: self.last, tally: self.tally }
    }
}

fn later(from: Instant, by: Duration) -> Instant {
    from.checked_add(by).unwrap_or(from)
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddr;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use uwsgi::client::Exchange;

    use super::*;
    use crate::bench::target::Target;

    const MILLISECOND: u64 = 1_000_000;

    /// To connect takes so long.
    const CONNECT: u64 = 40 * MILLISECOND;

    /// The latencies of requests to a server that answers after some time.
    fn latencies(answers_after: u64, requests: u64, rate: Option<f64>) -> hdrhistogram::Histogram<u64> {
        let plan = Plan {
            target: Target::Slow(server(Duration::from_nanos(answers_after)), Duration::from_nanos(CONNECT)),
            bytes: b"\0\0\0\0".to_vec(),
            exchange: Exchange::new(false),
            method: "GET".to_owned(),
            connections: 4,
            threads: 1,
            keepalive: false,
            timeout: Duration::from_secs(10),
            end: End::Requests(requests),
            rate,
        };
        let (shared, begin) = (Shared::default(), Instant::now());
        let schedule = Schedule::new(&plan, begin, &shared.taken);
        let done = Worker::new(&plan, &shared, schedule, 4, begin).unwrap().run(begin).unwrap();
        assert_eq!(done.tally.answered(), requests, "{:?}", done.tally.errors);
        done.tally.latencies
    }

    fn server(answers_after: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                thread::spawn(move || {
                    stream.read_exact(&mut [0; 4]).unwrap();
                    thread::sleep(answers_after);
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
                });
            }
        });
        address
    }

    /// A request is due every 100 ms, and no answer wakes the generator before the last of them. Who sleeps by the time before a
    /// connection was made wakes up late by as long as that took.
    #[test]
    fn the_generator_wakes_up_when_a_request_is_due() {
        let answers_after = 500 * MILLISECOND;
        let median = latencies(answers_after, 4, Some(10.0)).value_at_quantile(0.5);
        let late = median.checked_sub(answers_after + CONNECT).unwrap();
        assert!(late < CONNECT / 2, "{late} ns late");
    }

    /// The fourth connection is begun 120 ms after the first: these are not its server's.
    #[test]
    fn a_latency_counts_from_its_own_start() {
        let least = latencies(0, 4, None).min();
        assert!((CONNECT..2 * CONNECT).contains(&least), "{least} ns");
    }
}
