//! Listeners of the test, and connections that the program accepts itself.

use core::convert::Infallible;
use core::sync::atomic::Ordering;
use core::time::Duration;

use http::{Request, Response};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tower::service_fn;
use uwsgi_tower::{Accepted, Body, Connection, End, IncomingStream, ListenerExt, Peer, serve};

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
    tokio::spawn(serve(listener, service).with_allow_list(allow("10.0.0.1")).into_future());
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
    let connection = Connection::new(Accepted::from(stream), service)
        .with_settings(settings)
        .with_listener::<TcpListener>()
        .with_peer(peer);
    let served = tokio::spawn(connection.serve());
    front_end.write_all(GET).await.unwrap();
    // The front end has not closed, and there is no drain.
    let End::Close(stream) = timeout(Duration::from_secs(20), served).await.unwrap().unwrap().unwrap() else {
        panic!("the connection is not closed");
    };
    drop(stream);
    assert!(answer(front_end).await.ends_with(&format!("\r\n\r\n{peer}")));
}

/// A function sees each accepted connection, as `tap_io` of axum's listeners does, and the listener stays what it was.
#[tokio::test]
async fn a_tapped_listener_gives_its_connections_to_a_function() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (send, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let listener = listener.tap_io(move |connection| {
        let stream = connection.stream().unwrap();
        stream.set_ttl(7).unwrap();
        send.send(stream.peer_addr().unwrap()).unwrap();
    });
    let server = serve(
        listener,
        service_fn(|request: Request<Body>| async move {
            let Peer(peer) = request.extensions().get().unwrap();
            Ok::<_, Infallible>(Response::new(peer.to_string()))
        }),
    );
    let address = server.local_addr().unwrap();
    tokio::spawn(server.into_future());
    let mut stream = TcpStream::connect(address).await.unwrap();
    let ours = stream.local_addr().unwrap();
    stream.write_all(GET).await.unwrap();
    assert!(answer(stream).await.ends_with(&format!("\r\n\r\n{ours}")));
    assert_eq!(seen.recv().await, Some(ours));
}

/// A service that makes services sees the connection: the peer's user of a Unix socket, and options of a TCP socket.
#[cfg(unix)]
#[tokio::test]
async fn a_make_service_sees_the_accepted_connection() {
    let path = std::env::temp_dir().join(format!("uwsgi-tower-incoming-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let make = service_fn(|stream: IncomingStream<'_, tokio::net::UnixListener>| {
        let user = stream.io().peer_cred().unwrap().uid();
        let text = format!("{user} {}", stream.remote_addr().is_unnamed());
        let service =
            service_fn(move |_: Request<Body>| core::future::ready(Ok::<_, Infallible>(Response::new(text.clone()))));
        core::future::ready(Ok::<_, Infallible>(service))
    });
    let server = serve(listener, make);
    assert_eq!(server.local_addr().unwrap().as_pathname(), Some(&*path));
    tokio::spawn(server.into_future());
    let expected = format!("\r\n\r\n{} true", rustix::process::getuid().as_raw());
    for bytes_first in [true, false] {
        let mut stream = tokio::net::UnixStream::connect(&path).await.unwrap();
        if !bytes_first {
            tokio::task::yield_now().await;
        }
        stream.write_all(GET).await.unwrap();
        let answer = answer(stream).await;
        assert!(answer.ends_with(&expected), "{answer}");
    }
    std::fs::remove_file(&path).unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let make = service_fn(|stream: IncomingStream<'_, TcpListener>| {
        let no_delay = rustix::net::sockopt::tcp_nodelay(stream.io().socket().unwrap()).unwrap();
        let service = service_fn(move |_: Request<Body>| {
            core::future::ready(Ok::<_, Infallible>(Response::new(no_delay.to_string())))
        });
        core::future::ready(Ok::<_, Infallible>(service))
    });
    let server = serve(listener, make);
    let mut stream = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
    tokio::spawn(server.into_future());
    stream.write_all(GET).await.unwrap();
    assert!(answer(stream).await.ends_with("\r\n\r\ntrue"));
}

/// The services of axum and of tower are served as they are, and so are the services that make them.
#[tokio::test]
async fn all_kinds_of_services_are_served() {
    async fn ask<L, M, S, F>(server: uwsgi_tower::Serve<L, M, S, F>)
    where
        L: uwsgi_tower::Listener<Addr = core::net::SocketAddr>,
        uwsgi_tower::Serve<L, M, S, F>: IntoFuture<IntoFuture: Send + 'static>,
    {
        let address = server.local_addr().unwrap();
        let served = server.into_future();
        let task = tokio::spawn(async move { drop(served.await) });
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(GET).await.unwrap();
        assert!(answer(stream).await.ends_with("\r\n\r\nhello"));
        task.abort();
    }
    let listener = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
    let route = || axum::routing::any(async || "hello");
    let router = || axum::Router::new().fallback(async || "hello");
    ask(serve(listener().await, router())).await;
    ask(serve(listener().await, router().into_make_service())).await;
    ask(serve(listener().await, route())).await;
    ask(serve(listener().await, axum::handler::HandlerWithoutStateExt::into_make_service(async || "hello"))).await;
    ask(serve(listener().await, axum::handler::HandlerWithoutStateExt::into_service(async || "hello"))).await;
    ask(serve(listener().await, tower::make::Shared::new(router()))).await;
    ask(serve(listener().await, service_fn(crate::hello))).await;
    ask(serve(listener().await, tower::make::Shared::new(service_fn(crate::hello)))).await;
    ask(serve(listener().await, tower::util::BoxCloneService::new(service_fn(crate::hello)))).await;
}
