//! The settings and the state that a case needs of a server.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use uwsgi::server::{AllowError, AllowList, Settings};
use uwsgi::{Limits, Modifier1};

/// The settings and the state that a case needs of a server. [`Needs::DEFAULT`] is a server with its default settings and
/// nothing else to do.
///
/// ```
/// use uwsgi_conformance::Needs;
///
/// let needs = Needs { body_limit: 5, ..Needs::DEFAULT };
/// assert_eq!(needs.settings().body_limit, 5);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// The values of modifier1 that the server accepts besides 0.
    pub accepting: &'static [u8],
    /// The largest datasize that the server accepts, in bytes.
    pub datasize: u16,
    /// The most vars that the server accepts.
    pub vars: u16,
    /// The longest body that the server accepts, in bytes.
    pub body_limit: u64,
    /// How many milliseconds a connection may be silent between two requests; 0 means one request a connection.
    pub keepalive: u64,
    /// Whether the server accepts a chunked body where there is no length.
    pub chunked: bool,
    /// The peers that may connect, as a list of addresses and networks; `None` means the default list.
    pub allow: Option<&'static str>,
    /// Where the connection comes from.
    pub sender: Sender,
    /// The number of open connections, this one included.
    pub connections: usize,
    /// The server's limit on connections.
    pub most_connections: usize,
    /// How many milliseconds after the start of the connection a worker becomes free.
    pub busy: u64,
    /// How many milliseconds after the start of the connection the server is asked to stop; `None` without a stop.
    pub stop: Option<u64>,
}

/// Where a connection comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum Sender {
    /// This IP address. A runner that cannot send from it cannot play the case.
    Address(IpAddr),
    /// The machine of the server, over a Unix socket or loopback, whichever the runner uses.
    Local,
}

impl Sender {
    /// Returns the sender at this IPv4 address.
    ///
    /// ```
    /// use uwsgi_conformance::Sender;
    ///
    /// assert_eq!(Sender::ipv4([127, 0, 0, 2]), Sender::Address("127.0.0.2".parse()?));
    /// # Ok::<(), core::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub const fn ipv4(octets: [u8; 4]) -> Self {
        let [a, b, c, d] = octets;
        Self::Address(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
    }
}

impl Needs {
    /// A server with its default settings and nothing else to do.
    pub const DEFAULT: Self = Self {
        accepting: &[],
        datasize: u16::MAX,
        vars: 1000,
        body_limit: 1 << 30,
        keepalive: 0,
        chunked: false,
        allow: None,
        sender: Sender::Local,
        connections: 1,
        most_connections: 1024,
        busy: 0,
        stop: None,
    };

    /// A server that keeps connections for further requests. A connection may be silent for 5 seconds between two requests.
    pub const KEEPALIVE: Self = Self { keepalive: 5000, ..Self::DEFAULT };

    /// Sets when the server is asked to stop, in milliseconds after the start of the connection; never by default.
    ///
    /// ```
    /// use uwsgi_conformance::Needs;
    ///
    /// assert_eq!(Needs::DEFAULT.stop, None);
    /// assert_eq!(Needs::KEEPALIVE.with_stop(1000), Needs { stop: Some(1000), ..Needs::KEEPALIVE });
    /// ```
    #[must_use]
    pub const fn with_stop(self, after: u64) -> Self {
        Self { stop: Some(after), ..self }
    }

    /// Returns the peers that may connect.
    ///
    /// ```
    /// use uwsgi::server::AllowList;
    /// use uwsgi_conformance::Needs;
    ///
    /// assert_eq!(Needs::DEFAULT.allow_list(), Ok(AllowList::default()));
    /// ```
    ///
    /// # Errors
    ///
    /// [`AllowError`]: the list cannot be parsed.
    pub fn allow_list(&self) -> Result<AllowList, AllowError> {
        self.allow.map_or_else(|| Ok(AllowList::default()), AllowList::parse)
    }

    /// Returns these settings for the state machines of [`uwsgi::server`].
    #[must_use]
    pub fn settings(&self) -> Settings {
        let limits = Limits::server().with_datasize(self.datasize).with_vars(self.vars);
        let mut settings = Settings::default().with_limits(limits).with_body_limit(self.body_limit);
        for modifier1 in self.accepting {
            settings = settings.with_modifier1(Modifier1(*modifier1));
        }
        if self.keepalive > 0 {
            settings = settings.with_keepalive(Duration::from_millis(self.keepalive));
        }
        settings.chunked = self.chunked;
        settings
    }
}
