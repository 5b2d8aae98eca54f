//! The application that answers with what arrived, and as it is asked to.

use core::time::Duration;
use std::io;
use std::thread::sleep;

use percent_encoding::percent_decode;
use sha2::{Digest, Sha256};
use uwsgi::Request;
use uwsgi::framing::{FramingError, RequestBody};
use uwsgi_inspect::{Format, Report};
use uwsgi_server::{Answer, App, AppError, Body, Call, Head};

use super::route::{Route, route};

/// The application.
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
            Err(wrong) => return refuse(answer, &wrong),
        };
        match route {
            Route::Abort { after, length } => abort(answer, after, length),
            Route::Bytes(count) => bytes(answer, count),
            Route::Delay(time) => {
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
    /// Where the body ends, as the server reads it.
    fn framing(&self, request: &Request<'_>) -> Result<RequestBody, FramingError> {
        if self.chunked { request.body_framing_or_chunked() } else { request.body_framing() }
    }
}

/// What follows the question mark, or nothing.
fn query(request: &Request<'_>) -> Vec<u8> {
    request.target().query().map(|query| query.bytes().collect()).unwrap_or_default()
}

/// What arrived. The body is counted and hashed on its way past. That it did not come whole is for the report to say, which
/// leaves with the status that the request gets anyway.
fn report(
    request: &Request<'_>,
    framing: RequestBody,
    body: &mut dyn Body,
    answer: &mut dyn Answer,
) -> Result<(), AppError> {
    let (mut length, mut sha256) = (0_u64, Sha256::new());
    let passed = pass(body, |bytes| {
        length = length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        sha256.update(bytes);
        Ok(())
    });
    let status = match passed {
        Ok(()) => 200,
        Err(cut) if cut.kind() == io::ErrorKind::UnexpectedEof => 400,
        Err(late) if late.kind() == io::ErrorKind::TimedOut => 408,
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

/// The body, as it comes.
fn echo(
    request: &Request<'_>,
    framing: RequestBody,
    body: &mut dyn Body,
    answer: &mut dyn Answer,
) -> Result<(), AppError> {
    let kind = request.content_type().unwrap_or(b"application/octet-stream");
    // Somebody else's page may have made the request: what comes back is not to run here.
    let head =
        plain_head(200).without("Content-Type").with("Content-Type", kind).with("Content-Security-Policy", "sandbox");
    answer.head(match framing {
        RequestBody::Length(length) => head.with_length(length),
        RequestBody::None => head.with_length(0),
        _ => head,
    })?;
    Ok(pass(body, |bytes| answer.write_all(bytes))?)
}

/// So many bytes, with a length.
fn bytes(answer: &mut dyn Answer, count: u64) -> Result<(), AppError> {
    answer.head(binary_head().with_length(count))?;
    Ok(pattern(answer, 0, count)?)
}

/// So many bytes without a length: the connection's end is theirs.
fn stream(answer: &mut dyn Answer, count: u64, chunk: u64, pause: Duration) -> Result<(), AppError> {
    answer.head(binary_head())?;
    let mut sent = 0_u64;
    while sent < count {
        if sent > 0 {
            sleep(pause);
        }
        let piece = chunk.min(count.saturating_sub(sent));
        pattern(answer, sent, piece)?;
        sent = sent.saturating_add(piece);
    }
    Ok(())
}

/// Bytes one by one.
fn drip(answer: &mut dyn Answer, count: u64, over: Duration) -> Result<(), AppError> {
    answer.head(binary_head().with_length(count))?;
    let pauses = u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX);
    let pause = over.checked_div(pauses).unwrap_or_default();
    for place in 0..count {
        if place > 0 {
            sleep(pause);
        }
        answer.write_all(b"*")?;
    }
    Ok(())
}

/// Half of a body, and then a failure.
fn abort(answer: &mut dyn Answer, after: u64, length: Option<u64>) -> Result<(), AppError> {
    let head = binary_head();
    answer.head(match length {
        Some(length) => head.with_length(length),
        None => head,
    })?;
    pattern(answer, 0, after)?;
    Err("it was asked to fail".into())
}

/// These headers, in the place of those of the same names that an answer has here.
fn headers(answer: &mut dyn Answer, headers: &[(Vec<u8>, Vec<u8>)]) -> Result<(), AppError> {
    if headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(b"content-length")) {
        return refuse(answer, "Content-Length is the server's here");
    }
    let names = headers.iter().map(|(name, _)| String::from_utf8_lossy(name));
    let base = names.clone().fold(plain_head(200), |head, name| head.without(&name));
    let head = headers.iter().fold(base, |head, (name, value)| head.with(name, value));
    let body: String = names.map(|name| format!("{name}\n")).collect();
    match answer.head(head.with_length(u64::try_from(body.len()).unwrap_or(u64::MAX))) {
        Ok(()) => Ok(answer.write_all(body.as_bytes())?),
        Err(error) => refuse(answer, &format!("such a header cannot be sent: {error}")),
    }
}

fn status(answer: &mut dyn Answer, status: u16) -> Result<(), AppError> {
    let head = plain_head(status);
    match status {
        204 | 205 | 304 => Ok(answer.head(head.without("Content-Type"))?),
        _ => text(answer, status, &format!("status {status}\n")),
    }
}

/// Another protocol, in which everything comes back.
fn upgrade(request: &Request<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Result<(), AppError> {
    let Some(protocol) = request.upgrade() else {
        return text(answer, 426, "send the headers Connection: Upgrade and Upgrade: echo\n");
    };
    answer.head(Head::new(101).with("Connection", "Upgrade").with("Upgrade", protocol))?;
    // The peer may wait for the head before it says anything.
    answer.flush()?;
    Ok(pass(body, |bytes| answer.write_all(bytes))?)
}

/// What a client asked for that cannot be.
fn refuse(answer: &mut dyn Answer, wrong: &str) -> Result<(), AppError> {
    text(answer, 400, &format!("{wrong}\n"))
}

fn text(answer: &mut dyn Answer, status: u16, text: &str) -> Result<(), AppError> {
    Ok(answer.whole(plain_head(status), text.as_bytes())?)
}

/// Text that nobody keeps, and that no browser takes for anything else.
fn plain_head(status: u16) -> Head {
    Head::new(status)
        .with("Content-Type", "text/plain; charset=utf-8")
        .with("Cache-Control", "no-store")
        .with("X-Content-Type-Options", "nosniff")
}

fn binary_head() -> Head {
    plain_head(200).without("Content-Type").with("Content-Type", "application/octet-stream")
}

/// Gives the body to `to`, as much at a time as is there.
fn pass(body: &mut dyn Body, mut to: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    loop {
        let bytes = body.fill_buf()?;
        if bytes.is_empty() {
            return Ok(());
        }
        let count = bytes.len();
        to(bytes)?;
        body.consume(count);
    }
}

/// Bytes that count from 0 to 255 and again, as those from `start` on.
fn pattern(to: &mut dyn Answer, start: u64, count: u64) -> io::Result<()> {
    let all: [u8; 256] = core::array::from_fn(|place| u8::try_from(place).unwrap_or_default());
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
