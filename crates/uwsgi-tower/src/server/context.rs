//! What the server knows about one connection.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use http::Extensions;
use uwsgi::server::Settings;

use crate::server::halves::SocketHooks;
use crate::server::tracker::ConnectionSlot;
use crate::stop::Stop;

/// The context of a connection: its settings, its peer, and the stop of its server.
#[derive(Debug)]
pub(crate) struct ConnectionContext<IO> {
    pub(crate) settings: Settings,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) stop: Stop,
    pub(crate) hooks: Option<SocketHooks<IO>>,
    /// The extensions of each request.
    pub(crate) extensions: Extensions,
    /// The time after the start in which a stop is ignored, because the first request may be on its way.
    pub(crate) stop_delay: Duration,
    /// The slot that counts the connection. An upgraded connection takes it.
    pub(crate) slot: Option<ConnectionSlot>,
}

impl<IO> ConnectionContext<IO> {
    /// Logs that a request or the connection is refused, why, and with which status.
    pub(crate) fn log_refusal(&self, reason: &dyn fmt::Display, status: u16) {
        match self.peer {
            Some(peer) => tracing::warn!(%peer, status, "refused: {reason:#}"),
            None => tracing::warn!(status, "refused: {reason:#}"),
        }
    }
}
