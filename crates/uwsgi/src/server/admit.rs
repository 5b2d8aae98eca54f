//! What is decided about a connection before a byte of it is read.

use core::net::IpAddr;

use crate::server::allow::AllowList;
use crate::server::refusal::Refusal;

/// Whether a connection is taken: its peer must be allowed, and there must not be too many.
///
/// `peer` is `None` for a Unix socket, whose permissions have decided already; `connections` counts this one too.
///
/// ```
/// use uwsgi::server::{AllowList, Refusal, admit};
///
/// let allow = AllowList::default();
/// assert_eq!(admit(&allow, None, 1, 1024), Ok(()));
/// assert_eq!(admit(&allow, Some("192.0.2.1".parse().unwrap()), 1, 1024), Err(Refusal::PeerNotAllowed));
/// assert_eq!(admit(&allow, None, 1025, 1024), Err(Refusal::TooManyConnections));
/// ```
///
/// # Errors
///
/// [`Refusal::PeerNotAllowed`], before any other; [`Refusal::TooManyConnections`].
pub fn admit<S: AsRef<str>>(
    allow: &AllowList<S>,
    peer: Option<IpAddr>,
    connections: usize,
    most: usize,
) -> Result<(), Refusal> {
    if peer.is_some_and(|peer| !allow.allows(peer)) {
        return Err(Refusal::PeerNotAllowed);
    }
    if connections > most { Err(Refusal::TooManyConnections) } else { Ok(()) }
}
