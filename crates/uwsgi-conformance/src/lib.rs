#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

extern crate alloc;

mod acts;
mod answers;
mod app;
mod case;
pub mod cases;
mod finding;
pub mod machine;
mod needs;
mod play;
mod recipe;
pub mod report;
mod row;
mod run;
mod seen;
pub mod socket;
mod step;

pub use acts::Act;
pub use answers::{Answer, Outcome};
pub use app::App;
pub use case::{After, Case, Expected, Verdict};
pub use cases::all;
pub use finding::{Danger, Finding};
pub use needs::{Needs, Sender};
pub use play::{End, Endpoint, Mismatch, Peer, Received, Split, observe, play};
pub use recipe::{Pairs, Recipe, SMALL};
pub use row::Row;
pub use run::{Plan, Played, Results, run};
pub use seen::{Application, Seen};
pub use step::{Bytes, Step};
