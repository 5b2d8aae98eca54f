//! An axum router behind `uwsgi_pass`: `cargo run -p uwsgi-tower --example axum -- /run/app.sock`.

use axum::Router;
use axum::extract::Path;
use axum::routing::{get, post};
use tokio::net::UnixListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "app.sock".into());
    let app = Router::new()
        .route("/", get(|| async { "hello\n" }))
        .route("/hello", get(|| async { "hello\n" }))
        .route("/hello/{name}", get(|Path(name): Path<String>| async move { format!("hello, {name}\n") }))
        .route("/echo", post(|body: axum::body::Body| async { body }));
    let listener = UnixListener::bind(path)?;
    uwsgi_tower::serve(listener, app.into_make_service()).await
}
