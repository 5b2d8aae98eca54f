//! A thread of the load generator. It polls its share of the connections.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::io;
use std::time::Instant;

use mio::{Events, Poll, Token};

use super::connection::{Connection, RequestState};
use super::error::Error;
use super::plan::{End, Plan};
use super::schedule::{Next, Schedule};
use super::tally::Tally;
use super::timer::Timer;

/// The state that all threads share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Whether the threads must stop at once.
    pub(super) stop: Arc<AtomicBool>,
    /// Whether the run ends because nothing listens at the address.
    pub(super) unreachable: AtomicBool,
    /// Whether a connection was established, or an error showed that a server listens.
    pub(super) reached: AtomicBool,
    /// The count of [`Schedule`]: how many requests the threads have taken.
    pub(super) taken: AtomicU64,
    /// The number of requests that have ended, failed ones included, for the progress bar.
    pub(super) ended: AtomicU64,
    /// The number of requests that have failed, for the progress bar, and to notice that no server listens.
    pub(super) failed: AtomicU64,
}

impl Shared {
    /// Whether requests have failed, and nothing has shown that a server listens.
    pub(super) fn has_no_listener(&self) -> bool {
        self.failed.load(Ordering::Relaxed) > 0 && !self.reached.load(Ordering::Relaxed)
    }
}

/// The result of one thread.
#[derive(Debug)]
pub(super) struct WorkerResult {
    pub(super) tally: Tally,
    /// The number of answers before the deadline.
    pub(super) answers_in_time: u64,
    /// When the last request ended.
    pub(super) last: Instant,
}

/// A connection slot, and the times of its request.
#[derive(Debug)]
struct Slot {
    connection: Connection,
    /// The time from which the latency counts.
    from: Instant,
    /// When the request was started; `None` without a request.
    started: Option<Instant>,
    /// Whether the request is sent for the second time.
    is_repeated: bool,
}

/// A thread of the load generator.
#[derive(Debug)]
pub(super) struct Worker<'a> {
    plan: &'a Plan,
    shared: &'a Shared,
    schedule: Schedule<'a>,
    poll: Poll,
    timer: Timer,
    slots: Vec<Slot>,
    /// The indices of the slots without a request.
    free: Vec<usize>,
    /// The indices of the slots that pause after a failure, and when the pause ends.
    paused: VecDeque<(Instant, usize)>,
    buffer: Vec<u8>,
    tally: Tally,
    /// The end of the time over which the rate is counted.
    deadline: Option<Instant>,
    /// The number of answers before the deadline, known after it.
    answers_in_time: Option<u64>,
    /// Whether something has shown that a server listens.
    reached: bool,
    /// When the last request ended.
    last: Instant,
    /// The ended and the failed requests that [`Shared`] has already counted.
    published: (u64, u64),
}

/// The pause of a slot after a failure, in a run without a rate. Without it a thread would connect in a busy loop to a
/// server that is down.
const PAUSE: Duration = Duration::from_millis(10);

/// The longest wait of the poll. After the wait, the thread checks whether it has to stop.
const TICK: Duration = Duration::from_millis(100);

