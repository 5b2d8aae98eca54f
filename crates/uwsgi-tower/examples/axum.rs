//! An axum router behind `uwsgi_pass`: `cargo run -p uwsgi-tower --features axum --example axum -- /run/app.sock`.
//!
//! ```nginx
//! location / { include uwsgi_params; uwsgi_pass unix:/run/app.sock; }
//! ```

use axum::Router;
use axum::extract::{ConnectInfo, Path};
use axum::routing::{get, post};
use core::net::SocketAddr;
use tokio::net::TcpListener;
use uwsgi_tower::{RemoteAddr, Vars};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new()
        .route("/", get(|| async { "hello\n" }))
        .route("/hello/{name}", get(|Path(name): Path<String>| async move { format!("hello, {name}\n") }))
        .route("/echo", post(|body: axum::body::Body| async { body }))
        // The client of the front end, and all vars.
        .route("/me", get(|client: RemoteAddr| async move { format!("{}\n", client.ip()) }))
        .route("/vars", get(vars));

    // The path of a Unix socket, or `host:port`.
    let address = std::env::args().nth(1).unwrap_or_else(|| "app.sock".into());
    #[cfg(unix)]
    if address.parse::<SocketAddr>().is_err() {
        let (listener, _file) = listen(&address)?;
        return uwsgi_tower::serve(listener, app).await;
    }
    // The peer of the socket is the front end.
    let app = app.route("/peer", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { format!("{peer}\n") }));
    let listener = TcpListener::bind(address).await?;
    uwsgi_tower::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
}

/// Listens on a Unix socket, and replaces the file that an earlier run has left. Dropping the `SocketFile` removes the file.
/// nginx must be able to write to the socket: its user must be in the file's group.
#[cfg(unix)]
fn listen(path: &str) -> std::io::Result<(tokio::net::UnixListener, uwsgi_io::SocketFile)> {
    let (listener, file) = uwsgi_io::listen_unix(path, 0o660)?;
    listener.set_nonblocking(true)?;
    Ok((tokio::net::UnixListener::from_std(listener)?, file))
}

/// Answers with every var of the request, one a line.
async fn vars(vars: Vars) -> String {
    let line = |(key, value): (&[u8], &[u8])| format!("{}={}\n", key.escape_ascii(), value.escape_ascii());
    vars.as_vars().iter().map(line).collect()
}
