//! Accepts connections, reads requests and writes answers, without Python: application threads, and one polling thread.

pub(crate) mod accept;
pub(crate) mod answer;
pub(crate) mod application;
pub(crate) mod connection;
pub(crate) mod context;
pub(crate) mod incoming;
pub(crate) mod poller;
mod queue;
pub(crate) mod rest;
pub(crate) mod shared;
mod stop;
pub(crate) mod wait;
mod wake;
