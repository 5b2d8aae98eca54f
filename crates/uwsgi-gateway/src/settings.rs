//! The settings of a gateway.

use core::time::Duration;
use std::path::PathBuf;

use alloc::string::String;
use http::HeaderValue;
use uwsgi::server::ConnectionLimit;
use uwsgi::{Address, AddressError};

use crate::vars::Translation;

/// The settings of a [`Gateway`](crate::Gateway): the backend, how requests become vars, and all limits.
///
/// ```
/// use core::time::Duration;
/// use uwsgi_gateway::Settings;
///
/// let settings = Settings::new("unix:/run/app.sock")?.with_backend_timeout(Duration::from_secs(300)).with_max_body(10 << 20);
/// # Ok::<(), uwsgi::AddressError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Settings {
    pub(crate) backend: String,
    pub(crate) translation: Translation,
    pub(crate) limits: Limits,
    pub(crate) timeouts: Timeouts,
    pub(crate) stream_bodies: bool,
    pub(crate) stream_answers: bool,
    pub(crate) temp_dir: PathBuf,
    pub(crate) health_path: Option<String>,
    pub(crate) server_header: Option<HeaderValue>,
    pub(crate) threads: Option<usize>,
}

/// The limits on connections and bodies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) connections: usize,
    /// The most bytes of the body of a request.
    pub(crate) body: u64,
    /// The most bytes of all temporary files.
    pub(crate) temp: u64,
    /// The most bytes of all bodies in memory.
    pub(crate) memory: u64,
}

/// How long the gateway waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// From the first byte of a head to its end.
    pub(crate) headers: Duration,
    /// For the first byte of a request.
    pub(crate) keepalive: Duration,
    pub(crate) connect: Duration,
    /// For a backend that sends nothing and takes nothing.
    pub(crate) backend: Duration,
    /// For a client that takes nothing of an answer.
    pub(crate) send: Duration,
    /// For the next bytes of a body; then the body must also have come at a rate.
    pub(crate) body_idle: Duration,
    /// For the next bytes of a WebSocket, in either direction.
    pub(crate) tunnel: Duration,
    /// For what runs when the gateway stops.
    pub(crate) stop: Duration,
}

impl Settings {
    /// Makes the default settings for the backend at an address: `host:port`, `unix:/path`, or `@name` for an abstract Unix
    /// socket.
    ///
    /// # Errors
    ///
    /// The text is not an address, or [not one to connect to](Address::to_connect).
    pub fn new(backend: &str) -> Result<Self, AddressError> {
        Address::parse(backend)?.to_connect()?;
        Ok(Self {
            backend: backend.into(),
            translation: Translation::new(),
            limits: Limits { connections: ConnectionLimit::DEFAULT, body: 1 << 30, temp: 4 << 30, memory: 64 << 20 },
            timeouts: Timeouts {
                headers: Duration::from_secs(10),
                keepalive: Duration::from_secs(75),
                connect: Duration::from_secs(5),
                backend: Duration::from_secs(60),
                send: Duration::from_secs(60),
                body_idle: Duration::from_secs(30),
                tunnel: Duration::from_secs(3600),
                stop: Duration::from_secs(30),
            },
            stream_bodies: false,
            stream_answers: false,
            temp_dir: PathBuf::from("/var/tmp"),
            health_path: None,
            server_header: None,
            threads: None,
        })
    }

    /// Sets how requests become vars.
    #[must_use]
    pub fn with_translation(self, translation: Translation) -> Self {
        Self { translation, ..self }
    }

    /// Sets the most connections of clients at once; 1,024 by default. 64 more get status 503. All others wait in the queue of
    /// the kernel.
    #[must_use]
    pub fn with_max_connections(mut self, connections: usize) -> Self {
        self.limits.connections = connections;
        self
    }

