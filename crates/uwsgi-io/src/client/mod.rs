//! Asking a server.

mod cache;
mod error;
mod lease;
mod messages;
mod pump;
mod response;
mod sending;
mod subscribe;
mod value;

pub use cache::Cache;
pub use error::{Asked, ClientError, ClientErrorKind};
pub use response::{Response, Upgraded};
pub use sending::Sending;
pub use subscribe::subscribe;
pub use value::Value;

use core::time::Duration;
use std::io::{self, Read};
use std::time::Instant;

use uwsgi::client::{Address, AddressError, Exchange, FailedAttempt, declare_no_body, is_idempotent};
use uwsgi::response::{HeadLimits, ResponseHead};
use uwsgi::server::Time;
use uwsgi::{Header, Packet, Request};

use crate::client::lease::Lease;
use crate::client::pump::Pump;
use crate::client::value::Answered;
use crate::incoming::{Incoming, Source};
use crate::response_reader::ResponseReader;
use crate::socket::Socket;
use crate::stream::{Patience, Timeout};
use crate::transport::Transport;
use crate::window::{SMALL, make_room};

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
    address: String,
    settings: Settings,
    connection: Option<Socket>,
    /// What is read.
    incoming: Vec<u8>,
    /// What is written.
    outgoing: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Settings {
    connect: Duration,
    read: Duration,
    write: Duration,
    total: Duration,
    keepalive: bool,
    retries: bool,
    limits: HeadLimits,
}

impl Settings {
    /// What is left of the time for a call that began then.
    fn left(&self, start: Instant) -> Duration {
        self.total.saturating_sub(start.elapsed())
    }

    /// For how long the rest of a call that began then waits, on a connection whose clock says this.
    fn patience(&self, start: Instant, now: Time) -> Patience {
        Patience { read: self.read, write: self.write, total: self.total, end: Some(now.after(self.left(start))) }
    }
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

