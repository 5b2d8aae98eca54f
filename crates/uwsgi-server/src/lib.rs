#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg(unix)]

extern crate alloc;

mod access_log;
mod app;
mod connection;
mod listener;
mod lock;
mod log;
mod server;
mod stop;
mod workers;

pub use access_log::{AccessLog, Entry};
pub use app::{Answer, App, AppError, Body, Call, Head, Message, NotImplemented};
pub use connection::serve_connection;
pub use listener::Listener;
pub use log::{log_cut, log_refusal, request_name};
pub use server::{Handle, Server, raise_open_files};
// The types of other crates that this crate takes and returns.
pub use uwsgi;
pub use uwsgi::server::{AllowError, AllowList, Network, Settings};
pub use uwsgi::{Address, AddressBuf, AddressError, Limits, Modifier1, Request};
pub use uwsgi_io;
pub use uwsgi_io::Addresses;
