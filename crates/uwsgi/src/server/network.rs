//! An entry of an allow list.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

/// A network: all addresses that begin with the same bits. A single address is a network too, and so are
/// [all addresses](Self::EVERY_ADDRESS).
///
/// ```
/// use uwsgi::server::Network;
///
/// let network: Network = "10.0.0.0/8".parse()?;
/// assert!(network.contains("10.1.2.3".parse()?) && !network.contains("192.0.2.1".parse()?));
/// assert_eq!(network.to_string(), "10.0.0.0/8");
/// assert!("10.0.0.0/33".parse::<Network>().is_err());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    range: Range,
}

/// The addresses of a network. An address is kept as bytes, which need no padding: a network has 18 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Range {
    Every,
    /// An address, and the number of its first bits that count.
    V4(Ipv4Addr, u8),
    V6(Ipv6Addr, u8),
}

/// The text is neither an address nor a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "there is nothing more to say")]
pub struct InvalidNetwork;

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither an address nor a network")
    }
}

impl core::error::Error for InvalidNetwork {}

impl Network {
    /// All addresses. They are written as `*`.
    pub const EVERY_ADDRESS: Self = Self { range: Range::Every };
    /// The loopback addresses, which are the default of all servers.
    pub(super) const LOOPBACK: [Self; 2] =
        [Self { range: Range::V4(Ipv4Addr::LOCALHOST, 32) }, Self { range: Range::V6(Ipv6Addr::LOCALHOST, 128) }];

    /// Returns whether an address belongs to the network. An IPv4-mapped address of IPv6 is an address of IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.contains_canonical(address.to_canonical())
    }

    /// Returns whether the network contains an address that is not an IPv4-mapped one.
    pub(super) fn contains_canonical(&self, address: IpAddr) -> bool {
        // No bit counts if the shift is too long to have a result.
        match (self.range, address) {
            (Range::Every, _) => true,
            (Range::V4(network, prefix), IpAddr::V4(address)) => {
                let differ = network.to_bits() ^ address.to_bits();
                differ.checked_shr(32_u32.saturating_sub(u32::from(prefix))).unwrap_or(0) == 0
            }
            (Range::V6(network, prefix), IpAddr::V6(address)) => {
                let differ = network.to_bits() ^ address.to_bits();
                differ.checked_shr(128_u32.saturating_sub(u32::from(prefix))).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// Parses `*`, an address, or an address with the number of its first bits that count. The other bits may have any value.
impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        if text == "*" {
            return Ok(Self::EVERY_ADDRESS);
        }
        let (address, digits) = match text.split_once('/') {
            Some((address, digits)) => (address, Some(digits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match digits {
            None => Some(most),
            Some(digits) => prefix(digits).filter(|prefix| *prefix <= most),
        };
        let prefix = prefix.ok_or(InvalidNetwork)?;
        // An IPv4-mapped network of IPv6 becomes a network of IPv4. A network that is written as IPv4 has a prefix under 96, so
        // it stays as it is.
        let range = match (address, address.to_canonical(), prefix.checked_sub(96)) {
            (_, IpAddr::V4(mapped), Some(prefix)) => Range::V4(mapped, prefix),
            (IpAddr::V4(address), ..) => Range::V4(address, prefix),
            (IpAddr::V6(address), ..) => Range::V6(address, prefix),
        };
        Ok(Self { range })
    }
}

/// Writes the network as it can be parsed.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.range {
            Range::Every => f.write_str("*"),
            Range::V4(address, 32) => address.fmt(f),
            Range::V4(address, prefix) => write!(f, "{address}/{prefix}"),
            Range::V6(address, 128) => address.fmt(f),
            Range::V6(address, prefix) => write!(f, "{address}/{prefix}"),
        }
    }
}

/// Parses the number of bits. Leading zeros are refused, because some programs would read an octal number.
fn prefix(digits: &str) -> Option<u8> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = is_number && (digits.len() == 1 || !digits.starts_with('0'));
    digits.parse().ok().filter(|_| is_plain)
}
