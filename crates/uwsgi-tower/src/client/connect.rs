//! Connects to a backend.

use core::future::Future;
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
use uwsgi::client::Address;

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
    let connecting = async {
        match connector {
            Some(connector) => connector().await,
            None => connect_to(address, lookup).await,
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

async fn connect_to(address: &str, lookup: &Lookup) -> io::Result<Box<dyn Io>> {
    let tcp = |stream: TcpStream| {
        stream.set_nodelay(true)?;
        Ok::<Box<dyn Io>, io::Error>(Box::new(stream))
    };
    let address = Address::parse(address).and_then(Address::to_connect);
    match address.map_err(|error| io::Error::other(error.to_string()))? {
        Address::Tcp(address) => tcp(TcpStream::connect(address).await?),
        Address::Name { host, port } => {
            let addresses = lookup.addresses(host, port).await?;
            tcp(TcpStream::connect(&*addresses).await?)
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
