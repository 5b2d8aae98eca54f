//! Inputs, the code that we are compared with, and the timing in turns. The binary `ratios` and the criterion benches share
//! them.
//!
//! This crate is not published. `README.md` says which ratio is held to which bound, and how to run the benches.

pub mod callgrind;
pub mod inputs;
pub mod measure;
pub mod ours;
pub mod pairs;
pub mod report;
pub mod rivals;
pub mod transfer;
