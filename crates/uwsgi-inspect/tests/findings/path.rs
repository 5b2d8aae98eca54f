//! Requests for the findings about `SCRIPT_NAME`, `PATH_INFO` and `REQUEST_URI`.

use crate::Change::{With, Without};
use crate::Row;

pub(crate) const TABLE: &[Row] = &[
    Row(
        "path-in-script-name",
        &[
            &[With("SCRIPT_NAME", "/hello"), Without("PATH_INFO")],
            &[With("SCRIPT_NAME", "/h o"), With("REQUEST_URI", "/h%20o"), Without("PATH_INFO")],
            // The path was normalized, or rewritten, or there is no REQUEST_URI to compare it with.
            &[With("SCRIPT_NAME", "/a/b"), With("REQUEST_URI", "/a//x/../b"), Without("PATH_INFO")],
            &[With("SCRIPT_NAME", "/index.php"), Without("PATH_INFO")],
            &[With("SCRIPT_NAME", "/hello"), Without("REQUEST_URI"), Without("PATH_INFO")],
            &[With("SCRIPT_NAME", "/"), With("REQUEST_URI", "/"), Without("PATH_INFO")],
        ],
        &[
            &[Without("PATH_INFO")],
            &[With("SCRIPT_NAME", "/hello"), With("PATH_INFO", "")],
            // SCRIPT_NAME is a mount, and the path below it is missing.
            &[With("SCRIPT_NAME", "/app"), With("REQUEST_URI", "/app/x"), Without("PATH_INFO")],
        ],
    ),
    Row(
        "script-name-is-path",
        &[
            &[With("SCRIPT_NAME", "/hello"), With("PATH_INFO", "")],
            &[With("SCRIPT_NAME", "/h o"), With("REQUEST_URI", "http://a.example//h%20o?x"), With("PATH_INFO", "")],
            &[With("SCRIPT_NAME", "/hello"), Without("REQUEST_URI"), With("PATH_INFO", "")],
        ],
        &[
            &[With("SCRIPT_NAME", "/hello"), Without("PATH_INFO")],
            &[With("SCRIPT_NAME", ""), With("PATH_INFO", "")],
            &[With("SCRIPT_NAME", "/app"), With("PATH_INFO", "")],
            &[With("SCRIPT_NAME", "/app"), With("PATH_INFO", "/"), With("REQUEST_URI", "/app")],
        ],
    ),
    Row(
        "script-name-twice",
        &[
            &[With("SCRIPT_NAME", "/app"), With("PATH_INFO", "/app/x"), With("REQUEST_URI", "/app/x?y")],
            &[With("SCRIPT_NAME", "/app"), With("PATH_INFO", "/app"), With("REQUEST_URI", "/app")],
            &[With("SCRIPT_NAME", "/app/"), With("PATH_INFO", "/app/x"), With("REQUEST_URI", "/app/x")],
            // Apache sends REQUEST_URI as the client wrote it.
            &[
                With("SCRIPT_NAME", "/app"),
                With("PATH_INFO", "/app/x"),
                With("REQUEST_URI", "http://a.example/%61pp/x?y"),
            ],
        ],
        &[
            &[With("SCRIPT_NAME", "/app"), With("PATH_INFO", "/x"), With("REQUEST_URI", "/app/x")],
            // The application has a page with the name of its mount.
            &[With("SCRIPT_NAME", "/app"), With("PATH_INFO", "/app/x"), With("REQUEST_URI", "/app/app/x")],
            &[With("SCRIPT_NAME", "/app"), With("PATH_INFO", "/apple"), With("REQUEST_URI", "/apple")],
            &[With("SCRIPT_NAME", ""), With("PATH_INFO", "/hello")],
            &[With("SCRIPT_NAME", "/")],
        ],
    ),
    Row(
        "script-name-odd",
        &[&[With("SCRIPT_NAME", "/")], &[With("SCRIPT_NAME", "/app/")], &[With("SCRIPT_NAME", "app")]],
        &[
            &[With("SCRIPT_NAME", "")],
            &[With("SCRIPT_NAME", "/app")],
            &[With("SCRIPT_NAME", "/a/b")],
            &[With("SCRIPT_NAME", "/"), Without("PATH_INFO")],
        ],
    ),
    Row(
        "path-info-without-slash",
        &[&[With("PATH_INFO", "hello")], &[With("PATH_INFO", "http://a/b")], &[With("PATH_INFO", "*")]],
        &[&[With("PATH_INFO", "/")], &[With("PATH_INFO", "")], &[Without("PATH_INFO")]],
    ),
    Row(
        "path-encoded",
        &[
            &[With("PATH_INFO", "/a%20b"), With("REQUEST_URI", "/a%20b?x")],
            &[With("PATH_INFO", "/a%2Fb"), With("SCRIPT_NAME", "/m"), With("REQUEST_URI", "/m/a%2Fb")],
            // uWSGI's router sends this.
            &[With("PATH_INFO", "http://a.example/a%20b"), With("REQUEST_URI", "http://a.example/a%20b?x")],
        ],
        &[
            &[With("PATH_INFO", "/a b"), With("REQUEST_URI", "/a%20b")],
            &[With("PATH_INFO", "/a%20b"), With("REQUEST_URI", "/a%2520b")],
            &[With("PATH_INFO", "/100%"), With("REQUEST_URI", "/100%")],
        ],
    ),
    Row(
        "path-with-query",
        &[&[With("PATH_INFO", "/hello?x=1")]],
        &[&[With("PATH_INFO", "/a?b"), With("REQUEST_URI", "/a%3Fb")]],
    ),
    Row(
        "path-encoded-twice",
        &[
            &[With("PATH_INFO", "/%61dmin"), With("REQUEST_URI", "/%2561dmin")],
            &[With("PATH_INFO", "/%61dmin"), With("REQUEST_URI", "HTTP://a.example/%2561dmin")],
        ],
        &[
            &[With("PATH_INFO", "/%61dmin"), With("REQUEST_URI", "/%61dmin")],
            &[With("PATH_INFO", "/%61dmin?x"), With("REQUEST_URI", "/%61dmin?x")],
            &[With("PATH_INFO", "/100%"), With("REQUEST_URI", "/100%25")],
            &[With("PATH_INFO", "/%61dmin"), Without("REQUEST_URI")],
        ],
    ),
    Row(
        "slashes-merged",
        &[
            &[With("REQUEST_URI", "//hello"), With("PATH_INFO", "/hello")],
            &[With("REQUEST_URI", "http://a.example//hello?x"), With("PATH_INFO", "/hello")],
        ],
        &[
            &[With("REQUEST_URI", "http://a.example/hello"), With("PATH_INFO", "/hello")],
            &[With("REQUEST_URI", "//hello"), With("PATH_INFO", "//hello")],
            &[With("REQUEST_URI", "//hello/../x"), With("PATH_INFO", "/x")],
        ],
    ),
    Row(
        "path-rewritten",
        &[
            &[With("REQUEST_URI", "/a/../hello")],
            &[With("REQUEST_URI", "/old")],
            &[With("REQUEST_URI", "/a//../hello")],
            &[With("REQUEST_URI", "http://a.example/a/../hello")],
            &[With("REQUEST_URI", "HTTPS://a.example:8443/old?x")],
            // uWSGI's router decodes any two bytes as hex digits.
            &[With("REQUEST_URI", "/a%zz"), With("PATH_INFO", "/a\0")],
            &[With("SCRIPT_NAME", "/app"), With("PATH_INFO", "/x"), With("REQUEST_URI", "/other/x")],
        ],
        &[
            &[],
            &[With("REQUEST_URI", "/%68ello")],
            &[With("REQUEST_URI", "//hello")],
            &[With("REQUEST_URI", "http://example.com/%68ello")],
            &[With("REQUEST_URI", "http://example.com"), With("PATH_INFO", "/")],
            // uWSGI's router sends this: it removes only the query.
            &[With("REQUEST_URI", "http://a.example/hello?x"), With("PATH_INFO", "http://a.example/hello")],
            // lighttpd keeps a percent sign without hex digits.
            &[With("REQUEST_URI", "/a%20%zz"), With("PATH_INFO", "/a %zz")],
            &[With("SCRIPT_NAME", "/app"), With("PATH_INFO", "/x"), With("REQUEST_URI", "/app/x")],
            // These have findings of their own.
            &[With("SCRIPT_NAME", "/app"), With("PATH_INFO", "/app/x"), With("REQUEST_URI", "/app/x")],
            &[With("PATH_INFO", "/a%20b"), With("REQUEST_URI", "/a%20b?x")],
            &[With("PATH_INFO", "/hello?x=1")],
            &[Without("PATH_INFO")],
        ],
    ),
    Row(
        "uri-absolute",
        &[&[With("REQUEST_URI", "http://example.com/hello")], &[With("REQUEST_URI", "*")]],
        &[&[With("REQUEST_URI", "/")], &[With("REQUEST_URI", "")], &[Without("REQUEST_URI")]],
    ),
    Row(
        "script-name-from-path",
        &[&[
            With("SERVER_SOFTWARE", "lighttpd/1.4.69"),
            With("SCRIPT_NAME", "/a"),
            With("PATH_INFO", "/b"),
            With("REQUEST_URI", "/a/b"),
        ]],
        &[
            &[With("SCRIPT_NAME", "/a"), With("PATH_INFO", "/b"), With("REQUEST_URI", "/a/b")],
            &[With("SERVER_SOFTWARE", "lighttpd/1.4.69"), With("SCRIPT_NAME", "")],
            &[With("SERVER_SOFTWARE", "lighttpd/1.4.69"), With("SCRIPT_NAME", "/hello"), Without("PATH_INFO")],
        ],
    ),
];
