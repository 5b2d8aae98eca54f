//! The one address that is contacted.

use core::fmt;
use core::net::SocketAddr;
use std::io::{self, Read, Write};
use std::net::{TcpStream as BlockingStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::SocketAddr as UnixAddr;

use mio::net::TcpStream;
#[cfg(unix)]
use mio::net::UnixStream;
use mio::{Interest, Registry, Token, event};
use uwsgi::client::Address;

use crate::output::Failure;

/// Where connections go.
#[derive(Debug, Clone)]
pub(super) enum Target {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(UnixAddr),
    /// To connect takes so long.
    #[cfg(test)]
    Slow(SocketAddr, core::time::Duration),
}

impl Target {
    /// Looks a name up, once. Where it has several addresses, the first that takes a connection is the target.
    pub(super) fn resolve(text: &str) -> Result<Self, Failure> {
        let refused = |why: &dyn fmt::Display| Failure::Refused(format!("--to {text}: {why}"));
        match Address::parse(text).and_then(Address::to_connect).map_err(|error| refused(&error))? {
            Address::Tcp(address) => Ok(Self::Tcp(address)),
            Address::Name { host, port } => {
                let found: Vec<_> = (host, port).to_socket_addrs().map_err(|error| refused(&error))?.collect();
                let chosen = match found.as_slice() {
                    [only] => Some(*only),
                    several => several.iter().copied().find(|address| BlockingStream::connect(address).is_ok()),
                };
                chosen.or(found.first().copied()).map(Self::Tcp).ok_or_else(|| refused(&"the name has no address"))
            }
            #[cfg(unix)]
            Address::Unix(path) => UnixAddr::from_pathname(path).map(Self::Unix).map_err(|error| refused(&error)),
            #[cfg(target_os = "linux")]
            Address::Abstract(name) => {
                use std::os::linux::net::SocketAddrExt;
                UnixAddr::from_abstract_name(name).map(Self::Unix).map_err(|error| refused(&error))
            }
            _ => Err(refused(&"this system has no such sockets")),
        }
    }

    /// A connection that is made or on its way.
    pub(super) fn connect(&self) -> io::Result<Socket> {
        match self {
            Self::Tcp(address) => TcpStream::connect(*address).map(Socket::Tcp),
            #[cfg(unix)]
            Self::Unix(address) => UnixStream::connect_addr(address).map(Socket::Unix),
            #[cfg(test)]
            Self::Slow(address, time) => {
                std::thread::sleep(*time);
                TcpStream::connect(*address).map(Socket::Tcp)
            }
        }
    }
}

/// A connection that does not block.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket {
    /// Whether the error of a connection that was still being made is pending.
    pub(super) fn take_error(&self) -> io::Result<Option<io::Error>> {
        match self {
            Self::Tcp(stream) => stream.take_error(),
            #[cfg(unix)]
            Self::Unix(stream) => stream.take_error(),
        }
    }

    /// Lets the last part of a long request leave without an acknowledgement of what went before, as nginx's
    /// `tcp_nodelay` does.
    pub(super) fn set_nodelay(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nodelay(true),
            #[cfg(unix)]
            Self::Unix(_) => Ok(()),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl event::Source for Socket {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.register(registry, token, interests),
            #[cfg(unix)]
            Self::Unix(stream) => stream.register(registry, token, interests),
        }
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.reregister(registry, token, interests),
            #[cfg(unix)]
            Self::Unix(stream) => stream.reregister(registry, token, interests),
        }
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.deregister(registry),
            #[cfg(unix)]
            Self::Unix(stream) => stream.deregister(registry),
        }
    }
}
