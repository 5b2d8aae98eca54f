//! A client that sends the bytes of a row, and reads what comes.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::answers::{Answer, Parsed, parse};
use super::backend::Backend;
use super::outcome::{Ending, Outcome, Taken};
use super::row::Row;

/// The request that shows whether a connection is open, and what the backend gets of it.
const PROBE: &[u8] = b"GET /open HTTP/1.1\r\nHost: app.example\r\n\r\n";
const PROBE_URI: &[u8] = b"/open";

/// How the bytes of a row leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pieces {
    Whole,
    Bytes,
    /// In pieces that end at random points. The number is the seed.
    Random(u64),
}

/// What came of the bytes.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) outcome: Outcome,
    pub(crate) requests: Vec<Taken>,
    /// Whether the front end has reset the connection. Some systems then drop an answer that the client has not read.
    pub(crate) is_reset: bool,
    /// What is wrong, whatever the row expects.
    pub(crate) faults: Vec<String>,
}

/// Sends the bytes of a row on a new connection to a front end, whose backend this is. Then reads until the front end has done
/// what is expected, for at most the time `most`. If nothing is expected, reads until nothing has come for this time.
pub(crate) fn play(
    front_end: SocketAddr,
    backend: &Backend,
    row: &Row,
    pieces: Pieces,
    expected: Option<&Outcome>,
    most: Duration,
) -> Seen {
    let bytes = &row.bytes[..];
    let stream = TcpStream::connect(front_end).expect("the front end listens");
    stream.set_nodelay(true).expect("a socket");
    let port = stream.local_addr().expect("a socket").port();
    backend.begin(port);
    let head_first = bytes.starts_with(b"HEAD ");
    let mut reading = Reading {
        stream: &stream,
        received: Vec::new(),
        head_first,
        numbers: 0,
        seen: Vec::new(),
        is_reset: false,
        faults: Vec::new(),
    };
    let ending = thread::scope(|scope| {
        let sender = scope.spawn(|| send(&stream, &cut(bytes, pieces), row.half_closes));
        let ending = match expected {
            Some(expected) => reading.until(expected, Instant::now() + most, || sender.join().expect("no panic")),
            None => reading.until_quiet(most),
        };
        // Ends a sender whose bytes the front end does not take.
        let _closed = stream.shutdown(Shutdown::Both);
        ending
    });
    let mut requests = backend.end(port);
    if ending == Ending::Open {
        let probe =
            requests.pop().filter(|last| last.uri == PROBE_URI && last.method == b"GET" && last.body.is_empty());
        if probe.is_none() {
            reading.faults.push("the last request at the backend is not the one after the row".to_owned());
        }
    }
    let outcome = Outcome { statuses: reading.seen, ending };
    Seen { outcome, requests, is_reset: reading.is_reset, faults: reading.faults }
}

/// Cuts bytes into pieces.
fn cut(bytes: &[u8], pieces: Pieces) -> Vec<&[u8]> {
    match pieces {
        Pieces::Whole => vec![bytes],
        Pieces::Bytes => bytes.chunks(1).collect(),
        Pieces::Random(seed) => {
            // xorshift64, Marsaglia 2003. The state must not be 0.
            let mut state = seed | 1;
            let mut random = |below: usize| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state % below.max(1) as u64) as usize
            };
            let mut points: Vec<usize> = (0..1 + random(8)).map(|_| random(bytes.len())).collect();
            points.extend([0, bytes.len()]);
            points.sort_unstable();
            points.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).filter(|piece| !piece.is_empty()).collect()
        }
    }
}

fn send(mut stream: &TcpStream, pieces: &[&[u8]], half_closes: bool) {
    for (index, piece) in pieces.iter().enumerate() {
        // A front end that has closed the connection resets it. What it answered is read all the same.
        if stream.write_all(piece).is_err() {
            return;
        }
        // Lets the front end read the piece alone. Nothing tells when it has done that. In long rows only the first and the last
        // pieces are apart.
        if index < 500 || index + 500 > pieces.len() {
            thread::sleep(Duration::from_micros(20));
        }
    }
    if half_closes {
        // It fails if the front end has closed the connection.
        let _closed = stream.shutdown(Shutdown::Write);
    }
}

/// The answers of one connection.
struct Reading<'s> {
    stream: &'s TcpStream,
    received: Vec<u8>,
    /// Whether the first answer is one to HEAD.
    head_first: bool,
    /// How many answers of the backend came.
    numbers: usize,
    seen: Vec<u16>,
    is_reset: bool,
    faults: Vec<String>,
}

