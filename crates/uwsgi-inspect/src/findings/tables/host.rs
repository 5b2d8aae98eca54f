//! Which host, port and scheme the client used.

use uwsgi::{Request, Scheme};

use crate::findings::evidence::Evidence;
use crate::findings::excerpt::Excerpt;
use crate::findings::finding::Finding;
use crate::findings::finding::FrontEnd::{Apache, Lighttpd, Nginx};
use crate::findings::finding::Severity::{Note, Warning};
use crate::findings::inspected_request::{is_placeholder_name, is_private, InspectedRequest};
use crate::findings::nginx_lines;

pub(super) const TABLE: &[Finding] = &[
    Finding::new(
        "https-missing",
        Warning,
        |request| {
            let scheme = request.cgi.scheme();
            let is_told = scheme == Scheme::Https || request.var("SERVER_PORT") == Some(b"443");
            let by = if scheme == Scheme::Https { "the scheme is https" } else { "the port is 443" };
            // nginx itself had no TLS here: $https is empty.
            let line = if request.var("REQUEST_SCHEME") == Some(b"http") {
                "uwsgi_param HTTPS on;\nuwsgi_param REQUEST_SCHEME https;"
            } else {
                "uwsgi_param HTTPS $https if_not_empty;"
            };
            (is_told && !request.cgi.says_https()).then(|| Evidence::two(by, line))
        },
        "HTTPS is missing though {0}: gunicorn, and uWSGI without UWSGI_SCHEME, look at HTTPS alone and tell the \
         application that the client came without TLS. nginx's $https is on where nginx itself ends TLS; if a proxy before it \
         does that for every client, write on.",
        &[(Nginx, "{1}")],
    ),
    Finding::new(
        "scheme-contradicted",
        Warning,
        |request| Evidence::when(request.cgi.says_https() && request.var("REQUEST_SCHEME") == Some(b"http")),
        "HTTPS is on and REQUEST_SCHEME says http: applications read the one or the other. If a proxy before the front end ends the \
         TLS of every client, both vars have to say so.",
        &[(Nginx, "uwsgi_param REQUEST_SCHEME https;")],
    ),
    Finding::new(
        "forwarded-scheme-unread",
        Warning,
        |request| {
            let proxy = request.remote_ip().filter(is_private)?;
            is_forwarded_https(request).then(|| Evidence::one(proxy))
        },
        "A header says that the client used https, the front end says http, and the request came to it from {0}: if that is \
         your proxy and ends the TLS of every client, say https for all. Without it, redirects lead to http and cookies \
         are not secure. uWSGI 2.0 believes the header by itself; gunicorn does not.",
        &[
            (Nginx, "uwsgi_param HTTPS on;\nuwsgi_param REQUEST_SCHEME https;"),
            (Apache, "ServerName https://example.com\nSetEnv HTTPS on"),
        ],
    ),
    Finding::new(
        "forwarded-scheme-from-client",
        Warning,
        |request| {
            let said = forwarded_scheme(request)?;
            let scheme = request.cgi.scheme().as_str();
            let is_proxys = is_forwarded_https(request) && request.remote_ip().as_ref().is_some_and(is_private);
            // Where REQUEST_SCHEME was written out, $scheme may say something else.
            let told = if request.var("REQUEST_SCHEME") == Some(b"http") { "$scheme" } else { "\"\"" };
            (said != scheme.as_bytes() && !is_proxys).then(|| Evidence::two(Excerpt(said), scheme).and(told))
        },
        "A header says that the client used {0}, the front end says {1}: unless a proxy of yours wrote it, the client did. \
         uWSGI 2.0 believes HTTP_X_FORWARDED_PROTO and HTTP_X_FORWARDED_SSL, whoever wrote them; gunicorn does not.",
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
        "HTTP_HOST is {0} and SERVER_PORT {1}: if clients use port {1}, the URLs and redirects that the application builds lack \
         it. Debian's uwsgi_params leaves the port out. If clients use port {2} and it is mapped to {1}, leave HTTP_HOST as it \
         is, and write uwsgi_param SERVER_PORT {2}. Do not send $http_host: a request whose target is a whole URL can carry \
         another Host than the one nginx goes by.",
        &[(Nginx, "uwsgi_param HTTP_HOST {3};")],
    ),
    Finding::new(
        "host-port-differs",
        Note,
        |request| {
            let said = Request::port(request.parsed_host()?.port()?.as_bytes())?;
            let server = Request::port(request.var("SERVER_PORT")?)?;
            let port = if request.is_default_port(said) { String::new() } else { format!(":{said}") };
            (said != server).then(|| Evidence::two(said, server).and(port).and(nginx_lines::host(request)))
        },
        "The client asked for port {0}, and SERVER_PORT is {1}. If port {0} is mapped to {1} before the front end, by Docker or \
         a firewall, the front end cannot know it: write it out. If it is not, the client made it up, and uwsgi_param HTTP_HOST \
         {3} keeps it out. Applications build URLs from HTTP_HOST.",
        &[(Nginx, "uwsgi_param HTTP_HOST $host{2};\nuwsgi_param SERVER_PORT {0};")],
    ),
    Finding::new(
        "host-twice",
        Warning,
        |request| {
            let host = request.var("HTTP_HOST").filter(|host| host.contains(&b','))?;
            Some(Evidence::one(Excerpt(host)))
        },
        "HTTP_HOST is {0}: two Host headers made one. uWSGI's router joins them, and no option of its keeps them apart; \
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
        "SERVER_NAME is {0}: no URL can be built from it where there is no Host.",
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
            let is_told = request.ascii("SERVER_NAME")? == host.name()
                && host.port().is_none_or(|port| request.ascii("SERVER_PORT") == Some(port));
            Evidence::when(is_told)
        },
        "SERVER_NAME and SERVER_PORT are the same as Host, and may be what the client wrote there: Apache takes them from it \
         unless it is told not to. A request with another Host shows which.",
        &[(Apache, "UseCanonicalName On\nUseCanonicalPhysicalPort On")],
    ),
];

/// The scheme that uWSGI 2.0 takes from a header of a proxy's (`core/protocol.c`); servers of this project take none from there.
fn forwarded_scheme<'a>(request: &InspectedRequest<'a>) -> Option<&'a [u8]> {
    let is_on = |value: &[u8]| value.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"on"));
    let says_https = |value: &&[u8]| is_on(value) || value.starts_with(b"1");
    let ssl = || request.var("HTTP_X_FORWARDED_SSL").filter(says_https).map(|_| &b"https"[..]);
    request.non_empty("HTTP_X_FORWARDED_PROTO").or_else(ssl)
}

/// Such a header says https, and the front end does not.
fn is_forwarded_https(request: &InspectedRequest<'_>) -> bool {
    forwarded_scheme(request) == Some(b"https") && request.cgi.scheme() == Scheme::Http
}

/// Whether another proxy had the request before the front end, so that SERVER_PORT is not the client's.
fn came_through_proxy(request: &InspectedRequest<'_>) -> bool {
    let is_proxys =
        |key: &[u8]| key.starts_with(b"HTTP_X_FORWARDED_") || matches!(key, b"HTTP_FORWARDED" | b"HTTP_VIA");
    !request.keys_where(is_proxys).is_empty()
}
