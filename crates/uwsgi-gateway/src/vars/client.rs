//! Who sent a request, and over which scheme.

use core::net::IpAddr;

use alloc::borrow::Cow;
use alloc::string::ToString;
use http::HeaderMap;
use http::header::HeaderName;
use uwsgi::Scheme;
use uwsgi::gateway::{client_address, forwarded_scheme};

use crate::vars::front_addresses::FrontAddresses;
use crate::vars::headers::{X_FORWARDED_FOR, X_FORWARDED_PROTO, received};
use crate::vars::translation::Translation;

/// Who sent a request, and over which scheme.
#[derive(Debug)]
pub(crate) struct Client<'r> {
    /// Whether the peer is a trusted proxy.
    pub(crate) is_peer_trusted: bool,
    /// The address of the client; `None` on a Unix socket.
    pub(crate) address: Option<IpAddr>,
    /// `REMOTE_ADDR`.
    pub(crate) remote_addr: Cow<'r, str>,
    /// `REMOTE_PORT`. `None` if the peer is a trusted proxy, because its port is not the client's.
    pub(crate) remote_port: Option<&'r str>,
    pub(crate) scheme: Scheme,
}

impl<'r> Client<'r> {
    /// Finds the client. A trusted proxy is asked even for a header that `Connection` lists, because the gateway is the recipient
    /// that this header is for (RFC 9110 section 7.6.1). A client that could remove it would get the address of the proxy
    /// (CVE-2022-31813).
    pub(crate) fn of(translation: &Translation, headers: &HeaderMap, front: &'r FrontAddresses) -> Self {
        let proxies = &translation.proxies;
        let peer = Self {
            is_peer_trusted: false,
            address: front.peer,
            remote_addr: Cow::Borrowed(&front.remote_addr),
            remote_port: front.remote_port.as_deref(),
            scheme: front.scheme,
        };
        if proxies.is_empty() || !proxies.trusts_peer(front.peer) {
            return peer;
        }
        let received = |name: &HeaderName| received(headers, name, translation.underscores);
        let found = client_address(received(&X_FORWARDED_FOR), |address| proxies.trusts(address));
        Self {
            is_peer_trusted: true,
            address: found.or(front.peer),
            remote_addr: found.map_or(peer.remote_addr, |address| Cow::Owned(address.to_string())),
            remote_port: None,
            scheme: forwarded_scheme(received(&X_FORWARDED_PROTO)).unwrap_or(front.scheme),
        }
    }
}
