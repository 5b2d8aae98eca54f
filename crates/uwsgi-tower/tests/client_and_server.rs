//! The client and the server of this crate, over loopback.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test that panics has found something"
)]

use core::convert::Infallible;
use core::fmt::Write;

use axum::Router;
use axum::routing::{get, post};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{ServiceExt, service_fn};
use uwsgi::{Modifier1, VarsEncoder};
use uwsgi_tower::{Body, Client, RemoteAddr, RequestUri, Scheme, ScriptName, Vars, upgrade};

async fn server() -> String {
    let app = Router::new()
        .route("/hello", get(|| async { "hello" }))
        .route("/echo", post(|body: axum::body::Body| async { body }))
        .route(
            "/fail",
            get(|| async {
                if true {
                    panic!("the panic of a test")
                }
            }),
        )
        .route("/upgrade", get(upgrade_to_echo));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { uwsgi_tower::serve(listener, app).await });
    address
}

async fn upgrade_to_echo(mut request: axum::extract::Request) -> axum::response::Response {
    let upgraded = upgrade::on(&mut request);
    tokio::spawn(async move {
        let (mut reader, mut writer) = tokio::io::split(upgraded.await.unwrap());
        tokio::io::copy(&mut reader, &mut writer).await
    });
    let head =
        axum::response::Response::builder().status(101).header("Connection", "upgrade").header("Upgrade", "echo");
    head.body(axum::body::Body::empty()).unwrap()
}

async fn body(response: Response<uwsgi_tower::Incoming>) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