/// What a read brought.
enum Brought {
    Bytes,
    Nothing,
    End,
}

impl Reading<'_> {
    /// Reads until the expected answers and the expected ending have come. `sent` waits until all bytes have left.
    fn until(&mut self, expected: &Outcome, deadline: Instant, sent: impl FnOnce()) -> Ending {
        if let Some(ending) = self.read(deadline, |reading| reading.seen.len() >= expected.statuses.len()) {
            return ending;
        }
        if expected.ending == Ending::Closed {
            return self.read(deadline, |_| false).unwrap_or(Ending::Waits);
        }
        sent();
        self.probe(deadline)
    }

    fn until_quiet(&mut self, quiet: Duration) -> Ending {
        let mut deadline = Instant::now() + quiet;
        loop {
            match self.read_once(deadline) {
                Brought::Bytes => deadline = Instant::now() + quiet,
                Brought::Nothing => return self.probe(Instant::now() + quiet),
                Brought::End => return self.ended(),
            }
        }
    }

    /// Sends one more request, and returns whether it is answered.
    fn probe(&mut self, deadline: Instant) -> Ending {
        let mut stream = self.stream;
        let before = self.seen.len();
        if stream.write_all(PROBE).is_err() {
            return self.read(deadline, |_| false).unwrap_or(Ending::Closed);
        }
        match self.read(deadline, |reading| reading.seen.len() > before) {
            // The row has the status of this answer only if it is not the expected one.
            None if self.seen.last() == Some(&200) => {
                self.seen.pop();
                Ending::Open
            }
            None => self.read(deadline, |_| false).unwrap_or(Ending::Waits),
            Some(ending) => ending,
        }
    }

    /// Reads until `enough`, and returns `None`; or to the end of the connection or the deadline.
    fn read(&mut self, deadline: Instant, enough: impl Fn(&Self) -> bool) -> Option<Ending> {
        while !enough(self) {
            match self.read_once(deadline) {
                Brought::Bytes => {}
                Brought::Nothing => return Some(Ending::Waits),
                Brought::End => return Some(self.ended()),
            }
        }
        None
    }

    fn read_once(&mut self, deadline: Instant) -> Brought {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Brought::Nothing;
        }
        self.stream.set_read_timeout(Some(left)).expect("a socket");
        let mut buffer = [0; 16 << 10];
        let mut stream = self.stream;
        match stream.read(&mut buffer) {
            Ok(0) => Brought::End,
            Ok(count) => {
                self.received.extend_from_slice(&buffer[..count]);
                self.parse(false);
                Brought::Bytes
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Brought::Nothing,
            Err(_) => {
                self.is_reset = true;
                Brought::End
            }
        }
    }

    /// Notes what the end of the connection means for the last answer.
    fn ended(&mut self) -> Ending {
        self.parse(true);
        if !self.received.is_empty() {
            self.faults.push(format!("an answer is not whole: {}", self.received.escape_ascii()));
        }
        Ending::Closed
    }

    fn parse(&mut self, is_end: bool) {
        loop {
            let to_head = self.head_first && self.seen.iter().all(|status| *status < 200);
            match parse(&self.received, to_head, is_end) {
                Parsed::Partial => return,
                Parsed::Whole(answer, length) => {
                    self.received.drain(..length);
                    self.check(&answer);
                    self.seen.push(answer.status);
                }
            }
        }
    }

    /// The answers of the backend have its numbers in order, and whole bodies.
    fn check(&mut self, answer: &Answer) {
        let Some(number) = &answer.number else { return };
        self.numbers += 1;
        if *number != self.numbers.to_string() {
            self.faults.push(format!("answer {} of the backend has the number {number}", self.numbers));
        }
        let expected = if answer.has_no_body { String::new() } else { format!("answer {number}") };
        if answer.body != expected.as_bytes() {
            self.faults.push(format!("answer {number} has the body {}", answer.body.escape_ascii()));
        }
    }
}

#[test]
fn pieces_are_the_whole() {
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(cut(&bytes, Pieces::Bytes).len(), 256);
    for seed in 0..100 {
        let pieces = cut(&bytes, Pieces::Random(seed));
        assert_eq!(pieces.concat(), bytes);
        assert!(pieces.len() > 1 || seed > 0, "{seed}");
    }
}
