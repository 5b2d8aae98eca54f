//! One connection of a client, from its first byte to its end.

use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};

use alloc::sync::Arc;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use uwsgi_tower::Stop;

use crate::client_io::{ClientStream, ClockedIo, Phase, linger};
use crate::proxy::{ClientConnection, Proxy, ProxyService};
use crate::vars::FrontAddresses;

/// The most header lines of a request; hyper answers 431 if there are more.
const MAX_HEADERS: usize = 1000;

/// Serves a connection until it ends.
pub(crate) async fn serve(
    proxy: Arc<Proxy>,
    stream: impl ClientStream,
    addresses: FrontAddresses,
    is_refused: bool,
    stop: Stop,
) {
    let phase = Arc::new(Phase::default());
    let timeouts = proxy.settings().timeouts;
    let connection = Arc::new(ClientConnection::new(Arc::clone(&phase), addresses, is_refused));
    let service = ProxyService::new(proxy, connection);
    let io = TokioIo::new(ClockedIo::new(stream, Arc::clone(&phase), timeouts));
    let mut http = http1::Builder::new().max_headers(MAX_HEADERS).serve_connection(io, service);
    let served = {
        let mut asked = pin!(stop.asked());
        let mut stops = false;
        poll_fn(|cx| {
            if !stops && asked.as_mut().poll(cx).is_ready() {
                stops = true;
                Pin::new(&mut http).graceful_shutdown();
            }
            http.poll_without_shutdown(cx)
        })
        .await
    };
    let parts = http.into_parts();
    let io = parts.io.into_inner();
    if let Some(tunnel) = parts.service.take_tunnel().filter(|_| served.is_ok()) {
        return tunnel.run(io.into_stream(), parts.read_buf, timeouts.tunnel).await;
    }
    drop(parts.service);
    match served {
        Ok(()) => {
            if let Some(stream) = io.into_open_stream() {
                linger(stream).await;
            }
        }
        Err(error) => {
            tracing::debug!("a connection ended early: {error}");
            // hyper has told the client about a head that it refused.
            if error.is_parse() || error.is_parse_too_large() {
                if let Some(stream) = io.into_open_stream() {
                    linger(stream).await;
                }
            } else if phase.ends_with_close() {
                io.into_stream().reset();
            }
        }
    }
}