/// The token of the timer. The tokens of slots are lower.
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
        let slot = || Slot {
            connection: Connection::new(plan.exchange.clone()),
            from: begin,
            started: None,
            is_repeated: false,
        };
        Ok(Self {
            plan,
            shared,
            schedule,
            timer: Timer::new(poll.registry(), TIMER, plan.rate.is_some())?,
            poll,
            slots: (0..connections).map(|_| slot()).collect(),
            free: (0..connections).rev().collect(),
            paused: VecDeque::new(),
            buffer: vec![0; 65536],
            tally: Tally::new().map_err(io::Error::other)?,
            deadline: match plan.end {
                End::After(duration) => begin.checked_add(duration),
                End::Requests(_) => None,
            },
            answers_in_time: None,
            reached: false,
            last: begin,
            published: (0, 0),
        })
    }

    /// Runs until the plan ends, or the threads have to stop.
    pub(super) fn run(mut self, begin: Instant) -> io::Result<WorkerResult> {
        let mut events = Events::with_capacity(1024);
        let mut next_check = begin;
        loop {
            let now = Instant::now();
            if now >= next_check {
                self.check_timeouts(now);
                next_check = later(now, self.plan.timeout.checked_div(20).unwrap_or(TICK).min(TICK));
            }
            let next = self.start(now);
            self.publish();
            let stopped = [&self.shared.stop, &self.shared.unreachable].iter().any(|flag| flag.load(Ordering::Relaxed));
            if stopped || (next == Next::Never && self.free.len().saturating_add(self.paused.len()) == self.slots.len())
            {
                return Ok(self.result());
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

    /// Starts the due requests, as far as there are free slots. Returns when the next request starts.
    fn start(&mut self, now: Instant) -> Next {
        while let Some((until, slot)) = self.paused.front().copied() {
            if until > now {
                break;
            }
            self.paused.pop_front();
            self.free.push(slot);
        }
        // This loop uses each free slot at most once. Otherwise a high rate could keep it running if every connection fails at
        // once.
        for _ in 0..self.free.len() {
            let Some(slot) = self.free.pop() else { break };
            // Connecting takes time, which must not count for the next request: each request gets its own time of start.
            let now = Instant::now();
            let Some(from) = self.schedule.take(now) else {
                self.free.push(slot);
                break;
            };
            self.begin(slot, from, now);
        }
        self.schedule.next(Instant::now())
    }

    fn begin(&mut self, index: usize, from: Instant, now: Instant) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        slot.from = from;
        slot.started = Some(now);
        slot.is_repeated = false;
        let state = slot.connection.begin(self.plan, self.poll.registry(), Token(index));
        self.settle(index, state);
    }

    fn advance(&mut self, index: usize, closed: bool) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        if slot.started.is_none() {
            // The slot has no request, so that an event on its kept connection means that the server has closed it.
            slot.connection.close();
            return;
        }
        let state = slot.connection.advance(self.plan, &mut self.buffer, closed);
        self.settle(index, state);
    }

    /// Counts the result of a request, and starts the next request in its slot if it is due.
    fn settle(&mut self, index: usize, state: RequestState) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        self.reached |= slot.connection.is_established();
        match state {
            RequestState::Pending => {}
            RequestState::Stale => {
                slot.is_repeated = true;
                let state = slot.connection.begin(self.plan, self.poll.registry(), Token(index));
                self.settle(index, state);
            }
            RequestState::Answered { status, received } => {
                let now = Instant::now();
                slot.started = None;
                self.last = now;
                self.reached = true;
                // This is the first answer after the deadline. All answers that were counted before came in time.
                if self.answers_in_time.is_none() && self.deadline.is_some_and(|deadline| now >= deadline) {
                    self.answers_in_time = Some(self.tally.answered());
                }
                let latency = now.saturating_duration_since(slot.from);
                if slot.is_repeated {
                    self.tally.error(Error::repeated(), latency);
                } else {
                    self.tally.answer(status, received, latency);
                }
                // With a rate, `start` takes the due requests in their order.
                let next = if self.plan.rate.is_none() { self.schedule.take(now) } else { None };
                match next {
                    Some(from) => self.begin(index, from, now),
                    None => self.free.push(index),
                }
            }
            RequestState::Failed(error) => self.fail(index, error, Instant::now()),
        }
    }

    fn fail(&mut self, index: usize, error: Error, now: Instant) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        slot.started = None;
        slot.connection.close();
        self.last = now;
        self.reached |= !error.kind.is_no_listener();
        self.tally.error(error, now.saturating_duration_since(slot.from));
        match self.plan.rate {
            Some(_) => self.free.push(index),
            None => self.paused.push_back((later(now, PAUSE), index)),
        }
    }

    /// Fails the requests that have reached the timeout.
    fn check_timeouts(&mut self, now: Instant) {
        for index in 0..self.slots.len() {
            let started = self.slots.get(index).and_then(|slot| slot.started);
            if started.is_some_and(|started| now.saturating_duration_since(started) >= self.plan.timeout) {
                self.fail(index, Error::timeout(), now);
            }
        }
    }

    /// Waits for an event of a socket, or until a request is due.
    fn wait(&mut self, events: &mut Events, next: Next) -> io::Result<()> {
        // The time is read again, because connecting has taken time. A wait that counts from an older time would end too
        // late for the next request.
        let now = Instant::now();
        let pause_end = self.paused.front().map(|(until, _)| until.saturating_duration_since(now));
        let due = match next {
            // Without a free slot, a due request waits until an event frees one.
            Next::At(due) if !self.free.is_empty() => Some(due.saturating_duration_since(now)),
            Next::Now if !self.free.is_empty() => Some(Duration::ZERO),
            _ => None,
        };
        let wait = [pause_end, self.timer.arm(due)?].into_iter().flatten().fold(TICK, Duration::min);
        match self.poll.poll(events, Some(wait)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// Adds the counts since the last call to the shared counts.
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

    fn result(mut self) -> WorkerResult {
        let now = Instant::now();
        for slot in self.slots.iter().filter(|slot| slot.started.is_some()) {
            self.tally.unfinished(now.saturating_duration_since(slot.from));
        }
        WorkerResult {
            answers_in_time: self.answers_in_time.unwrap_or(self.tally.answered()),
            last: self.last,
            tally: self.tally,
        }
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
    use crate::commands::bench::target::Target;

    const MILLISECOND: u64 = 1_000_000;

    /// The time of connecting, in nanoseconds.
    const CONNECT: u64 = 40 * MILLISECOND;

    /// Returns the latencies of requests to a server that answers after this time, in nanoseconds.
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
        let result = Worker::new(&plan, &shared, schedule, 4, begin).unwrap().run(begin).unwrap();
        assert_eq!(result.tally.answered(), requests, "{:?}", result.tally.errors);
        result.tally.latencies
    }

    fn server(answers_after: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                thread::spawn(move || {
                    stream.read_exact(&mut [0; 4]).unwrap();
                    // The simulated work of the server.
                    thread::sleep(answers_after);
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
                });
            }
        });
        address
    }

    /// A request is due every 100 ms, and no answer wakes the generator before the last request. A generator whose wait counts
    /// from the time before connecting wakes up late, by the time of connecting.
    #[test]
    fn the_generator_wakes_up_when_a_request_is_due() {
        let answers_after = 500 * MILLISECOND;
        let median = latencies(answers_after, 4, Some(10.0)).value_at_quantile(0.5);
        let late = median.checked_sub(answers_after + CONNECT).unwrap();
        assert!(late < CONNECT / 2, "{late} ns late");
    }

    /// The fourth connection begins 120 ms after the first. This time is not part of its latency.
    #[test]
    fn the_latency_of_a_request_counts_from_its_own_start() {
        let least = latencies(0, 4, None).min();
        assert!((CONNECT..2 * CONNECT).contains(&least), "{least} ns");
    }
}
