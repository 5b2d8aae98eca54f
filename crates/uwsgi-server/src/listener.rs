//! What is listened on: TCP, Unix sockets, inherited descriptors.

use core::fmt;
use core::net::SocketAddr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrAny, SocketAddrUnix, SocketType, sockopt};
use uwsgi::client::Address;
use uwsgi::server::ConnectionLimit;
use uwsgi_io::{Socket, SocketFile, listen_unix};

use crate::app::Ends;

/// A socket that connections are accepted from. A Unix socket's file is removed when it is dropped.
///
/// ```
/// use uwsgi::client::Address;
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
    /// The file of a Unix socket, which is removed with it.
    file: Option<SocketFile>,
    /// How many connections may still be accepted once a stop was asked for.
    last: u32,
}

/// Who may connect to a Unix socket: its owner and its group.
pub(crate) const MODE: u32 = 0o660;

impl Listener {
    /// Listens at an address: a Unix socket for its owner and its group, and in the place of one that nobody listens on; of
    /// the addresses of a name the first that this machine has. An abstract name (`@name`) is open to every user of this
    /// machine.
    ///
    /// # Errors
    ///
    /// The system's; what it says to do is in its text.
    pub fn bind(address: Address<'_>) -> io::Result<Self> {
        Self::bind_with_mode(address, MODE)
    }