#[tokio::test]
async fn a_request_gets_its_response() {
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
    let sent: Vec<u8> = (0..3_000_000_u32).map(|index| u8::try_from(index % 251).unwrap()).collect();
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
async fn an_upgraded_connection_carries_bytes_both_ways() {
    let client = Client::new(&server().await).unwrap();
    let request = Request::get("http://example.com/upgrade").header("Connection", "upgrade").header("Upgrade", "echo");
    let mut response = client.oneshot(request.body(Full::new(bytes::Bytes::new())).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut upgraded = upgrade::on(&mut response).await.unwrap();
    upgraded.write_all(b"ping").await.unwrap();
    let mut back = [0; 4];
    upgraded.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"ping");
}

/// Describes what an application sees of a request.
fn seen<B>(request: &Request<B>) -> String {
    let mut text = format!("{} {} {:?}\n", request.method(), request.uri(), request.version());
    let extensions = request.extensions();
    let text_of = |bytes: Option<&[u8]>| bytes.map(|bytes| bytes.escape_ascii().to_string());
    writeln!(text, "mount {:?}", text_of(extensions.get().map(ScriptName::as_bytes))).unwrap();
    writeln!(text, "asked for {:?}", text_of(extensions.get().map(RequestUri::as_bytes))).unwrap();
    writeln!(text, "{:?} {:?}", extensions.get::<RemoteAddr>(), extensions.get::<Scheme>()).unwrap();
    let vars = extensions.get::<Vars>().unwrap().as_vars();
    for key in ["REMOTE_USER", "MY_PARAM", "SERVER_NAME", "SERVER_PORT", "DOCUMENT_ROOT"] {
        writeln!(text, "{key} {:?}", text_of(vars.get(key))).unwrap();
    }
    let mut names: Vec<_> = request.headers().keys().collect();
    names.sort_by_key(|name| name.as_str());
    for name in names {
        // A var joins headers of the same name.
        let values: Vec<_> = request.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
        writeln!(text, "{name}: {}", values.join(", ")).unwrap();
    }
    text
}

/// Answers with what it sees, and with the length of the body.
async fn describe(request: Request<Body>) -> Result<Response<String>, Infallible> {
    let seen = seen(&request);
    let body = request.into_body().collect().await.unwrap().to_bytes();
    Ok(Response::new(format!("{seen}{} bytes", body.len())))
}

/// Sends a packet of these vars and a body, and returns the body of the response.
async fn send(address: &str, vars: &[(&str, &str)], body: &str) -> String {
    let mut packet = Vec::new();
    let mut encoder = VarsEncoder::new(&mut packet);
    vars.iter().for_each(|(key, value)| encoder.push_raw(key, value).unwrap());
    encoder.finish(Modifier1::WSGI, 0).unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&[&packet, body.as_bytes()].concat()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// A gateway is a server whose service is a client.
#[tokio::test]
async fn an_application_behind_gateways_sees_the_same() {
    const COMMON: &[(&str, &str)] = &[
        ("REQUEST_METHOD", "POST"),
        ("CONTENT_TYPE", "text/plain"),
        ("CONTENT_LENGTH", "5"),
        ("SERVER_PROTOCOL", "HTTP/2.0"),
        ("REMOTE_ADDR", "::ffff:10.0.0.5"),
        ("REMOTE_PORT", "40001"),
        ("REMOTE_USER", "alice"),
        ("SERVER_NAME", "front.example"),
        ("SERVER_PORT", "8443"),
        ("MY_PARAM", "first"),
        ("MY_PARAM", "mine"),
        ("UWSGI_FILE", "/etc/passwd"),
        ("HTTP_HOST", "first.example"),
        ("HTTP_HOST", "shop.example:8443"),
        ("HTTP_COOKIE", "a=1"),
        ("HTTP_X", "1"),
        ("HTTP_X", "2"),
        ("HTTP_X_FORWARDED_PROTO", "http"),
        ("HTTP_X_FORWARDED_PROTO", "https"),
    ];
    /// The rest of the vars, and lines of the response.
    type Row = (&'static [(&'static str, &'static str)], &'static [&'static str]);
    const ROWS: &[Row] = &[
        (
            &[("REQUEST_URI", "/a%2Fb?c"), ("PATH_INFO", "/a/b"), ("QUERY_STRING", "c"), ("HTTPS", "on")],
            &["POST /a%2Fb?c HTTP/2.0", "mount None", "MY_PARAM Some(\"mine\")", "host: shop.example:8443", "x: 1, 2"],
        ),
        (
            &[("REQUEST_URI", "/shop/a%2Fb"), ("SCRIPT_NAME", "/shop"), ("PATH_INFO", "/a/b"), ("QUERY_STRING", "")],
            &["POST /a%2Fb HTTP/2.0", "mount Some(\"/shop\")", "asked for Some(\"/shop/a%2Fb\")", "5 bytes"],
        ),
        (
            &[("REQUEST_URI", "/my%20shop"), ("SCRIPT_NAME", "/my shop"), ("PATH_INFO", ""), ("UWSGI_SCHEME", "https")],
            &["POST / HTTP/2.0", "mount Some(\"/my shop\")", "x-forwarded-proto: https"],
        ),
        // A client that tries to remove a header of the front end.
        (
            &[("PATH_INFO", "/"), ("HTTP_UPGRADE", "x"), ("HTTP_CONNECTION", "upgrade, x"), ("REQUEST_URI", "/")],
            &["x: 1, 2", "connection: upgrade, x", "upgrade: x"],
        ),
    ];
    let serve = async |client: Option<Client>| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        match client {
            Some(client) => tokio::spawn(uwsgi_tower::serve(listener, client).into_future()),
            None => tokio::spawn(uwsgi_tower::serve(listener, service_fn(describe)).into_future()),
        };
        address
    };
    let application = serve(None).await;
    let gateway = serve(Some(Client::new(&application).unwrap())).await;
    let two_gateways = serve(Some(Client::new(&gateway).unwrap())).await;
    for (vars, lines) in ROWS {
        let vars = [COMMON, vars].concat();
        let direct = send(&application, &vars, "hello").await;
        for line in *lines {
            assert!(direct.lines().any(|other| other == *line), "{line}\n{direct}");
        }
        // The gateway makes REQUEST_URI again, with a slash after the mount. Everything else stays the same.
        let expected = direct.replace("asked for Some(\"/my%20shop\")", "asked for Some(\"/my%20shop/\")");
        for address in [&gateway, &two_gateways] {
            assert_eq!(send(address, &vars, "hello").await, expected);
        }
    }
}
