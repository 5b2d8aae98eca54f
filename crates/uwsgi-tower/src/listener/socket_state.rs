//! Asks the kernel about a socket. The runtime knows only what it found when it last polled.
#![cfg(unix)]

use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use crate::listener::Closed;

/// Writes what can be written without waiting. The runtime cannot know yet whether a write is possible.
pub(crate) fn write_now(socket: BorrowedFd<'_>, bytes: &[u8]) {
    // This reads first: the kernel resets a connection that is closed with unread bytes, and the peer could lose the bytes
    // written here.
    let _ = recv(socket, &mut [0; 4096], RecvFlags::DONTWAIT);
    let _ = send(socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
}

/// Returns whether there are bytes, or an error, to be read.
pub(crate) fn is_readable(socket: BorrowedFd<'_>) -> bool {
    let peeked = recv(socket, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
    !matches!(peeked, Ok((0, _)) | Err(Errno::AGAIN))
}

/// Returns what the peer has closed.
///
/// In POSIX, POLLHUP means that both directions are closed. Apple's systems report it for one direction too, so this always
/// returns [`Closed::Nothing`] there.
pub(crate) fn closed(socket: BorrowedFd<'_>) -> Closed {
    let mut polled = [PollFd::new(&socket, PEER_SENDS_NO_MORE)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    if cfg!(target_vendor = "apple") || poll(&mut polled, Some(&now)).is_err() {
        return Closed::Nothing;
    }
    let seen = polled.iter().fold(PollFlags::empty(), |seen, socket| seen | socket.revents());
    if seen.intersects(PollFlags::HUP | PollFlags::ERR) {
        Closed::All
    } else if seen.intersects(PEER_SENDS_NO_MORE) {
        Closed::Sending
    } else {
        Closed::Nothing
    }
}

/// The flag for the end of what the peer sends, even if there are unread bytes before it. It is used only on Linux; few other
/// systems have it.
#[cfg(all(target_os = "linux", not(any(target_arch = "sparc", target_arch = "sparc64"))))]
const PEER_SENDS_NO_MORE: PollFlags = PollFlags::RDHUP;
#[cfg(not(all(target_os = "linux", not(any(target_arch = "sparc", target_arch = "sparc64")))))]
const PEER_SENDS_NO_MORE: PollFlags = PollFlags::empty();
