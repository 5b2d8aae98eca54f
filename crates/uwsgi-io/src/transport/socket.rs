//! Sockets, TCP and Unix, as transports with deadlines.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, SocketAddrUnix, SocketType, connect, recv,
    sendmsg, shutdown, socket_with, sockopt,
};
use uwsgi::client::Address;
use uwsgi::server::Time;

use crate::transport::clock::Clock;
use crate::transport::half_close::reset_at_close;
use crate::transport::{Direction, Ready, Transport};

/// One connection over TCP or a Unix socket. It never blocks but in [`wait`](Transport::wait).
///
/// ```
/// use std::os::unix::net::UnixStream;
/// use uwsgi_io::{Direction, Socket, Transport};
///
/// let (ours, theirs) = UnixStream::pair()?;
/// let socket = Socket::new(ours)?;
/// assert_eq!(socket.read(&mut [0; 16]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
/// drop(theirs);
/// socket.wait(Direction::Read, None)?;
/// assert_eq!(socket.read(&mut [0; 16])?, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Socket {
    descriptor: OwnedFd,
    clock: Clock,
}

impl Socket {
    /// Takes over a connected stream: `TcpStream`, `UnixStream`, a descriptor.
    ///
    /// # Errors
    ///
    /// The descriptor cannot be made non-blocking.
    pub fn new(stream: impl Into<OwnedFd>) -> io::Result<Self> {
        let descriptor = stream.into();
        rustix::io::ioctl_fionbio(&descriptor, true)?;
        Ok(Self { descriptor, clock: Clock::start() })
    }

    /// Takes over a descriptor that is non-blocking already, as listeners can make those they accept.
    #[must_use]
    pub fn from_non_blocking(descriptor: OwnedFd) -> Self {
        Self { descriptor, clock: Clock::start() }
    }

