//! The polling thread. It waits for the peers of all connections that no application thread works on.

use alloc::collections::BinaryHeap;
use alloc::sync::Arc;
use core::cmp::Reverse;
use core::time::Duration;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use uwsgi_io::{Direction, Transport};

use crate::driver::connection::{Connection, Step};
use crate::driver::context::Context;

/// The polling thread. It needs no Python.
pub(crate) struct Poller {
    context: Arc<Context>,
    epoll: OwnedFd,
    slots: Vec<Slot>,
    /// The numbers of the slots without a connection.
    free: Vec<u32>,
    /// When to look at a slot again, at the latest: the time, its number, and its generation.
    timers: BinaryHeap<Reverse<(Instant, u32, u32)>>,
    is_stopping: bool,
}

/// A place for a connection that waits.
#[derive(Default)]
struct Slot {
    connection: Option<Box<Connection>>,
    direction: Option<Direction>,
    /// The time of the earliest timer of the connection that is in the heap.
    timer: Option<Instant>,
    /// Grows with each connection, so that a timer or an event of an earlier one is recognized.
    generation: u32,
}

/// Requests a stop when it is dropped, also by a panic.
struct StopAtEnd(Arc<Context>);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        if !self.0.stop.is_requested() {
            tracing::error!("the polling thread has ended, so the server stops");
        }
        self.0.stop.request();
    }
}

const WAITING: u64 = u64::MAX;
const STOP: u64 = u64::MAX - 1;
const ALL_CLOSED: u64 = u64::MAX - 2;

