//! Apache: mod_rewrite, mounts, and how it normalizes a target.

use uwsgi_tests::programs::{Listen, Program, Snippet, TestDir, apache};

use super::{FrontEnd, GET, OverHttp, Routes, Row};

#[test]
fn applications_see_what_apache_decides() {
    FrontEnd::<3> { rows: ROWS, start }.run();
}

/// Starts Apache with a `VirtualHost` for each of our servers and for hyper, all with the same rules.
fn start<'s>(test_dir: &'s TestDir, front_end: &FrontEnd<3>, routes: &Routes<'_, 3>) -> Vec<Program<'s>> {
    let sites =
        ["uwsgi", "uwsgi", "http"].into_iter().zip(routes).enumerate().map(|(place, (scheme, (port, socket)))| {
            // Apache shares kept connections between sites that use the same name.
            let pass = format!("unix:{}|{scheme}://app-{place}", socket.display());
            let rules = front_end.configs(&pass);
            let address = port.address();
            format!(
                "<VirtualHost {address}>\nServerName app.example\nAllowEncodedSlashes On\nRewriteEngine On\n{rules}\n\
             ProxyPass \"/\" \"{pass}/\"\n</VirtualHost>\n"
            )
        });
    let site = Snippet::of("decided", sites.collect());
    let listens = routes.each_ref().map(|(port, _)| Listen::Tcp(port.clone()));
    vec![apache(test_dir, "apache", &site, &listens.each_ref())]
}

const PASSED_THROUGH: &str = "RewriteRule \"^/old/(.*)$\" \"/new/$1\" [PT]";
const PROXIED: &str = "RewriteRule \"^/far/(.*)$\" \"{pass}/near/$1\" [P]";
const MOUNT: &str = "ProxyPass \"/shop/\" \"{pass}/\"";

const NO_MOUNT: &str = "HTTP has no mount";
const DECODED: &str = "mod_proxy_http encodes the decoded path: %2F is a slash then";
const QUERY: &str = "mod_proxy_http sends the question mark";

const PLAIN: Row = Row {
    source: "httpd 2.4.71 server/util.c ap_normalize_path; modules/proxy/mod_proxy_uwsgi.c: PATH_INFO is decoded and normalized, \
             REQUEST_URI is as it came, also in absolute form",
    ..GET
};
const REWRITTEN: Row = Row {
    source: "httpd 2.4.71 modules/mappers/mod_rewrite.c; server/util_script.c original_uri: REQUEST_URI is from the request line",
    ..GET
};
const MOUNTED: Row = Row {
    config: MOUNT,
    source: "httpd 2.4.71 modules/proxy/mod_proxy_uwsgi.c uwsgi_send_headers: SCRIPT_NAME is cut by the length of PATH_INFO",
    ..GET
};

