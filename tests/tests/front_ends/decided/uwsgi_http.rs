//! uWSGI's router: how it changes a target. It speaks only uwsgi to applications.

use std::path::Path;

use uwsgi_tests::programs::{Listen, Port, Program, Snippet, TestDir, uwsgi_http};

use super::{FrontEnd, GET, Routes, Row};

#[test]
fn applications_see_what_the_router_decides() {
    FrontEnd::<2> { rows: ROWS, start }.run();
}

/// Starts a router for each of our servers.
fn start<'s>(test_dir: &'s TestDir, _: &FrontEnd<2>, routes: &Routes<'_, 2>) -> Vec<Program<'s>> {
    let router = |(place, (port, socket)): (usize, &(Port, &Path))| {
        let ini = format!(
            "[uwsgi]\nhttp = {}\nhttp-to = {}\nmaster = true\ndie-on-term = true\ndisable-logging = true\n",
            port.address(),
            socket.display(),
        );
        uwsgi_http(test_dir, &format!("router-{place}"), &Snippet::of("decided", ini), &[&Listen::Tcp(port.clone())])
    };
    routes.iter().enumerate().map(router).collect()
}

const PLAIN: Row = Row {
    source: "uWSGI 2.0.31 plugins/http/http.c, core/utils.c http_url_decode: PATH_INFO is decoded, and written dots are taken out; \
             an absolute target stays absolute in both vars",
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
    Row { name: "%2F", target: "/plain/a%2Fb", sees: &["GET /plain/a%2Fb"], ..PLAIN },
    Row { name: "%25", target: "/plain/a%252Fb", sees: &["GET /plain/a%252Fb"], ..PLAIN },
    Row { name: "two slashes", target: "/plain/a//b", sees: &["GET /plain/a//b"], ..PLAIN },
    Row { name: "dots", target: "/plain/./a/../b", sees: &["GET /plain/b"], ..PLAIN },
    Row { name: "dots and %2F", target: "/plain/a/../b%2Fc", sees: &["GET /plain/b/c"], ..PLAIN },
    Row { name: "dots in percent", target: "/plain/a/%2E%2E/b", sees: &["GET /plain/a/%2E%2E/b"], ..PLAIN },
    Row { name: "percent without digits", target: "/plain/a%zz", status: 400, ..PLAIN },
    Row { name: "%00", target: "/plain/a%00b", status: 400, ..PLAIN },
    Row { name: "%0A", target: "/plain/a%0Ab", sees: &["GET /plain/a%0Ab"], ..PLAIN },
    Row { name: "an empty query", target: "/plain/a?", sees: &["GET /plain/a"], ..PLAIN },
    Row { name: "absolute form", target: "http://app.example/plain?x=1", sees: &["GET /plain?x=1"], ..PLAIN },
    Row {
        name: "absolute form and percent",
        target: "http://app.example/a%20b%2Fc?x=1",
        sees: &["GET /a%20b%2Fc?x=1"],
        ..PLAIN
    },
    Row { name: "absolute form and dots", target: "http://app.example/a/../b", sees: &["GET /b"], ..PLAIN },
    Row { name: "absolute form and no path", target: "http://app.example?x=1", sees: &["GET /?x=1"], ..PLAIN },
];
