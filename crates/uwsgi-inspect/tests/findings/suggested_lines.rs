//! Findings whose lines or text depend on the request.

use uwsgi::framing::RequestFraming;
use uwsgi_inspect::FrontEnd;

use crate::Change::{Also, Came, With, Without};
use crate::{Case, findings};

/// A finding, a request that has it, the lines of the finding for a front end, and a part of its text.
struct Advice(&'static str, Case, FrontEnd, &'static [&'static str], &'static str);

use FrontEnd::{Apache, Lighttpd, Nginx};

const TABLE: &[Advice] = &[
    // The host.
    Advice(
        "host-without-port",
        &[With("HTTP_HOST", "example.com")],
        Nginx,
        &["uwsgi_param HTTP_HOST $host:$server_port;"],
        "If clients use port 80 and it is mapped to 8080",
    ),
    Advice(
        "host-without-port",
        &[
            With("HTTP_HOST", "example.com"),
            With("SERVER_PORT", "8443"),
            With("HTTPS", "on"),
            Without("REQUEST_SCHEME"),
        ],
        Nginx,
        &["uwsgi_param HTTP_HOST $host:$server_port;"],
        "If clients use port 443 and it is mapped to 8443",
    ),
    // The client sets $request_port, so no line uses it, even for versions of nginx that have it.
    Advice(
        "host-without-port",
        &[With("HTTP_HOST", "example.com"), With("SERVER_SOFTWARE", "nginx/1.29.5")],
        Nginx,
        &["uwsgi_param HTTP_HOST $host:$server_port;"],
        "Do not send $http_host",
    ),
    Advice(
        "host-port-differs",
        &[With("HTTP_HOST", "example.com:9999"), With("SERVER_SOFTWARE", "nginx/1.29.5")],
        Nginx,
        &["uwsgi_param HTTP_HOST $host:9999;", "uwsgi_param SERVER_PORT 9999;"],
        "uwsgi_param HTTP_HOST $host:$server_port keeps it out",
    ),
    Advice(
        "no-host",
        &[Without("HTTP_HOST"), With("SERVER_SOFTWARE", "nginx/1.31.5")],
        Nginx,
        &["uwsgi_param HTTP_HOST $host:$server_port;"],
        "",
    ),
    Advice(
        "host-port-differs",
        &[With("HTTP_HOST", "example.com:9090")],
        Nginx,
        &["uwsgi_param HTTP_HOST $host:9090;", "uwsgi_param SERVER_PORT 9090;"],
        "uwsgi_param HTTP_HOST $host:$server_port keeps it out",
    ),
    Advice(
        "host-port-differs",
        &[With("HTTP_HOST", "example.com:9090"), With("SERVER_PORT", "80")],
        Nginx,
        &["uwsgi_param HTTP_HOST $host:9090;", "uwsgi_param SERVER_PORT 9090;"],
        "uwsgi_param HTTP_HOST $host keeps it out",
    ),
    Advice(
        "host-port-differs",
        &[With("HTTP_HOST", "example.com:80")],
        Nginx,
        &["uwsgi_param HTTP_HOST $host;", "uwsgi_param SERVER_PORT 80;"],
        "",
    ),
    Advice(
        "no-host",
        &[Without("HTTP_HOST"), With("SERVER_PROTOCOL", "HTTP/1.0")],
        Nginx,
        &["uwsgi_param HTTP_HOST $host:$server_port;"],
        "A client of HTTP/1.0 need not send a Host",
    ),
    Advice(
        "no-host",
        &[
            Without("HTTP_HOST"),
            With("SERVER_PROTOCOL", "HTTP/1.0"),
            With("SERVER_NAME", "_"),
            With("SERVER_PORT", "80"),
        ],
        Nginx,
        &["uwsgi_param HTTP_HOST $host;", "server_name example.com;"],
        "HTTP_HOST is missing",
    ),
    Advice(
        "no-host",
        &[Without("HTTP_HOST"), With("SERVER_PROTOCOL", "HTTP/2.0"), With("SERVER_PORT", "443"), With("HTTPS", "on")],
        Nginx,
        &["uwsgi_param HTTP_HOST $host;"],
        "In HTTP/2 the client sends :authority in the place of Host",
    ),
    Advice(
        "no-host",
        &[With("HTTP_HOST", ""), With("SERVER_PROTOCOL", "HTTP/3.0"), With("SERVER_PORT", "443"), With("HTTPS", "on")],
        Nginx,
        &["uwsgi_param HTTP_HOST $host;"],
        "HTTP_HOST is empty, so applications build URLs from SERVER_NAME and SERVER_PORT. In HTTP/3",
    ),
    Advice(
        "no-host",
        &[Without("HTTP_HOST")],
        Nginx,
        &["uwsgi_param HTTP_HOST $host:$server_port;"],
        "drops the client's headers",
    ),
    Advice("no-server-port", &[With("SERVER_PORT", "")], Nginx, &["uwsgi_param SERVER_PORT 80;"], "Unix socket"),
    Advice(
        "no-server-port",
        &[With("SERVER_PORT", ""), With("HTTPS", "on")],
        Nginx,
        &["uwsgi_param SERVER_PORT 443;"],
        "",
    ),
    Advice("no-server-port", &[Without("SERVER_PORT")], Nginx, &["uwsgi_param SERVER_PORT $server_port;"], ""),
    // The scheme.
    Advice(
        "https-missing",
        &[With("REQUEST_SCHEME", "https")],
        Nginx,
        &["uwsgi_param HTTPS $https if_not_empty;"],
        "the scheme is https",
    ),
    Advice(
        "https-missing",
        &[With("SERVER_PORT", "443")],
        Nginx,
        &["uwsgi_param HTTPS on;", "uwsgi_param REQUEST_SCHEME https;"],
        "the port is 443",
    ),
    Advice(
        "forwarded-scheme-from-client",
        &[With("HTTP_X_FORWARDED_PROTO", "https")],
        Nginx,
        &["uwsgi_param HTTP_X_FORWARDED_PROTO $scheme;", "uwsgi_param HTTP_X_FORWARDED_SSL \"\";"],
        "",
    ),
    Advice(
        "forwarded-scheme-from-client",
        &[With("HTTP_X_FORWARDED_PROTO", "http"), With("REQUEST_SCHEME", "https"), With("HTTPS", "on")],
        Nginx,
        &["uwsgi_param HTTP_X_FORWARDED_PROTO \"\";", "uwsgi_param HTTP_X_FORWARDED_SSL \"\";"],
        "",
    ),
    // The client.
    Advice(
        "remote-addr-is-unix",
        &[With("REMOTE_ADDR", "unix:"), With("HTTP_X_FORWARDED_FOR", "203.0.113.9")],
        Nginx,
        &["set_real_ip_from unix:;", "real_ip_header X-Forwarded-For;"],
        "over a Unix socket",
    ),
    Advice(
        "remote-addr-is-unix",
        &[With("REMOTE_ADDR", "unix:")],
        Nginx,
        &[
            "set_real_ip_from unix:;",
            "real_ip_header X-Forwarded-For;",
            "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; # where the proxy has proxy_pass",
        ],
        "",
    ),
    Advice("remote-addr-with-zone", &[With("REMOTE_ADDR", "fe80::1%eth0")], Nginx, &[], "fe80::1 with the zone eth0"),
    Advice(
        "forwarded-for-unread",
        &[With("REMOTE_ADDR", "10.0.0.1"), With("HTTP_X_FORWARDED_FOR", "203.0.113.9")],
        Apache,
        &["RemoteIPHeader X-Forwarded-For", "RemoteIPInternalProxy 10.0.0.1"],
        "",
    ),
    Advice(
        "forwarded-for-unread",
        &[With("REMOTE_ADDR", "10.0.0.1"), With("HTTP_X_FORWARDED_FOR", "203.0.113.9")],
        Lighttpd,
        &["server.modules += ( \"mod_extforward\" )", "extforward.forwarder = ( \"10.0.0.1\" => \"trust\" )"],
        "",
    ),
    // Paths.
    Advice(
        "no-path-info",
        &[Without("PATH_INFO")],
        Nginx,
        &["uwsgi_param PATH_INFO $document_uri;"],
        "Servers of this project take the path of REQUEST_URI. uWSGI gives the application no path, and gunicorn gives it /",
    ),
    Advice(
        "no-path-info",
        &[Without("PATH_INFO"), Without("REQUEST_URI")],
        Nginx,
        &["uwsgi_param PATH_INFO $document_uri;"],
        "Servers of this project take /, as there is no REQUEST_URI.",
    ),
    Advice(
        "no-path-info",
        &[Without("PATH_INFO"), With("SCRIPT_NAME", "/app"), With("REQUEST_URI", "/app/x")],
        Nginx,
        &["rewrite (?s)^/app(?:/(.*))?\\z /$1 break;", "uwsgi_param PATH_INFO $document_uri;"],
        "Servers of this project take SCRIPT_NAME for the path.",
    ),
    Advice(
        "no-query-string",
        &[Without("QUERY_STRING")],
        Nginx,
        &["uwsgi_param QUERY_STRING $query_string;"],
        "Servers of this project take the query of REQUEST_URI. In uWSGI and gunicorn the application sees no query.",
    ),
    Advice(
        "script-name-twice",
        &[With("SCRIPT_NAME", "/a/b/"), With("PATH_INFO", "/a/b/x"), With("REQUEST_URI", "/a/b/x")],
        Nginx,
        &["rewrite (?s)^/a/b(?:/(.*))?\\z /$1 break;"],
        "",
    ),
    Advice(
        "script-name-twice",
        &[With("SCRIPT_NAME", "/a.b"), With("PATH_INFO", "/a.b/x"), With("REQUEST_URI", "/a.b/x")],
        Nginx,
        &[],
        "",
    ),
    Advice(
        "path-info-without-slash",
        &[With("SCRIPT_NAME", "/shop"), With("PATH_INFO", "cart"), With("REQUEST_URI", "/shop/cart?x")],
        Nginx,
        &["rewrite (?s)^/shop(?:/(.*))?\\z /$1 break;"],
        "must begin with a slash",
    ),
    Advice("path-info-without-slash", &[With("PATH_INFO", "x")], Nginx, &["uwsgi_param PATH_INFO $document_uri;"], ""),
    Advice(
        "path-encoded",
        &[With("PATH_INFO", "/a%2Fb"), With("SCRIPT_NAME", "/m"), With("REQUEST_URI", "/m/a%2Fb")],
        Nginx,
        &["rewrite (?s)^/m(?:/(.*))?\\z /$1 break;", "uwsgi_param PATH_INFO $document_uri;"],
        "",
    ),
    Advice(
        "script-name-from-path",
        &[With("SERVER_SOFTWARE", "lighttpd/1.4.69"), With("SCRIPT_NAME", "/a"), With("PATH_INFO", "/b")],
        Nginx,
        &[],
        "serve the request as /b of an application at /a",
    ),
    // Headers.
    Advice(
        "header-without-prefix",
        &[With("X-Forwarded-Proto", "https"), With("REQUEST_SCHEME", "https"), With("HTTPS", "on")],
        Nginx,
        &["uwsgi_param HTTP_X_FORWARDED_PROTO https;"],
        "X-Forwarded-Proto came as a var",
    ),
    Advice(
        "header-without-prefix",
        &[With("X-Forwarded-Proto", "https")],
        Nginx,
        &["uwsgi_param HTTP_X_FORWARDED_PROTO https;", "uwsgi_param HTTPS on;", "uwsgi_param REQUEST_SCHEME https;"],
        "",
    ),
    Advice(
        "header-without-prefix",
        &[With("Host", "example.com"), With("X-Forwarded-For", "6.6.6.6"), With("X-Other", "x")],
        Nginx,
        &["uwsgi_param HTTP_HOST $host:$server_port;", "uwsgi_param HTTP_X_FORWARDED_FOR $remote_addr;"],
        "",
    ),
    Advice("header-without-prefix", &[With("X-Forwarded-Proto", "$http_x;")], Nginx, &[], ""),
    Advice(
        "header-without-prefix",
        &[With("X_FORWARDED_PROTO", "http"), With("X_Real_Ip", "6.6.6.6"), With("X_FORWARDED_PREFIX", "/a")],
        Nginx,
        &["uwsgi_param HTTP_X_FORWARDED_PROTO http;", "uwsgi_param HTTP_X_REAL_IP $remote_addr;"],
        "X_FORWARDED_PREFIX came as a var",
    ),
    Advice(
        "header-like-a-var",
        &[With("HTTP_REMOTE_USER", "root"), With("HTTP_HTTPS", "on"), With("HTTP_UWSGI_;", "on")],
        Nginx,
        &["uwsgi_param HTTP_REMOTE_USER \"\";", "uwsgi_param HTTP_HTTPS \"\";"],
        "",
    ),
    Advice(
        "hop-by-hop",
        &[With("HTTP_CONNECTION", "TE"), With("HTTP_TE", "trailers")],
        Nginx,
        &[
            "map $http_upgrade $connection_upgrade { websocket upgrade; default \"\"; }",
            "uwsgi_param HTTP_CONNECTION $connection_upgrade if_not_empty;",
            "uwsgi_param HTTP_TE \"\";",
        ],
        "",
    ),
    Advice(
        "content-header-too",
        &[With("CONTENT_TYPE", "a/b"), With("HTTP_CONTENT_TYPE", "a/b")],
        Nginx,
        &["uwsgi_param HTTP_CONTENT_TYPE \"\";"],
        "",
    ),
    // Repeated vars.
    Advice(
        "var-repeated",
        &[Also("SERVER_NAME", "b.example"), Also("HTTP_ACCEPT", "")],
        Nginx,
        &[],
        "HTTP_ACCEPT and SERVER_NAME came more than once. The last one counts: HTTP_ACCEPT is empty, which removes the header \
         and SERVER_NAME is b.example.",
    ),
    Advice(
        "var-repeated",
        &[Also("CONTENT_LENGTH", "77"), Also("CONTENT_LENGTH", "")],
        Nginx,
        &[],
        "CONTENT_LENGTH is empty, which is no body. A server must close the connection after this request, because it declares \
         no length.",
    ),
    Advice(
        "var-repeated",
        &[Also("CONTENT_LENGTH", ""), Also("CONTENT_LENGTH", "")],
        Nginx,
        &[],
        "because it declares no length.",
    ),
    Advice(
        "var-repeated",
        &[Also("CONTENT_LENGTH", "77"), Also("CONTENT_LENGTH", "5"), Came(RequestFraming::Length(5), 5)],
        Nginx,
        &[],
        "CONTENT_LENGTH is 5. A server must close the connection after this request, because its CONTENT_LENGTH vars are not \
         all the same bytes: another program may read another length.",
    ),
    Advice(
        "var-repeated",
        &[Also("CONTENT_LENGTH", "5"), Also("CONTENT_LENGTH", "5"), Came(RequestFraming::Length(5), 5)],
        Nginx,
        &[],
        "CONTENT_LENGTH is 5. nginx sends both",
    ),
    Advice(
        "var-repeated",
        &[Also("CONTENT_LENGTH", "5"), Also("CONTENT_LENGTH", "05"), Came(RequestFraming::Length(5), 5)],
        Nginx,
        &[],
        "CONTENT_LENGTH is 05. A server must close the connection after this request, because its CONTENT_LENGTH vars are not \
         all the same bytes",
    ),
    Advice("header-repeated", &[Also("HTTP_ACCEPT", "a/b")], Nginx, &[], "nginx before 1.23"),
    Advice(
        "header-repeated",
        &[Also("HTTP_X_A", "1"), Also("HTTP_X_A", "2"), With("SERVER_SOFTWARE", "lighttpd/1.4.69")],
        Nginx,
        &[],
        "headers X-A and X_A are two vars",
    ),
    // The body.
    Advice(
        "post-without-length",
        &[With("REQUEST_METHOD", "POST")],
        Nginx,
        &["uwsgi_param CONTENT_LENGTH $content_length if_not_empty;"],
        "",
    ),
    Advice("post-without-length", &[With("REQUEST_METHOD", "POST"), With("CONTENT_LENGTH", "")], Nginx, &[], ""),
];

#[test]
fn lines_and_texts_fit_the_request() {
    for Advice(id, case, front_end, lines, text) in TABLE {
        let all = findings(case);
        let found =
            all.iter().find(|found| found.id() == *id).unwrap_or_else(|| panic!("{id}: not found, but {all:?}"));
        let change = found.change().filter(|(whose, _)| whose == front_end).flat_map(|(_, lines)| lines.lines());
        assert_eq!(change.collect::<Vec<_>>(), *lines, "{id}");
        assert!(found.text().contains(text), "{id}: {}", found.text());
    }
}
