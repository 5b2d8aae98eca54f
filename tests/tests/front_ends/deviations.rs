//! Cases in which a front end, or a server behind it, does not do what is expected, and the source that says so.

use super::case::{Expect, Gets, Sees};

/// What is expected of some cases instead.
#[derive(Debug, Clone, Copy)]
pub struct Deviation {
    pub front_ends: &'static [&'static str],
    /// Empty for all servers.
    pub servers: &'static [&'static str],
    pub cases: &'static [&'static str],
    /// The first version of the front end that no longer deviates; empty if no such version is known.
    pub before: &'static [u32],
    pub expect: Expect,
    pub source: &'static str,
}

const NGINX: &[&str] = &["nginx-tcp", "nginx-unix", "nginx-streaming", "nginx-tls"];
const APACHE: &[&str] = &["apache-tcp", "apache-unix"];
const LIGHTTPD: &[&str] = &["lighttpd-tcp", "lighttpd-unix"];
const ROUTER: &[&str] = &["uwsgi-http", "uwsgi-http-chunked"];

const fn sees(sees: &'static [Sees]) -> Expect {
    Expect { sees, gets: &[Gets::Status(200)] }
}

const fn gets(gets: &'static [Gets]) -> Expect {
    Expect { sees: &[], gets }
}

/// A row to start from.
const ROW: Deviation =
    Deviation { front_ends: &[], servers: &[], cases: &[], before: &[], expect: sees(&[]), source: "" };

