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

/// How many servers there are that signals stop, and whether there are none. A signal that was once caught is never again what
/// it was by default: that is done in its place then.
static SERVERS: Mutex<Option<(usize, Arc<AtomicBool>)>> = Mutex::new(None);

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        let (shows, tells) = UnixStream::pair()?;
        shows.set_nonblocking(true)?;
        let mut pipes = Pipes(Vec::new());
        for signal in [SIGTERM, SIGINT] {
            pipes.0.push(low_level::pipe::register(signal, tells.try_clone()?)?);
        }
        // Only now, so that what comes between the two is in the pipe, and not lost.
        count(true)?;
        Ok(Self { _pipes: pipes, shows })
    }

    /// Whether one has come.
    pub(crate) fn take(&self) -> bool {
        (&self.shows).read(&mut [0; 64]).is_ok_and(|count| count > 0)
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let _ = count(false);
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
fn count(more: bool) -> io::Result<()> {
    let mut servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
    if servers.is_none() {
        let none = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            flag::register_conditional_default(signal, Arc::clone(&none))?;
        }
        *servers = Some((0, none));
    }
    if let Some((count, none)) = servers.as_mut() {
        *count = if more { count.saturating_add(1) } else { count.saturating_sub(1) };
        none.store(*count == 0, Ordering::SeqCst);
    }
    Ok(())
}
