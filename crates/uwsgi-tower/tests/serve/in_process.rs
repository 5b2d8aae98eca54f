//! A listener whose connections come from this process.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::io;
use std::sync::Arc;

use http::Extensions;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;
use uwsgi_tower::Listener;

/// A listener of the test's own: it accepts connections of this process, with any address.
pub(crate) struct InProcess {
    coming: mpsc::UnboundedReceiver<(DuplexStream, SocketAddr)>,
    aborted: Arc<AtomicUsize>,
}

/// A connection of [`InProcess`].
pub(crate) struct InProcessStream {
    stream: DuplexStream,
    aborted: Arc<AtomicUsize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark(pub(crate) usize);

impl tokio::io::AsyncRead for InProcessStream {
    fn poll_read(
        mut self: core::pin::Pin<&mut Self>,
        cx: &mut core::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> core::task::Poll<io::Result<()>> {
        core::pin::Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl tokio::io::AsyncWrite for InProcessStream {
    fn poll_write(
        mut self: core::pin::Pin<&mut Self>,
        cx: &mut core::task::Context<'_>,
        bytes: &[u8],
    ) -> core::task::Poll<io::Result<usize>> {
        core::pin::Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(
        mut self: core::pin::Pin<&mut Self>,
        cx: &mut core::task::Context<'_>,
    ) -> core::task::Poll<io::Result<()>> {
        core::pin::Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: core::pin::Pin<&mut Self>,
        cx: &mut core::task::Context<'_>,
    ) -> core::task::Poll<io::Result<()>> {
        core::pin::Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Listener for InProcess {
    type Io = InProcessStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (InProcessStream, SocketAddr) {
        match self.coming.recv().await {
            Some((stream, address)) => (InProcessStream { stream, aborted: Arc::clone(&self.aborted) }, address),
            None => core::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(SocketAddr::from(([10, 0, 0, 2], 3031)))
    }

    fn abort(io: &InProcessStream) {
        io.aborted.fetch_add(1, Ordering::SeqCst);
    }

    fn extensions(_: &InProcessStream) -> Extensions {
        let mut extensions = Extensions::new();
        extensions.insert(Mark(7));
        extensions
    }
}

/// Connects to [`InProcess`].
#[derive(Clone)]
pub(crate) struct Connector {
    going: mpsc::UnboundedSender<(DuplexStream, SocketAddr)>,
    pub(crate) aborted: Arc<AtomicUsize>,
}

impl Connector {
    pub(crate) fn connect(&self, from: &str) -> DuplexStream {
        let (ours, theirs) = duplex(1 << 16);
        self.going.send((theirs, from.parse().unwrap())).unwrap();
        ours
    }
}

pub(crate) fn in_process() -> (InProcess, Connector) {
    let (going, coming) = mpsc::unbounded_channel();
    let aborted = Arc::<AtomicUsize>::default();
    (InProcess { coming, aborted: Arc::clone(&aborted) }, Connector { going, aborted })
}