const ROWS: &[Row] = &[
    Row { name: "plain", target: "/plain/a%20b?x=%20+%26", sees: &["GET /plain/a%20b?x=%20+%26"], ..PLAIN },
    Row {
        name: "plain POST",
        target: "/plain/a%20b?x=%20+%26",
        sees: &["POST /plain/a%20b?x=%20+%26, 5 bytes"],
        method: "POST",
        body: 5,
        ..PLAIN
    },
    Row {
        name: "rewrite PT",
        config: PASSED_THROUGH,
        target: "/old/a%20b?x=1",
        sees: &["GET /new/a%20b?x=1"],
        ..REWRITTEN
    },
    Row {
        name: "rewrite PT and %2F",
        config: PASSED_THROUGH,
        target: "/old/a%2Fb",
        sees: &["GET /new/a/b"],
        ..REWRITTEN
    },
    Row {
        // SCRIPT_NAME is the path that the client asked for. It is no mount, but the server takes it for one.
        name: "rewrite P",
        config: PROXIED,
        target: "/far/a%20b?x=1",
        sees: &["GET /near/a%20b?x=1, mounted at /far/a b"],
        over_http: OverHttp::Other(200, &["GET /near/a%20b?x=1"], NO_MOUNT),
        ..REWRITTEN
    },
    Row {
        name: "rewrite strips the query",
        config: "RewriteRule \"^/strip/(.*)$\" \"/kept/$1\" [PT,QSD]",
        target: "/strip/a?x=1",
        sees: &["GET /kept/a"],
        ..REWRITTEN
    },
    Row {
        name: "rewrite strips the query and keeps the path",
        config: "RewriteRule \"^(/same/.*)$\" \"$1\" [PT,QSD]",
        target: "/same/a%20b?x=1",
        sees: &["GET /same/a%20b"],
        ..REWRITTEN
    },
    Row {
        name: "rewrite adds a query",
        config: "RewriteRule \"^/item/(.*)$\" \"/show?id=$1\" [PT,QSA]",
        target: "/item/7?x=1",
        sees: &["GET /show?id=7&x=1"],
        ..REWRITTEN
    },
    Row {
        name: "ErrorDocument",
        config: "RewriteRule \"^/gone$\" \"-\" [G]\nErrorDocument 410 /gone.html",
        target: "/gone?x=1",
        sees: &["GET /gone.html"],
        ..REWRITTEN
    },
    Row {
        name: "mount",
        target: "/shop/cart%20x?y=1",
        sees: &["GET /cart%20x?y=1, mounted at /shop"],
        over_http: OverHttp::Other(200, &["GET /cart%20x?y=1"], NO_MOUNT),
        ..MOUNTED
    },
    Row { name: "the root", target: "/?x=1", sees: &["GET /?x=1"], ..PLAIN },
    Row {
        // A PATH_INFO of one slash leaves SCRIPT_NAME as it is.
        name: "mount, its root",
        target: "/shop/",
        sees: &["GET /, mounted at /shop/"],
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
        name: "%2F",
        target: "/plain/a%2Fb",
        sees: &["GET /plain/a%2Fb"],
        over_http: OverHttp::Other(200, &["GET /plain/a/b"], DECODED),
        ..PLAIN
    },
    Row { name: "%25", target: "/plain/a%252Fb", sees: &["GET /plain/a%252Fb"], ..PLAIN },
    Row { name: "two slashes", target: "/plain/a//b", sees: &["GET /plain/a/b"], ..PLAIN },
    Row { name: "two slashes at the start", target: "//plain/a", sees: &["GET /plain/a"], ..PLAIN },
    Row { name: "dots", target: "/plain/./a/../b", sees: &["GET /plain/b"], ..PLAIN },
    Row { name: "dots and %2F", target: "/plain/a/../b%2Fc", sees: &["GET /plain/b/c"], ..PLAIN },
    Row { name: "dots in percent", target: "/plain/a/%2E%2E/b", sees: &["GET /plain/b"], ..PLAIN },
    Row { name: "percent without digits", target: "/plain/a%zz", status: 400, ..PLAIN },
    Row { name: "%00", target: "/plain/a%00b", status: 404, ..PLAIN },
    Row { name: "%0A", target: "/plain/a%0Ab", sees: &["GET /plain/a%0Ab"], ..PLAIN },
    Row {
        name: "an empty query",
        target: "/plain/a?",
        sees: &["GET /plain/a"],
        over_http: OverHttp::Other(200, &["GET /plain/a?"], QUERY),
        ..PLAIN
    },
    Row {
        name: "absolute form",
        target: "http://app.example/plain/a%20b?x=1",
        sees: &["GET /plain/a%20b?x=1"],
        ..PLAIN
    },
    Row {
        name: "absolute form and %2F",
        target: "http://app.example/plain/a%2Fb",
        sees: &["GET /plain/a%2Fb"],
        over_http: OverHttp::Other(200, &["GET /plain/a/b"], DECODED),
        ..PLAIN
    },
    Row { name: "absolute form and dots", target: "http://app.example/a/../b%20c", sees: &["GET /b%20c"], ..PLAIN },
];
