#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod access_log;
mod settings;
mod vars;

pub use access_log::AccessLog;
pub use settings::Settings;
pub use vars::Translation;
