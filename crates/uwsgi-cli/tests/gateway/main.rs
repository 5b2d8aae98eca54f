//! Runs the real `uwsgictl gateway` in front of `uwsgictl serve`, and asks it over sockets; wrong options; the help.

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
mod gateway;
mod help;
mod log;
mod options;
#[path = "../program/mod.rs"]
mod program;
