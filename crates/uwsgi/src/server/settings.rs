//! The settings of a server's connections: what they accept, and how long they wait.

use core::time::Duration;

use crate::wire::limits::Limits;
use crate::wire::modifier::Modifier1;

/// What the server side of a connection accepts, and how long it waits.
///
/// ```
/// use core::time::Duration;
/// use uwsgi::Modifier1;
/// use uwsgi::server::Settings;
///
/// let settings = Settings::default()
///     .with_body_limit(1 << 20)
///     .with_stop_grace(Duration::from_secs(5))
///     .with_modifier1(Modifier1::PSGI);
/// assert_eq!(settings.header_timeout, Duration::from_secs(10));
/// assert_eq!(settings.stop_grace, Duration::from_secs(5));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The limits of packets; [`Limits::server`] by default.
    pub limits: Limits,
    /// The length of the longest body in bytes; 1 GiB by default.
    pub body_limit: u64,
    /// The longest time from a packet's first byte to its last, and from the start of the connection to its first byte; 10
    /// seconds by default. It is also the longest time in which a refusal or a pong must leave.
    pub header_timeout: Duration,
    /// The longest time without a byte inside a body; 30 seconds by default. The rate of a body counts after the server has
    /// waited for this time. Both limits hold also for what follows a packet that is not a web request.
    pub body_idle: Duration,
    /// The least rate of a body in bytes a second; 240 by default. It is the average over the time that the server waits, and
    /// counts after [`body_idle`](Self::body_idle) of waiting. 0 means no limit.
    pub body_rate: u32,
    /// The longest time in which a peer takes no byte of the answer; 1 hour by default.
    ///
    /// An hour is long because a correct peer may pause. nginx writes what its buffers do not hold into a temporary file. When
    /// the file has `uwsgi_max_temp_file_size` bytes (1 GiB by default), nginx reads nothing more until its client has read the
    /// file. At 10 Mbit/s that takes 14 minutes. In an hour a client of 2.4 Mbit/s reads 1 GiB.
    pub write_idle: Duration,
    /// The longest wait for a worker; 10 seconds by default.
    pub queue_wait: Duration,
    /// The grace period of a stop: how long requests that have begun may go on; 30 seconds by default.
    pub stop_grace: Duration,
    /// How long a connection may be idle between two requests. `None`, the default, means one request per connection.
    ///
    /// If it is set, the head of each answer says `Connection: keep-alive` if the connection is kept, and `close` if not. A 101
    /// says neither.
    pub keepalive: Option<Duration>,
    /// The largest number of bytes that are read and dropped before a close; 1 GiB by default. It is so large that the time is
    /// the limit, as in nginx (`lingering_time`) and Apache (`MAX_SECS_TO_LINGER`).
    ///
    /// A front end sends a body until it sees the answer, and Apache sends all of it first. If the server reset the connection
    /// before that, Apache, and nginx over TCP, would lose the answer.
    pub drain_bytes: u32,
    /// The longest time of a drain; 2 seconds by default.
    pub drain_time: Duration,
    /// Whether a body without a length may be chunked, as uWSGI's router sends it with `--http-chunked-input`; false by
    /// default.
    pub chunked: bool,
    accepted: [u64; 4],
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::server(),
            body_limit: 1 << 30,
            header_timeout: Duration::from_secs(10),
            body_idle: Duration::from_secs(30),
            body_rate: 240,
            write_idle: Duration::from_secs(3600),
            queue_wait: Duration::from_secs(10),
            stop_grace: Duration::from_secs(30),
            keepalive: None,
            drain_bytes: 1 << 30,
            drain_time: Duration::from_secs(2),
            chunked: false,
            accepted: [1, 0, 0, 0],
        }
    }
}

impl Settings {
    /// Sets the limits of packets.
    #[must_use]
    pub const fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Sets the length of the longest body in bytes.
    #[must_use]
    pub const fn with_body_limit(self, bytes: u64) -> Self {
        Self { body_limit: bytes, ..self }
    }

    /// Sets the longest time from a packet's first byte to its last, and from the start of the connection to its first byte.
    #[must_use]
    pub const fn with_header_timeout(self, timeout: Duration) -> Self {
        Self { header_timeout: timeout, ..self }
    }

    /// Sets the longest time without a byte inside a body.
    #[must_use]
    pub const fn with_body_idle(self, time: Duration) -> Self {
        Self { body_idle: time, ..self }
    }

    /// Sets the least rate of a body in bytes a second; 0 means no limit.
    #[must_use]
    pub const fn with_body_rate(self, bytes_a_second: u32) -> Self {
        Self { body_rate: bytes_a_second, ..self }
    }

    /// Sets the longest time in which a peer takes no byte of the answer.
    #[must_use]
    pub const fn with_write_idle(self, time: Duration) -> Self {
        Self { write_idle: time, ..self }
    }

    /// Sets the longest wait for a worker.
    #[must_use]
    pub const fn with_queue_wait(self, time: Duration) -> Self {
        Self { queue_wait: time, ..self }
    }

    /// Sets the grace period of a stop.
    #[must_use]
    pub const fn with_stop_grace(self, time: Duration) -> Self {
        Self { stop_grace: time, ..self }
    }

    /// Sets the largest number of bytes that are read and dropped before a close.
    #[must_use]
    pub const fn with_drain_bytes(self, bytes: u32) -> Self {
        Self { drain_bytes: bytes, ..self }
    }

    /// Sets the longest time of a drain.
    #[must_use]
    pub const fn with_drain_time(self, time: Duration) -> Self {
        Self { drain_time: time, ..self }
    }

    /// Sets whether a body without a length may be chunked.
    #[must_use]
    pub const fn with_chunked(self, allowed: bool) -> Self {
        Self { chunked: allowed, ..self }
    }

    /// Allows more than one request per connection, which may be idle for this time between two requests.
    #[must_use]
    pub const fn with_keepalive(self, idle: Duration) -> Self {
        Self { keepalive: Some(idle), ..self }
    }

    /// Accepts packets with this modifier1 too. [`Modifier1::WSGI`] is accepted by default. The server answers every ping with
    /// a pong, so accepting [`Modifier1::PING`] changes nothing.
    #[must_use]
    pub fn with_modifier1(mut self, modifier1: Modifier1) -> Self {
        if let Some(word) = self.accepted.get_mut(usize::from(modifier1.0 >> 6)) {
            *word |= 1 << (modifier1.0 & 63);
        }
        self
    }

    /// Whether packets with this modifier1 are accepted.
    #[must_use]
    pub fn accepts(&self, modifier1: Modifier1) -> bool {
        let word = self.accepted.get(usize::from(modifier1.0 >> 6)).copied().unwrap_or(0);
        (word >> (modifier1.0 & 63)) & 1 == 1
    }

    /// Returns the longest time of a stop: the grace period, the drain after the last answer, and 200 ms because the operating
    /// system may be late. A server does not wait longer for a connection that is still open.
    #[must_use]
    pub const fn longest_stop(&self) -> Duration {
        self.stop_grace.saturating_add(self.drain_time).saturating_add(LATENESS)
    }

    /// Returns the length of the smallest buffer for a connection: a header, the largest block, and one byte, so that a driver
    /// sees whether bytes follow the block.
    #[must_use]
    pub fn smallest_buffer(&self) -> usize {
        usize::from(self.limits.datasize()).saturating_add(5)
    }
}

/// How late the operating system may wake a server: 200 ms.
const LATENESS: Duration = Duration::from_millis(200);
