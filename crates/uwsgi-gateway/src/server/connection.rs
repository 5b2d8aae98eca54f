//! One connection of a client, from its first byte to its end.

use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::Poll;

use alloc::sync::Arc;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use uwsgi_tower::Stop;

use crate::client_io::{ConnectionClock, ObservedIo, Phase, Waiting, linger};
use crate::proxy::{ClientConnection, Proxy, ProxyService};
use crate::vars::FrontAddresses;

/// The most header lines of a request; hyper answers 431 if there are more.
const MAX_HEADERS: usize = 1000;

/// Serves a connection until it ends. `close_with_reset` sets that its close is a reset.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    proxy: Arc<Proxy>,
    stream: S,
    close_with_reset: fn(&S),
    addresses: FrontAddresses,
    is_refused: bool,
    stop: Stop,
) {
    let phase = Arc::new(Phase::default());
    let mut timeouts = proxy.settings().timeouts;
    if is_refused {
        // An idle client must not hold its place for long.
        timeouts.keepalive = timeouts.keepalive.min(timeouts.headers);
    }
    let connection = Arc::new(ClientConnection::new(Arc::clone(&phase), addresses, is_refused));
    let service = ProxyService::new(proxy, connection);
    let io = TokioIo::new(ObservedIo::new(stream, Arc::clone(&phase)));
    let mut http = http1::Builder::new().max_headers(MAX_HEADERS).serve_connection(io, service);
    let end = {
        let mut asked = pin!(stop.asked());
        let mut clock = ConnectionClock::new(timeouts);
        let mut stops = false;
        poll_fn(|cx| {
            if !stops && asked.as_mut().poll(cx).is_ready() {
                stops = true;
                Pin::new(&mut http).graceful_shutdown();
            }
            if let Poll::Ready(served) = http.poll_without_shutdown(cx) {
                return Poll::Ready(End::Served(served));
            }
            clock.poll(&phase, cx).map(End::TimeOver)
        })
        .await
    };
    let parts = http.into_parts();
    let io = parts.io.into_inner();
    let tunnel = parts.service.take_tunnel();
    drop(parts.service);
    match end {
        End::Served(Ok(())) => match tunnel {
            Some(tunnel) => tunnel.run(io.into_stream(), parts.read_buf, timeouts.tunnel).await,
            None => close(io).await,
        },
        // hyper has told the client about a head that it refused.
        End::Served(Err(error)) if error.is_parse() => {
            tracing::info!("a client sent an invalid head: {error}");
            close(io).await;
        }
        End::Served(Err(error)) => {
            tracing::debug!("a connection ended early: {error}");
            if phase.ends_with_close() {
                close_with_reset(&io.into_stream());
            }
        }
        End::TimeOver(Waiting::Client) => {
            tracing::info!("a client took no byte of its answer for {:?}: see --send-timeout", timeouts.send);
            close_with_reset(&io.into_stream());
        }
        End::TimeOver(_) => close(io).await,
    }
}

/// How the HTTP of a connection ended.
enum End {
    Served(hyper::Result<()>),
    TimeOver(Waiting),
}

async fn close(io: ObservedIo<impl AsyncRead + AsyncWrite + Unpin>) {
    if let Some(stream) = io.into_open_stream() {
        linger(stream).await;
    }
}
