//! The asynchronous client with each server: uWSGI from PyPI and from Debian, gunicorn, and both of ours.

use std::error::Error;
use std::io;
use std::process::Command;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;
use tower::ServiceExt;
use uwsgi_tests::programs::{Listen, Program, TestDir, uwsgictl_serve};
use uwsgi_tower::{Client, ClientError, Incoming};

use crate::server::{TIMEOUT, Uwsgi, gunicorn};
use crate::web::{bytes, hash};

#[test]
fn uwsgi_from_pypi_and_debian() {
    for uwsgi in Uwsgi::BOTH {
        let test_dir = TestDir::new();
        for listen in [Listen::tcp(), Listen::Unix(test_dir.path("uwsgi.sock"))] {
            let name = if matches!(listen, Listen::Tcp(_)) { "tcp" } else { "unix" };
            let _server = uwsgi.start(&test_dir, name, &listen, &[]);
            run(collection(client(&listen)));
        }
    }
}

#[test]
fn gunicorn_sync() {
    let test_dir = TestDir::new();
    let listen = Listen::tcp();
    let _server = gunicorn(&test_dir, "sync", &listen, &["--worker-class", "sync"]);
    run(collection(client(&listen)));
}

/// gunicorn's threads keep connections. The application says from which port each request came.
#[test]
fn gunicorn_gthread_and_kept_connections() {
    let test_dir = TestDir::new();
    let listen = Listen::tcp();
    let options = ["--worker-class", "gthread", "--threads", "4", "--keep-alive", "30"];
    let _server = gunicorn(&test_dir, "gthread", &listen, &options);
    run(async {
        collection(client(&listen)).await;
        let kept = client(&listen).with_pool_max_idle(4);
        collection(kept.clone()).await;
        for (client, all_alike) in [(kept, true), (client(&listen), false)] {
            let mut ports = Vec::new();
            for _ in 0..5 {
                let seen: Value = serde_json::from_slice(&get(&client, "/vars").await.1).unwrap();
                ports.push(seen["REMOTE_PORT"].as_str().expect("a port").to_owned());
            }
            ports.dedup();
            assert_eq!(ports.len() == 1, all_alike, "{ports:?}");
        }
    });
}

#[test]
fn ours_blocking() {
    ours(blocking, &["--keepalive", "30", "--max-connections", "1"]);
}

fn blocking<'s>(test_dir: &'s TestDir, name: &str, listen: &Listen, options: &[&str]) -> Program<'s> {
    uwsgictl_serve(test_dir, name, listen, &options.iter().map(|option| (*option).to_owned()).collect::<Vec<_>>())
}

#[test]
fn ours_asynchronous() {
    ours(asynchronous, &["keepalive=30000", "max=1"]);
}

fn asynchronous<'s>(test_dir: &'s TestDir, name: &str, listen: &Listen, options: &[&str]) -> Program<'s> {
    let bind = match listen {
        Listen::Tcp(_) => format!("bind={listen}"),
        Listen::Unix(_) => format!("bind=unix:{listen}"),
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_axum-server"));
    Program::start(test_dir, name, command.args([&*bind, "app=inspector"]).args(options), &[listen])
}

/// Tests the client with the inspector on one of our servers: over both kinds of socket, and then with kept connections.
fn ours(start: for<'s> fn(&'s TestDir, &str, &Listen, &[&str]) -> Program<'s>, one_that_is_kept: &[&str]) {
    let test_dir = TestDir::new();
    for listen in [Listen::tcp(), Listen::Unix(test_dir.path("ours.sock"))] {
        let name = if matches!(listen, Listen::Tcp(_)) { "tcp" } else { "unix" };
        let _server = start(&test_dir, name, &listen, &[]);
        run(inspected(client(&listen)));
    }
    let listen = Listen::Unix(test_dir.path("kept.sock"));
    let _server = start(&test_dir, "kept", &listen, one_that_is_kept);
    run(async {
        // The limit is one connection, and that of the test's start may still be open. The request has a length, since the
        // server does not keep a connection after a request without one.
        let kept = client(&listen).with_pool_max_idle(1);
        let first = || async { ask(&kept, post("/status/200", 0, whole(b""))).await.unwrap().0 };
        while first().await == StatusCode::SERVICE_UNAVAILABLE {}
        // A second connection would be one too many.
        for number in 0..20 {
            let body = bytes(number * 3000);
            let echoed = ask(&kept, post("/echo", body.len(), whole(body))).await.unwrap();
            assert!(echoed.0 == StatusCode::OK && echoed.1 == body, "{number}: {}", echoed.0);
        }
    });
}

fn run(future: impl Future<Output = ()>) {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async { tokio::time::timeout(TIMEOUT * 2, future).await.expect("an end") });
}

fn client(listen: &Listen) -> Client {
    Client::new(&listen.to_string()).unwrap()
}

fn whole(body: &[u8]) -> Full<Bytes> {
    Full::new(Bytes::copy_from_slice(body))
}

fn post<B>(path: &str, length: usize, body: B) -> Request<B> {
    Request::post(format!("http://example.com{path}")).header("Content-Length", length).body(body).unwrap()
}

/// Returns a body in pieces. Only the header of the request says its length.
fn pieces(body: &'static [u8]) -> StreamBody<impl stream::Stream<Item = io::Result<Frame<Bytes>>> + Send> {
    StreamBody::new(stream::iter(body.chunks(7777).map(|piece| Ok(Frame::data(Bytes::from_static(piece))))))
}

/// Sends a request, and returns the status and the body of the answer.
async fn ask<B>(client: &Client, request: Request<B>) -> Result<(StatusCode, Bytes), ClientError>
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let response: Response<Incoming> = client.clone().oneshot(request).await?;
    let status = response.status();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

