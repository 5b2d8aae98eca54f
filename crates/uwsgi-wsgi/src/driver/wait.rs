//! How an application thread waits.

use std::io;
use std::os::fd::AsFd;

use uwsgi::Time;
use uwsgi_io::{Direction, Socket, Transport};

use crate::driver::stop::Stop;

/// How an application thread waits.
pub(crate) trait Wait {
    /// Runs a function that waits. Other threads of the application run meanwhile.
    fn wait<R: Send>(&self, wait: impl FnOnce() -> R + Send) -> R;

    /// Waits until a direction of a socket is ready, until a time, or until a stop is requested.
    fn for_socket(&self, socket: &Socket, stop: &Stop, direction: Direction, until: Option<Time>) -> io::Result<()> {
        // The caller has seen the same when it computed `until`: a stop is requested by a Python thread, and this thread holds
        // the lock of Python until the wait below.
        let is_requested = stop.is_requested();
        self.wait(|| {
            // After the request of a stop, its descriptor would end every wait at once.
            if is_requested {
                return socket.wait(direction, until);
            }
            socket.wait_with(direction, until, stop.as_fd()).map(drop)
        })
    }
}
