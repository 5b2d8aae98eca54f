//! Inputs, rivals and the interleaved timing that the binary `ratios` and the criterion benches share.
//!
//! Nothing here is published. What is held against which bound, and how to run it, is in `README.md`.

pub mod callgrind;
pub mod inputs;
pub mod measure;
pub mod ours;
pub mod pairs;
pub mod report;
pub mod rivals;
pub mod transfer;
