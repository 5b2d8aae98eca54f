//! A stop that loses nothing: `cargo run -p uwsgi-tower --example graceful -- /run/app.sock`, then SIGTERM or control-C.
//!
//! No connection is accepted any more, idle ones close, and every request that has begun gets its whole answer, if it
//! is there within 30 seconds.

#![cfg_attr(not(unix), allow(unused, reason = "there are no Unix sockets"))]

use core::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;

#[cfg(unix)]
#[tokio::main]
async fn main() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let app = Router::new().route("/", get(|| async { "hello\n" })).route(
        "/delay/{millis}",
        get(|Path(millis): Path<u64>| async move {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            format!("after {millis} ms\n")
        }),
    );

    let path = std::env::args().nth(1).unwrap_or_else(|| "app.sock".into());
    let (listener, _file) = listen(&path)?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    uwsgi_tower::serve(listener, app.into_make_service()).with_graceful_shutdown(stop).await
}

/// In the place of a socket that an earlier run has left, until the file is dropped. Who connects needs to write to it: nginx's
/// user, by the socket's group.
#[cfg(unix)]
fn listen(path: &str) -> std::io::Result<(tokio::net::UnixListener, uwsgi_io::SocketFile)> {
    let (listener, file) = uwsgi_io::listen_unix(path, 0o660)?;
    listener.set_nonblocking(true)?;
    Ok((tokio::net::UnixListener::from_std(listener)?, file))
}

#[cfg(not(unix))]
fn main() {}
