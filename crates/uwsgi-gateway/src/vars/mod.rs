//! Turns requests of HTTP into packets of vars.

mod body;
mod client;
mod encode;
mod front_addresses;
mod front_request;
mod head_error;
mod headers;
mod http_var;
mod read;
mod request_id;
mod settings_error;
mod target;
mod translation;
mod trusted_proxies;

pub use body::FrontBody;
pub use front_addresses::FrontAddresses;
pub use front_request::FrontRequest;
pub use head_error::HeadError;
pub use http_var::{HttpVar, HttpVarError};
pub use settings_error::SettingsError;
pub use translation::{Forwarding, Translation};
pub use trusted_proxies::{TrustedProxies, TrustedProxiesError};
