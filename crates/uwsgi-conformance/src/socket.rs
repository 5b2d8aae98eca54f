//! Anything that listens on a socket as something that accepts connections: real bytes, and a real clock.
//!
//! Which server that is, and whether it is as a case needs it, is for the caller to arrange. A case with
//! [`waits`](crate::Case::waits) or deadlines takes as long as they say.

use alloc::boxed::Box;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
#[cfg(unix)]
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Instant;

use crate::case::Case;
use crate::run::{End, Endpoint, Peer, Received};

/// An [`Endpoint`] at an address.
///
/// ```no_run
/// use std::time::Duration;
/// use uwsgi_conformance::socket::Server;
/// use uwsgi_conformance::{Split, all, run};
///
/// let server = Server::tcp("127.0.0.1:3031".parse()?).with_patience(Duration::from_secs(15));
/// for case in all().filter(|case| case.needs == uwsgi_conformance::Needs::DEFAULT && case.waits() < 5000) {
///     if let Err(mismatch) = run(case, &server, Split::Whole) {
///         println!("{mismatch}\n");
///     }
/// }
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Server {
    at: Address,
    patience: Duration,
    pause: Duration,
}

#[derive(Debug, Clone)]
enum Address {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(PathBuf),
}

impl Server {
    /// A server on a TCP port.
    #[must_use]
    pub const fn tcp(address: SocketAddr) -> Self {
        Self::at(Address::Tcp(address))
    }

    /// A server on a Unix socket. A reset does not show there: what is cut off is seen by its length alone.
    #[cfg(unix)]
    #[must_use]
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::at(Address::Unix(path.into()))
    }

    /// The same server, waited for so long at most without a byte; 40 seconds unless changed.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The same server, with so long a pause behind each piece that is sent, so that it arrives alone; 1 millisecond
    /// unless changed.
    #[must_use]
    pub fn with_pause(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    const fn at(at: Address) -> Self {
        Self { at, patience: Duration::from_secs(40), pause: Duration::from_millis(1) }
    }
}

impl Endpoint for Server {
    fn connect(&self, _case: &Case) -> io::Result<Box<dyn Peer + '_>> {
        let stream: Box<dyn Stream> = match &self.at {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            #[cfg(unix)]
            Address::Unix(path) => Box::new(UnixStream::connect(path)?),
        };
        // Nobody who takes nothing may hold us for ever.
        stream.write_timeout(self.patience)?;
        Ok(Box::new(Sender {
            stream: Some(stream),
            server: self,
            received: Vec::new(),
            last: Instant::now(),
            ended: None,
        }))
    }
}

/// What both kinds of stream can do.
trait Stream: fmt::Debug {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn read_timeout(&self, timeout: Duration) -> io::Result<()>;
    fn write_timeout(&self, timeout: Duration) -> io::Result<()>;
    fn shut_down(&self, how: Shutdown) -> io::Result<()>;
}

macro_rules! stream {
    ($stream:ty) => {
        impl Stream for $stream {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                Read::read(self, buffer)
            }

            fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
                self.write_all(bytes)
            }

            fn read_timeout(&self, timeout: Duration) -> io::Result<()> {
                // A timeout of nothing is refused.
                self.set_read_timeout(Some(timeout.max(Duration::from_millis(1))))
            }

            fn write_timeout(&self, timeout: Duration) -> io::Result<()> {
                self.set_write_timeout(Some(timeout.max(Duration::from_millis(1))))
            }

            fn shut_down(&self, how: Shutdown) -> io::Result<()> {
                self.shutdown(how)
            }
        }
    };
}

stream!(TcpStream);
#[cfg(unix)]
stream!(UnixStream);

#[derive(Debug)]
struct Sender<'a> {
    /// Until the sender leaves.
    stream: Option<Box<dyn Stream>>,
    server: &'a Server,
    received: Vec<u8>,
    /// When the last bytes came.
    last: Instant,
    ended: Option<(End, Instant)>,
}

impl Sender<'_> {
    /// Reads once, for so long at most; whether it is worth reading again.
    fn read(&mut self, timeout: Duration) -> bool {
        let mut buffer = [0; 16384];
        let Some(stream) = self.stream.as_mut().filter(|_| self.ended.is_none()) else { return false };
        let read = stream.read_timeout(timeout).and_then(|()| stream.read(&mut buffer));
        match read {
            Ok(0) => self.ended = Some((End::Closed, Instant::now())),
            Ok(count) => {
                self.received.extend_from_slice(buffer.get(..count).unwrap_or_default());
                self.last = Instant::now();
                return true;
            }
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => return true,
                ErrorKind::WouldBlock | ErrorKind::TimedOut => {}
                _ => self.ended = Some((End::Reset, Instant::now())),
            },
        }
        false
    }
}

impl Peer for Sender<'_> {
    fn send(&mut self, bytes: &[u8]) {
        // A server that has had enough takes no more, and what it answered is still to be read.
        if let Some(stream) = &mut self.stream {
            let _ = stream.write(bytes);
        }
        sleep(self.server.pause);
    }

    fn wait(&mut self, millis: u64) {
        let until = Instant::now().checked_add(Duration::from_millis(millis));
        while let Some(left) = until.and_then(|until| until.checked_duration_since(Instant::now())) {
            if left.is_zero() {
                break;
            }
            if self.ended.is_some() {
                sleep(left);
            } else {
                self.read(left);
            }
        }
    }

    fn read_until(&mut self, enough: &mut dyn FnMut(&[u8]) -> bool) {
        while !enough(&self.received) && self.read(self.server.patience) {}
    }

    fn shutdown_write(&mut self) {
        // If it fails, the server was first.
        if let Some(stream) = &self.stream {
            let _ = stream.shut_down(Shutdown::Write);
        }
    }

    fn close(&mut self) {
        self.stream = None;
        self.ended = Some((End::Gone, Instant::now()));
    }

    fn reset(&mut self) {
        // std has no SO_LINGER. The kernel resets what comes for a socket that is no more.
        self.close();
    }

    fn finish(mut self: Box<Self>) -> Received {
        while self.read(self.server.patience) {}
        let (end, at) = self.ended.unwrap_or_else(|| (End::Open, Instant::now()));
        let silence = u64::try_from(at.duration_since(self.last).as_millis()).unwrap_or(u64::MAX);
        Received { bytes: self.received, end, silence }
    }
}
