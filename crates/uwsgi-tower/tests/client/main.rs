//! The client against simple backends.
#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::as_conversions,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_alloc,
    reason = "a test that panics has found something"
)]

mod backend;
mod dropped;
mod early_responses;
mod errors;
mod kept_connections;
mod names;
mod ping;
mod responses;
mod timeouts;
mod upgrades;
