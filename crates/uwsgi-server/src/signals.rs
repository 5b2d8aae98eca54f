//! SIGTERM and SIGINT, for as long as there is a server that they stop.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};

use signal_hook::SigId;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

/// The signals that ask for an end, as something to read.
#[derive(Debug)]
pub(crate) struct Signals {
    /// Held until this has been counted out: a signal that comes between the two is handled twice, and not by nobody.
    _pipes: Pipes,
    pub(crate) shows: UnixStream,
}

/// The signals that write into the pipe.
#[derive(Debug)]
struct Pipes(Vec<SigId>);

/// How many servers there are that signals stop, and whether there are none; from the first server on.
static SERVERS: Mutex<Option<(usize, Arc<AtomicBool>)>> = Mutex::new(None);

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        let (shows, tells) = UnixStream::pair()?;
        shows.set_nonblocking(true)?;
        let mut servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
        // Asked before the first of them is caught here.
        let defaults = if servers.is_none() { Some(unhandled([SIGTERM, SIGINT])) } else { None };
        let mut pipes = Pipes(Vec::new());
        for signal in [SIGTERM, SIGINT] {
            pipes.0.push(low_level::pipe::register(signal, tells.try_clone()?)?);
        }
        // Only now, so that what comes between the two is in the pipe, and not lost.
        if let Some(defaults) = defaults {
            let none = Arc::new(AtomicBool::new(false));
            for signal in defaults {
                flag::register_conditional_default(signal, Arc::clone(&none))?;
            }
            *servers = Some((0, none));
        }
        count(&mut servers, true);
        Ok(Self { _pipes: pipes, shows })
    }

    /// Whether one has come.
    pub(crate) fn take(&self) -> bool {
        (&self.shows).read(&mut [0; 64]).is_ok_and(|count| count > 0)
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        count(&mut SERVERS.lock().unwrap_or_else(PoisonError::into_inner), false);
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        for id in self.0.drain(..) {
            low_level::unregister(id);
        }
    }
}

/// Counts one server more, or less.
fn count(servers: &mut Option<(usize, Arc<AtomicBool>)>, more: bool) {
    if let Some((count, none)) = servers {
        *count = if more { count.saturating_add(1) } else { count.saturating_sub(1) };
        none.store(*count == 0, Ordering::SeqCst);
    }
}

/// Those of these signals that end the process: the host has no handler for them, and does not ignore them. A signal that was
/// once caught is never again what it was by default, so that this has to be done in its place when there is no server any
/// more. A handler of the host's is called in any case, and is all that is to happen then.
fn unhandled(signals: [i32; 2]) -> Vec<i32> {
    // proc_pid_status(5): masks in hexadecimal, of which bit 0 is signal 1. Where there is no such file, nobody can tell.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = |name| status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix(name)?.trim(), 16).ok());
    let handled = mask("SigCgt:").unwrap_or(0) | mask("SigIgn:").unwrap_or(0);
    let bit = |signal: i32| u32::try_from(signal).ok()?.checked_sub(1);
    let is_handled = |signal| bit(signal).and_then(|bit| handled.checked_shr(bit)).is_some_and(|mask| mask & 1 == 1);
    signals.into_iter().filter(|signal| !is_handled(*signal)).collect()
}
