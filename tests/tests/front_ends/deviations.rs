//! Where a front end does something else than it should, and who says so.

use super::case::Expect;

/// What is expected instead.
#[derive(Debug, Clone, Copy)]
pub struct Deviation {
    pub front_ends: &'static [&'static str],
    /// Empty for all.
    pub servers: &'static [&'static str],
    pub cases: &'static [&'static str],
    pub expect: Expect,
    pub source: &'static str,
}

pub const DEVIATIONS: &[Deviation] = &[];