async fn get(client: &Client, path: &str) -> (StatusCode, Bytes) {
    let request = Request::get(format!("http://example.com{path}")).body(whole(b"")).unwrap();
    ask(client, request).await.unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Sends the requests for `tests/apps/client.py`.
async fn collection(client: Client) {
    for method in ["GET", "OPTIONS", "DELETE", "PROPFIND"] {
        let request = Request::builder().method(method).uri("http://example.com/a/b?x=1&y=%20").body(whole(b""));
        let (status, body) = ask(&client, request.unwrap()).await.unwrap();
        assert_eq!((status, &*body), (StatusCode::OK, format!("{method} http://example.com/a/b?x=1&y=%20").as_bytes()));
    }
    let head = Request::head("http://example.com/a").body(whole(b"")).unwrap();
    let response = client.clone().oneshot(head).await.unwrap();
    assert_eq!((response.status(), response.headers()["content-length"].as_bytes()), (StatusCode::OK, &b"25"[..]));
    assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());

    for (status, length) in [(200, 8), (204, 0), (404, 8), (500, 8), (299, 8)] {
        let request = Request::get(format!("http://example.com/status/{status}")).body(whole(b"")).unwrap();
        let response = client.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status);
        assert!(response.headers().get_all("x-twice").iter().eq(["1", "2"]), "{:?}", response.headers());
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes().len(), length, "{status}");
    }

    let long = "v".repeat(30_000);
    let request = Request::get("http://example.com/vars")
        .header("X-Latin1", http::HeaderValue::from_bytes(b"caf\xe9").unwrap())
        .header("Cookie", "a=1; b=2")
        .header("X-Long", &long)
        .header("Content-Type", "text/plain; charset=utf-8");
    let seen: Value =
        serde_json::from_slice(&ask(&client, request.body(whole(b"")).unwrap()).await.unwrap().1).unwrap();
    for (key, value) in [
        // PEP 3333: one character for each byte.
        ("HTTP_X_LATIN1", "caf\u{e9}"),
        ("HTTP_COOKIE", "a=1; b=2"),
        ("HTTP_X_LONG", &long),
        ("CONTENT_TYPE", "text/plain; charset=utf-8"),
    ] {
        assert_eq!(seen[key], value, "{key}");
    }

    for length in [0, 1, 4096, 65_536, 20_000_000] {
        let body = bytes(length);
        let (status, answer) = ask(&client, post("/hash", length, pieces(body))).await.unwrap();
        assert_eq!((status, &*answer), (StatusCode::OK, format!("{length} {}", hash(body)).as_bytes()));
    }
    let (_, downloaded) = get(&client, "/bytes/400").await;
    assert_eq!(downloaded.len(), 20_000_000);
    let all = (0..400_usize).flat_map(|number| (0..50_000).map(move |at| ((number + at) % 251) as u8));
    assert!(downloaded.iter().copied().eq(all));

    // The body is larger than all buffers. It stalls unless both directions move at the same time.
    let body = bytes(20_000_000);
    let (status, echoed) = ask(&client, post("/echo", body.len(), pieces(body))).await.unwrap();
    assert!(status == StatusCode::OK && echoed == body, "{status}");

    // The application answers without reading, and the server closes before it has read the body.
    for length in [1000, 20_000_000, 20_000_000, 20_000_000] {
        let (status, body) = ask(&client, post("/refuse", length, pieces(bytes(length)))).await.unwrap();
        assert_eq!((status, &*body), (StatusCode::PAYLOAD_TOO_LARGE, &b"too long"[..]));
    }
}

/// Sends the requests for the inspector.
async fn inspected(client: Client) {
    let report = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap();
    let body = bytes(20_000_000);
    let mut request = post("/a%20b?x=1&y=%20", body.len(), pieces(body));
    request.headers_mut().insert("Accept", http::HeaderValue::from_static("application/json"));
    let (status, answer) = ask(&client, request).await.unwrap();
    let seen = report(&answer);
    assert_eq!(status, StatusCode::OK);
    let digest: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((&seen["body"]["length"], &seen["body"]["sha256"]), (&body.len().into(), &digest.into()));
    let vars = seen["vars"].as_array().unwrap();
    for (key, value) in [
        ("REQUEST_METHOD", "POST"),
        ("REQUEST_URI", "/a%20b?x=1&y=%20"),
        ("PATH_INFO", "/a b"),
        ("QUERY_STRING", "x=1&y=%20"),
        ("HTTP_HOST", "example.com"),
    ] {
        assert!(vars.contains(&serde_json::json!([key, value])), "{key}: {vars:?}");
    }

    let (status, echoed) = ask(&client, post("/echo", body.len(), pieces(body))).await.unwrap();
    assert!(status == StatusCode::OK && echoed == body, "{status}");
    for code in [200, 204, 304, 404, 500] {
        assert_eq!(get(&client, &format!("/status/{code}")).await.0, code);
    }
    for path in ["/bytes/1000000", "/stream/1000000?chunk=40000"] {
        let (_, counted) = get(&client, path).await;
        assert!(counted.iter().copied().eq((0..=255).cycle().take(1_000_000)), "{path}");
    }
    let (status, _) = ask(&client, post("/status/403", 20_000_000, pieces(body))).await.unwrap();
    assert_eq!(status, StatusCode::FORBIDDEN);

    // For the client an answer that is cut off is an error.
    let broken = Request::get("http://example.com/abort").body(whole(b"")).unwrap();
    let error = ask(&client, broken).await.unwrap_err();
    assert!(matches!(error, ClientError::Answer(_) | ClientError::Io(_)), "{error}");
}
