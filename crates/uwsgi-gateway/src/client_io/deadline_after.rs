//! Points in time.

use core::time::Duration;

use tokio::time::Instant;

/// Returns the time after a duration. A duration beyond what the clock can hold is a century.
pub(crate) fn deadline_after(duration: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);
    let now = Instant::now();
    now.checked_add(duration).or_else(|| now.checked_add(CENTURY)).unwrap_or(now)
}
