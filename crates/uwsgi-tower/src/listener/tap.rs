//! A function that is called with every accepted connection.

use core::fmt;
use core::future::Future;
use core::net::SocketAddr;
use std::io;

use http::Extensions;

use crate::listener::{Closed, Listener};

/// Further functions of each [`Listener`], as axum's trait of the same name has them.
pub trait ListenerExt: Listener + Sized {
    /// Calls a function with every accepted connection, for example to set options of its socket.
    ///
    /// ```
    /// use tokio::net::TcpListener;
    /// use uwsgi_tower::ListenerExt;
    ///
    /// # async fn run(app: axum::Router) -> std::io::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:3031").await?.tap_io(|connection| {
    ///     // The stream of tokio has the options of its socket.
    ///     if let Ok(stream) = connection.stream() {
    ///         let _ = stream.set_ttl(1);
    ///     }
    /// });
    /// uwsgi_tower::serve(listener, app).await
    /// # }
    /// ```
    fn tap_io<F>(self, tap: F) -> TapIo<Self, F>
    where
        F: FnMut(&mut Self::Io) + Send + 'static,
    {
        TapIo { listener: self, tap }
    }
}

impl<L: Listener> ListenerExt for L {}

/// A listener that calls a function with every accepted connection: see [`ListenerExt::tap_io`].
pub struct TapIo<L, F> {
    listener: L,
    tap: F,
}

impl<L: fmt::Debug, F> fmt::Debug for TapIo<L, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TapIo").field("listener", &self.listener).finish_non_exhaustive()
    }
}

impl<L, F> Listener for TapIo<L, F>
where
    L: Listener,
    F: FnMut(&mut L::Io) + Send + 'static,
{
    type Io = L::Io;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (L::Io, L::Addr) {
        let (mut io, address) = self.listener.accept().await;
        (self.tap)(&mut io);
        (io, address)
    }

    fn local_addr(&self) -> io::Result<L::Addr> {
        self.listener.local_addr()
    }

    fn peer(address: &L::Addr) -> Option<SocketAddr> {
        L::peer(address)
    }

    fn establish(io: L::Io) -> impl Future<Output = io::Result<L::Io>> + Send {
        L::establish(io)
    }

    fn write_refusal(io: &L::Io, bytes: &[u8]) {
        L::write_refusal(io, bytes);
    }

    fn abort(io: &L::Io) {
        L::abort(io);
    }

    fn has_bytes(io: &L::Io) -> Option<bool> {
        L::has_bytes(io)
    }

    fn settle(io: &mut L::Io) -> io::Result<()> {
        L::settle(io)
    }

    fn closed(io: &L::Io) -> Closed {
        L::closed(io)
    }

    fn extensions(io: &L::Io) -> Extensions {
        L::extensions(io)
    }
}
