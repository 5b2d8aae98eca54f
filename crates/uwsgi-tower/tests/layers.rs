//! Layers of tower-http around an axum router and around a plain service.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has found something")]

use core::convert::Infallible;
use core::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use uwsgi_tower::{Body, Client, Incoming, Peer, serve};

/// Serves a router with all layers, and returns a client for it.
async fn router() -> Client {
    let app = Router::new()
        .route("/hello", get(|| async { "hello ".repeat(1000) }))
        .route("/slow", get(|| tokio::time::sleep(Duration::from_secs(20)))) // longer than the timeout
        .route("/count", post(|body: Bytes| async move { body.len().to_string() }))
        .layer(RequestBodyLimitLayer::new(1000))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(2)))
        .layer(CorsLayer::permissive())
        .layer(CompressionLayer::new())
        .layer(TraceLayer::new_for_http());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&listener.local_addr().unwrap().to_string()).unwrap();
    tokio::spawn(serve(listener, app).into_future());
    client
}

async fn ask(client: &Client, request: http::request::Builder, body: &'static [u8]) -> Response<Incoming> {
    client.clone().oneshot(request.body(Full::new(Bytes::from_static(body))).unwrap()).await.unwrap()
}

async fn bytes(response: Response<Incoming>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn trace_and_cors_work() {
    let client = router().await;
    let response = ask(&client, Request::get("/hello").header("Origin", "http://example.net"), b"").await;
    assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    assert_eq!(bytes(response).await.len(), 6000);
    let preflight = Request::options("/hello").header("Origin", "http://example.net");
    let response = ask(&client, preflight.header("Access-Control-Request-Method", "PUT"), b"").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_METHODS));
}

#[tokio::test]
async fn compression_works() {
    let client = router().await;
    let response = ask(&client, Request::get("/hello").header("Accept-Encoding", "gzip"), b"").await;
    assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
    assert!(!response.headers().contains_key(header::CONTENT_LENGTH));
    let body = bytes(response).await;
    assert!(body.starts_with(b"\x1f\x8b") && body.len() < 600, "{} bytes", body.len());
}

#[tokio::test]
async fn timeout_works() {
    let client = router().await;
    let response = ask(&client, Request::get("/slow"), b"").await;
    assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
}

#[tokio::test]
async fn limit_works() {
    let client = router().await;
    assert_eq!(bytes(ask(&client, Request::post("/count"), &[b'x'; 1000]).await).await, "1000");
    assert_eq!(ask(&client, Request::post("/count"), &[b'x'; 1001]).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn layers_around_a_plain_service_work() {
    let service = service_fn(async |request: Request<Body>| {
        let peer = request.extensions().get::<Peer>().copied();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let text = format!("{} bytes from {:?}", body.len(), peer.unwrap().0.ip());
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text))))
    });
    let service = TraceLayer::new_for_http().layer(CompressionLayer::new().layer(service));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&listener.local_addr().unwrap().to_string()).unwrap();
    tokio::spawn(serve(listener, service).into_future());
    assert_eq!(bytes(ask(&client, Request::post("/"), b"12345").await).await, "5 bytes from 127.0.0.1");
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn connect_info_is_the_peer_of_the_socket() {
    use axum::extract::ConnectInfo;
    use core::net::SocketAddr;
    let app =
        Router::new().route("/", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).into_future());
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let ours = stream.local_addr().unwrap().to_string();
    let packet = b"\0\x0e\0\0\x09\0PATH_INFO\x01\0/";
    tokio::io::AsyncWriteExt::write_all(&mut stream, packet).await.unwrap();
    let mut answer = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer).await.unwrap();
    assert!(answer.ends_with(&format!("\r\n\r\n{ours}")), "{answer}");
}

/// As the README says, axum's own extractor needs a type that only hyper can make.
#[tokio::test]
async fn the_websocket_extractor_of_axum_is_refused() {
    let app = Router::new()
        .route("/", get(|upgrade: axum::extract::WebSocketUpgrade| async { upgrade.on_upgrade(|_| async {}) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&listener.local_addr().unwrap().to_string()).unwrap();
    tokio::spawn(serve(listener, app).into_future());
    let request = Request::get("/").header("Connection", "Upgrade").header("Upgrade", "websocket");
    let request = request.header("Sec-WebSocket-Version", "13").header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(ask(&client, request, b"").await.status(), StatusCode::UPGRADE_REQUIRED);
}
