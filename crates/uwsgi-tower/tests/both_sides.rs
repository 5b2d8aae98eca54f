//! The client of this crate and its server, over loopback.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test that panics has found something"
)]

use axum::Router;
use axum::routing::{get, post};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::net::TcpListener;
use tower::ServiceExt;
use uwsgi_tower::{Client, upgrade};

async fn server() -> String {
    let app = Router::new()
        .route("/hello", get(|| async { "hello" }))
        .route("/echo", post(|body: axum::body::Body| async { body }))
        .route(
            "/fail",
            get(|| async {
                if true {
                    panic!("a test's panic, which is meant")
                }
            }),
        )
        .route("/upgrade", get(pipe));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { uwsgi_tower::serve(listener, app.into_make_service()).await });
    address
}

async fn pipe(mut request: axum::extract::Request) -> axum::response::Response {
    let upgraded = upgrade::on(&mut request);
    tokio::spawn(async move {
        let (mut reader, mut writer) = tokio::io::split(upgraded.await.unwrap());
        tokio::io::copy(&mut reader, &mut writer).await
    });
    let head =
        axum::response::Response::builder().status(101).header("Connection", "upgrade").header("Upgrade", "echo");
    head.body(axum::body::Body::empty()).unwrap()
}

async fn body(response: http::Response<uwsgi_tower::Incoming>) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

#[tokio::test]
async fn a_request_and_its_answer() {
    let client = Client::new(&server().await).unwrap();
    let request = Request::get("http://example.com/hello").body(Full::new(bytes::Bytes::new())).unwrap();
    let response = client.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-length"], "5");
    assert_eq!(body(response).await, b"hello");
}

#[tokio::test]
async fn a_large_body_streams_both_ways() {
    let client = Client::new(&server().await).unwrap();
    let sent: Vec<u8> = (0..3_000_000_u32).map(|place| u8::try_from(place % 251).unwrap()).collect();
    let request = Request::post("http://example.com/echo").body(Full::new(bytes::Bytes::from(sent.clone()))).unwrap();
    let response = client.oneshot(request).await.unwrap();
    assert!(body(response).await == sent);
}

#[tokio::test]
async fn a_panic_is_a_500() {
    let client = Client::new(&server().await).unwrap();
    let request = Request::get("http://example.com/fail").body(Full::new(bytes::Bytes::new())).unwrap();
    assert_eq!(client.oneshot(request).await.unwrap().status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn an_upgrade_is_a_pipe() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let client = Client::new(&server().await).unwrap();
    let request = Request::get("http://example.com/upgrade").header("Connection", "upgrade").header("Upgrade", "echo");
    let mut response = client.oneshot(request.body(Full::new(bytes::Bytes::new())).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut pipe = upgrade::on(&mut response).await.unwrap();
    pipe.write_all(b"ping").await.unwrap();
    let mut back = [0; 4];
    pipe.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"ping");
}
