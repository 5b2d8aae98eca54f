//! The deadlines of a connection, on a paused clock that advances when all tasks wait.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test that panics has found something"
)]

use core::convert::Infallible;
use core::future::pending;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tower::service_fn;
use tower_service::Service;
use uwsgi::server::{Refusal, Settings};
use uwsgi_tower::{Body, BodyError, End, Stop, serve_connection_until};

const GET: &[u8] = b"\0\x15\0\0\x0e\0REQUEST_METHOD\x03\0GET";
const POST: &[u8] = b"\0\x2d\0\0\x0e\0REQUEST_METHOD\x04\0POST\x0e\0CONTENT_LENGTH\x05\x0000010";

/// A connection that is being served, and the peer's end of it.
struct Served {
    peer: DuplexStream,
    task: JoinHandle<&'static str>,
    stop: Stop,
    start: Instant,
}

/// How a connection ended: the first line of the response, the seconds since the start, and the way.
#[derive(Debug, PartialEq, Eq)]
struct Ended(String, u64, &'static str);

impl Served {
    /// Serves a connection whose buffers hold `room` bytes in each direction.
    fn with_room<S, B>(room: usize, settings: Settings, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>, Error: Into<Box<dyn core::error::Error + Send + Sync>>>
            + Send
            + 'static,
        S::Future: Send,
        B: http_body::Body<Data: Send, Error: Into<Box<dyn core::error::Error + Send + Sync>>> + Send + 'static,
    {
        let (peer, io) = duplex(room);
        let stop = Stop::new();
        let served = serve_connection_until(io, service, settings, stop.clone());
        let task = tokio::spawn(async move {
            match served.await {
                Ok(End::Abort(_)) => "reset",
                Ok(End::Close(_)) => "closed",
                Ok(_) => "taken",
                Err(_) => "broken",
            }
        });
        Self { peer, task, stop, start: Instant::now() }
    }

    /// Reads to the end, and waits for the end of the connection.
    async fn end(mut self) -> Ended {
        let mut answer = Vec::new();
        self.peer.read_to_end(&mut answer).await.unwrap();
        self.ended(answer).await
    }

    /// Waits for the end of the connection without reading.
    async fn ended(self, answer: Vec<u8>) -> Ended {
        let way = self.task.await.unwrap();
        let line = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned();
        Ended(line, self.start.elapsed().as_secs(), way)
    }
}

fn served<S, B>(service: S) -> Served
where
    S: Service<Request<Body>, Response = Response<B>, Error: Into<Box<dyn core::error::Error + Send + Sync>>>
        + Send
        + 'static,
    S::Future: Send,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn core::error::Error + Send + Sync>>> + Send + 'static,
{
    Served::with_room(1 << 16, Settings::default(), service)
}

async fn hello(_: Request<Body>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from("hello")))
}

/// Answers with the body, and fails with its error.
async fn read_body(request: Request<Body>) -> Result<Response<Full<Bytes>>, BodyError> {
    let body = request.into_body().collect().await?.to_bytes();
    Ok(Response::new(Full::new(body)))
}

fn closed(line: &str, secs: u64) -> Ended {
    Ended(line.to_owned(), secs, "closed")
}

#[tokio::test(start_paused = true)]
async fn silence_before_the_first_byte_closes() {
    assert_eq!(served(service_fn(hello)).end().await, closed("", 10));
}

/// After 10 seconds the refusal is sent. The drain takes 2 seconds more.
#[tokio::test(start_paused = true)]
async fn an_unfinished_header_is_408() {
    let mut served = served(service_fn(hello));
    served.peer.write_all(&GET[..9]).await.unwrap();
    assert_eq!(served.end().await, closed("HTTP/1.1 408 Request Timeout", 12));
}

/// The time is that of the whole header, however short the pauses between its bytes are.
#[tokio::test(start_paused = true)]
async fn a_header_that_trickles_is_408() {
    let mut served = served(service_fn(hello));
    let mut answer = Vec::new();
    let (mut reader, mut writer) = tokio::io::split(served.peer);
    let trickle = async {
        for byte in GET {
            if writer.write_all(&[*byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_secs(3)).await;
        }
    };
    tokio::select! {
        _ = reader.read_to_end(&mut answer) => {}
        () = trickle => panic!("the header was accepted"),
    }
    served.peer = reader.unsplit(writer);
    assert_eq!(served.start.elapsed().as_secs(), 10);
    assert_eq!(served.ended(answer).await, closed("HTTP/1.1 408 Request Timeout", 12));
}

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
async fn a_silent_body_is_408() {
    let mut served = served(service_fn(read_body));
    served.peer.write_all(&[POST, b"1234"].concat()).await.unwrap();
    assert_eq!(served.end().await, closed("HTTP/1.1 408 Request Timeout", 32));
}

/// The service gets an error, and may ignore it.
#[tokio::test(start_paused = true)]
async fn a_silent_body_is_an_error_for_the_service() {
    let service = service_fn(async |request: Request<Body>| {
        let error = request.into_body().collect().await.unwrap_err();
        assert_eq!(error.refusal(), Some(Refusal::BodyTimeout));
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("never mind")))
    });
    let mut served = served(service);
    served.peer.write_all(POST).await.unwrap();
    assert_eq!(served.end().await, closed("HTTP/1.1 200 OK", 32));
}

/// The time of a body does not run while the service does not read it.
#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_read_is_not_late() {
    let service = service_fn(async |request: Request<Body>| {
        sleep(Duration::from_secs(300)).await;
        read_body(request).await
    });
    let mut served = served(service);
    served.peer.write_all(POST).await.unwrap();
    sleep(Duration::from_secs(329)).await;
    served.peer.write_all(&[b'x'; 10]).await.unwrap();
    served.peer.shutdown().await.unwrap();
    assert_eq!(served.end().await, closed("HTTP/1.1 200 OK", 329));
}

