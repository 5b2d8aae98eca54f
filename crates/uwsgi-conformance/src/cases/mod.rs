//! The cases, by topic.

mod answer;
mod block;
mod body;
mod body_limit;
mod connection;
mod ending;
mod foreign;
mod framing;
mod header;
mod keepalive;
mod length;
mod limits;
mod modifiers;
mod one_request;
mod paths;
mod ping;
mod repeated;
mod repeated_length;
mod requests;
mod targets;
mod timing;
mod values;

use crate::case::Case;

/// All cases: first the packet, then the body, the connection, the application.
///
/// ```
/// let case = uwsgi_conformance::all().find(|case| case.name == "length-negative").unwrap();
/// assert_eq!(case.verdict, uwsgi_conformance::Verdict::refused(400));
/// println!("{}: uWSGI {}, gunicorn {}", case.about, case.uwsgi, case.gunicorn);
/// ```
pub fn all() -> impl Iterator<Item = &'static Case> {
    TOPICS.into_iter().flat_map(|(_, cases)| cases)
}

/// The cases by topic, and the topics' names.
pub const TOPICS: [(&str, &[Case]); 22] = [
    ("header", header::CASES),
    ("block", block::CASES),
    ("limits", limits::CASES),
    ("modifiers", modifiers::CASES),
    ("ping", ping::CASES),
    ("foreign", foreign::CASES),
    ("values", values::CASES),
    ("length", length::CASES),
    ("repeated_length", repeated_length::CASES),
    ("body_limit", body_limit::CASES),
    ("framing", framing::CASES),
    ("requests", requests::CASES),
    ("paths", paths::CASES),
    ("targets", targets::CASES),
    ("repeated", repeated::CASES),
    ("body", body::CASES),
    ("timing", timing::CASES),
    ("ending", ending::CASES),
    ("connection", connection::CASES),
    ("answer", answer::CASES),
    ("keepalive", keepalive::CASES),
    ("one_request", one_request::CASES),
];

// What the cases cite, named once.
const ALLOW: &str = "RFC 9110 section 15.5.4; gunicorn 27 --uwsgi-allow-from";
const BEHIND: &str = "RFC 9112 sections 9.3 and 11.2; gunicorn 27 workers/gthread.py";
const BODY: &str = "PEP 3333, Input and Error Streams; uWSGI 2.0 core/reader.c; gunicorn 27 http/body.py";
const CAPACITY: &str = "RFC 9110 section 15.6.4";
const CHUNKED: &str = "RFC 9112 section 7.1; nginx 1.31 ngx_http_uwsgi_module.c; uWSGI 2.0 --http-chunked-input";
const CONTENT: &str = "RFC 9110 sections 5.5, 5.6.2 and 9.1; PEP 3333, environ Variables";
const CONTROL: &str = "uWSGI 2.0 core/protocol.c, the UWSGI_ variables";
const FOREIGN: &str =
    "RFC 9112 section 3, RFC 9113 section 3.4, RFC 8446 section 5.1, the FastCGI and PROXY specifications";
const HOPS: &str = "RFC 9110 section 7.6.1, RFC 9113 section 3.1; nginx 1.22 ngx_http_uwsgi_module.c";
const KEPT: &str = "RFC 9112 section 9.3; gunicorn 27 workers/gthread.py";
const LARGE: &str = "RFC 6585 section 5";
const LARGE_BODY: &str = "RFC 9110 section 15.5.14";
const LENGTH: &str = "RFC 9110 section 8.6, RFC 9112 section 6.3; PEP 3333, environ Variables";
const MODIFIERS: &str = "uWSGI 2.0 core/uwsgi.c, the table of modifiers; RFC 9110 section 15.6.2";
const NOT_TRIED: &str = "not tried";
const PATHS: &str = "PEP 3333, environ Variables; RFC 3875 section 4.1";
const PEP_ERRORS: &str = "PEP 3333, Error Handling; RFC 9112 section 8";
const PEP_LENGTH: &str = "PEP 3333, Handling the Content-Length Header; RFC 9110 section 6.4.1";
const PEP_START: &str = "PEP 3333, The start_response() Callable";
const PING: &str = "uWSGI 2.0 plugins/ping/ping_plugin.c";
const READER: &str = "uWSGI 2.0 proto/uwsgi.c uwsgi_proto_uwsgi_parser; gunicorn 27 uwsgi/message.py";
const REPEATED: &str =
    "nginx 1.22 ngx_http_uwsgi_module.c; uWSGI 2.0 core/protocol.c uwsgi_parse_vars; gunicorn 27 uwsgi/message.py";
const SCHEME: &str =
    "PEP 3333, URL Reconstruction; uWSGI 2.0 plugins/python/wsgi_subhandler.c; gunicorn 27 uwsgi/message.py";
const STOP: &str = "uWSGI 2.0 --worker-reload-mercy; gunicorn 27 --graceful-timeout";
const TARGET: &str =
    "RFC 3986 section 3.3, RFC 9112 section 3.2; RFC 3875 section 4.1; nginx 1.22 ngx_http_core_module.c";
const TIME: &str = "RFC 9110 section 15.5.9; uWSGI 2.0 --socket-timeout; gunicorn 27 --timeout";
const UPGRADE: &str = "RFC 9110 sections 7.8 and 15.2.2; RFC 9113 section 3.1";
const VARS: &str = "uWSGI 2.0 core/protocol.c uwsgi_parse_vars; gunicorn 27 uwsgi/message.py";
