#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

extern crate alloc;

mod case;
pub mod cases;
mod endpoint;
mod finding;
pub mod machine;
mod other_servers;
mod outcome;
mod play;
pub mod report;
mod run;
pub mod socket;

pub use case::{
    Act, After, App, Bytes, Case, CaseBuilder, CaseWithVerdict, Expected, Needs, Pairs, Recipe, Row, SMALL, Sender,
    Step, Verdict,
};
pub use cases::all;
pub use endpoint::{End, Endpoint, Peer, Received};
pub use finding::{Danger, Finding};
pub use outcome::{Answer, Application, Outcome, Seen};
pub use play::{Mismatch, Split, observe, play};
pub use run::{Plan, Played, Results, run};
/// The crate whose machines and types the cases use.
pub use uwsgi;
