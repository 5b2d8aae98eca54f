//! What is listened on: TCP, Unix sockets, inherited descriptors.

use core::fmt;
use core::net::SocketAddr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use listenfd::ListenFd;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrAny, SocketAddrUnix, SocketType, sockopt};
use uwsgi::client::Address;
use uwsgi_io::Socket;

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
    /// The file to remove, and which one it was.
    file: Option<File>,
    /// How many connections may still be accepted once a stop was asked for.
    last: u32,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    device: u64,
    inode: u64,
}

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;
/// Who may connect to a Unix socket: its owner and its group.
const MODE: u32 = 0o660;

impl Listener {
    /// Listens at an address: a Unix socket for its owner and its group, and in the place of one that nobody listens on.
    ///
    /// # Errors
    ///
    /// The system's; what it says to do is in its text.
    pub fn bind(address: Address<'_>) -> io::Result<Self> {
        Self::bind_with_mode(address, MODE)
    }

    /// Listens at an address; `mode` is the mode of a Unix socket's file.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn bind_with_mode(address: Address<'_>, mode: u32) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => Self::tcp(address),
            Address::Name { host, port } => {
                let host = if host.is_empty() { "0.0.0.0" } else { host };
                let mut addresses = std::net::ToSocketAddrs::to_socket_addrs(&(host, port))?;
                let none = || io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address"));
                Self::tcp(addresses.next().ok_or_else(none)?)
            }
            Address::Unix(path) => Self::unix(Path::new(path), mode),
            #[cfg(target_os = "linux")]
            Address::Abstract(name) => {
                let descriptor = stream(AddressFamily::UNIX)?;
                let address = SocketAddrUnix::new_abstract_name(name.as_bytes())?;
                rustix::net::bind(&descriptor, &address).map_err(|error| taken(error, &format!("@{name}")))?;
                Self::listening(descriptor, format!("@{name}"), None, None)
            }
            Address::Fd(number) => Self::inherited(number),
            other => Err(io::Error::new(io::ErrorKind::Unsupported, format!("{other} is nothing to listen at here"))),
        }
    }

    /// Takes over a socket that listens already.
    ///
    /// # Errors
    ///
    /// It is no listening socket of a stream.
    pub fn from_descriptor(descriptor: OwnedFd) -> io::Result<Self> {
        let listens =
            sockopt::socket_acceptconn(&descriptor)? && sockopt::socket_type(&descriptor)? == SocketType::STREAM;
        if !listens {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the inherited descriptor is no listening socket"));
        }
        let bound = rustix::net::getsockname(&descriptor)?;
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
        let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
        if peer.is_some() {
            // Small answers leave at once.
            sockopt::set_tcp_nodelay(&descriptor, true)?;
        }
        Ok((Socket::from_non_blocking(descriptor), Ends { peer, local: self.local }))
    }

    /// A stop was asked for: nobody finds a Unix socket any more, and those who have connected already are accepted, since a
    /// close would reset them. Of a socket that was handed over they are somebody else's.
    pub(crate) fn accepts_the_last(&mut self) -> bool {
        self.remove_file();
        let accepts = self.last > 0;
        self.last = self.last.saturating_sub(1);
        accepts
    }

    fn remove_file(&mut self) {
        // Another server may have put its own socket there meanwhile.
        if let Some(File { path, device, inode }) = self.file.take() {
            let ours = |file: &std::fs::Metadata| file.dev() == device && file.ino() == inode;
            if std::fs::symlink_metadata(&path).is_ok_and(|file| ours(&file)) {
                let _ = std::fs::remove_file(path);
            }
        }
    }

    fn tcp(address: SocketAddr) -> io::Result<Self> {
        let descriptor = stream(if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 })?;
        sockopt::set_socket_reuseaddr(&descriptor, true)?;
        rustix::net::bind(&descriptor, &address).map_err(|error| taken(error, &address.to_string()))?;
        let local = SocketAddr::try_from(rustix::net::getsockname(&descriptor)?).unwrap_or(address);
        Self::listening(descriptor, local.to_string(), Some(local), None)
    }

    fn unix(path: &Path, mode: u32) -> io::Result<Self> {
        remove_stale(path)?;
        let descriptor = stream(AddressFamily::UNIX)?;
        let address = unix_address(path)?;
        rustix::net::bind(&descriptor, &address).map_err(|error| taken(error, &path.to_string_lossy()))?;
        // Nobody can connect before it listens: the mode is right from the first connection on.
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))?;
        let file = std::fs::symlink_metadata(path)?;
        let file = File { path: std::path::absolute(path)?, device: file.dev(), inode: file.ino() };
        Self::listening(descriptor, path.to_string_lossy().into_owned(), None, Some(file))
    }

    /// A descriptor that was handed over as systemd does it (`LISTEN_FDS`), by its number.
    fn inherited(number: u32) -> io::Result<Self> {
        // They can be asked for once: the environment forgets them, so that no child takes them for its own.
        static HANDED: OnceLock<Mutex<ListenFd>> = OnceLock::new();
        let handed = HANDED.get_or_init(|| Mutex::new(ListenFd::from_env()));
        let mut handed = handed.lock().unwrap_or_else(PoisonError::into_inner);
        let first = 3;
        let index = usize::try_from(number.saturating_sub(first)).unwrap_or(usize::MAX);
        let missing = || {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!(
                    "descriptor {number} was not handed over: LISTEN_FDS has to count it, and LISTEN_PID to name this process"
                ),
            )
        };
        let descriptor = match handed.take_unix_listener(index) {
            Ok(Some(listener)) => OwnedFd::from(listener),
            Ok(None) => return Err(missing()),
            Err(_) => handed.take_tcp_listener(index)?.map(OwnedFd::from).ok_or_else(missing)?,
        };
        Self::from_descriptor(descriptor)
    }

    fn listening(descriptor: OwnedFd, name: String, local: Option<SocketAddr>, file: Option<File>) -> io::Result<Self> {
        rustix::net::listen(&descriptor, BACKLOG).map_err(|error| taken(error, &name))?;
        rustix::io::ioctl_fionbio(&descriptor, true)?;
        Ok(Self { descriptor, name, local, file, last: BACKLOG.unsigned_abs() })
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

impl Drop for Listener {
    fn drop(&mut self) {
        self.remove_file();
    }
}

/// Removes the socket of a server that is no more; leaves everything else alone.
fn remove_stale(path: &Path) -> io::Result<()> {
    let file = match std::fs::symlink_metadata(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(io::Error::new(error.kind(), format!("cannot listen at {}: {error}", path.display())));
        }
    };
    let said = |kind, what: &str| Err(io::Error::new(kind, format!("{} {what}", path.display())));
    if !file.file_type().is_socket() {
        return said(io::ErrorKind::AlreadyExists, "is there and is no socket: move it away, or choose another path");
    }
    // Who listens may let nobody in, and a connect that blocks would wait for ever.
    let probe = stream(AddressFamily::UNIX)?;
    rustix::io::ioctl_fionbio(&probe, true)?;
    match rustix::net::connect(&probe, &unix_address(path)?) {
        Ok(()) | Err(Errno::AGAIN) => {
            said(io::ErrorKind::AddrInUse, "is in use: stop the server that listens there, or choose another path")
        }
        Err(Errno::CONNREFUSED) => std::fs::remove_file(path),
        Err(error) => Err(taken(error, &path.to_string_lossy())),
    }
}

fn unix_address(path: &Path) -> io::Result<SocketAddrUnix> {
    SocketAddrUnix::new(path).map_err(|error| taken(error, &path.to_string_lossy()))
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

fn stream(family: AddressFamily) -> io::Result<OwnedFd> {
    let descriptor = rustix::net::socket(family, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&descriptor, rustix::io::FdFlags::CLOEXEC)?;
    Ok(descriptor)
}

#[cfg(target_os = "linux")]
fn accept(listener: &OwnedFd) -> io::Result<(OwnedFd, Option<SocketAddrAny>)> {
    use rustix::net::SocketFlags;
    Ok(rustix::net::acceptfrom_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?)
}

#[cfg(not(target_os = "linux"))]
fn accept(listener: &OwnedFd) -> io::Result<(OwnedFd, Option<SocketAddrAny>)> {
    let (descriptor, peer) = rustix::net::acceptfrom(listener)?;
    rustix::io::fcntl_setfd(&descriptor, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&descriptor, true)?;
    Ok((descriptor, peer))
}
