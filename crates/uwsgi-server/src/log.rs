//! Log lines about peers, and a guard against panics.

use core::net::SocketAddr;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use uwsgi::server::{Cut, Refusal};

/// Logs through `tracing` that a peer was refused, and the reason.
pub fn log_refusal(refusal: &Refusal, peer: Option<SocketAddr>) {
    catch_panic(|| tracing::warn!(peer = peer.map(display), status = refusal.status(), "refused: {refusal}"));
}

/// Logs through `tracing` that a response was cut off, and by which limit.
pub fn log_cut(cut: &Cut, peer: Option<SocketAddr>) {
    catch_panic(|| tracing::warn!(peer = peer.map(display), "{cut}"));
}

/// Calls a function, and returns `None` if it panics. A logger can panic, for example when its disk is full. The peer must
/// still get its response.
pub(crate) fn catch_panic<T>(function: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(function)).ok()
}
