//! Answers that are packets, and the bytes behind them.

use std::io::{self, Read};

use uwsgi::client::ExchangeError;

use crate::client::connection::Lease;
use crate::client::error::{Asked, ClientError, ClientErrorKind};
use crate::client::exchange_driver::Pump;
use crate::client::response_reader::broken;
use crate::client::source::Incoming;

/// Bytes that a server answers with: the result of a function, the value of a key, or whatever comes up to the close.
///
/// They are read as they come; an end before their length is an error. No memory is set aside for what a server announces.
///
/// ```
/// use std::io::Read;
/// # use std::io::Write;
/// # use uwsgi_io::Client;
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let mut client = Client::new(&listener.local_addr()?.to_string())?;
/// # let server = std::thread::spawn(move || {
/// #     let mut stream = listener.accept().unwrap().0;
/// #     stream.read_exact(&mut [0; 10]).unwrap();
/// #     stream.write_all(b"\xad\x05\x00\x00hello").unwrap();
/// # });
/// let mut value = client.rpc("name", None::<&str>)?;
/// assert_eq!(value.length(), Some(5));
/// let mut begin = [0; 2];
/// value.read_exact(&mut begin)?;
/// assert_eq!(&begin, b"he");
/// assert_eq!(value.into_vec(1024)?, b"llo"); // what is left
/// # server.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Value<'c> {
    incoming: Incoming<'c, Pump<'c, Lease<'c>, io::Empty>>,
    /// What was in the packet itself.
    inline: &'c [u8],
    length: Option<u64>,
    /// How many bytes have yet to come behind the packet.
    left: Option<u64>,
    address: &'c str,
    asked: Asked,
}

impl<'c> Value<'c> {
    /// Bytes in a packet, and so many behind it; up to the close where there is no number.
    pub(crate) fn new(
        incoming: Incoming<'c, Pump<'c, Lease<'c>, io::Empty>>,
        inline: &'c [u8],
        left: Option<u64>,
        address: &'c str,
        asked: Asked,
    ) -> Self {
        let here = u64::try_from(inline.len()).unwrap_or(u64::MAX);
        Self { incoming, inline, length: left.map(|left| left.saturating_add(here)), left, address, asked }
    }

    /// How many bytes there are all in all; nothing where only the close will tell.
    #[must_use]
    pub const fn length(&self) -> Option<u64> {
        self.length
    }

    /// All bytes that were not read yet, if there are no more than `most`.
    ///
    /// # Errors
    ///
    /// [`ClientErrorKind::TooLong`], or the connection broke, or it ended early.
    pub fn into_vec(mut self, most: usize) -> Result<Vec<u8>, ClientError> {
        let limit = u64::try_from(most).unwrap_or(u64::MAX);
        let here = u64::try_from(self.inline.len()).unwrap_or(u64::MAX);
        if self.left.is_some_and(|left| left.saturating_add(here) > limit) {
            return Err(ClientError::new(self.address, ClientErrorKind::TooLong { most: limit }));
        }
        let mut bytes = Vec::new();
        if let Err(error) = self.by_ref().take(limit.saturating_add(1)).read_to_end(&mut bytes) {
            return Err(self.explain(error));
        }
        if bytes.len() > most {
            return Err(ClientError::new(self.address, ClientErrorKind::TooLong { most: limit }));
        }
        Ok(bytes)
    }

    /// What an error of reading means, with the server's address.
    #[must_use]
    pub fn explain(&self, error: io::Error) -> ClientError {
        ClientError::new(self.address, ClientErrorKind::of(error, self.asked))
    }
}

impl Read for Value<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if !self.inline.is_empty() {
            return self.inline.read(out);
        }
        let Some(left) = self.left else { return self.incoming.take(out) };
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(out.len());
        let count = match out.get_mut(..most) {
            Some(out) if !out.is_empty() => self.incoming.take(out)?,
            _ => return Ok(0),
        };
        if count == 0 {
            return Err(broken(ExchangeError::BodyCutShort { missing: left }));
        }
        self.left = Some(left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX)));
        Ok(count)
    }
}
