//! Many clients on one thread that each send a byte from time to time.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use super::{ServerAddress, packet, post, status};

/// A number of connections that each send one byte in each interval: half of them inside a header, half inside a body.
#[derive(Debug, Clone, Copy)]
pub struct SlowClients {
    pub connections: usize,
    pub every: Duration,
}

/// How many connections there were, and how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SlowOutcome {
    pub opened: usize,
    /// The number of connections that were refused with 408, and opened again.
    pub refused: usize,
    pub bytes: usize,
    /// The number of connections that were found ended in another way, and opened again.
    pub others: usize,
}

/// A connection that sends slowly.
struct Slow {
    stream: UnixStream,
    /// The number of bytes that were sent one at a time.
    sent: usize,
    in_body: bool,
}

impl SlowClients {
    /// Sends slowly until `end`. A refused connection is opened again.
    ///
    /// # Errors
    ///
    /// If a connection cannot be opened.
    pub fn run_until(self, at: &ServerAddress, end: Instant) -> io::Result<SlowOutcome> {
        // At one byte in each interval, this header takes longer than the server allows.
        let long = "x".repeat(1000);
        let header = packet(&[("REQUEST_METHOD", "GET"), ("HTTP_X", &long)]);
        let length = 100_000;
        let body = post("/read", length);
        let mut seen = SlowOutcome::default();
        let open = |in_body: bool, seen: &mut SlowOutcome| -> io::Result<Slow> {
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
        // In each turn only a tenth of the connections sends, so that not all bytes come at once.
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
                assert!(one.sent < if one.in_body { length } else { header.len() }, "all bytes were sent");
            }
            // A sleep, because each turn takes its share of the interval.
            thread::sleep((self.every / parts as u32).saturating_sub(now.elapsed()));
        }
        Ok(seen)
    }
}

impl Slow {
    /// Returns whether the server has closed the connection.
    fn is_gone(&mut self, seen: &mut SlowOutcome) -> bool {
        let mut answer = [0; 256];
        match self.stream.read(&mut answer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Ok(count) if status(&answer[..count]) == 408 => seen.refused += 1,
            _ => seen.others += 1,
        }
        true
    }
}
