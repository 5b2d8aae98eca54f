//! Vars that did not come.

use uwsgi::{Request, Scheme};

use crate::finding::FrontEnd::Nginx;
use crate::finding::Severity::{Error, Note, Warning};
use crate::finding::{Evidence, Finding};
use crate::findings::lines;
use crate::findings::path::mount_alone;
use crate::seen::{Seen, Shown};

pub(super) const TABLE: &[Finding] = &[
    Finding::new(
        "no-uwsgi-params",
        Error,
        |seen| Evidence::when(without_params(seen)),
        "None of REQUEST_METHOD, REQUEST_URI and PATH_INFO arrived: uwsgi_params is not included where uwsgi_pass is. \
         A location with a uwsgi_param of its own inherits none from the level above. Servers take such a request for \
         GET /.",
        &[(Nginx, "include uwsgi_params;")],
    ),
    Finding::new(
        "no-request-method",
        Error,
        |seen| Evidence::when(missing(seen, "REQUEST_METHOD")),
        "REQUEST_METHOD is missing: servers take every request for a GET.",
        &[(Nginx, "uwsgi_param REQUEST_METHOD $request_method;")],
    ),
    Finding::new(
        "no-path-info",
        Error,
        |seen| {
            let mount = mount_alone(seen);
            let path = match (mount, seen.filled("REQUEST_URI")) {
                (Some(_), _) => "SCRIPT_NAME for the path",
                (None, Some(_)) => "the path of REQUEST_URI",
                (None, None) => "/, as there is no REQUEST_URI",
            };
            let rewrite = mount.and_then(lines::rewrite).map(|line| format!("{line}\n")).unwrap_or_default();
            let is_found = missing(seen, "PATH_INFO") && (mount.is_some() || seen.filled("SCRIPT_NAME").is_none());
            is_found.then(|| Evidence::two(path, rewrite))
        },
        "PATH_INFO is missing. Servers of this project take {0}. uWSGI gives the application no path, and gunicorn gives it / \
         for every request.",
        &[(Nginx, "{1}uwsgi_param PATH_INFO $document_uri;")],
    ),
    Finding::new(
        "no-query-string",
        Warning,
        |seen| Evidence::when(missing(seen, "QUERY_STRING")),
        "QUERY_STRING is missing. Servers of this project take the query of REQUEST_URI. In uWSGI and gunicorn the application \
         sees no query. CGI wants the var even where it is empty (RFC 3875 section 4.1.7).",
        &[(Nginx, "uwsgi_param QUERY_STRING $query_string;")],
    ),
    Finding::new(
        "no-request-uri",
        Warning,
        |seen| Evidence::when(missing(seen, "REQUEST_URI")),
        "REQUEST_URI is missing: applications do not see how the client wrote the path. PATH_INFO is decoded.",
        &[(Nginx, "uwsgi_param REQUEST_URI $request_uri;")],
    ),
    Finding::new(
        "no-server-name",
        Warning,
        |seen| Evidence::when(missing(seen, "SERVER_NAME")),
        "SERVER_NAME is missing: WSGI promises one (PEP 3333), and URLs are built from it where there is no Host.",
        &[(Nginx, "uwsgi_param SERVER_NAME $server_name;")],
    ),
    Finding::new(
        "no-server-port",
        Warning,
        |seen| {
            match seen.var("SERVER_PORT") {
                None if missing(seen, "SERVER_PORT") => Some(Evidence::one("missing")),
                Some(port) if Request::port(port).is_none() => Some(Evidence::one(format_args!("\"{}\"", Shown(port)))),
                _ => None,
            }
            .map(|evidence| evidence.and(server_port(seen)))
        },
        "SERVER_PORT is {0}: WSGI promises a number (PEP 3333), and applications fail without one. nginx has no port to send \
         where it listens at a Unix socket: write the one that clients use.",
        &[(Nginx, "uwsgi_param SERVER_PORT {1};")],
    ),
    Finding::new(
        "no-server-protocol",
        Note,
        |seen| Evidence::when(missing(seen, "SERVER_PROTOCOL")),
        "SERVER_PROTOCOL is missing: uWSGI answers with HTTP/1.0 then.",
        &[(Nginx, "uwsgi_param SERVER_PROTOCOL $server_protocol;")],
    ),
    Finding::new(
        "no-remote-addr",
        Warning,
        |seen| Evidence::when(!without_params(seen) && seen.filled("REMOTE_ADDR").is_none()),
        "REMOTE_ADDR is missing or empty: nobody behind the front end knows who the client is.",
        &[(Nginx, "uwsgi_param REMOTE_ADDR $remote_addr;")],
    ),
    Finding::new(
        "no-host",
        Note,
        |seen| {
            let missing = if seen.is_missing("HTTP_HOST") { "missing" } else { "empty" };
            let reason = match seen.var("SERVER_PROTOCOL") {
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
            let evidence = Evidence::two(missing, reason).and(lines::host(seen));
            // nginx has no other host for a client that names none.
            let name = seen.var("SERVER_NAME").is_none_or(is_no_name);
            seen.filled("HTTP_HOST")
                .is_none()
                .then(|| evidence.and(if name { "\nserver_name example.com;" } else { "" }))
        },
        "HTTP_HOST is {0}, so that applications build URLs from SERVER_NAME and SERVER_PORT. {1}",
        &[(Nginx, "uwsgi_param HTTP_HOST {2};{3}")],
    ),
];

/// A name that no URL can be built from.
pub(super) fn is_no_name(name: &[u8]) -> bool {
    matches!(name, b"" | b"_" | b"localhost")
}

/// What nginx can say; it has no port at a Unix socket.
fn server_port(seen: &Seen<'_>) -> &'static str {
    match (seen.var("SERVER_PORT"), seen.request.scheme()) {
        (Some(b""), Scheme::Http) => "80",
        (Some(b""), Scheme::Https) => "443",
        _ => "$server_port",
    }
}

/// One finding for all of them is enough.
fn without_params(seen: &Seen<'_>) -> bool {
    ["REQUEST_METHOD", "REQUEST_URI", "PATH_INFO"].into_iter().all(|key| seen.is_missing(key))
}

fn missing(seen: &Seen<'_>, key: &str) -> bool {
    seen.is_missing(key) && !without_params(seen)
}
