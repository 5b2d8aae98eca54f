//! WebSockets behind nginx's plain `uwsgi_pass`: `cargo run -p uwsgi-tower --example websocket -- /run/app.sock`.
//!
//! ```nginx
//! location / { include uwsgi_params; uwsgi_pass unix:/run/app.sock; uwsgi_read_timeout 1h; }
//! ```
//!
//! axum's own extractor needs a type that only hyper can make. So this example makes the handshake itself: status 101 and three
//! headers (RFC 6455 section 4.2.2).

#![cfg_attr(not(unix), allow(unused, reason = "there are no Unix sockets"))]

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use uwsgi_tower::upgrade::{self, Upgraded};

#[cfg(unix)]
#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new().route("/echo", get(handshake));
    let path = std::env::args().nth(1).unwrap_or_else(|| "app.sock".into());
    let (listener, _file) = listen(&path)?;
    uwsgi_tower::serve(listener, app).await
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

async fn handshake(mut request: Request) -> Response {
    let Some(key) = request.headers().get(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()))
    else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let upgraded = upgrade::on(&mut request);
    tokio::spawn(async move {
        // The future is ready when the head of the 101 has left.
        if let Ok(connection) = upgraded.await {
            echo(connection).await;
        }
    });
    let headers = [
        (header::CONNECTION, "upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, key),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// Sends each message back, until the peer closes or the server stops.
async fn echo(connection: Upgraded) {
    let stopping = connection.stopping();
    let mut socket = WebSocketStream::from_raw_socket(connection, Role::Server, None).await;
    let echo = async {
        while let Some(Ok(message)) = socket.next().await {
            if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = echo => {}
        () = stopping => {
            let goodbye = CloseFrame { code: CloseCode::Away, reason: "the server stops".into() };
            let _ = socket.close(Some(goodbye)).await;
        }
    }
}