    /// Sends a web request: a packet of vars, and as many bytes of the body as its `CONTENT_LENGTH` says. Answers once the
    /// final head is there; interim answers (1xx) are passed over.
    ///
    /// The body is read when there is room for more of it, also while the answer is read; while reading it blocks, nothing
    /// else moves. What the body has after its length is left there. An answer with the status of an error or a redirect ends the
    /// sending. Any other is whole only once the request is: if the rest cannot leave, its last bytes are an error.
    ///
    /// # Errors
    ///
    /// [`ClientError`]; the body is sent in part, maybe, and the answer is not to be had.
    pub fn request<B: Read>(&mut self, packet: &[u8], body: B) -> Result<Response<'_, B>, ClientError> {
        self.request_with_interim(packet, body, |_| ())
    }

    /// [`request`](Self::request), with a look at the heads of interim answers.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use uwsgi::{Modifier1, VarsEncoder};
    /// # use uwsgi_io::Client;
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let mut client = Client::new(&listener.local_addr()?.to_string())?;
    /// # let server = std::thread::spawn(move || {
    /// #     let mut stream = listener.accept().unwrap().0;
    /// #     stream.read_exact(&mut [0; 25]).unwrap();
    /// #     stream.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n").unwrap();
    /// # });
    /// # let mut buffer = Vec::new();
    /// # let mut vars = VarsEncoder::new(&mut buffer);
    /// # vars.push("REQUEST_METHOD", "GET")?;
    /// # let packet = vars.finish(Modifier1::WSGI, 0)?;
    /// let mut links = Vec::new();
    /// let response = client.request_with_interim(packet, std::io::empty(), |head| {
    ///     links.extend(head.get("Link").map(<[u8]>::to_vec));
    /// })?;
    /// assert_eq!((response.status(), links), (204, vec![b"</a.css>".to_vec()]));
    /// # server.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn request_with_interim<B: Read>(
        &mut self,
        packet: &[u8],
        body: B,
        interim: impl FnMut(&ResponseHead<'_>),
    ) -> Result<Response<'_, B>, ClientError> {
        let Self { address, settings, connection, incoming, outgoing } = self;
        let failed = |kind| ClientError::new(address, kind);
        let (mut exchange, idempotent) = prepare(packet, settings, outgoing).map_err(failed)?;
        let start = Instant::now();
        let (mut pump, was_kept) =
            open(address, settings, connection, outgoing, body, (start, Some(&mut exchange))).map_err(failed)?;
        let mut filled = 0;
        if was_kept && settings.retries {
            make_room(incoming, SMALL);
            filled = pump
                .fill(&mut exchange, incoming)
                .map_err(|error| failed(ClientErrorKind::of(error, Asked::Request)))?;
            let attempt = FailedAttempt {
                connection_was_kept: true,
                is_repeat: false,
                bytes_left: true,
                answer_began: filled > 0,
                body_is_there: pump.is_whole(),
                idempotent,
                opted_in: settings.retries,
            };
            if attempt.may_be_repeated() {
                repeat(address, settings, &mut pump, start).map_err(failed)?;
            }
        }
        let reader = ResponseReader::behind(pump, exchange, incoming, filled);
        Response::read(reader, address, (settings.keepalive, true), interim).map_err(failed)
    }

    /// Sends a web request whose body is written instead of read from somewhere.
    ///
    /// Of an answer that comes before all of the body has left, 32 KiB are read until [`finish`](Sending::finish). A server that
    /// sends more of it, and takes nothing more meanwhile, is waited for until the write times out: for one that sends back
    /// what it gets, [`request`](Self::request) is right.
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
    /// #     let mut got = [0; 32];
    /// #     stream.read_exact(&mut got).unwrap();
    /// #     assert!(got.ends_with(b"2 + 2 = 4"));
    /// #     stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    /// # });
    /// # let mut buffer = Vec::new();
    /// # let mut vars = VarsEncoder::new(&mut buffer);
    /// # vars.push("CONTENT_LENGTH", "9")?;
    /// # let packet = vars.finish(Modifier1::WSGI, 0)?;
    /// let mut sending = client.send(packet)?;
    /// write!(sending, "2 + 2 = {}", 2 + 2)?;
    /// assert_eq!(sending.finish()?.status(), 204);
    /// # server.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn send(&mut self, packet: &[u8]) -> Result<Sending<'_>, ClientError> {
        let Self { address, settings, connection, incoming, outgoing } = self;
        let failed = |kind| ClientError::new(address, kind);
        let (exchange, _) = prepare(packet, settings, outgoing).map_err(failed)?;
        let (pump, _) =
            open(address, settings, connection, outgoing, io::empty(), (Instant::now(), None)).map_err(failed)?;
        Ok(Sending::new(pump, exchange, incoming, address, settings.keepalive))
    }

    /// Sends any bytes, well formed or not, and answers with all that the server sends up to its close.
    ///
    /// ```
    /// # use std::io::{Read, Write};
    /// # use uwsgi_io::Client;
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let mut client = Client::new(&listener.local_addr()?.to_string())?;
    /// # let server = std::thread::spawn(move || {
    /// #     let mut stream = listener.accept().unwrap().0;
    /// #     stream.read_exact(&mut [0; 9]).unwrap();
    /// #     stream.write_all(b"hello").unwrap();
    /// # });
    /// // Modifier 101: uWSGI sends back what it gets.
    /// assert_eq!(client.raw(b"\x65\x05\x00\x00hello")?.into_vec(1024)?, b"hello");
    /// # server.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// No connection.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<Value<'_>, ClientError> {
        copy(bytes, &mut self.outgoing);
        self.pour(Asked::Request)
    }

    /// Sends what is in the buffer for what is written, and reads a packet. `exchange` counts the body.
    fn ask<B: Read>(&mut self, mut exchange: Exchange, body: B, asked: Asked) -> Result<Answered<'_, B>, ClientError> {
        let Self { address, settings, connection, incoming, outgoing } = self;
        let failed = |kind| ClientError::new(address, kind);
        let (pump, _) = open(address, settings, connection, outgoing, body, (Instant::now(), Some(&mut exchange)))
            .map_err(failed)?;
        Answered::read(pump, exchange, incoming, address, asked).map_err(failed)
    }

    /// Sends what is in the buffer for what is written, and reads whatever comes.
    fn pour(&mut self, asked: Asked) -> Result<Value<'_>, ClientError> {
        let Self { address, settings, connection, incoming, outgoing } = self;
        match open(address, settings, connection, outgoing, io::empty(), (Instant::now(), None)) {
            Ok((pump, _)) => Ok(Value::new(Incoming::whole(pump, incoming), &[], None, address, asked)),
            Err(kind) => Err(ClientError::new(address, kind)),
        }
    }

    fn fail(&self, kind: ClientErrorKind) -> ClientError {
        ClientError::new(&self.address, kind)
    }
}

