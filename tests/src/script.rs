//! A connection in memory that plays a script.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, IoSlice};

use uwsgi::Time;
use uwsgi_io::{Direction, Ready, Transport};

/// One act of a peer. Reads use `Bytes` up, and a wait ends `Silence`. `Hang` and `Reset` never end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Bytes come. A reader with a smaller buffer gets them in several reads.
    Bytes(Vec<u8>),
    /// Nothing comes until the reader waits.
    Silence,
    /// No more bytes come, and the connection stays open.
    Hang,
    /// This many bytes can be written from now on, then no more until another act about writes.
    Room(usize),
    /// The peer reads nothing more, and each write fails.
    WritesFail,
    /// The connection is reset.
    Reset,
}

/// A connection in memory that plays a script. After the last act the stream has ended. Writes always succeed, unless
/// the script says otherwise.
#[derive(Debug, Default)]
pub struct Script {
    acts: RefCell<VecDeque<Act>>,
    written: RefCell<Vec<u8>>,
    room: Cell<Option<usize>>,
    writes_fail: Cell<bool>,
    now: Cell<u64>,
    /// Whether the caller has begun a wait that can never end: in a `Hang`, without a deadline.
    pub stuck: Cell<bool>,
}

impl Script {
    /// Creates a connection on which these things happen.
    pub fn new(acts: impl IntoIterator<Item = Act>) -> Self {
        Self { acts: RefCell::new(acts.into_iter().collect()), ..Self::default() }
    }

    /// Creates a connection on which bytes come in these pieces. The reader has to wait for each.
    pub fn pieces<'s>(pieces: impl IntoIterator<Item = &'s [u8]>) -> Self {
        Self::new(pieces.into_iter().flat_map(|piece| [Act::Silence, Act::Bytes(piece.to_vec())]))
    }

    /// Returns what was written.
    pub fn written(&self) -> Vec<u8> {
        self.written.borrow().clone()
    }

    /// Does the next acts, as long as they are about writes.
    fn settle(&self) {
        let mut acts = self.acts.borrow_mut();
        while let Some(act) = acts.front() {
            match act {
                Act::Room(room) => self.room.set(Some(*room)),
                Act::WritesFail => self.writes_fail.set(true),
                _ => return,
            }
            acts.pop_front();
        }
    }

    fn can_read(&self) -> bool {
        !matches!(self.acts.borrow().front(), Some(Act::Silence | Act::Hang))
    }

    fn can_write(&self) -> bool {
        self.writes_fail.get() || self.room.get() != Some(0)
    }

    /// Lets time pass: to the deadline in a `Hang`, otherwise 1 millisecond. Ends a `Silence`.
    fn pass(&self, until: Option<Time>) {
        match self.acts.borrow().front() {
            Some(Act::Hang) => match until {
                Some(until) => self.now.set(until.as_millis()),
                None => self.stuck.set(true),
            },
            _ => self.now.set(self.now.get() + 1),
        }
        let mut acts = self.acts.borrow_mut();
        if acts.front() == Some(&Act::Silence) {
            acts.pop_front();
        }
    }
}

impl Transport for Script {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.settle();
        if !self.can_read() {
            assert!(!self.stuck.get(), "a read after a wait that can never end");
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut acts = self.acts.borrow_mut();
        match acts.front_mut() {
            None => Ok(0),
            Some(Act::Bytes(bytes)) => {
                let count = bytes.len().min(buffer.len());
                buffer[..count].copy_from_slice(&bytes[..count]);
                bytes.drain(..count);
                if bytes.is_empty() {
                    acts.pop_front();
                }
                Ok(count)
            }
            Some(_) => Err(io::ErrorKind::ConnectionReset.into()),
        }
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.settle();
        if self.writes_fail.get() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
        let count = self.room.get().unwrap_or(usize::MAX).min(bytes.len());
        if count == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.room.set(self.room.get().map(|room| room - count));
        self.written.borrow_mut().extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn wait(&self, direction: Direction, until: Option<Time>) -> io::Result<()> {
        self.settle();
        let ready = match direction {
            Direction::Read => self.can_read(),
            Direction::Write => self.can_write(),
        };
        if !ready {
            self.pass(until);
        }
        Ok(())
    }

    fn wait_either(&self, until: Option<Time>) -> io::Result<Ready> {
        self.settle();
        if !self.can_read() && !self.can_write() {
            self.pass(until);
            self.settle();
        }
        Ok(Ready { read: self.can_read(), write: self.can_write() })
    }

    fn now(&self) -> Time {
        Time::from_millis(self.now.get())
    }

    fn shut_down_write(&self) -> io::Result<()> {
        Ok(())
    }

    fn abort(&self) -> io::Result<()> {
        Ok(())
    }
}
