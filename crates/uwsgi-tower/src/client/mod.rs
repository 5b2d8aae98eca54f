//! A client: one backend as a service of `tower`.

mod conversation;
mod error;
mod incoming;
mod outgoing;
mod pool;

use core::error::Error;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response, header};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tower_service::Service;
use uwsgi::client::{Address, AddressError, Exchange, FailedAttempt, is_idempotent};
use uwsgi::framing::declared_length;
use uwsgi::{Modifier1, Packet, VarsEncoder};

use crate::listener::is_silent;
use crate::request::Modifiers;
use crate::vars::encode_vars;

use conversation::Conversation;
pub use error::ClientError;
pub use incoming::Incoming;
use outgoing::{Chunks, Outgoing};
use pool::{Io, Pool};

/// A backend, as a service: requests of `http` in, responses out. It is cheap to clone, and clones share what they keep.
///
/// Bodies stream both ways; a response may come while the request's body is still being sent, which then goes on while the
/// response's body is read. An answer that is an error or a redirect ends that: nobody reads the rest. Any other answer needs
/// the whole request: if the rest cannot leave, the response's body fails before its last bytes. A response without a body fails
/// itself. A body whose length nobody knows is collected first, since a backend has to be told.
///
/// A connection belongs to one request at a time. Whoever drops the response's future or its body before the end closes it:
/// none is used again whose answer was not read to its end, and none that is still written to.
///
/// ```no_run
/// use http::Request;
/// use tower::ServiceExt;
/// use uwsgi_tower::{Body, Client};
///
/// # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::new("127.0.0.1:3031")?;
/// let response = client.oneshot(Request::get("http://example.com/hello").body(Body::empty())?).await?;
/// println!("{}", response.status());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    backend: Arc<Backend>,
}

/// Where a backend is, and how it is spoken to.
#[derive(Debug)]
pub(crate) struct Backend {
    address: String,
    connect: Duration,
    idle: Duration,
    collected: usize,
    reused: usize,
    retries: bool,
    age: Duration,
    pool: Arc<Pool>,
}

impl Client {
    /// The backend at an address: `host:port`, `unix:/path`, `@name`.
    ///
    /// # Errors
    ///
    /// The text is no address, or [none to connect to](Address::to_connect).
    pub fn new(address: &str) -> Result<Self, AddressError> {
        Address::parse(address)?.to_connect()?;
        let (reused, age) = (0, Duration::from_secs(30));
        Ok(Self {
            backend: Arc::new(Backend {
                address: address.into(),
                connect: Duration::from_secs(10),
                idle: Duration::from_secs(60),
                collected: 1 << 20,
                reused,
                retries: false,
                age,
                pool: Arc::new(Pool::new(reused, age)),
            }),
        })
    }

    /// The same backend, connected to within this time: 10 seconds unless changed.
    #[must_use]
    pub fn with_connect_timeout(self, connect: Duration) -> Self {
        self.with(|backend| backend.connect = connect)
    }

    /// The same backend, which may be silent for so long, or take nothing: 60 seconds unless changed. While it is the
    /// request's own body that is waited for, no time passes.
    #[must_use]
    pub fn with_idle_timeout(self, idle: Duration) -> Self {
        self.with(|backend| backend.idle = idle)
    }

    /// The same backend, with so many bytes collected of a body whose length is not known: 1 MiB unless changed.
    #[must_use]
    pub fn with_collected(self, bytes: usize) -> Self {
        self.with(|backend| backend.collected = bytes)
    }

    /// The same backend, with so many idle connections kept to be used again: none unless changed. Few backends keep a
    /// connection open: gunicorn's gthread and asgi workers do, and servers of this project with `keepalive`.
    ///
    /// One is used again only after an answer of HTTP/1.1 that says `Connection: keep-alive` and whose end is known without a
    /// close; uWSGI says nothing and closes. One that the backend closes is closed at once. A backend that loses its patience
    /// may close one just while the next request leaves. That request is asked again on a new connection if nothing of it had
    /// left ([`FailedAttempt`]); see [`retrying_idempotent`](Self::retrying_idempotent) for more.
    #[must_use]
    pub fn reusing(self, connections: usize) -> Self {
        self.with(|backend| backend.reused = connections)
    }

    /// The same backend, asked again too if a kept connection is closed after the request and before any byte of an answer,
    /// where its method is idempotent (RFC 9110 section 9.2.2) and its body is still there: nobody has asked it for anything, or
    /// it was [collected](Self::with_collected). No request is asked for a third time.
    ///
    /// That hides the closes of a backend that has lost its patience just then; but what had read the request may have
    /// done what it asks for, and a request that makes a backend fall over is given to another.
    #[must_use]
    pub fn retrying_idempotent(self) -> Self {
        self.with(|backend| backend.retries = true)
    }

    /// The same backend, with idle connections kept for so long: 30 seconds unless changed. Less than the backend keeps them
    /// is best.
    #[must_use]
    pub fn with_kept_for(self, age: Duration) -> Self {
        self.with(|backend| backend.age = age)
    }

    fn with(self, change: impl FnOnce(&mut Backend)) -> Self {
        let mut backend = self.backend.changed();
        change(&mut backend);
        backend.pool = Arc::new(Pool::new(backend.reused, backend.age));
        Self { backend: Arc::new(backend) }
    }
}

impl<B> Service<Request<B>> for Client
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<Incoming>;
    type Error = ClientError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, ClientError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let backend = Arc::clone(&self.backend);
        Box::pin(async move { backend.ask(request).await })
    }
}

