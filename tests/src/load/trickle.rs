//! Clients that send a byte every now and then, many of them, on one thread.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use super::{At, packet, post, status};

/// So many connections, half of them inside a header and half inside a body, each with a byte so often.
#[derive(Debug, Clone, Copy)]
pub struct Trickle {
    pub connections: usize,
    pub every: Duration,
}

/// What became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trickled {
    pub opened: usize,
    /// Refused with 408, and opened again.
    pub refused: usize,
    pub bytes: usize,
    /// Ended in another way.
    pub others: usize,
}

/// A connection that is behind with what it sends.
struct Slow {
    stream: UnixStream,
    /// What it begins with at once.
    sent: usize,
    in_body: bool,
}

impl Trickle {
    /// Trickles until a time has come, each connection opened again when it is refused.
    ///
    /// # Errors
    ///
    /// A connection could not be opened.
    pub fn until(self, at: &At, end: Instant) -> io::Result<Trickled> {
        // It takes longer than a header may, a byte at a time.
        let long = "x".repeat(1000);
        let header = packet(&[("REQUEST_METHOD", "GET"), ("HTTP_X", &long)]);
        let length = 100_000;
        let body = post("/read", length);
        let mut seen = Trickled::default();
        let open = |in_body: bool, seen: &mut Trickled| -> io::Result<Slow> {
            let mut stream = at.connect()?;
            seen.opened += 1;
            if in_body {
                stream.write_all(&body)?;
            }
            stream.set_nonblocking(true)?;
            Ok(Slow { stream, sent: 0, in_body })
        };
        let mut slow = Vec::new();
        for place in 0..self.connections {
            slow.push(open(place % 2 == 1, &mut seen)?);
        }
        // A part of them each time, so that they do not come all at once.
        let parts = 10;
        for turn in 0_u32.. {
            let now = Instant::now();
            if now >= end {
                break;
            }
            for one in slow.iter_mut().skip(turn as usize % parts).step_by(parts) {
                let byte = if one.in_body { b'x' } else { header[one.sent] };
                if one.is_gone(&mut seen) || one.stream.write_all(&[byte]).is_err() {
                    *one = open(one.in_body, &mut seen)?;
                    continue;
                }
                one.sent += 1;
                seen.bytes += 1;
                assert!(one.sent < if one.in_body { length } else { header.len() }, "it has sent all");
            }
            thread::sleep((self.every / parts as u32).saturating_sub(now.elapsed()));
        }
        Ok(seen)
    }
}

impl Slow {
    /// Whether the server has had enough.
    fn is_gone(&mut self, seen: &mut Trickled) -> bool {
        let mut answer = [0; 256];
        match self.stream.read(&mut answer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Ok(count) if status(&answer[..count]) == 408 => seen.refused += 1,
            _ => seen.others += 1,
        }
        true
    }
}