impl Poller {
    /// Starts the thread. It ends after a stop, when no connection is left.
    pub(crate) fn start(context: Arc<Context>) -> io::Result<JoinHandle<()>> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &context.waiting.wake, EventData::new_u64(WAITING), EventFlags::IN)?;
        epoll::add(&epoll, &context.all_closed, EventData::new_u64(ALL_CLOSED), EventFlags::IN)?;
        epoll::add(&epoll, &context.stop, EventData::new_u64(STOP), EventFlags::IN)?;
        let poller =
            Self { context, epoll, slots: Vec::new(), free: Vec::new(), timers: BinaryHeap::new(), is_stopping: false };
        let run = move || {
            let context = Arc::clone(&poller.context);
            // Without this thread no slow connection ends, so that the server must end. After a stop this changes nothing.
            let _stop_at_end = StopAtEnd(context);
            poller.run();
        };
        std::thread::Builder::new().name("uwsgi-poller".into()).spawn(run)
    }

    fn run(mut self) {
        let mut events = Vec::with_capacity(256);
        loop {
            events.clear();
            let timeout = self.next_timer();
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), timeout.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    tracing::error!("the polling thread cannot wait: {error}");
                    return;
                }
            }
            for event in events.drain(..) {
                match event.data.u64() {
                    WAITING => self.take_waiting(),
                    STOP => self.stop(),
                    // This loop ends below.
                    ALL_CLOSED => {}
                    data => self.advance_slot(data),
                }
            }
            self.run_timers();
            if self.is_stopping && self.context.has_no_connections() {
                return;
            }
        }
    }

    /// Takes the connections that the application threads have given.
    fn take_waiting(&mut self) {
        while let Some(connection) = self.context.waiting.pop() {
            let number = self.free.pop().unwrap_or_else(|| {
                self.slots.push(Slot::default());
                u32::try_from(self.slots.len().saturating_sub(1)).unwrap_or(u32::MAX)
            });
            self.advance(number, connection);
        }
    }

    /// Every connection hears of the stop: an idle one closes.
    fn stop(&mut self) {
        self.is_stopping = true;
        let _ = epoll::delete(&self.epoll, &self.context.stop);
        for number in 0..u32::try_from(self.slots.len()).unwrap_or(u32::MAX) {
            if let Some(connection) = self.slot(number).and_then(|slot| slot.connection.take()) {
                self.advance(number, connection);
            }
        }
    }

    /// Advances the connection of an event.
    fn advance_slot(&mut self, data: u64) {
        let [number, generation] = split(data);
        let slot = self.slot(number).filter(|slot| slot.generation == generation);
        if let Some(connection) = slot.and_then(|slot| slot.connection.take()) {
            self.advance(number, connection);
        }
    }

    /// Advances a connection, and keeps it in its slot while it waits.
    fn advance(&mut self, number: u32, mut connection: Box<Connection>) {
        match connection.advance() {
            Step::Wait(direction, until) => {
                let until = until.and_then(|until| {
                    let left = until.since(connection.socket.now());
                    // One millisecond more: the clock of a connection counts whole milliseconds.
                    let left = left.saturating_add(Duration::from_millis(1));
                    Instant::now().checked_add(left)
                });
                if let Err(error) = self.watch(number, &connection, direction) {
                    tracing::error!("a connection cannot be watched: {error}");
                    self.release(number);
                    return;
                }
                let Some(slot) = self.slots.get_mut(index(number)) else { return };
                (slot.connection, slot.direction) = (Some(connection), Some(direction));
                let generation = slot.generation;
                if let Some(until) = until.filter(|until| slot.timer.is_none_or(|timer| *until < timer)) {
                    slot.timer = Some(until);
                    self.timers.push(Reverse((until, number, generation)));
                    self.drop_old_timers();
                }
            }
            step => {
                if self.slot(number).is_some_and(|slot| slot.direction.is_some()) {
                    // A process that the application has forked may hold the socket too: a close would not end the watch.
                    let _ = epoll::delete(&self.epoll, &connection.socket);
                }
                self.release(number);
                if step == Step::Application {
                    self.context.ready.push(connection);
                }
            }
        }
    }

    /// Watches a direction of a connection.
    fn watch(&mut self, number: u32, connection: &Connection, direction: Direction) -> io::Result<()> {
        let Some(slot) = self.slots.get(index(number)) else { return Ok(()) };
        let flags = match direction {
            Direction::Read => EventFlags::IN,
            Direction::Write => EventFlags::OUT,
        };
        let data = EventData::new_u64(join(number, slot.generation));
        match slot.direction {
            None => epoll::add(&self.epoll, connection.socket.as_fd(), data, flags)?,
            Some(watched) if watched != direction => {
                epoll::modify(&self.epoll, connection.socket.as_fd(), data, flags)?;
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Frees a slot.
    fn release(&mut self, number: u32) {
        if let Some(slot) = self.slot(number) {
            let generation = slot.generation.wrapping_add(1);
            *slot = Slot { generation, ..Slot::default() };
            self.free.push(number);
        }
    }

    fn slot(&mut self, number: u32) -> Option<&mut Slot> {
        self.slots.get_mut(index(number))
    }

    fn next_timer(&self) -> Option<Timespec> {
        let Reverse((time, ..)) = self.timers.peek()?;
        Timespec::try_from(time.saturating_duration_since(Instant::now())).ok()
    }

    /// Drops the timers of connections that are gone, once they are many. Their time may be an hour away.
    fn drop_old_timers(&mut self) {
        if self.timers.len() < self.slots.len().saturating_mul(2).saturating_add(64) {
            return;
        }
        let slots = &self.slots;
        self.timers.retain(|Reverse((time, number, generation))| {
            let slot = slots.get(index(*number));
            slot.is_some_and(|slot| slot.generation == *generation && slot.timer == Some(*time))
        });
    }

    /// Advances the connections whose timers have ended.
    fn run_timers(&mut self) {
        let now = Instant::now();
        while let Some(Reverse((time, number, generation))) = self.timers.peek().copied() {
            if time > now {
                return;
            }
            self.timers.pop();
            let slot = self.slot(number).filter(|slot| slot.generation == generation && slot.timer == Some(time));
            if let Some(slot) = slot {
                slot.timer = None;
                // The deadline may have moved. Then the connection waits again.
                if let Some(connection) = slot.connection.take() {
                    self.advance(number, connection);
                }
            }
        }
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn join(number: u32, generation: u32) -> u64 {
    (u64::from(generation) << 32) | u64::from(number)
}

fn split(data: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = data.to_le_bytes();
    [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])]
}