impl From<Address<'_>> for Client {
    fn from(address: Address<'_>) -> Self {
        Self {
            address: address.to_string(),
            settings: Settings {
                connect: Duration::from_secs(10),
                read: Duration::from_secs(60),
                write: Duration::from_secs(60),
                total: Duration::MAX,
                keepalive: false,
                retries: false,
                limits: HeadLimits::default(),
            },
            connection: None,
            incoming: Vec::new(),
            outgoing: Vec::new(),
        }
    }
}

/// Puts a packet that can be sent as a web request where it leaves from: its exchange, and whether it may be asked twice.
fn prepare(bytes: &[u8], settings: &Settings, outgoing: &mut Vec<u8>) -> Result<(Exchange, bool), ClientErrorKind> {
    let (packet, rest) = Packet::decode(bytes).map_err(ClientErrorKind::Decode)?;
    if !rest.is_empty() {
        return Err(ClientErrorKind::TrailingBytes { count: rest.len() });
    }
    let request = Request::decode(&packet).map_err(ClientErrorKind::Decode)?;
    let exchange = Exchange::of(&request).map_err(ClientErrorKind::Framing)?;
    copy(bytes, outgoing);
    if let (true, Some((header, var))) = (settings.keepalive, declare_no_body(packet.header(), &request)) {
        outgoing.splice(..Header::LEN, header.to_bytes());
        outgoing.extend_from_slice(var);
    }
    Ok((exchange.with_limits(settings.limits), is_idempotent(request.method_or_get())))
}

fn copy(bytes: &[u8], outgoing: &mut Vec<u8>) {
    outgoing.clear();
    outgoing.extend_from_slice(bytes);
}

/// Begins to send what `outgoing` holds, on the connection that is there or on a new one, and says whether it was there. A body
/// whose exchange is given leaves with it, if it is small. The call began at `start`.
fn open<'c, B: Read>(
    address: &str,
    settings: &Settings,
    connection: &'c mut Option<Socket>,
    outgoing: &'c mut Vec<u8>,
    body: B,
    (start, exchange): (Instant, Option<&mut Exchange>),
) -> Result<(Pump<'c, Lease<'c>, B>, bool), ClientErrorKind> {
    let reused = connection.as_ref().is_some_and(is_silent);
    if !reused {
        // A connection on which something came, or the end, is of no more use.
        *connection = None;
        *connection = Some(connect(address, settings, start)?);
    }
    let lease = Lease::new(connection);
    let patience = settings.patience(start, lease.now());
    let mut pump = Pump::new(lease, patience, outgoing, body);
    if let Some(exchange) = exchange {
        pump.join(exchange).map_err(|error| ClientErrorKind::of(error, Asked::Request))?;
    }
    let Err(error) = pump.begin() else { return Ok((pump, reused)) };
    let attempt = FailedAttempt {
        connection_was_kept: reused,
        is_repeat: false,
        bytes_left: false,
        answer_began: false,
        body_is_there: pump.is_whole(),
        idempotent: false,
        opted_in: settings.retries,
    };
    if attempt.may_be_repeated() {
        repeat(address, settings, &mut pump, start)?;
    } else {
        // Who closes at once may have said why.
        pump.give_up(error);
    }
    Ok((pump, false))
}

/// Begins to send the same once more, on a new connection.
fn repeat<B: Read>(
    address: &str,
    settings: &Settings,
    pump: &mut Pump<'_, Lease<'_>, B>,
    start: Instant,
) -> Result<(), ClientErrorKind> {
    pump.transport_mut().replace(connect(address, settings, start)?);
    // A connection has a clock of its own.
    pump.set_patience(settings.patience(start, pump.transport().now()));
    pump.rewind();
    if let Err(error) = pump.begin() {
        pump.give_up(error);
    }
    Ok(())
}

/// Whether nothing came on a connection, not even its end.
fn is_silent(socket: &Socket) -> bool {
    socket.read(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

fn connect(address: &str, settings: &Settings, start: Instant) -> Result<Socket, ClientErrorKind> {
    // What the kernel takes for a timeout: not nothing, which is no timeout at all, and no more than it can count.
    const MOST: Duration = Duration::from_secs(1 << 30);
    let least = Duration::from_millis(1);
    let left = settings.left(start);
    let patience = settings.connect.min(left);
    let address = Address::parse(address)
        .map_err(|error| ClientErrorKind::Connect(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
    Socket::connect(address, patience.clamp(least, MOST)).map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut if left < settings.connect => ClientErrorKind::TimedOut(Timeout::Total(settings.total)),
        io::ErrorKind::TimedOut => ClientErrorKind::TimedOut(Timeout::Connect(settings.connect)),
        _ => ClientErrorKind::Connect(error),
    })
}
