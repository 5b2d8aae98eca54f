//! A peer in memory, that sees what left so far and says what it answers to that.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::io::{self, IoSlice, Read};

use rustix::io::Errno;
use uwsgi::client::Exchange;
use uwsgi::server::Time;

use super::Pump;
use crate::client::error::{Asked, ClientErrorKind};
use crate::client::response_reader::ResponseReader;
use crate::transport::stream::{Patience, Timeout};
use crate::transport::{Direction, Ready, Transport};

/// What a peer makes of the bytes that it took.
#[derive(Debug, Default)]
struct Says {
    /// All of its answer so far.
    answer: Vec<u8>,
    /// It has closed: nothing follows the answer.
    closed: bool,
    /// It takes nothing more, and whoever writes is told so.
    deaf: bool,
    /// How the writer is told: EPIPE, unless it is something else.
    errno: Option<Errno>,
    /// It takes nothing more until so many bytes of its answer were read.
    waits_for: usize,
}

type Peer<'p> = dyn Fn(&[u8]) -> Says + 'p;

/// A connection that takes, and gives, so many bytes at a time.
struct Wire<'p> {
    peer: &'p Peer<'p>,
    at_once: usize,
    taken: RefCell<Vec<u8>>,
    read: Cell<usize>,
    now: Cell<u64>,
    /// What fitted between two waits has left.
    full: Cell<bool>,
}

impl<'p> Wire<'p> {
    fn new(at_once: usize, peer: &'p Peer<'p>) -> Self {
        let (taken, read) = (RefCell::default(), Cell::new(0));
        Self { peer, at_once, taken, read, now: Cell::new(0), full: Cell::new(false) }
    }

    fn says(&self) -> Says {
        (self.peer)(&self.taken.borrow())
    }

    fn ready(&self) -> Ready {
        let says = self.says();
        let write = says.deaf || self.read.get() >= says.waits_for;
        Ready { read: says.answer.len() > self.read.get() || says.closed, write }
    }
}

