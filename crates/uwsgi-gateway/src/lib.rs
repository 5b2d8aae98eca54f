#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod access_log;
mod body;
mod buffer;
mod client_io;
mod gateway;
mod proxy;
mod server;
mod settings;
mod vars;

pub use access_log::AccessLog;
pub use gateway::{ConnectionServer, Gateway};
pub use settings::Settings;
// The types of other crates that this crate takes and returns.
pub use uwsgi;
pub use uwsgi::{Address, AddressError};
pub use uwsgi_server::Listener;
pub use uwsgi_tower::{Client, Stop};
pub use vars::{
    Forwarding, FrontAddresses, FrontBody, FrontRequest, HeadError, HttpVar, HttpVarError, SettingsError, Translation,
    TrustedProxies, TrustedProxiesError,
};
