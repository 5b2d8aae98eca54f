#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod accepted;
mod answer;
mod body;
mod client;
mod codec;
mod connection;
mod exclusive;
mod halves;
mod inbound;
mod listener;
mod outbound;
mod pace;
mod request;
mod serve;
#[cfg(feature = "tls")]
mod tls;
pub mod upgrade;
mod vars;

pub use accepted::Accepted;
pub use body::{Body, BodyError};
pub use client::{Client, ClientError, Incoming};
pub use codec::{CodecError, PacketBuf, PacketCodec};
pub use connection::{Connection, End, serve_connection, serve_connection_until};
pub use listener::{Closed, Listener};
pub use pace::Stop;
pub use request::{Modifiers, Peer, RemoteAddr, RequestError, RequestUri, ScriptName, Vars, request_parts};
pub use serve::{Serve, Shared, Timeouts, serve};
#[cfg(feature = "tls")]
pub use tls::{TlsConnection, TlsListener, TlsPeer};
#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;
pub use uwsgi::Scheme;
pub use vars::{InvalidMount, MoreVars, Mount, VarsError, encode_vars, remove_connection_headers};
