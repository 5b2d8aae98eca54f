//! A connection in memory whose peer acts at given times. Its clock advances when a caller waits.
//!
//! The connection also checks that its caller keeps these rules: no write after the half-close, no read after the end, no wait
//! for an event that cannot come, and a bounded number of calls.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
use uwsgi::Time;
use uwsgi_io::{Direction, Transport};

/// What the peer or the server's owner does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// These bytes arrive in one piece. A read gives bytes of one piece only.
    Send(Vec<u8>),
    /// The peer sends nothing more.
    Shut,
    /// The peer resets the connection. Unread bytes are lost.
    Reset,
    /// The peer reads nothing from now on.
    Stall,
    /// The owner asks for a stop.
    Stop,
}

/// How a connection behaves, apart from what the peer does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Behavior {
    /// How many bytes each write takes, over and over; 0 is a write that has to wait. With an empty list each write takes all
    /// bytes.
    pub takes: Vec<u8>,
    /// Whether a caller has to wait for each piece first.
    pub early: bool,
    /// How late each wait returns.
    pub late: Duration,
}

/// A [`Transport`] on which these things happen.
#[derive(Debug)]
pub struct Timeline {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    behavior: Behavior,
    now: u64,
    /// The acts that are still to come, each with its time in milliseconds.
    script: VecDeque<(u64, Act)>,
    arrived: VecDeque<Vec<u8>>,
    /// Whether a caller has waited for the first piece of `arrived`.
    waited: bool,
    is_shut: bool,
    is_stalled: bool,
    stopped: Option<u64>,
    takes: usize,
    calls: usize,
    /// The number of bytes that the script sends.
    sends: usize,
    eof_was_read: bool,
    outcome: Outcome,
}

/// What was done to a connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    pub written: Vec<u8>,
    /// The number of bytes that were read.
    pub read: usize,
    /// The number of bytes that were read after the half-close.
    pub drained: usize,
    pub half_closed: bool,
    pub aborted: bool,
    /// Whether the peer has reset the connection.
    pub was_reset: bool,
    /// The time that has passed, in milliseconds.
    pub took: u64,
}

impl Timeline {
    /// Creates a connection on which these things happen in this order, each this many milliseconds after the start.
    pub fn new(script: impl IntoIterator<Item = (u64, Act)>, behavior: Behavior) -> Self {
        let script: VecDeque<(u64, Act)> = script.into_iter().collect();
        assert!(script.iter().zip(script.iter().skip(1)).all(|(one, next)| one.0 <= next.0), "out of order");
        assert!(behavior.takes.is_empty() || behavior.takes.iter().any(|take| *take > 0), "nothing is ever taken");
        let sends = script.iter().map(|(_, act)| if let Act::Send(bytes) = act { bytes.len() } else { 0 }).sum();
        let mut state = State {
            behavior,
            now: 0,
            script,
            arrived: VecDeque::new(),
            waited: false,
            is_shut: false,
            is_stalled: false,
            stopped: None,
            takes: 0,
            calls: 0,
            sends,
            eof_was_read: false,
            outcome: Outcome::default(),
        };
        state.happen();
        Self { state: Mutex::new(state) }
    }

    /// Creates a connection on which all these pieces, and the end after them, are there from the start.
    pub fn sending<'s>(pieces: impl IntoIterator<Item = &'s [u8]>) -> Self {
        Self::new(sent(pieces), Behavior::default())
    }

    /// Returns what was done to the connection.
    pub fn outcome(&self) -> Outcome {
        let state = self.state();
        Outcome { took: state.now, ..state.outcome.clone() }
    }

    /// Turns the connection into one for an asynchronous server; its time starts now.
    pub fn into_io(self) -> TimelineIo {
        TimelineIo { timeline: Arc::new(self), start: Instant::now(), timer: None, is_waiting: false }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // After a panic of the oracle, its message matters and not the poisoned lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the script of a peer that sends these pieces and half-closes, all at once.
pub fn sent<'s>(pieces: impl IntoIterator<Item = &'s [u8]>) -> Vec<(u64, Act)> {
    let pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
    pieces.map(|piece| (0, Act::Send(piece.to_vec()))).chain([(0, Act::Shut)]).collect()
}

impl State {
    /// Does all acts that are due.
    fn happen(&mut self) {
        while self.script.front().is_some_and(|(at, _)| *at <= self.now) {
            match self.script.pop_front() {
                Some((_, Act::Send(bytes))) if !bytes.is_empty() => self.arrived.push_back(bytes),
                Some((_, Act::Send(_))) | None => {}
                Some((_, Act::Shut)) => self.is_shut = true,
                Some((_, Act::Reset)) => {
                    self.arrived.clear();
                    self.outcome.was_reset = true;
                }
                Some((_, Act::Stall)) => self.is_stalled = true,
                Some((at, Act::Stop)) => self.stopped = Some(at),
            }
        }
    }

    /// Sets the time since the start.
    fn go_on(&mut self, elapsed: Duration) {
        self.now = u64::try_from(elapsed.as_millis()).unwrap();
        self.happen();
    }

    /// Returns whether a call in this direction can go on.
    fn is_ready(&self, direction: Direction) -> bool {
        match direction {
            Direction::Read => self.is_readable(),
            Direction::Write => !self.is_stalled || self.outcome.was_reset,
        }
    }

