//! Accepts connections from one listener, for the threads of a gateway.

use core::future::poll_fn;
use core::panic::AssertUnwindSafe;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::catch_unwind;

use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};
use tokio::net::{TcpListener, UnixListener};
use tokio::time::sleep;
use uwsgi_server::Listener;
use uwsgi_tower::Stop;

/// A connection that was accepted, and is not registered in a runtime.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) descriptor: OwnedFd,
    pub(super) is_tcp: bool,
}

/// A listener in the runtime of one thread.
#[derive(Debug)]
pub(super) struct Acceptor {
    listener: Registered,
    stop: Stop,
    /// How many connections it may still accept after a stop.
    left_after_stop: u32,
    /// Whether the last accept failed for lack of resources. If it is true, the error was logged already.
    is_exhausted: bool,
}

/// A listener that is registered in a runtime.
#[derive(Debug)]
enum Registered {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// How long a thread waits before it accepts again after resources ran out.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

impl Acceptor {
    /// Registers a listener in the runtime of this thread.
    pub(super) fn new(listener: &Listener, stop: Stop) -> io::Result<Self> {
        let (descriptor, left_after_stop) = (listener.as_fd().try_clone_to_owned()?, listener.max_after_stop());
        let listener = if listener.local_addr().is_some() {
            Registered::Tcp(TcpListener::from_std(descriptor.into())?)
        } else {
            Registered::Unix(UnixListener::from_std(descriptor.into())?)
        };
        Ok(Self { listener, stop, left_after_stop, is_exhausted: false })
    }

    /// Waits for a connection. Returns `None` after a stop, once no more connections wait or no more may be accepted.
    pub(super) async fn accept(&mut self) -> Option<Accepted> {
        loop {
            if self.stop.is_asked() {
                self.left_after_stop = self.left_after_stop.checked_sub(1)?;
            }
            let mut accepted = self.listener.accept_waiting();
            if accepted.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
                accepted = tokio::select! {
                    biased;
                    accepted = poll_fn(|cx| self.listener.poll_accept(cx)) => accepted,
                    () = self.stop.asked() => return None,
                };
            }
            match accepted {
                Ok(descriptor) => {
                    self.is_exhausted = false;
                    return Some(Accepted { descriptor, is_tcp: matches!(self.listener, Registered::Tcp(_)) });
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    if !core::mem::replace(&mut self.is_exhausted, true) {
                        tracing::error!("cannot accept connections, and tries again: {error}");
                    }
                    if self.stop.is_asked() {
                        return None;
                    }
                    sleep(RETRY_INTERVAL).await;
                }
            }
        }
    }
}

impl Registered {
    /// Accepts a connection that waits already.
    fn accept_waiting(&self) -> io::Result<OwnedFd> {
        let listener = match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(listener) => listener.as_fd(),
        };
        Ok(accept_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?)
    }

    /// Waits for a connection, and accepts it.
    ///
    /// mio 1.2 panics if a peer is bound to a path that fills the whole address of a Unix socket and has no NUL at its end. Such
    /// a peer loses its connection.
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<OwnedFd>> {
        let accepted = catch_unwind(AssertUnwindSafe(|| match self {
            Self::Tcp(listener) => listener.poll_accept(cx).map_ok(|(stream, _)| stream.into_std().map(OwnedFd::from)),
            Self::Unix(listener) => listener.poll_accept(cx).map_ok(|(stream, _)| stream.into_std().map(OwnedFd::from)),
        }));
        match accepted {
            Ok(accepted) => Poll::Ready(ready!(accepted).and_then(|descriptor| descriptor)),
            Err(_) => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
        }
    }
}

/// Whether an accept failed because of the connection that it would have returned (accept(2), "Error handling").
fn is_of_one_connection(error: &io::Error) -> bool {
    const ERRORS: [Errno; 10] = [
        Errno::INTR,
        Errno::CONNABORTED,
        Errno::NETDOWN,
        Errno::PROTO,
        Errno::NOPROTOOPT,
        Errno::HOSTDOWN,
        Errno::HOSTUNREACH,
        Errno::OPNOTSUPP,
        Errno::NETUNREACH,
        Errno::PERM,
    ];
    error.kind() == io::ErrorKind::ConnectionAborted
        || ERRORS.iter().any(|errno| Errno::from_io_error(error) == Some(*errno))
}
