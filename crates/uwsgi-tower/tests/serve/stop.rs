//! Connections and services when the server stops.

use core::convert::Infallible;
use core::future::Future;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tower::service_fn;
use tower::util::BoxCloneService;
use uwsgi::server::ConnectionLimit;
use uwsgi_tower::{Body, IncomingStream, Listener, Stopping, serve};

use crate::in_process::{InProcess, in_process};
use crate::{ALLOWED, GET, allow, answer, connect, hello, line};

/// Makes a service slowly.
fn make_slowly<L: Listener>(
    _: IncomingStream<'_, L>,
) -> impl Future<Output = Result<BoxCloneService<Request<Body>, Response<String>, Infallible>, Infallible>> + use<L> {
    async {
        // Simulates slowness.
        sleep(Duration::from_millis(100)).await;
        Ok(BoxCloneService::new(service_fn(hello)))
    }
}

/// The connections wait in the backlog when the server stops, and their services are made slowly.
#[tokio::test]
async fn connections_before_a_stop_are_served() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(connect(address, GET));
    }
    let server =
        serve(listener, service_fn(make_slowly::<TcpListener>)).with_graceful_shutdown(core::future::ready(()));
    let server = tokio::spawn(server.into_future());
    for stream in streams {
        assert_eq!(line(&answer(stream).await), "HTTP/1.1 200 OK");
    }
    server.await.unwrap().unwrap();
}

/// A full backlog is more than the runtime lets one task do in a turn.
#[tokio::test]
async fn a_full_backlog_before_a_stop_is_served() {
    let (listener, sender) = in_process();
    let mut streams = Vec::new();
    for _ in 0..usize::from(ConnectionLimit::BACKLOG) {
        let mut stream = sender.connect(ALLOWED);
        stream.write_all(GET).await.unwrap();
        streams.push(stream);
    }
    let server = serve(listener, service_fn(make_slowly::<InProcess>))
        .with_allow_list(allow("10.0.0.1"))
        .with_graceful_shutdown(core::future::ready(()));
    let server = tokio::spawn(server.into_future());
    for mut stream in streams {
        stream.shutdown().await.unwrap();
        assert_eq!(line(&answer(stream).await), "HTTP/1.1 200 OK");
    }
    server.await.unwrap().unwrap();
}

/// A service that is never made does not block other connections or a stop.
#[tokio::test]
async fn a_service_that_is_never_made_blocks_nothing_else() {
    let (listener, sender) = in_process();
    let count = Arc::<AtomicUsize>::default();
    let make = service_fn(move |_: IncomingStream<'_, InProcess>| {
        let first = count.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            if first {
                core::future::pending::<()>().await;
            }
            Ok::<_, Infallible>(service_fn(hello))
        }
    });
    let (stop, asked) = oneshot::channel::<()>();
    let mut settings = uwsgi::server::Settings::default();
    (settings.stop_grace, settings.drain_time) = (Duration::from_millis(100), Duration::from_millis(100));
    let server = serve(listener, make)
        .with_allow_list(allow("10.0.0.1"))
        .with_settings(settings)
        .with_graceful_shutdown(async { asked.await.unwrap() });
    let server = tokio::spawn(server.into_future());
    let waiting = sender.connect(ALLOWED);
    let mut stream = sender.connect(ALLOWED);
    stream.write_all(GET).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(line(&answer(stream).await), "HTTP/1.1 200 OK");
    stop.send(()).unwrap();
    timeout(Duration::from_secs(20), server).await.expect("the server stops").unwrap().unwrap();
    drop(waiting);
}

/// A stream of events has no end of its own. It hears of the stop, and ends before the grace period is over.
#[tokio::test]
async fn an_endless_stream_hears_of_a_stop() {
    let (listener, sender) = in_process();
    let service = service_fn(async |request: Request<Body>| {
        let stopping = request.extensions().get::<Stopping>().unwrap().clone();
        assert!(!stopping.is_asked());
        let events = stream::once(async { "event" }).chain(stream::pending()).take_until(stopping.asked());
        let events = events.chain(stream::once(async { " and the end" }));
        Ok::<_, Infallible>(Response::new(StreamBody::new(
            events.map(|event| Ok::<_, Infallible>(Frame::data(Bytes::from_static(event.as_bytes())))),
        )))
    });
    let (stop, asked) = oneshot::channel::<()>();
    let mut settings = uwsgi::server::Settings::default();
    settings.stop_grace = Duration::from_secs(3600);
    let server = serve(listener, service)
        .with_allow_list(allow("10.0.0.1"))
        .with_settings(settings)
        .with_graceful_shutdown(async { asked.await.unwrap() });
    let server = tokio::spawn(server.into_future());
    let mut stream = sender.connect(ALLOWED);
    stream.write_all(GET).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"event") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "{}", answer.escape_ascii());
    }
    stop.send(()).unwrap();
    let rest = async {
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.unwrap();
        drop(stream);
        rest
    };
    assert_eq!(timeout(Duration::from_secs(20), rest).await.expect("the stream ends"), " and the end");
    timeout(Duration::from_secs(20), server).await.expect("the server stops").unwrap().unwrap();
}
