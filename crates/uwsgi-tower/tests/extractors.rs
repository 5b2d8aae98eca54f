//! The extractors of the feature `axum`, and what a request without them gets.
#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used, reason = "a test that panics has found something")]

use axum::Router;
use axum::routing::get;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use tokio::net::TcpListener;
use tower::ServiceExt;
use uwsgi_tower::{Client, Modifiers, Mount, Peer, RemoteAddr, RequestUri, ScriptName, Stopping, Vars};

async fn client(client: RemoteAddr) -> String {
    format!("{} {:?}", client.ip(), client.port())
}

async fn maybe_client(client: Option<RemoteAddr>) -> String {
    format!("{:?}", client.map(|client| client.ip()))
}

async fn mount(mount: ScriptName) -> String {
    mount.as_bytes().escape_ascii().to_string()
}

async fn rest(vars: Vars, uri: RequestUri, peer: Peer, modifiers: Modifiers, stopping: Stopping) -> String {
    let method = vars.as_vars().get("REQUEST_METHOD").unwrap().escape_ascii();
    let (uri, loopback, asked) = (uri.as_bytes().escape_ascii(), peer.0.ip().is_loopback(), stopping.is_asked());
    format!("{method} {uri} {loopback} {} {asked}", modifiers.modifier2)
}

fn app() -> Router {
    Router::new()
        .route("/client", get(client))
        .route("/maybe", get(maybe_client))
        .route("/mount", get(mount))
        .route("/rest", get(rest))
}

#[tokio::test]
async fn extractors_give_what_the_front_end_sent() {
    let server = uwsgi_tower::serve(TcpListener::bind("127.0.0.1:0").await.unwrap(), app());
    let backend = Client::new(&server.local_addr().unwrap().to_string()).unwrap();
    tokio::spawn(server.into_future());
    let from = RemoteAddr::new("192.0.2.7".parse().unwrap()).with_port(40001);
    let no_address = "the front end sent no REMOTE_ADDR that is an IP address";
    for (path, from, mount, status, expected) in [
        ("/client", Some(from), None, 200, "192.0.2.7 Some(40001)"),
        ("/client", None, None, 500, no_address),
        ("/maybe", Some(from), None, 200, "Some(192.0.2.7)"),
        ("/maybe", None, None, 200, "None"),
        ("/shop/mount", None, Some("/shop"), 200, "/shop"),
        ("/mount", None, None, 200, ""),
        ("/rest?a=b", None, None, 200, "GET /rest?a=b true 0 false"),
    ] {
        let mut request = Request::get(format!("http://example.com{path}")).body(Empty::<bytes::Bytes>::new()).unwrap();
        from.map(|from| request.extensions_mut().insert(from));
        mount.map(|mount| request.extensions_mut().insert(Mount::new(mount).unwrap()));
        let response = backend.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::from_u16(status).unwrap(), "{path}");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), expected, "{path}");
    }
}

/// A router in a test of its own has no server.
#[tokio::test]
async fn a_router_without_a_server_answers_500() {
    let request = Request::get("/rest").body(axum::body::Body::empty()).unwrap();
    let response = app().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "the request did not come from a server of uwsgi-tower");
}
