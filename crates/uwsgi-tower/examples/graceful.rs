//! A stop that loses nothing: `cargo run -p uwsgi-tower --example graceful -- /run/app.sock`, then SIGTERM or control-C.
//!
//! No connection is accepted any more, idle ones close, and every request that has begun gets its whole answer, if it is there
//! within 30 seconds.

use core::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new().route("/", get(|| async { "hello\n" })).route(
        "/delay/{millis}",
        get(|Path(millis): Path<u64>| async move {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            format!("after {millis} ms\n")
        }),
    );

    let path = std::env::args().nth(1).unwrap_or_else(|| "app.sock".into());
    let listener = UnixListener::bind(&path)?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    uwsgi_tower::serve(listener, app.into_make_service()).with_graceful_shutdown(stop).await?;
    std::fs::remove_file(path)
}
