//! Bodies that a task of the service holds.

use core::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::io::AsyncWriteExt;
use tower::service_fn;
use uwsgi_tower::{Body, BodyError};

use crate::{POST, closed, served};

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
    assert_eq!(format!("{error:#}"), "the connection broke inside the body: the answer is over");
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
