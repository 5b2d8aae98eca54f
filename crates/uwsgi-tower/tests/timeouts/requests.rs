//! The time for a header and a body.

use core::convert::Infallible;
use core::time::Duration;
use std::io;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;
use tower::service_fn;
use uwsgi::server::{Refusal, Settings};
use uwsgi_tower::Body;

use crate::{GET, POST, Served, closed, hello, read_body, served};

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
