#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(unix)]
mod client;
mod incoming;
mod request_body;
mod request_reader;
mod response_reader;
mod response_writer;
#[cfg(unix)]
mod socket;
mod stream;
mod transport;
#[cfg(unix)]
mod unix_listener;
mod window;

#[cfg(unix)]
pub use client::{Asked, Cache, Client, ClientError, ClientErrorKind, Response, Sending, Upgraded, Value, subscribe};
pub use request_body::RequestBody;
pub use request_reader::{Arrival, RequestReader};
pub use response_reader::{Pipe, ResponseBody, ResponseReader};
pub use response_writer::{HeadError, ResponseWriter};
#[cfg(unix)]
pub use socket::Socket;
pub use stream::{Stream, Timeout};
pub use transport::{Blocking, Clock, Direction, Duplex, HalfClose, Ready, Transport};
#[cfg(unix)]
pub use unix_listener::{SocketFile, listen_unix};
