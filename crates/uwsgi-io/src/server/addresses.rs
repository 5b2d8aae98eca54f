//! The addresses of a connection, and what they tell where the front end does not.

use alloc::borrow::Cow;
use core::net::SocketAddr;

use uwsgi::Request;

/// The two addresses of a connection. A connection over a Unix socket has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Addresses {
    /// The peer's address. The peer is the front end, not the client.
    pub peer: Option<SocketAddr>,
    /// The address that the peer connected to.
    pub local: Option<SocketAddr>,
}

impl Addresses {
    /// Returns the addresses of a connection over TCP. For one over a Unix socket, use [`default`](Self::default).
    ///
    /// ```
    /// use uwsgi::{Packet, Request};
    /// use uwsgi_io::Addresses;
    ///
    /// let addresses = Addresses::new("127.0.0.1:50000".parse().unwrap(), "127.0.0.1:3031".parse().unwrap());
    /// let (packet, _) = Packet::decode(b"\0\x15\0\0\x0e\0REQUEST_METHOD\x03\0GET")?;
    /// let request = Request::decode(&packet)?;
    /// assert_eq!((&*addresses.server_name(&request), addresses.server_port(&request)), ("127.0.0.1", 3031));
    /// # Ok::<(), uwsgi::DecodeError>(())
    /// ```
    #[must_use]
    pub const fn new(peer: SocketAddr, local: SocketAddr) -> Self {
        Self { peer: Some(peer), local: Some(local) }
    }

    /// Returns the server's name: `SERVER_NAME`, else the address that the peer connected to, else `localhost`. It is never
    /// empty (PEP 3333, "environ Variables").
    #[must_use]
    pub fn server_name<'r>(&self, request: &Request<'r>) -> Cow<'r, str> {
        match (request.server_name(), self.local) {
            (Some(name), _) if !name.is_empty() => String::from_utf8_lossy(name),
            (_, Some(local)) => Cow::Owned(local.ip().to_canonical().to_string()),
            _ => Cow::Borrowed("localhost"),
        }
    }

    /// Returns the server's port: `SERVER_PORT`, else the port that the peer connected to, else the default port of the scheme.
    #[must_use]
    pub fn server_port(&self, request: &Request<'_>) -> u16 {
        let var = request.server_port().and_then(Request::port);
        var.or(self.local.map(|local| local.port())).unwrap_or_else(|| request.scheme().default_port())
    }
}
