//! Handles SIGTERM and SIGINT while there is a server that they stop.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Mutex;

use signal_hook::SigId;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

use crate::lock::lock;

/// The signals that ask the process to end.
#[derive(Debug)]
pub(super) struct Signals {
    handlers: Vec<SigId>,
    /// Becomes readable when a signal arrives.
    pub(super) receiver: UnixStream,
}

/// The number of servers in this process that signals stop, and whether that number is 0. `None` before the first server.
static SERVERS: Mutex<Option<(usize, Arc<AtomicBool>)>> = Mutex::new(None);

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        let (receiver, sender) = UnixStream::pair()?;
        receiver.set_nonblocking(true)?;
        let senders = [(SIGTERM, sender.try_clone()?), (SIGINT, sender)];
        let mut servers = lock(&SERVERS);
        // This looks for handlers of the program before it adds its own.
        let unhandled = if servers.is_none() { unhandled([SIGTERM, SIGINT]) } else { Vec::new() };
        let handlers = senders.into_iter().map(|(signal, sender)| low_level::pipe::register(signal, sender));
        let handlers = handlers.collect::<io::Result<_>>()?;
        // This comes last: the receiver already has a signal that arrives earlier, so the signal is not lost.
        let (_, is_0) = servers.get_or_insert_with(|| (0, Arc::default()));
        for signal in unhandled {
            flag::register_conditional_default(signal, Arc::clone(is_0))?;
        }
        count(&mut servers, |servers| servers.saturating_add(1));
        Ok(Self { handlers, receiver })
    }

    /// Returns whether a signal has arrived since the last call.
    pub(super) fn take(&self) -> bool {
        (&self.receiver).read(&mut [0; 64]).is_ok_and(|count| count > 0)
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        count(&mut lock(&SERVERS), |servers| servers.saturating_sub(1));
        // A signal between these two steps is handled twice. In the other order it would be lost.
        self.handlers.retain(|handler| !low_level::unregister(*handler));
    }
}

fn count(servers: &mut Option<(usize, Arc<AtomicBool>)>, change: fn(usize) -> usize) {
    if let Some((count, is_0)) = servers {
        *count = change(*count);
        is_0.store(*count == 0, Ordering::SeqCst);
    }
}

/// Returns those of the signals that the program neither handles nor ignores. They end the process.
///
/// `signal_hook` never gives a signal its default action back. So this crate must end the process itself when no server is
/// left. If the program has a handler, the system calls that handler, and this crate must do nothing.
fn unhandled(signals: [i32; 2]) -> Vec<i32> {
    // The masks are hexadecimal, and bit 0 is signal 1 (proc_pid_status(5)). On systems without this file, no handler is found.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = |name| status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix(name)?.trim(), 16).ok());
    let handled = mask("SigCgt:").unwrap_or(0) | mask("SigIgn:").unwrap_or(0);
    let bit = |signal: i32| u32::try_from(signal).ok()?.checked_sub(1);
    let is_handled = |signal| bit(signal).and_then(|bit| handled.checked_shr(bit)).is_some_and(|mask| mask & 1 == 1);
    signals.into_iter().filter(|signal| !is_handled(*signal)).collect()
}
