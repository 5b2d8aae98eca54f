//! Accepted connections, which are not registered with the runtime at first.
//!
//! On a busy server most requests have arrived completely when their connections are accepted, and most responses fit into the
//! buffers of the sockets. So no read or write has to wait. To register a socket with the runtime costs several system calls.
//! So an accepted connection calls the kernel directly at first, and registers its socket when a read or a write has to wait.
//! If no connection was there to accept, the runtime waits for one, accepts it and registers it.

use core::cell::RefCell;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::io::{self, IoSlice};
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
#[cfg(unix)]
use tokio::net::unix::UCred;
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

use crate::listener::unregistered::UnregisteredSocket;

/// An accepted connection. It becomes a stream of tokio when a read or a write has to wait, or before a service gets it.
///
/// The listeners [`TcpListener`] and `UnixListener` accept connections of this type. `Accepted::from` makes one from a stream
/// that your program accepted itself. [`stream`](Self::stream) gives the stream of tokio, and `socket` the socket, for options
/// of sockets.
#[derive(Debug)]
pub struct Accepted<S> {
    state: State<S>,
}

#[derive(Debug)]
enum State<S> {
    /// The runtime does not know the socket. The number says how many direct calls are left.
    Unregistered(UnregisteredSocket, u8),
    /// The runtime knows the socket.
    Registered(S),
    /// The registration has failed.
    Failed,
}

/// The number of reads and writes that call the kernel directly. A request takes two or three. After these calls the runtime
/// makes a connection that is always ready yield to the others.
const DIRECT_CALLS: u8 = 8;

/// The most bytes of one direct read. Packets of browsers have 500 to 1,500 bytes. A larger buffer would cost more, because
/// each direct read zeroes it.
const DIRECT_READ: usize = 2048;

/// A stream of tokio that can be made from an unregistered socket.
pub(crate) trait Register: Sized + Unpin {
    /// Registers the socket with the current runtime.
    fn register(socket: UnregisteredSocket) -> io::Result<Self>;
}

impl Register for TcpStream {
    fn register(socket: UnregisteredSocket) -> io::Result<Self> {
        socket.into_tcp()
    }
}

#[cfg(unix)]
impl Register for UnixStream {
    fn register(socket: UnregisteredSocket) -> io::Result<Self> {
        socket.into_unix()
    }
}

impl Accepted<TcpStream> {
    /// Accepts a connection if one is waiting.
    pub(crate) fn accept_tcp(listener: &TcpListener) -> Option<(Self, SocketAddr)> {
        let (socket, address) = UnregisteredSocket::accept_tcp(listener)?;
        Some((Self { state: State::Unregistered(socket, DIRECT_CALLS) }, address))
    }

    /// Sets that the close of the connection is a reset.
    pub(crate) fn set_zero_linger(&self) -> io::Result<()> {
        match &self.state {
            State::Unregistered(socket, _) => socket.set_zero_linger(),
            State::Registered(stream) => stream.set_zero_linger(),
            State::Failed => Ok(()),
        }
    }
}

#[cfg(unix)]
impl Accepted<UnixStream> {
    /// Returns the user, the group and the process of the peer, as the kernel knows them.
    ///
    /// ```
    /// use tokio::net::UnixStream;
    /// use uwsgi_tower::Accepted;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let (front_end, backend) = UnixStream::pair()?;
    /// assert_eq!(Accepted::from(backend).peer_cred()?.uid(), front_end.peer_cred()?.uid());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the system.
    pub fn peer_cred(&self) -> io::Result<UCred> {
        match &self.state {
            State::Registered(stream) => stream.peer_cred(),
            // Only tokio's stream makes tokio's type.
            State::Unregistered(socket, _) => UnixStream::register(socket.try_clone()?)?.peer_cred(),
            State::Failed => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Accepts a connection if one is waiting.
    pub(crate) fn accept_unix(listener: &UnixListener) -> Option<(Self, tokio::net::unix::SocketAddr)> {
        let (socket, address) = UnregisteredSocket::accept_unix(listener)?;
        Some((Self { state: State::Unregistered(socket, DIRECT_CALLS) }, address))
    }
}

impl<S> From<S> for Accepted<S> {
    fn from(stream: S) -> Self {
        Self { state: State::Registered(stream) }
    }
}

#[cfg(unix)]
impl<S: AsFd> Accepted<S> {
    /// Returns the socket, for options that the stream of tokio does not have: `SockRef::from` of the crate `socket2` takes it.
    ///
    /// # Errors
    ///
    /// The runtime could not register the socket, and it is closed.
    pub fn socket(&self) -> io::Result<BorrowedFd<'_>> {
        match &self.state {
            State::Unregistered(socket, _) => Ok(socket.as_fd()),
            State::Registered(stream) => Ok(stream.as_fd()),
            State::Failed => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

#[allow(private_bounds, reason = "the streams are those of tokio")]
impl<S: Register> Accepted<S> {
    /// Returns the stream of tokio. This registers the socket with the current runtime, if no runtime knows it yet.
    ///
    /// # Errors
    ///
    /// The runtime cannot register the socket. The connection is unusable then.
    pub fn stream(&mut self) -> io::Result<&mut S> {
        self.register()?;
        match &mut self.state {
            State::Registered(stream) => Ok(stream),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl<S> Accepted<S> {
    /// Registers the socket with the current runtime, if no runtime knows it yet.
    pub(crate) fn register(&mut self) -> io::Result<()>
    where
        S: Register,
    {
        if !matches!(self.state, State::Unregistered(..)) {
            return Ok(());
        }
        if let State::Unregistered(socket, _) = core::mem::replace(&mut self.state, State::Failed) {
            let registered = S::register(socket);
            let registered =
                registered.inspect_err(|error| tracing::error!("the runtime cannot register the connection: {error}"));
            self.state = State::Registered(registered?);
        }
        Ok(())
    }

    /// Calls the kernel directly. If the call would have to wait, or if no direct calls are left, this registers the socket and
    /// polls the stream.
    fn poll<T>(
        &mut self,
        direct: impl FnOnce(&UnregisteredSocket) -> io::Result<T>,
        registered: impl FnOnce(Pin<&mut S>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>>
    where
        S: Register,
    {
        if let State::Unregistered(socket, left) = &mut self.state {
            if let Some(fewer) = left.checked_sub(1) {
                *left = fewer;
                match direct(socket) {
                    Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                    done => return Poll::Ready(done),
                }
            }
            self.register()?;
        }
        match &mut self.state {
            State::Registered(stream) => registered(Pin::new(stream)),
            _ => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl<S: Register + AsyncRead> AsyncRead for Accepted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // Both closures need the buffer. They never run at the same time.
        let buffer = RefCell::new(buffer);
        self.poll(
            |socket| {
                let mut buffer = buffer.borrow_mut();
                let most = buffer.remaining().min(DIRECT_READ);
                let count = socket.read(buffer.initialize_unfilled_to(most))?;
                buffer.advance(count);
                Ok(())
            },
            |stream| stream.poll_read(cx, &mut buffer.borrow_mut()),
        )
    }
}

impl<S: Register + AsyncWrite> AsyncWrite for Accepted<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state {
            State::Registered(stream) => Pin::new(stream).poll_flush(cx),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state {
            State::Registered(stream) => Pin::new(stream).poll_shutdown(cx),
            State::Unregistered(socket, _) => Poll::Ready(socket.shut_down_write()),
            State::Failed => Poll::Ready(Ok(())),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(|socket| socket.write(pieces), |stream| stream.poll_write_vectored(cx, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}
