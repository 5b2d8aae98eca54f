//! Runtimes that end, runtimes without timers, and tasks that are aborted.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has found something")]

use core::convert::Infallible;
use core::future::{IntoFuture, pending};
use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::io::{Read, Write};
use std::panic::catch_unwind;
use std::thread;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tower::{ServiceExt, service_fn};
use uwsgi_tower::{Body, Client, Connection, serve};

/// Dropping the future of a connection closes it, even if a task of the service still holds the body.
#[tokio::test]
async fn a_dropped_connection_is_closed_even_if_a_task_holds_its_body() {
    let (mut peer, io) = duplex(1024);
    let (sender, held) = oneshot::channel();
    let sender = std::sync::Mutex::new(Some(sender));
    let service = service_fn(move |request: Request<Body>| {
        sender.lock().unwrap().take().unwrap().send(request.into_body()).unwrap();
        pending::<Result<Response<Empty<Bytes>>, Infallible>>()
    });
    let served = tokio::spawn(Connection::new(io, service).serve());
    peer.write_all(b"\0\x2d\0\0\x0e\0REQUEST_METHOD\x04\0POST\x0e\0CONTENT_LENGTH\x05\x0000010").await.unwrap();
    let mut body = held.await.unwrap();
    let reads = tokio::spawn(async move { body.frame().await.unwrap().unwrap_err() });
    tokio::task::yield_now().await;
    served.abort();
    served.await.unwrap_err();
    let closed = timeout(Duration::from_secs(5), peer.read(&mut [0])).await;
    assert_eq!(closed.expect("the connection is still open").unwrap(), 0);
    // The task that reads the body gets an error.
    timeout(Duration::from_secs(5), reads).await.expect("the body still waits").unwrap();
}

/// Otherwise the first request that waits would panic.
#[test]
fn a_runtime_without_timers_is_refused_at_once() {
    let runtime = Builder::new_current_thread().enable_io().build().unwrap();
    let hello = || service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())));
    let panics = |served: &dyn Fn()| {
        let panic = catch_unwind(AssertUnwindSafe(served)).unwrap_err();
        let message =
            panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        assert!(message.unwrap().contains("enable_time"), "{message:?}");
    };
    panics(&|| {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            // No connection comes, and the server stops at once.
            let server = serve(listener, hello()).with_graceful_shutdown(async {});
            server.into_future().await.unwrap();
        });
    });
    panics(&|| {
        runtime.block_on(async {
            let (mut peer, io) = duplex(1024);
            // The whole request is there, so that nothing has to wait.
            peer.write_all(b"\0\x15\0\0\x0e\0REQUEST_METHOD\x03\0GET").await.unwrap();
            peer.shutdown().await.unwrap();
            Connection::new(io, hello()).serve().await.unwrap();
        });
    });
}

/// The task that watches kept connections ends with its runtime. The next runtime gets a task of its own.
#[test]
fn kept_connections_are_watched_in_every_runtime() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client::new(&listener.local_addr().unwrap().to_string()).unwrap().with_pool_max_idle(4);
    let (sender, closed) = std::sync::mpsc::channel();
    let (read, was_read) = std::sync::mpsc::channel();
    let backend = thread::spawn(move || {
        for _ in 0..2 {
            let (mut connection, _) = listener.accept().unwrap();
            connection.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let mut packet = [0; 4];
            connection.read_exact(&mut packet).unwrap();
            let length = usize::from(u16::from_le_bytes([packet[1], packet[2]]));
            connection.read_exact(&mut vec![0; length]).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n";
            connection.write_all(answer).unwrap();
            // The client has read the response.
            was_read.recv().unwrap();
            connection.shutdown(std::net::Shutdown::Write).unwrap();
            // A client that watches closes at once.
            sender.send(connection.read(&mut [0]).map_err(|error| error.kind())).unwrap();
        }
    });
    let runtime = || Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let ask = |runtime: &Runtime| {
        let request = Request::get("/").body(Empty::<Bytes>::new()).unwrap();
        assert_eq!(runtime.block_on(client.clone().oneshot(request)).unwrap().status(), 200);
    };
    let first = runtime();
    ask(&first);
    drop(first);
    read.send(()).unwrap();
    assert_eq!(closed.recv().unwrap(), Ok(0), "the connection outlives its runtime");
    let second = runtime();
    ask(&second);
    read.send(()).unwrap();
    assert_eq!(closed.recv().unwrap(), Ok(0), "no task watches");
    backend.join().unwrap();
}