    /// Connects, and waits for it so long at most, for ever where that is nothing. Of a name each address is tried in its turn,
    /// all of them within the time.
    ///
    /// # Errors
    ///
    /// Nobody listens there, not in time, or the address is none to connect to.
    pub fn connect(address: Address<'_>, patience: Duration) -> io::Result<Self> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        match address.to_connect().map_err(invalid)? {
            Address::Tcp(address) => Self::tcp(address, patience),
            Address::Unix(path) => Self::unix(&SocketAddrUnix::new(path)?, patience),
            #[cfg(target_os = "linux")]
            Address::Abstract(name) => Self::unix(&SocketAddrUnix::new_abstract_name(name.as_bytes())?, patience),
            Address::Name { host, port } => {
                let addresses: Vec<_> = std::net::ToSocketAddrs::to_socket_addrs(&(host, port))?.collect();
                Self::first_of(&addresses, patience)
            }
            _ => Err(io::Error::new(io::ErrorKind::Unsupported, "not an address to connect to")),
        }
    }

    /// Waits as [`wait`](Transport::wait) does, and for another descriptor to become readable too; whether that one has.
    ///
    /// # Errors
    ///
    /// The system cannot wait.
    pub fn wait_with(&self, direction: Direction, until: Option<Time>, other: BorrowedFd<'_>) -> io::Result<bool> {
        let mut both = [self.interest(direction), PollFd::from_borrowed_fd(other, PollFlags::IN)];
        self.poll(&mut both, until)?;
        let [_, other] = both;
        Ok(!other.revents().is_empty())
    }

    fn tcp(address: SocketAddr, patience: Duration) -> io::Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let descriptor = stream(family)?;
        sockopt::set_tcp_nodelay(&descriptor, true)?;
        connect_within(&descriptor, patience, || connect(&descriptor, &address))?;
        Self::new(descriptor)
    }

    /// Connects to the first address that can be connected to. Each has its part of the time that is left, so that one behind
    /// which packets vanish does not use up that of the others.
    fn first_of(addresses: &[SocketAddr], patience: Duration) -> io::Result<Self> {
        let clock = Clock::start();
        let end = clock.now().after(patience);
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for (tried, address) in addresses.iter().enumerate() {
            let others = u32::try_from(addresses.len().saturating_sub(tried)).unwrap_or(u32::MAX);
            let part = clock.until(end).checked_div(others).unwrap_or_default();
            // No patience at all is none that ends.
            let part = if patience.is_zero() { patience } else { part.max(Duration::from_millis(1)) };
            match Self::tcp(*address, part) {
                Ok(socket) => return Ok(socket),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn unix(address: &SocketAddrUnix, patience: Duration) -> io::Result<Self> {
        let descriptor = stream(AddressFamily::UNIX)?;
        connect_within(&descriptor, patience, || connect(&descriptor, address))?;
        Self::new(descriptor)
    }

    fn interest(&self, direction: Direction) -> PollFd<'_> {
        let flags = match direction {
            Direction::Read => PollFlags::IN,
            Direction::Write => PollFlags::OUT,
        };
        PollFd::from_borrowed_fd(self.descriptor.as_fd(), flags)
    }

    fn poll(&self, descriptors: &mut [PollFd<'_>], until: Option<Time>) -> io::Result<()> {
        let timeout = until.map(|until| Timespec::try_from(self.clock.until(until)).unwrap_or(LONG));
        match poll(descriptors, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Longer than the system counts is for ever, near enough.
const LONG: Timespec = Timespec { tv_sec: 1 << 30, tv_nsec: 0 };

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Transport for Socket {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(&self.descriptor, buffer, RecvFlags::empty()).map(|(count, _)| count)?)
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        // A peer that has gone is an error, not a signal.
        Ok(sendmsg(&self.descriptor, pieces, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)?)
    }

    fn wait(&self, direction: Direction, until: Option<Time>) -> io::Result<()> {
        self.poll(&mut [self.interest(direction)], until)
    }

    fn wait_either(&self, until: Option<Time>) -> io::Result<Ready> {
        let mut both = [PollFd::from_borrowed_fd(self.descriptor.as_fd(), PollFlags::IN | PollFlags::OUT)];
        self.poll(&mut both, until)?;
        let [both] = both;
        let said = both.revents();
        // What is over shows in either direction.
        let over = said.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
        Ok(Ready { read: over || said.contains(PollFlags::IN), write: over || said.contains(PollFlags::OUT) })
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    fn shut_down_write(&self) -> io::Result<()> {
        Ok(shutdown(&self.descriptor, Shutdown::Write)?)
    }

    fn abort(&self) -> io::Result<()> {
        reset_at_close(&self.descriptor)
    }

    fn may_have_more(&self) -> bool {
        let looked = recv(&self.descriptor, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        !matches!(looked, Ok((0, _)) | Err(Errno::AGAIN))
    }
}

pub(crate) fn stream(family: AddressFamily) -> io::Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    let flags = rustix::net::SocketFlags::CLOEXEC;
    #[cfg(not(target_os = "linux"))]
    let flags = rustix::net::SocketFlags::empty();
    Ok(socket_with(family, SocketType::STREAM, flags, None)?)
}

/// Connects with the kernel's own timeout: a Unix socket that does not block says at once that the backlog is full, and
/// there is nothing to poll for.
fn connect_within(
    descriptor: &OwnedFd,
    patience: Duration,
    connect: impl Fn() -> rustix::io::Result<()>,
) -> io::Result<()> {
    let patience = Some(patience).filter(|patience| !patience.is_zero());
    sockopt::set_socket_timeout(descriptor, sockopt::Timeout::Send, patience)?;
    loop {
        match connect() {
            Ok(()) | Err(Errno::ISCONN) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN | Errno::INPROGRESS | Errno::ALREADY) => return Err(io::ErrorKind::TimedOut.into()),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "a test that panics has found something")]
mod tests {
    use std::net::TcpListener;
    use std::time::Instant;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(600);

    /// A listener whose queue is full: Linux drops what would make it longer. It lives as long as what is returned.
    fn full() -> (TcpListener, Vec<Socket>, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let address = listener.local_addr().unwrap();
        let waiting = (0..10).map_while(|_| Socket::tcp(address, PATIENCE / 10).ok()).collect();
        (listener, waiting, address)
    }

    #[test]
    fn all_addresses_of_a_name_have_one_time_together() {
        let (_full, _waiting, vanishes) = full();
        let open = TcpListener::bind("127.0.0.1:0").unwrap();
        let here = open.local_addr().unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for addresses in [&[here][..], &[closed, here], &[vanishes, here], &[vanishes, closed, vanishes, here]] {
            Socket::first_of(addresses, PATIENCE).unwrap_or_else(|error| panic!("{addresses:?}: {error}"));
        }
        let start = Instant::now();
        let error = Socket::first_of(&[vanishes, vanishes, vanishes], PATIENCE).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(start.elapsed() < PATIENCE * 2, "{:?}", start.elapsed());
        let error = Socket::first_of(&[vanishes, closed], PATIENCE).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(Socket::first_of(&[], PATIENCE).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
