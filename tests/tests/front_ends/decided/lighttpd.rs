//! lighttpd: mod_rewrite, a mount, and SCRIPT_NAME without `fix-root-scriptname`.

use uwsgi_tests::programs::{Listen, Program, Snippet, TestDir, lighttpd};

use super::{FrontEnd, GET, OverHttp, Routes, Row};

#[test]
fn applications_see_what_lighttpd_decides() {
    FrontEnd::<3> {
        rows: ROWS,
        start: |test_dir, rows, routes| start(test_dir, rows, routes, "\"fix-root-scriptname\" => \"enable\""),
    }
    .run();
}

#[test]
fn applications_see_a_mount_without_fix_root_scriptname() {
    FrontEnd::<3> { rows: WITHOUT_FIX, start: |test_dir, rows, routes| start(test_dir, rows, routes, "") }.run();
}

/// Starts lighttpd with a socket for each of our servers and for hyper, all with the same rewrites.
fn start<'s>(test_dir: &'s TestDir, front_end: &FrontEnd<3>, routes: &Routes<'_, 3>, fix: &str) -> Vec<Program<'s>> {
    let rewrites = front_end.configs("");
    let mut text = "server.modules += ( \"mod_scgi\", \"mod_proxy\", \"mod_rewrite\" )\n".to_owned();
    for (place, (scheme, (port, socket))) in ["uwsgi", "uwsgi", "http"].into_iter().zip(routes).enumerate() {
        let socket = socket.display();
        let to = match scheme {
            "uwsgi" => format!(
                "scgi.protocol = \"uwsgi\"
    scgi.server = (
        \"/shop\" => (( \"socket\" => \"{socket}\", \"check-local\" => \"disable\" )),
        \"/\" => (( \"socket\" => \"{socket}\", \"check-local\" => \"disable\", {fix} ))
    )"
            ),
            _ => format!("proxy.server = ( \"/\" => (( \"socket\" => \"{socket}\" )) )"),
        };
        if place == 0 {
            text += &format!("server.port = {}\n", port.number());
        }
        text += &format!(
            "$SERVER[\"socket\"] == \"{}\" {{\n    url.rewrite-once = ( {rewrites} )\n    {to}\n}}\n",
            port.address()
        );
    }
    let site = Snippet::of("decided", text);
    let listens = routes.each_ref().map(|(port, _)| Listen::Tcp(port.clone()));
    vec![lighttpd(test_dir, "lighttpd", &site, &listens.each_ref())]
}

const RULE: &str = "\"^/old/(.*)$\" => \"/new/$1\",";

const NO_MOUNT: &str = "mod_proxy sends the path as it is: HTTP has no mount";
const DECODED: &str = "mod_proxy sends the path that lighttpd has normalized: %2F is a slash then";
const QUERY: &str = "mod_proxy sends the question mark";

const PLAIN: Row = Row {
    source: "lighttpd 1.4.69 src/burl.c burl_normalize; src/http_cgi.c: PATH_INFO is normalized, REQUEST_URI is not",
    ..GET
};
const REWRITTEN: Row = Row {
    source: "lighttpd 1.4.69 src/mod_rewrite.c: the rule sees the query; src/http_cgi.c: REQUEST_URI is of the client",
    ..GET
};
const MOUNTED: Row =
    Row { source: "lighttpd 1.4.69 src/gw_backend.c: the prefix is SCRIPT_NAME, the rest PATH_INFO", ..GET };
const SPLIT: Row = Row {
    source: "lighttpd 1.4.69 src/gw_backend.c: for the prefix / without fix-root-scriptname, SCRIPT_NAME ends at the second slash",
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
    Row { name: "rewrite", config: RULE, target: "/old/a%20b?x=1", sees: &["GET /new/a%20b?x=1"], ..REWRITTEN },
    Row { name: "rewrite and %2F", config: RULE, target: "/old/a%2Fb", sees: &["GET /new/a/b"], ..REWRITTEN },
    Row {
        name: "rewrite strips the query",
        config: "\"^/strip/([^?]*)\" => \"/kept/$1\",",
        target: "/strip/a?x=1",
        sees: &["GET /kept/a"],
        ..REWRITTEN
    },
    Row {
        name: "rewrite sets a query",
        config: "\"^/item/([^?]*)\" => \"/show?id=$1\",",
        target: "/item/7?x=1",
        sees: &["GET /show?id=7"],
        ..REWRITTEN
    },
    Row {
        name: "mount",
        target: "/shop/cart%20x?y=1",
        sees: &["GET /cart%20x?y=1, mounted at /shop"],
        over_http: OverHttp::Other(200, &["GET /shop/cart%20x?y=1"], NO_MOUNT),
        ..MOUNTED
    },
    Row {
        name: "mount and %2F",
        target: "/shop/a%2Fb",
        sees: &["GET /a%2Fb, mounted at /shop"],
        over_http: OverHttp::Other(200, &["GET /shop/a/b"], NO_MOUNT),
        ..MOUNTED
    },
    Row {
        // The vars are the same as for one segment without fix-root-scriptname.
        name: "mount without a path",
        target: "/shop?y=1",
        sees: &["GET /shop?y=1"],
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
    Row { name: "dots", target: "/plain/./a/../b", sees: &["GET /plain/b"], ..PLAIN },
    Row { name: "dots and %2F", target: "/plain/a/../b%2Fc", sees: &["GET /plain/b/c"], ..PLAIN },
    Row { name: "dots in percent", target: "/plain/a/%2E%2E/b", sees: &["GET /plain/b"], ..PLAIN },
    Row { name: "percent without digits", target: "/plain/a%zz", sees: &["GET /plain/a%25zz"], ..PLAIN },
    Row { name: "%00", target: "/plain/a%00b", status: 400, ..PLAIN },
    Row { name: "%0A", target: "/plain/a%0Ab", status: 400, ..PLAIN },
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
];

const WITHOUT_FIX: &[Row] = &[
    Row { name: "the root", target: "/?x=1", sees: &["GET /?x=1"], ..SPLIT },
    Row { name: "one segment", target: "/page?x=1", sees: &["GET /page?x=1"], ..SPLIT },
    Row { name: "one segment with a space", target: "/a%20page?x=1", sees: &["GET /a%20page?x=1"], ..SPLIT },
    Row {
        // The vars are the same as for a mount.
        name: "two segments",
        target: "/app/page?x=1",
        sees: &["GET /page?x=1, mounted at /app"],
        over_http: OverHttp::Other(200, &["GET /app/page?x=1"], NO_MOUNT),
        ..SPLIT
    },
    Row {
        name: "two segments and %2F",
        target: "/app/a%2Fb",
        sees: &["GET /a%2Fb, mounted at /app"],
        over_http: OverHttp::Other(200, &["GET /app/a/b"], NO_MOUNT),
        ..SPLIT
    },
];
