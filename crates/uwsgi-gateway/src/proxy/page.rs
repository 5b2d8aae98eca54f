//! The gateway's own answers: one line of text each.

use alloc::format;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

use crate::body::AnswerBody;

/// How many seconds a client should wait after a 503.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// Makes the answer for a request that the gateway answers itself.
pub(super) fn page(status: StatusCode) -> Response<AnswerBody> {
    let reason = status.canonical_reason().unwrap_or("Error");
    let what = match status {
        StatusCode::OK => return text(status, "OK\n".into()),
        StatusCode::BAD_GATEWAY => ": the application gave no valid answer",
        StatusCode::GATEWAY_TIMEOUT => ": the application did not answer in time",
        StatusCode::SERVICE_UNAVAILABLE => ": try again later",
        StatusCode::REQUEST_TIMEOUT => ": the request came too slowly",
        StatusCode::PAYLOAD_TOO_LARGE => ": the request is longer than this server accepts",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => ": the headers are longer than this server accepts",
        _ => "",
    };
    let mut answer = text(status, format!("{} {reason}{what}\n", status.as_str()).into());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    answer
}

/// Makes such an answer, after which the connection closes.
pub(super) fn last_page(status: StatusCode) -> Response<AnswerBody> {
    let mut answer = page(status);
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

fn text(status: StatusCode, text: Bytes) -> Response<AnswerBody> {
    let mut answer = Response::new(AnswerBody::text(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
