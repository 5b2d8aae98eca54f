//! The vars, or the status, that the head of a request becomes. hyper reads the bytes, as it does in the gateway.
//!
//! Each row has the head, the settings, the whole list of vars or the status, and the source of the expectation.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has found something")]

extern crate alloc;

mod bodies;
mod errors;
mod expected;
mod forwarded;
mod framing;
mod headers;
mod hosts;
mod limits;
mod operator_vars;
mod params;
mod play;
mod row;
mod settings;
mod targets;
mod trusted_headers;

use alloc::collections::BTreeSet;

use expected::whole_list;
use play::{Outcome, play};
use row::{Expected, Row};

/// All rows.
fn rows() -> impl Iterator<Item = &'static Row> {
    let tables = [
        params::ROWS,
        targets::ROWS,
        hosts::ROWS,
        headers::ROWS,
        framing::ROWS,
        forwarded::ROWS,
        trusted_headers::ROWS,
        operator_vars::ROWS,
    ];
    tables.into_iter().flatten()
}

#[test]
fn every_row_becomes_its_vars_or_its_status() {
    let mut wrong = Vec::new();
    for row in rows() {
        let got = play(row.with, &row.bytes());
        let expected = match row.expected {
            Expected::Vars(changes) => Outcome::Vars(whole_list(changes)),
            Expected::Whole(vars) => Outcome::Vars(vars.iter().map(ToString::to_string).collect()),
            Expected::Status(status) => Outcome::Status(status),
            Expected::Hyper(status) => Outcome::Hyper(status),
        };
        if got != expected {
            wrong.push(format!("{} ({})\n  got      {got:?}\n  expected {expected:?}", row.name, row.source));
        }
    }
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn rows_have_different_names_and_there_are_enough() {
    let names: BTreeSet<&str> = rows().map(|row| row.name).collect();
    assert_eq!(names.len(), rows().count());
    assert!(names.len() >= 180, "{}", names.len());
}
