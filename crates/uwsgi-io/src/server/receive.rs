//! Reads from a transport for the state machine that receives requests.

use std::io;

use uwsgi::Time;
use uwsgi::server::Receive;

use crate::transport::window::Window;
use crate::transport::{Direction, Transport, should_retry};

/// Reads once into `room`, which follows the bytes of the window, or waits until `until` at most.
///
/// Reports a requested stop to `receive`.
pub(crate) fn fill_window<T: Transport>(
    window: &mut Window,
    transport: &T,
    receive: &mut Receive,
    room: &mut [u8],
    until: Option<Time>,
) -> io::Result<()> {
    if let Some(count) = read_or_wait(transport, receive, room, until)? {
        window.eof = count == 0;
        window.filled = window.filled.saturating_add(count);
    }
    Ok(())
}

/// Reads once. If no byte is there, waits until the transport is ready, until the deadline of `receive`, or until `until`; then
/// tries once more. Returns `None` if still no byte is there: then ask `receive` what to do.
pub(crate) fn read_or_wait<T: Transport>(
    transport: &T,
    receive: &mut Receive,
    room: &mut [u8],
    until: Option<Time>,
) -> io::Result<Option<usize>> {
    if let Some(count) = try_read(transport, room)? {
        return Ok(Some(count));
    }
    note_stop(transport, receive);
    transport.wait(Direction::Read, receive.deadline().into_iter().chain(until).min())?;
    note_stop(transport, receive);
    // The wait may return late. Bytes that are there now count as in time.
    try_read(transport, room)
}

/// Reports a requested stop to `receive`.
pub(crate) fn note_stop<T: Transport>(transport: &T, receive: &mut Receive) {
    if let Some(asked) = transport.stop_asked() {
        receive.shut_down(asked);
    }
}

/// Reads once. Returns `None` if no byte is there yet.
fn try_read<T: Transport>(transport: &T, room: &mut [u8]) -> io::Result<Option<usize>> {
    match transport.read(room) {
        Ok(count) => Ok(Some(count)),
        Err(error) if should_retry(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
