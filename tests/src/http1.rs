//! A client for HTTP/1.1 front ends that shows everything it receives and hides nothing.
//!
//! It sends the bytes that a test gives it, valid or not. All reads and writes end at the connection's deadline.

use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// The longest line of a head, and the most header lines.
const LINE: u64 = 256 * 1024;
const LINES: usize = 256;

/// One connection to a front end.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<Box<dyn Stream>>,
    /// The socket under the stream, to half-close and close the connection.
    socket: TcpStream,
    is_plain: bool,
    until: Deadline,
}

/// The deadline of one connection, shared by all that reads and writes on it.
type Deadline = Arc<Mutex<Instant>>;

/// A stream of bytes: a socket, or TLS over it.
pub trait Stream: Read + Write + fmt::Debug + Send {}

impl<S: Read + Write + fmt::Debug + Send> Stream for S {}

/// A socket whose reads and writes end at a deadline.
#[derive(Debug)]
pub struct DeadlineSocket {
    socket: TcpStream,
    until: Deadline,
}

impl Connection {
    /// Opens a connection over TCP. The deadline is `within` from now.
    ///
    /// # Errors
    ///
    /// From the system.
    pub fn open(to: SocketAddr, within: Duration) -> io::Result<Self> {
        Self::layered(to, within, |socket| Box::new(socket)).map(|connection| Self { is_plain: true, ..connection })
    }

    /// Opens a connection over TCP with a layer such as TLS over it. The deadline is `within` from now.
    ///
    /// # Errors
    ///
    /// From the system.
    pub fn layered(
        to: SocketAddr,
        within: Duration,
        layer: impl FnOnce(DeadlineSocket) -> Box<dyn Stream>,
    ) -> io::Result<Self> {
        let until = Arc::new(Mutex::new(Instant::now() + within));
        let socket = TcpStream::connect_timeout(&to, within)?;
        socket.set_nodelay(true)?;
        let stream = layer(DeadlineSocket { socket: socket.try_clone()?, until: Arc::clone(&until) });
        Ok(Self { reader: BufReader::new(stream), socket, is_plain: false, until })
    }

