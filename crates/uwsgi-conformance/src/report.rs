//! The report of an application about a request: lines of text, in the body of its answer.
//!
//! | line | what it is |
//! |---|---|
//! | `method GET` | `REQUEST_METHOD`, GET if absent |
//! | `path /m` | `PATH_INFO`, empty if absent |
//! | `query a=1` | `QUERY_STRING` |
//! | `scheme http` | the scheme |
//! | `target /m?a=1` | the target of the request: its path below the mount and its query, percent-encoded |
//! | `mount /shop` | where the application is mounted, empty at the root |
//! | `modifiers 0 0` | both modifiers |
//! | `framing length 5` | how the body is framed: `none`, `length` and a number, or `chunked` |
//! | `vars 10` | the number of vars |
//! | `headers 1` | the number of headers after the rules for repeated and hop-by-hop headers |
//! | `var KEY value` | each of the first 40 vars |
//! | `header name value` | each of the first 40 headers |
//! | `body 5` | the number of bytes of body that were read |
//! | `content hello` | the first 64 bytes of body |
//! | `again 0` | the number of bytes that a second read gave, if there was one |
//! | `error ...` | why reading failed, if it failed |
//!
//! Keys and values are cut after 100 bytes and escaped as in a Rust byte string. An application for another server writes the
//! kinds of line that its interface lets it know.

use core::fmt::Write;

use uwsgi::framing::RequestFraming;
use uwsgi::server::Refusal;
use uwsgi::{HeaderName, Limits, Packet, Request};

use crate::case::Expected;

/// An application in Python, for WSGI (`application`) and ASGI (`asgi_application`). It does what an [`App`](crate::App) says,
/// and answers with the report, as far as WSGI and ASGI let it.
///
/// The environment variable `CONFORMANCE_APP` may name a file with an `App`, written as `{app:?}`. Without it, the application
/// reads and answers.
///
/// ```
/// assert!(uwsgi_conformance::report::PYTHON.contains("def application(environ, start_response):"));
/// ```
pub const PYTHON: &str = include_str!("application.py");

/// How many vars and how many headers are listed.
const LISTED: usize = 40;
/// How many bytes of each key and value are shown.
const SHOWN: usize = 100;

/// What the application read of the body of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// The bytes that it read.
    pub bytes: Vec<u8>,
    /// How many bytes a second read gave, if there was one.
    pub again: Option<usize>,
    /// Why reading failed, if it failed.
    pub error: Option<Refusal>,
}

/// Returns the report about a request: its whole packet, and its body. `accept_chunked` says whether the server accepts a
/// chunked body where there is no length.
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

/// Returns the expected lines that a report contradicts, each with what the report says instead. A kind of line that the report
/// does not have contradicts nothing. Of an error, only the presence is compared, since each server has its own words.
pub(crate) fn contradicted<'e>(report: &[u8], expected: &'e Expected) -> Vec<(&'e str, String)> {
    let lines: Vec<&[u8]> = report.split(|byte| *byte == b'\n').collect();
    let like = |start: &str| lines.iter().find(|line| line.starts_with(start.as_bytes()));
    let against = |wanted: &&'e str| {
        let (kind, rest) = wanted.split_once(' ')?;
        let of_kind = like(&format!("{kind} "));
        let subject = match kind {
            // WSGI servers set these keys themselves, whatever a var says.
            "var" if rest.starts_with("wsgi.") => return None,
            "error" if of_kind.is_some() => return None,
            "error" => "error".to_owned(),
            "header" | "var" => format!("{kind} {}", rest.split(' ').next().unwrap_or_default()),
            _ => kind.to_owned(),
        };
        if lines.contains(&wanted.as_bytes()) || (of_kind.is_none() && kind != "error") {
            return None;
        }
        if kind == "header" && joined(expected, &subject).is_some_and(|joined| lines.contains(&joined.as_bytes())) {
            return None;
        }
        let actual = like(&format!("{subject} ")).map(|line| String::from_utf8_lossy(line).into_owned());
        Some((*wanted, actual.unwrap_or_else(|| format!("no {subject}"))))
    };
    if is_report(report) { expected.seen.iter().filter_map(against).collect() } else { Vec::new() }
}

/// Returns the line of a header as an application sees it whose interface has one value for each name, as WSGI has: all
/// expected values, joined.
fn joined(expected: &Expected, subject: &str) -> Option<String> {
    let name = HeaderName::from_name(subject.strip_prefix("header ")?);
    let values = expected.seen.iter().filter_map(|line| line.strip_prefix(subject)?.strip_prefix(' '));
    let joined = name.joined(values.map(str::as_bytes))?;
    Some(format!("{subject} {}", String::from_utf8_lossy(&joined)))
}

/// Returns the first line of a report that begins with `start`.
pub(crate) fn line(report: &[u8], start: &str) -> Option<String> {
    let found = report.split(|byte| *byte == b'\n').find(|line| line.starts_with(start.as_bytes()));
    found.filter(|_| is_report(report)).map(|line| String::from_utf8_lossy(line).into_owned())
}

/// Returns whether bytes that are no answer hold a report.
pub(crate) fn holds_report(bytes: &[u8]) -> bool {
    let mut starts = bytes.windows(8).enumerate().filter(|(_, start)| *start == b"\nmethod ");
    starts.any(|(place, _)| is_report(bytes.get(place.saturating_add(1)..).unwrap_or_default()))
}

/// Returns whether the body of an answer is a report.
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
        Ok(RequestFraming::Length(length)) => push(text, format_args!("framing length {length}")),
        Ok(RequestFraming::Chunked) => push(text, format_args!("framing chunked")),
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
