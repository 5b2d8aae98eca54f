//! What the application of the cases says about a request: lines of text, in the body of its answer.
//!
//! | line | what it is |
//! |---|---|
//! | `method GET` | `REQUEST_METHOD`, GET if absent |
//! | `path /m` | `PATH_INFO`, nothing if absent |
//! | `query a=1` | `QUERY_STRING` |
//! | `scheme http` | the scheme |
//! | `target /m?a=1` | the request's target: path below the mount, and query, percent-encoded |
//! | `mount /shop` | where the application is mounted, nothing at the root |
//! | `modifiers 0 0` | both modifiers |
//! | `framing length 5` | how the body is framed: `none`, `length` and a number, or `chunked` |
//! | `vars 10` | how many vars there are |
//! | `headers 1` | how many headers there are, of those that count |
//! | `var KEY value` | each of the first 40 vars |
//! | `header name value` | each of the first 40 of them |
//! | `body 5` | how many bytes of body were read |
//! | `content hello` | the first 64 of them |
//! | `again 0` | how many bytes a second read gave, if there was one |
//! | `error ...` | why reading failed, if it did |
//!
//! Keys and values are cut after 100 bytes and escaped as in a Rust byte string. An application for another server writes
//! the kinds of line that it can know; the cases ask for few.

use core::fmt::Write;

use uwsgi::framing::RequestBody;
use uwsgi::server::Refusal;
use uwsgi::{Limits, Packet, Request};

use crate::answers::Answer;
use crate::case::Expected;

/// An application in Python that does what [`App`](crate::App) says and answers with the report, as far as WSGI and ASGI let
/// it: `application` and `asgi_application`. It reads and answers, unless the file that the environment variable
/// `CONFORMANCE_APP` names says otherwise, as `{app:?}`.
///
/// ```
/// assert!(uwsgi_conformance::report::PYTHON.contains("def application(environ, start_response):"));
/// ```
pub const PYTHON: &str = include_str!("application.py");

/// The most vars, and headers, that are listed, and bytes of each that are shown.
const LISTED: usize = 40;
const SHOWN: usize = 100;

/// What was read of a request's body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How many bytes a second read gave.
    pub again: Option<usize>,
    /// Why reading failed.
    pub error: Option<Refusal>,
}

/// The report about the request in `packet`, a whole packet, and its body.
///
/// ```
/// use uwsgi_conformance::report::{Body, report};
/// use uwsgi_conformance::SMALL;
///
/// let body = Body { bytes: b"hello".to_vec(), ..Body::default() };
/// let text = report(&SMALL.build(), false, &body);
/// assert!(text.starts_with("method GET\npath /m\nquery \nscheme http\n"), "{text}");
/// assert!(text.ends_with("\nbody 5\ncontent hello\n"), "{text}");
/// ```
#[must_use]
pub fn report(packet: &[u8], accept_chunked: bool, body: &Body) -> String {
    let mut text = String::new();
    let decoded = Packet::decode(packet)
        .and_then(|(packet, _)| Request::decode_with(&packet, &Limits::wire().with_empty_keys(true)));
    match decoded {
        Ok(request) => describe(&mut text, &request, accept_chunked),
        Err(error) => push(&mut text, format_args!("undecodable {error}")),
    }
    push(&mut text, format_args!("body {}", body.bytes.len()));
    push(&mut text, format_args!("content {}", body.bytes.get(..64).unwrap_or(&body.bytes).escape_ascii()));
    if let Some(again) = body.again {
        push(&mut text, format_args!("again {again}"));
    }
    if let Some(error) = body.error {
        push(&mut text, format_args!("error {error}"));
    }
    text
}

