//! A client of HTTP/1.1 front ends, which shows everything that came and hides nothing.
//!
//! It sends the bytes that it is given, so that a test says what a client may do, right or wrong. All of it is bounded
//! by the time that is given with the connection, or later.

use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// The longest line, and the most lines, that anybody's head has here.
const LINE: u64 = 256 * 1024;
const LINES: usize = 256;

/// One connection to a front end.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<Box<dyn Stream>>,
    /// The socket below, for what is done beside reading.
    socket: TcpStream,
    is_plain: bool,
    until: Deadline,
}

/// Shared by everything that reads and writes on one connection.
type Deadline = Arc<Mutex<Instant>>;

/// What bytes go through: a socket, or TLS over it.
pub trait Stream: Read + Write + fmt::Debug + Send {}

impl<S: Read + Write + fmt::Debug + Send> Stream for S {}

/// A socket whose reads and writes end in time.
#[derive(Debug)]
pub struct Bounded {
    socket: TcpStream,
    until: Deadline,
}

impl Connection {
    /// A connection over TCP, for so long at most.
    ///
    /// # Errors
    ///
    /// From the system.
    pub fn open(to: SocketAddr, within: Duration) -> io::Result<Self> {
        Self::layered(to, within, |socket| Box::new(socket)).map(|connection| Self { is_plain: true, ..connection })
    }

    /// A connection with something over TCP: TLS.
    ///
    /// # Errors
    ///
    /// From the system.
    pub fn layered(
        to: SocketAddr,
        within: Duration,
        layer: impl FnOnce(Bounded) -> Box<dyn Stream>,
    ) -> io::Result<Self> {
        let until = Arc::new(Mutex::new(Instant::now() + within));
        let socket = TcpStream::connect_timeout(&to, within)?;
        socket.set_nodelay(true)?;
        let stream = layer(Bounded { socket: socket.try_clone()?, until: Arc::clone(&until) });
        Ok(Self { reader: BufReader::new(stream), socket, is_plain: false, until })
    }

