#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

extern crate alloc;

mod answers;
mod app;
mod case;
pub mod cases;
pub mod machine;
mod needs;
mod recipe;
pub mod report;
mod row;
mod run;
pub mod socket;
mod step;

pub use answers::{Answer, Outcome};
pub use app::App;
pub use case::{After, Case, Expected, Verdict};
pub use cases::all;
pub use needs::{Needs, Sender};
pub use recipe::{Pairs, Recipe, SMALL};
pub use row::Row;
pub use run::{End, Endpoint, Mismatch, Peer, Received, Split, run};
pub use step::{Bytes, Step};
