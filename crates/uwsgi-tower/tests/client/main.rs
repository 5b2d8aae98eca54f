//! The client against backends that do one thing.
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

mod answers;
mod backend;
mod cancelled;
mod early;
mod kept;
mod patience;
mod pipes;
