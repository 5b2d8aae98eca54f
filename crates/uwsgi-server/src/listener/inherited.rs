//! The descriptors that systemd, or another parent process, hands over (sd_listen_fds(3)).

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Mutex;

use rustix::net::{SocketType, sockopt};

use crate::lock::lock;

/// The number of the first inherited descriptor.
const FIRST: u32 = 3;
/// The largest number of descriptors that Linux lets a process open (nr_open, by default).
const MAX_DESCRIPTORS: u32 = 1 << 20;

/// Takes an inherited descriptor by its number, and makes a listener of it. Errors name the number.
pub(super) fn take<T>(number: u32, listener: impl FnOnce(OwnedFd) -> io::Result<T>) -> io::Result<T> {
    // A process can take each descriptor once. The environment stays unchanged, because another thread may read it. A child
    // process ignores LISTEN_FDS, because LISTEN_PID is not its process id.
    static INHERITED: Mutex<Option<Vec<Option<OwnedFd>>>> = Mutex::new(None);
    let mut inherited = lock(&INHERITED);
    let inherited = inherited.get_or_insert_with(all);
    let index = number.checked_sub(FIRST).and_then(|index| usize::try_from(index).ok());
    let not_found = |why| io::Error::new(io::ErrorKind::NotFound, format!("descriptor {number} {why}"));
    let not_inherited =
        || not_found("was not handed over: LISTEN_FDS has to count it, and LISTEN_PID to name this process");
    let slot = index.and_then(|index| inherited.get_mut(index)).ok_or_else(not_inherited)?;
    let descriptor = slot.as_ref().ok_or_else(|| not_found("was taken already"))?;
    // Only a descriptor that passes the checks is taken. Any other descriptor belongs to other code, which closes it.
    let with_number = |error: io::Error| io::Error::new(error.kind(), format!("descriptor {number}: {error}"));
    check(descriptor).map_err(with_number)?;
    rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC).map_err(|error| with_number(error.into()))?;
    listener(slot.take().ok_or_else(|| not_found("was taken already"))?).map_err(with_number)
}

/// Checks that a descriptor is a stream socket that listens.
pub(super) fn check(descriptor: &OwnedFd) -> io::Result<()> {
    if sockopt::socket_acceptconn(descriptor)? && sockopt::socket_type(descriptor)? == SocketType::STREAM {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "the inherited descriptor is no listening socket"))
}

/// Returns all descriptors that were handed over to this process, not to its parent.
fn all() -> Vec<Option<OwnedFd>> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    // systemfd can hand over descriptors from another number on.
    let is_usual = number("LISTEN_FDS_FIRST_FD").is_none_or(|first| first == FIRST);
    if !is_usual || number("LISTEN_FDS").is_none_or(|count| count > MAX_DESCRIPTORS) {
        return Vec::new();
    }
    let inherited = sd_listen_fds::get().unwrap_or_default();
    inherited.into_iter().map(|(_, descriptor)| Some(descriptor.into_std())).collect()
}