/// If the task of the connection is late, the bytes that arrived in time still count.
#[tokio::test(start_paused = true)]
async fn a_late_task_does_not_make_the_peer_late() {
    let mut served = served(service_fn(read_body));
    served.peer.write_all(POST).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    // Nothing runs between these two.
    let write = served.peer.write_all(&[b'x'; 10]);
    futures_util::FutureExt::now_or_never(write).unwrap().unwrap();
    tokio::time::advance(Duration::from_secs(60)).await;
    served.peer.shutdown().await.unwrap();
    assert_eq!(served.end().await, closed("HTTP/1.1 200 OK", 61));
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

#[tokio::test(start_paused = true)]
async fn a_kept_connection_closes_after_its_idle_time() {
    let settings = Settings::default().with_keepalive(Duration::from_secs(5));
    let mut served = Served::with_room(1 << 16, settings, service_fn(hello));
    let packet = b"\0\x13\0\0\x0e\0CONTENT_LENGTH\x01\x000";
    for _ in 0..3 {
        served.peer.write_all(packet).await.unwrap();
        sleep(Duration::from_secs(4)).await;
    }
    let mut answers = Vec::new();
    served.peer.read_to_end(&mut answers).await.unwrap();
    assert_eq!(String::from_utf8(answers).unwrap().matches("hello").count(), 3);
    assert_eq!(served.start.elapsed().as_secs(), 13);
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
async fn a_stop_closes_idle_connections_and_waits_for_busy_ones() {
    let idle = served(service_fn(hello));
    let mut busy = served(service_fn(async |request| {
        sleep(Duration::from_secs(25)).await;
        hello(request).await
    }));
    busy.peer.write_all(GET).await.unwrap();
    busy.peer.shutdown().await.unwrap();
    sleep(Duration::from_secs(3)).await;
    idle.stop.ask();
    busy.stop.ask();
    assert_eq!(idle.end().await, closed("", 3));
    assert_eq!(busy.end().await, closed("HTTP/1.1 200 OK", 25));
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_thirty_seconds() {
    let mut served =
        served(service_fn(async |_: Request<Body>| pending::<Result<Response<String>, Infallible>>().await));
    served.peer.write_all(GET).await.unwrap();
    served.peer.shutdown().await.unwrap();
    sleep(Duration::from_secs(3)).await;
    served.stop.ask();
    assert_eq!(served.end().await, closed("HTTP/1.1 503 Service Unavailable", 33));
}

/// The server does not write a refusal into the middle of a response.
#[tokio::test(start_paused = true)]
async fn a_stop_cuts_off_an_endless_response() {
    let service = service_fn(async |_: Request<Body>| {
        let ticks = stream::unfold((), async |()| {
            sleep(Duration::from_secs(7)).await;
            Some((Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"tick"))), ()))
        });
        Ok::<_, Infallible>(Response::new(StreamBody::new(Box::pin(ticks))))
    });
    let mut served = served(service);
    served.peer.write_all(GET).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    served.stop.ask();
    let Served { mut peer, task, start, .. } = served;
    assert_eq!(task.await.unwrap(), "reset", "half a response looks whole");
    assert_eq!(start.elapsed().as_secs(), 31);
    let mut answer = String::new();
    peer.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("\r\n\r\nticktickticktick"), "{answer}");
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

/// A service that keeps the body does not keep the connection.
#[tokio::test(start_paused = true)]
async fn a_body_held_by_a_task_ends_with_the_connection() {
    let (kept, mut bodies) = tokio::sync::mpsc::unbounded_channel();
    let service = service_fn(move |request: Request<Body>| {
        kept.send(request.into_body()).unwrap();
        async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("accepted"))) }
    });
    let mut served = served(service);
    served.peer.write_all(&[POST, b"123"].concat()).await.unwrap();
    assert_eq!(served.end().await, closed("HTTP/1.1 200 OK", 2));
    let mut body = bodies.recv().await.unwrap();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "123");
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the connection broke inside the body: the answer is over");
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

/// The last byte of a body gives the connection back, even if a task still holds the body.
#[tokio::test(start_paused = true)]
async fn a_body_that_was_read_does_not_hold_the_connection() {
    let (kept, mut bodies) = tokio::sync::mpsc::unbounded_channel();
    let service = service_fn(move |request: Request<Body>| {
        let kept = kept.clone();
        async move {
            let mut body = request.into_body();
            let mut count = 0;
            while !http_body::Body::is_end_stream(&body) {
                count += body.frame().await.unwrap()?.into_data().unwrap().len();
            }
            kept.send(body).unwrap();
            Ok::<_, BodyError>(Response::new(Full::<Bytes>::from(count.to_string())))
        }
    });
    let mut served = served(service);
    served.peer.write_all(&[POST, b"0123456789"].concat()).await.unwrap();
    served.peer.shutdown().await.unwrap();
    assert_eq!(served.end().await, closed("HTTP/1.1 200 OK", 0));
    assert!(bodies.recv().await.unwrap().frame().await.is_none());
}

/// Bodies are `Sync`, as those of hyper are.
#[test]
fn bodies_are_sync() {
    fn boxed<B: http_body::Body<Data = Bytes> + Default + Send + Sync + 'static>() {
        let body = B::default();
        assert_eq!((body.is_end_stream(), body.size_hint().exact()), (true, Some(0)));
        drop(body.boxed());
    }
    boxed::<Body>();
    boxed::<uwsgi_tower::Incoming>();
}
