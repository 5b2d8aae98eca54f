//! The driver against a peer in memory. The peer sees the bytes that have left so far, and decides its answer by them.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::io::{self, IoSlice, Read};

use rustix::io::Errno;
use uwsgi::Time;
use uwsgi::client::Exchange;

use super::ExchangeDriver;
use crate::client::error::{Asked, ClientErrorKind};
use crate::client::response_reader::ResponseReader;
use crate::transport::stream::{Timeout, Timeouts};
use crate::transport::{Direction, Ready, Transport};

/// The state of a peer after the bytes that it has taken so far.
#[derive(Debug, Default)]
struct PeerState {
    /// All bytes of its answer so far.
    answer: Vec<u8>,
    /// The peer has closed after these bytes.
    closed: bool,
    /// The peer takes no more bytes, and each write fails.
    write_fails: bool,
    /// The error of a write; EPIPE by default.
    write_errno: Option<Errno>,
    /// The peer takes no more bytes until this many bytes of its answer were read.
    waits_for_read: usize,
}

type Peer<'p> = dyn Fn(&[u8]) -> PeerState + 'p;

/// A transport that writes and reads at most `at_once` bytes at a time.
struct TestTransport<'p> {
    peer: &'p Peer<'p>,
    at_once: usize,
    taken: RefCell<Vec<u8>>,
    read: Cell<usize>,
    now: Cell<u64>,
    /// Bytes have left since the last wait: another write would block.
    full: Cell<bool>,
}

impl<'p> TestTransport<'p> {
    fn new(at_once: usize, peer: &'p Peer<'p>) -> Self {
        let (taken, read) = (RefCell::default(), Cell::new(0));
        Self { peer, at_once, taken, read, now: Cell::new(0), full: Cell::new(false) }
    }

    fn state(&self) -> PeerState {
        (self.peer)(&self.taken.borrow())
    }

    fn ready(&self) -> Ready {
        let state = self.state();
        let write = state.write_fails || self.read.get() >= state.waits_for_read;
        Ready { read: state.answer.len() > self.read.get() || state.closed, write }
    }
}

