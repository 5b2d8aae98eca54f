//! A stop that was asked for, as something to look at and to poll.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use uwsgi::server::Time;
use uwsgi_io::{Direction, Socket, Transport};

/// Tells many threads at once, whatever they wait for: nothing is ever written into the pipe, and its end shows to all.
#[derive(Debug)]
pub(crate) struct Stop {
    asked: OnceLock<Instant>,
    shows: OwnedFd,
    end: Mutex<Option<OwnedFd>>,
}

impl Stop {
    pub(crate) fn new() -> io::Result<Self> {
        let (shows, end) = pipe()?;
        Ok(Self { asked: OnceLock::new(), shows, end: Mutex::new(Some(end)) })
    }

    /// Asks for it. Asking again changes nothing.
    pub(crate) fn ask(&self) {
        self.asked.get_or_init(Instant::now);
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.asked.get().is_some()
    }

    /// How long ago it was asked for, if it was.
    pub(crate) fn ago(&self) -> Option<Duration> {
        self.asked.get().map(Instant::elapsed)
    }
}

#[cfg(target_os = "linux")]
fn pipe() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
}

#[cfg(not(target_os = "linux"))]
fn pipe() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    let (shows, end) = rustix::pipe::pipe()?;
    for descriptor in [&shows, &end] {
        rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC)?;
    }
    Ok((shows, end))
}

impl AsFd for Stop {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shows.as_fd()
    }
}

/// A socket whose waits end when a stop is asked for.
#[derive(Debug)]
pub(crate) struct Stoppable<'a> {
    socket: &'a Socket,
    stop: &'a Stop,
    /// Set once all was written.
    is_over: &'a AtomicBool,
}

impl<'a> Stoppable<'a> {
    pub(crate) const fn new(socket: &'a Socket, stop: &'a Stop, is_over: &'a AtomicBool) -> Self {
        Self { socket, stop, is_over }
    }
}

impl Transport for Stoppable<'_> {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.read(buffer)
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.socket.write(pieces)
    }

    fn wait(&self, direction: Direction, until: Option<Time>) -> io::Result<()> {
        if self.stop.is_asked() {
            // It would show at once, and for ever.
            self.socket.wait(direction, until)
        } else {
            self.socket.wait_with(direction, until, self.stop.as_fd()).map(|_| ())
        }
    }

    fn now(&self) -> Time {
        self.socket.now()
    }

    fn shut_down_write(&self) -> io::Result<()> {
        self.is_over.store(true, Ordering::Relaxed);
        self.socket.shut_down_write()
    }

    fn abort(&self) -> io::Result<()> {
        self.socket.abort()
    }

    fn stop_asked(&self) -> Option<Time> {
        let ago = self.stop.ago()?.as_millis();
        // Before the connection began is when it began.
        Some(Time::from_millis(self.now().as_millis().saturating_sub(u64::try_from(ago).unwrap_or(u64::MAX))))
    }

    fn may_have_more(&self) -> bool {
        self.socket.may_have_more()
    }
}