/// The lines that a report must have and that it contradicts, each with what it says instead. A kind of line that it does
/// not have at all says nothing, and the words of an error are its server's own.
pub(crate) fn contradicted<'e>(answer: &Answer, expected: &'e Expected) -> Vec<(&'e str, String)> {
    let lines: Vec<&[u8]> = answer.body.split(|byte| *byte == b'\n').collect();
    let like = |start: &str| lines.iter().find(|line| line.starts_with(start.as_bytes()));
    let against = |wanted: &&'e str| {
        let (kind, rest) = wanted.split_once(' ')?;
        let of_kind = like(&format!("{kind} "));
        let subject = match kind {
            // The server's own, whatever a var says.
            "var" if rest.starts_with("wsgi.") => return None,
            "error" if of_kind.is_some() => return None,
            "error" => "error".to_owned(),
            "header" | "var" => format!("{kind} {}", rest.split(' ').next().unwrap_or_default()),
            _ => kind.to_owned(),
        };
        if lines.contains(&wanted.as_bytes()) || (of_kind.is_none() && kind != "error") {
            return None;
        }
        let actual = like(&format!("{subject} ")).map(|line| String::from_utf8_lossy(line).into_owned());
        Some((*wanted, actual.unwrap_or_else(|| format!("no {subject}"))))
    };
    if is_report(&answer.body) { expected.seen.iter().filter_map(against).collect() } else { Vec::new() }
}

/// The first line of a report that begins so.
pub(crate) fn line(report: &[u8], start: &str) -> Option<String> {
    let found = report.split(|byte| *byte == b'\n').find(|line| line.starts_with(start.as_bytes()));
    found.filter(|_| is_report(report)).map(|line| String::from_utf8_lossy(line).into_owned())
}

/// Whether a report is somewhere in bytes that are no answer.
pub(crate) fn holds_report(bytes: &[u8]) -> bool {
    let mut starts = bytes.windows(8).enumerate().filter(|(_, start)| *start == b"\nmethod ");
    starts.any(|(place, _)| is_report(bytes.get(place.saturating_add(1)..).unwrap_or_default()))
}

/// Whether an answer's body is a report.
pub(crate) fn is_report(body: &[u8]) -> bool {
    let mut lines = body.split(|byte| *byte == b'\n');
    lines.next().is_some_and(|line| line.starts_with(b"method ")) && lines.any(|line| line.starts_with(b"path "))
}

fn describe(text: &mut String, request: &Request<'_>, accept_chunked: bool) {
    push(text, format_args!("method {}", request.method().unwrap_or(b"GET").escape_ascii()));
    push(text, format_args!("path {}", request.path_info().unwrap_or_default().escape_ascii()));
    push(text, format_args!("query {}", request.query_string().unwrap_or_default().escape_ascii()));
    push(text, format_args!("scheme {}", request.scheme().as_str()));
    let target = request.target();
    push(text, format_args!("target {target}"));
    push(text, format_args!("mount {}", target.mount().escape_ascii()));
    push(text, format_args!("modifiers {} {}", request.modifier1().0, request.modifier2()));
    let framing = if accept_chunked { request.body_framing_or_chunked() } else { request.body_framing() };
    match framing {
        Ok(RequestBody::Length(length)) => push(text, format_args!("framing length {length}")),
        Ok(RequestBody::Chunked) => push(text, format_args!("framing chunked")),
        Ok(_) => push(text, format_args!("framing none")),
        Err(error) => push(text, format_args!("framing refused: {error}")),
    }
    push(text, format_args!("vars {}", request.vars().len()));
    push(text, format_args!("headers {}", request.headers().count()));
    for (key, value) in request.vars().iter().take(LISTED) {
        push(text, format_args!("var {} {}", shown(key).escape_ascii(), shown(value).escape_ascii()));
    }
    for (name, value) in request.headers().take(LISTED) {
        push(text, format_args!("header {name} {}", shown(value).escape_ascii()));
    }
}

fn shown(bytes: &[u8]) -> &[u8] {
    bytes.get(..SHOWN).unwrap_or(bytes)
}

fn push(text: &mut String, what: core::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{what}");
}
