//! A request whose body is written.

use std::io::{self, Write};

use uwsgi::client::Exchange;

use crate::client::connection::Lease;
use crate::client::error::{ClientError, ClientErrorKind};
use crate::client::exchange_driver::Pump;
use crate::client::response::Response;
use crate::client::response_reader::ResponseReader;
use crate::transport::window::{SMALL, make_room};

/// A request whose body is being written: as many bytes as its `CONTENT_LENGTH` says, then [`finish`](Self::finish).
///
/// A server may answer before it has everything, and close. Writing fails then, and `finish` reads its answer all the same. If all
/// of the body was written, and the last of it cannot leave, an answer that is no error ends with an error.
///
/// ```
/// # use std::io::Read;
/// use std::io::Write;
/// # use uwsgi::{Modifier1, VarsEncoder};
/// # use uwsgi_io::Client;
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let mut client = Client::new(&listener.local_addr()?.to_string())?;
/// # let server = std::thread::spawn(move || {
/// #     let mut stream = listener.accept().unwrap().0;
/// #     stream.read_exact(&mut [0; 100]).unwrap();
/// #     stream.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n").unwrap();
/// # });
/// # let mut buffer = Vec::new();
/// # let mut vars = VarsEncoder::new(&mut buffer);
/// # vars.push("CONTENT_LENGTH", "1000000000000")?;
/// # let packet = vars.finish(Modifier1::WSGI, 0)?;
/// let mut sending = client.send(packet)?;
/// while sending.write_all(&[b'x'; 1024]).is_ok() {}
/// assert!(sending.left() > 0);
/// assert_eq!(sending.finish()?.status(), 413);
/// # server.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Sending<'c> {
    pump: Pump<'c, Lease<'c>, io::Empty>,
    exchange: Exchange,
    incoming: &'c mut Vec<u8>,
    /// How many bytes of an answer have come.
    filled: usize,
    address: &'c str,
    keep: bool,
}

impl<'c> Sending<'c> {
    pub(crate) fn new(
        pump: Pump<'c, Lease<'c>, io::Empty>,
        exchange: Exchange,
        incoming: &'c mut Vec<u8>,
        address: &'c str,
        keep: bool,
    ) -> Self {
        make_room(incoming, SMALL);
        Self { pump, exchange, incoming, filled: 0, address, keep }
    }

    /// How many bytes of the body have yet to be written.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.exchange.outgoing()
    }

    /// Whether an answer has begun to come. It may say that the rest of the body is not wanted.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.filled > 0
    }

    /// Reads the answer, up to its final head; interim answers are passed over.
    ///
    /// # Errors
    ///
    /// [`ClientErrorKind::BodyTooShort`] where bytes of the body are missing and no answer has come, or only a 101; else as
    /// [`Client::request`](crate::Client::request).
    pub fn finish(mut self) -> Result<Response<'c, io::Empty>, ClientError> {
        let address = self.address;
        let is_whole = self.exchange.outgoing() == 0;
        if !is_whole {
            let too_short = ClientErrorKind::BodyTooShort { missing: self.exchange.outgoing() };
            if !self.is_answered() && !self.pump.is_broken() {
                return Err(ClientError::new(address, too_short));
            }
            self.pump.give_up(io::Error::new(io::ErrorKind::BrokenPipe, too_short));
        }
        let reader = ResponseReader::behind(self.pump, self.exchange, self.incoming, self.filled);
        Response::read(reader, address, (self.keep, is_whole), |_| ()).map_err(|kind| ClientError::new(address, kind))
    }
}

impl Write for Sending<'_> {
    /// Takes bytes of the body; they leave together with others, or when [flushed](Self::flush).
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) behind the declared length,
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) or [`ConnectionReset`](io::ErrorKind::ConnectionReset) where the server
    /// takes no more.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if self.pump.room() == 0 {
            self.flush()?;
        }
        let leaves = self.exchange.send(bytes.len().min(self.pump.room()));
        if leaves == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the body is longer than its CONTENT_LENGTH"));
        }
        self.pump.push(bytes.get(..leaves).unwrap_or_default());
        Ok(leaves)
    }

    /// Waits until everything that was written has left.
    fn flush(&mut self) -> io::Result<()> {
        self.pump.drain(self.incoming, &mut self.filled)
    }
}
