//! The asynchronous server under test: `tower_server MODE PATH [MAX]`, at a Unix socket.
//!
//! The mode `axum` serves a router with `uwsgi_tower`, `bare` a service that is no router, and `http` the router with hyper.
//! All say hello, as `hello_server` does, and read a body if there is one.

use std::convert::Infallible;
use std::io;

use axum::Router;
use axum::extract::Request;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::any;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use tokio::net::UnixListener;
use tower::service_fn;
use uwsgi_benches::transfer::HELLO_BODY;
use uwsgi_tower::Body;

fn router() -> Router {
    Router::new().route("/", any(hello)).fallback(hello)
}

async fn hello(request: Request) -> impl IntoResponse {
    let mut body = request.into_body();
    while let Some(Ok(_)) = body.frame().await {}
    ([(header::CONTENT_TYPE, "text/plain")], HELLO_BODY)
}

async fn bare(request: http::Request<Body>) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let mut body = request.into_body();
    while let Some(Ok(_)) = body.frame().await {}
    let mut response = http::Response::new(Full::new(Bytes::from_static(HELLO_BODY)));
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("text/plain"));
    Ok(response)
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let usage = || io::Error::other("usage: tower_server axum|bare|http PATH [MAX]");
    let mode = args.next().ok_or_else(usage)?;
    let listener = UnixListener::bind(args.next().ok_or_else(usage)?)?;
    let most = args.next().map_or(Ok(1024), |most| most.parse()).map_err(io::Error::other)?;
    match &*mode {
        "axum" => uwsgi_tower::serve(listener, router()).with_max_connections(most).await,
        "bare" => uwsgi_tower::serve(listener, service_fn(bare)).with_max_connections(most).await,
        "http" => axum::serve(listener, router()).await,
        _ => Err(usage()),
    }
}
