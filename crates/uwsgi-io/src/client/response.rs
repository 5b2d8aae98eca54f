//! The response to a web request.

use std::io::{self, BufRead, Read, Write};
use std::os::fd::BorrowedFd;

use uwsgi::response::ResponseHead;

use crate::client::connection_guard::ConnectionGuard;
use crate::client::error::{Asked, ClientError, ClientErrorKind};
use crate::client::exchange_driver::ExchangeDriver;
use crate::client::response_reader::{Pipe, ResponseBody, ResponseReader};

/// The response to a request. Read its body with [`Read`] or [`BufRead`].
///
/// Each read also sends the rest of the request, so that a server may send bytes back while it receives the body. A read fails
/// if the body of the response ends early. The last read waits until the whole request has left, and fails if the request
/// cannot leave, unless the status is that of an error or a redirect. Dropping a response before its end closes the connection.
///
/// ```
/// # use std::io::{Read, Write};
/// use std::io::BufRead;
/// # use uwsgi::{Modifier1, VarsEncoder};
/// # use uwsgi_io::Client;
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let mut client = Client::new(&listener.local_addr()?.to_string())?;
/// # let server = std::thread::spawn(move || {
/// #     let mut stream = listener.accept().unwrap().0;
/// #     stream.read_exact(&mut [0; 25]).unwrap();
/// #     stream.write_all(b"Status: 404 Not Found\r\nContent-Length: 8\r\n\r\none\ntwo\n").unwrap();
/// # });
/// # let mut buffer = Vec::new();
/// # let mut vars = VarsEncoder::new(&mut buffer);
/// # vars.push("REQUEST_METHOD", "GET")?;
/// # let packet = vars.finish(Modifier1::WSGI, 0)?;
/// let response = client.request(packet, std::io::empty())?;
/// assert_eq!(response.status(), 404);
/// assert_eq!(response.head().reason(), b"Not Found");
/// let lines: Vec<String> = response.lines().collect::<Result<_, _>>()?;
/// assert_eq!(lines, ["one", "two"]);
/// # server.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Response<'c, B> {
    head: ResponseHead<'c>,
    body: ResponseBody<'c, ExchangeDriver<'c, ConnectionGuard<'c>, B>>,
    address: &'c str,
    /// Whether the client keeps connections.
    keep: bool,
    /// Whether the rest of the request has to leave; false if the caller has given it up.
    sends_rest: bool,
}

impl<'c, B: Read> Response<'c, B> {
    /// Reads up to the final head, and calls `interim` with each interim head. `keep` and `sends_rest` are the fields of the
    /// response.
    pub(crate) fn read(
        mut reader: ResponseReader<'c, ExchangeDriver<'c, ConnectionGuard<'c>, B>>,
        address: &'c str,
        (keep, sends_rest): (bool, bool),
        mut interim: impl FnMut(&ResponseHead<'_>),
    ) -> Result<Self, ClientErrorKind> {
        let failed = |error| ClientErrorKind::from_io(error, Asked::Request);
        while let Some(head) = reader.interim().map_err(failed)? {
            interim(&head);
        }
        let (head, mut body) = reader.answer().map_err(failed)?;
        let (driver, exchange) = body.request_parts();
        if head.status() == 101 || (sends_rest && exchange.incoming() == Some(0)) {
            driver.send_rest(exchange).map_err(failed)?;
        }
        let mut response = Self { head, body, address, keep, sends_rest };
        response.keep_if_done();
        Ok(response)
    }

    /// Returns the status: 101, or 200 to 999.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.head.status()
    }

