//! The time that a stop leaves.

use core::convert::Infallible;
use core::future::pending;
use core::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;
use tower::service_fn;
use uwsgi_tower::Body;

use crate::{GET, Served, closed, hello, served};

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
