//! A request whose body the caller writes.

use std::io::{self, Write};

use uwsgi::client::Exchange;

use crate::client::connection_guard::ConnectionGuard;
use crate::client::error::{ClientError, ClientErrorKind};
use crate::client::exchange_driver::ExchangeDriver;
use crate::client::response::Response;
use crate::client::response_reader::ResponseReader;
use crate::client::source::INITIAL_BUFFER;
use crate::transport::window::make_room;

/// A request whose body the caller writes: as many bytes as its `CONTENT_LENGTH` says, then [`finish`](Self::finish).
///
/// A server may respond and close before it has read the whole body. Then a write fails, and `finish` still reads the response.
/// If the whole body was written but cannot leave, the last read of the response fails, unless its status is that of an error
/// or a redirect.
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
    driver: ExchangeDriver<'c, ConnectionGuard<'c>, io::Empty>,
    exchange: Exchange,
    incoming: &'c mut Vec<u8>,
    /// How many bytes of the response have come.
    filled: usize,
    address: &'c str,
    keep: bool,
}

impl<'c> Sending<'c> {
    pub(crate) fn new(
        driver: ExchangeDriver<'c, ConnectionGuard<'c>, io::Empty>,
        exchange: Exchange,
        incoming: &'c mut Vec<u8>,
        address: &'c str,
        keep: bool,
    ) -> Self {
        make_room(incoming, INITIAL_BUFFER);
        Self { driver, exchange, incoming, filled: 0, address, keep }
    }

    /// Returns how many bytes of the body the caller still has to write.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.exchange.outgoing()
    }

    /// Returns whether bytes of a response have come. The response may say that the server does not want the rest of the body.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.filled > 0
    }

    /// Reads the response up to its final head. Skips interim responses (1xx).
    ///
    /// # Errors
    ///
    /// [`ClientErrorKind::BodyTooShort`] if bytes of the body are missing and no response has come, or only a 101. Otherwise
    /// the errors of [`Client::request`](crate::Client::request).
    pub fn finish(mut self) -> Result<Response<'c, io::Empty>, ClientError> {
        let address = self.address;
        let is_whole = self.exchange.outgoing() == 0;
        if !is_whole {
            let too_short = ClientErrorKind::BodyTooShort { missing: self.exchange.outgoing() };
            if !self.is_answered() && !self.driver.has_failed() {
                return Err(ClientError::new(address, too_short));
            }
            self.driver.give_up(io::Error::new(io::ErrorKind::BrokenPipe, too_short));
        }
        let reader = ResponseReader::with_filled(self.driver, self.exchange, self.incoming, self.filled);
        Response::read(reader, address, (self.keep, is_whole), |_| ()).map_err(|kind| ClientError::new(address, kind))
    }
}

impl Write for Sending<'_> {
    /// Takes bytes of the body. They leave when the buffer is full, or in [`flush`](Self::flush) or [`finish`](Self::finish).
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) after the declared length. [`BrokenPipe`](io::ErrorKind::BrokenPipe) or
    /// [`ConnectionReset`](io::ErrorKind::ConnectionReset) if the server takes no more bytes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if self.driver.room() == 0 {
            self.flush()?;
        }
        let count = self.exchange.send(bytes.len().min(self.driver.room()));
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the body is longer than its CONTENT_LENGTH"));
        }
        self.driver.push(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    /// Waits until all written bytes have left.
    fn flush(&mut self) -> io::Result<()> {
        self.driver.send_pushed(self.incoming, &mut self.filled)
    }
}
