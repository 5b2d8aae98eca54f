//! Log lines about peers, and a guard against panics.

use core::net::SocketAddr;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use uwsgi::Request;
use uwsgi::server::{Cut, Refusal};

/// Logs through `tracing` that a peer was refused, and the reason.
pub fn log_refusal(refusal: &Refusal, peer: Option<SocketAddr>) {
    catch_panic(|| tracing::warn!(peer = peer.map(display), status = refusal.status(), "refused: {refusal:#}"));
}

/// Logs through `tracing` that a response was cut off, and by which limit.
pub fn log_cut(cut: &Cut, peer: Option<SocketAddr>) {
    catch_panic(|| tracing::warn!(peer = peer.map(display), "{cut}"));
}

/// Returns a name of a request for the log: its method and its target, in ASCII, at most 400 bytes. The query is left out,
/// because it may hold secrets.
///
/// ```
/// use uwsgi::{Packet, Request};
/// use uwsgi_server::request_name;
///
/// let (packet, _) = Packet::decode(b"\0\x14\0\0\x09\0PATH_INFO\x07\0/blog/1")?;
/// assert_eq!(request_name(&Request::decode(&packet)?), "GET /blog/1");
/// # Ok::<(), uwsgi::DecodeError>(())
/// ```
#[must_use]
pub fn request_name(request: &Request<'_>) -> String {
    /// In bytes.
    const MAX_LENGTH: usize = 400;
    let name = format!("{} {}", request.method_or_get().escape_ascii(), request.target().from_root());
    name.split('?').next().unwrap_or_default().chars().take(MAX_LENGTH).collect()
}

/// Calls a function, and returns `None` if it panics. A logger can panic, for example when its disk is full. The peer must
/// still get its response.
pub(crate) fn catch_panic<T>(function: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(function)).ok()
}
