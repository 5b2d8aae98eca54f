//! What a case asks of the server it is played against.

use core::net::IpAddr;
use core::time::Duration;

use uwsgi::server::Settings;
use uwsgi::{Limits, Modifier1};

/// What a case needs: settings of the server, and the state it is in. [`Needs::DEFAULT`] is a server as it comes, with
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
    /// modifier1 of the requests that are accepted besides 0.
    pub accepting: &'static [u8],
    /// The largest datasize.
    pub datasize: u16,
    /// The most vars.
    pub vars: u16,
    /// The longest body.
    pub body_limit: u64,
    /// For how many milliseconds a connection may be silent between two requests; 0 is one request a connection.
    pub keepalive: u64,
    /// Whether a body without a length may be chunked.
    pub chunked: bool,
    /// Who may connect.
    pub allow: &'static str,
    /// Who does.
    pub sender: Sender,
    /// How many connections there are, this one counted.
    pub connections: usize,
    /// How many there may be.
    pub most_connections: usize,
    /// Until how many milliseconds after the connection began no worker is free.
    pub busy: u64,
    /// How many milliseconds after the connection began a stop is asked for, if one is.
    pub stop: Option<u64>,
}

/// Where a connection comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "an address, or none")]
pub enum Sender {
    /// This address; a runner that cannot send from there cannot play the case.
    Address(IpAddr),
    /// This machine, by whatever way the runner has: a Unix socket, or loopback.
    Local,
}

impl Needs {
    /// A server as it comes, with nothing else to do.
    pub const DEFAULT: Self = Self {
        accepting: &[],
        datasize: u16::MAX,
        vars: 1000,
        body_limit: 1 << 30,
        keepalive: 0,
        chunked: false,
        allow: "127.0.0.1,::1",
        sender: Sender::Local,
        connections: 1,
        most_connections: 1024,
        busy: 0,
        stop: None,
    };

    /// One connection for more than one request, silent for 5 seconds at most between two.
    pub const KEEPALIVE: Self = Self { keepalive: 5000, ..Self::DEFAULT };

    /// The same, and a stop is asked for so many milliseconds after the connection began.
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

    /// The settings for the machines of [`uwsgi::server`].
    #[must_use]
    pub fn settings(&self) -> Settings {
        let limits = Limits::server().with_datasize(self.datasize).with_vars(self.vars);
        let mut settings = Settings::default().with_limits(limits).with_body_limit(self.body_limit);
        for modifier1 in self.accepting {
            settings = settings.accepting(Modifier1(*modifier1));
        }
        if self.keepalive > 0 {
            settings = settings.with_keepalive(Duration::from_millis(self.keepalive));
        }
        settings.chunked = self.chunked;
        settings
    }
}
