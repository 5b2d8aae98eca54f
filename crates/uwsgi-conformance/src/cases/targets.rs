//! The target of a request: the routed path, in the client's spelling if that is the same path, and the query.

use crate::case::{Case, Row, SMALL, Step};
use crate::cases::sources::TARGET;

pub(super) const CASES: &[Case] = &[
    Case::builder("target-subrequest", "REQUEST_URI /secret, PATH_INFO /auth (nginx's auth_request)")
        .steps(&[Step::packet(SMALL.changed(&[(b"PATH_INFO", b"/auth"), (b"REQUEST_URI", b"/secret")]))])
        .served(&["path /auth", "target /auth"], Row::Served)
        .because("PATH_INFO is the path that was routed; REQUEST_URI is that of the main request", TARGET),
    Case::builder("target-rewritten-query", "REQUEST_URI /old?a=1, PATH_INFO /new, QUERY_STRING b=2")
        .steps(&[Step::packet(SMALL.changed(&[
            (b"PATH_INFO", b"/new"),
            (b"REQUEST_URI", b"/old?a=1"),
            (b"QUERY_STRING", b"b=2"),
        ]))])
        .served(&["target /new?b=2"], Row::Served)
        .because("the front end has decided both the path and the query", TARGET),
    Case::builder("target-query-stripped", "REQUEST_URI /m?a=1, QUERY_STRING empty")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_URI", b"/m?a=1")]))])
        .served(&["query ", "target /m"], Row::Served)
        .because("the front end has removed the query on purpose", TARGET),
    Case::builder("target-query-set", "REQUEST_URI /m?a=1, QUERY_STRING b=2 (set $args)")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_URI", b"/m?a=1"), (b"QUERY_STRING", b"b=2")]))])
        .served(&["query b=2", "target /m?b=2"], Row::Served)
        .because("the query is QUERY_STRING", TARGET),
    Case::builder("target-query-of-uri", "REQUEST_URI /m?a=1, no QUERY_STRING")
        .steps(&[Step::packet(SMALL.without(&[b"QUERY_STRING"]).changed(&[(b"REQUEST_URI", b"/m?a=1")]))])
        .served(&["target /m?a=1"], Row::Served)
        .because("without QUERY_STRING, the query is that of REQUEST_URI", TARGET),
    Case::builder("target-query-empty-question", "REQUEST_URI /m?, QUERY_STRING empty")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_URI", b"/m?")]))])
        .served(&["target /m"], Row::Served)
        .because("an empty query is no query", TARGET),
    Case::builder("target-slash-kept", "REQUEST_URI /a%2Fb, PATH_INFO /a/b")
        .steps(&[Step::packet(SMALL.changed(&[(b"PATH_INFO", b"/a/b"), (b"REQUEST_URI", b"/a%2Fb")]))])
        .served(&["path /a/b", "target /a%2Fb"], Row::Served)
        .because("REQUEST_URI is the same path, in the client's spelling", TARGET),
    Case::builder("target-lower-hex", "REQUEST_URI /%c3%a9, PATH_INFO /\\xc3\\xa9")
        .steps(&[Step::packet(SMALL.changed(&[(b"PATH_INFO", b"/\xc3\xa9"), (b"REQUEST_URI", b"/%c3%a9")]))])
        .served(&["target /%c3%a9"], Row::Served)
        .because("REQUEST_URI is the same path, in the client's spelling", TARGET),
    Case::builder("target-tidied-slashes", "REQUEST_URI /a//b%2Fc, PATH_INFO /a/b/c")
        .steps(&[Step::packet(SMALL.changed(&[(b"PATH_INFO", b"/a/b/c"), (b"REQUEST_URI", b"/a//b%2Fc")]))])
        .served(&["target /a/b/c"], Row::Served)
        .because("the front end has merged slashes, and routed PATH_INFO", TARGET),
    Case::builder("target-tidied-dots", "REQUEST_URI /a/../b, PATH_INFO /b")
        .steps(&[Step::packet(SMALL.changed(&[(b"PATH_INFO", b"/b"), (b"REQUEST_URI", b"/a/../b")]))])
        .served(&["target /b"], Row::Served)
        .because("the front end has removed dots, and routed PATH_INFO", TARGET),
    Case::builder("target-bad-percent", "REQUEST_URI /a%zz, PATH_INFO /a%zz")
        .steps(&[Step::packet(SMALL.changed(&[(b"PATH_INFO", b"/a%zz"), (b"REQUEST_URI", b"/a%zz")]))])
        .served(&["path /a%zz", "target /a%25zz"], Row::Served)
        .because("a percent sign without two hex digits is itself: the target encodes it", TARGET),
    Case::builder("target-fragment", "REQUEST_URI /m#x, PATH_INFO /m#x")
        .steps(&[Step::packet(SMALL.changed(&[(b"PATH_INFO", b"/m#x"), (b"REQUEST_URI", b"/m#x")]))])
        .served(&["path /m#x", "target /m%23x"], Row::Served)
        .because("a # in a target would end the path for the next reader", TARGET),
    Case::builder("target-newline", "REQUEST_URI /a%0Ab, PATH_INFO with LF in it")
        .steps(&[Step::packet(SMALL.changed(&[(b"PATH_INFO", b"/a\nb"), (b"REQUEST_URI", b"/a%0Ab")]))])
        .served(&["path /a\\nb", "target /a%0Ab"], Row::Served)
        .because("the front end decoded it on purpose; the target never has a control byte", TARGET),
    Case::builder("target-mount", "SCRIPT_NAME /shop, PATH_INFO /a/b, REQUEST_URI /shop/a%2Fb")
        .steps(&[Step::packet(
            SMALL
                .changed(&[(b"PATH_INFO", b"/a/b"), (b"REQUEST_URI", b"/shop/a%2Fb")])
                .more(&[(b"SCRIPT_NAME", b"/shop")]),
        )])
        .served(&["path /a/b", "target /a%2Fb", "mount /shop"], Row::Served)
        .because("the target is what follows the mount", TARGET),
    Case::builder("target-mount-root", "SCRIPT_NAME /shop, PATH_INFO empty, REQUEST_URI /shop")
        .steps(&[Step::packet(
            SMALL.changed(&[(b"PATH_INFO", b""), (b"REQUEST_URI", b"/shop")]).more(&[(b"SCRIPT_NAME", b"/shop")]),
        )])
        .served(&["path ", "target /", "mount /shop"], Row::Served)
        .because("an empty path is /", TARGET),
    Case::builder("target-mount-not-in-uri", "SCRIPT_NAME /shop, PATH_INFO /cart, REQUEST_URI /old")
        .steps(&[Step::packet(
            SMALL.changed(&[(b"PATH_INFO", b"/cart"), (b"REQUEST_URI", b"/old")]).more(&[(b"SCRIPT_NAME", b"/shop")]),
        )])
        .served(&["target /cart", "mount /shop"], Row::Served)
        .because("the front end has rewritten the path", TARGET),
    Case::builder("target-mount-encoded-slash", "SCRIPT_NAME /app, PATH_INFO /x, REQUEST_URI /app%2Fx")
        .steps(&[Step::packet(
            SMALL.changed(&[(b"PATH_INFO", b"/x"), (b"REQUEST_URI", b"/app%2Fx")]).more(&[(b"SCRIPT_NAME", b"/app")]),
        )])
        .served(&["target /x", "mount /app"], Row::Served)
        .because("after the mount there is no slash in REQUEST_URI: its spelling is not used", TARGET),
    Case::builder("target-no-slash", "REQUEST_URI /shop/cart, PATH_INFO cart (rewrite ^/shop/(.*)$ $1 break)")
        .steps(&[Step::packet(SMALL.changed(&[(b"PATH_INFO", b"cart"), (b"REQUEST_URI", b"/shop/cart")]))])
        .served(&["path cart", "target /cart"], Row::Served)
        .because("a target begins with a slash", TARGET),
    Case::builder("target-only-script-name", "SCRIPT_NAME /page, no PATH_INFO (lighttpd without fix-root-scriptname)")
        .steps(&[Step::packet(
            SMALL.without(&[b"PATH_INFO"]).changed(&[(b"REQUEST_URI", b"/page")]).more(&[(b"SCRIPT_NAME", b"/page")]),
        )])
        .served(&["path ", "target /page", "mount "], Row::Served)
        .because("where there is no PATH_INFO, SCRIPT_NAME is the path and there is no mount", TARGET),
    Case::builder(
        "target-split-script-name",
        "SCRIPT_NAME /app, PATH_INFO /page, REQUEST_URI /app/page (lighttpd without fix-root-scriptname)",
    )
    .steps(&[Step::packet(
        SMALL.changed(&[(b"PATH_INFO", b"/page"), (b"REQUEST_URI", b"/app/page")]).more(&[(b"SCRIPT_NAME", b"/app")]),
    )])
    .served(&["target /page", "mount /app"], Row::Served)
    .because("it cannot be told from a mount, and is taken for one", TARGET),
    Case::builder("target-only-uri", "REQUEST_URI /a%2Fb?c, no PATH_INFO, no QUERY_STRING")
        .steps(&[Step::packet(
            SMALL.without(&[b"PATH_INFO", b"QUERY_STRING"]).changed(&[(b"REQUEST_URI", b"/a%2Fb?c")]),
        )])
        .served(&["target /a%2Fb?c"], Row::Served)
        .because("only REQUEST_URI says what is requested", TARGET),
    Case::builder("target-absolute", "REQUEST_URI http://lab.test/a%2Fb, PATH_INFO /a/b (Apache)")
        .steps(&[Step::packet(SMALL.changed(&[(b"REQUEST_URI", b"http://lab.test/a%2Fb"), (b"PATH_INFO", b"/a/b")]))])
        .served(&["target /a%2Fb"], Row::Served)
        .because("the path of an absolute target is what follows the authority", TARGET),
    Case::builder("target-absolute-twice", "REQUEST_URI and PATH_INFO http://lab.test/m (uWSGI's router)")
        .steps(&[Step::packet(
            SMALL.changed(&[(b"REQUEST_URI", b"http://lab.test/m"), (b"PATH_INFO", b"http://lab.test/m")]),
        )])
        .served(&["target /m"], Row::Served)
        .because("uWSGI's router sends the absolute form in both: the authority is cut from both", TARGET),
    Case::builder("target-asterisk", "OPTIONS with REQUEST_URI * and PATH_INFO *")
        .steps(&[Step::packet(SMALL.changed(&[
            (b"REQUEST_METHOD", b"OPTIONS"),
            (b"REQUEST_URI", b"*"),
            (b"PATH_INFO", b"*"),
        ]))])
        .served(&["method OPTIONS", "target *"], Row::Served)
        .because("RFC 9112 section 3.2.4: it stays as it is", TARGET),
];
