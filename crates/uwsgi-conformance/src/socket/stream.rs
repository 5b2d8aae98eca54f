//! TCP and Unix streams as one type, with what std lacks: a source address, and a reset.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::Shutdown;
#[cfg(unix)]
use std::path::Path;

#[cfg(unix)]
use socket2::SockAddr;
use socket2::{Domain, Socket, Type};

/// A connected stream. No child process inherits it: while a child has a copy of a socket, a close does not reach the server.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: Socket,
}

impl Stream {
    /// Connects over TCP, from this address of the machine if there is one.
    pub(crate) fn tcp(from: Option<IpAddr>, address: SocketAddr, patience: Duration) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        if let Some(from) = from {
            socket.bind(&SocketAddr::new(from, 0).into())?;
        }
        socket.connect_timeout(&address.into(), at_least(patience))?;
        socket.set_tcp_nodelay(true)?;
        Ok(Self { socket })
    }

    /// Connects to a Unix socket. If the path begins with a NUL, it is an abstract name.
    ///
    /// The timeout is that of the kernel. Without it, connect(2) on a Unix socket waits while the backlog is full. If the
    /// server hangs, that is for ever.
    #[cfg(unix)]
    pub(crate) fn unix(path: &Path, patience: Duration) -> io::Result<Self> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_write_timeout(Some(at_least(patience)))?;
        let address = SockAddr::unix(path)?;
        loop {
            match socket.connect(&address) {
                Ok(()) => return Ok(Self { socket }),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(io::ErrorKind::TimedOut.into()),
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.read(buffer)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)
    }

    pub(crate) fn read_timeout(&self, timeout: Duration) -> io::Result<()> {
        self.socket.set_read_timeout(Some(at_least(timeout)))
    }

    pub(crate) fn write_timeout(&self, timeout: Duration) -> io::Result<()> {
        self.socket.set_write_timeout(Some(at_least(timeout)))
    }

    pub(crate) fn shut_down(&self, how: Shutdown) -> io::Result<()> {
        self.socket.shutdown(how)
    }

    /// Makes the close a reset. A Unix socket accepts the option, but has no reset.
    pub(crate) fn reset_on_close(&self) -> io::Result<()> {
        self.socket.set_linger(Some(Duration::ZERO))
    }
}

/// Returns the timeout, or 1 millisecond if it is shorter: sockets take a timeout of 0 for none.
fn at_least(timeout: Duration) -> Duration {
    timeout.max(Duration::from_millis(1))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::net::TcpListener;
    use std::os::fd::AsRawFd;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr as UnixAddr, UnixListener};

    use super::*;

    #[test]
    fn no_child_process_inherits_a_socket() {
        let name = format!("uwsgi-conformance-stream-{}", std::process::id());
        let _unix = UnixListener::bind_addr(&UnixAddr::from_abstract_name(&name).unwrap()).unwrap();
        let unix = Stream::unix(Path::new(&format!("\0{name}")), Duration::from_secs(1)).unwrap();
        let mut streams = vec![unix];
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let address = listener.local_addr().unwrap();
            streams.push(Stream::tcp(Some(address.ip()), address, Duration::from_secs(1)).unwrap());
        }
        assert!(streams.len() > 1);
        for stream in streams {
            let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", stream.socket.as_raw_fd())).unwrap();
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
            // O_CLOEXEC (proc_pid_fdinfo(5), open(2)).
            assert_ne!(u32::from_str_radix(flags, 8).unwrap() & 0o2_000_000, 0, "{stream:?}");
        }
    }
}