impl Backend {
    /// What is about to be changed.
    fn changed(&self) -> Self {
        let Self { address, connect, idle, collected, reused, retries, age, pool } = self;
        Self {
            address: address.clone(),
            connect: *connect,
            idle: *idle,
            collected: *collected,
            reused: *reused,
            retries: *retries,
            age: *age,
            pool: Arc::clone(pool),
        }
    }

    async fn ask<B>(self: Arc<Self>, request: Request<B>) -> Result<Response<Incoming>, ClientError>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let mut body: Pin<Box<dyn Chunks>> = Box::pin(Outgoing::new(body));
        let length = match declared(&parts)? {
            Some(length) => length,
            // Without a length, 0 too, no server could go on with the connection.
            None => match body.length() {
                Some(length) => length,
                None => {
                    let (collected, length) = outgoing::collect(body, self.collected).await?;
                    body = collected;
                    length
                }
            },
        };
        let packet = self.packet(&parts, length)?;
        let idempotent = is_idempotent(parts.method.as_str().as_bytes());
        let mut kept = self.pool.take();
        let mut is_repeat = false;
        loop {
            let connection_was_kept = kept.is_some();
            let io = match kept.take() {
                Some(io) => io,
                None => self.connect().await?,
            };
            let exchange = exchange(&packet)?;
            let mut conversation = Conversation::new(io, packet.clone(), body, exchange, &self).asking(&parts.method);
            match conversation.head().await {
                Ok(response) => return conversation.into_response(response),
                Err(error) if error.is_stale() => {
                    let (answer_began, body_is_there) = (conversation.has_answer(), conversation.body_is_there());
                    let failed = FailedAttempt {
                        connection_was_kept,
                        is_repeat,
                        bytes_left: conversation.has_left(),
                        answer_began,
                        body_is_there,
                        idempotent,
                        opted_in: self.retries,
                    };
                    if !failed.may_be_repeated() {
                        return Err(error);
                    }
                    // It was closed meanwhile. Another that was kept might be too.
                    (body, is_repeat) = (conversation.into_body(), true);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn packet(&self, parts: &Parts, length: u64) -> Result<Bytes, ClientError> {
        let mut packet = Vec::with_capacity(1024);
        let mut vars = VarsEncoder::new(&mut packet);
        encode_vars(parts, Some(length), &mut vars).map_err(ClientError::Vars)?;
        let modifiers = parts.extensions.get::<Modifiers>();
        let (modifier1, modifier2) =
            modifiers.map_or((Modifier1::WSGI, 0), |modifiers| (modifiers.modifier1, modifiers.modifier2));
        vars.finish(modifier1, modifier2).map_err(|error| ClientError::Vars(error.into()))?;
        Ok(packet.into())
    }

    async fn connect(&self) -> Result<Box<dyn Io>, ClientError> {
        let connected = tokio::time::timeout(self.connect, self.connect_at_last()).await;
        let failed = |error| ClientError::Connect { address: self.address.clone(), error: Arc::new(error) };
        match connected {
            Ok(Ok(io)) => Ok(io),
            Ok(Err(error)) => Err(failed(error)),
            Err(_) => Err(failed(io::ErrorKind::TimedOut.into())),
        }
    }

    async fn connect_at_last(&self) -> io::Result<Box<dyn Io>> {
        let tcp = |stream: TcpStream| {
            stream.set_nodelay(true)?;
            Ok::<Box<dyn Io>, io::Error>(Box::new(stream))
        };
        let address = Address::parse(&self.address).and_then(Address::to_connect);
        match address.map_err(|error| io::Error::other(error.to_string()))? {
            Address::Tcp(address) => tcp(TcpStream::connect(address).await?),
            Address::Name { host, port } => tcp(TcpStream::connect((host, port)).await?),
            #[cfg(unix)]
            Address::Unix(path) => Ok(Box::new(connect_unix(path).await?)),
            #[cfg(target_os = "linux")]
            Address::Abstract(name) => {
                // tokio reads a path that begins with NUL as such a name.
                Ok(Box::new(connect_unix(&["\0", name].concat()).await?))
            }
            _ => Err(io::Error::new(io::ErrorKind::Unsupported, "not an address to connect to")),
        }
    }
}

/// Where a blocking connect waits, because as many as may wait to be accepted do so already, Linux tells one that does
/// not block to try again (connect(2), EAGAIN), and nobody tells when.
#[cfg(unix)]
async fn connect_unix(path: &str) -> io::Result<UnixStream> {
    let mut pause = Duration::from_millis(1);
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            }
            connected => return connected,
        }
    }
}

#[cfg(unix)]
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

impl Io for TcpStream {
    fn is_silent(&self) -> bool {
        is_silent(self)
    }
}

#[cfg(unix)]
impl Io for UnixStream {
    fn is_silent(&self) -> bool {
        is_silent(self)
    }
}

/// The length that the request's headers declare.
fn declared(parts: &Parts) -> Result<Option<u64>, ClientError> {
    let values = parts.headers.get_all(header::CONTENT_LENGTH).iter().map(HeaderValue::as_bytes);
    declared_length(values).map_err(ClientError::Framing)
}

fn exchange(packet: &[u8]) -> Result<Exchange, ClientError> {
    let (packet, _) = Packet::decode(packet).map_err(ClientError::Request)?;
    let request = uwsgi::Request::decode(&packet).map_err(ClientError::Request)?;
    Exchange::of(&request).map_err(ClientError::Framing)
}
