//! The proxies whose word about a client counts.

use core::error::Error;
use core::fmt;
use core::net::IpAddr;

use alloc::vec::Vec;
use uwsgi::server::Network;

/// The proxies that the gateway believes when they say who their client is: addresses, networks and `unix`, separated by commas.
/// `unix` means every peer on a Unix socket. No proxy by default.
///
/// A list with `*` is refused: every client could then invent its address.
///
/// ```
/// use uwsgi_gateway::TrustedProxies;
///
/// TrustedProxies::parse("10.0.0.0/8, ::1, unix")?;
/// assert_eq!(
///     TrustedProxies::parse("10.0.0.0/8,proxy").unwrap_err().to_string(),
///     "entry 2 is no address, no network and not `unix`"
/// );
/// # Ok::<(), uwsgi_gateway::TrustedProxiesError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<Network>,
    unix: bool,
}

/// The entry of a list of proxies that cannot be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedProxiesError {
    entry: usize,
}

impl fmt::Display for TrustedProxiesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} is no address, no network and not `unix`", self.entry)
    }
}

impl Error for TrustedProxiesError {}

impl TrustedProxies {
    /// Parses a list. An empty list trusts no proxy.
    ///
    /// # Errors
    ///
    /// [`TrustedProxiesError`]: an entry is no address, no network and not `unix`.
    pub fn parse(list: &str) -> Result<Self, TrustedProxiesError> {
        if list.trim().is_empty() {
            return Ok(Self::default());
        }
        let mut proxies = Self::default();
        for (index, entry) in list.split(',').map(str::trim).enumerate() {
            match entry.parse() {
                Ok(network) if network != Network::EVERY_ADDRESS => proxies.networks.push(network),
                _ if entry == "unix" => proxies.unix = true,
                _ => return Err(TrustedProxiesError { entry: index.saturating_add(1) }),
            }
        }
        Ok(proxies)
    }

    /// Returns whether no proxy is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && !self.unix
    }

    /// Returns whether the proxy with this address is trusted.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }

    /// Returns whether the peer of a connection is trusted. A peer without an address is one on a Unix socket.
    pub(crate) fn trusts_peer(&self, peer: Option<IpAddr>) -> bool {
        peer.map_or(self.unix, |address| self.trusts(address))
    }
}