    /// Listens at an address; `mode` is the mode of a Unix socket's file, whatever the umask is. It is set as
    /// [`listen_unix`] does it.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn bind_with_mode(address: Address<'_>, mode: u32) -> io::Result<Self> {
        match address.to_listen() {
            Address::Tcp(address) => Self::tcp(address),
            Address::Name { host, port } => Self::first(addresses(host, port)?),
            Address::Unix(path) => Self::unix(Path::new(path), mode),
            #[cfg(target_os = "linux")]
            Address::Abstract(name) => {
                let descriptor = stream(AddressFamily::UNIX)?;
                let address = SocketAddrUnix::new_abstract_name(name.as_bytes())?;
                rustix::net::bind(&descriptor, &address).map_err(|error| taken(error, &format!("@{name}")))?;
                Self::listening(descriptor, format!("@{name}"), None)
            }
            Address::Fd(number) => Self::inherited(number),
            other => Err(io::Error::new(io::ErrorKind::Unsupported, format!("{other} is nothing to listen at here"))),
        }
    }

    /// Listens as [`bind_with_mode`](Self::bind_with_mode) does, and at every address of a name that this machine has: front
    /// ends try them in their own order. A port of 0 becomes the same one at all of them.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn bind_all(address: Address<'_>, mode: u32) -> io::Result<Vec<Self>> {
        match address.to_listen() {
            Address::Name { host, port } => Self::every(&addresses(host, port)?.collect::<Vec<_>>()),
            address => Ok(vec![Self::bind_with_mode(address, mode)?]),
        }
    }

    /// Takes over a socket that listens already. It is somebody else's too, as systemd's are: a stop accepts nobody more from
    /// it. If no other process holds it, those who have connected and were not accepted are reset then.
    ///
    /// # Errors
    ///
    /// It is no listening socket of a stream, over TCP or a Unix socket.
    pub fn from_descriptor(descriptor: OwnedFd) -> io::Result<Self> {
        listens(&descriptor)?;
        let bound = rustix::net::getsockname(&descriptor)?;
        // Of other families nobody can say who is allowed.
        if !matches!(bound.address_family(), AddressFamily::INET | AddressFamily::INET6 | AddressFamily::UNIX) {
            let what = "the inherited descriptor is neither TCP nor a Unix socket";
            return Err(io::Error::new(io::ErrorKind::Unsupported, what));
        }
        let local = SocketAddr::try_from(bound.clone()).ok();
        let name = match (local, SocketAddrUnix::try_from(bound)) {
            (Some(local), _) => local.to_string(),
            (None, Ok(unix)) => unix.path().map_or_else(|| "fd".into(), |path| path.to_string_lossy().into_owned()),
            (None, Err(_)) => "fd".into(),
        };
        rustix::io::ioctl_fionbio(&descriptor, true)?;
        Ok(Self { descriptor, name, local, file: None, last: 0 })
    }

    /// The address that is listened at, if it is TCP; a port of 0 has become a real one.
    #[must_use]
    pub const fn local(&self) -> Option<SocketAddr> {
        self.local
    }

    /// The next connection that waits.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when none does; the system's.
    pub(crate) fn accept(&self) -> io::Result<(Socket, Ends)> {
        let (descriptor, peer) = accept(&self.descriptor)?;
        let Some(bound) = self.local else {
            return Ok((Socket::from_non_blocking(descriptor), Ends::default()));
        };
        // Who has no address has gone already, and is not taken for somebody on a Unix socket, who is allowed.
        let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok()).ok_or(io::ErrorKind::ConnectionAborted)?;
        // Small answers leave at once. Where that cannot be set, the peer has gone.
        let _ = sockopt::set_tcp_nodelay(&descriptor, true);
        let local = if bound.ip().is_unspecified() { connected_to(&descriptor).unwrap_or(bound) } else { bound };
        Ok((Socket::from_non_blocking(descriptor), Ends { peer: Some(peer), local: Some(local) }))
    }

    /// A stop was asked for: nobody finds a Unix socket any more, and those who have connected already are accepted, since a
    /// close would reset them. Of a socket that was handed over they are somebody else's.
    pub(crate) fn accepts_the_last(&mut self) -> bool {
        self.file = None;
        let accepts = self.last > 0;
        self.last = self.last.saturating_sub(1);
        accepts
    }

    /// Listens at the first of these addresses that this machine has. The others are left alone: who connects to one that is
    /// let go of again would be reset.
    fn first(addresses: impl IntoIterator<Item = SocketAddr>) -> io::Result<Self> {
        let mut missing = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in addresses {
            match Self::tcp(address) {
                Err(error) if is_elsewhere(&error) => missing = error,
                bound => return bound,
            }
        }
        Err(missing)
    }

    /// Listens at each of these addresses that this machine has.
    fn every(addresses: &[SocketAddr]) -> io::Result<Vec<Self>> {
        // A port that the system gives at one of them may be taken at another.
        if addresses.iter().any(|address| address.port() == 0) {
            for _ in 0..10 {
                match Self::at_one_port(addresses) {
                    Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                    bound => return bound,
                }
            }
        }
        Self::at_one_port(addresses)
    }

    /// Listens at each of these addresses; where any port will do, it is that of the first.
    fn at_one_port(addresses: &[SocketAddr]) -> io::Result<Vec<Self>> {
        let (mut listeners, mut seen) = (Vec::<Self>::new(), Vec::new());
        let mut missing = None;
        for mut address in addresses.iter().copied() {
            // A name may have one twice.
            if seen.contains(&address) {
                continue;
            }
            seen.push(address);
            if let Some(first) = listeners.first().and_then(Self::local).filter(|_| address.port() == 0) {
                address.set_port(first.port());
            }
            match Self::tcp(address) {
                Ok(listener) => listeners.push(listener),
                Err(error) if is_elsewhere(&error) => missing = Some(error),
                Err(error) => return Err(error),
            }
        }
        missing.filter(|_| listeners.is_empty()).map_or(Ok(listeners), Err)
    }

    fn tcp(address: SocketAddr) -> io::Result<Self> {
        let descriptor = stream(if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 })?;
        sockopt::set_socket_reuseaddr(&descriptor, true)?;
        rustix::net::bind(&descriptor, &address).map_err(|error| taken(error, &address.to_string()))?;
        let local = connected_to(&descriptor).unwrap_or(address);
        Self::listening(descriptor, local.to_string(), Some(local))
    }

    fn unix(path: &Path, mode: u32) -> io::Result<Self> {
        let (listener, file) = listen_unix(path, mode)?;
        listener.set_nonblocking(true)?;
        let (name, last) = (path.to_string_lossy().into_owned(), u32::from(ConnectionLimit::BACKLOG));
        Ok(Self { descriptor: listener.into(), name, local: None, file: Some(file), last })
    }

    /// A descriptor that was handed over as systemd does it (sd_listen_fds(3)), by its number.
    fn inherited(number: u32) -> io::Result<Self> {
        // They can be taken once in a process. The environment stays as it is: another thread may be reading it, and a child
        // is not the process that LISTEN_PID names.
        static HANDED: Mutex<Option<Vec<Option<OwnedFd>>>> = Mutex::new(None);
        let mut handed = HANDED.lock().unwrap_or_else(PoisonError::into_inner);
        let handed = handed.get_or_insert_with(handed_over);
        let index = number.checked_sub(FIRST).and_then(|index| usize::try_from(index).ok());
        let slot = index.and_then(|index| handed.get_mut(index));
        let Some(descriptor) = slot.as_deref().and_then(Option::as_ref) else {
            let why = match slot {
                Some(_) => "was taken already",
                None => "was not handed over: LISTEN_FDS has to count it, and LISTEN_PID to name this process",
            };
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("descriptor {number} {why}")));
        };
        // It is taken once it is known to be ours: what is not is somebody else's to close.
        let wrong = |error: io::Error| io::Error::new(error.kind(), format!("descriptor {number}: {error}"));
        listens(descriptor).map_err(wrong)?;
        rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC).map_err(|error| wrong(error.into()))?;
        let taken = slot.and_then(Option::take).ok_or(io::ErrorKind::NotFound)?;
        Self::from_descriptor(taken).map_err(wrong)
    }

    fn listening(descriptor: OwnedFd, name: String, local: Option<SocketAddr>) -> io::Result<Self> {
        rustix::net::listen(&descriptor, i32::from(ConnectionLimit::BACKLOG)).map_err(|error| taken(error, &name))?;
        rustix::io::ioctl_fionbio(&descriptor, true)?;
        Ok(Self { descriptor, name, local, file: None, last: u32::from(ConnectionLimit::BACKLOG) })
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

/// The number of the first descriptor that is handed over.
const FIRST: u32 = 3;

/// The descriptors that were handed over to this process; a parent's are none of ours.
fn handed_over() -> Vec<Option<OwnedFd>> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
    // systemfd may count from elsewhere. No more descriptors can be open than the kernel allows (nr_open, usually 2^20).
    let is_usual = number("LISTEN_FDS_FIRST_FD").is_none_or(|first| first == FIRST);
    if !is_usual || number("LISTEN_FDS").is_none_or(|count| count > 1 << 20) {
        return Vec::new();
    }
    let handed = sd_listen_fds::get().unwrap_or_default();
    handed.into_iter().map(|(_, descriptor)| Some(descriptor.into_std())).collect()
}

