//! The addresses of a client's connection.

use core::net::{IpAddr, SocketAddr};

use alloc::format;
use alloc::string::{String, ToString};
use uwsgi::Scheme;

/// The addresses of a client's connection, as texts of vars. A front makes them once for a connection.
///
/// ```
/// use uwsgi_gateway::FrontAddresses;
///
/// let front = FrontAddresses::tcp("203.0.113.9:40000".parse()?, "127.0.0.1:8080".parse()?);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct FrontAddresses {
    /// The address of the peer; `None` on a Unix socket.
    pub(crate) peer: Option<IpAddr>,
    /// `REMOTE_ADDR`: the peer.
    pub(crate) remote_addr: String,
    /// `REMOTE_PORT`.
    pub(crate) remote_port: Option<String>,
    /// The name of the server if the request names no host.
    pub(crate) server_name: String,
    /// `SERVER_PORT`.
    pub(crate) server_port: String,
    /// The scheme of the connection.
    pub(crate) scheme: Scheme,
}

impl FrontAddresses {
    /// Makes the addresses of a TCP connection: the client's, and the gateway's own. An IPv4-mapped address of IPv6 becomes one of
    /// IPv4: a listener of both families has such peers.
    #[must_use]
    pub fn tcp(peer: SocketAddr, local: SocketAddr) -> Self {
        let address = peer.ip().to_canonical();
        Self {
            peer: Some(address),
            remote_addr: address.to_string(),
            remote_port: Some(peer.port().to_string()),
            // RFC 3875 section 4.1.14: an IPv6 address has brackets.
            server_name: match local.ip().to_canonical() {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("[{address}]"),
            },
            server_port: local.port().to_string(),
            scheme: Scheme::Http,
        }
    }

    /// Makes the addresses of a connection over a Unix socket. The client has no address, and the server is `localhost`, port 80.
    #[must_use]
    pub fn unix() -> Self {
        Self {
            peer: None,
            remote_addr: String::new(),
            remote_port: None,
            server_name: "localhost".into(),
            server_port: "80".into(),
            scheme: Scheme::Http,
        }
    }
}
