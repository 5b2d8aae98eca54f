//! Listeners of the test, and connections that the program accepts itself.

use core::convert::Infallible;
use core::sync::atomic::Ordering;
use core::time::Duration;

use http::{Request, Response};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tower::service_fn;
use uwsgi_tower::{Accepted, Body, Connection, End, Peer, Shared, serve};

use crate::in_process::{Mark, in_process};
use crate::{ALLOWED, GET, allow, answer};

#[tokio::test]
async fn a_custom_listener_is_asked_for_extensions_and_aborts() {
    let (listener, sender) = in_process();
    let service = service_fn(async |request: Request<Body>| {
        assert_eq!(request.extensions().get(), Some(&Mark(7)));
        let Peer(peer) = request.extensions().get().unwrap();
        let peer = peer.to_string();
        if request.uri().path() == "/fail" {
            // The body is shorter than the head says.
            let response = Response::builder().header("Content-Length", "100").body(peer);
            return Ok(response.unwrap());
        }
        Ok::<_, Infallible>(Response::new(peer))
    });
    tokio::spawn(serve(listener, Shared::new(service)).allow_from(allow("10.0.0.1")).into_future());
    let mut stream = sender.connect(ALLOWED);
    stream.write_all(GET).await.unwrap();
    stream.shutdown().await.unwrap();
    assert!(answer(stream).await.ends_with("\r\n\r\n10.0.0.1:1000"));
    assert_eq!(sender.aborted.load(Ordering::SeqCst), 0);
    let mut stream = sender.connect(ALLOWED);
    stream.write_all(b"\0\x14\0\0\x0b\0REQUEST_URI\x05\0/fail").await.unwrap();
    assert!(answer(stream).await.ends_with("\r\n\r\n10.0.0.1:1000"));
    assert_eq!(sender.aborted.load(Ordering::SeqCst), 1);
}

/// A program that accepts connections itself gets the same behaviour as the server.
#[cfg(unix)]
#[tokio::test]
async fn a_connection_accepted_by_the_program_closes_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut front_end = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, peer) = listener.accept().await.unwrap();
    let service = service_fn(async |request: Request<Body>| {
        let Peer(peer) = request.extensions().get().unwrap();
        Ok::<_, Infallible>(Response::new(peer.to_string()))
    });
    let mut settings = uwsgi::server::Settings::default();
    settings.drain_time = Duration::from_secs(60);
    let connection =
        Connection::new(Accepted::from(stream), service).settings(settings).like::<TcpListener>().peer(peer);
    let served = tokio::spawn(connection.serve());
    front_end.write_all(GET).await.unwrap();
    // The front end has not closed, and there is no drain.
    let End::Close(stream) = timeout(Duration::from_secs(20), served).await.unwrap().unwrap().unwrap() else {
        panic!("the connection is not closed");
    };
    drop(stream);
    assert!(answer(front_end).await.ends_with(&format!("\r\n\r\n{peer}")));
}
