//! Server-sent events that end when the server stops: `cargo run -p uwsgi-tower --features axum --example events --
//! /run/app.sock`, then SIGTERM or control-C.
//!
//! ```nginx
//! location / { include uwsgi_params; uwsgi_pass unix:/run/app.sock; }
//! ```
//!
//! An event stream has no end of its own, so a stop would wait for it until `stop_grace` is over. The handler waits for the stop
//! too, and ends its stream then: the browser connects again, to the next server. `X-Accel-Buffering: no` tells nginx to pass
//! each event on at once.

#![cfg_attr(not(unix), allow(unused, reason = "there are no Unix sockets"))]

use core::convert::Infallible;
use core::time::Duration;

use axum::Router;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{AppendHeaders, IntoResponse};
use axum::routing::get;
use futures_util::{StreamExt, stream};
use uwsgi_tower::Stopping;

#[cfg(unix)]
#[tokio::main]
async fn main() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let app = Router::new().route("/events", get(events));
    let path = std::env::args().nth(1).unwrap_or_else(|| "app.sock".into());
    let (listener, _file) = listen(&path)?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    uwsgi_tower::serve(listener, app).with_graceful_shutdown(stop).await
}

/// Sends the time since the request, once a second, and a last event when the server stops.
async fn events(stopping: Stopping) -> impl IntoResponse {
    let seconds = stream::unfold(0_u64, async |seconds| {
        if seconds > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Some((Event::default().data(seconds.to_string()), seconds.saturating_add(1)))
    });
    let last = stream::once(async { Event::default().event("stop").data("the server stops") });
    let events = seconds.take_until(stopping.asked()).chain(last).map(Ok::<_, Infallible>);
    (AppendHeaders([("X-Accel-Buffering", "no")]), Sse::new(events).keep_alive(KeepAlive::default()))
}

/// Listens on a Unix socket, and replaces the file that an earlier run has left. Dropping the `SocketFile` removes the file.
/// nginx must be able to write to the socket: its user must be in the file's group.
#[cfg(unix)]
fn listen(path: &str) -> std::io::Result<(tokio::net::UnixListener, uwsgi_io::SocketFile)> {
    let (listener, file) = uwsgi_io::listen_unix(path, 0o660)?;
    listener.set_nonblocking(true)?;
    Ok((tokio::net::UnixListener::from_std(listener)?, file))
}

#[cfg(not(unix))]
fn main() {}
