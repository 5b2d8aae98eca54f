#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

extern crate alloc;

mod request_body;
mod request_reader;
mod response_writer;
#[cfg(unix)]
mod socket;
mod transport;

pub use request_body::RequestBody;
pub use request_reader::{Arrival, RequestReader};
pub use response_writer::{HeadError, ResponseWriter};
#[cfg(unix)]
pub use socket::Socket;
pub use transport::{Blocking, Clock, Direction, Duplex, Transport};
