//! Vars and headers that come more than once, and headers about a connection.

use crate::case::{Case, Row, SMALL, Step};
use crate::cases::sources::{CONTENT, HOP_BY_HOP, LENGTH, REPEATED};

pub(super) const CASES: &[Case] = &[
    Case::builder("host-twice", "HTTP_HOST lab.test, then other.test")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_HOST", b"other.test")]))])
        .served(&["vars 11", "header host other.test", "headers 1"], Row::Served)
        .because(
            "the last Host counts: in nginx a param that is set again after include uwsgi_params replaces the first",
            REPEATED,
        ),
    Case::builder("host-three-times", "HTTP_HOST lab.test, other.test, lab.test")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_HOST", b"other.test"), (b"HTTP_HOST", b"lab.test")]))])
        .served(&["vars 12", "header host lab.test", "headers 1"], Row::Served)
        .because("the last Host counts", REPEATED),
    Case::builder("authorization-twice", "HTTP_AUTHORIZATION a, then b")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_AUTHORIZATION", b"a"), (b"HTTP_AUTHORIZATION", b"b")]))])
        .served(&["header authorization b", "headers 2"], Row::Served)
        .because(
            "the last Authorization counts: in nginx a param that is set again after include uwsgi_params \
             replaces the first",
            REPEATED,
        ),
    Case::builder("forwarded-proto-twice", "HTTP_X_FORWARDED_PROTO http, then https")
        .steps(&[Step::packet(
            SMALL.more(&[(b"HTTP_X_FORWARDED_PROTO", b"http"), (b"HTTP_X_FORWARDED_PROTO", b"https")]),
        )])
        .served(&["header x-forwarded-proto https", "headers 2", "scheme http"], Row::Served)
        .because(
            "the front end's value comes last and replaces the client's; the scheme is not taken from it",
            REPEATED,
        ),
    Case::builder("content-type-twice", "CONTENT_TYPE a/b, then c/d")
        .steps(&[Step::packet(SMALL.changed(&[(b"CONTENT_TYPE", b"a/b")]).more(&[(b"CONTENT_TYPE", b"c/d")]))])
        .served(&["header content-type c/d", "headers 2", "vars 11"], Row::Served)
        .because("the last counts, as for every var without HTTP_", REPEATED),
    Case::builder("content-type-first-crlf", "CONTENT_TYPE with CR LF in it, then a good one")
        .steps(&[Step::packet(SMALL.changed(&[(b"CONTENT_TYPE", b"a/b\r\nX: y")]).more(&[(b"CONTENT_TYPE", b"a/b")]))])
        .refused(400, Row::Content)
        .because("every CONTENT_ var is checked, even one that does not count", CONTENT),
    Case::builder("query-twice", "QUERY_STRING a=1, then b=2")
        .steps(&[Step::packet(SMALL.changed(&[(b"QUERY_STRING", b"a=1")]).more(&[(b"QUERY_STRING", b"b=2")]))])
        .served(&["query b=2", "target /m?b=2"], Row::Served)
        .because("the last counts, as in both servers", REPEATED),
    Case::builder("uri-twice", "REQUEST_URI /m, then /n")
        .steps(&[Step::packet(SMALL.more(&[(b"REQUEST_URI", b"/n")]))])
        .served(&["path /m", "target /m"], Row::Served)
        .because("the last counts, but it is not the path that was routed", REPEATED),
    Case::builder("script-name-twice", "SCRIPT_NAME /a, then /b")
        .steps(&[Step::packet(SMALL.more(&[(b"SCRIPT_NAME", b"/a"), (b"SCRIPT_NAME", b"/b")]))])
        .served(&["mount /b", "target /m"], Row::Served)
        .because("the last counts, as in both servers", REPEATED),
    Case::builder("cookie-twice", "HTTP_COOKIE a=1, then b=2")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_COOKIE", b"a=1"), (b"HTTP_COOKIE", b"b=2")]))])
        .served(&["header cookie a=1", "header cookie b=2", "headers 3"], Row::Served)
        .because("nginx before 1.23 sends two Cookie headers like this: both count", REPEATED),
    Case::builder("forwarded-for-twice", "HTTP_X_FORWARDED_FOR 192.0.2.1, then 192.0.2.2")
        .steps(&[Step::packet(
            SMALL.more(&[(b"HTTP_X_FORWARDED_FOR", b"192.0.2.1"), (b"HTTP_X_FORWARDED_FOR", b"192.0.2.2")]),
        )])
        .served(&["header x-forwarded-for 192.0.2.1", "header x-forwarded-for 192.0.2.2"], Row::Served)
        .because("two headers of one name are one list in two parts (RFC 9110 section 5.3)", REPEATED),
    Case::builder("header-twice-same", "HTTP_X a twice")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_X", b"a"), (b"HTTP_X", b"a")]))])
        .served(&["vars 12", "header x a", "headers 2"], Row::Served)
        .because("two equal values in a row count once", REPEATED),
    Case::builder("header-then-empty", "HTTP_PROXY a, then empty")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_PROXY", b"a"), (b"HTTP_PROXY", b"")]))])
        .served(&["vars 12", "headers 1"], Row::Served)
        .because(
            "an empty last value removes the header: nginx sends one if the variable of a uwsgi_param is empty",
            REPEATED,
        ),
    Case::builder("header-empty-then-value", "HTTP_X empty, then a")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_X", b""), (b"HTTP_X", b"a")]))])
        .served(&["vars 12", "header x a", "headers 2"], Row::Served)
        .because("the last value is not empty, so that the header stays", REPEATED),
    Case::builder("connection-removes-nothing", "HTTP_CONNECTION x-user, and HTTP_X_USER a")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_CONNECTION", b"x-user"), (b"HTTP_X_USER", b"a")]))])
        .served(&["vars 12", "header x-user a", "headers 2"], Row::Served)
        .because(
            "it is about the client's connection to the front end: a client must not remove a header that the \
             front end sets",
            HOP_BY_HOP,
        ),
    Case::builder("hop-by-hop", "HTTP_KEEP_ALIVE, HTTP_TE, HTTP_TRANSFER_ENCODING")
        .steps(&[Step::packet(SMALL.more(&[
            (b"HTTP_KEEP_ALIVE", b"timeout=5"),
            (b"HTTP_TE", b"trailers"),
            (b"HTTP_TRANSFER_ENCODING", b"chunked"),
        ]))])
        .served(&["vars 13", "headers 1"], Row::Served)
        .because("headers about another connection stay vars, but are no headers", HOP_BY_HOP),
    Case::builder("upgrade", "HTTP_UPGRADE websocket, HTTP_CONNECTION upgrade")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_UPGRADE", b"websocket"), (b"HTTP_CONNECTION", b"upgrade")]))])
        .served(&["header upgrade websocket", "header connection upgrade", "headers 3"], Row::Served)
        .because("an application needs both headers to see that the client asks for an upgrade", HOP_BY_HOP),
    Case::builder("upgrade-h2c", "HTTP_UPGRADE h2c, HTTP_CONNECTION upgrade")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_UPGRADE", b"h2c"), (b"HTTP_CONNECTION", b"upgrade")]))])
        .served(&["vars 12", "headers 1"], Row::Served)
        .because("h2c is for the next proxy: a tunnel for it is a way around the rules of the front end", HOP_BY_HOP),
    Case::builder("length-http-left-out", "HTTP_CONTENT_LENGTH 3 beside CONTENT_LENGTH 5, the headers")
        .steps(&[Step::packet(SMALL.post(b"5").more(&[(b"HTTP_CONTENT_LENGTH", b"3")]).then(b"hello"))])
        .served(&["header content-length 5", "headers 2"], Row::Served)
        .because("the only Content-Length is the one that frames the body", LENGTH),
];
