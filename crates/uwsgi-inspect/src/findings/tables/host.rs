//! Findings about the host, the port and the scheme that the client used.

use uwsgi::{Request, Scheme};

use crate::findings::evidence::Evidence;
use crate::findings::excerpt::Excerpt;
use crate::findings::finding::Finding;
use crate::findings::finding::FrontEnd::{Apache, Lighttpd, Nginx};
use crate::findings::finding::Severity::{Note, Warning};
use crate::findings::inspected_request::{InspectedRequest, is_placeholder_name, is_private};
use crate::findings::nginx_lines;

pub(super) const TABLE: &[Finding] = &[
    Finding::new(
        "https-missing",
        Warning,
        |request| {
            let scheme = request.cgi.scheme();
            let is_https = scheme == Scheme::Https || request.var("SERVER_PORT") == Some(b"443");
            let reason = if scheme == Scheme::Https { "the scheme is https" } else { "the port is 443" };
            // If REQUEST_SCHEME is http, nginx itself had no TLS, so $https is empty.
            let line = if request.var("REQUEST_SCHEME") == Some(b"http") {
                "uwsgi_param HTTPS on;\nuwsgi_param REQUEST_SCHEME https;"
            } else {
                "uwsgi_param HTTPS $https if_not_empty;"
            };
            (is_https && !request.cgi.says_https()).then(|| Evidence::two(reason, line))
        },
        "HTTPS is missing though {0}: gunicorn, and uWSGI without UWSGI_SCHEME, use only HTTPS and tell the application that \
         the client came without TLS. nginx's $https is on if nginx itself ends TLS. If a proxy before nginx does that for \
         every client, write on.",
        &[(Nginx, "{1}")],
    ),
    Finding::new(
        "scheme-contradicted",
        Warning,
        |request| Evidence::when(request.cgi.says_https() && request.var("REQUEST_SCHEME") == Some(b"http")),
        "HTTPS is on and REQUEST_SCHEME says http: applications read one or the other. If a proxy before the front end ends \
         the TLS of every client, both vars must say so.",
        &[(Nginx, "uwsgi_param REQUEST_SCHEME https;")],
    ),
    Finding::new(
        "forwarded-scheme-unread",
        Warning,
        |request| {
            let proxy = request.remote_ip().filter(is_private)?;
            is_forwarded_https(request).then(|| Evidence::one(proxy))
        },
        "A header says that the client used https, the front end says http, and the request came to the front end from {0}. If \
         {0} is your proxy and ends the TLS of every client, send https for all requests. Otherwise redirects lead to http and \
         cookies are not secure. uWSGI 2.0 trusts the header by default. gunicorn does not.",
        &[
            (Nginx, "uwsgi_param HTTPS on;\nuwsgi_param REQUEST_SCHEME https;"),
            (Apache, "ServerName https://example.com\nSetEnv HTTPS on"),
        ],
    ),
    Finding::new(
        "forwarded-scheme-from-client",
        Warning,
        |request| {
            let forwarded = forwarded_scheme(request)?;
            let scheme = request.cgi.scheme().as_str();
            let is_from_proxy = is_forwarded_https(request) && request.remote_ip().as_ref().is_some_and(is_private);
            // If REQUEST_SCHEME is a fixed value in the configuration, $scheme can differ from it.
            let header_value = if request.var("REQUEST_SCHEME") == Some(b"http") { "$scheme" } else { "\"\"" };
            (forwarded != scheme.as_bytes() && !is_from_proxy)
                .then(|| Evidence::two(Excerpt(forwarded), scheme).and(header_value))
        },
        "A header says that the client used {0}, and the front end says {1}: unless your proxy wrote the header, the client \
         did. uWSGI 2.0 trusts HTTP_X_FORWARDED_PROTO and HTTP_X_FORWARDED_SSL from every client. gunicorn does not.",
        &[
            (Nginx, "uwsgi_param HTTP_X_FORWARDED_PROTO {2};\nuwsgi_param HTTP_X_FORWARDED_SSL \"\";"),
            (Apache, "RequestHeader unset X-Forwarded-Proto\nRequestHeader unset X-Forwarded-Ssl"),
        ],
    ),
    Finding::new(
        "host-without-port",
        Warning,
        |request| {
            let port = Request::port(request.var("SERVER_PORT")?).filter(|port| !request.is_default_port(*port))?;
            let host = request.parsed_host().filter(|host| host.port().is_none() && !came_through_proxy(request))?;
            let default = if request.cgi.scheme() == Scheme::Http { "80" } else { "443" };
            Some(Evidence::two(Excerpt(host.name().as_bytes()), port).and(default).and(nginx_lines::host(request)))
        },
        "HTTP_HOST is {0} and SERVER_PORT {1}: if clients use port {1}, the URLs and redirects that the application builds \
         lack it. Debian's uwsgi_params leaves the port out. If clients use port {2} and it is mapped to {1}, leave HTTP_HOST \
         unchanged, and write uwsgi_param SERVER_PORT {2}. Do not send $http_host: if the target is a whole URL, nginx uses \
         the host of the URL, and Host can be another one.",
        &[(Nginx, "uwsgi_param HTTP_HOST {3};")],
    ),
    Finding::new(
        "host-port-differs",
        Note,
        |request| {
            let requested = Request::port(request.parsed_host()?.port()?.as_bytes())?;
            let server = Request::port(request.var("SERVER_PORT")?)?;
            let port = if request.is_default_port(requested) { String::new() } else { format!(":{requested}") };
            (requested != server).then(|| Evidence::two(requested, server).and(port).and(nginx_lines::host(request)))
        },
        "The client asked for port {0}, and SERVER_PORT is {1}. If Docker or a firewall maps port {0} to {1} before the front \
         end, the front end cannot know port {0}: write it into the configuration. Otherwise the client made port {0} up, and \
         uwsgi_param HTTP_HOST {3} keeps it out. Applications build URLs from HTTP_HOST.",
        &[(Nginx, "uwsgi_param HTTP_HOST $host{2};\nuwsgi_param SERVER_PORT {0};")],
    ),
    Finding::new(
        "host-twice",
        Warning,
        |request| {
            let host = request.var("HTTP_HOST").filter(|host| host.contains(&b','))?;
            Some(Evidence::one(Excerpt(host)))
        },
        "HTTP_HOST is {0}: the client sent two Host headers. uWSGI's router joins them, and has no option to change that. \
         nginx, Apache and lighttpd answer 400.",
        &[],
    ),
    Finding::new(
        "server-name-is-no-name",
        Note,
        |request| {
            let name = request.var("SERVER_NAME").filter(|name| is_placeholder_name(name))?;
            Some(Evidence::one(format_args!("\"{}\"", Excerpt(name))))
        },
        "SERVER_NAME is {0}: applications cannot build URLs from it if a request has no Host.",
        &[
            (Nginx, "server_name example.com;"),
            (Apache, "ServerName example.com"),
            (Lighttpd, "server.name = \"example.com\""),
        ],
    ),
    Finding::new(
        "server-name-from-client",
        Note,
        |request| {
            let host = request.parsed_host().filter(|_| request.is_apache())?;
            let is_equal = request.ascii("SERVER_NAME")? == host.name()
                && host.port().is_none_or(|port| request.ascii("SERVER_PORT") == Some(port));
            Evidence::when(is_equal)
        },
        "SERVER_NAME and SERVER_PORT are the same as in Host, and may come from the client: by default Apache takes them from \
         Host. Send a request with another Host to find out.",
        &[(Apache, "UseCanonicalName On\nUseCanonicalPhysicalPort On")],
    ),
];

