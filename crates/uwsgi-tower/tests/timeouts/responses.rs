//! The time for a service and its response.

use core::convert::Infallible;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{Full, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;
use tower::service_fn;
use tower_service::Service;
use uwsgi::server::Settings;
use uwsgi_tower::Body;

use crate::{Ended, GET, POST, Served, closed, served};

/// A peer has 10 seconds for the whole of a refusal, even if it takes a byte now and then.
#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_read_slowly_is_given_up() {
    let fails = service_fn(async |_: Request<Body>| Err::<Response<Full<Bytes>>, _>(io::Error::other("no")));
    for (sent, end) in [(&b"\0\0\0\0"[..], "broken"), (GET, "reset"), (b"\x64\0\0\0", "broken")] {
        let mut served = Served::with_room(1, Settings::default(), fails);
        served.peer.write_all(sent).await.unwrap();
        let mut taken = 0;
        while !served.task.is_finished() {
            sleep(Duration::from_secs(6)).await;
            taken += served.peer.read(&mut [0; 1]).await.unwrap();
        }
        assert_eq!(served.ended(Vec::new()).await, Ended(String::new(), 12, end), "{taken} bytes were taken");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_is_reset() {
    let service = service_fn(async |_: Request<Body>| {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(vec![b'x'; 100_000]))))
    });
    let mut served = Served::with_room(1000, Settings::default(), service);
    served.peer.write_all(GET).await.unwrap();
    let peer = &mut served.peer;
    // The peer reads something late, and then nothing more.
    sleep(Duration::from_secs(20)).await;
    peer.read_exact(&mut [0; 500]).await.unwrap();
    assert_eq!(served.ended(Vec::new()).await, Ended(String::new(), 3620, "reset"));
}

/// A service that is never ready.
struct Busy;

impl Service<Request<Body>> for Busy {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = core::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Pending
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        panic!("the service was not ready")
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_never_ready_is_503() {
    let mut served = served(Busy);
    served.peer.write_all(GET).await.unwrap();
    served.peer.shutdown().await.unwrap();
    assert_eq!(served.end().await, closed("HTTP/1.1 503 Service Unavailable", 10));
}

#[tokio::test(start_paused = true)]
async fn a_head_leaves_before_a_late_body() {
    let service = service_fn(async |_: Request<Body>| {
        let late = stream::once(async {
            sleep(Duration::from_secs(7)).await;
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"late")))
        });
        Ok::<_, Infallible>(Response::new(StreamBody::new(Box::pin(late))))
    });
    let mut served = served(service);
    served.peer.write_all(GET).await.unwrap();
    let mut head = [0; 19];
    served.peer.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(served.start.elapsed().as_secs(), 0);
    served.peer.shutdown().await.unwrap();
    assert_eq!(served.end().await, closed("late", 7));
}

/// The body of a 204, a 304 or a response to HEAD is not sent. It may be endless.
#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_sent_is_not_polled() {
    const HEAD: &[u8] = b"\0\x16\0\0\x0e\0REQUEST_METHOD\x04\0HEAD";
    for (status, request) in [(204, GET), (304, GET), (200, HEAD)] {
        let service = service_fn(move |_: Request<Body>| {
            let endless = stream::repeat_with(|| Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x"))));
            let response = Response::builder().status(status).body(StreamBody::new(endless)).unwrap();
            async { Ok::<_, Infallible>(response) }
        });
        let mut served = served(service);
        served.peer.write_all(request).await.unwrap();
        served.peer.shutdown().await.unwrap();
        let mut answer = String::new();
        served.peer.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.ends_with("\r\n\r\n"), "{answer}");
    }
}

/// After a response without a length, the peer waits for the end of the connection, even if the settings keep connections.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_response_without_a_length_comes_at_once() {
    let (kept, _bodies) = tokio::sync::mpsc::unbounded_channel();
    let service = service_fn(move |request: Request<Body>| {
        kept.send(request.into_body()).unwrap();
        let open = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"open")))]);
        async { Ok::<_, Infallible>(Response::new(StreamBody::new(open))) }
    });
    let settings = Settings::default().with_keepalive(Duration::from_secs(5));
    let mut served = Served::with_room(1 << 16, settings, service);
    served.peer.write_all(&[POST, b"123"].concat()).await.unwrap();
    let mut answer = String::new();
    served.peer.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("\r\n\r\nopen"), "{answer}");
    assert_eq!(served.start.elapsed().as_secs(), 0);
    assert_eq!(served.ended(Vec::new()).await, closed("", 2));
}
