//! The sockets that connections are accepted from: TCP, Unix sockets, inherited descriptors.

mod inherited;

use core::fmt;
use core::net::SocketAddr;
use std::io;
use std::net::{TcpListener, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrAny, SocketAddrUnix, sockopt};
use uwsgi::Address;
use uwsgi::server::ConnectionLimit;
use uwsgi_io::{Addresses, Socket, SocketFile, listen_unix};

/// A socket that connections are accepted from. The file of a Unix socket is removed when its listener is dropped.
///
/// ```
/// use uwsgi::Address;
/// use uwsgi_server::Listener;
///
/// let listener = Listener::bind(Address::parse("127.0.0.1:0")?)?;
/// assert!(listener.to_string().starts_with("127.0.0.1:"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Listener {
    descriptor: OwnedFd,
    name: String,
    local: Option<SocketAddr>,
    /// The file of a Unix socket, if this process made it.
    file: Option<SocketFile>,
    /// How many connections can still be accepted after a stop was requested.
    accepts_after_stop: u32,
}

/// The mode of a Unix socket's file: its owner and its group can connect.
pub(crate) const MODE: u32 = 0o660;

impl Listener {
    /// Listens at an address. If it is a name, this uses the first of the name's addresses that this machine has. The file of a
    /// Unix socket gets the mode 0o660, so that its owner and its group can connect. A file that no server listens on is
    /// replaced. Every user of this machine can connect to an abstract name (`@name`).
    ///
    /// # Errors
    ///
    /// The system's error. If the address is in use, its text says what to do.
    pub fn bind(address: Address<'_>) -> io::Result<Self> {
        Self::bind_with_mode(address, MODE)
    }

    /// Listens at an address. The file of a Unix socket gets this mode, whatever the umask is. [`listen_unix`] says how the
    /// mode is set.
    ///
    /// # Errors
    ///
    /// Those of [`bind`](Self::bind).
    pub fn bind_with_mode(address: Address<'_>, mode: u32) -> io::Result<Self> {
        match address.to_listen() {
            Address::Tcp(address) => Self::tcp(address),
            Address::Name { host, port } => Self::at_first((host, port).to_socket_addrs()?),
            Address::Unix(path) => {
                let (listener, file) = listen_unix(path, mode)?;
                Ok(Self { file: Some(file), ..Self::listening(listener, path.to_owned(), None)? })
            }
            #[cfg(target_os = "linux")]
            Address::Abstract(name) => {
                use std::os::linux::net::SocketAddrExt;
                use std::os::unix::net::{SocketAddr, UnixListener};
                let listener = SocketAddr::from_abstract_name(name).and_then(|at| UnixListener::bind_addr(&at));
                Self::listening(listener.map_err(|error| cannot_listen(error, &address))?, address.to_string(), None)
            }
            Address::Fd(number) => inherited::take(number, Self::from_descriptor),
            other => Err(io::Error::new(io::ErrorKind::Unsupported, format!("cannot listen at {other} here"))),
        }
    }

    /// Listens as [`bind_with_mode`](Self::bind_with_mode) does, but at every address of a name that this machine has, because
    /// front ends try the addresses in an order of their own. If the port is 0, all listeners get the same port.
    ///
    /// # Errors
    ///
    /// Those of [`bind`](Self::bind).
    pub fn bind_all(address: Address<'_>, mode: u32) -> io::Result<Vec<Self>> {
        match address.to_listen() {
            Address::Name { host, port } => Self::at_all(&(host, port).to_socket_addrs()?.collect::<Vec<_>>()),
            address => Ok(vec![Self::bind_with_mode(address, mode)?]),
        }
    }

    /// Takes over a socket that listens already. Other processes may hold the socket too, as systemd does. So the server
    /// accepts no more connections from the socket after a stop. If no other process holds the socket, the kernel then resets
    /// the connections that wait.
    ///
    /// # Errors
    ///
    /// The descriptor is not a listening TCP or Unix stream socket.
    pub fn from_descriptor(descriptor: OwnedFd) -> io::Result<Self> {
        inherited::check(&descriptor)?;
        let bound = rustix::net::getsockname(&descriptor)?;
        // The allow list cannot check peers of other families.
        if !matches!(bound.address_family(), AddressFamily::INET | AddressFamily::INET6 | AddressFamily::UNIX) {
            let what = "the inherited descriptor is neither TCP nor a Unix socket";
            return Err(io::Error::new(io::ErrorKind::Unsupported, what));
        }
        let local = SocketAddr::try_from(bound.clone()).ok();
        let unix = SocketAddrUnix::try_from(bound).ok();
        let path = unix.as_ref().and_then(|unix| unix.path()).map(|path| path.to_string_lossy().into_owned());
        let name = local.map(|local| local.to_string()).or(path).unwrap_or_else(|| "fd".into());
        rustix::io::ioctl_fionbio(&descriptor, true)?;
        Ok(Self { descriptor, name, local, file: None, accepts_after_stop: 0 })
    }