impl Transport for TestTransport<'_> {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.state();
        let here = &state.answer[self.read.get()..];
        if here.is_empty() && !state.closed {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = here.len().min(self.at_once).min(buffer.len());
        buffer[..count].copy_from_slice(&here[..count]);
        self.read.set(self.read.get() + count);
        Ok(count)
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let (state, bytes) = (self.state(), &pieces[0]);
        if state.write_fails {
            return Err(state.write_errno.unwrap_or(Errno::PIPE).into());
        }
        if self.full.get() || self.read.get() < state.waits_for_read {
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
            self.now.set(until.expect("the wait has no deadline").as_millis());
        }
        Ok(())
    }

    fn wait_either(&self, until: Option<Time>) -> io::Result<Ready> {
        self.full.set(false);
        let ready = self.ready();
        if ready == Ready::default() {
            self.now.set(until.expect("the wait has no deadline").as_millis());
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

/// Sends the packet and a body of the declared length. Returns the status and the body of the response.
fn exchange(
    transport: &TestTransport<'_>,
    body: impl Read,
    declared: u64,
    preloaded: bool,
) -> Result<(u16, Vec<u8>), ClientErrorKind> {
    let timeouts = Timeouts { read: Duration::from_secs(60), write: Duration::from_secs(30), ..Timeouts::NONE };
    let (mut out, mut buffer) = (PACKET.to_vec(), Vec::new());
    let mut exchange = Exchange::new(false).with_outgoing(declared);
    let mut driver = ExchangeDriver::new(transport, timeouts, &mut out, body);
    let failed = |error| ClientErrorKind::from_io(error, Asked::Request);
    if preloaded {
        driver.preload_body(&mut exchange).map_err(failed)?;
    }
    if let Err(error) = driver.start() {
        driver.give_up(error);
    }
    let (head, mut body) = ResponseReader::new(driver, exchange, &mut buffer).answer().map_err(failed)?;
    let mut bytes = Vec::new();
    body.read_to_end(&mut bytes).map_err(failed)?;
    Ok((head.status(), bytes))
}

/// Returns the bytes after the packet, once the whole packet has come.
fn body_of(taken: &[u8]) -> Option<&[u8]> {
    taken.strip_prefix(PACKET)
}

/// The whole request leaves and the whole response comes, however few bytes the transport moves at a time.
#[test]
fn everything_arrives_in_pieces_of_any_length() {
    let body: Vec<u8> = (0..=255).cycle().take(300).collect();
    let answered = |taken: &[u8]| match body_of(taken) {
        Some(body) if body.len() == 300 => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            PeerState { answer: [head.as_bytes(), body].concat(), ..PeerState::default() }
        }
        _ => PeerState::default(),
    };
    for at_once in 1..=400 {
        for preloaded in [true, false] {
            let transport = TestTransport::new(at_once, &answered);
            let (status, echoed) = exchange(&transport, &body[..], 300, preloaded).unwrap();
            assert_eq!((status, echoed), (200, body.clone()), "{at_once}");
            assert_eq!(transport.taken.borrow().len(), PACKET.len() + 300);
        }
    }
}

/// The peer sends back each byte before it takes the next. A client that only wrote, or only read, would wait forever.
#[test]
fn sends_and_receives_at_the_same_time() {
    const LENGTH: usize = 100_000;
    let body: Vec<u8> = (0..=255).cycle().take(LENGTH).collect();
    let echo = |taken: &[u8]| {
        let Some(body) = body_of(taken) else { return PeerState::default() };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n");
        let answer = [head.as_bytes(), body].concat();
        PeerState { waits_for_read: answer.len(), answer, ..PeerState::default() }
    };
    for at_once in [1000, 1003, 32768, 100_000] {
        let transport = TestTransport::new(at_once, &echo);
        assert_eq!(exchange(&transport, &body[..], LENGTH as u64, false).unwrap(), (200, body.clone()), "{at_once}");
    }
}

/// A response with an error status comes before the peer has taken the whole body, at several points of the body. The peer may
/// take no more of it.
#[test]
fn an_early_error_is_received_and_ends_the_sending() {
    // Long enough for much of the body to leave while the client reads it.
    let refusal =
        [b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 5000\r\n\r\n", &b"too long".repeat(625)[..]].concat();
    for (write_fails, closed) in [(true, true), (true, false), (false, true), (false, false)] {
        for after in [0, 1, 10, 11, 100, 5000] {
            let early = |taken: &[u8]| {
                if taken.len() < after {
                    return PeerState::default();
                }
                PeerState { answer: refusal.clone(), closed, write_fails, ..PeerState::default() }
            };
            let transport = TestTransport::new(7, &early);
            let mut source = io::repeat(b'x').take(1 << 20);
            let (status, text) = exchange(&transport, &mut source, 1 << 20, false).unwrap();
            assert!(status == 413 && text.len() == 5000, "{write_fails} {closed} {after}");
            // The status of an error ends the sending, also if the peer still takes bytes.
            let taken = transport.taken.borrow().len();
            assert!(taken <= after + 200, "{taken} bytes were sent; the response came after {after}");
            assert!(source.limit() > (1 << 20) - 40_000, "more than one piece of the source was read");
        }
    }
}

/// An early response with a success status does not stop the body.
#[test]
fn an_early_success_does_not_end_the_sending() {
    let early = |taken: &[u8]| {
        let head = b"HTTP/1.1 200 OK\r\n\r\nand so on".to_vec();
        PeerState { answer: head, closed: taken.len() == PACKET.len() + 5000, ..PeerState::default() }
    };
    let transport = TestTransport::new(7, &early);
    assert_eq!(exchange(&transport, io::repeat(b'x'), 5000, false).unwrap(), (200, b"and so on".to_vec()));
    assert_eq!(transport.taken.borrow().len(), PACKET.len() + 5000);
}

/// If the response is complete before the request has left, the connection cannot be used again.
#[test]
fn the_driver_knows_whether_the_whole_request_has_left() {
    for (length, done) in [(300, false), (50, true)] {
        let early = |taken: &[u8]| match taken.len() {
            0..60 => PeerState::default(),
            _ => PeerState {
                answer: b"HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n".to_vec(),
                ..PeerState::default()
            },
        };
        let transport = TestTransport::new(60, &early);
        let (mut out, mut buffer) = (PACKET.to_vec(), Vec::new());
        let mut exchange = Exchange::new(false).with_outgoing(length);
        let mut driver = ExchangeDriver::new(&transport, Timeouts::NONE, &mut out, io::repeat(b'x'));
        driver.preload_body(&mut exchange).unwrap();
        driver.start().unwrap();
        let (_, mut body) = ResponseReader::new(driver, exchange, &mut buffer).answer().unwrap();
        assert!(body.is_ended() && body.allows_another(), "the exchange does not know what has left");
        assert_eq!(body.source_mut().is_sent(), done, "{length}");
    }
}

/// Never more of a body leaves than its declared length.
#[test]
fn sends_no_more_than_the_declared_length() {
    for declared in [0, 1, 299, 300] {
        let answered = |taken: &[u8]| match body_of(taken) {
            Some(body) if body.len() as u64 >= declared => {
                PeerState { answer: b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(), ..PeerState::default() }
            }
            _ => PeerState::default(),
        };
        for preloaded in [true, false] {
            let transport = TestTransport::new(1000, &answered);
            let mut source = &[b'x'; 300][..];
            assert_eq!(exchange(&transport, &mut source, declared, preloaded).unwrap().0, 204);
            assert_eq!(transport.taken.borrow().len() as u64, PACKET.len() as u64 + declared);
            assert_eq!(source.len() as u64, 300 - declared, "the rest of the source is not read");
        }
    }
}

#[test]
fn a_body_that_ends_early_or_fails_is_an_error() {
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(1).ok_or_else(|| io::Error::other("the disk is gone"))?;
            out[0] = b'x';
            Ok(1)
        }
    }
    let silent = |_: &[u8]| PeerState::default();
    for preloaded in [true, false] {
        let transport = TestTransport::new(1000, &silent);
        match exchange(&transport, &b"abc"[..], 5, preloaded).unwrap_err() {
            ClientErrorKind::BodyTooShort { missing } => assert_eq!(missing, 2),
            other => panic!("{other}"),
        }
        // A preloaded body is found to be too short before anything leaves.
        assert_eq!(transport.taken.borrow().len(), if preloaded { 0 } else { PACKET.len() + 3 });
        let transport = TestTransport::new(1000, &silent);
        match exchange(&transport, Failing(3), 5, preloaded).unwrap_err() {
            ClientErrorKind::Body(error) => assert_eq!(error.to_string(), "the disk is gone"),
            other => panic!("{other}"),
        }
    }
}

