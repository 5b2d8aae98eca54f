//! Connections that the runtime need not know of.
//!
//! On a server with much to do, requests are there, whole, when their connections are accepted, and their answers fit into the
//! sockets: nothing is ever waited for. So the kernel is asked first, and the runtime is told of a connection, which costs
//! several system calls, when there is something to wait for. One that was itself waited for is the runtime's from the start.

use core::cell::RefCell;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::io::{self, IoSlice};
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

#[cfg(target_os = "linux")]
use self::fresh::Fresh;
#[cfg(not(target_os = "linux"))]
use self::never::Fresh;

/// A connection that was accepted: a stream of tokio's, as soon as anything has to be waited for, or is given to somebody who
/// may wait elsewhere.
///
/// It is what [`TcpListener`](tokio::net::TcpListener) and `UnixListener` give here. Of a stream that somebody else accepted
/// it is made with `Accepted::from`.
#[derive(Debug)]
pub struct Accepted<S> {
    state: State<S>,
}

#[derive(Debug)]
enum State<S> {
    /// The runtime knows nothing of it; and how often it may still be gone past, so that a peer that is always ready leaves
    /// the others their turn.
    Fresh(Fresh, u8),
    Known(S),
    /// The runtime could not be told.
    Broken,
}

/// How many reads and writes go past the runtime. A request takes two or three.
const AT_FIRST: u8 = 8;

/// How much is read at once at first: packets of browsers have 500 to 1,500 bytes, and room has to be cleared.
const USUAL: usize = 2048;

/// Streams of tokio's.
pub(crate) trait Stream: Sized + Unpin {
    /// A stream of a socket that never blocks.
    fn of(fresh: Fresh) -> io::Result<Self>;
}

impl Stream for TcpStream {
    fn of(fresh: Fresh) -> io::Result<Self> {
        fresh.tcp()
    }
}

#[cfg(unix)]
impl Stream for UnixStream {
    fn of(fresh: Fresh) -> io::Result<Self> {
        fresh.unix()
    }
}

impl<S> Accepted<S> {
    #[cfg(target_os = "linux")]
    pub(crate) const fn fresh(fresh: Fresh) -> Self {
        Self { state: State::Fresh(fresh, AT_FIRST) }
    }

