//! Upgraded connections of the server: who gets them, and how they learn of a stop.
#![allow(clippy::unwrap_used, reason = "a test that panics has found something")]

use core::convert::Infallible;
use core::time::Duration;

use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tower::service_fn;
use uwsgi_tower::upgrade::{self, NoUpgrade, OnUpgrade};
use uwsgi_tower::{Body, Connection, serve};

const UPGRADE: &[u8] = b"\0\x15\0\0\x0c\0HTTP_UPGRADE\x05\0hello";

fn switching() -> Response<String> {
    let response = Response::builder().status(101).header("Connection", "upgrade").header("Upgrade", "hello");
    response.body(String::new()).unwrap()
}

/// The first call of `on` gets the connection. All others get an error, every time they are polled.
#[tokio::test]
async fn only_the_first_call_gets_the_connection() {
    let (send, mut upgrades) = mpsc::unbounded_channel::<OnUpgrade>();
    let service = service_fn(move |mut request: Request<Body>| {
        // A layer may copy the extensions.
        let mut copy = Request::new(());
        *copy.extensions_mut() = request.extensions().clone();
        send.send(upgrade::on(&mut request)).unwrap();
        send.send(upgrade::on(&mut copy)).unwrap();
        send.send(upgrade::on(&mut request)).unwrap();
        async { Ok::<_, Infallible>(switching()) }
    });
    let (mut peer, io) = duplex(1 << 16);
    tokio::spawn(Connection::new(io, service).serve());
    peer.write_all(UPGRADE).await.unwrap();
    let mut first = upgrades.recv().await.unwrap();
    let mut connection = (&mut first).await.unwrap();
    assert_eq!((&mut first).await.unwrap_err(), NoUpgrade);
    assert_eq!(first.await.unwrap_err(), NoUpgrade);
    for _ in 0..2 {
        assert_eq!(upgrades.recv().await.unwrap().await.unwrap_err(), NoUpgrade);
    }
    connection.write_all(b"hello").await.unwrap();
    drop(connection);
    let mut answer = String::new();
    peer.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
}

/// The application learns of the stop, and ends the connection at once.
#[tokio::test]
async fn an_upgraded_connection_learns_of_a_stop() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = service_fn(async |mut request: Request<Body>| {
        let upgraded = upgrade::on(&mut request);
        tokio::spawn(async move {
            let mut connection = upgraded.await.unwrap();
            connection.write_all(b"hello").await.unwrap();
            connection.stopping().await;
            connection.write_all(b", and goodbye").await.unwrap();
            connection.shutdown().await.unwrap();
        });
        Ok::<_, Infallible>(switching())
    });
    let (stop, asked) = oneshot::channel::<()>();
    let server = serve(listener, service).with_graceful_shutdown(async { asked.await.unwrap() });
    let server = tokio::spawn(server.into_future());
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(UPGRADE).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        stream.read_buf(&mut answer).await.unwrap();
    }
    stop.send(()).unwrap();
    timeout(Duration::from_secs(20), server).await.expect("the server stops").unwrap().unwrap();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.ends_with(b"\r\n\r\nhello, and goodbye"), "{}", answer.escape_ascii());
}
