//! A blocking client of one server.

use core::time::Duration;

use uwsgi::response::HeadLimits;
use uwsgi::{Address, AddressError};

use crate::client::error::{ClientError, ClientErrorKind};
use crate::client::settings::Settings;
use crate::transport::socket::Socket;

/// A client of one server, over TCP or a Unix socket.
///
/// Each call makes a new connection, unless the client has [kept](Self::with_keepalive) one. All calls use the same buffers.
///
/// [`request`](Self::request) sends web requests, whose packets a [`RequestBuilder`](uwsgi::client::RequestBuilder) makes.
/// [`ping`](Self::ping), [`rpc`](Self::rpc), [`cache`](Self::cache), [`spool`](Self::spool) and [`signal`](Self::signal) send
/// the other messages that uWSGI takes. [`raw`](Self::raw) sends any bytes.
///
/// ```
/// # use std::io::Write;
/// use std::io::Read;
/// use uwsgi::Modifier1;
/// use uwsgi::client::RequestBuilder;
/// use uwsgi_io::Client;
///
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let address = listener.local_addr()?.to_string();
/// # let server = std::thread::spawn(move || {
/// #     let mut stream = listener.accept().unwrap().0;
/// #     stream.read_exact(&mut [0; 209]).unwrap();
/// #     stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
/// # });
/// let mut client = Client::new(&address)?; // or "unix:/run/app.sock"
///
/// let mut buffer = Vec::new();
/// let request = RequestBuilder::new("POST", "/form").with_content_length(5);
/// let packet = request.encode(&mut buffer)?.finish(Modifier1::WSGI, 0)?;
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
    /// An address that [`Address::parse`] accepts.
    pub(super) address: String,
    pub(super) settings: Settings,
    pub(super) connection: Option<Socket>,
    /// The buffer for the bytes that are read.
    pub(super) incoming: Vec<u8>,
    /// The buffer for the bytes that are written.
    pub(super) outgoing: Vec<u8>,
}

impl Client {
    /// Returns a client of the server at an [`Address`], such as `127.0.0.1:3031` or `unix:/run/app.sock`. Does not connect
    /// yet.
    ///
    /// # Errors
    ///
    /// The text is not an address, or [not one to connect to](Address::to_connect).
    pub fn new(address: &str) -> Result<Self, AddressError> {
        Address::parse(address)?.to_connect().map(Self::from)
    }

    /// Sets how long a call may take to connect; 10 s by default. The lookup of a name does not count.
    #[must_use]
    pub const fn with_connect_timeout(mut self, after: Duration) -> Self {
        self.settings.connect_timeout = after;
        self
    }

    /// Sets how long a call waits for the next byte of an answer; 60 s by default.
    #[must_use]
    pub const fn with_read_timeout(mut self, after: Duration) -> Self {
        self.settings.read_timeout = after;
        self
    }

    /// Sets how long a call waits until the server takes the next byte of a request; 60 s by default.
    #[must_use]
    pub const fn with_write_timeout(mut self, after: Duration) -> Self {
        self.settings.write_timeout = after;
        self
    }

    /// Sets how long each call may take, from connecting to the last byte of the answer; no limit by default.
    #[must_use]
    pub const fn with_total_timeout(mut self, after: Duration) -> Self {
        self.settings.total_timeout = after;
        self
    }

    /// Sets whether to keep a connection for the next web request; false by default.
    ///
    /// The client keeps a connection if the response is HTTP/1.1, says `Connection: keep-alive`, and has an end that is known
    /// without a close. Most servers close their connections: uWSGI and gunicorn's sync workers always do. A request whose vars
    /// declare no body gets a `CONTENT_LENGTH` of 0, because without a length no server can keep the connection.
    ///
    /// If the server has closed a kept connection, the client sends the request on a new one, provided that no byte of the
    /// request has left. With [`with_idempotent_retries`](Self::with_idempotent_retries) it may also send an idempotent
    /// request again after bytes of it have left.
    #[must_use]
    pub const fn with_keepalive(mut self, keepalive: bool) -> Self {
        self.settings.keepalive = keepalive;
        self
    }

    /// Allows the client to send a request twice; it does not by default.
    ///
    /// If the server closes a [kept](Self::with_keepalive) connection after the request and before the first byte of a
    /// response, the client sends the request once more, on a new connection. It does this only if the method is idempotent
    /// (RFC 9110 section 9.2.2) and the whole body can still be sent: packet and body fit into 32 KiB, or no byte of the body
    /// was read. The rule is [`FailedAttempt`](uwsgi::client::FailedAttempt).
    ///
    /// This helps against a server that closes an idle connection just when a request arrives. But the server may also have
    /// read the request and executed it.
    #[must_use]
    pub const fn with_idempotent_retries(mut self) -> Self {
        self.settings.retries = true;
        self
    }

    /// Sets the limits for the heads of responses.
    #[must_use]
    pub const fn with_head_limits(mut self, limits: HeadLimits) -> Self {
        self.settings.head_limits = limits;
        self
    }

    /// Returns the address of the server, in the form in which [`Address`] writes it.
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
