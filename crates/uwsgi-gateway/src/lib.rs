#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod access_log;
#[allow(dead_code, unused_imports)] // until the proxy uses it
mod body;
#[allow(dead_code)] // until the proxy uses it
mod buffer;
mod settings;
mod vars;

pub use access_log::AccessLog;
pub use settings::Settings;
pub use vars::Translation;
