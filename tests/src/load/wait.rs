//! Waits for events of a process under test.

use std::thread;
use std::time::{Duration, Instant};

use super::Process;

/// Far longer than any event takes, also on a machine that has much else to do.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// Waits until something is so.
///
/// # Panics
///
/// If it is not so within [`TIMEOUT`]; the message says what was expected.
#[track_caller]
pub fn wait_until(expected: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < TIMEOUT, "not within {TIMEOUT:?}: {expected}");
        // The pause between two looks leaves the processor to the process under test.
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until a process has done everything that it can do with the bytes and connections that were sent to it.
///
/// A thread that a write or a connection wakes is runnable before the call of the sender returns. So a process whose threads
/// all wait has nothing left to do. The threads are looked at one after the other, and one may wake another in between: they
/// must all wait twice in a row.
///
/// # Panics
///
/// As [`wait_until`].
#[track_caller]
pub fn wait_until_at_rest(process: &Process) {
    let mut times = 0;
    wait_until("all threads of the process wait", || {
        times = if process.is_at_rest().unwrap() { times + 1 } else { 0 };
        times == 2
    });
}
