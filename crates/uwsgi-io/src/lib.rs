#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

extern crate alloc;

mod client;
mod server;
mod transport;

pub use client::response_reader::{Pipe, ResponseBody, ResponseReader};
#[cfg(unix)]
pub use client::{
    cache::Cache,
    client::Client,
    error::{Asked, ClientError, ClientErrorKind},
    response::{Response, Upgraded},
    sending::Sending,
    subscribe::subscribe,
    value::Value,
};
pub use server::addresses::Addresses;
pub use server::head_error::HeadError;
pub use server::request_body::RequestBody;
pub use server::request_reader::{Arrival, RequestReader};
pub use server::response_writer::ResponseWriter;
pub use transport::blocking::Blocking;
pub use transport::clock::Clock;
pub use transport::duplex::Duplex;
pub use transport::half_close::HalfClose;
#[cfg(unix)]
pub use transport::socket::Socket;
pub use transport::stream::{Stream, Timeout};
#[cfg(unix)]
pub use transport::unix_listener::{SocketFile, listen_unix};
pub use transport::{Direction, Ready, Transport};
// The types of the core that this crate takes and returns.
pub use uwsgi;
pub use uwsgi::response::HeadLimits;
pub use uwsgi::server::Settings;
pub use uwsgi::{Address, AddressBuf, AddressError, Limits};
