//! A request of a client, checked.

use core::net::IpAddr;

use alloc::borrow::Cow;
use std::collections::HashSet;

use http::Version;
use http::header::{CONNECTION, HeaderName, UPGRADE};
use http::request::Parts;
use uwsgi::gateway::{asks_for_websocket, is_request_id};
use uwsgi_tower::PacketBuf;

use crate::vars::body::FrontBody;
use crate::vars::client::Client;
use crate::vars::encode;
use crate::vars::front_addresses::FrontAddresses;
use crate::vars::head_error::HeadError;
use crate::vars::headers::{X_REQUEST_ID, listed, received, values};
use crate::vars::request_id;
use crate::vars::target::Target;
use crate::vars::translation::Translation;

/// A request of a client that may be sent to a backend; from [`Translation::read`].
#[derive(Debug)]
pub struct FrontRequest<'r> {
    pub(crate) translation: &'r Translation,
    pub(crate) parts: &'r Parts,
    pub(crate) front: &'r FrontAddresses,
    pub(crate) target: Target<'r>,
    pub(crate) client: Client<'r>,
    pub(crate) body: FrontBody,
    pub(crate) request_id: Cow<'r, str>,
    /// The headers that `Connection` lists.
    pub(crate) listed: HashSet<HeaderName>,
    pub(crate) websocket: bool,
}

impl<'r> FrontRequest<'r> {
    pub(crate) fn read(
        translation: &'r Translation,
        parts: &'r Parts,
        front: &'r FrontAddresses,
    ) -> Result<Self, HeadError> {
        let target = Target::of(parts)?;
        let body = FrontBody::of(parts)?;
        let headers = &parts.headers;
        let client = Client::of(translation, headers, front);
        let of_proxy = || received(headers, &X_REQUEST_ID, translation.underscores).next_back();
        let of_proxy = if client.is_peer_trusted { of_proxy() } else { None };
        let kept = of_proxy.filter(|id| is_request_id(id)).and_then(|id| core::str::from_utf8(id).ok());
        let websocket = body == FrontBody::None
            && parts.version == Version::HTTP_11
            && asks_for_websocket(
                parts.method.as_str().as_bytes(),
                values(headers, &CONNECTION),
                values(headers, &UPGRADE),
            );
        let request = Self {
            translation,
            parts,
            front,
            target,
            client,
            body,
            request_id: kept.map_or_else(|| Cow::Owned(request_id::new()), Cow::Borrowed),
            listed: listed(headers),
            websocket,
        };
        encode::check_size(&request)?;
        Ok(request)
    }

    /// Returns where the body ends.
    #[must_use]
    pub const fn body(&self) -> FrontBody {
        self.body
    }

    /// Makes the packet. `length` is the length of the body, which becomes `CONTENT_LENGTH`.
    ///
    /// # Errors
    ///
    /// [`HeadError::Encode`]: the vars do not fit into a packet.
    pub fn packet(&self, length: u64) -> Result<PacketBuf, HeadError> {
        encode::packet(self, length)
    }

    /// Returns the address of the client; `None` on a Unix socket whose peer reports no client.
    #[must_use]
    pub const fn client(&self) -> Option<IpAddr> {
        self.client.address
    }

    /// Returns the id of the request, which is in the packet too.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Returns the host that the request is for, with its port if it has one.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.target.host.map(|host| host.as_str())
    }

    /// Returns whether the request asks to become a WebSocket. Then the packet has `HTTP_UPGRADE` and `HTTP_CONNECTION`.
    #[must_use]
    pub const fn asks_for_websocket(&self) -> bool {
        self.websocket
    }

    /// Returns `PATH_INFO`.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.target.path
    }

    /// Returns `REQUEST_URI`: the target in origin form, as the client wrote it.
    #[must_use]
    pub fn request_uri(&self) -> &str {
        &self.target.request_uri
    }
}