    /// Returns the address of this side.
    ///
    /// # Errors
    ///
    /// From the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Moves the deadline to `time` from now.
    pub fn give(&self, time: Duration) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + time;
    }

    /// Sends these bytes.
    ///
    /// # Errors
    ///
    /// From the system; `TimedOut` after the deadline.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)?;
        self.reader.get_mut().flush()
    }

    /// Half-closes the connection: no more bytes come from this side.
    ///
    /// # Errors
    ///
    /// From the system.
    pub fn end(&mut self) -> io::Result<()> {
        self.socket.shutdown(Shutdown::Write)
    }

    /// Sends a request and reads its response. Over a plain socket it does both at once: a front end may respond before it
    /// has read the whole request, and then stop reading. Unsent bytes are no error, but the connection is then closed.
    ///
    /// # Errors
    ///
    /// Those of [`answer`](Self::answer).
    pub fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        let to_head = request.starts_with(b"HEAD ");
        if !self.is_plain {
            self.send(request)?;
            return self.answer(to_head);
        }
        let mut sender = DeadlineSocket { socket: self.socket.try_clone()?, until: Arc::clone(&self.until) };
        let (done, sent) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(move || {
                let _not_taken = sender.write_all(request);
                let _gone = done.send(());
            });
            let answer = self.answer(to_head);
            // The response to the last bytes may arrive before the call that sends them returns. A small request always
            // fits in the socket's buffer, so that call returns for certain.
            let timeout = if request.len() <= 16_384 { 20_000 } else { 300 };
            if sent.recv_timeout(Duration::from_millis(timeout)).is_err() {
                let _gone = self.socket.shutdown(Shutdown::Both);
            }
            answer
        })
    }

    /// Reads one response to its end, with the interim responses before it.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` if the connection closed before the head was whole, `InvalidData` if the bytes are not HTTP,
    /// `TimedOut` after the deadline, and others from the system. A body that ends too early is no error: see
    /// [`End::Cut`].
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

    /// Reads the body of this head as far as it comes; returns it and how it ended.
    ///
    /// # Errors
    ///
    /// `InvalidData` if its Content-Length is not a number.
    pub fn body(&mut self, head: &Head, to_head: bool) -> io::Result<(Vec<u8>, End)> {
        let mut body = Vec::new();
        let end = if to_head || matches!(head.status, 101 | 204 | 304) {
            End::Whole
        } else if head.header("transfer-encoding").is_some() {
            self.chunks(&mut body).map_or_else(End::cut, |()| End::Whole)
        } else if let Some(length) = head.header("content-length") {
            let length = length.parse().map_err(|_| invalid_data("a Content-Length that is not a number"))?;
            self.take(length, &mut body).map_or_else(End::cut, |()| End::Whole)
        } else {
            self.reader.read_to_end(&mut body).map_or_else(End::cut, |_| End::Closed)
        };
        Ok((body, end))
    }

    /// Reads one head, interim or final.
    ///
    /// # Errors
    ///
    /// Those of [`answer`](Self::answer).
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

    /// Reads exactly `count` bytes of any kind.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` if fewer bytes come, and others from the system.
    pub fn bytes(&mut self, count: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.take(count, &mut bytes).map(|()| bytes)
    }

    /// Reads all bytes to the end of the stream.
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
            _ => Err(io::Error::new(ErrorKind::UnexpectedEof, "the connection closed before the end of a line")),
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
            let size = size.ok_or_else(|| invalid_data("a chunk without a size"))?;
            if size > 0 {
                self.take(size, body)?;
            }
            line.clear();
            self.line(&mut line)?;
            // The line after data is empty. After the last chunk there may be trailers before the empty line.
            while size == 0 && line != b"\r\n" {
                line.clear();
                self.line(&mut line)?;
            }
            if line != b"\r\n" {
                return Err(invalid_data("a chunk longer than its size"));
            }
            if size == 0 {
                return Ok(());
            }
        }
    }
}

impl DeadlineSocket {
    fn left(&self) -> io::Result<Option<Duration>> {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

/// Returns the error with the kind `TimedOut` if it is a timeout: systems report timeouts with different kinds.
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { error }
}

impl Read for DeadlineSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(self.left()?)?;
        self.socket.read(buffer).map_err(timed_out)
    }
}

impl Write for DeadlineSocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(self.left()?)?;
        self.socket.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The head of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    pub reason: String,
    /// The headers in order; values as latin-1.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// Parses a head from all of these bytes.
    ///
    /// # Errors
    ///
    /// `InvalidData`
    pub fn parse(bytes: &[u8]) -> io::Result<Self> {
        let mut headers = [httparse::EMPTY_HEADER; LINES];
        let mut head = httparse::Response::new(&mut headers);
        match head.parse(bytes) {
            Ok(httparse::Status::Complete(end)) if end == bytes.len() => {}
            Ok(_) => return Err(invalid_data("the bytes are not exactly one head")),
            Err(error) => return Err(invalid_data(&format!("{error}: {}", bytes.escape_ascii()))),
        }
        let pairs = head.headers.iter().map(|header| (header.name.to_owned(), latin1(header.value)));
        Ok(Self {
            status: head.code.unwrap_or_default(),
            reason: head.reason.unwrap_or_default().to_owned(),
            headers: pairs.collect(),
        })
    }

    /// Returns the first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Returns all headers of this name, in any case.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

/// One response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The heads of the interim responses.
    pub interim: Vec<Head>,
    pub head: Head,
    /// The body as far as it came, without the chunked coding.
    pub body: Vec<u8>,
    pub end: End,
}

/// How a body ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// By the close of the connection: the head gave no length.
    Closed,
    /// Too early; the text says why.
    Cut(String),
    /// Where the head said.
    Whole,
}

impl End {
    fn cut(error: io::Error) -> Self {
        Self::Cut(error.to_string())
    }
}

fn invalid_data(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what.to_owned())
}

/// Turns each byte into one character.
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
