//! A blocking client of one server.

use core::time::Duration;

use uwsgi::client::{Address, AddressError};
use uwsgi::response::HeadLimits;

use crate::client::error::{ClientError, ClientErrorKind};
use crate::client::settings::Settings;
use crate::transport::socket::Socket;

/// A client of one server, over TCP or a Unix socket.
///
/// Each call connects, unless a [kept](Self::with_keepalive) connection is there, and what it reads goes into buffers that
/// the next call uses again. [`request`](Self::request) is for web requests; [`ping`](Self::ping), [`rpc`](Self::rpc),
/// [`cache`](Self::cache), [`spool`](Self::spool) and [`signal`](Self::signal) are for what else uWSGI takes, and
/// [`raw`](Self::raw) is for all that is none of these.
///
/// ```
/// # use std::io::Write;
/// use std::io::Read;
/// use uwsgi::{Modifier1, VarsEncoder};
/// use uwsgi_io::Client;
///
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let address = listener.local_addr()?.to_string();
/// # let server = std::thread::spawn(move || {
/// #     let mut stream = listener.accept().unwrap().0;
/// #     stream.read_exact(&mut [0; 65]).unwrap();
/// #     stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
/// # });
/// let mut client = Client::new(&address)?; // or "unix:/run/app.sock"
///
/// let mut buffer = Vec::new();
/// let mut vars = VarsEncoder::new(&mut buffer);
/// vars.push("REQUEST_METHOD", "POST")?;
/// vars.push("PATH_INFO", "/form")?;
/// vars.push_number("CONTENT_LENGTH", 5)?;
/// let packet = vars.finish(Modifier1::WSGI, 0)?;
///
/// let mut response = client.request(packet, &b"hello"[..])?;
/// assert_eq!(response.status(), 200);
/// let mut text = String::new();
/// response.read_to_string(&mut text)?;
/// assert_eq!(text, "ok");
/// # server.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Client {
    /// As [`Address::parse`] reads it.
    pub(super) address: String,
    pub(super) settings: Settings,
    pub(super) connection: Option<Socket>,
    /// What is read.
    pub(super) incoming: Vec<u8>,
    /// What is written.
    pub(super) outgoing: Vec<u8>,
}

impl Client {
    /// A client of the server that listens there: `127.0.0.1:3031`, `unix:/run/app.sock`, and whatever else an
    /// [`Address`] may be. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// The text is no address, or [none to connect to](Address::to_connect).
    pub fn new(address: &str) -> Result<Self, AddressError> {
        Address::parse(address)?.to_connect().map(Self::from)
    }

    /// The same client, waiting so long at most for a connection; 10 s unless told otherwise. To look up a name is not in it.
    #[must_use]
    pub const fn with_connect_timeout(mut self, after: Duration) -> Self {
        self.settings.connect = after;
        self
    }

    /// The same client, waiting so long at most for the next byte of an answer; 60 s unless told otherwise.
    #[must_use]
    pub const fn with_read_timeout(mut self, after: Duration) -> Self {
        self.settings.read = after;
        self
    }

    /// The same client, waiting so long at most for the next byte of a request to be taken; 60 s unless told otherwise.
    #[must_use]
    pub const fn with_write_timeout(mut self, after: Duration) -> Self {
        self.settings.write = after;
        self
    }

    /// The same client, with so long at most for each call, from the connection to the answer's last byte; no limit unless
    /// told otherwise.
    #[must_use]
    pub const fn with_total_timeout(mut self, after: Duration) -> Self {
        self.settings.total = after;
        self
    }

    /// The same client, using a connection for further web requests where the server allows it: where its answer is one of
    /// HTTP/1.1 that says `Connection: keep-alive`, and its end is known without a close. Most close it: uWSGI and gunicorn's
    /// sync workers always do. A request that says nothing of a body gets a `CONTENT_LENGTH` of 0, without which no server could
    /// go on.
    ///
    /// A kept connection that the server has closed is noticed, and the request is sent on a new one, if nothing of it can
    /// have reached the server. See [`retrying_idempotent`](Self::retrying_idempotent) for more.
    #[must_use]
    pub const fn with_keepalive(mut self, keepalive: bool) -> Self {
        self.settings.keepalive = keepalive;
        self
    }

    /// The same client, which also asks again on a new connection if a [kept](Self::with_keepalive) one is closed after the
    /// request and before a byte of an answer: once, and only if the method is idempotent (RFC 9110 section 9.2.2) and the body
    /// can be sent from its first byte, as one that fits into 32 KiB with its packet can. [`FailedAttempt`] is the rule.
    ///
    /// That hides the closes of a server that has lost its patience just then. But the server may have read the request, and
    /// done what it asks for.
    #[must_use]
    pub const fn retrying_idempotent(mut self) -> Self {
        self.settings.retries = true;
        self
    }

    /// The same client, with other limits for the heads of answers.
    #[must_use]
    pub const fn with_head_limits(mut self, limits: HeadLimits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Where the server listens, as [`Address`] writes it.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn fail(&self, kind: ClientErrorKind) -> ClientError {
        ClientError::new(&self.address, kind)
    }
}

impl From<Address<'_>> for Client {
    fn from(address: Address<'_>) -> Self {
        Self {
            address: address.to_string(),
            settings: Settings::default(),
            connection: None,
            incoming: Vec::new(),
            outgoing: Vec::new(),
        }
    }
}
