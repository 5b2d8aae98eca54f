//! Paths, names and schemes of good requests.

use crate::case::{Case, Row, SMALL, Step};
use crate::cases::sources::{PATHS, SCHEME};

pub(super) const CASES: &[Case] = &[
    Case::builder("path-not-utf8", "PATH_INFO that is not UTF-8")
        .steps(&[Step::packet(SMALL.changed(&[(b"PATH_INFO", b"/\xe9")]))])
        .served(&["path /\\xe9", "target /%E9"], Row::Served)
        .because("a path is bytes", PATHS),
    Case::builder("path-utf8", "PATH_INFO that is UTF-8 (C3 A9), as nginx sends for /%C3%A9")
        .steps(&[Step::packet(SMALL.changed(&[(b"PATH_INFO", b"/\xc3\xa9"), (b"REQUEST_URI", b"/%C3%A9")]))])
        .served(&["path /\\xc3\\xa9", "target /%C3%A9"], Row::Served)
        .because("a path is bytes", PATHS),
    Case::builder("path-percent", "PATH_INFO /a%41b, which the front end has decoded already")
        .steps(&[Step::packet(SMALL.changed(&[(b"PATH_INFO", b"/a%41b"), (b"REQUEST_URI", b"/a%2541b")]))])
        .served(&["path /a%41b", "target /a%2541b"], Row::Served)
        .because("the front end has decoded it once; to decode it again is a way around its access rules", PATHS),
    Case::builder("path-encoded-dots", "PATH_INFO /a/%2e%2e/b (from /a/%252e%252e/b)")
        .steps(&[Step::packet(SMALL.changed(&[(b"PATH_INFO", b"/a/%2e%2e/b"), (b"REQUEST_URI", b"/a/%252e%252e/b")]))])
        .served(&["path /a/%2e%2e/b", "target /a/%252e%252e/b"], Row::Served)
        .because("the front end has decoded it once; to decode it again is a way around its access rules", PATHS),
    Case::builder("path-question", "PATH_INFO with ? and # in it (from %3F, %23)")
        .steps(&[Step::packet(SMALL.changed(&[(b"PATH_INFO", b"/a?b#c"), (b"REQUEST_URI", b"/a%3Fb%23c")]))])
        .served(&["path /a?b#c", "query ", "target /a%3Fb%23c"], Row::Served)
        .because("a ? in a path is part of it: the query has a var of its own", PATHS),
    Case::builder("path-no-slash", "PATH_INFO without a leading slash")
        .steps(&[Step::packet(SMALL.changed(&[(b"PATH_INFO", b"m")]))])
        .served(&["path m", "target /m"], Row::Served)
        .because("the application judges it; the target gets a slash", PATHS),
    Case::builder("path-empty", "PATH_INFO empty")
        .steps(&[Step::packet(SMALL.changed(&[(b"PATH_INFO", b"")]))])
        .served(&["path ", "target /"], Row::Served)
        .because("PEP 3333: it may be empty, if the URL targets the application's root", PATHS),
    Case::builder("script-name", "SCRIPT_NAME /app")
        .steps(&[Step::packet(SMALL.more(&[(b"SCRIPT_NAME", b"/app")]))])
        .served(&["path /m", "target /m", "mount /app", "var SCRIPT_NAME /app"], Row::Served)
        .because("passed on as it is: nothing is cut from the path", PATHS),
    Case::builder("script-name-header", "HTTP_SCRIPT_NAME /app (a client's header)")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_SCRIPT_NAME", b"/app")]))])
        .served(&["path /m", "header script-name /app"], Row::Served)
        .because("a client's header does not say where the application is mounted", PATHS),
    Case::builder("remote-user", "REMOTE_USER and REMOTE_ADDR")
        .steps(&[Step::packet(SMALL.more(&[(b"REMOTE_USER", b"root"), (b"REMOTE_ADDR", b"192.0.2.7")]))])
        .served(&["var REMOTE_USER root", "var REMOTE_ADDR 192.0.2.7"], Row::Served)
        .because("the front end says so, and it is a peer that may connect", PATHS),
    Case::builder("server-name", "SERVER_NAME other.test")
        .steps(&[Step::packet(SMALL.changed(&[(b"SERVER_NAME", b"other.test")]))])
        .served(&["var SERVER_NAME other.test"], Row::Served)
        .because("PEP 3333: the name comes from the vars, not from the socket", PATHS),
    Case::builder("https-on", "HTTPS on")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTPS", b"on")]))])
        .served(&["scheme https"], Row::Served)
        .because("nginx and Apache send this for TLS", SCHEME),
    Case::builder("https-1", "HTTPS 1")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTPS", b"1")]))])
        .served(&["scheme https"], Row::Served)
        .because("on, 1 and true count, in upper or lower case", SCHEME),
    Case::builder("https-off", "HTTPS off")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTPS", b"off")]))])
        .served(&["scheme http"], Row::Served)
        .because("some servers send this without TLS", SCHEME),
    Case::builder("request-scheme", "REQUEST_SCHEME https (nginx sets it), no HTTPS")
        .steps(&[Step::packet(SMALL.more(&[(b"REQUEST_SCHEME", b"https")]))])
        .served(&["scheme https"], Row::Served)
        .because("nginx's uwsgi_params set it, so that it comes from the front end", SCHEME),
    Case::builder("forwarded-proto", "HTTP_X_FORWARDED_PROTO https (a client's header)")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_X_FORWARDED_PROTO", b"https")]))])
        .served(&["scheme http"], Row::Served)
        .because("a client can send it", SCHEME),
    Case::builder("url-scheme", "a variable named wsgi.url_scheme, value https")
        .steps(&[Step::packet(SMALL.more(&[(b"wsgi.url_scheme", b"https")]))])
        .served(&["scheme https"], Row::Served)
        .because("it counts after REQUEST_SCHEME and UWSGI_SCHEME", SCHEME),
    Case::builder("url-scheme-unknown", "a variable named wsgi.url_scheme, value gopher")
        .steps(&[Step::packet(SMALL.more(&[(b"wsgi.url_scheme", b"gopher")]))])
        .served(&["scheme http"], Row::Served)
        .because("only http and https are schemes", SCHEME),
];
