//! Room for thousands of connections.

use crate::output::Failure;

/// What is open besides connections: standard streams, polls, timers, the one connection that a thread opens before it has
/// closed another.
const OTHERS: u64 = 300;

/// Raises this process's limit of descriptors as far as its user may, if it is too low.
#[cfg(target_os = "linux")]
pub(super) fn make_room(connections: usize) -> Result<(), Failure> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHERS);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let may = maximum.is_none_or(|maximum| maximum >= needed);
    if may && setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum }).is_ok() {
        let before = current.unwrap_or_default();
        crate::output::note(&format!("raised the limit of open files of this process from {before} to {needed}"));
        return Ok(());
    }
    let limit = maximum.or(current).unwrap_or_default();
    Err(Failure::Refused(format!(
        "-c {connections} needs {needed} open files, the limit is {limit}: raise it with ulimit -n, or lower -c"
    )))
}

/// Elsewhere a connection too many is an error of its request.
#[cfg(not(target_os = "linux"))]
pub(super) fn make_room(_connections: usize) -> Result<(), Failure> {
    Ok(())
}