    /// Sets the most bytes of the body of a request; 1 GiB by default. A longer body has status 413. At most this many bytes of an
    /// answer are read ahead too.
    #[must_use]
    pub fn with_max_body(mut self, bytes: u64) -> Self {
        self.limits.body = bytes;
        self
    }

    /// Sets the most bytes of all temporary files together; 4 GiB by default. A request that needs more has status 503.
    #[must_use]
    pub fn with_temp_max(mut self, bytes: u64) -> Self {
        self.limits.temp = bytes;
        self
    }

    /// Sets the most bytes of all bodies in memory together; 64 MiB by default. What does not fit goes to a temporary file.
    #[must_use]
    pub fn with_buffer_memory(mut self, bytes: u64) -> Self {
        self.limits.memory = bytes;
        self
    }

    /// Sets the directory of the temporary files; `/var/tmp` by default.
    #[must_use]
    pub fn with_temp_dir(self, directory: impl Into<PathBuf>) -> Self {
        Self { temp_dir: directory.into(), ..self }
    }

    /// Sets the longest time from the first byte of a head to its end; 10 seconds by default. After it the gateway closes the
    /// connection without an answer.
    #[must_use]
    pub fn with_headers_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.headers = timeout;
        self
    }

    /// Sets the longest wait for the first byte of a request; 75 seconds by default, as in nginx.
    #[must_use]
    pub fn with_keepalive(mut self, timeout: Duration) -> Self {
        self.timeouts.keepalive = timeout;
        self
    }

    /// Sets the longest wait for a connection to the backend; 5 seconds by default. After it the status is 503.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.connect = timeout;
        self
    }

    /// Sets the longest time in which the backend sends nothing and takes nothing; 60 seconds by default. The head of an answer
    /// must be whole this time after the backend has the request. Before the head the status is then 504; after it the answer
    /// breaks off.
    #[must_use]
    pub fn with_backend_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.backend = timeout;
        self
    }

    /// Sets the longest time in which a client takes no byte of an answer; 60 seconds by default. After it the gateway closes
    /// the connection.
    #[must_use]
    pub fn with_send_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.send = timeout;
        self
    }

    /// Sets the longest time in which no byte of a request's body comes; 30 seconds by default. After this time a body must also
    /// have come at 240 bytes a second. A slower body has status 408.
    #[must_use]
    pub fn with_body_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.body_idle = timeout;
        self
    }

    /// Sets the longest time in which a WebSocket has no byte in either direction; 1 hour by default.
    #[must_use]
    pub fn with_websocket_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.tunnel = timeout;
        self
    }

    /// Sets how long requests may run on after a stop; 30 seconds by default.
    #[must_use]
    pub fn with_stop_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.stop = timeout;
        self
    }

    /// Sets that the body of a request with a length goes to the backend while it comes; off by default. By default the gateway
    /// reads the whole body first, so that a slow client does not hold a worker of the backend.
    #[must_use]
    pub fn with_streamed_bodies(self, stream_bodies: bool) -> Self {
        Self { stream_bodies, ..self }
    }

    /// Sets that the gateway reads no more of an answer than the client takes; off by default. By default it reads ahead, so
    /// that a slow client does not hold a worker of the backend.
    #[must_use]
    pub fn with_streamed_answers(self, stream_answers: bool) -> Self {
        Self { stream_answers, ..self }
    }

    /// Sets a path that the gateway answers itself: 200, and 503 while it stops.
    #[must_use]
    pub fn with_health_path(self, path: impl Into<String>) -> Self {
        Self { health_path: Some(path.into()), ..self }
    }

    /// Sets the header `Server` of all answers, except for those that hyper gives to malformed heads. By default the backend's
    /// own passes. `Date` is the backend's too; if there is no `Date`, the gateway adds one.
    #[must_use]
    pub fn with_server_header(self, server: HeaderValue) -> Self {
        Self { server_header: Some(server), ..self }
    }

    /// Sets the number of threads; by default one for each core.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads: Some(threads.max(1)), ..self }
    }
}
