//! What the application of the cases says about a request: lines of text, in the body of its answer.
//!
//! | line | what it is |
//! |---|---|
//! | `method GET` | `REQUEST_METHOD`, GET if absent |
//! | `path /m` | `PATH_INFO`, nothing if absent |
//! | `query a=1` | `QUERY_STRING` |
//! | `scheme http` | the scheme |
//! | `modifiers 0 0` | both modifiers |
//! | `framing length 5` | how the body is framed: `none`, `length` and a number, or `chunked` |
//! | `vars 10` | how many vars there are |
//! | `headers 1` | how many headers there are |
//! | `var KEY value` | each of the first 40 vars |
//! | `header name value` | each of the first 40 headers |
//! | `body 5` | how many bytes of body were read |
//! | `content hello` | the first 64 of them |
//! | `again 0` | how many bytes a second read gave, if there was one |
//! | `error ...` | why reading failed, if it did |
//!
//! Keys and values are cut after 100 bytes and escaped as in a Rust byte string. An application for another server writes the lines that it can know; the
//! cases ask for few.

use core::fmt::Write;

use uwsgi::framing::RequestBody;
use uwsgi::server::Refusal;
use uwsgi::{Limits, Packet, Request};

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
        Err(error) => line(&mut text, format_args!("undecodable {error}")),
    }
    line(&mut text, format_args!("body {}", body.bytes.len()));
    line(&mut text, format_args!("content {}", body.bytes.get(..64).unwrap_or(&body.bytes).escape_ascii()));
    if let Some(again) = body.again {
        line(&mut text, format_args!("again {again}"));
    }
    if let Some(error) = body.error {
        line(&mut text, format_args!("error {error}"));
    }
    text
}

fn describe(text: &mut String, request: &Request<'_>, accept_chunked: bool) {
    line(text, format_args!("method {}", request.method().unwrap_or(b"GET").escape_ascii()));
    line(text, format_args!("path {}", request.path_info().unwrap_or_default().escape_ascii()));
    line(text, format_args!("query {}", request.query_string().unwrap_or_default().escape_ascii()));
    line(text, format_args!("scheme {}", request.scheme().as_str()));
    line(text, format_args!("modifiers {} {}", request.modifier1().0, request.modifier2()));
    let framing = if accept_chunked { request.body_framing_or_chunked() } else { request.body_framing() };
    match framing {
        Ok(RequestBody::Length(length)) => line(text, format_args!("framing length {length}")),
        Ok(RequestBody::Chunked) => line(text, format_args!("framing chunked")),
        Ok(_) => line(text, format_args!("framing none")),
        Err(error) => line(text, format_args!("framing refused: {error}")),
    }
    line(text, format_args!("vars {}", request.vars().len()));
    line(text, format_args!("headers {}", request.headers().count()));
    for (key, value) in request.vars().iter().take(LISTED) {
        line(text, format_args!("var {} {}", shown(key).escape_ascii(), shown(value).escape_ascii()));
    }
    for (name, value) in request.headers().take(LISTED) {
        line(text, format_args!("header {name} {}", shown(value).escape_ascii()));
    }
}

fn shown(bytes: &[u8]) -> &[u8] {
    bytes.get(..SHOWN).unwrap_or(bytes)
}

fn line(text: &mut String, what: core::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{what}");
}