impl Transport for Wire<'_> {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let says = self.says();
        let here = &says.answer[self.read.get()..];
        if here.is_empty() && !says.closed {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = here.len().min(self.at_once).min(buffer.len());
        buffer[..count].copy_from_slice(&here[..count]);
        self.read.set(self.read.get() + count);
        Ok(count)
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let (says, bytes) = (self.says(), &pieces[0]);
        if says.deaf {
            return Err(says.errno.unwrap_or(Errno::PIPE).into());
        }
        if self.full.get() || self.read.get() < says.waits_for {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = bytes.len().min(self.at_once);
        self.taken.borrow_mut().extend_from_slice(&bytes[..count]);
        self.full.set(true);
        Ok(count)
    }

    fn wait(&self, direction: Direction, until: Option<Time>) -> io::Result<()> {
        self.full.set(false);
        let ready = self.ready();
        if !match direction {
            Direction::Read => ready.read,
            Direction::Write => ready.write,
        } {
            self.now.set(until.expect("waits for ever").as_millis());
        }
        Ok(())
    }

    fn wait_either(&self, until: Option<Time>) -> io::Result<Ready> {
        self.full.set(false);
        let ready = self.ready();
        if ready == Ready::default() {
            self.now.set(until.expect("waits for ever").as_millis());
        }
        Ok(ready)
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

const PACKET: &[u8] = b"the packet";

/// Sends the packet and a body of the declared length, and reads the answer: its status, its body, what the peer took.
fn exchange(wire: &Wire<'_>, body: impl Read, declared: u64, joined: bool) -> Result<(u16, Vec<u8>), ClientErrorKind> {
    let patience = Patience { read: Duration::from_secs(60), write: Duration::from_secs(30), ..Patience::ENDLESS };
    let (mut out, mut buffer) = (PACKET.to_vec(), Vec::new());
    let mut exchange = Exchange::new(false).with_outgoing(declared);
    let mut pump = Pump::new(wire, patience, &mut out, body);
    let failed = |error| ClientErrorKind::of(error, Asked::Request);
    if joined {
        pump.join(&mut exchange).map_err(failed)?;
    }
    if let Err(error) = pump.begin() {
        pump.give_up(error);
    }
    let (head, mut body) = ResponseReader::new(pump, exchange, &mut buffer).answer().map_err(failed)?;
    let mut bytes = Vec::new();
    body.read_to_end(&mut bytes).map_err(failed)?;
    Ok((head.status(), bytes))
}

/// The bytes behind the packet, which is there as a whole.
fn body_of(taken: &[u8]) -> Option<&[u8]> {
    taken.strip_prefix(PACKET)
}

/// However few bytes pass at a time, all of them leave, and the whole answer comes.
#[test]
fn whole_at_every_width() {
    let body: Vec<u8> = (0..=255).cycle().take(300).collect();
    let answered = |taken: &[u8]| match body_of(taken) {
        Some(body) if body.len() == 300 => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            Says { answer: [head.as_bytes(), body].concat(), ..Says::default() }
        }
        _ => Says::default(),
    };
    for at_once in 1..=400 {
        for joined in [true, false] {
            let wire = Wire::new(at_once, &answered);
            let (status, echoed) = exchange(&wire, &body[..], 300, joined).unwrap();
            assert_eq!((status, echoed), (200, body.clone()), "{at_once}");
            assert_eq!(wire.taken.borrow().len(), PACKET.len() + 300);
        }
    }
}

/// A peer that sends back each byte before it takes the next: who only writes, or only reads, waits for ever.
#[test]
fn both_directions_at_once() {
    const LENGTH: usize = 100_000;
    let body: Vec<u8> = (0..=255).cycle().take(LENGTH).collect();
    let echo = |taken: &[u8]| {
        let Some(body) = body_of(taken) else { return Says::default() };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n");
        let answer = [head.as_bytes(), body].concat();
        Says { waits_for: answer.len(), answer, ..Says::default() }
    };
    for at_once in [1000, 1003, 32768, 100_000] {
        let wire = Wire::new(at_once, &echo);
        assert_eq!(exchange(&wire, &body[..], LENGTH as u64, false).unwrap(), (200, body.clone()), "{at_once}");
    }
}

/// An answer that comes before the body was taken, from a peer that takes no more of it, and at every point of the body.
#[test]
fn early_answers() {
    // So long that, while it is read, much could be sent.
    let refusal =
        [b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 5000\r\n\r\n", &b"too long".repeat(625)[..]].concat();
    for (deaf, closed) in [(true, true), (true, false), (false, true), (false, false)] {
        for after in [0, 1, 10, 11, 100, 5000] {
            let early = |taken: &[u8]| {
                if taken.len() < after {
                    return Says::default();
                }
                Says { answer: refusal.clone(), closed, deaf, ..Says::default() }
            };
            let wire = Wire::new(7, &early);
            let mut source = io::repeat(b'x').take(1 << 20);
            let (status, text) = exchange(&wire, &mut source, 1 << 20, false).unwrap();
            assert!(status == 413 && text.len() == 5000, "{deaf} {closed} {after}");
            // The status of an error ends the sending, whether the peer still takes bytes or not.
            let taken = wire.taken.borrow().len();
            assert!(taken <= after + 200, "{taken} bytes sent, {after} wanted");
            assert!(source.limit() > (1 << 20) - 40_000, "no more of the source is read than one piece");
        }
    }
}

/// An early answer that is no error does not stop the body.
#[test]
fn early_success() {
    let early = |taken: &[u8]| {
        let head = b"HTTP/1.1 200 OK\r\n\r\nand so on".to_vec();
        Says { answer: head, closed: taken.len() == PACKET.len() + 5000, ..Says::default() }
    };
    let wire = Wire::new(7, &early);
    assert_eq!(exchange(&wire, io::repeat(b'x'), 5000, false).unwrap(), (200, b"and so on".to_vec()));
    assert_eq!(wire.taken.borrow().len(), PACKET.len() + 5000);
}

/// An answer that is whole before the last bytes of the request have left: the connection is not for another.
#[test]
fn an_answer_before_the_end_of_the_request() {
    for (length, done) in [(300, false), (50, true)] {
        let early = |taken: &[u8]| match taken.len() {
            0..60 => Says::default(),
            _ => Says {
                answer: b"HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n".to_vec(),
                ..Says::default()
            },
        };
        let wire = Wire::new(60, &early);
        let (mut out, mut buffer) = (PACKET.to_vec(), Vec::new());
        let mut exchange = Exchange::new(false).with_outgoing(length);
        let mut pump = Pump::new(&wire, Patience::ENDLESS, &mut out, io::repeat(b'x'));
        pump.join(&mut exchange).unwrap();
        pump.begin().unwrap();
        let (_, mut body) = ResponseReader::new(pump, exchange, &mut buffer).answer().unwrap();
        assert!(body.is_ended() && body.allows_another(), "as far as the exchange knows");
        assert_eq!(body.source_mut().is_done(), done, "{length}");
    }
}

/// Never more than was declared, whatever the source has.
#[test]
fn no_more_than_declared() {
    for declared in [0, 1, 299, 300] {
        let answered = |taken: &[u8]| match body_of(taken) {
            Some(body) if body.len() as u64 >= declared => {
                Says { answer: b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(), ..Says::default() }
            }
            _ => Says::default(),
        };
        for joined in [true, false] {
            let wire = Wire::new(1000, &answered);
            let mut source = &[b'x'; 300][..];
            assert_eq!(exchange(&wire, &mut source, declared, joined).unwrap().0, 204);
            assert_eq!(wire.taken.borrow().len() as u64, PACKET.len() as u64 + declared);
            assert_eq!(source.len() as u64, 300 - declared, "the rest is left where it was");
        }
    }
}

#[test]
fn bodies_that_end_early_or_fail() {
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(1).ok_or_else(|| io::Error::other("the disk is gone"))?;
            out[0] = b'x';
            Ok(1)
        }
    }
    let silent = |_: &[u8]| Says::default();
    for joined in [true, false] {
        let wire = Wire::new(1000, &silent);
        match exchange(&wire, &b"abc"[..], 5, joined).unwrap_err() {
            ClientErrorKind::BodyTooShort { missing } => assert_eq!(missing, 2),
            other => panic!("{other}"),
        }
        // What fits into the buffer is known to be short before anything leaves.
        assert_eq!(wire.taken.borrow().len(), if joined { 0 } else { PACKET.len() + 3 });
        let wire = Wire::new(1000, &silent);
        match exchange(&wire, Failing(3), 5, joined).unwrap_err() {
            ClientErrorKind::Body(error) => assert_eq!(error.to_string(), "the disk is gone"),
            other => panic!("{other}"),
        }
    }
}

