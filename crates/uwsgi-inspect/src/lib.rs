#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

extern crate alloc;

mod body;
mod escape;
mod findings;
mod formats;
mod report;

pub use body::Body;
pub use escape::{Escaped, EscapedJson, Latin1};
pub use findings::{Finding, Found, FrontEnd, Severity};
pub use formats::Format;
pub use report::Report;
/// The crate whose packets and requests a report is made of.
pub use uwsgi;
