//! What a server accepts, and for how long it waits.

use core::time::Duration;

use crate::wire::limits::Limits;
use crate::wire::modifier::Modifier1;

/// What the server side of a connection accepts, and for how long it waits.
///
/// ```
/// use core::time::Duration;
/// use uwsgi::Modifier1;
/// use uwsgi::server::Settings;
///
/// let settings = Settings::default().with_body_limit(1 << 20).accepting(Modifier1::PSGI);
/// assert_eq!(settings.header_timeout, Duration::from_secs(10));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// What a packet may have; [`Limits::server`] unless changed.
    pub limits: Limits,
    /// The longest body in bytes: 1 GiB.
    pub body_limit: u64,
    /// From a packet's first byte to its last, and from the connection's start to its first byte: 10 seconds. A refusal, or a
    /// pong, may take as long to leave.
    pub header_timeout: Duration,
    /// The longest silence inside a body: 30 seconds. A body may also be waited for so long before its rate counts. What
    /// follows a packet that is no web request is held to both like a body.
    pub body_idle: Duration,
    /// Bytes a second that a body must bring on average, waiting counted alone, after the first 30 seconds: 240. A rate of 0
    /// is no limit.
    pub body_rate: u32,
    /// The longest time in which a peer takes no byte of the answer: 1 hour.
    ///
    /// It is so long because a good peer may pause. nginx writes what its buffers do not hold into a temporary file. Once
    /// `uwsgi_max_temp_file_size` is in it (1 GiB by default), nginx reads nothing more until its client has taken what is in
    /// the file. At 10 Mbit/s that takes 14 minutes. In an hour a client of 2.4 Mbit/s takes 1 GiB.
    pub write_idle: Duration,
    /// The longest wait for a worker: 10 seconds.
    pub queue_wait: Duration,
    /// For how long what began may go on after a stop was asked for: 30 seconds.
    pub stop_grace: Duration,
    /// For how long a connection may be silent between two requests; `None`, the default, is one request a connection.
    ///
    /// Where it is given, the head of each answer says `Connection: keep-alive` if the connection goes on, and `close` if not. A 101
    /// says neither.
    pub keepalive: Option<Duration>,
    /// How many bytes are read and dropped at most before the close: 1 GiB, so that the time bounds it, as in nginx
    /// (`lingering_time`) and Apache (`MAX_SECS_TO_LINGER`). A front end goes on sending a body until it sees that it was
    /// answered, and nginx over TCP, or Apache, which sends all of it first, loses the answer to a reset before that.
    pub drain_bytes: u32,
    /// For how long they are: 2 seconds.
    pub drain_time: Duration,
    /// Whether a body without a length may be chunked, as uWSGI's router sends it with `--http-chunked-input`.
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
    /// The same settings with other limits for packets.
    #[must_use]
    pub const fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same settings with another limit for bodies, in bytes.
    #[must_use]
    pub const fn with_body_limit(self, bytes: u64) -> Self {
        Self { body_limit: bytes, ..self }
    }

    /// The same settings with more than one request a connection, which may be silent for so long between two.
    #[must_use]
    pub const fn with_keepalive(self, idle: Duration) -> Self {
        Self { keepalive: Some(idle), ..self }
    }

    /// The same settings, accepting requests of one more kind. [`Modifier1::WSGI`] is accepted from the start. A ping is
    /// answered with a pong in any case: to accept [`Modifier1::PING`] changes nothing.
    #[must_use]
    pub fn accepting(mut self, modifier1: Modifier1) -> Self {
        if let Some(word) = self.accepted.get_mut(usize::from(modifier1.0 >> 6)) {
            *word |= 1 << (modifier1.0 & 63);
        }
        self
    }

    /// Whether requests of this kind are accepted.
    #[must_use]
    pub fn accepts(&self, modifier1: Modifier1) -> bool {
        let word = self.accepted.get(usize::from(modifier1.0 >> 6)).copied().unwrap_or(0);
        (word >> (modifier1.0 & 63)) & 1 == 1
    }

    /// How long a stop may take at most: what began may go on for a while, and behind the last answer a connection is still
    /// drained. What is not over then will not be.
    #[must_use]
    pub const fn longest_stop(&self) -> Duration {
        self.stop_grace.saturating_add(self.drain_time).saturating_add(A_LITTLE)
    }

    /// The smallest buffer that a connection can be driven with: a header, the largest block allowed, and one byte, so
    /// that bytes behind the block show.
    #[must_use]
    pub fn smallest_buffer(&self) -> usize {
        usize::from(self.limits.datasize()).saturating_add(5)
    }
}

/// What the machine may be late by.
const A_LITTLE: Duration = Duration::from_millis(200);