/// A peer that closes, or resets, without a byte.
#[test]
fn no_answer() {
    for deaf in [true, false] {
        let gone = |_: &[u8]| Says { closed: true, deaf, ..Says::default() };
        let wire = Wire::new(3, &gone);
        let error = exchange(&wire, io::repeat(b'x'), 1000, false).unwrap_err();
        assert!(matches!(error, ClientErrorKind::NoAnswer(Asked::Request)), "{error}");
    }
}

/// A connection that breaks on the way, of which the read learns no more than that it has ended.
#[test]
fn what_broke_the_request() {
    let rows = [
        (Errno::PIPE, false),
        (Errno::CONNRESET, false),
        (Errno::CONNABORTED, false),
        (Errno::TIMEDOUT, true),
        (Errno::HOSTUNREACH, true),
        (Errno::NETUNREACH, true),
        (Errno::NETDOWN, true),
    ];
    for (errno, told) in rows {
        // At once, inside the packet, inside the body.
        for after in [0, 3, 100] {
            let breaks = |taken: &[u8]| {
                let broken = taken.len() >= after;
                Says { closed: broken, deaf: broken, errno: Some(errno), ..Says::default() }
            };
            let wire = Wire::new(3, &breaks);
            match exchange(&wire, io::repeat(b'x'), 1000, false).unwrap_err() {
                ClientErrorKind::Write(error) if told => assert_eq!(error.raw_os_error(), Some(errno.raw_os_error())),
                ClientErrorKind::NoAnswer(Asked::Request) if !told => {}
                other => panic!("{errno:?} after {after}: {other}"),
            }
        }
    }
    // An answer that came before is one.
    let answers = |taken: &[u8]| {
        let answer = b"HTTP/1.1 503 Service Unavailable\r\n\r\n".to_vec();
        let broken = taken.len() >= 100;
        let answer = if broken { answer } else { Vec::new() };
        Says { answer, closed: broken, deaf: broken, errno: Some(Errno::TIMEDOUT), ..Says::default() }
    };
    let wire = Wire::new(3, &answers);
    assert_eq!(exchange(&wire, io::repeat(b'x'), 1000, false).unwrap(), (503, Vec::new()));
}

/// While the body leaves, it is the peer's taking that is waited for; behind it, the answer.
#[test]
fn timeouts() {
    let takes_nothing = |_: &[u8]| Says { waits_for: 1, ..Says::default() };
    let wire = Wire::new(3, &takes_nothing);
    let error = exchange(&wire, io::repeat(b'x'), 1000, false).unwrap_err();
    assert!(matches!(error, ClientErrorKind::TimedOut(Timeout::Write(after)) if after.as_secs() == 30), "{error}");

    let says_nothing = |_: &[u8]| Says::default();
    let wire = Wire::new(3, &says_nothing);
    let error = exchange(&wire, io::repeat(b'x'), 1000, false).unwrap_err();
    assert!(matches!(error, ClientErrorKind::TimedOut(Timeout::Read(after)) if after.as_secs() == 60), "{error}");
    assert_eq!(wire.taken.borrow().len(), PACKET.len() + 1000);

    // A peer that neither takes nor says anything is not asked again and again.
    let is_deaf = |_: &[u8]| Says { deaf: true, ..Says::default() };
    let wire = Wire::new(3, &is_deaf);
    let error = exchange(&wire, io::repeat(b'x'), 1000, false).unwrap_err();
    assert!(matches!(error, ClientErrorKind::TimedOut(Timeout::Read(after)) if after.as_secs() == 60), "{error}");
}
