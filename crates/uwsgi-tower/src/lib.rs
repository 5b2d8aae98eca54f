#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod client;
mod codec;
mod convert;
mod error_text;
#[cfg(feature = "axum")]
mod extract;
mod listener;
mod server;
mod stop;
pub mod upgrade;

pub use client::Client;
pub use client::error::ClientError;
pub use client::incoming::Incoming;
pub use client::ping::{PingError, ping};
pub use codec::{CodecError, PacketBuf, PacketCodec};
pub use convert::more_vars::MoreVars;
pub use convert::mount::{InvalidMount, Mount};
pub use convert::remove_connection_headers;
pub use convert::request::{Modifiers, Peer, RemoteAddr, RequestError, RequestUri, ScriptName, Vars, request_parts};
pub use convert::vars::encode_vars;
pub use convert::vars_error::VarsError;
#[cfg(feature = "axum")]
pub use extract::MissingFromRequest;
pub use listener::accepted::Accepted;
pub use listener::tap::{ListenerExt, TapIo};
#[cfg(feature = "tls")]
pub use listener::tls::{TlsConnection, TlsListener, TlsPeer};
pub use listener::{Closed, Listener};
pub use server::body::{Body, BodyError};
pub use server::connection::{Connection, End};
pub use server::make_service::{CloneService, Cloned, IncomingStream, IntoMakeService, Made};
pub use server::serve::{Serve, Timeouts, serve};
pub use stop::{Stop, Stopping};
#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;
// The types of the core that this crate takes and returns.
pub use uwsgi;
pub use uwsgi::server::{AllowError, AllowList, Network, Settings};
pub use uwsgi::{Address, AddressBuf, AddressError, Limits, Modifier1, Scheme};
