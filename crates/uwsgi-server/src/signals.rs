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
    pub(crate) shows: UnixStream,
    ids: Vec<SigId>,
}

/// How many servers there are that signals stop, and whether there are none. A signal that was once caught is never again what
/// it was by default: that is done in its place then.
static SERVERS: Mutex<Option<(usize, Arc<AtomicBool>)>> = Mutex::new(None);

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        let (shows, tells) = UnixStream::pair()?;
        shows.set_nonblocking(true)?;
        count(true)?;
        let mut signals = Self { shows, ids: Vec::new() };
        for signal in [SIGTERM, SIGINT] {
            signals.ids.push(low_level::pipe::register(signal, tells.try_clone()?)?);
        }
        Ok(signals)
    }

    /// Whether one has come.
    pub(crate) fn take(&self) -> bool {
        (&self.shows).read(&mut [0; 64]).is_ok_and(|count| count > 0)
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            low_level::unregister(id);
        }
        let _ = count(false);
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
