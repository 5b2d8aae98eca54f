//! A request of a client, checked.

use core::net::IpAddr;

use alloc::borrow::Cow;
use std::collections::HashSet;

use http::header::HeaderName;
use http::request::Parts;

use crate::vars::body::FrontBody;
use crate::vars::client::Client;
use crate::vars::front_addresses::FrontAddresses;
use crate::vars::target::Target;
use crate::vars::translation::Translation;

/// A request of a client that may be sent to a backend; from [`Translation::read`].
///
/// ```
/// use uwsgi_gateway::{FrontAddresses, FrontBody, Translation};
///
/// let (translation, front) = (Translation::new(), FrontAddresses::unix());
/// let request = http::Request::post("/a/../b?c").header("Host", "example.com:81").header("Content-Length", "5");
/// let (parts, ()) = request.body(())?.into_parts();
/// let request = translation.read(&parts, &front)?;
/// assert_eq!((request.path(), request.request_uri()), (&b"/b"[..], "/a/../b?c"));
/// assert_eq!((request.host(), request.client()), (Some("example.com:81"), None));
/// assert_eq!(request.body(), FrontBody::Length(5));
/// assert!(!request.asks_for_websocket());
/// assert_eq!(request.packet(5)?.vars()?.get("HTTP_X_REQUEST_ID"), Some(request.request_id().as_bytes()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

impl FrontRequest<'_> {
    /// Returns where the body ends.
    #[must_use]
    pub const fn body(&self) -> FrontBody {
        self.body
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