/// Returns the scheme that uWSGI 2.0 takes from a proxy's header (`core/protocol.c`). Servers of this project ignore these
/// headers.
fn forwarded_scheme<'a>(request: &InspectedRequest<'a>) -> Option<&'a [u8]> {
    let is_on = |value: &[u8]| value.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"on"));
    let says_https = |value: &&[u8]| is_on(value) || value.starts_with(b"1");
    let ssl = || request.var("HTTP_X_FORWARDED_SSL").filter(says_https).map(|_| &b"https"[..]);
    request.non_empty("HTTP_X_FORWARDED_PROTO").or_else(ssl)
}

/// Returns whether a proxy's header says https, and the front end does not.
fn is_forwarded_https(request: &InspectedRequest<'_>) -> bool {
    forwarded_scheme(request) == Some(b"https") && request.cgi.scheme() == Scheme::Http
}

/// Returns whether the request came through a proxy before the front end. Then SERVER_PORT is not the port that the client
/// used.
fn came_through_proxy(request: &InspectedRequest<'_>) -> bool {
    let is_proxy_header =
        |key: &[u8]| key.starts_with(b"HTTP_X_FORWARDED_") || matches!(key, b"HTTP_FORWARDED" | b"HTTP_VIA");
    !request.keys_where(is_proxy_header).is_empty()
}
