//! Decides about a connection before a byte of it is read, and counts the connections of a server.

use core::net::IpAddr;

use crate::server::allow_list::AllowList;
use crate::server::network::Network;
use crate::server::refusal::Refusal;

/// Decides whether to serve a connection: its peer must be allowed, and there must not be too many connections.
///
/// `peer` is `None` for a Unix socket, where the permissions of its file have decided already. `connections` counts this
/// connection too; `limit` is the largest number of connections.
///
/// ```
/// use uwsgi::server::{AllowList, Refusal, admit};
///
/// let allow = AllowList::LOOPBACK;
/// assert_eq!(admit(&allow, None, 1, 1024), Ok(()));
/// assert_eq!(admit(&allow, Some("192.0.2.1".parse().unwrap()), 1, 1024), Err(Refusal::PeerNotAllowed));
/// assert_eq!(admit(&allow, None, 1025, 1024), Err(Refusal::TooManyConnections));
/// ```
///
/// # Errors
///
/// [`Refusal::PeerNotAllowed`], before any other; [`Refusal::TooManyConnections`].
pub fn admit<N: AsRef<[Network]>>(
    allow: &AllowList<N>,
    peer: Option<IpAddr>,
    connections: usize,
    limit: usize,
) -> Result<(), Refusal> {
    if peer.is_some_and(|peer| !allow.allows(peer)) {
        return Err(Refusal::PeerNotAllowed);
    }
    if connections > limit { Err(Refusal::TooManyConnections) } else { Ok(()) }
}

/// Counts the connections of a server, and decides about each new one.
///
/// Refused connections are counted apart from those that are served. Otherwise a peer that is not allowed could use up the
/// limit with connections that are all refused.
///
/// ```
/// use uwsgi::server::{Admission, AllowList, ConnectionLimit, Refusal};
///
/// let (mut connections, allow) = (ConnectionLimit::new(1), AllowList::LOOPBACK);
/// let stranger = Some("192.0.2.1".parse().unwrap());
/// assert_eq!(connections.admit(&allow, stranger), Admission::Refuse(Refusal::PeerNotAllowed));
/// assert_eq!(connections.admit(&allow, None), Admission::Serve);
/// assert_eq!(connections.admit(&allow, None), Admission::Refuse(Refusal::TooManyConnections));
/// connections.release(Admission::Serve);
/// assert_eq!(connections.admit(&allow, None), Admission::Serve);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimit {
    limit: usize,
    served: usize,
    refused: usize,
}

/// What to do with a connection that was accepted. Call [`ConnectionLimit::release`] with it when the connection is over.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a server must do one of the three")]
pub enum Admission {
    /// Serve it.
    Serve,
    /// Refuse it: write the response of the refusal, half-close, drain and close.
    Refuse(Refusal),
    /// Refuse it, while too many refusals are being written: write the response of the refusal if that can be done without
    /// waiting, and close. The response may be lost.
    RefuseWithoutWaiting(Refusal),
}

impl Default for ConnectionLimit {
    /// A limit of [`DEFAULT`](Self::DEFAULT) connections.
    fn default() -> Self {
        Self::new(Self::DEFAULT)
    }
}

impl ConnectionLimit {
    /// How many connections may wait to be accepted. A server listens with this backlog. After a stop has begun, it accepts at
    /// most this many more connections.
    pub const BACKLOG: u16 = 1024;
    /// How many connections a server serves at once by default.
    pub const DEFAULT: usize = 1024;
    /// How many refusals a server writes at once; others are refused without waiting.
    pub const REFUSALS: usize = 64;

    /// Makes a counter without connections, which serves at most `limit` of them at once.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { limit, served: 0, refused: 0 }
    }

    /// Returns the largest number of connections that are open at once: those that are served, and those whose refusal is being
    /// written.
    ///
    /// ```
    /// # use uwsgi::server::ConnectionLimit;
    /// assert_eq!(ConnectionLimit::new(100).max_open(), 164);
    /// ```
    #[must_use]
    pub const fn max_open(&self) -> usize {
        self.limit.saturating_add(Self::REFUSALS)
    }

    /// Decides about a new connection and counts it; `peer` is as for [`admit`].
    pub fn admit<N: AsRef<[Network]>>(&mut self, allow: &AllowList<N>, peer: Option<IpAddr>) -> Admission {
        let with_this = self.served.saturating_add(1);
        match admit(allow, peer, with_this, self.limit) {
            Ok(()) => {
                self.served = with_this;
                Admission::Serve
            }
            Err(refusal) if self.refused < Self::REFUSALS => {
                self.refused = self.refused.saturating_add(1);
                Admission::Refuse(refusal)
            }
            Err(refusal) => Admission::RefuseWithoutWaiting(refusal),
        }
    }

    /// Removes a connection from the count, because it is over.
    pub fn release(&mut self, admission: Admission) {
        match admission {
            Admission::Serve => self.served = self.served.saturating_sub(1),
            Admission::Refuse(_) => self.refused = self.refused.saturating_sub(1),
            Admission::RefuseWithoutWaiting(_) => {}
        }
    }
}
