//! The crates that the programs of the test use. cargo builds them with the same features as the test.
#![allow(unused_extern_crates, missing_docs, reason = "the programs use them")]

pub extern crate axum;
pub extern crate http;
pub extern crate tokio;
pub extern crate tower;
pub extern crate uwsgi_tower;