    /// Returns the head.
    #[must_use]
    pub const fn head(&self) -> &ResponseHead<'c> {
        &self.head
    }

    /// Returns the connection as a pipe, after a response with the status 101. The bytes that came after its head are read
    /// first. The whole request has left already.
    #[must_use]
    pub fn into_pipe(self) -> Upgraded<'c, B> {
        Upgraded { pipe: self.body.into_pipe(), address: self.address }
    }

    /// Returns an error of a read of the body as a [`ClientError`], with the server's address.
    #[must_use]
    pub fn explain(&self, error: io::Error) -> ClientError {
        ClientError::new(self.address, ClientErrorKind::from_io(error, Asked::Request))
    }

    /// Sends the rest of the request if no more bytes of the response will come. Called before the last bytes are returned.
    fn send_rest_if_last(&mut self) -> io::Result<()> {
        if !self.sends_rest {
            return Ok(());
        }
        let is_over = self.body.is_ended();
        let (driver, exchange) = self.body.request_parts();
        if is_over || exchange.incoming() == Some(0) { driver.send_rest(exchange) } else { Ok(()) }
    }

    /// Keeps the connection for the next request if both the request and the response are complete.
    fn keep_if_done(&mut self) {
        // A response may be complete before the request has left. Then the server would read the next packet as the rest of
        // the request.
        if self.keep && self.body.is_ended() && self.body.allows_another() && self.body.source_mut().is_sent() {
            self.body.source_mut().transport_mut().keep();
        }
    }
}

impl<B: Read> BufRead for Response<'_, B> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let is_over = self.body.fill_buf()?.is_empty();
        self.send_rest_if_last()?;
        if is_over {
            self.keep_if_done();
        }
        self.body.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.body.consume(amount);
        self.keep_if_done();
    }
}

impl<B: Read> Read for Response<'_, B> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

/// A connection after a response with the status 101, to read from the server and to write to it. The client's timeouts hold.
///
/// A read waits until the server sends bytes, and a write waits until the server takes them. To do both in one thread, read the
/// [buffered](Self::buffered) bytes first, then poll the [descriptor](Self::descriptor).
///
/// ```
/// use std::io::{Read, Write};
/// # use uwsgi::{Modifier1, VarsEncoder};
/// # use uwsgi_io::Client;
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let mut client = Client::new(&listener.local_addr()?.to_string())?;
/// # let server = std::thread::spawn(move || {
/// #     let mut stream = listener.accept().unwrap().0;
/// #     stream.read_exact(&mut [0; 24]).unwrap();
/// #     stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\n").unwrap();
/// #     let mut line = [0; 5];
/// #     stream.read_exact(&mut line).unwrap();
/// #     stream.write_all(&line).unwrap();
/// # });
/// # let mut buffer = Vec::new();
/// # let mut vars = VarsEncoder::new(&mut buffer);
/// # vars.push("HTTP_UPGRADE", "echo")?;
/// # let packet = vars.finish(Modifier1::WSGI, 0)?;
/// let response = client.request(packet, std::io::empty())?;
/// assert_eq!(response.status(), 101);
/// let mut pipe = response.into_pipe();
/// pipe.write_all(b"hello")?;
/// let mut echo = [0; 5];
/// pipe.read_exact(&mut echo)?;
/// assert_eq!(&echo, b"hello");
/// # server.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Upgraded<'c, B> {
    pipe: Pipe<'c, ExchangeDriver<'c, ConnectionGuard<'c>, B>>,
    address: &'c str,
}

impl<B: Read> Upgraded<'_, B> {
    /// Returns the bytes that were received and that no read has returned yet.
    #[must_use]
    pub fn buffered(&self) -> &[u8] {
        self.pipe.buffered()
    }

    /// Returns an error of a read or a write as a [`ClientError`], with the server's address.
    #[must_use]
    pub fn explain(&self, error: io::Error) -> ClientError {
        ClientError::new(self.address, ClientErrorKind::from_io(error, Asked::Request))
    }

    /// Returns the socket, for a poll.
    #[must_use]
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.stream().transport().descriptor()
    }
}

impl<B: Read> Read for Upgraded<'_, B> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.pipe.read(out)
    }
}

impl<B: Read> Write for Upgraded<'_, B> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pipe.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
