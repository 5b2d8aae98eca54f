//! Vars that did not come.

use uwsgi::Request;

use crate::finding::FrontEnd::Nginx;
use crate::finding::Severity::{Error, Note, Warning};
use crate::finding::{Evidence, Finding};
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
        |seen| Evidence::when(missing(seen, "PATH_INFO") && seen.filled("SCRIPT_NAME").is_none()),
        "PATH_INFO is missing: to the application every request is one for /.",
        &[(Nginx, "uwsgi_param PATH_INFO $document_uri;")],
    ),
    Finding::new(
        "no-query-string",
        Warning,
        |seen| Evidence::when(missing(seen, "QUERY_STRING")),
        "QUERY_STRING is missing: applications see no query. CGI wants the var even where it is empty (RFC 3875 \
         section 4.1.7).",
        &[(Nginx, "uwsgi_param QUERY_STRING $query_string;")],
    ),
    Finding::new(
        "no-request-uri",
        Warning,
        |seen| Evidence::when(missing(seen, "REQUEST_URI")),
        "REQUEST_URI is missing: who needs the path as the client wrote it has only PATH_INFO, which is decoded.",
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
        |seen| match seen.var("SERVER_PORT") {
            None if missing(seen, "SERVER_PORT") => Some(Evidence::one("missing")),
            Some(port) if Request::port(port).is_none() => Some(Evidence::one(format_args!("\"{}\"", Shown(port)))),
            _ => None,
        },
        "SERVER_PORT is {0}: WSGI promises a number (PEP 3333), and applications fail where there is none.",
        &[(Nginx, "uwsgi_param SERVER_PORT $server_port;")],
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
        |seen| Evidence::when(seen.filled("HTTP_HOST").is_none()),
        "HTTP_HOST is missing: the client spoke HTTP/1.0, or the front end keeps the header back. URLs are built from \
         SERVER_NAME and SERVER_PORT then.",
        &[(Nginx, "uwsgi_param HTTP_HOST $http_host;")],
    ),
];

/// One finding for all of them is enough.
fn without_params(seen: &Seen<'_>) -> bool {
    ["REQUEST_METHOD", "REQUEST_URI", "PATH_INFO"].into_iter().all(|key| seen.is_missing(key))
}

fn missing(seen: &Seen<'_>, key: &str) -> bool {
    seen.is_missing(key) && !without_params(seen)
}
