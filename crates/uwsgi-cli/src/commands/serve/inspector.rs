//! The application: it answers with a report, or with what the path asks for.

use core::time::Duration;
use std::io;
use std::thread::sleep;

use percent_encoding::percent_decode;
use sha2::{Digest, Sha256};
use uwsgi::Request;
use uwsgi::framing::{FramingError, RequestFraming};
use uwsgi_inspect::{Format, Report};
use uwsgi_server::{Answer, App, AppError, Body, Call, Head};

use super::route::{Route, route};

/// The application of `uwsgictl serve`.
#[derive(Debug)]
pub(super) struct Inspector {
    /// Whether the server reads chunked bodies.
    pub(super) chunked: bool,
}

impl App for Inspector {
    fn call(&self, call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
        let request = call.request();
        let target = request.target();
        let path: Vec<u8> = target.path().bytes().collect();
        let route = match route(&percent_decode(&path).collect::<Vec<_>>(), &query(request)) {
            Ok(route) => route,
            Err(error) => return refuse(answer, &error),
        };
        match route {
            Route::Abort { after, length } => abort(answer, after, length),
            Route::Bytes(count) => bytes(answer, count),
            Route::Delay(time) => {
                // The delay that the request asks for.
                sleep(time);
                text(answer, 200, &format!("waited for {} ms\n", time.as_millis()))
            }
            Route::Drip { bytes, over } => drip(answer, bytes, over),
            Route::Echo => echo(request, self.framing(request)?, body, answer),
            Route::Headers(headers) => self::headers(answer, &headers),
            Route::Report => report(request, self.framing(request)?, body, answer),
            Route::Status(status) => self::status(answer, status),
            Route::Stream { bytes, chunk, pause } => stream(answer, bytes, chunk, pause),
            Route::Upgrade => upgrade(request, body, answer),
        }
    }
}

impl Inspector {
    /// Returns where the body ends. The server reads the body in the same way.
    fn framing(&self, request: &Request<'_>) -> Result<RequestFraming, FramingError> {
        if self.chunked { request.body_framing_or_chunked() } else { request.body_framing() }
    }
}

/// Returns the query of the request. It is empty if the request has no query.
fn query(request: &Request<'_>) -> Vec<u8> {
    request.target().query().map(|query| query.bytes().collect()).unwrap_or_default()
}

/// Answers with the report. The body is counted and hashed as it arrives, and is not stored. If the body is incomplete, the
/// report says so, and has the status with which the server itself would refuse it.
fn report(
    request: &Request<'_>,
    framing: RequestFraming,
    body: &mut dyn Body,
    answer: &mut dyn Answer,
) -> Result<(), AppError> {
    let (mut length, mut sha256) = (0_u64, Sha256::new());
    let read = for_each_piece(body, |bytes| {
        length = length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        sha256.update(bytes);
        Ok(())
    });
    let status = match read {
        Ok(()) => 200,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 400,
        Err(error) if error.kind() == io::ErrorKind::TimedOut => 408,
        Err(error) => return Err(error.into()),
    };
    let body = uwsgi_inspect::Body::new(framing, length, sha256.finalize().into());
    let accept = request.header("accept").unwrap_or_default();
    let format = Format::negotiate(&query(request), &accept);
    let head = plain_head(status)
        .without("Content-Type")
        .with("Content-Type", format.content_type())
        .with("Vary", "Accept")
        .with("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
    Ok(answer.whole(head, Report::new(*request, body).to_format(format).as_bytes())?)
}

/// Sends the body back as it arrives.
fn echo(
    request: &Request<'_>,
    framing: RequestFraming,
    body: &mut dyn Body,
    answer: &mut dyn Answer,
) -> Result<(), AppError> {
    let kind = request.content_type().unwrap_or(b"application/octet-stream");
    // A page of another site may have sent the body. A browser must not run scripts in it as scripts of this site.
    let head =
        plain_head(200).without("Content-Type").with("Content-Type", kind).with("Content-Security-Policy", "sandbox");
    answer.head(match framing {
        RequestFraming::Length(length) => head.with_length(length),
        RequestFraming::None => head.with_length(0),
        _ => head,
    })?;
    Ok(for_each_piece(body, |bytes| answer.write_all(bytes))?)
}

/// Sends bytes with a length.
fn bytes(answer: &mut dyn Answer, count: u64) -> Result<(), AppError> {
    answer.head(binary_head().with_length(count))?;
    Ok(pattern(answer, 0, count)?)
}

/// Sends bytes without a length. The server ends them by closing the connection.
fn stream(answer: &mut dyn Answer, count: u64, chunk: u64, pause: Duration) -> Result<(), AppError> {
    answer.head(binary_head())?;
    let mut sent = 0_u64;
    while sent < count {
        if sent > 0 {
            // The pause that the request asks for.
            sleep(pause);
        }
        let piece = chunk.min(count.saturating_sub(sent));
        pattern(answer, sent, piece)?;
        sent = sent.saturating_add(piece);
    }
    Ok(())
}

/// Sends bytes one by one.
fn drip(answer: &mut dyn Answer, count: u64, over: Duration) -> Result<(), AppError> {
    answer.head(binary_head().with_length(count))?;
    let pauses = u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX);
    let pause = over.checked_div(pauses).unwrap_or_default();
    for index in 0..count {
        if index > 0 {
            // The pause that the request asks for.
            sleep(pause);
        }
        answer.write_all(b"*")?;
    }
    Ok(())
}

