//! Findings about vars that did not come.

use uwsgi::{Request, Scheme};

use crate::findings::evidence::Evidence;
use crate::findings::excerpt::Excerpt;
use crate::findings::finding::Finding;
use crate::findings::finding::FrontEnd::Nginx;
use crate::findings::finding::Severity::{Error, Note, Warning};
use crate::findings::inspected_request::{InspectedRequest, is_placeholder_name};
use crate::findings::nginx_lines;

pub(super) const TABLE: &[Finding] = &[
    Finding::new(
        "no-uwsgi-params",
        Error,
        |request| Evidence::when(has_no_params(request)),
        "REQUEST_METHOD, REQUEST_URI and PATH_INFO are all missing: the location with uwsgi_pass does not include \
         uwsgi_params. A location with a uwsgi_param of its own inherits no uwsgi_param from the level above. Servers take \
         such a request for GET /.",
        &[(Nginx, "include uwsgi_params;")],
    ),
    Finding::new(
        "no-request-method",
        Error,
        |request| Evidence::when(is_separately_missing(request, "REQUEST_METHOD")),
        "REQUEST_METHOD is missing: servers take every request for a GET.",
        &[(Nginx, "uwsgi_param REQUEST_METHOD $request_method;")],
    ),
    Finding::new(
        "no-path-info",
        Error,
        |request| {
            let mount = request.mount_without_path_info();
            let path = match (mount, request.non_empty("REQUEST_URI")) {
                (Some(_), _) => "SCRIPT_NAME for the path",
                (None, Some(_)) => "the path of REQUEST_URI",
                (None, None) => "/, as there is no REQUEST_URI",
            };
            let rewrite = mount.and_then(nginx_lines::rewrite).map(|line| format!("{line}\n")).unwrap_or_default();
            let is_found = is_separately_missing(request, "PATH_INFO")
                && (mount.is_some() || request.non_empty("SCRIPT_NAME").is_none());
            is_found.then(|| Evidence::two(path, rewrite))
        },
        "PATH_INFO is missing. Servers of this project take {0}. uWSGI gives the application no path, and gunicorn gives it / \
         for every request.",
        &[(Nginx, "{1}uwsgi_param PATH_INFO $document_uri;")],
    ),
    Finding::new(
        "no-query-string",
        Warning,
        |request| Evidence::when(is_separately_missing(request, "QUERY_STRING")),
        "QUERY_STRING is missing. Servers of this project take the query of REQUEST_URI. In uWSGI and gunicorn the application \
         sees no query. CGI wants the var even where it is empty (RFC 3875 section 4.1.7).",
        &[(Nginx, "uwsgi_param QUERY_STRING $query_string;")],
    ),
    Finding::new(
        "no-request-uri",
        Warning,
        |request| Evidence::when(is_separately_missing(request, "REQUEST_URI")),
        "REQUEST_URI is missing: applications cannot see how the client wrote the path, because PATH_INFO is decoded.",
        &[(Nginx, "uwsgi_param REQUEST_URI $request_uri;")],
    ),
    Finding::new(
        "no-server-name",
        Warning,
        |request| Evidence::when(is_separately_missing(request, "SERVER_NAME")),
        "SERVER_NAME is missing: WSGI promises it (PEP 3333), and applications build URLs from it if a request has no Host.",
        &[(Nginx, "uwsgi_param SERVER_NAME $server_name;")],
    ),
    Finding::new(
        "no-server-port",
        Warning,
        |request| {
            match request.var("SERVER_PORT") {
                None if is_separately_missing(request, "SERVER_PORT") => Some(Evidence::one("missing")),
                Some(port) if Request::port(port).is_none() => {
                    Some(Evidence::one(format_args!("\"{}\"", Excerpt(port))))
                }
                _ => None,
            }
            .map(|evidence| evidence.and(server_port(request)))
        },
        "SERVER_PORT is {0}: WSGI promises a number (PEP 3333), and applications fail without one. If nginx listens at a \
         Unix socket, it has no port to send: write the port that clients use.",
        &[(Nginx, "uwsgi_param SERVER_PORT {1};")],
    ),
    Finding::new(
        "no-server-protocol",
        Note,
        |request| Evidence::when(is_separately_missing(request, "SERVER_PROTOCOL")),
        "SERVER_PROTOCOL is missing: then uWSGI answers with HTTP/1.0.",
        &[(Nginx, "uwsgi_param SERVER_PROTOCOL $server_protocol;")],
    ),
    Finding::new(
        "no-remote-addr",
        Warning,
        |request| Evidence::when(!has_no_params(request) && request.non_empty("REMOTE_ADDR").is_none()),
        "REMOTE_ADDR is missing or empty: the application cannot know the client's address.",
        &[(Nginx, "uwsgi_param REMOTE_ADDR $remote_addr;")],
    ),
    Finding::new(
        "no-host",
        Note,
        |request| {
            let missing = if request.is_missing("HTTP_HOST") { "missing" } else { "empty" };
            let reason = match request.var("SERVER_PROTOCOL") {
                Some(b"HTTP/1.0") => "A client of HTTP/1.0 need not send a Host.",
                Some([b'H', b'T', b'T', b'P', b'/', b'3', ..]) => {
                    "In HTTP/3 the client sends :authority in the place of Host, and nginx before 1.29.5 makes no HTTP_HOST of \
                     it."
                }
                Some([b'H', b'T', b'T', b'P', b'/', b'2', ..]) => {
                    "In HTTP/2 the client sends :authority in the place of Host. nginx makes HTTP_HOST of it, unless the \
                     configuration drops the client's headers or sets the var to an empty value."
                }
                _ => "The front end drops the client's headers, or its configuration sets the var to an empty value.",
            };
            let evidence = Evidence::two(missing, reason).and(nginx_lines::host(request));
            // For a client that sends no host, nginx has only its server_name.
            let name = request.var("SERVER_NAME").is_none_or(is_placeholder_name);
            request
                .non_empty("HTTP_HOST")
                .is_none()
                .then(|| evidence.and(if name { "\nserver_name example.com;" } else { "" }))
        },
        "HTTP_HOST is {0}, so applications build URLs from SERVER_NAME and SERVER_PORT. {1}",
        &[(Nginx, "uwsgi_param HTTP_HOST {2};{3}")],
    ),
];

/// Returns the value for the port. If nginx listens at a Unix socket, it has no port to send.
fn server_port(request: &InspectedRequest<'_>) -> &'static str {
    match (request.var("SERVER_PORT"), request.cgi.scheme()) {
        (Some(b""), Scheme::Http) => "80",
        (Some(b""), Scheme::Https) => "443",
        _ => "$server_port",
    }
}

/// Returns whether all of these vars are missing. Then one finding reports them all.
fn has_no_params(request: &InspectedRequest<'_>) -> bool {
    ["REQUEST_METHOD", "REQUEST_URI", "PATH_INFO"].into_iter().all(|key| request.is_missing(key))
}

/// Returns whether this var is missing, and the others of uwsgi_params are not all missing.
fn is_separately_missing(request: &InspectedRequest<'_>, key: &str) -> bool {
    request.is_missing(key) && !has_no_params(request)
}
