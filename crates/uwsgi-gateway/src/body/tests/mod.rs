//! Tests of the bodies, over bodies that do what a test says.

#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "an overflow fails the test")]

mod answer;
mod limited;
mod over_hyper;
mod scripted;
mod whole;
