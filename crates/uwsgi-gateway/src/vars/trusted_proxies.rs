//! The proxies whose word about a client counts.

use core::error::Error;
use core::fmt;
use core::net::IpAddr;

use alloc::string::String;
use alloc::vec::Vec;
use uwsgi::server::AllowList;

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
    /// `None` if no network is trusted.
    networks: Option<AllowList<String>>,
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
        let mut networks = Vec::new();
        for (index, entry) in list.split(',').map(str::trim).enumerate() {
            let is_network = !entry.is_empty() && entry != "*" && AllowList::parse(entry).is_ok();
            if is_network {
                networks.push(entry);
            } else if entry != "unix" {
                return Err(TrustedProxiesError { entry: index.saturating_add(1) });
            }
        }
        let unix = list.split(',').any(|entry| entry.trim() == "unix");
        let networks = if networks.is_empty() { None } else { AllowList::parse(networks.join(",")).ok() };
        Ok(Self { networks, unix })
    }

    /// Returns whether no proxy is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.networks.is_none() && !self.unix
    }

    /// Returns whether the proxy with this address is trusted.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.networks.as_ref().is_some_and(|networks| networks.allows(address))
    }

    /// Returns whether the peer of a connection is trusted. A peer without an address is one on a Unix socket.
    pub(crate) fn trusts_peer(&self, peer: Option<IpAddr>) -> bool {
        peer.map_or(self.unix, |address| self.trusts(address))
    }
}
