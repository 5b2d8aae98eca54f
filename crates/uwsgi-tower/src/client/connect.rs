//! Connects to a backend.

use core::future::Future;
use core::net::SocketAddr;
use core::pin::Pin;
use core::time::Duration;
use std::io;
#[cfg(unix)]
use std::os::fd::AsFd;

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
#[cfg(unix)]
use rustix::{
    io::Errno,
    net::{RecvFlags, recv},
};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::time::Instant;
use uwsgi::Address;

use crate::client::error::ClientError;
use crate::client::lookup::Lookup;
use crate::client::pool::Io;

/// A function that connects to a backend.
pub(super) type Connector = Arc<dyn Fn() -> Connecting + Send + Sync>;

/// A connection that is being made.
pub(super) type Connecting = Pin<Box<dyn Future<Output = io::Result<Box<dyn Io>>> + Send>>;

/// Connects to a backend within a timeout: by the connector if there is one, else by the address.
pub(super) async fn connect(
    address: &str,
    lookup: &Lookup,
    connector: Option<&Connector>,
    timeout: Duration,
) -> Result<Box<dyn Io>, ClientError> {
    let until = Instant::now().checked_add(timeout);
    let connecting = async {
        match connector {
            Some(connector) => connector().await,
            None => connect_to(address, lookup, until).await,
        }
    };
    let connected = tokio::time::timeout(timeout, connecting).await;
    let failed = |error| ClientError::Connect { address: address.into(), error: Arc::new(error) };
    match connected {
        Ok(Ok(io)) => Ok(io),
        Ok(Err(error)) => Err(failed(error)),
        Err(_) => Err(failed(io::ErrorKind::TimedOut.into())),
    }
}

async fn connect_to(address: &str, lookup: &Lookup, until: Option<Instant>) -> io::Result<Box<dyn Io>> {
    let tcp = |stream: TcpStream| {
        stream.set_nodelay(true)?;
        Ok::<Box<dyn Io>, io::Error>(Box::new(stream))
    };
    let address = Address::parse(address).and_then(Address::to_connect);
    match address.map_err(|error| io::Error::other(error.to_string()))? {
        Address::Tcp(address) => tcp(TcpStream::connect(address).await?),
        Address::Name { host, port } => {
            let addresses = lookup.addresses(host, port).await?;
            tcp(connect_to_one(&addresses, until).await?)
        }
        #[cfg(unix)]
        Address::Unix(path) => Ok(Box::new(connect_unix(path).await?)),
        #[cfg(target_os = "linux")]
        Address::Abstract(name) => {
            // tokio takes a path that begins with NUL for an abstract name.
            Ok(Box::new(connect_unix(&["\0", name].concat()).await?))
        }
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "not an address to connect to")),
    }
}

/// Connects to the first of these addresses that accepts. An address that does not answer does not use up the time for the
/// others.
async fn connect_to_one(addresses: &[SocketAddr], until: Option<Instant>) -> io::Result<TcpStream> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for (address, left) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let time_left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        let share = u32::try_from(left).ok().and_then(|left| time_left.checked_div(left)).unwrap_or(time_left);
        failed = match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => error,
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
    }
    Err(failed)
}

/// Connects to a Unix socket, and tries again while its backlog is full.
///
/// A blocking connect would wait for room in the backlog. A non-blocking connect fails with EAGAIN on Linux (connect(2)), and
/// the kernel does not report when there is room.
#[cfg(unix)]
async fn connect_unix(path: &str) -> io::Result<UnixStream> {
    let mut pause = Duration::from_millis(1);
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            }
            connected => return connected,
        }
    }
}

#[cfg(unix)]
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

impl Io for TcpStream {
    fn is_silent(&self) -> bool {
        is_silent(self)
    }
}

#[cfg(unix)]
impl Io for UnixStream {
    fn is_silent(&self) -> bool {
        is_silent(self)
    }
}

/// Returns whether the peer has sent nothing, not even the end of the stream.
#[cfg(unix)]
fn is_silent(socket: &impl AsFd) -> bool {
    recv(socket, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT).is_err_and(|error| error == Errno::AGAIN)
}

/// Returns true: this crate cannot ask other systems.
#[cfg(not(unix))]
fn is_silent<T>(_: &T) -> bool {
    true
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

    use super::*;

    /// Linux drops the handshakes of connections that a full backlog has no room for, so the client waits.
    #[tokio::test]
    async fn an_address_that_does_not_answer_leaves_time_for_the_others() {
        let full = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&full, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        listen(&full, 0).unwrap();
        let silent = SocketAddr::try_from(getsockname(&full).unwrap()).unwrap();
        let mut waiting = Vec::new();
        while let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(silent)).await {
            waiting.push(stream);
        }
        let good = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = [silent, good.local_addr().unwrap()];
        let until = Instant::now().checked_add(Duration::from_secs(2));
        let stream = connect_to_one(&addresses, until).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), addresses[1]);
        let error =
            connect_to_one(&[silent], Instant::now().checked_add(Duration::from_millis(100))).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