    /// Returns how many connections that wait may be accepted after a stop. The close of the listener would reset them. It is 0
    /// for an inherited socket, which other processes hold too.
    #[must_use]
    pub const fn max_after_stop(&self) -> u32 {
        self.accepts_after_stop
    }

    /// Returns the TCP address that it listens at. If the port was 0, this has the port that the system chose.
    #[must_use]
    pub const fn local_addr(&self) -> Option<SocketAddr> {
        self.local
    }

    /// Sets how many connections may wait to be accepted; [`ConnectionLimit::BACKLOG`] by default. The system may have a lower
    /// limit (`net.core.somaxconn` on Linux).
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn set_backlog(&self, backlog: u16) -> io::Result<()> {
        Ok(rustix::net::listen(&self.descriptor, i32::from(backlog))?)
    }

    /// Accepts the next connection that waits. It does not wait for a connection.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] if no connection waits; the system's error. If its kind is
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted), only that connection failed: call again.
    pub fn accept(&self) -> io::Result<(Socket, Addresses)> {
        let (descriptor, peer) = accept(&self.descriptor)?;
        let Some(bound) = self.local else {
            return Ok((Socket::from_non_blocking(descriptor), Addresses::default()));
        };
        // A TCP peer without an address has closed already. It must not count as a peer on a Unix socket, which is always
        // allowed.
        let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok()).ok_or(io::ErrorKind::ConnectionAborted)?;
        // Turns Nagle's algorithm off, so that small responses leave at once. If this fails, the peer has closed the
        // connection.
        let _ = sockopt::set_tcp_nodelay(&descriptor, true);
        let own_address = || SocketAddr::try_from(rustix::net::getsockname(&descriptor).ok()?).ok();
        let local = if bound.ip().is_unspecified() { own_address().unwrap_or(bound) } else { bound };
        Ok((Socket::from_non_blocking(descriptor), Addresses::new(peer, local)))
    }

    /// Returns whether to accept one more connection though a stop was requested. Removes the file of a Unix socket, so that no
    /// new peer finds it.
    ///
    /// Connections that wait are accepted, because the close of the listener would reset them. An inherited socket is left to
    /// the other processes that hold it.
    pub(crate) fn accepts_after_stop(&mut self) -> bool {
        self.file = None;
        let accepts = self.accepts_after_stop > 0;
        self.accepts_after_stop = self.accepts_after_stop.saturating_sub(1);
        accepts
    }

    /// Listens at the first of these addresses that this machine has.
    fn at_first(addresses: impl IntoIterator<Item = SocketAddr>) -> io::Result<Self> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        Self::at_one_port(addresses, 1)?.pop().ok_or_else(missing)
    }

    /// Listens at each of these addresses that this machine has.
    fn at_all(addresses: &[SocketAddr]) -> io::Result<Vec<Self>> {
        let at_all = || Self::at_one_port(addresses.iter().copied(), usize::MAX);
        // The port that the system chooses for the first address may be in use at another address.
        let retries = if addresses.iter().any(|address| address.port() == 0) { 10 } else { 0 };
        let is_in_use = |error: &io::Error| error.kind() == io::ErrorKind::AddrInUse;
        let mut attempts = (0..retries).map(|_| at_all());
        attempts.find(|bound| !bound.as_ref().is_err_and(is_in_use)).unwrap_or_else(at_all)
    }

    /// Listens at the first `max` of these addresses that this machine has. It does not bind the others even for a moment,
    /// because that would reset their peers. Addresses with the port 0 get the port of the first listener.
    fn at_one_port(addresses: impl IntoIterator<Item = SocketAddr>, max: usize) -> io::Result<Vec<Self>> {
        let (mut listeners, mut seen, mut missing) = (Vec::<Self>::new(), Vec::new(), None);
        for mut address in addresses {
            // A name may have an address twice.
            if seen.contains(&address) || listeners.len() == max {
                continue;
            }
            seen.push(address);
            if let Some(first) = listeners.first().and_then(Self::local_addr).filter(|_| address.port() == 0) {
                address.set_port(first.port());
            }
            match Self::tcp(address) {
                Ok(listener) => listeners.push(listener),
                Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => missing = Some(error),
                Err(error) => return Err(error),
            }
        }
        missing.filter(|_| listeners.is_empty()).map_or(Ok(listeners), Err)
    }

    fn tcp(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).map_err(|error| cannot_listen(error, &address))?;
        let local = listener.local_addr()?;
        Self::listening(listener, local.to_string(), Some(local))
    }

    /// Sets the backlog of a socket that listens, and makes it non-blocking.
    fn listening(listener: impl Into<OwnedFd>, name: String, local: Option<SocketAddr>) -> io::Result<Self> {
        let descriptor = listener.into();
        // `std` listens with a backlog of its own. A second call changes the backlog.
        rustix::net::listen(&descriptor, i32::from(ConnectionLimit::BACKLOG))
            .map_err(|error| cannot_listen(error.into(), &name))?;
        rustix::io::ioctl_fionbio(&descriptor, true)?;
        Ok(Self { descriptor, name, local, file: None, accepts_after_stop: u32::from(ConnectionLimit::BACKLOG) })
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

fn cannot_listen(error: io::Error, name: &dyn fmt::Display) -> io::Error {
    // A machine that lacks the address family does not have the address.
    let has_no_family = error.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error());
    let kind = if has_no_family { io::ErrorKind::AddrNotAvailable } else { error.kind() };
    let what = if kind == io::ErrorKind::AddrInUse {
        format!("{name} is in use: stop the server that listens there, or choose another address")
    } else {
        format!("cannot listen at {name}: {error}")
    };
    io::Error::new(kind, what)
}

