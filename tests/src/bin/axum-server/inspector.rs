//! The inspector as an axum router. It answers as `uwsgictl serve` does, for all paths that the front-end tests use.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures_util::{Stream, StreamExt, stream};
use http_body_util::BodyExt;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use uwsgi::Packet;
use uwsgi_inspect::{Format, Report};
use uwsgi_tower::{Modifiers, Vars, upgrade};

use crate::work::status_of;

/// Returns the router of a server that reads chunked bodies, or of one that does not.
pub(crate) fn app(chunked: bool) -> Router {
    Router::new()
        .route("/abort", any(abort))
        .route("/bytes/{count}", any(bytes))
        .route("/delay/{millis}", any(delay))
        .route("/echo", any(echo))
        .route("/headers", any(headers))
        .route("/status/{status}", any(status))
        .route("/stream/{count}", any(stream))
        .route("/upgrade", any(upgraded))
        .route("/uri/{*rest}", any(uri))
        .fallback(report)
        .with_state(chunked)
}

/// Reports the request that arrived, and the length and hash of its body.
async fn report(State(chunked): State<bool>, request: Request) -> Result<Response, StatusCode> {
    let (parts, mut body) = request.into_parts();
    let vars = parts.extensions.get::<Vars>().expect("a request of uwsgi");
    let Modifiers { modifier1, modifier2 } = *parts.extensions.get().expect("a request of uwsgi");
    let packet = Packet::new(modifier1, modifier2, vars.as_vars().as_bytes()).expect("it was a packet");
    let request = uwsgi::Request::decode(&packet).expect("it was a request");
    let (mut length, mut sha256) = (0, Sha256::new());
    while let Some(frame) = body.frame().await {
        let data = frame.map_err(|error| status_of(&error))?.into_data().unwrap_or_default();
        length += data.len() as u64;
        sha256.update(&data);
    }
    let framing = if chunked { request.body_framing_or_chunked() } else { request.body_framing() };
    let framing = framing.map_err(|_| StatusCode::BAD_REQUEST)?;
    let body = uwsgi_inspect::Body::new(framing, length, sha256.finalize().into());
    let query: Vec<u8> = request.target().query().into_iter().flat_map(|query| query.bytes()).collect();
    let format = Format::negotiate(&query, &request.header("accept").unwrap_or_default());
    let text = Report::new(request, body).to_format(format);
    Ok(([(header::CONTENT_TYPE, format.content_type())], text).into_response())
}

async fn echo(request: Request) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH).cloned();
    let mut response = Response::new(request.into_body());
    response.headers_mut().extend(length.map(|length| (header::CONTENT_LENGTH, length)));
    response
}

async fn bytes(Path(count): Path<usize>) -> impl IntoResponse {
    ([(header::CONTENT_LENGTH, count.to_string())], Body::from_stream(pattern(count, 16_384, Duration::ZERO)))
}

#[derive(Deserialize)]
struct Pieces {
    #[serde(default = "usual_piece")]
    chunk: usize,
    #[serde(default)]
    delay_ms: u64,
}

fn usual_piece() -> usize {
    4096
}

async fn stream(Path(count): Path<usize>, Query(pieces): Query<Pieces>) -> Body {
    Body::from_stream(pattern(count, pieces.chunk, Duration::from_millis(pieces.delay_ms)))
}

/// Responds after simulated work.
async fn delay(Path(millis): Path<u64>) -> String {
    tokio::time::sleep(Duration::from_millis(millis)).await;
    format!("waited for {millis} ms\n")
}

async fn status(Path(code): Path<u16>) -> Result<Response, StatusCode> {
    let status = StatusCode::from_u16(code).map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(match code {
        204 | 205 | 304 => status.into_response(),
        _ => (status, format!("status {code}\n")).into_response(),
    })
}

async fn headers(Query(pairs): Query<Vec<(String, String)>>) -> Result<HeaderMap, StatusCode> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::try_from(name).map_err(|_| StatusCode::BAD_REQUEST)?;
        headers.append(name, HeaderValue::try_from(value).map_err(|_| StatusCode::BAD_REQUEST)?);
    }
    Ok(headers)
}

#[derive(Deserialize)]
struct Break {
    #[serde(default = "usual_break")]
    after: usize,
    length: Option<String>,
}

fn usual_break() -> usize {
    500
}

/// Sends half of a body, and then fails.
async fn abort(Query(Break { after, length }): Query<Break>) -> Response {
    let pieces =
        pattern(after, after, Duration::ZERO).chain(stream::iter([Err(io::Error::other("it was asked to fail"))]));
    let mut response = Response::new(Body::from_stream(pieces));
    if length.as_deref() != Some("none") {
        response.headers_mut().insert(header::CONTENT_LENGTH, (after * 2).into());
    }
    response
}

/// Returns the target as a router sees it, and the decoded rest of the path.
async fn uri(Path(rest): Path<String>, uri: Uri) -> String {
    format!("{uri} {rest}")
}

/// Switches to another protocol, in which the server sends each byte back.
async fn upgraded(mut request: Request) -> Result<impl IntoResponse, StatusCode> {
    let protocol = request.headers().get(header::UPGRADE).cloned().ok_or(StatusCode::UPGRADE_REQUIRED)?;
    let on = upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(io) = on.await else { return };
        let (mut from, mut to) = tokio::io::split(io);
        let _gone = tokio::io::copy(&mut from, &mut to).await;
        let _gone = to.shutdown().await;
    });
    let connection = HeaderValue::from_static("Upgrade");
    Ok((StatusCode::SWITCHING_PROTOCOLS, [(header::CONNECTION, connection), (header::UPGRADE, protocol)]))
}

/// Returns `count` bytes in pieces. Their values go from 0 to 255, over and over.
fn pattern(count: usize, piece: usize, pause: Duration) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold(0, move |sent| async move {
        if sent >= count {
            return None;
        }
        if sent > 0 {
            // A simulated slow body.
            tokio::time::sleep(pause).await;
        }
        let end = count.min(sent + piece.max(1));
        let bytes: Bytes = (sent..end).map(|place| place as u8).collect();
        Some((Ok(bytes), end))
    })
}