    fn call(&mut self) {
        self.calls += 1;
        // Each byte may come alone and leave alone, and each may take as many tries as there are sizes.
        let bytes = 20 + self.sends + self.outcome.written.len() + self.script.len();
        let most = 8 * bytes * (1 + self.behavior.takes.len());
        assert!(self.calls <= most, "{} calls for {} bytes: an endless loop", self.calls, self.sends);
    }

    fn is_readable(&self) -> bool {
        !self.arrived.is_empty() || self.is_shut || self.outcome.was_reset
    }

    fn reset(&self) -> io::Result<()> {
        if self.outcome.was_reset { Err(ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

/// A [`Timeline`] for tokio. It follows tokio's clock, which has to be paused.
#[derive(Debug)]
pub struct TimelineIo {
    timeline: Arc<Timeline>,
    start: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether a read had to wait for the peer's next act.
    is_waiting: bool,
}

impl TimelineIo {
    /// Returns the connection itself, for the test to look at its outcome.
    pub fn watch(&self) -> Arc<Timeline> {
        Arc::clone(&self.timeline)
    }

    /// Tries a call. A call that cannot go on now is tried again after the next act.
    fn poll<T>(
        &mut self,
        direction: Direction,
        cx: &mut Context<'_>,
        mut act: impl FnMut(&Timeline) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            self.timeline.state().go_on(self.start.elapsed());
            match act(&self.timeline) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
            let mut state = self.timeline.state();
            if state.is_ready(direction) {
                // This wait ends at once.
                let is_read = direction == Direction::Read;
                state.waited |= is_read;
                if is_read && core::mem::take(&mut self.is_waiting) {
                    // The read has waited for this act, so that the act takes effect before a deadline at the same time, as
                    // over a socket.
                    continue;
                }
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let next = state.script.front().map(|(at, _)| *at);
            drop(state);
            // Only a deadline of the server can still end the wait.
            let Some(next) = next else { return Poll::Pending };
            let at = self.start + Duration::from_millis(next);
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
            timer.as_mut().reset(at);
            self.is_waiting |= direction == Direction::Read;
            ready!(timer.as_mut().poll(cx));
        }
    }
}

impl AsyncRead for TimelineIo {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let room = buffer.initialize_unfilled();
        let count = ready!(self.poll(Direction::Read, cx, |timeline| timeline.read(room)))?;
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TimelineIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(Direction::Write, cx, |timeline| timeline.write(pieces))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.timeline.state().go_on(self.start.elapsed());
        Poll::Ready(self.timeline.shut_down_write())
    }
}

impl Transport for Timeline {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state();
        state.call();
        assert!(!buffer.is_empty(), "a read of nothing looks like the end");
        assert!(!state.eof_was_read, "a read after the end");
        assert!(!state.outcome.aborted, "a read after the reset");
        state.reset()?;
        if !state.is_readable() || (state.behavior.early && !state.waited) {
            return Err(ErrorKind::WouldBlock.into());
        }
        let Some(mut piece) = state.arrived.pop_front() else {
            state.eof_was_read = true;
            return Ok(0);
        };
        let count = piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&piece[..count]);
        if count < piece.len() {
            state.arrived.push_front(piece.split_off(count));
        } else {
            state.waited = false;
        }
        state.outcome.read += count;
        if state.outcome.half_closed {
            state.outcome.drained += count;
        }
        Ok(count)
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.state();
        state.call();
        assert!(!state.outcome.half_closed && !state.outcome.aborted, "a write after the end");
        let bytes = pieces.iter().flat_map(|piece| piece.iter().copied());
        assert!(bytes.clone().next().is_some(), "a write of nothing");
        state.reset()?;
        let take = match &state.behavior.takes[..] {
            _ if state.is_stalled => 0,
            [] => usize::MAX,
            takes => usize::from(takes[state.takes % takes.len()]),
        };
        state.takes += 1;
        if take == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let before = state.outcome.written.len();
        state.outcome.written.extend(bytes.take(take));
        Ok(state.outcome.written.len() - before)
    }

    fn wait(&self, direction: Direction, until: Option<Time>) -> io::Result<()> {
        let mut state = self.state();
        state.call();
        loop {
            let until = until.map(Time::as_millis);
            if state.is_ready(direction) || until.is_some_and(|until| until <= state.now) {
                break;
            }
            let next = state.script.front().map(|(at, _)| *at);
            let Some(then) = until.into_iter().chain(next).min() else { panic!("a wait without an event") };
            let stopped = state.stopped;
            state.now = then;
            state.happen();
            if state.stopped != stopped {
                break;
            }
        }
        state.waited |= direction == Direction::Read;
        state.now += u64::try_from(state.behavior.late.as_millis()).unwrap();
        state.happen();
        Ok(())
    }

    fn now(&self) -> Time {
        Time::from_millis(self.state().now)
    }

    fn shut_down_write(&self) -> io::Result<()> {
        let mut state = self.state();
        state.call();
        assert!(!state.outcome.half_closed && !state.outcome.aborted, "a second end");
        state.reset()?;
        state.outcome.half_closed = true;
        Ok(())
    }

    fn abort(&self) -> io::Result<()> {
        let mut state = self.state();
        state.call();
        assert!(!state.outcome.half_closed && !state.outcome.aborted, "a second end");
        state.outcome.aborted = true;
        Ok(())
    }

    fn may_have_more(&self) -> bool {
        !self.state().arrived.is_empty()
    }

    fn stop_asked(&self) -> Option<Time> {
        self.state().stopped.map(Time::from_millis)
    }
}
