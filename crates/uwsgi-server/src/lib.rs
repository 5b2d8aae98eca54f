#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg(unix)]

extern crate alloc;

mod access;
mod app;
mod connection;
mod head;
mod listener;
mod server;
mod signals;
mod stop;
mod threads;
mod workers;

pub use access::AccessLog;
pub use app::{Answer, App, AppError, Body, Call, Ends, Message, NotImplemented};
pub use connection::serve_connection;
pub use head::Head;
pub use listener::Listener;
pub use server::{Handle, Server};