    /// Asks the kernel, or, where there is something to wait for, the runtime.
    fn poll<T>(
        &mut self,
        ask: impl FnOnce(&Fresh) -> io::Result<T>,
        wait: impl FnOnce(Pin<&mut S>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>>
    where
        S: Stream,
    {
        if let State::Fresh(fresh, left) = &mut self.state {
            if let Some(fewer) = left.checked_sub(1) {
                *left = fewer;
                match ask(fresh) {
                    Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                    asked => return Poll::Ready(asked),
                }
            }
            self.tell()?;
        }
        match &mut self.state {
            State::Known(stream) => wait(Pin::new(stream)),
            _ => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl<S> Accepted<S> {
    /// Tells the runtime, which is the one that this is called in.
    pub(crate) fn tell(&mut self) -> io::Result<()>
    where
        S: Stream,
    {
        if !matches!(self.state, State::Fresh(..)) {
            return Ok(());
        }
        if let State::Fresh(fresh, _) = core::mem::replace(&mut self.state, State::Broken) {
            let told = S::of(fresh).inspect_err(|error| tracing::error!("the runtime takes no connection: {error}"));
            self.state = State::Known(told?);
        }
        Ok(())
    }
}

impl<S> From<S> for Accepted<S> {
    fn from(stream: S) -> Self {
        Self { state: State::Known(stream) }
    }
}

#[cfg(unix)]
impl<S: AsFd> Accepted<S> {
    /// What can be asked of any socket; `None` if there is none any more.
    pub(crate) fn socket(&self) -> Option<BorrowedFd<'_>> {
        match &self.state {
            State::Fresh(fresh, _) => Some(fresh.as_fd()),
            State::Known(stream) => Some(stream.as_fd()),
            State::Broken => None,
        }
    }
}

impl Accepted<TcpStream> {
    /// Makes its close a reset.
    pub(crate) fn set_zero_linger(&self) -> io::Result<()> {
        match &self.state {
            State::Fresh(fresh, _) => fresh.set_zero_linger(),
            State::Known(stream) => stream.set_zero_linger(),
            State::Broken => Ok(()),
        }
    }
}

impl<S: Stream + AsyncRead> AsyncRead for Accepted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // One of the two uses it, or both, one after the other.
        let buffer = RefCell::new(buffer);
        self.poll(
            |fresh| {
                let mut buffer = buffer.borrow_mut();
                let most = buffer.remaining().min(USUAL);
                let count = fresh.read(buffer.initialize_unfilled_to(most))?;
                buffer.advance(count);
                Ok(())
            },
            |stream| stream.poll_read(cx, &mut buffer.borrow_mut()),
        )
    }
}

impl<S: Stream + AsyncWrite> AsyncWrite for Accepted<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state {
            State::Known(stream) => Pin::new(stream).poll_flush(cx),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.state {
            State::Known(stream) => Pin::new(stream).poll_shutdown(cx),
            State::Fresh(fresh, _) => Poll::Ready(fresh.shut_down_write()),
            State::Broken => Poll::Ready(Ok(())),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(|fresh| fresh.write(pieces), |stream| stream.poll_write_vectored(cx, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

/// A connection that is there already, if there is one; it need not be waited for.
#[cfg(target_os = "linux")]
pub(crate) fn accept_tcp(listener: &tokio::net::TcpListener) -> Option<(Accepted<TcpStream>, SocketAddr)> {
    let (fresh, address) = fresh::accept(listener)?;
    // Whoever has gone already has none.
    let nobody = SocketAddr::from(([0, 0, 0, 0], 0));
    let address = address.and_then(|address| SocketAddr::try_from(address).ok()).unwrap_or(nobody);
    // Small answers leave at once.
    let _ = fresh.set_nodelay();
    Some((Accepted::fresh(fresh), address))
}

/// A connection that is there already, if there is one; it need not be waited for.
#[cfg(target_os = "linux")]
pub(crate) fn accept_unix(
    listener: &tokio::net::UnixListener,
) -> Option<(Accepted<UnixStream>, tokio::net::unix::SocketAddr)> {
    let (fresh, address) = fresh::accept(listener)?;
    let (fresh, address) = fresh.unix_peer(address)?;
    Some((Accepted::fresh(fresh), address.into()))
}

/// Elsewhere a socket cannot be accepted that never blocks.
#[cfg(not(target_os = "linux"))]
pub(crate) const fn accept_tcp(_: &tokio::net::TcpListener) -> Option<(Accepted<TcpStream>, SocketAddr)> {
    None
}

/// Elsewhere a socket cannot be accepted that never blocks.
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) const fn accept_unix(
    _: &tokio::net::UnixListener,
) -> Option<(Accepted<UnixStream>, tokio::net::unix::SocketAddr)> {
    None
}

#[cfg(target_os = "linux")]
mod fresh {
    //! Sockets, as Linux has them.

    use std::io::{self, IoSlice};
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    use std::os::unix::net::{SocketAddr, UnixStream as StdStream};

    use core::time::Duration;
    use rustix::io::Errno;
    use rustix::net::sockopt::{set_socket_linger, set_tcp_nodelay};
    use rustix::net::{
        RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, SocketAddrAny, SocketFlags, acceptfrom_with, recv,
        sendmsg, shutdown,
    };
    use tokio::net::{TcpStream, UnixStream};

    /// A socket that never blocks, and of which the runtime knows nothing.
    #[derive(Debug)]
    pub(crate) struct Fresh(OwnedFd);

    /// The length of an address of no name: its family, and what rustix counts for the byte that ends a path.
    const UNNAMED: u32 = 3;
    /// As many pieces as Linux takes at once.
    const IOV_MAX: usize = 1024;

    pub(super) fn accept(listener: &impl AsFd) -> Option<(Fresh, Option<SocketAddrAny>)> {
        // What is wrong with it the runtime's own call will tell.
        let (socket, address) = acceptfrom_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC).ok()?;
        Some((Fresh(socket), address))
    }

    impl Fresh {
        pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
            Ok(recv(&self.0, buffer, RecvFlags::DONTWAIT)?.0)
        }

        pub(super) fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            let pieces = pieces.get(..IOV_MAX).unwrap_or(pieces);
            Ok(sendmsg(&self.0, pieces, &mut SendAncillaryBuffer::default(), flags)?)
        }

        pub(super) fn shut_down_write(&self) -> io::Result<()> {
            match shutdown(&self.0, Shutdown::Write) {
                // Whom nothing can be said any more needs no end of it.
                Err(Errno::NOTCONN) => Ok(()),
                shut => Ok(shut?),
            }
        }

        pub(super) fn set_zero_linger(&self) -> io::Result<()> {
            Ok(set_socket_linger(&self.0, Some(Duration::ZERO))?)
        }

        pub(super) fn set_nodelay(&self) -> io::Result<()> {
            Ok(set_tcp_nodelay(&self.0, true)?)
        }

        pub(super) fn tcp(self) -> io::Result<TcpStream> {
            TcpStream::from_std(self.0.into())
        }

        /// The address of a peer, which has none for the most part: then there is nothing behind the family. The others are
        /// std's to read, since a path may fill its place and have no end.
        pub(super) fn unix_peer(self, address: Option<SocketAddrAny>) -> Option<(Self, SocketAddr)> {
            let stream = StdStream::from(self.0);
            let peer = address.filter(|address| address.addr_len() > UNNAMED).and_then(|_| stream.peer_addr().ok());
            let peer = match peer {
                Some(peer) => peer,
                None => SocketAddr::from_pathname("").ok()?,
            };
            Some((Self(stream.into()), peer))
        }

        pub(super) fn unix(self) -> io::Result<UnixStream> {
            UnixStream::from_std(self.0.into())
        }
    }

    impl AsFd for Fresh {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod never {
    //! There is no such socket.

    use core::convert::Infallible;
    use std::io::{self, IoSlice};
    #[cfg(unix)]
    use std::os::fd::{AsFd, BorrowedFd};

    use tokio::net::TcpStream;
    #[cfg(unix)]
    use tokio::net::UnixStream;

    #[derive(Debug)]
    pub(crate) struct Fresh(Infallible);

    impl Fresh {
        pub(super) fn read(&self, _: &mut [u8]) -> io::Result<usize> {
            match self.0 {}
        }

        pub(super) fn write(&self, _: &[IoSlice<'_>]) -> io::Result<usize> {
            match self.0 {}
        }

        pub(super) fn shut_down_write(&self) -> io::Result<()> {
            match self.0 {}
        }

        pub(super) fn set_zero_linger(&self) -> io::Result<()> {
            match self.0 {}
        }

        pub(super) fn tcp(self) -> io::Result<TcpStream> {
            match self.0 {}
        }

        #[cfg(unix)]
        pub(super) fn unix(self) -> io::Result<UnixStream> {
            match self.0 {}
        }
    }

    #[cfg(unix)]
    impl AsFd for Fresh {
        fn as_fd(&self) -> BorrowedFd<'_> {
            match self.0 {}
        }
    }
}
