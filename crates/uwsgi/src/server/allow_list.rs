//! Which peers may connect.

use core::fmt;
use core::net::IpAddr;

/// The peers that may connect: addresses and networks, separated by commas. `*` is every peer.
///
/// Only a list whose entries can all be parsed becomes an `AllowList`. A network matches all addresses in it. If a socket is
/// bound to both families, an IPv4 peer is matched by its IPv4 address. (gunicorn 27 compares text and does neither.) A Unix
/// socket has no addresses, so the list is not used: the permissions of its file decide.
///
/// ```
/// use uwsgi::server::AllowList;
///
/// let allow = AllowList::parse("127.0.0.1, 10.0.0.0/8, ::1")?;
/// assert!(allow.allows("10.1.2.3".parse().unwrap()));
/// assert!(allow.allows("::ffff:127.0.0.1".parse().unwrap()));
/// assert!(!allow.allows("192.0.2.1".parse().unwrap()));
/// assert_eq!(AllowList::parse("10.0.0.0/33").unwrap_err().to_string(), "entry 1 is no address and no network");
/// # Ok::<(), uwsgi::server::AllowError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowList<S> {
    text: S,
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

impl AllowList<&'static str> {
    /// The text of the default list: the loopback addresses.
    pub const LOOPBACK: &'static str = "127.0.0.1,::1";
}

impl Default for AllowList<&'static str> {
    /// Returns a list of the [loopback addresses](Self::LOOPBACK).
    fn default() -> Self {
        Self { text: Self::LOOPBACK }
    }
}

/// Copies the text of a list.
///
/// ```
/// use uwsgi::server::AllowList;
///
/// let allow: AllowList<String> = AllowList::<&str>::default().into();
/// assert!(allow.allows("127.0.0.1".parse().unwrap()));
/// ```
#[cfg(feature = "alloc")]
impl From<AllowList<&str>> for AllowList<alloc::string::String> {
    fn from(list: AllowList<&str>) -> Self {
        Self { text: list.text.into() }
    }
}

impl<S: AsRef<str>> AllowList<S> {
    /// Parses a list. The text may be borrowed or owned. An empty list allows no peer.
    ///
    /// # Errors
    ///
    /// [`AllowError`]: an entry is neither `*` nor an address nor a network.
    pub fn parse(text: S) -> Result<Self, AllowError> {
        let unreadable = entries(text.as_ref()).position(|entry| entry.is_none());
        match unreadable {
            Some(place) => Err(AllowError { entry: place.saturating_add(1) }),
            None => Ok(Self { text }),
        }
    }

    /// Whether a peer with this address may connect.
    pub fn allows(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        entries(self.text.as_ref()).flatten().any(|entry| match entry {
            Entry::Everybody => true,
            Entry::Network(network, prefix) => holds(network, prefix, peer),
        })
    }
}

enum Entry {
    Everybody,
    /// An address, and the number of its first bits that count.
    Network(IpAddr, u32),
}

/// Returns the entries of a list; `None` for an entry that cannot be parsed.
fn entries(text: &str) -> impl Iterator<Item = Option<Entry>> {
    let entries = text.split(',').map(str::trim);
    let empty = text.trim().is_empty();
    entries.filter(move |_| !empty).map(|entry| {
        if entry == "*" {
            return Some(Entry::Everybody);
        }
        let (address, prefix) = match entry.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (entry, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix: u32 = match prefix {
            None => most,
            Some(digits) if digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit()) => digits
                .parse()
                .ok()
                .filter(|prefix| *prefix <= most && (digits.len() == 1 || !digits.starts_with('0')))?,
            Some(_) => return None,
        };
        // An IPv4-mapped network of IPv6 becomes a network of IPv4. A network that is written as IPv4 has a prefix under 96, so
        // it stays as it is.
        match (address.to_canonical(), prefix.checked_sub(96)) {
            (v4 @ IpAddr::V4(_), Some(prefix)) => Some(Entry::Network(v4, prefix)),
            _ => Some(Entry::Network(address, prefix)),
        }
    })
}

/// Whether the first `prefix` bits are the same.
fn holds(network: IpAddr, prefix: u32, peer: IpAddr) -> bool {
    let (differ, bits) = match (network, peer) {
        (IpAddr::V4(network), IpAddr::V4(peer)) => (u128::from(network.to_bits() ^ peer.to_bits()), 32_u32),
        (IpAddr::V6(network), IpAddr::V6(peer)) => (network.to_bits() ^ peer.to_bits(), 128),
        _ => return false,
    };
    differ.checked_shr(bits.saturating_sub(prefix)).unwrap_or(0) == 0
}
