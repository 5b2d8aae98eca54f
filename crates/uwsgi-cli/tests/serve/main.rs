//! Runs the real `uwsgictl serve`, and asks it over sockets: every route, every option, and wrong options.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has found something"
)]

extern crate alloc;

mod errors;
mod log;
mod options;
#[path = "../program/mod.rs"]
mod program;
mod report;
mod routes;
mod server;
