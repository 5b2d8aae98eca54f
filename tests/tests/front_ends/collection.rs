//! The cases: requests that go through every front end, and what is expected of each.

use super::case::{Body, Case, Expect, Gets, Sees};

const KB: usize = 1000;
const MB: usize = 1000 * KB;

const fn sees(sees: &'static [Sees]) -> Expect {
    Expect { sees, gets: &[Gets::Status(200)] }
}

const fn gets(gets: &'static [Gets]) -> Expect {
    Expect { sees: &[], gets }
}

const GET: Case = Case {
    name: "",
    method: "GET",
    target: "/",
    version: "HTTP/1.1",
    headers: &[],
    body: Body::None,
    expect: sees(&[]),
};

const POST: Case = Case { method: "POST", target: "/post", headers: &[("Content-Type", "text/plain")], ..GET };

const LONG: &str = match str::from_utf8(&[b'x'; 6000]) {
    Ok(text) => text,
    Err(_) => "",
};

pub const CASES: &[Case] = &[
    // The target.
    Case {
        name: "get",
        target: "/hello?x=1&y=2",
        expect: sees(&[
            Sees::Var("REQUEST_METHOD", "GET"),
            Sees::Var("PATH_INFO", "/hello"),
            Sees::Var("QUERY_STRING", "x=1&y=2"),
            Sees::Var("REQUEST_URI", "/hello?x=1&y=2"),
            Sees::Var("SERVER_PROTOCOL", "HTTP/1.1"),
            Sees::Var("HTTP_HOST", "app.example"),
            Sees::Var("HTTP_ACCEPT", "application/json"),
            Sees::Body(0),
        ]),
        ..GET
    },
    Case { name: "root", expect: sees(&[Sees::Var("PATH_INFO", "/"), Sees::No("QUERY_STRING")]), ..GET },
    Case { name: "client-address", expect: sees(&[Sees::Var("REMOTE_ADDR", "127.0.0.1")]), ..GET },
    Case { name: "server-name", expect: sees(&[Sees::Var("SERVER_NAME", "app.example")]), ..GET },
    Case { name: "not-mounted", target: "/a/b", expect: sees(&[Sees::No("SCRIPT_NAME")]), ..GET },
    Case { name: "no-length", expect: sees(&[Sees::No("CONTENT_LENGTH"), Sees::No("CONTENT_TYPE")]), ..GET },
    Case {
        name: "query-empty",
        target: "/q?",
        expect: sees(&[Sees::Var("PATH_INFO", "/q"), Sees::No("QUERY_STRING"), Sees::Var("REQUEST_URI", "/q?")]),
        ..GET
    },
    Case {
        name: "query-stays-encoded",
        target: "/q?a=%20%2F+b&c=%26?",
        expect: sees(&[Sees::Var("QUERY_STRING", "a=%20%2F+b&c=%26?")]),
        ..GET
    },
    Case {
        name: "path-is-decoded",
        target: "/a%20b/%E2%82%AC+c",
        expect: sees(&[
            Sees::Var("PATH_INFO", "/a b/\u{e2}\u{82}\u{ac}+c"),
            Sees::Var("REQUEST_URI", "/a%20b/%E2%82%AC+c"),
        ]),
        ..GET
    },
    Case { name: "path-is-decoded-once", target: "/a%2520b", expect: sees(&[Sees::Var("PATH_INFO", "/a%20b")]), ..GET },
    Case { name: "path-dots", target: "/a/./b/../c", expect: sees(&[Sees::Var("PATH_INFO", "/a/c")]), ..GET },
    Case { name: "path-two-slashes", target: "/a//b", expect: sees(&[Sees::Var("PATH_INFO", "/a/b")]), ..GET },
    Case { name: "path-encoded-slash", target: "/a%2Fb", expect: sees(&[Sees::Var("PATH_INFO", "/a/b")]), ..GET },
    Case {
        name: "absolute-form",
        target: "http://app.example/abs?x=1",
        expect: sees(&[
            Sees::Var("PATH_INFO", "/abs"),
            Sees::Var("QUERY_STRING", "x=1"),
            Sees::Var("HTTP_HOST", "app.example"),
        ]),
        ..GET
    },
    // Methods and versions.
    Case { name: "options", method: "OPTIONS", expect: sees(&[Sees::Var("REQUEST_METHOD", "OPTIONS")]), ..GET },
    Case { name: "delete", method: "DELETE", expect: sees(&[Sees::Var("REQUEST_METHOD", "DELETE")]), ..GET },
    Case { name: "propfind", method: "PROPFIND", expect: sees(&[Sees::Var("REQUEST_METHOD", "PROPFIND")]), ..GET },
    Case { name: "method-unknown", method: "BREW", expect: sees(&[Sees::Var("REQUEST_METHOD", "BREW")]), ..GET },
    Case { name: "http-1.0", version: "HTTP/1.0", expect: sees(&[Sees::Var("SERVER_PROTOCOL", "HTTP/1.0")]), ..GET },
    // Headers of the request.
    Case {
        name: "header",
        headers: &[("X-One", "1"), ("User-Agent", "test/1")],
        expect: sees(&[Sees::Var("HTTP_X_ONE", "1"), Sees::Var("HTTP_USER_AGENT", "test/1")]),
        ..GET
    },
    Case {
        name: "header-twice",
        headers: &[("X-List", "a"), ("X-List", "b")],
        expect: sees(&[Sees::Var("HTTP_X_LIST", "a, b")]),
        ..GET
    },
    Case {
        name: "cookie-twice",
        headers: &[("Cookie", "a=1"), ("Cookie", "b=2")],
        expect: sees(&[Sees::Var("HTTP_COOKIE", "a=1; b=2")]),
        ..GET
    },
    Case { name: "header-empty", headers: &[("X-Empty", "")], expect: sees(&[Sees::Var("HTTP_X_EMPTY", "")]), ..GET },
    Case {
        name: "header-latin-1",
        headers: &[("X-Name", "caf\u{e9}")],
        expect: sees(&[Sees::Var("HTTP_X_NAME", "caf\u{e9}")]),
        ..GET
    },
    Case { name: "header-long", headers: &[("Cookie", LONG)], expect: sees(&[Sees::Var("HTTP_COOKIE", LONG)]), ..GET },
    Case {
        name: "header-underscore",
        headers: &[("X_Real_IP", "203.0.113.9")],
        expect: sees(&[Sees::No("HTTP_X_REAL_IP")]),
        ..GET
    },
    Case {
        name: "header-proxy",
        headers: &[("Proxy", "http://203.0.113.9/")],
        expect: sees(&[Sees::No("HTTP_PROXY")]),
        ..GET
    },
    Case {
        name: "authorization",
        headers: &[("Authorization", "Basic dTpw")],
        expect: sees(&[Sees::Var("HTTP_AUTHORIZATION", "Basic dTpw")]),
        ..GET
    },
    Case {
        name: "forwarded-for",
        headers: &[("X-Forwarded-For", "203.0.113.9")],
        expect: sees(&[Sees::Var("HTTP_X_FORWARDED_FOR", "203.0.113.9")]),
        ..GET
    },
    // Bodies of requests.
    Case { name: "post-empty", body: Body::Sized(0), expect: sees(&[Sees::Body(0)]), ..POST },
    Case {
        name: "post-10",
        body: Body::Sized(10),
        expect: sees(&[
            Sees::Body(10),
            Sees::Var("REQUEST_METHOD", "POST"),
            Sees::Var("CONTENT_LENGTH", "10"),
            Sees::Var("CONTENT_TYPE", "text/plain"),
        ]),
        ..POST
    },
    Case { name: "post-10-kb", body: Body::Sized(10 * KB), expect: sees(&[Sees::Body(10 * KB)]), ..POST },
    Case { name: "post-20-mb", body: Body::Sized(20 * MB), expect: sees(&[Sees::Body(20 * MB)]), ..POST },
    Case { name: "get-with-body", body: Body::Sized(10), expect: sees(&[Sees::Body(10)]), ..GET },
    Case {
        name: "expect-continue",
        headers: &[("Expect", "100-continue")],
        body: Body::Sized(10),
        expect: sees(&[Sees::Body(10)]),
        ..POST
    },
    Case { name: "chunked-empty", body: Body::Chunked(0), expect: sees(&[Sees::Body(0)]), ..POST },
    Case {
        name: "chunked-10",
        body: Body::Chunked(10),
        expect: sees(&[Sees::Body(10), Sees::Var("CONTENT_LENGTH", "10")]),
        ..POST
    },
    Case { name: "chunked-1-mb", body: Body::Chunked(MB), expect: sees(&[Sees::Body(MB)]), ..POST },
    Case { name: "echo-10-kb", target: "/echo", body: Body::Sized(10 * KB), expect: gets(&[Gets::Echo]), ..POST },
    Case { name: "echo-100-kb", target: "/echo", body: Body::Sized(100 * KB), expect: gets(&[Gets::Echo]), ..POST },
    // Answers.
    Case {
        name: "head",
        method: "HEAD",
        target: "/bytes/1000",
        expect: gets(&[Gets::Status(200), Gets::Headers("Content-Length", &["1000"]), Gets::NoBody]),
        ..GET
    },
    Case { name: "status-204", target: "/status/204", expect: gets(&[Gets::Status(204), Gets::NoBody]), ..GET },
    Case { name: "status-304", target: "/status/304", expect: gets(&[Gets::Status(304), Gets::NoBody]), ..GET },
    Case { name: "status-404", target: "/status/404", expect: gets(&[Gets::Status(404)]), ..GET },
    Case { name: "status-451", target: "/status/451", expect: gets(&[Gets::Status(451)]), ..GET },
    Case { name: "status-500", target: "/status/500", expect: gets(&[Gets::Status(500)]), ..GET },
    Case { name: "status-503", target: "/status/503", expect: gets(&[Gets::Status(503)]), ..GET },
    Case { name: "status-599", target: "/status/599", expect: gets(&[Gets::Status(599)]), ..GET },
    Case {
        name: "headers-of-the-answer",
        target: "/headers?X-Out=1&Set-Cookie=a%3D1&Set-Cookie=b%3D2",
        expect: gets(&[
            Gets::Status(200),
            Gets::Headers("X-Out", &["1"]),
            Gets::Headers("Set-Cookie", &["a=1", "b=2"]),
        ]),
        ..GET
    },
    Case { name: "bytes-0", target: "/bytes/0", expect: gets(&[Gets::Status(200), Gets::Bytes(0)]), ..GET },
    Case { name: "bytes-1-mb", target: "/bytes/1000000", expect: gets(&[Gets::Status(200), Gets::Bytes(MB)]), ..GET },
    Case {
        name: "stream-1-mb",
        target: "/stream/1000000?chunk=40000",
        expect: gets(&[Gets::Status(200), Gets::Bytes(MB)]),
        ..GET
    },
    Case { name: "delay", target: "/delay/200", expect: gets(&[Gets::Status(200)]), ..GET },
    // On a kept connection some front ends leave the client waiting, see `connections.rs`.
    Case {
        name: "abort",
        target: "/abort",
        headers: &[("Connection", "close")],
        expect: gets(&[Gets::Status(200), Gets::Cut]),
        ..GET
    },
];
