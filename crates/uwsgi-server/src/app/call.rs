//! The values that the server gives to an application.

use alloc::borrow::Cow;
use core::net::IpAddr;

use uwsgi::{Packet, Request};
use uwsgi_io::Addresses;

use crate::workers::Workers;

/// A request, and the connection and the packet that it came in.
#[derive(Debug, Clone, Copy)]
pub struct Call<'r> {
    pub(crate) request: Request<'r>,
    pub(crate) packet: Packet<'r>,
    pub(crate) addresses: Addresses,
    pub(crate) workers: &'r Workers,
}

impl<'r> Call<'r> {
    /// Returns the request.
    #[must_use]
    pub const fn request(&self) -> &Request<'r> {
        &self.request
    }

    /// Returns the packet that the request came in, unchanged.
    #[must_use]
    pub const fn packet(&self) -> &Packet<'r> {
        &self.packet
    }

    /// Replaces the request. Middleware that mounts applications uses this to change the paths.
    #[must_use]
    pub const fn with_request(self, request: Request<'r>) -> Self {
        Self { request, ..self }
    }

    /// Returns the addresses of the connection.
    #[must_use]
    pub const fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Returns the client's address: `REMOTE_ADDR`, which the front end sets, else the address of the peer.
    #[must_use]
    pub fn client(&self) -> Option<IpAddr> {
        let var = self.request.remote_addr().and_then(|address| core::str::from_utf8(address).ok());
        var.and_then(|address| address.parse().ok()).or(self.addresses.peer.map(|peer| peer.ip()))
    }

    /// Returns the server's name: see [`Addresses::server_name`].
    #[must_use]
    pub fn server_name(&self) -> Cow<'r, str> {
        self.addresses.server_name(&self.request)
    }

    /// Returns the server's port: see [`Addresses::server_port`].
    #[must_use]
    pub fn server_port(&self) -> u16 {
        self.addresses.server_port(&self.request)
    }

    /// Returns how many requests the application may be working on now: the number of
    /// [`with_workers`](crate::Server::with_workers), plus one for each request that went on without a permit. The number can
    /// change from one call to the next. `wsgi.multithread` is whether it is more than 1.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers.max_at_work()
    }
}

/// A packet that is not a web request, and the connection that it came in.
#[derive(Debug, Clone, Copy)]
pub struct Message<'r> {
    pub(crate) packet: Packet<'r>,
    pub(crate) addresses: Addresses,
}

impl<'r> Message<'r> {
    /// Returns the packet. [`uwsgi::message`] has the types to decode it.
    #[must_use]
    pub const fn packet(&self) -> &Packet<'r> {
        &self.packet
    }

    /// Returns the addresses of the connection.
    #[must_use]
    pub const fn addresses(&self) -> Addresses {
        self.addresses
    }
}
