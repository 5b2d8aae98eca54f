//! Gets a connection to the server, and begins to send on it.

use core::time::Duration;
use std::io::{self, Read};
use std::time::Instant;

use uwsgi::Address;
use uwsgi::client::{Exchange, FailedAttempt};

use crate::client::connection_guard::ConnectionGuard;
use crate::client::error::{Asked, ClientErrorKind};
use crate::client::exchange_driver::ExchangeDriver;
use crate::client::settings::Settings;
use crate::transport::Transport;
use crate::transport::socket::Socket;
use crate::transport::stream::Timeout;

/// Begins to send the bytes of `outgoing`, on the kept connection or on a new one. Returns the driver, and whether it uses the
/// kept connection.
///
/// The call began at `start`. If an exchange is given, a small body leaves together with `outgoing`.
pub(crate) fn start_sending<'c, B: Read>(
    address: &str,
    settings: &Settings,
    connection: &'c mut Option<Socket>,
    outgoing: &'c mut Vec<u8>,
    body: B,
    (start, exchange): (Instant, Option<&mut Exchange>),
) -> Result<(ExchangeDriver<'c, ConnectionGuard<'c>, B>, bool), ClientErrorKind> {
    let is_reused = connection.as_ref().is_some_and(is_reusable);
    if !is_reused {
        // The kept connection has ended, or the server has sent bytes without a request: it cannot be used.
        *connection = None;
        *connection = Some(connect(address, settings, start)?);
    }
    let guard = ConnectionGuard::new(connection);
    let timeouts = settings.timeouts(start, guard.now());
    let mut driver = ExchangeDriver::new(guard, timeouts, outgoing, body);
    if let Some(exchange) = exchange {
        driver.preload_body(exchange).map_err(|error| ClientErrorKind::from_io(error, Asked::Request))?;
    }
    let Err(error) = driver.start() else { return Ok((driver, is_reused)) };
    let attempt = FailedAttempt {
        connection_was_kept: is_reused,
        is_repeat: false,
        bytes_left: false,
        answer_began: false,
        body_is_there: driver.can_rewind(),
        idempotent: false,
        opted_in: settings.retries,
    };
    if attempt.may_be_repeated() {
        resend(address, settings, &mut driver, start)?;
    } else {
        // A server that closes at once may have sent a response first: read it.
        driver.give_up(error);
    }
    Ok((driver, false))
}

/// Begins to send the same bytes once more, on a new connection.
pub(crate) fn resend<B: Read>(
    address: &str,
    settings: &Settings,
    driver: &mut ExchangeDriver<'_, ConnectionGuard<'_>, B>,
    start: Instant,
) -> Result<(), ClientErrorKind> {
    driver.transport_mut().replace(connect(address, settings, start)?);
    // Each connection has its own clock.
    driver.set_timeouts(settings.timeouts(start, driver.transport().now()));
    driver.rewind();
    if let Err(error) = driver.start() {
        driver.give_up(error);
    }
    Ok(())
}

/// Returns whether a kept connection can be used again: it has not ended, and the server has sent nothing.
fn is_reusable(socket: &Socket) -> bool {
    socket.read(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

fn connect(address: &str, settings: &Settings, start: Instant) -> Result<Socket, ClientErrorKind> {
    // For the kernel, zero means no timeout. It cannot count for longer than `LONGEST`.
    const LONGEST: Duration = Duration::from_secs(1 << 30);
    const SHORTEST: Duration = Duration::from_millis(1);
    let left = settings.time_left(start);
    let timeout = settings.connect_timeout.min(left);
    let address = Address::parse(address)
        .map_err(|error| ClientErrorKind::Connect(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
    Socket::connect(address, timeout.clamp(SHORTEST, LONGEST)).map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut if left < settings.connect_timeout => {
            ClientErrorKind::TimedOut(Timeout::Total(settings.total_timeout))
        }
        io::ErrorKind::TimedOut => ClientErrorKind::TimedOut(Timeout::Connect(settings.connect_timeout)),
        _ => ClientErrorKind::Connect(error),
    })
}
