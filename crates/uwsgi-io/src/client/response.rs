//! The answer to a web request.

use std::io::{self, BufRead, Read, Write};
use std::os::fd::BorrowedFd;

use uwsgi::response::ResponseHead;

use crate::client::connection::Lease;
use crate::client::error::{Asked, ClientError, ClientErrorKind};
use crate::client::exchange_driver::Pump;
use crate::client::response_reader::{Pipe, ResponseBody, ResponseReader};

/// The answer to a request: its head, and its body to be read.
///
/// What is left of the request's own body leaves while the answer's is read, so that a server may send back what it takes.
/// A body that ends early is an error. So is a request that cannot leave: the last bytes of the answer wait for it, unless the
/// answer is an error itself. An answer that is dropped before its end closes the connection.
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
    body: ResponseBody<'c, Pump<'c, Lease<'c>, B>>,
    address: &'c str,
    keep: bool,
    /// Whether the caller has not given the rest of the request up.
    finishes: bool,
}

impl<'c, B: Read> Response<'c, B> {
    /// Reads up to the final head, and shows the interim ones. The connection is kept if it can be, and the rest of the request
    /// leaves unless the caller has given it up.
    pub(crate) fn read(
        mut reader: ResponseReader<'c, Pump<'c, Lease<'c>, B>>,
        address: &'c str,
        (keep, finishes): (bool, bool),
        mut interim: impl FnMut(&ResponseHead<'_>),
    ) -> Result<Self, ClientErrorKind> {
        let failed = |error| ClientErrorKind::of(error, Asked::Request);
        while let Some(head) = reader.interim().map_err(failed)? {
            interim(&head);
        }
        let (head, mut body) = reader.answer().map_err(failed)?;
        let (pump, exchange) = body.sending();
        if head.status() == 101 || (finishes && exchange.incoming() == Some(0)) {
            pump.finish(exchange).map_err(failed)?;
        }
        let mut response = Self { head, body, address, keep, finishes };
        response.settle();
        Ok(response)
    }

    /// The status, 100 to 999.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.head.status()
    }

    /// The head.
    #[must_use]
    pub const fn head(&self) -> &ResponseHead<'c> {
        &self.head
    }

    /// The connection as a pipe, after an answer with the status 101; what came after its head is read first. All of the
    /// request has left by then.
    #[must_use]
    pub fn into_pipe(self) -> Upgraded<'c, B> {
        Upgraded { pipe: self.body.into_pipe(), address: self.address }
    }

    /// What an error of reading the body means, with the server's address.
    #[must_use]
    pub fn explain(&self, error: io::Error) -> ClientError {
        ClientError::new(self.address, ClientErrorKind::of(error, Asked::Request))
    }

    /// Has all of the request leave before the last bytes of the answer are given, if their end is known.
    fn finish_request(&mut self) -> io::Result<()> {
        if !self.finishes {
            return Ok(());
        }
        let is_over = self.body.is_ended();
        let (pump, exchange) = self.body.sending();
        if is_over || exchange.incoming() == Some(0) { pump.finish(exchange) } else { Ok(()) }
    }

    /// Once the body has ended, the connection may go back.
    fn settle(&mut self) {
        // An answer may be whole before the request is: what has yet to leave would be lost, and the next packet taken for it.
        if self.keep && self.body.is_ended() && self.body.allows_another() && self.body.source_mut().is_done() {
            self.body.source_mut().transport_mut().give_back();
        }
    }
}

impl<B: Read> BufRead for Response<'_, B> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let is_over = self.body.fill_buf()?.is_empty();
        self.finish_request()?;
        if is_over {
            self.settle();
        }
        self.body.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.body.consume(amount);
        self.settle();
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

/// A connection behind an answer with the status 101: reads what the server sends, writes to it. The client's timeouts hold.
///
/// Reading waits for the server, and writing for room. Who has to do both at once [polls](Self::descriptor) first, once
/// [nothing is buffered](Self::buffered).
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
    pipe: Pipe<'c, Pump<'c, Lease<'c>, B>>,
    address: &'c str,
}

impl<B: Read> Upgraded<'_, B> {
    /// What was read already, and not taken yet.
    #[must_use]
    pub fn buffered(&self) -> &[u8] {
        self.pipe.buffered()
    }

    /// What an error of reading or writing means, with the server's address.
    #[must_use]
    pub fn explain(&self, error: io::Error) -> ClientError {
        ClientError::new(self.address, ClientErrorKind::of(error, Asked::Request))
    }

    /// The socket, to be polled.
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
