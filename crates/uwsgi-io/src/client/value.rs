//! The bytes that a server answers with.

use std::io::{self, Read};

use uwsgi::client::ExchangeError;

use crate::client::connection_guard::ConnectionGuard;
use crate::client::error::{Asked, ClientError, ClientErrorKind};
use crate::client::exchange_driver::ExchangeDriver;
use crate::client::response_reader::answer_error;
use crate::client::source::BufferedSource;

/// The bytes that a server answers with: the result of a function, the value of a key, or everything up to the close.
///
/// Read them with [`Read`]. A read fails if the stream ends before the announced length. A length that a server announces does
/// not allocate memory.
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
    source: BufferedSource<'c, ExchangeDriver<'c, ConnectionGuard<'c>, io::Empty>>,
    /// The bytes that are in the packet itself.
    inline: &'c [u8],
    length: Option<u64>,
    /// How many bytes are still to come after the packet; `None` up to the close.
    left: Option<u64>,
    address: &'c str,
    asked: Asked,
}

impl<'c> Value<'c> {
    /// Makes a value of the bytes in a packet and `left` bytes after it, or all bytes up to the close if `left` is `None`.
    pub(crate) fn new(
        source: BufferedSource<'c, ExchangeDriver<'c, ConnectionGuard<'c>, io::Empty>>,
        inline: &'c [u8],
        left: Option<u64>,
        address: &'c str,
        asked: Asked,
    ) -> Self {
        let here = u64::try_from(inline.len()).unwrap_or(u64::MAX);
        Self { source, inline, length: left.map(|left| left.saturating_add(here)), left, address, asked }
    }

    /// Returns the length of the whole value; `None` if it ends with the close of the connection.
    #[must_use]
    pub const fn length(&self) -> Option<u64> {
        self.length
    }

    /// Reads the rest of the value, if it has at most `most` bytes.
    ///
    /// # Errors
    ///
    /// [`ClientErrorKind::TooLong`], or the connection broke or ended early.
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

    /// Returns an error of a read as a [`ClientError`], with the server's address.
    #[must_use]
    pub fn explain(&self, error: io::Error) -> ClientError {
        ClientError::new(self.address, ClientErrorKind::from_io(error, self.asked))
    }
}

impl Read for Value<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if !self.inline.is_empty() {
            return self.inline.read(out);
        }
        let Some(left) = self.left else { return self.source.read_raw(out) };
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(out.len());
        let count = match out.get_mut(..most) {
            Some(out) if !out.is_empty() => self.source.read_raw(out)?,
            _ => return Ok(0),
        };
        if count == 0 {
            return Err(answer_error(ExchangeError::BodyCutShort { missing: left }));
        }
        self.left = Some(left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX)));
        Ok(count)
    }
}
