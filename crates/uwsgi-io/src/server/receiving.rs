//! Reads from a transport for the receiving half of a server.

use std::io;

use uwsgi::server::{Receive, Time};

use crate::transport::window::Window;
use crate::transport::{Direction, Transport, is_early};

/// Reads once into the room behind what is filled, or waits, until this time at most; a stop that was asked for meanwhile is
/// told.
pub(crate) fn fill_window<T: Transport>(
    window: &mut Window,
    transport: &T,
    receive: &mut Receive,
    room: &mut [u8],
    most: Option<Time>,
) -> io::Result<()> {
    if let Some(count) = read_or_wait(transport, receive, room, most)? {
        window.eof = count == 0;
        window.filled = window.filled.saturating_add(count);
    }
    Ok(())
}

/// Reads once, or waits until there is something to read or the receiving half has to be asked again.
pub(crate) fn read_or_wait<T: Transport>(
    transport: &T,
    receive: &mut Receive,
    room: &mut [u8],
    most: Option<Time>,
) -> io::Result<Option<usize>> {
    if let Some(count) = read_now(transport, room)? {
        return Ok(Some(count));
    }
    if let Some(asked) = transport.stop_asked() {
        receive.shut_down(asked);
    }
    transport.wait(Direction::Read, receive.deadline().into_iter().chain(most).min())?;
    if let Some(asked) = transport.stop_asked() {
        receive.shut_down(asked);
    }
    // The wait may have taken longer than the peer did: what has come meanwhile has come in time.
    read_now(transport, room)
}

/// Reads what is there, if anything is.
fn read_now<T: Transport>(transport: &T, room: &mut [u8]) -> io::Result<Option<usize>> {
    match transport.read(room) {
        Ok(count) => Ok(Some(count)),
        Err(error) if is_early(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
