//! The application of the load and fault tests. The path says what it does, as in `test-server`.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;

pub(crate) fn app() -> Router {
    Router::new()
        .route("/sleep/{millis}", any(sleep))
        .route("/read", any(read))
        .route("/stream/{kib}", any(stream))
        .route("/panic", any(panics))
        .route("/halfway", any(halfway))
        .route("/fail", any(fail))
        .fallback(hello)
}

async fn hello(request: Request) -> Result<Response, StatusCode> {
    length(request.into_body()).await?;
    Ok(text("hello\n"))
}

/// Responds after simulated work.
async fn sleep(Path(millis): Path<u64>) -> Response {
    tokio::time::sleep(Duration::from_millis(millis)).await;
    text("hello\n")
}

async fn read(request: Request) -> Result<Response, StatusCode> {
    Ok(text(format!("{}\n", length(request.into_body()).await?)))
}

async fn stream(Path(kib): Path<usize>) -> Body {
    static PIECE: [u8; 65_536] = [b'x'; 65_536];
    let pieces =
        (0..kib.div_ceil(64)).map(move |place| Bytes::from_static(&PIECE[..(kib - place * 64).min(64) * 1024]));
    Body::from_stream(stream::iter(pieces.map(Ok::<_, io::Error>)))
}

async fn panics() -> Response {
    panic!("as asked")
}

async fn halfway() -> impl IntoResponse {
    let pieces = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"12345"))]);
    let pieces = pieces.chain(stream::once(async { panic!("as asked, halfway") }));
    ([(header::CONTENT_LENGTH, "10")], Body::from_stream(pieces))
}

async fn fail() -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

fn text(text: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain")], text.into()).into_response()
}

/// Returns the length of a body. A body error becomes the status that the server would refuse it with.
async fn length(mut body: Body) -> Result<usize, StatusCode> {
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let data = frame.map_err(|error| status_of(&error))?.into_data().unwrap_or_default();
        length += data.len();
    }
    Ok(length)
}

/// Returns the status with which a server refuses a body that it cannot read on.
pub(crate) fn status_of(error: &(dyn std::error::Error + 'static)) -> StatusCode {
    let mut errors = std::iter::successors(Some(error), |error| error.source());
    let refusal = errors.find_map(|error| error.downcast_ref::<uwsgi_tower::BodyError>()?.refusal());
    let status = refusal.and_then(|refusal| StatusCode::from_u16(refusal.status()).ok());
    status.unwrap_or(StatusCode::BAD_REQUEST)
}
