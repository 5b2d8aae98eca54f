//! Requests that the caller drops before they end.

use core::convert::Infallible;
use core::future::Future;
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::net::UnixListener;
use tokio::task::yield_now;
use tower::service_fn;
use uwsgi::server::Settings;
use uwsgi_tower::{Body, Client, serve};

use crate::backend::{ask, text};

/// Polls a future `times` times, and drops it. Returns its output if it was ready by then.
async fn poll_up_to<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    core::future::poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// Makes a body of the bytes, a few at a time. It is pending once before each piece.
fn in_pieces(bytes: Bytes) -> StreamBody<impl futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send> {
    StreamBody::new(Box::pin(stream::unfold(bytes, async |mut rest| {
        yield_now().await;
        let piece = rest.split_to(rest.len().min(7));
        (!piece.is_empty()).then_some((Ok(Frame::data(piece)), rest))
    })))
}

/// Answers with the body of the request and its length.
async fn echo(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    yield_now().await;
    let length = request.headers()["content-length"].clone();
    Ok(Response::builder().header("Content-Length", length).body(request.into_body()).unwrap())
}

fn request(tag: usize) -> (Request<impl http_body::Body<Data = Bytes, Error = Infallible> + Send + 'static>, String) {
    let text = format!("the request number {tag:04}, and what belongs to it; ").repeat(6);
    let request = Request::post("/").header("Content-Length", text.len()).body(in_pieces(text.clone().into()));
    (request.unwrap(), text)
}

/// A request is dropped after each possible number of polls. The next requests get their own responses, on whatever connection.
#[tokio::test]
async fn a_dropped_request_does_not_disturb_the_next() {
    let path = std::env::temp_dir().join(format!("uwsgi-tower-cancelled-{}.sock", std::process::id()));
    // A killed process with the same number may have left it.
    let _ = std::fs::remove_file(&path);
    let settings = Settings::default().with_keepalive(Duration::from_secs(60));
    let server = serve(UnixListener::bind(&path).unwrap(), service_fn(echo)).with_settings(settings);
    tokio::spawn(server.into_future());
    let client = Client::new(path.to_str().unwrap()).unwrap().with_pool_max_idle(4);
    let mut tag = 0;
    for times in 0.. {
        let (dropped, expected) = request(tag);
        let asked = poll_up_to(times, async {
            let mut body = ask(&client, dropped).await.unwrap().into_body();
            let mut got = Vec::new();
            while let Some(frame) = body.frame().await {
                got.extend(frame.unwrap().into_data().unwrap());
                yield_now().await;
            }
            got
        });
        let asked = asked.await;
        for _ in 0..2 {
            tag += 1;
            let (next, expected) = request(tag);
            assert_eq!(text(ask(&client, next).await).await.unwrap(), expected, "after {times} polls");
        }
        if let Some(got) = asked {
            assert_eq!(got, expected.into_bytes());
            assert!(times > 40, "there were only {times} awaits");
            break;
        }
    }
    std::fs::remove_file(path).unwrap();
}
