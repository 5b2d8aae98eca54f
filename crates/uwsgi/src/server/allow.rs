//! Which peers may speak.

use core::fmt;
use core::net::IpAddr;

/// Networks that peers may come from: addresses and networks, separated by commas; `*` is all of them.
///
/// The value is the proof that every entry can be read. Networks match whom they hold, and an IPv4 peer of a socket that
/// is bound to both families is matched as the IPv4 peer it is (gunicorn 27 compares text and does neither). Unix sockets
/// have no address: their permissions decide, and nobody asks the list.
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

/// Which entry of a list cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowError {
    entry: usize,
}

impl AllowError {
    /// Which entry it is, counted from 1.
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

impl Default for AllowList<&'static str> {
    /// This machine alone: `127.0.0.1,::1`.
    fn default() -> Self {
        Self { text: "127.0.0.1,::1" }
    }
}

impl<S: AsRef<str>> AllowList<S> {
    /// The list that a text is; the text may be borrowed or owned. An empty one allows nobody.
    ///
    /// # Errors
    ///
    /// [`AllowError`]: which entry is neither `*` nor an address nor a network.
    pub fn parse(text: S) -> Result<Self, AllowError> {
        let unreadable = entries(text.as_ref()).position(|entry| entry.is_none());
        match unreadable {
            Some(place) => Err(AllowError { entry: place.saturating_add(1) }),
            None => Ok(Self { text }),
        }
    }

    /// Whether a peer with this address may speak.
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
    /// An address, and how many of its first bits count.
    Network(IpAddr, u32),
}

/// The entries of a list, each `None` where it cannot be read.
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
        // A network of IPv4 addresses in IPv6 clothes is the IPv4 network it is; no prefix of an IPv4 network reaches 96.
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
