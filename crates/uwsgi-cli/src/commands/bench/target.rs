//! The address of the server, and the sockets that connect to it.

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
use uwsgi::Address;

use crate::exit::Failure;
use crate::files;

/// The address of the server, after the lookup of its name.
#[derive(Debug, Clone)]
pub(super) enum Target {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(UnixAddr),
    /// Connecting takes this long.
    #[cfg(test)]
    Slow(SocketAddr, core::time::Duration),
}

impl Target {
    /// Parses an address, and looks up a name once. If the name has several addresses, the target is the first that accepts a
    /// connection.
    pub(super) fn resolve(text: &str) -> Result<Self, Failure> {
        let failed = |why: &dyn fmt::Display| Failure::Failed(format!("--to {text}: {why}"));
        if let Some(why) = files::not_a_socket(text) {
            return Err(failed(&why));
        }
        match Address::parse(text).and_then(Address::to_connect).map_err(|error| failed(&error))? {
            Address::Tcp(address) => Ok(Self::Tcp(address)),
            Address::Name { host, port } => {
                let found: Vec<_> = (host, port).to_socket_addrs().map_err(|error| failed(&error))?.collect();
                let chosen = match found.as_slice() {
                    [only] => Some(*only),
                    several => several.iter().copied().find(|address| BlockingStream::connect(address).is_ok()),
                };
                chosen.or(found.first().copied()).map(Self::Tcp).ok_or_else(|| failed(&"the name has no address"))
            }
            #[cfg(unix)]
            Address::Unix(path) => UnixAddr::from_pathname(path).map(Self::Unix).map_err(|error| failed(&error)),
            #[cfg(target_os = "linux")]
            Address::Abstract(name) => {
                use std::os::linux::net::SocketAddrExt;
                UnixAddr::from_abstract_name(name).map(Self::Unix).map_err(|error| failed(&error))
            }
            _ => Err(failed(&"this system does not have this kind of socket")),
        }
    }

    /// Opens a socket, whose connection may still be in progress.
    pub(super) fn connect(&self) -> io::Result<Socket> {
        match self {
            Self::Tcp(address) => TcpStream::connect(*address).map(Socket::Tcp),
            #[cfg(unix)]
            Self::Unix(address) => UnixStream::connect_addr(address).map(Socket::Unix),
            #[cfg(test)]
            Self::Slow(address, time) => {
                // The simulated time of connecting.
                std::thread::sleep(*time);
                TcpStream::connect(*address).map(Socket::Tcp)
            }
        }
    }
}

/// A non-blocking socket.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket {
    /// Returns the pending error of the socket, such as that of a connection attempt.
    pub(super) fn take_error(&self) -> io::Result<Option<io::Error>> {
        match self {
            Self::Tcp(stream) => stream.take_error(),
            #[cfg(unix)]
            Self::Unix(stream) => stream.take_error(),
        }
    }

    /// Sends the last segment of a long request without waiting for the acknowledgement of earlier segments, as nginx does with
    /// `tcp_nodelay`.
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
