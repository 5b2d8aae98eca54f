#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(unix)]
mod socket;
mod transport;

#[cfg(unix)]
pub use socket::Socket;
pub use transport::{Blocking, Clock, Direction, Duplex, Transport};
