//! Counts as floating-point numbers.

/// Converts a count. Above 2^53 it is rounded.
#[expect(clippy::as_conversions, reason = "no other conversion takes a u64")]
pub(super) const fn float(count: u64) -> f64 {
    count as f64
}
