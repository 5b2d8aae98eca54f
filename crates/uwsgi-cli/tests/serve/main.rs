//! Runs the real `uwsgictl serve`, and asks it over sockets: every route, every option, and what it is told wrong.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has found something"
)]

extern crate alloc;

mod options;
mod report;
mod routes;
mod served;
mod wrong;