/// An error unless this is a socket of a stream that is listened on.
fn listens(descriptor: &OwnedFd) -> io::Result<()> {
    if sockopt::socket_acceptconn(descriptor)? && sockopt::socket_type(descriptor)? == SocketType::STREAM {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "the inherited descriptor is no listening socket"))
}

fn addresses(host: &str, port: u16) -> io::Result<impl Iterator<Item = SocketAddr>> {
    std::net::ToSocketAddrs::to_socket_addrs(&(host, port))
}

/// Whether an address is not this machine's: it has none of that family, say.
fn is_elsewhere(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error())
}

/// The address that a socket is bound to, or was connected to.
fn connected_to(descriptor: &OwnedFd) -> Option<SocketAddr> {
    SocketAddr::try_from(rustix::net::getsockname(descriptor).ok()?).ok()
}

fn taken(error: Errno, name: &str) -> io::Error {
    let error = io::Error::from(error);
    match error.kind() {
        io::ErrorKind::AddrInUse => io::Error::new(
            error.kind(),
            format!("{name} is in use: stop the server that listens there, or choose another address"),
        ),
        _ => io::Error::new(error.kind(), format!("cannot listen at {name}: {error}")),
    }
}

#[cfg(target_os = "linux")]
fn stream(family: AddressFamily) -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(family, SocketType::STREAM, rustix::net::SocketFlags::CLOEXEC, None)?)
}

#[cfg(not(target_os = "linux"))]
fn stream(family: AddressFamily) -> io::Result<OwnedFd> {
    let descriptor = rustix::net::socket(family, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&descriptor, rustix::io::FdFlags::CLOEXEC)?;
    Ok(descriptor)
}

#[cfg(target_os = "linux")]
fn accept(listener: &OwnedFd) -> io::Result<(OwnedFd, Option<SocketAddrAny>)> {
    use rustix::net::SocketFlags;
    rustix::net::acceptfrom_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK).map_err(|error| match error {
        // What has befallen that connection and not the listener (accept(2), "Error handling").
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
    fn of_the_addresses_of_a_name_all_that_are_here() {
        let (elsewhere, here) = (at([192, 0, 2, 1], 0), at([127, 0, 0, 1], 0));
        let listeners = Listener::every(&[elsewhere, here, here, at([127, 0, 0, 2], 0)]).unwrap();
        let bound: Vec<_> = listeners.iter().map(|listener| listener.local().unwrap().ip().to_string()).collect();
        assert_eq!(bound, ["127.0.0.1", "127.0.0.2"]);
        // Who knows the name and the port of one finds the others.
        let ports: Vec<_> = listeners.iter().map(|listener| listener.local().unwrap().port()).collect();
        assert!(ports.iter().all(|port| *port == ports[0] && *port != 0), "{ports:?}");

        let said = |addresses: &[SocketAddr]| Listener::every(addresses).unwrap_err();
        assert_eq!(said(&[elsewhere]).kind(), io::ErrorKind::AddrNotAvailable);
        let taken = listeners.first().and_then(Listener::local).unwrap();
        assert_eq!(said(&[elsewhere, taken]).kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn of_the_addresses_of_a_name_the_first_that_is_here() {
        let (elsewhere, here) = (at([192, 0, 2, 1], 0), at([127, 0, 0, 1], 0));
        let first = |addresses: &[SocketAddr]| Listener::first(addresses.iter().copied());
        let listener = first(&[elsewhere, here]).unwrap();
        let taken = listener.local().unwrap();
        assert!(taken.ip().is_loopback());
        // What is taken behind it does not matter.
        assert_eq!(first(&[at([127, 0, 0, 2], 0), taken]).unwrap().local().unwrap().ip(), at([127, 0, 0, 2], 0).ip());

        let said = |addresses: &[SocketAddr]| first(addresses).unwrap_err().kind();
        assert_eq!(said(&[elsewhere, taken, here]), io::ErrorKind::AddrInUse);
        assert_eq!(said(&[elsewhere]), io::ErrorKind::AddrNotAvailable);
        assert_eq!(said(&[]), io::ErrorKind::NotFound);
    }
}
