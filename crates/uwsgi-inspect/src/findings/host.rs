//! Which host, port and scheme the client used.

use uwsgi::{Request, Scheme};

use crate::finding::FrontEnd::{Apache, Lighttpd, Nginx};
use crate::finding::Severity::{Note, Warning};
use crate::finding::{Evidence, Finding};
use crate::seen::{Seen, Shown, is_private};

pub(super) const TABLE: &[Finding] = &[
    Finding::new(
        "https-missing",
        Warning,
        |seen| {
            let scheme = seen.request.scheme();
            let is_told = scheme == Scheme::Https || seen.var("SERVER_PORT") == Some(b"443");
            let by = if scheme == Scheme::Https { "the scheme is https" } else { "the port is 443" };
            (is_told && !https_is_on(seen)).then(|| Evidence::one(by))
        },
        "HTTPS is missing though {0}: gunicorn, and uWSGI without UWSGI_SCHEME, look at HTTPS alone and tell the \
         application that the client came without TLS.",
        &[(Nginx, "uwsgi_param HTTPS $https if_not_empty;")],
    ),
    Finding::new(
        "scheme-contradicted",
        Warning,
        |seen| Evidence::when(https_is_on(seen) && seen.var("REQUEST_SCHEME") == Some(b"http")),
        "HTTPS is on and REQUEST_SCHEME says http: who reads which decides. A proxy in front that ends TLS needs both.",
        &[(Nginx, "uwsgi_param REQUEST_SCHEME https;")],
    ),
    Finding::new(
        "forwarded-scheme-unread",
        Warning,
        |seen| {
            let proxy = seen.remote().filter(is_private)?;
            is_forwarded_https(seen).then(|| Evidence::one(proxy))
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
        |seen| {
            let said = forwarded_scheme(seen)?;
            let scheme = seen.request.scheme().as_str();
            let is_proxys = is_forwarded_https(seen) && seen.remote().as_ref().is_some_and(is_private);
            (said != scheme.as_bytes() && !is_proxys).then(|| Evidence::two(Shown(said), scheme))
        },
        "A header says that the client used {0}, the front end says {1}: unless a proxy of yours wrote it, the client did. \
         uWSGI 2.0 believes HTTP_X_FORWARDED_PROTO and HTTP_X_FORWARDED_SSL, whoever wrote them; gunicorn does not.",
        &[
            (Nginx, "uwsgi_param HTTP_X_FORWARDED_PROTO $scheme;\nuwsgi_param HTTP_X_FORWARDED_SSL \"\";"),
            (Apache, "RequestHeader unset X-Forwarded-Proto\nRequestHeader unset X-Forwarded-Ssl"),
        ],
    ),
    Finding::new(
        "host-without-port",
        Warning,
        |seen| {
            let port = Request::port(seen.var("SERVER_PORT")?).filter(|port| !is_default(seen, *port))?;
            let (name, no_port) = seen.host().filter(|_| !is_behind_proxy(seen))?;
            no_port.is_none().then(|| Evidence::two(Shown(name.as_bytes()), port))
        },
        "HTTP_HOST is {0} and SERVER_PORT {1}: if clients use that port, URLs and redirects that the application builds \
         lack it. Debian's uwsgi_params leaves the port out.",
        &[(Nginx, "uwsgi_param HTTP_HOST $http_host;")],
    ),
    Finding::new(
        "host-port-differs",
        Note,
        |seen| {
            let said = Request::port(seen.host()?.1?.as_bytes())?;
            let server = Request::port(seen.var("SERVER_PORT")?)?;
            (said != server).then(|| Evidence::two(said, server))
        },
        "The client asked for port {0}, SERVER_PORT is {1}: the ports are mapped in between, and SERVER_PORT can be the one \
         that clients use; or the client writes what it likes. URLs are built from HTTP_HOST.",
        &[(Nginx, "uwsgi_param SERVER_PORT {0};")],
    ),
    Finding::new(
        "host-twice",
        Warning,
        |seen| {
            let host = seen.var("HTTP_HOST").filter(|host| host.contains(&b','))?;
            Some(Evidence::one(Shown(host)))
        },
        "HTTP_HOST is {0}: two Host headers made one. uWSGI's router joins them, and no option of its keeps them apart; \
         nginx, Apache and lighttpd answer 400.",
        &[],
    ),
    Finding::new(
        "server-name-is-no-name",
        Note,
        |seen| {
            let name = seen.var("SERVER_NAME").filter(|name| matches!(*name, b"" | b"_" | b"localhost"))?;
            Some(Evidence::one(format_args!("\"{}\"", Shown(name))))
        },
        "SERVER_NAME is {0}: nothing that a URL can be built from where there is no Host.",
        &[
            (Nginx, "server_name example.com;"),
            (Apache, "ServerName example.com"),
            (Lighttpd, "server.name = \"example.com\""),
        ],
    ),
    Finding::new(
        "server-name-from-client",
        Note,
        |seen| {
            let (name, port) = seen.host().filter(|_| seen.is_apache())?;
            let is_told =
                seen.ascii("SERVER_NAME")? == name && port.is_none_or(|port| seen.ascii("SERVER_PORT") == Some(port));
            Evidence::when(is_told)
        },
        "SERVER_NAME and SERVER_PORT may be what the client wrote into Host: Apache takes them from there unless it is \
         told not to.",
        &[(Apache, "UseCanonicalName On")],
    ),
];

/// The scheme that a header of a proxy's names.
fn forwarded_scheme<'a>(seen: &Seen<'a>) -> Option<&'a [u8]> {
    match (seen.filled("HTTP_X_FORWARDED_PROTO"), seen.var("HTTP_X_FORWARDED_SSL")) {
        (Some(scheme), _) => Some(scheme),
        (None, Some(b"on" | b"1")) => Some(b"https"),
        _ => None,
    }
}

/// Such a header says https, and the front end does not.
fn is_forwarded_https(seen: &Seen<'_>) -> bool {
    forwarded_scheme(seen) == Some(b"https") && seen.request.scheme() == Scheme::Http
}

fn https_is_on(seen: &Seen<'_>) -> bool {
    let on = |value: &[u8]| [&b"on"[..], b"1", b"true"].iter().any(|yes| value.eq_ignore_ascii_case(yes));
    seen.var("HTTPS").is_some_and(on)
}

/// Whether another proxy had the request before the front end, so that SERVER_PORT is not the client's.
fn is_behind_proxy(seen: &Seen<'_>) -> bool {
    let is_proxys =
        |key: &[u8]| key.starts_with(b"HTTP_X_FORWARDED_") || matches!(key, b"HTTP_FORWARDED" | b"HTTP_VIA");
    !seen.keys(is_proxys).is_empty()
}

fn is_default(seen: &Seen<'_>, port: u16) -> bool {
    match seen.request.scheme() {
        Scheme::Http => port == 80,
        Scheme::Https => port == 443,
    }
}
