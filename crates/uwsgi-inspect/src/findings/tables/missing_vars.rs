//! Vars that did not come.

use uwsgi::{Request, Scheme};

use crate::findings::evidence::Evidence;
use crate::findings::excerpt::Excerpt;
use crate::findings::finding::Finding;
use crate::findings::finding::FrontEnd::Nginx;
use crate::findings::finding::Severity::{Error, Note, Warning};
use crate::findings::inspected_request::{is_placeholder_name, InspectedRequest};
use crate::findings::nginx_lines;

pub(super) const TABLE: &[Finding] = &[
    Finding::new(
        "no-uwsgi-params",
        Error,
        |request| Evidence::when(has_no_params(request)),
        "None of REQUEST_METHOD, REQUEST_URI and PATH_INFO arrived: uwsgi_params is not included where uwsgi_pass is. \
         A location with a uwsgi_param of its own inherits none from the level above. Servers take such a request for \
         GET /.",
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
            let is_found = is_separately_missing(request, "PATH_INFO") && (mount.is_some() || request.non_empty("SCRIPT_NAME").is_none());
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
        "REQUEST_URI is missing: applications do not see how the client wrote the path. PATH_INFO is decoded.",
        &[(Nginx, "uwsgi_param REQUEST_URI $request_uri;")],
    ),
    Finding::new(
        "no-server-name",
        Warning,
        |request| Evidence::when(is_separately_missing(request, "SERVER_NAME")),
        "SERVER_NAME is missing: WSGI promises one (PEP 3333), and URLs are built from it where there is no Host.",
        &[(Nginx, "uwsgi_param SERVER_NAME $server_name;")],
    ),
    Finding::new(
        "no-server-port",
        Warning,
        |request| {
            match request.var("SERVER_PORT") {
                None if is_separately_missing(request, "SERVER_PORT") => Some(Evidence::one("missing")),
                Some(port) if Request::port(port).is_none() => Some(Evidence::one(format_args!("\"{}\"", Excerpt(port)))),
                _ => None,
            }
            .map(|evidence| evidence.and(server_port(request)))
        },
        "SERVER_PORT is {0}: WSGI promises a number (PEP 3333), and applications fail without one. nginx has no port to send \
         where it listens at a Unix socket: write the one that clients use.",
        &[(Nginx, "uwsgi_param SERVER_PORT {1};")],
    ),
    Finding::new(
        "no-server-protocol",
        Note,
        |request| Evidence::when(is_separately_missing(request, "SERVER_PROTOCOL")),
        "SERVER_PROTOCOL is missing: uWSGI answers with HTTP/1.0 then.",
        &[(Nginx, "uwsgi_param SERVER_PROTOCOL $server_protocol;")],
    ),
    Finding::new(
        "no-remote-addr",
        Warning,
        |request| Evidence::when(!has_no_params(request) && request.non_empty("REMOTE_ADDR").is_none()),
        "REMOTE_ADDR is missing or empty: nobody behind the front end knows who the client is.",
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
                    "In HTTP/3 the client sends :authority in the place of Host, and nginx before 1.29.5 makes no HTTP_HOST of it."
                }
                Some([b'H', b'T', b'T', b'P', b'/', b'2', ..]) => {
                    "In HTTP/2 the client sends :authority in the place of Host. nginx makes HTTP_HOST of it, unless the \
                     configuration keeps the client's headers back or sets the var to nothing."
                }
                _ => "The front end keeps the client's headers back, or its configuration sets the var to nothing.",
            };
            let evidence = Evidence::two(missing, reason).and(nginx_lines::host(request));
            // nginx has no other host for a client that names none.
            let name = request.var("SERVER_NAME").is_none_or(is_placeholder_name);
            request.non_empty("HTTP_HOST")
                .is_none()
                .then(|| evidence.and(if name { "\nserver_name example.com;" } else { "" }))
        },
        "HTTP_HOST is {0}, so that applications build URLs from SERVER_NAME and SERVER_PORT. {1}",
        &[(Nginx, "uwsgi_param HTTP_HOST {2};{3}")],
    ),
];

/// What nginx can say; it has no port at a Unix socket.
fn server_port(request: &InspectedRequest<'_>) -> &'static str {
    match (request.var("SERVER_PORT"), request.cgi.scheme()) {
        (Some(b""), Scheme::Http) => "80",
        (Some(b""), Scheme::Https) => "443",
        _ => "$server_port",
    }
}

/// One finding for all of them is enough.
fn has_no_params(request: &InspectedRequest<'_>) -> bool {
    ["REQUEST_METHOD", "REQUEST_URI", "PATH_INFO"].into_iter().all(|key| request.is_missing(key))
}

fn is_separately_missing(request: &InspectedRequest<'_>, key: &str) -> bool {
    request.is_missing(key) && !has_no_params(request)
}
