//! Which peers may connect.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
#[cfg(feature = "alloc")]
use core::str::FromStr;

use crate::server::network::Network;

/// The peers that may connect: addresses and networks, separated by commas. `*` is every peer. The list is parsed once.
///
/// If a socket is bound to both families, an IPv4 peer is matched by its IPv4 address. (gunicorn 27 compares text and matches
/// neither networks nor such peers.) A Unix socket has no addresses, so the list is not used: the permissions of its file
/// decide.
///
/// ```
/// use uwsgi::server::AllowList;
///
/// let allow: AllowList = "127.0.0.1, 10.0.0.0/8, ::1".parse()?;
/// assert!(allow.allows("10.1.2.3".parse().unwrap()));
/// assert!(allow.allows("::ffff:127.0.0.1".parse().unwrap()));
/// assert!(!allow.allows("192.0.2.1".parse().unwrap()));
/// assert_eq!(AllowList::parse("10.0.0.0/33").unwrap_err().to_string(), "entry 1 is no address and no network");
/// # Ok::<(), uwsgi::server::AllowError>(())
/// ```
///
/// `N` holds the networks. Without an allocator it can be an array: see [`new`](Self::new).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowList<#[cfg(feature = "alloc")] N = Vec<Network>, #[cfg(not(feature = "alloc"))] N> {
    networks: N,
}

/// The entry of a list that cannot be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowError {
    entry: usize,
}

impl AllowError {
    /// Returns the number of the entry, from 1.
    #[must_use]
    pub const fn entry(&self) -> usize {
        self.entry
    }
}

impl fmt::Display for AllowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} is no address and no network", self.entry)
    }
}

impl core::error::Error for AllowError {}

impl AllowList<[Network; 2]> {
    /// The default list: the loopback addresses 127.0.0.1 and ::1.
    pub const LOOPBACK: Self = Self { networks: Network::LOOPBACK };
}

#[cfg(feature = "alloc")]
impl AllowList {
    /// Parses a list. An empty list allows no peer.
    ///
    /// # Errors
    ///
    /// [`AllowError`]: an entry is neither `*` nor an address nor a network.
    pub fn parse(text: &str) -> Result<Self, AllowError> {
        let entries = text.split(',').enumerate().filter(|_| !text.trim().is_empty());
        let parsed = entries
            .map(|(index, entry)| entry.trim().parse().map_err(|_| AllowError { entry: index.saturating_add(1) }));
        Ok(Self { networks: parsed.collect::<Result<_, _>>()? })
    }
}

#[cfg(feature = "alloc")]
impl FromStr for AllowList {
    type Err = AllowError;

    fn from_str(text: &str) -> Result<Self, AllowError> {
        Self::parse(text)
    }
}

/// Allows the [loopback addresses](AllowList::LOOPBACK).
#[cfg(feature = "alloc")]
impl Default for AllowList {
    fn default() -> Self {
        AllowList::LOOPBACK.into()
    }
}

/// Copies the networks of an array.
///
/// ```
/// use uwsgi::server::AllowList;
///
/// assert_eq!(AllowList::from(AllowList::LOOPBACK), AllowList::default());
/// ```
#[cfg(feature = "alloc")]
impl<const COUNT: usize> From<AllowList<[Network; COUNT]>> for AllowList {
    fn from(list: AllowList<[Network; COUNT]>) -> Self {
        Self { networks: list.networks.into() }
    }
}

impl<N: AsRef<[Network]>> AllowList<N> {
    /// Makes a list of networks.
    ///
    /// ```
    /// use uwsgi::server::{AllowList, Network};
    ///
    /// const EVERY_PEER: AllowList<[Network; 1]> = AllowList::new([Network::EVERY_ADDRESS]);
    /// assert!(EVERY_PEER.allows("192.0.2.1".parse().unwrap()));
    /// ```
    pub const fn new(networks: N) -> Self {
        Self { networks }
    }

    /// Returns the networks.
    pub fn networks(&self) -> &[Network] {
        self.networks.as_ref()
    }

    /// Returns whether a peer with this address may connect.
    pub fn allows(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.networks().iter().any(|network| network.contains_canonical(peer))
    }
}

/// Writes the list as it can be parsed.
///
/// ```
/// assert_eq!(uwsgi::server::AllowList::LOOPBACK.to_string(), "127.0.0.1,::1");
/// ```
impl<N: AsRef<[Network]>> fmt::Display for AllowList<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, network) in self.networks().iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{network}")?;
        }
        Ok(())
    }
}