pub const DEVIATIONS: &[Deviation] = &[
    // nginx.
    Deviation {
        front_ends: NGINX,
        cases: &["header-proxy"],
        expect: sees(&[Sees::Var("HTTP_PROXY", "http://203.0.113.9/")]),
        source: "nginx 1.22: every header of the client's is sent; nginx-params.conf removes this one",
        ..ROW
    },
    Deviation {
        front_ends: NGINX,
        servers: &["uwsgi"],
        cases: &["header-twice"],
        before: &[1, 23],
        expect: sees(&[Sees::Var("HTTP_X_LIST", "b")]),
        source: "nginx 1.23 CHANGES: repeated headers are joined; before, uWSGI's Python keeps the last var of a name",
    },
    Deviation {
        front_ends: NGINX,
        servers: &["uwsgi"],
        cases: &["cookie-twice"],
        before: &[1, 23],
        expect: sees(&[Sees::Var("HTTP_COOKIE", "b=2")]),
        source: "nginx 1.23 CHANGES: repeated headers are joined; before, uWSGI's Python keeps the last var of a name",
    },
    // Apache.
    Deviation {
        front_ends: &["apache-unix"],
        cases: &["path-encoded-slash"],
        expect: gets(&[Gets::Status(404)]),
        source: "httpd 2.4 AllowEncodedSlashes: Off unless set; apache-tcp.conf sets it",
        ..ROW
    },
    Deviation {
        front_ends: APACHE,
        cases: &["cookie-twice"],
        expect: sees(&[Sees::Var("HTTP_COOKIE", "a=1, b=2")]),
        source: "httpd 2.4 server/protocol.c: joins all headers of a name with a comma",
        ..ROW
    },
    Deviation {
        front_ends: APACHE,
        cases: &["chunked-empty", "chunked-10", "chunked-1-mb"],
        expect: gets(&[Gets::Status(411)]),
        source: "httpd 2.4 modules/proxy/mod_proxy_uwsgi.c: ap_setup_client_block(r, REQUEST_CHUNKED_ERROR)",
        ..ROW
    },
    // lighttpd.
    Deviation {
        front_ends: LIGHTTPD,
        cases: &["no-length"],
        expect: sees(&[Sees::Var("CONTENT_LENGTH", "0"), Sees::Body(0)]),
        source: "lighttpd 1.4 src/http_cgi.c http_cgi_headers: CONTENT_LENGTH always",
        ..ROW
    },
    Deviation {
        front_ends: LIGHTTPD,
        cases: &["method-unknown"],
        expect: gets(&[Gets::Status(501)]),
        source: "lighttpd 1.4 src/request.c: methods that it does not know",
        ..ROW
    },
    Deviation {
        front_ends: LIGHTTPD,
        cases: &["header-empty"],
        expect: sees(&[Sees::No("HTTP_X_EMPTY")]),
        source: "lighttpd 1.4 src/http_cgi.c http_cgi_headers: headers without a value are left out",
        ..ROW
    },
    Deviation {
        front_ends: LIGHTTPD,
        cases: &["header-underscore"],
        expect: sees(&[Sees::Var("HTTP_X_REAL_IP", "203.0.113.9")]),
        source: "lighttpd 1.4 src/http_cgi.c http_cgi_encode_varname: what is no letter or digit becomes _",
        ..ROW
    },
    Deviation {
        front_ends: LIGHTTPD,
        cases: &["get-with-body"],
        expect: gets(&[Gets::Status(400)]),
        source: "lighttpd 1.4 server.http-parseopts: method-get-body is off unless set",
        ..ROW
    },
    Deviation {
        front_ends: &["lighttpd-unix"],
        cases: &["chunked-1-mb"],
        expect: gets(&[Gets::Status(411)]),
        source: "lighttpd 1.4 src/gw_backend.c: with server.stream-request-body the length must be known",
        ..ROW
    },
    // uWSGI's router.
    Deviation {
        front_ends: ROUTER,
        cases: &["server-name"],
        expect: sees(&[Sees::Other("SERVER_NAME", "app.example")]),
        source: "uWSGI 2.0.31 plugins/http/http.c http_add_uwsgi_header: the name of the machine",
        ..ROW
    },
    Deviation {
        front_ends: ROUTER,
        cases: &["path-two-slashes"],
        expect: sees(&[Sees::Var("PATH_INFO", "/a//b")]),
        source: "uWSGI 2.0.31 core/utils.c http_url_decode: dots are taken out, empty segments are not",
        ..ROW
    },
    Deviation {
        front_ends: ROUTER,
        cases: &["absolute-form"],
        expect: sees(&[Sees::Var("PATH_INFO", "http://app.example/abs"), Sees::Var("QUERY_STRING", "x=1")]),
        source: "uWSGI 2.0.31 plugins/http/http.c: the target is taken as it is",
        ..ROW
    },
    Deviation {
        front_ends: ROUTER,
        cases: &["cookie-twice"],
        expect: sees(&[Sees::Var("HTTP_COOKIE", "a=1, b=2")]),
        source: "uWSGI 2.0.31 plugins/http/http.c: joins all headers of a name with a comma",
        ..ROW
    },
    Deviation {
        front_ends: ROUTER,
        cases: &["header-underscore"],
        expect: sees(&[Sees::Var("HTTP_X_REAL_IP", "203.0.113.9")]),
        source: "uWSGI 2.0.31 plugins/http/http.c http_add_uwsgi_header: names with _ are sent",
        ..ROW
    },
    Deviation {
        front_ends: ROUTER,
        cases: &["header-proxy"],
        expect: sees(&[Sees::Var("HTTP_PROXY", "http://203.0.113.9/")]),
        source: "uWSGI 2.0.31 plugins/http/http.c http_add_uwsgi_header: every header is sent",
        ..ROW
    },
    Deviation {
        front_ends: &["uwsgi-http"],
        cases: &["chunked-10", "chunked-1-mb"],
        expect: sees(&[Sees::Body(0), Sees::No("CONTENT_LENGTH"), Sees::Var("HTTP_TRANSFER_ENCODING", "chunked")]),
        source: "uWSGI 2.0.31 plugins/http/http.c: without http-chunked-input a chunked body is dropped",
        ..ROW
    },
    Deviation {
        front_ends: &["uwsgi-http-chunked"],
        cases: &["chunked-10"],
        expect: sees(&[Sees::Body(10), Sees::No("CONTENT_LENGTH"), Sees::Var("HTTP_TRANSFER_ENCODING", "chunked")]),
        source: "uWSGI 2.0.31 plugins/http/http.c http-chunked-input: the upload is passed on as it is",
        ..ROW
    },
    // uwsgi_curl.
    Deviation {
        front_ends: &["uwsgi_curl"],
        cases: &["client-address"],
        expect: sees(&[Sees::No("REMOTE_ADDR")]),
        source: "uwsgi-tools 1.1.1 curl.py: no REMOTE_ADDR",
        ..ROW
    },
    Deviation {
        front_ends: &["uwsgi_curl"],
        cases: &["path-is-decoded"],
        expect: sees(&[Sees::Var("PATH_INFO", "/a%20b/%E2%82%AC+c")]),
        source: "uwsgi-tools 1.1.1 curl.py: PATH_INFO is the URL's path as it is",
        ..ROW
    },
    Deviation {
        front_ends: &["uwsgi_curl"],
        cases: &["path-is-decoded-once"],
        expect: sees(&[Sees::Var("PATH_INFO", "/a%2520b")]),
        source: "uwsgi-tools 1.1.1 curl.py: PATH_INFO is the URL's path as it is",
        ..ROW
    },
    Deviation {
        front_ends: &["uwsgi_curl"],
        cases: &["path-dots"],
        expect: sees(&[Sees::Var("PATH_INFO", "/a/./b/../c")]),
        source: "uwsgi-tools 1.1.1 curl.py: PATH_INFO is the URL's path as it is",
        ..ROW
    },
    Deviation {
        front_ends: &["uwsgi_curl"],
        cases: &["path-two-slashes"],
        expect: sees(&[Sees::Var("PATH_INFO", "/a//b")]),
        source: "uwsgi-tools 1.1.1 curl.py: PATH_INFO is the URL's path as it is",
        ..ROW
    },
    Deviation {
        front_ends: &["uwsgi_curl"],
        cases: &["path-encoded-slash"],
        expect: sees(&[Sees::Var("PATH_INFO", "/a%2Fb")]),
        source: "uwsgi-tools 1.1.1 curl.py: PATH_INFO is the URL's path as it is",
        ..ROW
    },
    Deviation {
        front_ends: &["uwsgi_curl"],
        cases: &["header"],
        expect: sees(&[Sees::Var("HTTP_X-ONE", "1"), Sees::Var("HTTP_USER-AGENT", "test/1")]),
        source: "uwsgi-tools 1.1.1 curl.py: names are made upper case, and keep their dashes",
        ..ROW
    },
    Deviation {
        front_ends: &["uwsgi_curl"],
        cases: &["header-twice"],
        expect: sees(&[Sees::Var("HTTP_X-LIST", "b")]),
        source: "uwsgi-tools 1.1.1 curl.py: a dict, in which the last of a name stays; dashes stay, too",
        ..ROW
    },
    Deviation {
        front_ends: &["uwsgi_curl"],
        cases: &["cookie-twice"],
        expect: sees(&[Sees::Var("HTTP_COOKIE", "b=2")]),
        source: "uwsgi-tools 1.1.1 curl.py: a dict, in which the last of a name stays",
        ..ROW
    },
    Deviation {
        front_ends: &["uwsgi_curl"],
        cases: &["header-empty"],
        expect: sees(&[Sees::Var("HTTP_X-EMPTY", "")]),
        source: "uwsgi-tools 1.1.1 curl.py: names are made upper case, and keep their dashes",
        ..ROW
    },
    Deviation {
        front_ends: &["uwsgi_curl"],
        cases: &["forwarded-for"],
        expect: sees(&[Sees::Var("HTTP_X-FORWARDED-FOR", "203.0.113.9")]),
        source: "uwsgi-tools 1.1.1 curl.py: names are made upper case, and keep their dashes",
        ..ROW
    },
    Deviation {
        front_ends: &["uwsgi_curl"],
        cases: &["header-underscore"],
        expect: sees(&[Sees::Var("HTTP_X_REAL_IP", "203.0.113.9")]),
        source: "uwsgi-tools 1.1.1 curl.py: every header is sent",
        ..ROW
    },
    Deviation {
        front_ends: &["uwsgi_curl"],
        cases: &["header-proxy"],
        expect: sees(&[Sees::Var("HTTP_PROXY", "http://203.0.113.9/")]),
        source: "uwsgi-tools 1.1.1 curl.py: every header is sent",
        ..ROW
    },
    Deviation {
        front_ends: &["uwsgi_curl"],
        cases: &["post-10", "post-10-kb", "get-with-body", "expect-continue"],
        expect: sees(&[Sees::Body(0), Sees::No("CONTENT_LENGTH"), Sees::No("CONTENT_TYPE")]),
        source: "uwsgi-tools 1.1.1 curl.py: sends the body of -d, and no length of it",
        ..ROW
    },
    Deviation {
        front_ends: &["uwsgi_curl"],
        servers: &["uwsgi"],
        cases: &["echo-10-kb"],
        expect: gets(&[Gets::Nothing]),
        source: "uwsgi-tools 1.1.1 curl.py: sends the body of -d, and no length of it; the application asks for one",
        ..ROW
    },
    Deviation {
        front_ends: &["uwsgi_curl"],
        servers: &["uwsgictl", "axum"],
        cases: &["echo-10-kb"],
        expect: gets(&[Gets::Status(200), Gets::NoBody]),
        source: "uwsgi-tools 1.1.1 curl.py: sends the body of -d, and no length of it",
        ..ROW
    },
];
