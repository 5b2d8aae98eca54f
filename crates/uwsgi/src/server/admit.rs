//! What is decided about a connection before a byte of it is read, and how many there may be.

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

/// The places of a server: how many connections are let in, and how many others are being told that they are not.
///
/// Those who are turned away take no place of those who may come in: otherwise anybody, with connections that are refused
/// one and all, could keep out those whom the server is for.
///
/// ```
/// use uwsgi::server::{AllowList, Place, Places, Refusal};
///
/// let (mut places, allow) = (Places::new(1), AllowList::default());
/// let stranger = Some("192.0.2.1".parse().unwrap());
/// assert_eq!(places.take(&allow, stranger), Place::Told(Refusal::PeerNotAllowed));
/// assert_eq!(places.take(&allow, None), Place::LetIn);
/// assert_eq!(places.take(&allow, None), Place::Told(Refusal::TooManyConnections));
/// places.give_back(Place::LetIn);
/// assert_eq!(places.take(&allow, None), Place::LetIn);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    most: usize,
    let_in: usize,
    told: usize,
}

/// What becomes of a connection that was accepted. Unless it is over already, its place is
/// [given back](Places::give_back) when it is.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "it comes in or not, and there is time to tell it properly or not")]
pub enum Place {
    /// It is served.
    LetIn,
    /// It is not, and too many are being told so: write the refusal's response if that can be done without waiting, and
    /// close. It may be lost.
    Passed(Refusal),
    /// It is not: write the refusal's response, half-close, drain and close.
    Told(Refusal),
}

impl Default for Places {
    /// For [`CONNECTIONS`](Self::CONNECTIONS).
    fn default() -> Self {
        Self::new(Self::CONNECTIONS)
    }
}

impl Places {
    /// How many connections may wait to be accepted: what to listen with, and how many are accepted at most once a stop was
    /// asked for.
    pub const BACKLOG: u16 = 1024;
    /// How many connections a server lets in at once, unless it is told otherwise.
    pub const CONNECTIONS: usize = 1024;
    /// How many others are told properly at once that they are not.
    pub const TOLD: usize = 64;

    /// Places for so many connections.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { most, let_in: 0, told: 0 }
    }

    /// Counts a connection where it belongs; `peer` is as for [`admit`].
    pub fn take<S: AsRef<str>>(&mut self, allow: &AllowList<S>, peer: Option<IpAddr>) -> Place {
        let with_this = self.let_in.saturating_add(1);
        match admit(allow, peer, with_this, self.most) {
            Ok(()) => {
                self.let_in = with_this;
                Place::LetIn
            }
            Err(refusal) if self.told < Self::TOLD => {
                self.told = self.told.saturating_add(1);
                Place::Told(refusal)
            }
            Err(refusal) => Place::Passed(refusal),
        }
    }

    /// A connection is over.
    pub fn give_back(&mut self, place: Place) {
        match place {
            Place::LetIn => self.let_in = self.let_in.saturating_sub(1),
            Place::Told(_) => self.told = self.told.saturating_sub(1),
            Place::Passed(_) => {}
        }
    }
}