#[cfg(target_os = "linux")]
fn accept(listener: &OwnedFd) -> io::Result<(OwnedFd, Option<SocketAddrAny>)> {
    use rustix::net::SocketFlags;
    rustix::net::acceptfrom_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK).map_err(|error| match error {
        // These are errors of the new connection, not of the listener (accept(2), "Error handling").
        Errno::NETDOWN
        | Errno::PROTO
        | Errno::NOPROTOOPT
        | Errno::HOSTDOWN
        | Errno::NONET
        | Errno::HOSTUNREACH
        | Errno::OPNOTSUPP
        | Errno::NETUNREACH => io::ErrorKind::ConnectionAborted.into(),
        error => error.into(),
    })
}

#[cfg(not(target_os = "linux"))]
fn accept(listener: &OwnedFd) -> io::Result<(OwnedFd, Option<SocketAddrAny>)> {
    let (descriptor, peer) = rustix::net::acceptfrom(listener)?;
    rustix::io::fcntl_setfd(&descriptor, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&descriptor, true)?;
    Ok((descriptor, peer))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has found something")]

    use core::net::Ipv4Addr;

    use super::*;

    fn at(address: [u8; 4], port: u16) -> SocketAddr {
        (Ipv4Addr::from(address), port).into()
    }

    #[test]
    fn all_addresses_of_a_name_that_the_machine_has_are_bound() {
        let (elsewhere, here) = (at([192, 0, 2, 1], 0), at([127, 0, 0, 1], 0));
        let listeners = Listener::at_all(&[elsewhere, here, here, at([127, 0, 0, 2], 0)]).unwrap();
        let bound: Vec<_> = listeners.iter().map(|listener| listener.local_addr().unwrap().ip().to_string()).collect();
        assert_eq!(bound, ["127.0.0.1", "127.0.0.2"]);
        // A peer that knows the name and one port finds all of them.
        let ports: Vec<_> = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        assert!(ports.iter().all(|port| *port == ports[0] && *port != 0), "{ports:?}");

        let error = |addresses: &[SocketAddr]| Listener::at_all(addresses).unwrap_err();
        assert_eq!(error(&[elsewhere]).kind(), io::ErrorKind::AddrNotAvailable);
        let in_use = listeners.first().and_then(Listener::local_addr).unwrap();
        assert_eq!(error(&[elsewhere, in_use]).kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn the_first_address_of_a_name_that_the_machine_has_is_bound() {
        let (elsewhere, here) = (at([192, 0, 2, 1], 0), at([127, 0, 0, 1], 0));
        let first = |addresses: &[SocketAddr]| Listener::at_first(addresses.iter().copied());
        let listener = first(&[elsewhere, here]).unwrap();
        let in_use = listener.local_addr().unwrap();
        assert!(in_use.ip().is_loopback());
        // The addresses after it may be in use.
        let bound = first(&[at([127, 0, 0, 2], 0), in_use]).unwrap().local_addr().unwrap();
        assert_eq!(bound.ip(), at([127, 0, 0, 2], 0).ip());

        let error = |addresses: &[SocketAddr]| first(addresses).unwrap_err().kind();
        assert_eq!(error(&[elsewhere, in_use, here]), io::ErrorKind::AddrInUse);
        assert_eq!(error(&[elsewhere]), io::ErrorKind::AddrNotAvailable);
        assert_eq!(error(&[]), io::ErrorKind::NotFound);
    }
}
