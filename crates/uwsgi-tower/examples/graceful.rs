//! A stop that loses no request: `cargo run -p uwsgi-tower --example graceful -- /run/app.sock`, then SIGTERM or control-C.
//!
//! The server still accepts the connections that wait in the backlog. Then it closes idle connections. Every request that has
//! begun gets its whole response, if the service finishes it within 30 seconds.

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
    uwsgi_tower::serve(listener, app).with_graceful_shutdown(stop).await
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