/// The peer closes or resets the connection without sending a byte.
#[test]
fn a_close_without_a_byte_is_no_answer() {
    for write_fails in [true, false] {
        let closes = |_: &[u8]| PeerState { closed: true, write_fails, ..PeerState::default() };
        let transport = TestTransport::new(3, &closes);
        let error = exchange(&transport, io::repeat(b'x'), 1000, false).unwrap_err();
        assert!(matches!(error, ClientErrorKind::NoAnswer(Asked::Request)), "{error}");
    }
}

/// The connection breaks while the request leaves. The read only finds its end, so the error of the write decides.
#[test]
fn the_error_of_the_write_says_why_the_connection_broke() {
    let rows = [
        (Errno::PIPE, false),
        (Errno::CONNRESET, false),
        (Errno::CONNABORTED, false),
        (Errno::TIMEDOUT, true),
        (Errno::HOSTUNREACH, true),
        (Errno::NETUNREACH, true),
        (Errno::NETDOWN, true),
    ];
    for (errno, is_write_error) in rows {
        // The connection breaks at once, inside the packet, or inside the body.
        for after in [0, 3, 100] {
            let breaks = |taken: &[u8]| {
                let broken = taken.len() >= after;
                PeerState { closed: broken, write_fails: broken, write_errno: Some(errno), ..PeerState::default() }
            };
            let transport = TestTransport::new(3, &breaks);
            match exchange(&transport, io::repeat(b'x'), 1000, false).unwrap_err() {
                ClientErrorKind::Write(error) if is_write_error => {
                    assert_eq!(error.raw_os_error(), Some(errno.raw_os_error()))
                }
                ClientErrorKind::NoAnswer(Asked::Request) if !is_write_error => {}
                other => panic!("{errno:?} after {after}: {other}"),
            }
        }
    }
    // An answer that came before the break counts.
    let answers = |taken: &[u8]| {
        let answer = b"HTTP/1.1 503 Service Unavailable\r\n\r\n".to_vec();
        let broken = taken.len() >= 100;
        let answer = if broken { answer } else { Vec::new() };
        PeerState {
            answer,
            closed: broken,
            write_fails: broken,
            write_errno: Some(Errno::TIMEDOUT),
            ..PeerState::default()
        }
    };
    let transport = TestTransport::new(3, &answers);
    assert_eq!(exchange(&transport, io::repeat(b'x'), 1000, false).unwrap(), (503, Vec::new()));
}

/// While the body leaves, the write timeout holds; after it, the read timeout.
#[test]
fn the_timeouts_follow_the_direction() {
    let takes_nothing = |_: &[u8]| PeerState { waits_for_read: 1, ..PeerState::default() };
    let transport = TestTransport::new(3, &takes_nothing);
    let error = exchange(&transport, io::repeat(b'x'), 1000, false).unwrap_err();
    assert!(matches!(error, ClientErrorKind::TimedOut(Timeout::Write(after)) if after.as_secs() == 30), "{error}");

    let sends_nothing = |_: &[u8]| PeerState::default();
    let transport = TestTransport::new(3, &sends_nothing);
    let error = exchange(&transport, io::repeat(b'x'), 1000, false).unwrap_err();
    assert!(matches!(error, ClientErrorKind::TimedOut(Timeout::Read(after)) if after.as_secs() == 60), "{error}");
    assert_eq!(transport.taken.borrow().len(), PACKET.len() + 1000);

    // After a failed write the client waits for an answer; it does not try the write again and again.
    let fails_writes = |_: &[u8]| PeerState { write_fails: true, ..PeerState::default() };
    let transport = TestTransport::new(3, &fails_writes);
    let error = exchange(&transport, io::repeat(b'x'), 1000, false).unwrap_err();
    assert!(matches!(error, ClientErrorKind::TimedOut(Timeout::Read(after)) if after.as_secs() == 60), "{error}");
}