/// Sends a part of a body, then fails.
fn abort(answer: &mut dyn Answer, after: u64, length: Option<u64>) -> Result<(), AppError> {
    let head = binary_head();
    answer.head(match length {
        Some(length) => head.with_length(length),
        None => head,
    })?;
    pattern(answer, 0, after)?;
    Err("the request asked for a failure".into())
}

/// Sends these headers. They replace the default headers of the same names.
fn headers(answer: &mut dyn Answer, headers: &[(Vec<u8>, Vec<u8>)]) -> Result<(), AppError> {
    if headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(b"content-length")) {
        return refuse(answer, "only the server sets Content-Length");
    }
    let names = headers.iter().map(|(name, _)| String::from_utf8_lossy(name));
    let base = names.clone().fold(plain_head(200), |head, name| head.without(&name));
    let head = headers.iter().fold(base, |head, (name, value)| head.with(name, value));
    let body: String = names.map(|name| format!("{name}\n")).collect();
    match answer.head(head.with_length(u64::try_from(body.len()).unwrap_or(u64::MAX))) {
        Ok(()) => Ok(answer.write_all(body.as_bytes())?),
        Err(error) => refuse(answer, &format!("this header cannot be sent: {error}")),
    }
}

/// Sends the status.
fn status(answer: &mut dyn Answer, status: u16) -> Result<(), AppError> {
    let head = plain_head(status);
    match status {
        204 | 205 | 304 => Ok(answer.head(head.without("Content-Type"))?),
        _ => text(answer, status, &format!("status {status}\n")),
    }
}

/// Upgrades the connection, and sends all bytes back.
fn upgrade(request: &Request<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
    let Some(protocol) = request.upgrade() else {
        return text(answer, 426, "send the headers Connection: Upgrade and Upgrade: echo\n");
    };
    answer.head(Head::new(101).with("Connection", "Upgrade").with("Upgrade", protocol))?;
    // The peer may wait for the head before it sends its first byte.
    answer.flush()?;
    Ok(for_each_piece(body, |bytes| answer.write_all(bytes))?)
}

/// Answers 400 with the reason.
fn refuse(answer: &mut dyn Answer, reason: &str) -> Result<(), AppError> {
    text(answer, 400, &format!("{reason}\n"))
}

fn text(answer: &mut dyn Answer, status: u16, text: &str) -> Result<(), AppError> {
    Ok(answer.whole(plain_head(status), text.as_bytes())?)
}

/// Returns the head of a text that no cache stores, and that no browser takes for another type.
fn plain_head(status: u16) -> Head {
    Head::new(status)
        .with("Content-Type", "text/plain; charset=utf-8")
        .with("Cache-Control", "no-store")
        .with("X-Content-Type-Options", "nosniff")
}

fn binary_head() -> Head {
    plain_head(200).without("Content-Type").with("Content-Type", "application/octet-stream")
}

/// Calls `f` with each piece of the body as it arrives.
fn for_each_piece(body: &mut dyn Body, mut f: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    loop {
        let bytes = body.fill_buf()?;
        if bytes.is_empty() {
            return Ok(());
        }
        let count = bytes.len();
        f(bytes)?;
        body.consume(count);
    }
}

/// Writes `count` bytes of an endless sequence that repeats 0 to 255. The first is the byte at index `start`.
fn pattern(to: &mut dyn Answer, start: u64, count: u64) -> io::Result<()> {
    let all: [u8; 256] = core::array::from_fn(|index| u8::try_from(index).unwrap_or_default());
    let table = all.repeat(64);
    let skip = usize::try_from(start % 256).unwrap_or_default();
    let mut table_left = table.get(skip..).unwrap_or_default();
    let mut left = count;
    while left > 0 {
        let piece = usize::try_from(left).unwrap_or(usize::MAX).min(table_left.len());
        to.write_all(table_left.get(..piece).unwrap_or_default())?;
        left = left.saturating_sub(u64::try_from(piece).unwrap_or(u64::MAX));
        table_left = &table;
    }
    Ok(())
}
