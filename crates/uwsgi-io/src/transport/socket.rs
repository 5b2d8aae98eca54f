//! A TCP or Unix socket as a transport.

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
use uwsgi::Address;
use uwsgi::Time;

use crate::transport::clock::Clock;
use crate::transport::half_close::reset_at_close;
use crate::transport::{Direction, Ready, Transport};

/// A connection over TCP or a Unix socket. It blocks only in [`wait`](Transport::wait), and while it
/// [connects](Self::connect).
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
    /// Makes a socket of a connected stream: a `TcpStream`, a `UnixStream` or a descriptor.
    ///
    /// # Errors
    ///
    /// The descriptor cannot be made non-blocking.
    pub fn new(stream: impl Into<OwnedFd>) -> io::Result<Self> {
        let descriptor = stream.into();
        rustix::io::ioctl_fionbio(&descriptor, true)?;
        Ok(Self { descriptor, clock: Clock::start() })
    }

    /// Makes a socket of a connected stream that is non-blocking already. A listener can accept such connections.
    #[must_use]
    pub fn from_non_blocking(descriptor: OwnedFd) -> Self {
        Self { descriptor, clock: Clock::start() }
    }

    /// Connects to an address within `timeout`; zero means no timeout. If the address is a name, this tries each of its IP
    /// addresses in turn, and `timeout` holds for all of them together. The lookup of a name has no timeout.
    ///
    /// # Errors
    ///
    /// No server listens there, the connection takes too long, or the address is [not one to connect to](Address::to_connect).
    pub fn connect(address: Address<'_>, timeout: Duration) -> io::Result<Self> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        match address.to_connect().map_err(invalid)? {
            Address::Tcp(address) => Self::tcp(address, timeout),
            Address::Unix(path) => Self::unix(&SocketAddrUnix::new(path)?, timeout),
            #[cfg(target_os = "linux")]
            Address::Abstract(name) => Self::unix(&SocketAddrUnix::new_abstract_name(name.as_bytes())?, timeout),
            Address::Name { host, port } => {
                let addresses: Vec<_> = std::net::ToSocketAddrs::to_socket_addrs(&(host, port))?.collect();
                Self::first_of(&addresses, timeout)
            }
            _ => Err(io::Error::new(io::ErrorKind::Unsupported, "not an address to connect to")),
        }
    }

    /// Writes a response before the socket is closed at once, without a wait. What cannot leave now is lost. It reads first,
    /// because the close would be a reset if bytes were unread.
    ///
    /// ```
    /// use std::io::Read;
    /// use std::os::unix::net::UnixStream;
    /// use uwsgi_io::Socket;
    ///
    /// let (ours, mut theirs) = UnixStream::pair()?;
    /// Socket::new(ours)?.write_before_close(b"no");
    /// let mut response = String::new();
    /// theirs.read_to_string(&mut response)?;
    /// assert_eq!(response, "no");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write_before_close(&self, response: &[u8]) {
        let _ = self.read(&mut [0; 4096]);
        let _ = self.write(&[IoSlice::new(response)]);
    }

    /// Waits like [`wait`](Transport::wait), or until `other` is readable. Returns whether `other` is readable.
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

    fn tcp(address: SocketAddr, timeout: Duration) -> io::Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let descriptor = stream_socket(family)?;
        sockopt::set_tcp_nodelay(&descriptor, true)?;
        connect_within(&descriptor, timeout, || connect(&descriptor, &address))?;
        Self::new(descriptor)
    }

    /// Connects to the first address that accepts the connection. Each address gets an equal part of the time that is left:
    /// an address whose network drops packets does not use up the time of the others.
    fn first_of(addresses: &[SocketAddr], timeout: Duration) -> io::Result<Self> {
        let clock = Clock::start();
        let end = clock.now().after(timeout);
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for (tried, address) in addresses.iter().enumerate() {
            let left = u32::try_from(addresses.len().saturating_sub(tried)).unwrap_or(u32::MAX);
            let part = clock.until(end).checked_div(left).unwrap_or_default();
            // Zero means no timeout.
            let part = if timeout.is_zero() { timeout } else { part.max(Duration::from_millis(1)) };
            match Self::tcp(*address, part) {
                Ok(socket) => return Ok(socket),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn unix(address: &SocketAddrUnix, timeout: Duration) -> io::Result<Self> {
        let descriptor = stream_socket(AddressFamily::UNIX)?;
        connect_within(&descriptor, timeout, || connect(&descriptor, address))?;
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
        let wait = until.map(|until| Timespec::try_from(self.clock.until(until)).unwrap_or(LONGEST));
        match poll(descriptors, wait.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The timeout for a time that is too long for the system to count: 34 years.
const LONGEST: Timespec = Timespec { tv_sec: 1 << 30, tv_nsec: 0 };

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
        // If the peer has closed, this returns an error. Without the flag the system would send a signal.
        Ok(sendmsg(&self.descriptor, pieces, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)?)
    }

    fn wait(&self, direction: Direction, until: Option<Time>) -> io::Result<()> {
        self.poll(&mut [self.interest(direction)], until)
    }

    fn wait_either(&self, until: Option<Time>) -> io::Result<Ready> {
        let mut both = [PollFd::from_borrowed_fd(self.descriptor.as_fd(), PollFlags::IN | PollFlags::OUT)];
        self.poll(&mut both, until)?;
        let [both] = both;
        let events = both.revents();
        // After the end of the connection neither a read nor a write blocks.
        let over = events.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
        Ok(Ready { read: over || events.contains(PollFlags::IN), write: over || events.contains(PollFlags::OUT) })
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
        let peeked = recv(&self.descriptor, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        !matches!(peeked, Ok((0, _)) | Err(Errno::AGAIN))
    }
}

/// Makes a stream socket. On Linux it is closed when the process executes another program.
pub(crate) fn stream_socket(family: AddressFamily) -> io::Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    let flags = rustix::net::SocketFlags::CLOEXEC;
    #[cfg(not(target_os = "linux"))]
    let flags = rustix::net::SocketFlags::empty();
    Ok(socket_with(family, SocketType::STREAM, flags, None)?)
}

/// Connects with the kernel's own timeout. Polling would not work for Unix sockets: if the backlog is full, a non-blocking
/// connect fails at once.
fn connect_within(
    descriptor: &OwnedFd,
    timeout: Duration,
    connect: impl Fn() -> rustix::io::Result<()>,
) -> io::Result<()> {
    let timeout = Some(timeout).filter(|timeout| !timeout.is_zero());
    sockopt::set_socket_timeout(descriptor, sockopt::Timeout::Send, timeout)?;
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

    const TIMEOUT: Duration = Duration::from_millis(600);

    /// Returns a listener whose backlog is full, the connections in its backlog, and its address. Linux drops the packets of
    /// further connections.
    fn full_listener() -> (TcpListener, Vec<Socket>, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let address = listener.local_addr().unwrap();
        let waiting = (0..10).map_while(|_| Socket::tcp(address, TIMEOUT / 10).ok()).collect();
        (listener, waiting, address)
    }

    #[test]
    fn one_timeout_for_all_addresses_of_a_name() {
        let (_listener, _waiting, full) = full_listener();
        let open = TcpListener::bind("127.0.0.1:0").unwrap();
        let here = open.local_addr().unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for addresses in [&[here][..], &[closed, here], &[full, here], &[full, closed, full, here]] {
            Socket::first_of(addresses, TIMEOUT).unwrap_or_else(|error| panic!("{addresses:?}: {error}"));
        }
        let start = Instant::now();
        let error = Socket::first_of(&[full, full, full], TIMEOUT).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(start.elapsed() < TIMEOUT * 2, "{:?}", start.elapsed());
        let error = Socket::first_of(&[full, closed], TIMEOUT).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(Socket::first_of(&[], TIMEOUT).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