    /// Gives everything from now on so much time.
    pub fn give(&self, time: Duration) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + time;
    }

    /// Sends these bytes.
    ///
    /// # Errors
    ///
    /// From the system; `TimedOut` once the time is over.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)?;
        self.reader.get_mut().flush()
    }

    /// Says that no more bytes come.
    ///
    /// # Errors
    ///
    /// From the system.
    pub fn end(&mut self) -> io::Result<()> {
        self.socket.shutdown(Shutdown::Write)
    }

    /// Sends a request and reads its answer, both at once where no TLS is between: a front end may answer before the end
    /// of what it is sent, and then stop reading. What it did not take is no error, but ends the connection.
    ///
    /// # Errors
    ///
    /// As [`answer`](Self::answer).
    pub fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        let to_head = request.starts_with(b"HEAD ");
        if !self.is_plain {
            self.send(request)?;
            return self.answer(to_head);
        }
        let mut sender = Bounded { socket: self.socket.try_clone()?, until: Arc::clone(&self.until) };
        let (done, sent) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(move || {
                let _not_taken = sender.write_all(request);
                let _gone = done.send(());
            });
            let answer = self.answer(to_head);
            // The last bytes may have been answered before the call that sent them is back. A small request has room
            // in the socket whether or not it is read: that call comes back for certain.
            let patience = if request.len() <= 16_384 { 20_000 } else { 300 };
            if sent.recv_timeout(Duration::from_millis(patience)).is_err() {
                let _gone = self.socket.shutdown(Shutdown::Both);
            }
            answer
        })
    }

    /// Reads one answer to its end, with the interim ones before it.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` if the connection closed before a byte or within a head, `InvalidData` if it is no HTTP, `TimedOut`
    /// once the time is over, and others from the system. A body that ends too early is an answer: see [`End::Cut`].
    pub fn answer(&mut self, to_head: bool) -> io::Result<Answer> {
        let mut interim = Vec::new();
        let head = loop {
            let head = self.head()?;
            if !(100..200).contains(&head.status) || head.status == 101 {
                break head;
            }
            interim.push(head);
        };
        let (body, end) = self.body(&head, to_head)?;
        Ok(Answer { interim, head, body, end })
    }

    /// Reads the body that belongs to this head, as far as it comes, and how it ends.
    ///
    /// # Errors
    ///
    /// `InvalidData` if its length is no number.
    pub fn body(&mut self, head: &Head, to_head: bool) -> io::Result<(Vec<u8>, End)> {
        let mut body = Vec::new();
        let end = if to_head || matches!(head.status, 101 | 204 | 304) {
            End::Whole
        } else if head.header("transfer-encoding").is_some() {
            self.chunks(&mut body).map_or_else(End::cut, |()| End::Whole)
        } else if let Some(length) = head.header("content-length") {
            let length = length.parse().map_err(|_| wrong("a Content-Length that is no number"))?;
            self.take(length, &mut body).map_or_else(End::cut, |()| End::Whole)
        } else {
            self.reader.read_to_end(&mut body).map_or_else(End::cut, |_| End::Closed)
        };
        Ok((body, end))
    }

    /// Reads one head, interim or not.
    ///
    /// # Errors
    ///
    /// As [`answer`](Self::answer).
    pub fn head(&mut self) -> io::Result<Head> {
        let mut bytes = Vec::new();
        loop {
            let from = bytes.len();
            self.line(&mut bytes)?;
            if matches!(&bytes[from..], b"\n" | b"\r\n") {
                return Head::parse(&bytes);
            }
        }
    }

    /// Reads exactly so many bytes, whatever they are.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` if there are fewer, and from the system.
    pub fn bytes(&mut self, count: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.take(count, &mut bytes).map(|()| bytes)
    }

    /// Reads whatever comes up to the end.
    ///
    /// # Errors
    ///
    /// From the system.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).map(|_| rest)
    }

    fn line(&mut self, line: &mut Vec<u8>) -> io::Result<()> {
        (&mut self.reader).take(LINE).read_until(b'\n', line)?;
        match line.last() {
            Some(b'\n') => Ok(()),
            _ => Err(io::Error::new(ErrorKind::UnexpectedEof, "the connection closed within a line, or before one")),
        }
    }

    fn take(&mut self, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
        let got = (&mut self.reader).take(length).read_to_end(body)? as u64;
        if got < length {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, format!("{} bytes are missing", length - got)));
        }
        Ok(())
    }

    fn chunks(&mut self, body: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let mut line = Vec::new();
            self.line(&mut line)?;
            let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
            let size = str::from_utf8(size.trim_ascii()).ok().and_then(|size| u64::from_str_radix(size, 16).ok());
            let size = size.ok_or_else(|| wrong("a chunk without a size"))?;
            if size > 0 {
                self.take(size, body)?;
            }
            line.clear();
            self.line(&mut line)?;
            // The line behind data is empty; behind the last chunk there may be trailers before the empty line.
            while size == 0 && line != b"\r\n" {
                line.clear();
                self.line(&mut line)?;
            }
            if line != b"\r\n" {
                return Err(wrong("a chunk longer than its size"));
            }
            if size == 0 {
                return Ok(());
            }
        }
    }
}

impl Bounded {
    fn left(&self) -> io::Result<Option<Duration>> {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

/// What the system calls a timeout differs.
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { error }
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(self.left()?)?;
        self.socket.read(buffer).map_err(timed_out)
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(self.left()?)?;
        self.socket.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The head of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    pub reason: String,
    /// As they came; values as latin-1.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// The head that is all of these bytes.
    ///
    /// # Errors
    ///
    /// `InvalidData`
    pub fn parse(bytes: &[u8]) -> io::Result<Self> {
        let mut headers = [httparse::EMPTY_HEADER; LINES];
        let mut head = httparse::Response::new(&mut headers);
        match head.parse(bytes) {
            Ok(httparse::Status::Complete(end)) if end == bytes.len() => {}
            Ok(_) => return Err(wrong("a head that ends elsewhere")),
            Err(error) => return Err(wrong(&format!("{error}: {}", bytes.escape_ascii()))),
        }
        let pairs = head.headers.iter().map(|header| (header.name.to_owned(), latin1(header.value)));
        Ok(Self {
            status: head.code.unwrap_or_default(),
            reason: head.reason.unwrap_or_default().to_owned(),
            headers: pairs.collect(),
        })
    }

    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All headers of this name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The heads of interim answers.
    pub interim: Vec<Head>,
    pub head: Head,
    /// What came of it, chunks taken apart.
    pub body: Vec<u8>,
    pub end: End,
}

/// How a body ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// By the close of the connection, as there was no length.
    Closed,
    /// Too early, and why.
    Cut(String),
    /// Where its head said.
    Whole,
}

impl End {
    fn cut(error: io::Error) -> Self {
        Self::Cut(error.to_string())
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what.to_owned())
}

/// One character for one byte.
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
