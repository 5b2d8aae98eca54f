//! Good requests, and odd requests that are good too.

use crate::case::{Case, Recipe, Row, SMALL, Step};
use crate::cases::sources::{CONTENT, UWSGI_VARS, VARS};

pub(super) const CASES: &[Case] = &[
    Case::builder("ok-get", "a good GET")
        .steps(&[Step::packet(SMALL)])
        .served(&["method GET", "path /m", "query ", "scheme http", "vars 10", "framing none", "body 0"], Row::Served)
        .because("it is the request that most cases change", VARS),
    Case::builder("ok-post", "a good POST of 5 bytes")
        .steps(&[Step::packet(SMALL.post(b"5").then(b"hello"))])
        .served(&["method POST", "framing length 5", "body 5", "content hello"], Row::Served)
        .because("a body follows the packet", VARS),
    Case::builder("one-variable", "REQUEST_METHOD only")
        .steps(&[Step::packet(Recipe::of(&[(b"REQUEST_METHOD", b"GET")]))])
        .served(&["method GET", "path ", "vars 1"], Row::Served)
        .because("no var is required", VARS),
    Case::builder("duplicate-method", "REQUEST_METHOD GET, then POST")
        .steps(&[Step::packet(SMALL.more(&[(b"REQUEST_METHOD", b"POST")]))])
        .served(&["method POST", "vars 11"], Row::Served)
        .because("the last counts, as in both servers", VARS),
    Case::builder("duplicate-path", "PATH_INFO /m, then /n")
        .steps(&[Step::packet(SMALL.more(&[(b"PATH_INFO", b"/n")]))])
        .served(&["path /n", "target /n"], Row::Served)
        .because("the last counts, as in both servers", VARS),
    Case::builder("duplicate-header", "HTTP_X a, then b (nginx does this)")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_X", b"a"), (b"HTTP_X", b"b")]))])
        .served(&["header x a", "header x b", "headers 3"], Row::Served)
        .because("nginx before 1.23 sends repeated headers like this: both count", VARS),
    Case::builder("key-lower", "request_method in lower case")
        .steps(&[Step::packet(SMALL.without(&[b"REQUEST_METHOD"]).more(&[(b"request_method", b"GET")]))])
        .served(&["method GET", "var request_method GET"], Row::Served)
        .because("keys are compared byte by byte: it is another var", VARS),
    Case::builder("key-equals", "a key with = in it")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_X=Y", b"z")]))])
        .served(&["vars 11", "var HTTP_X=Y z"], Row::Served)
        .because("keys are bytes", VARS),
    Case::builder("key-nul", "a key with NUL in it")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_X\0Y", b"z")]))])
        .served(&["vars 11", "var HTTP_X\\x00Y z"], Row::Served)
        .because("keys are bytes; a conversion to HTTP drops a key that is no token", VARS),
    Case::builder("key-not-utf8", "a key that is not UTF-8")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_\xff\xfe", b"z")]))])
        .served(&["vars 11", "var HTTP_\\xff\\xfe z"], Row::Served)
        .because("keys are bytes", VARS),
    Case::builder("value-not-utf8", "a value that is not UTF-8")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_X", b"\xff\xfe")]))])
        .served(&["header x \\xff\\xfe"], Row::Served)
        .because("values are bytes", VARS),
    Case::builder("key-dash", "HTTP_X-Y beside HTTP_X_Y")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_X-Y", b"dash"), (b"HTTP_X_Y", b"under")]))])
        .served(&["vars 12", "header x-y dash", "header x-y under"], Row::Served)
        .because("both stay visible; front ends drop or map one of them", VARS),
    Case::builder("environ-clash", "a variable named wsgi.input")
        .steps(&[Step::packet(SMALL.post(b"5").more(&[(b"wsgi.input", b"x")]).then(b"hello"))])
        .served(&["body 5", "var wsgi.input x"], Row::Served)
        .because("a var of this name does not replace the body", VARS),
    Case::builder("uwsgi-file", "UWSGI_FILE names a file to load")
        .steps(&[Step::packet(SMALL.more(&[(b"UWSGI_FILE", b"/nonexistent.py")]))])
        .served(&["body 0", "path /m"], Row::Served)
        .because("a var does not make the server read a file", UWSGI_VARS),
    Case::builder("uwsgi-postfile", "UWSGI_POSTFILE names a file to use as body")
        .steps(&[Step::packet(SMALL.post(b"5").more(&[(b"UWSGI_POSTFILE", b"/etc/hostname")]).then(b"hello"))])
        .served(&["body 5", "content hello"], Row::Served)
        .because("a var does not make the server read a file", UWSGI_VARS),
    Case::builder("no-request-method", "without REQUEST_METHOD")
        .steps(&[Step::packet(SMALL.without(&[b"REQUEST_METHOD"]))])
        .served(&["method GET", "path /m", "vars 9"], Row::Served)
        .because(
            "absent means GET: nginx sends no method if a location has no uwsgi_params; an empty method is refused",
            VARS,
        ),
    Case::builder("no-path-info", "without PATH_INFO")
        .steps(&[Step::packet(SMALL.without(&[b"PATH_INFO"]))])
        .served(&["method GET", "path ", "vars 9"], Row::Served)
        .because("no var is required", VARS),
    Case::builder("no-request-uri", "without REQUEST_URI")
        .steps(&[Step::packet(SMALL.without(&[b"REQUEST_URI"]))])
        .served(&["path /m", "vars 9"], Row::Served)
        .because("no var is required", VARS),
    Case::builder("no-server-protocol", "without SERVER_PROTOCOL")
        .steps(&[Step::packet(SMALL.without(&[b"SERVER_PROTOCOL"]))])
        .served(&["path /m", "vars 9"], Row::Served)
        .because("no var is required", VARS),
    Case::builder("no-http-host", "without HTTP_HOST")
        .steps(&[Step::packet(SMALL.without(&[b"HTTP_HOST"]))])
        .served(&["path /m", "headers 0"], Row::Served)
        .because("no var is required", VARS),
    Case::builder("no-content-length", "without CONTENT_LENGTH")
        .steps(&[Step::packet(SMALL.without(&[b"CONTENT_LENGTH"]))])
        .served(&["framing none", "body 0", "vars 9"], Row::Served)
        .because("no var is required", VARS),
    Case::builder("no-query-string", "without QUERY_STRING")
        .steps(&[Step::packet(SMALL.without(&[b"QUERY_STRING"]))])
        .served(&["query ", "vars 9"], Row::Served)
        .because("no var is required", VARS),
    Case::builder("method-lower", "REQUEST_METHOD get")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_METHOD", b"get")]))])
        .served(&["method get"], Row::Served)
        .because("methods are case-sensitive, and any token is one (RFC 9110 section 9.1)", CONTENT),
    Case::builder("content-type-http", "CONTENT_TYPE a/b and HTTP_CONTENT_TYPE c/d (nginx sends both)")
        .steps(&[Step::packet(SMALL.changed(&[(b"CONTENT_TYPE", b"a/b")]).more(&[(b"HTTP_CONTENT_TYPE", b"c/d")]))])
        .served(&["var CONTENT_TYPE a/b", "header content-type a/b", "headers 2"], Row::Served)
        .because("both are vars; the header is CONTENT_TYPE", VARS),
];
