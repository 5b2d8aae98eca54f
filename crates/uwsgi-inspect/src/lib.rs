#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

extern crate alloc;

mod escape;
mod finding;
mod findings;
mod format;
mod hex;
mod html;
mod json;
mod report;
mod seen;
mod text;

pub use escape::{Escaped, Latin1};
pub use finding::{Finding, Found, FrontEnd, Severity};
pub use format::Format;
pub use report::{Body, Report};
