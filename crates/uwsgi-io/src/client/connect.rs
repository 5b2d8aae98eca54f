//! Connects, and begins to send.

use core::time::Duration;
use std::io::{self, Read};
use std::time::Instant;

use uwsgi::client::{Address, Exchange, FailedAttempt};

use crate::client::connection::Lease;
use crate::client::error::{Asked, ClientErrorKind};
use crate::client::exchange_driver::Pump;
use crate::client::settings::Settings;
use crate::transport::Transport;
use crate::transport::socket::Socket;
use crate::transport::stream::Timeout;

/// Begins to send what `outgoing` holds, on the connection that is there or on a new one, and says whether it was there. A body
/// whose exchange is given leaves with it, if it is small. The call began at `start`.
pub(crate) fn open<'c, B: Read>(
    address: &str,
    settings: &Settings,
    connection: &'c mut Option<Socket>,
    outgoing: &'c mut Vec<u8>,
    body: B,
    (start, exchange): (Instant, Option<&mut Exchange>),
) -> Result<(Pump<'c, Lease<'c>, B>, bool), ClientErrorKind> {
    let reused = connection.as_ref().is_some_and(is_silent);
    if !reused {
        // A connection on which something came, or the end, is of no more use.
        *connection = None;
        *connection = Some(connect(address, settings, start)?);
    }
    let lease = Lease::new(connection);
    let patience = settings.patience(start, lease.now());
    let mut pump = Pump::new(lease, patience, outgoing, body);
    if let Some(exchange) = exchange {
        pump.join(exchange).map_err(|error| ClientErrorKind::of(error, Asked::Request))?;
    }
    let Err(error) = pump.begin() else { return Ok((pump, reused)) };
    let attempt = FailedAttempt {
        connection_was_kept: reused,
        is_repeat: false,
        bytes_left: false,
        answer_began: false,
        body_is_there: pump.is_whole(),
        idempotent: false,
        opted_in: settings.retries,
    };
    if attempt.may_be_repeated() {
        repeat(address, settings, &mut pump, start)?;
    } else {
        // Who closes at once may have said why.
        pump.give_up(error);
    }
    Ok((pump, false))
}

/// Begins to send the same once more, on a new connection.
pub(crate) fn repeat<B: Read>(
    address: &str,
    settings: &Settings,
    pump: &mut Pump<'_, Lease<'_>, B>,
    start: Instant,
) -> Result<(), ClientErrorKind> {
    pump.transport_mut().replace(connect(address, settings, start)?);
    // A connection has a clock of its own.
    pump.set_patience(settings.patience(start, pump.transport().now()));
    pump.rewind();
    if let Err(error) = pump.begin() {
        pump.give_up(error);
    }
    Ok(())
}

/// Whether nothing came on a connection, not even its end.
fn is_silent(socket: &Socket) -> bool {
    socket.read(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

fn connect(address: &str, settings: &Settings, start: Instant) -> Result<Socket, ClientErrorKind> {
    // What the kernel takes for a timeout: not nothing, which is no timeout at all, and no more than it can count.
    const MOST: Duration = Duration::from_secs(1 << 30);
    let least = Duration::from_millis(1);
    let left = settings.left(start);
    let patience = settings.connect.min(left);
    let address = Address::parse(address)
        .map_err(|error| ClientErrorKind::Connect(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
    Socket::connect(address, patience.clamp(least, MOST)).map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut if left < settings.connect => ClientErrorKind::TimedOut(Timeout::Total(settings.total)),
        io::ErrorKind::TimedOut => ClientErrorKind::TimedOut(Timeout::Connect(settings.connect)),
        _ => ClientErrorKind::Connect(error),
    })
}
