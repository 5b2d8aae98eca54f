//! Bytes that a value must not hold, and `HTTP_` without a name.

use crate::case::{Case, Row, SMALL, Step};
use crate::cases::sources::CONTENT;

pub(super) const CASES: &[Case] = &[
    Case::builder("method-empty", "REQUEST_METHOD empty")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_METHOD", b"")]))])
        .refused(400, Row::Content)
        .because("PEP 3333 says that it is never empty; an absent method means GET", CONTENT),
    Case::builder("method-space", "REQUEST_METHOD with a space and CR LF")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_METHOD", b"GET /\r\nX")]))])
        .refused(400, Row::Content)
        .because("a method is a token; this one would add a line to a log", CONTENT),
    Case::builder("method-nul", "REQUEST_METHOD with NUL in it")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_METHOD", b"GE\0T")]))])
        .refused(400, Row::Content)
        .because("a method is a token", CONTENT),
    Case::builder("method-not-ascii", "REQUEST_METHOD with a byte over 127")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_METHOD", b"G\xc9T")]))])
        .refused(400, Row::Content)
        .because("a method is a token", CONTENT),
    Case::builder("method-unknown", "REQUEST_METHOD M-SEARCH")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_METHOD", b"M-SEARCH")]))])
        .served(&["method M-SEARCH"], Row::Served)
        .because("any token is a method", CONTENT),
    Case::builder("method-bad-then-good", "REQUEST_METHOD empty, then GET")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_METHOD", b"")]).more(&[(b"REQUEST_METHOD", b"GET")]))])
        .refused(400, Row::Content)
        .because("every duplicate is checked: another reader may take the first", CONTENT),
    Case::builder("value-nul", "a value with NUL in it")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_X", b"a\0b")]))])
        .refused(400, Row::Content)
        .because("a later reader may end a line or a string at this byte", CONTENT),
    Case::builder("value-crlf", "a value with CR LF in it")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_X", b"a\r\nEvil: b")]))])
        .refused(400, Row::Content)
        .because("a later reader may end a line or a string at this byte", CONTENT),
    Case::builder("value-lf", "a header value with LF in it")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_X", b"a\nb")]))])
        .refused(400, Row::Content)
        .because("RFC 9112 section 2.2: many readers end a line at LF alone", CONTENT),
    Case::builder("value-cr", "a header value with CR in it")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_X", b"a\rb")]))])
        .refused(400, Row::Content)
        .because("a later reader may end a line or a string at this byte", CONTENT),
    Case::builder("value-tab", "a header value with a tab in it")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_X", b"a\x09b")]))])
        .served(&["header x a\\tb"], Row::Served)
        .because("RFC 9110 section 5.5: a tab is allowed", CONTENT),
    Case::builder("value-control", "a header value with byte 01 in it")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_X", b"a\x01b")]))])
        .served(&["header x a\\x01b"], Row::Served)
        .because("RFC 9110 section 5.5 lets a recipient keep other control characters: they end no line", CONTENT),
    Case::builder("uri-crlf", "REQUEST_URI with CR LF in it")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_URI", b"/m\r\nX: y")]))])
        .refused(400, Row::Content)
        .because("a later reader may end a line or a string at this byte", CONTENT),
    Case::builder("uri-nul", "REQUEST_URI with NUL in it")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_URI", b"/m\0.txt")]))])
        .refused(400, Row::Content)
        .because("a later reader may end a line or a string at this byte", CONTENT),
    Case::builder("protocol-lf", "SERVER_PROTOCOL with LF in it")
        .steps(&[Step::packet(SMALL.changed(&[(b"SERVER_PROTOCOL", b"HTTP/1.1\nX")]))])
        .refused(400, Row::Content)
        .because("uWSGI writes it into the status line of its answer", CONTENT),
    Case::builder("content-type-crlf", "CONTENT_TYPE with CR LF in it")
        .steps(&[Step::packet(SMALL.changed(&[(b"CONTENT_TYPE", b"a/b\r\nX: y")]))])
        .refused(400, Row::Content)
        .because("a later reader may end a line or a string at this byte", CONTENT),
    Case::builder("content-other-nul", "CONTENT_ENCODING with NUL in it")
        .steps(&[Step::packet(SMALL.more(&[(b"CONTENT_ENCODING", b"g\0z")]))])
        .refused(400, Row::Content)
        .because("every CONTENT_ var is checked", CONTENT),
    Case::builder("path-nul", "PATH_INFO with NUL in it (from %00)")
        .steps(&[Step::packet(SMALL.changed(&[(b"PATH_INFO", b"/m\0.txt")]))])
        .refused(400, Row::Content)
        .because("C code ends the path at the NUL, and would take another file", CONTENT),
    Case::builder("path-crlf", "PATH_INFO with CR LF in it (from %0D%0A)")
        .steps(&[Step::packet(SMALL.changed(&[(b"PATH_INFO", b"/m\r\nx"), (b"REQUEST_URI", b"/m%0D%0Ax")]))])
        .served(&["path /m\\r\\nx", "target /m%0D%0Ax"], Row::Served)
        .because("the front end decoded %0D and %0A on purpose: they are part of the name", CONTENT),
    Case::builder("query-crlf", "QUERY_STRING with CR LF in it")
        .steps(&[Step::packet(SMALL.changed(&[(b"QUERY_STRING", b"a\r\nb")]))])
        .served(&["query a\\r\\nb", "target /m?a%0D%0Ab"], Row::Served)
        .because("nginx's set $args can bring it here; in the target it is percent-encoded", CONTENT),
    Case::builder("query-lf", "QUERY_STRING with LF in it (set $args \"u=$uri\", asked for /a%0Ab)")
        .steps(&[Step::packet(SMALL.changed(&[(b"QUERY_STRING", b"u=/a\nb")]))])
        .served(&["query u=/a\\nb", "target /m?u=/a%0Ab"], Row::Served)
        .because("nginx writes a decoded path there; in the target it is percent-encoded", CONTENT),
    Case::builder("query-nul", "QUERY_STRING with NUL in it")
        .steps(&[Step::packet(SMALL.changed(&[(b"QUERY_STRING", b"a\0b")]))])
        .served(&["query a\\x00b", "target /m?a%00b"], Row::Served)
        .because("the target never has a control byte", CONTENT),
    Case::builder("query-space", "QUERY_STRING with a space in it")
        .steps(&[Step::packet(SMALL.changed(&[(b"QUERY_STRING", b"a b")]))])
        .served(&["query a b", "target /m?a%20b"], Row::Served)
        .because("a space would end the target in a log line", CONTENT),
    Case::builder("other-var-nul", "a variable of the front end's own with NUL in it")
        .steps(&[Step::packet(SMALL.more(&[(b"GEOIP", b"a\0b")]))])
        .served(&["var GEOIP a\\x00b"], Row::Served)
        .because("the front end sets other vars for its own use: their values are bytes", CONTENT),
    Case::builder("crlf-first-of-two", "HTTP_X with CR LF in it, then a good one")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_X", b"a\r\nb"), (b"HTTP_X", b"c")]))])
        .refused(400, Row::Content)
        .because("every duplicate is checked", CONTENT),
    Case::builder("key-http-only", "a key that is HTTP_ and nothing more")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_", b"x")]))])
        .served(&["vars 11", "headers 1", "var HTTP_ x"], Row::NamelessHeader)
        .because("HTTP has no header without a name; the var stays as it was sent", CONTENT),
    Case::builder("key-http-only-empty", "HTTP_ with no name and no value")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_", b"")]))])
        .served(&["vars 11", "headers 1", "var HTTP_ "], Row::NamelessHeader)
        .because("HTTP has no header without a name, even if it has no value either", CONTENT),
    Case::builder("key-http-only-twice", "HTTP_ twice, then HTTP_X")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_", b"a"), (b"HTTP_", b"b"), (b"HTTP_X", b"c")]))])
        .served(&["vars 13", "headers 2", "header x c"], Row::NamelessHeader)
        .because("a key without a header name hides no header", CONTENT),
    Case::builder("key-http-only-crlf", "HTTP_ with no name and CR LF in its value")
        .steps(&[Step::packet(SMALL.more(&[(b"HTTP_", b"a\r\nb")]))])
        .refused(400, Row::Content)
        .because("the value of every HTTP_ var is checked, and that row comes first", CONTENT),
];
