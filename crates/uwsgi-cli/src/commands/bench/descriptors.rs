//! The limit of file descriptors.

use crate::exit::Failure;

/// The descriptors of the process itself: the standard streams, the pipes of signals, and files that are open for a moment.
#[cfg(target_os = "linux")]
const OTHERS: u64 = 32;

/// The descriptors of a thread besides its connections: its poll, its timer, and those that system libraries open.
#[cfg(target_os = "linux")]
const EACH_THREAD: u64 = 4;

/// Raises the limit of descriptors of this process if it is too low. Fails if the user may not raise it that far.
#[cfg(target_os = "linux")]
pub(super) fn make_room(connections: usize, threads: usize) -> Result<(), Failure> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let needed = needed(connections, threads);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let may = maximum.is_none_or(|maximum| maximum >= needed);
    if may && setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum }).is_ok() {
        let before = current.unwrap_or_default();
        crate::messages::note(&format!("raised the limit of open files of this process from {before} to {needed}"));
        return Ok(());
    }
    let limit = maximum.or(current).unwrap_or_default();
    Err(Failure::Failed(format!(
        "-c {connections} and {threads} threads need {needed} open files, but the limit is {limit}: raise it with ulimit -n, \
         or lower -c"
    )))
}

/// Returns the most descriptors that a run may have open at once.
#[cfg(target_os = "linux")]
fn needed(connections: usize, threads: usize) -> u64 {
    let [connections, threads] = [connections, threads].map(|count| u64::try_from(count).unwrap_or(u64::MAX));
    connections.saturating_add(threads.saturating_mul(EACH_THREAD)).saturating_add(OTHERS)
}

/// Does nothing. On other systems, a connection over the limit fails its request.
#[cfg(not(target_os = "linux"))]
pub(super) fn make_room(_connections: usize, _threads: usize) -> Result<(), Failure> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_needed_descriptors_include_those_of_every_thread() {
        for (connections, threads, least) in
            [(1, 1, 3 + 1 + 2), (256, 256, 3 + 256 + 2 * 256), (10_000, 4, 3 + 10_000 + 8)]
        {
            assert!(needed(connections, threads) >= least, "{connections} by {threads}");
        }
    }
}
