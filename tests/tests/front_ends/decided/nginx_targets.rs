//! nginx: the spelling of a target, without and with a mount.

use super::nginx::start;
use super::{FrontEnd, GET, OverHttp, Row};

#[test]
fn nginx_normalizes_targets() {
    FrontEnd::<3> { rows: ROWS, start }.run();
}

const MOUNT: &str = "
location /shop/ {
    rewrite ^/shop(/.*)$ $1 break;
    {pass}
    uwsgi_param SCRIPT_NAME /shop;
}";

const PLAIN: &str = "location /plain { {pass} }";

/// nginx 1.22.1 src/http/modules/ngx_http_proxy_module.c ngx_http_proxy_create_request: without a URI in `proxy_pass` it sends
/// what the client sent (`valid_unparsed_uri`), unless something was rewritten.
const AS_SENT: &str = "proxy_pass sends the target as the client did: the application normalizes dots and slashes";
const NO_MOUNT: &str = "HTTP has no mount, and the rewritten path is what nginx has decoded";
const NOT_HTTP: &str = "proxy_pass sends these bytes as they are, and hyper 1.12 refuses them";

const MOUNTED: Row =
    Row { config: MOUNT, source: "nginx 1.22.1 src/http/ngx_http_script.c: sets $uri, and $request_uri stays", ..GET };
const SPELLED: Row = Row {
    config: PLAIN,
    source: "nginx 1.22.1 src/http/ngx_http_parse.c ngx_http_parse_complex_uri: $uri is decoded once and normalized, merge_slashes is on",
    ..GET
};

