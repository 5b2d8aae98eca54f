//! One connection of a client, from its first byte to its end.

use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::Poll;
use core::time::Duration;

use alloc::sync::Arc;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Sleep, sleep};
use uwsgi_tower::Stop;

use crate::client_io::{ConnectionClock, LONG_SILENCE, ObservedIo, Phase, SHORT_SILENCE, Waiting, linger};
use crate::proxy::{ClientConnection, Proxy, ProxyService};
use crate::vars::FrontAddresses;

/// The most header lines of a request; hyper answers 431 if there are more.
const MAX_HEADERS: usize = 1000;
/// The most bytes of a head, and of an answer that hyper holds. A packet has 64 KiB, so a longer head could not be sent.
const MAX_BUFFER: usize = 96 << 10;
/// How long the runtime may take to report that bytes have arrived. A stop waits this long before it closes an idle connection.
const ARRIVAL_DELAY: Duration = Duration::from_millis(20);

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
        // An idle client must not keep its slot for long.
        timeouts.keepalive = timeouts.keepalive.min(timeouts.headers);
    }
    let connection = Arc::new(ClientConnection::new(Arc::clone(&phase), addresses, is_refused));
    let service = ProxyService::new(proxy, connection);
    let io = TokioIo::new(ObservedIo::new(stream, close_with_reset, Arc::clone(&phase)));
    let mut http = http1::Builder::new();
    let mut http = http.max_headers(MAX_HEADERS).max_buf_size(MAX_BUFFER).serve_connection(io, service.clone());
    // Whether hyper was told of a stop, and whether the connection was idle then.
    let (mut was_told, mut was_idle) = (false, false);
    let mut arrival = pin!(None::<Sleep>);
    let end = {
        let mut asked = pin!(stop.asked());
        let mut clock = ConnectionClock::new(timeouts);
        let mut is_stopping = false;
        poll_fn(|cx| {
            is_stopping = is_stopping || asked.as_mut().poll(cx).is_ready();
            loop {
                match http.poll_without_shutdown(cx) {
                    // hyper 1.12 is done before it has written its last bytes, if the client takes none. It writes them when it
                    // is polled again.
                    Poll::Ready(Ok(())) if phase.waiting() == Waiting::Client => {}
                    Poll::Ready(served) => return Poll::Ready(End::Served(served)),
                    Poll::Pending => {}
                }
                if !is_stopping || was_told {
                    return clock.poll(&phase, cx).map(End::TimedOut);
                }
                let may_tell = match phase.waiting() {
                    // A head that has begun is read to its end, and answered.
                    Waiting::Head => false,
                    Waiting::Answer | Waiting::Client => true,
                    // A request may have arrived that the runtime has not reported yet.
                    Waiting::Request => {
                        if arrival.is_none() {
                            arrival.set(Some(sleep(ARRIVAL_DELAY)));
                        }
                        arrival.as_mut().as_pin_mut().is_none_or(|delay| delay.poll(cx).is_ready())
                    }
                };
                if !may_tell {
                    return clock.poll(&phase, cx).map(End::TimedOut);
                }
                (was_told, was_idle) = (true, phase.waiting() == Waiting::Request);
                Pin::new(&mut http).graceful_shutdown();
            }
        })
        .await
    };
    let parts = http.into_parts();
    let (mut io, tunnel) = (parts.io.into_inner(), service.take_tunnel());
    drop(parts.service);
    match end {
        End::Served(served) => {
            if let (true, Some(tunnel)) = (served.is_ok(), tunnel) {
                let Some(stream) = io.take() else { return };
                return tunnel.run(stream, parts.read_buf, timeouts.tunnel).await;
            }
            let was_refused = match &served {
                // hyper has told the client about a head that it refused.
                Err(error) if error.is_parse() => {
                    tracing::info!("a client sent an invalid head: {error:#}");
                    true
                }
                Err(error) => {
                    tracing::debug!("a connection ended early: {error:#}");
                    false
                }
                Ok(()) => false,
            };
            if served.is_err() && !was_refused && phase.ends_with_close() {
                io.reset();
            } else if was_refused || phase.lingers() {
                close_slowly(io, LONG_SILENCE).await;
            } else if served.is_ok() && !was_idle {
                close_slowly(io, SHORT_SILENCE).await;
            }
        }
        End::TimedOut(Waiting::Client) => {
            tracing::info!("a client took no byte of its answer for {:?}: see --send-timeout", timeouts.send);
            io.reset();
        }
        End::TimedOut(_) => {}
    }
}

/// How the HTTP of a connection ended.
enum End {
    Served(hyper::Result<()>),
    TimedOut(Waiting),
}

/// Closes a connection whose client may still send.
async fn close_slowly<S: AsyncRead + AsyncWrite + Unpin>(mut io: ObservedIo<S>, silence: Duration) {
    if let (true, Some(stream)) = (io.is_open(), io.take()) {
        linger(stream, silence).await;
    }
}
