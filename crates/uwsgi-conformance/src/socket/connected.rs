//! The sender's end of a connection over a socket.

use alloc::boxed::Box;
use core::time::Duration;
use std::io::ErrorKind;
use std::net::Shutdown;
use std::thread::sleep;
use std::time::Instant;

use crate::endpoint::{End, Peer, Received};
use crate::outcome::PROMPT;
use crate::socket::stream::Stream;

/// The sender's end of a connection to a [`Server`](super::Server).
#[derive(Debug)]
pub struct Connected {
    /// The stream, until the sender leaves.
    stream: Option<Stream>,
    began: Instant,
    takes: Duration,
    patience: Duration,
    longest: Duration,
    pause: Duration,
    received: Vec<u8>,
    /// When the last bytes came, or the start.
    last: Instant,
    /// Whether a write failed with a reset.
    reset: bool,
    ended: Option<(End, Instant)>,
}

impl Connected {
    pub(super) fn new(stream: Stream, takes: Duration, patience: Duration, longest: Duration, pause: Duration) -> Self {
        let began = Instant::now();
        Self {
            stream: Some(stream),
            began,
            takes,
            patience,
            longest,
            pause,
            received: Vec::new(),
            last: began,
            reset: false,
            ended: None,
        }
    }

    /// Reads once, at most until `until`. Returns whether more bytes can come before then.
    fn read(&mut self, until: Option<Instant>) -> bool {
        let left = until.and_then(|until| until.checked_duration_since(Instant::now()));
        let Some(left) = left.filter(|left| !left.is_zero() && self.ended.is_none()) else { return false };
        let mut buffer = [0; 16384];
        let Some(stream) = self.stream.as_mut() else { return false };
        // Linux ends a timeout of half a minute seconds too late, but a short one only milliseconds too late.
        let slice = left.min(Duration::from_millis(500));
        let read = stream.read_timeout(slice).and_then(|()| stream.read(&mut buffer));
        match read {
            Ok(0) => self.ended = Some((if self.reset { End::Reset } else { End::Closed }, Instant::now())),
            Ok(count) => {
                self.received.extend_from_slice(buffer.get(..count).unwrap_or_default());
                self.last = Instant::now();
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => self.ended = Some((End::Reset, Instant::now())),
        }
        self.ended.is_none()
    }

    /// Returns the time until which the sender waits for the server.
    fn bound(&self) -> Option<Instant> {
        let left = self.takes.saturating_sub(self.began.elapsed()).saturating_add(self.patience);
        Instant::now().checked_add(left.min(self.longest))
    }
}

impl Peer for Connected {
    fn send(&mut self, bytes: &[u8]) {
        // If the server has closed, the write may fail, but the answer can still be read.
        if let Some(stream) = self.stream.as_mut().filter(|_| !matches!(self.ended, Some((End::Open, _)))) {
            // The kernel reports a reset once: if this write fails with it, later reads do not.
            self.reset |= stream.write(bytes).is_err_and(|error| error.kind() == ErrorKind::ConnectionReset);
        }
        // The pause lets the server read this piece alone.
        sleep(self.pause);
    }

    fn wait(&mut self, millis: u64) {
        // The sender waits by reading. After the server has closed, no bytes can come, and the wait ends early.
        let until = Instant::now().checked_add(Duration::from_millis(millis));
        let bound = self.began.checked_add(self.takes.saturating_add(self.patience));
        while self.read(until.min(bound)) {}
        if bound.is_some_and(|bound| Instant::now() >= bound) {
            self.ended.get_or_insert((End::Open, Instant::now()));
        }
    }

    fn read_until(&mut self, enough: &mut dyn FnMut(&[u8]) -> bool) {
        let bound = self.bound();
        while !enough(&self.received) && self.read(bound) {}
    }

    fn shutdown_write(&mut self) {
        // This fails if the server has closed first.
        if let Some(stream) = &self.stream {
            let _ = stream.shut_down(Shutdown::Write);
        }
    }

    fn close(&mut self) {
        self.stream = None;
        self.ended = Some((End::Gone, Instant::now()));
    }

    fn reset(&mut self) {
        // A Unix socket has no reset: its connection is only closed.
        if let Some(stream) = &self.stream {
            let _ = stream.reset_on_close();
        }
        self.close();
    }

    fn finish(mut self: Box<Self>, enough: &mut dyn FnMut(&[u8]) -> bool) -> Received {
        let bound = self.bound();
        loop {
            let kept = self.last.checked_add(Duration::from_millis(PROMPT)).filter(|_| enough(&self.received));
            if !self.read(kept.or(bound)) {
                break;
            }
        }
        let (end, at) = self.ended.unwrap_or_else(|| (End::Open, Instant::now()));
        let millis = |since: Instant| u64::try_from(at.duration_since(since).as_millis()).unwrap_or(u64::MAX);
        Received { end, silence: millis(self.last), took: millis(self.began), bytes: self.received }
    }
}