const ROWS: &[Row] = &[
    // Mounts.
    Row {
        name: "mount",
        target: "/shop/cart%20x?y=1",
        sees: &["GET /cart%20x?y=1, mounted at /shop"],
        over_http: OverHttp::Other(200, &["GET /cart%20x?y=1"], NO_MOUNT),
        ..MOUNTED
    },
    Row {
        name: "mount, its root",
        target: "/shop/",
        sees: &["GET /, mounted at /shop"],
        over_http: OverHttp::Other(200, &["GET /"], NO_MOUNT),
        ..MOUNTED
    },
    Row {
        name: "mount and %2F",
        target: "/shop/a%2Fb",
        sees: &["GET /a%2Fb, mounted at /shop"],
        over_http: OverHttp::Other(200, &["GET /a/b"], NO_MOUNT),
        ..MOUNTED
    },
    Row {
        name: "mount in another spelling",
        target: "/sh%6Fp/a%2Fb",
        sees: &["GET /a%2Fb, mounted at /shop"],
        over_http: OverHttp::Other(200, &["GET /a/b"], NO_MOUNT),
        ..MOUNTED
    },
    Row {
        name: "mount and %2F in the place of its end",
        target: "/shop%2Fa",
        sees: &["GET /a, mounted at /shop"],
        over_http: OverHttp::Other(200, &["GET /a"], NO_MOUNT),
        ..MOUNTED
    },
    Row {
        name: "mount and dots",
        target: "/shop/a/../b%20c",
        sees: &["GET /b%20c, mounted at /shop"],
        over_http: OverHttp::Other(200, &["GET /b%20c"], NO_MOUNT),
        ..MOUNTED
    },
    // Spellings.
    Row { name: "plain", target: "/plain/a%20b?x=%20+%26", sees: &["GET /plain/a%20b?x=%20+%26"], ..SPELLED },
    Row { name: "%2F", target: "/plain/a%2Fb%2fc", sees: &["GET /plain/a%2Fb%2fc"], ..SPELLED },
    Row { name: "%25", target: "/plain/a%252Fb", sees: &["GET /plain/a%252Fb"], ..SPELLED },
    Row {
        name: "two slashes",
        target: "/plain/a//b",
        sees: &["GET /plain/a/b"],
        over_http: OverHttp::Other(200, &["GET /plain/a//b"], AS_SENT),
        ..SPELLED
    },
    Row {
        name: "dots",
        target: "/plain/./a/../b",
        sees: &["GET /plain/b"],
        over_http: OverHttp::Other(200, &["GET /plain/./a/../b"], AS_SENT),
        ..SPELLED
    },
    Row {
        name: "dots in percent",
        target: "/plain/a/%2E%2E/b",
        sees: &["GET /plain/b"],
        over_http: OverHttp::Other(200, &["GET /plain/a/%2E%2E/b"], AS_SENT),
        ..SPELLED
    },
    Row {
        name: "dots and %2F",
        target: "/plain/a/../b%2Fc",
        sees: &["GET /plain/b/c"],
        over_http: OverHttp::Other(200, &["GET /plain/a/../b%2Fc"], AS_SENT),
        ..SPELLED
    },
    Row {
        name: "dots after %2F",
        target: "/plain/a%2F../b",
        sees: &["GET /plain/b"],
        over_http: OverHttp::Other(200, &["GET /plain/a%2F../b"], AS_SENT),
        ..SPELLED
    },
    Row { name: "percent without digits", target: "/plain/a%zz", status: 400, ..SPELLED },
    Row { name: "%00", target: "/plain/a%00b", status: 400, ..SPELLED },
    Row { name: "%0A", target: "/plain/a%0Ab", sees: &["GET /plain/a%0Ab"], ..SPELLED },
    Row { name: "a fragment", target: "/plain/a#b", sees: &["GET /plain/a"], ..SPELLED },
    Row {
        name: "an empty query",
        target: "/plain/a?",
        sees: &["GET /plain/a"],
        over_http: OverHttp::Other(200, &["GET /plain/a?"], AS_SENT),
        ..SPELLED
    },
    Row { name: "a question mark in the query", target: "/plain/a??", sees: &["GET /plain/a??"], ..SPELLED },
    Row {
        name: "bytes that stand in no path",
        target: "/plain/a\"b<c>{d}|^",
        sees: &["GET /plain/a%22b%3Cc%3E{d}|^"],
        over_http: OverHttp::Other(400, &[], NOT_HTTP),
        ..SPELLED
    },
    Row {
        name: "bytes that stand in no query",
        target: "/plain?a\"b<c>{d}|`",
        sees: &["GET /plain?a%22b%3Cc%3E{d}|`"],
        over_http: OverHttp::Other(400, &[], NOT_HTTP),
        ..SPELLED
    },
    Row {
        name: "UTF-8 as it is",
        target: "/plain/\u{e2}\u{82}\u{ac}?\u{e2}\u{82}\u{ac}",
        sees: &["GET /plain/\u{20ac}?\u{20ac}"],
        ..SPELLED
    },
    Row {
        name: "latin-1 as it is",
        target: "/plain/caf\u{e9}",
        sees: &["GET /plain/caf%E9"],
        over_http: OverHttp::Other(400, &[], NOT_HTTP),
        ..SPELLED
    },
    Row { name: "UTF-8", target: "/plain/%E2%82%AC", sees: &["GET /plain/%E2%82%AC"], ..SPELLED },
    Row {
        name: "absolute form",
        target: "http://app.example/plain/a%2Fb?x=1",
        sees: &["GET /plain/a%2Fb?x=1"],
        ..SPELLED
    },
    Row {
        name: "absolute form and dots",
        target: "http://app.example/plain/../plain/a%20b?x=1",
        sees: &["GET /plain/a%20b?x=1"],
        over_http: OverHttp::Other(200, &["GET /plain/../plain/a%20b?x=1"], AS_SENT),
        ..SPELLED
    },
    Row {
        name: "absolute form without a path",
        config: "location = / { {pass} }",
        target: "http://app.example?x=1",
        sees: &["GET /?x=1"],
        ..SPELLED
    },
    Row {
        name: "options of all",
        config: "location = / { {pass} }",
        method: "OPTIONS",
        target: "*",
        status: 400,
        ..SPELLED
    },
];
