//! Vars as headers: which keys carry one, what repeats, and which names a bridge to HTTP must not pass on.

use uwsgi::{ControlVar, HeaderName, Modifier1, Packet, VarsEncoder};

use crate::rows::{self, Input, Sees, ViewRow, latin1, run_view, small};

const VIEW: &[ViewRow] = &[
    ViewRow {
        name: "bare-http",
        input: Input::Vars(&[("HTTP_", "x"), ("HTTP_A", "1")]),
        sees: &[Sees::Headers(&[("a", "1")]), Sees::Var("HTTP_", Some("x")), Sees::Header("", None), Sees::Clean],
        uwsgi: "an environ key HTTP_",
        gunicorn: "a header with no name, an environ key HTTP_",
        source: "gunicorn 27 uwsgi/message.py",
    },
    ViewRow {
        name: "prefix-in-lower-case",
        input: Input::Vars(&[("http_a", "1"), ("Http_A", "2")]),
        sees: &[Sees::Headers(&[]), Sees::Var("http_a", Some("1"))],
        uwsgi: "keys are compared exactly",
        gunicorn: "keys are compared exactly",
        source: "uWSGI 2.0 core/protocol.c; gunicorn 27 uwsgi/message.py",
    },
    ViewRow {
        name: "prefix-twice",
        input: Input::Vars(&[("HTTP_HTTP_A", "1")]),
        sees: &[Sees::Headers(&[("http-a", "1")])],
        uwsgi: "an environ key",
        gunicorn: "HTTP-A",
        source: "gunicorn 27 uwsgi/message.py",
    },
    ViewRow {
        name: "repeated-header",
        input: small(&[("HTTP_X", "a"), ("HTTP_Y", "1"), ("HTTP_X", "b")]),
        sees: &[
            Sees::Header("x", Some("a, b")),
            Sees::HeaderAll("X", &["a", "b"]),
            Sees::Every("HTTP_X", &["a", "b"]),
            Sees::Headers(&[("host", "lab.test"), ("x", "a"), ("y", "1"), ("x", "b")]),
        ],
        uwsgi: "the last wins",
        gunicorn: "the last wins",
        source: "nginx 1.22 ngx_http_uwsgi_create_request sends repeated headers as repeated vars",
    },
    ViewRow {
        name: "dash-beside-underscore",
        input: small(&[("HTTP_X-Y", "dash"), ("HTTP_X_Y", "under")]),
        sees: &[
            Sees::HeaderAll("x-y", &["dash", "under"]),
            Sees::Header("X_Y", Some("dash, under")),
            Sees::Var("HTTP_X-Y", Some("dash")),
            Sees::Var("HTTP_X_Y", Some("under")),
        ],
        uwsgi: "two environ keys",
        gunicorn: "one environ key, values joined with a comma",
        source: "gunicorn 27 http/wsgi.py; lighttpd 1.4 src/http_cgi.c",
    },
    ViewRow {
        name: "repeated-method",
        input: small(&[("REQUEST_METHOD", "POST")]),
        sees: &[Sees::Method(Some("POST")), Sees::Every("REQUEST_METHOD", &["GET", "POST"])],
        uwsgi: "the last wins",
        gunicorn: "the last wins",
        source: "uWSGI 2.0 core/protocol.c; gunicorn 27 uwsgi/message.py",
    },
    ViewRow {
        name: "repeated-path",
        input: small(&[("PATH_INFO", "/n")]),
        sees: &[Sees::PathInfo(Some("/n")), Sees::Var("PATH_INFO", Some("/n")), Sees::Count(11)],
        uwsgi: "the last wins",
        gunicorn: "the last wins",
        source: "uWSGI 2.0 plugins/http/http.c sends PATH_INFO twice for RTSP",
    },
    ViewRow {
        name: "repeated-host",
        input: small(&[("HTTP_HOST", "other.test")]),
        sees: &[Sees::Host(Some("other.test")), Sees::HeaderAll("host", &["other.test"])],
        uwsgi: "the last wins, and wins over SERVER_NAME",
        gunicorn: "the last wins",
        source: "uWSGI 2.0 core/protocol.c uwsgi_proto_check_9",
    },
    ViewRow {
        name: "repeated-remote-addr",
        input: Input::Vars(&[("REMOTE_ADDR", "192.0.2.1"), ("REMOTE_ADDR", "192.0.2.2")]),
        sees: &[Sees::RemoteAddr(Some("192.0.2.2"))],
        uwsgi: "the first wins in its log, the last in environ",
        gunicorn: "not passed on",
        source: "uWSGI 2.0 core/protocol.c uwsgi_proto_check_11",
    },
    ViewRow {
        name: "repeated-with-an-empty-last",
        input: Input::Vars(&[("QUERY_STRING", "a=1"), ("QUERY_STRING", "")]),
        sees: &[Sees::QueryString(Some(""))],
        uwsgi: "the last wins",
        gunicorn: "the last wins",
        source: "uWSGI 2.0 core/protocol.c; gunicorn 27 uwsgi/message.py",
    },
    ViewRow {
        // Two methods that ask for the same thing must give the same answer. An empty value is absent, as for
        // CONTENT_LENGTH.
        name: "content-type-then-an-empty-one",
        input: Input::Vars(&[("CONTENT_TYPE", "a/b"), ("CONTENT_TYPE", "")]),
        sees: &[Sees::ContentType(None), Sees::Header("content-type", None)],
        uwsgi: "the last wins: empty",
        gunicorn: "the last wins: empty",
        source: "uWSGI 2.0 core/protocol.c; gunicorn 27 uwsgi/message.py",
    },
    ViewRow {
        name: "empty-content-type-then-one",
        input: Input::Vars(&[("CONTENT_TYPE", ""), ("CONTENT_TYPE", "a/b")]),
        sees: &[Sees::ContentType(Some("a/b")), Sees::Header("content-type", Some("a/b"))],
        uwsgi: "the last wins",
        gunicorn: "the last wins",
        source: "uWSGI 2.0 core/protocol.c; gunicorn 27 uwsgi/message.py",
    },
    ViewRow {
        name: "content-type-both-ways",
        input: Input::Vars(&[("CONTENT_TYPE", "a/b"), ("HTTP_CONTENT_TYPE", "c/d")]),
        sees: &[
            Sees::ContentType(Some("a/b")),
            Sees::Header("content-type", Some("a/b")),
            Sees::HeaderAll("content-type", &["a/b"]),
            Sees::Headers(&[("content-type", "a/b")]),
            Sees::RawHeaders(&[("content-type", "a/b"), ("content-type", "c/d")]),
        ],
        uwsgi: "a/b",
        gunicorn: "c/d: the client's header overwrites it",
        source: "nginx 1.22 ngx_http_uwsgi_module.c sends both; gunicorn 27 http/wsgi.py",
    },
    ViewRow {
        name: "http-content-type-alone",
        input: Input::Vars(&[("HTTP_CONTENT_TYPE", "c/d")]),
        sees: &[
            Sees::ContentType(None),
            Sees::Header("content-type", None),
            Sees::Headers(&[]),
            Sees::RawHeaders(&[("content-type", "c/d")]),
        ],
        uwsgi: "CONTENT_TYPE stays absent",
        gunicorn: "becomes CONTENT_TYPE",
        source: "gunicorn 27 http/wsgi.py",
    },
    ViewRow {
        name: "empty-content-vars",
        input: Input::Vars(&[("CONTENT_TYPE", ""), ("CONTENT_LENGTH", ""), ("HTTP_X", "")]),
        sees: &[
            Sees::ContentType(None),
            Sees::Headers(&[]),
            Sees::RawHeaders(&[("x", "")]),
            Sees::Var("CONTENT_TYPE", Some("")),
        ],
        uwsgi: "empty environ keys",
        gunicorn: "empty headers",
        source: "nginx 1.22 conf/uwsgi_params",
    },
    ViewRow {
        name: "content-other",
        input: Input::Vars(&[("CONTENT_ENCODING", "gzip"), ("HTTP_CONTENT_ENCODING", "br")]),
        sees: &[Sees::Headers(&[("content-encoding", "br")]), Sees::Header("content-encoding", Some("br"))],
        uwsgi: "environ keys",
        gunicorn: "CONTENT-ENCODING from HTTP_ alone",
        source: "gunicorn 27 uwsgi/message.py",
    },
    ViewRow {
        name: "odd-bytes-in-names",
        input: Input::Vars(&[("HTTP_X.DOT", "1"), ("HTTP_\u{e9}", "2"), ("HTTP_A B", "3"), ("HTTP_N\0L", "4")]),
        sees: &[Sees::Headers(&[("x.dot", "1"), ("\u{e9}", "2"), ("a b", "3"), ("n\\x00l", "4")])],
        uwsgi: "keeps every byte",
        gunicorn: "keeps every byte, as latin-1",
        source: "nginx 1.22 ngx_http_uwsgi_module.c folds letters and dashes only",
    },
    ViewRow {
        name: "dash-kept-by-an-old-client",
        input: Input::Vars(&[("HTTP_CONTENT-TYPE", "a/b"), ("HTTP_USER-AGENT", "x")]),
        sees: &[Sees::Header("user-agent", Some("x")), Sees::ContentType(None), Sees::Header("content-type", None)],
        uwsgi: "environ keys with a dash",
        gunicorn: "CONTENT-TYPE, USER-AGENT",
        source: "uwsgi-tools 1.1.1 uwsgi_tools/curl.py",
    },
    ViewRow {
        name: "script-name-as-a-client-header",
        input: small(&[("HTTP_SCRIPT_NAME", "/app")]),
        sees: &[Sees::ScriptName(None), Sees::Header("script-name", Some("/app"))],
        uwsgi: "no mount",
        gunicorn: "no mount",
        source: "gunicorn 27 http/wsgi.py takes SCRIPT_NAME from its process alone",
    },
];

#[test]
fn headers() {
    run_view("names", VIEW);
}

/// One key, and what its name means to a bridge.
struct NameRow {
    key: &'static str,
    /// The printed name; `None` if the key carries no header.
    prints: Option<&'static str>,
    hop_by_hop: bool,
    doubles_content: bool,
    token: bool,
    source: &'static str,
}

/// Key, printed name, and its kind: hop by hop, carried twice, or not a token.
macro_rules! names {
    ($($key:literal $prints:expr, [$($is:ident)?], $source:literal;)*) => {
        const NAMES: &[NameRow] = &[$(names!(@ $key, $prints, $source, $($is)?)),*];
    };
    (@ $key:literal, $prints:expr, $source:literal, ) => { row($key, $prints, false, false, true, $source) };
    (@ $key:literal, $prints:expr, $source:literal, hop) => { row($key, $prints, true, false, true, $source) };
    (@ $key:literal, $prints:expr, $source:literal, twice) => { row($key, $prints, false, true, true, $source) };
    (@ $key:literal, $prints:expr, $source:literal, odd) => { row($key, $prints, false, false, false, $source) };
}

const fn row(
    key: &'static str,
    prints: Option<&'static str>,
    hop_by_hop: bool,
    doubles_content: bool,
    token: bool,
    source: &'static str,
) -> NameRow {
    NameRow { key, prints, hop_by_hop, doubles_content, token, source }
}

names! {
    "HTTP_CONNECTION" Some("connection"), [hop], "RFC 9110 section 7.6.1";
    "HTTP_KEEP_ALIVE" Some("keep-alive"), [hop], "RFC 9110 section 7.6.1";
    "HTTP_PROXY_CONNECTION" Some("proxy-connection"), [hop], "RFC 9112 appendix C.2.2";
    "HTTP_TE" Some("te"), [hop], "RFC 9110 section 10.1.4";
    "HTTP_TRAILER" Some("trailer"), [hop], "RFC 9110 section 6.6.2; nginx 1.22 passes it on";
    "HTTP_TRANSFER_ENCODING" Some("transfer-encoding"), [hop], "RFC 9112 section 6.1; nginx 1.22 passes it on";
    "HTTP_UPGRADE" Some("upgrade"), [hop], "RFC 9110 section 7.8";
    "HTTP_EXPECT" Some("expect"), [hop], "RFC 9110 section 10.1.1; nginx 1.22 answers it and passes it on";
    "HTTP_PROXY_AUTHORIZATION" Some("proxy-authorization"), [hop], "RFC 9110 section 11.7.2";
    "HTTP_PROXY_AUTHENTICATE" Some("proxy-authenticate"), [hop], "RFC 9110 section 11.7.1";
    "HTTP_TRANSFER-ENCODING" Some("transfer-encoding"), [hop], "uwsgi-tools 1.1.1 keeps dashes";
    "HTTP_Te" Some("te"), [hop], "RFC 9110 section 5.1: names ignore case";
    "HTTP_CONTENT_LENGTH" Some("content-length"), [twice], "nginx 1.22, lighttpd 1.4.69";
    "HTTP_CONTENT_TYPE" Some("content-type"), [twice], "nginx 1.22";
    "HTTP_CONTENT-LENGTH" Some("content-length"), [twice], "uwsgi-tools 1.1.1 keeps dashes";
    "CONTENT_LENGTH" Some("content-length"), [], "RFC 3875 section 4.1.2";
    "CONTENT_TYPE" Some("content-type"), [], "RFC 3875 section 4.1.3";
    "CONTENT-TYPE" None, [], "RFC 3875 section 4.1.3";
    "CONTENT_ENCODING" None, [], "RFC 3875 section 4.1";
    "HTTP_ACCEPT" Some("accept"), [], "RFC 3875 section 4.1.18";
    "HTTP_AUTHORIZATION" Some("authorization"), [], "Apache 2.4 mod_proxy_uwsgi.c passes it on";
    "HTTP_PROXY" Some("proxy"), [], "CVE-2016-5385; nginx 1.22 passes it on";
    "HTTP_HOST" Some("host"), [], "RFC 3875 section 4.1.18";
    "HTTP_COOKIE" Some("cookie"), [], "RFC 3875 section 4.1.18";
    "HTTP_CONNECTION_ID" Some("connection-id"), [], "RFC 9110 section 7.6.1";
    "HTTP_X_TE" Some("x-te"), [], "RFC 9110 section 7.6.1";
    "HTTP_X.DOT" Some("x.dot"), [], "nginx 1.22 keeps the dot";
    "HTTP_A B" Some("a b"), [odd], "RFC 9110 section 5.6.2";
    "HTTP_\u{e9}" Some("\u{e9}"), [odd], "RFC 9110 section 5.6.2";
    "HTTP_A:" Some("a:"), [odd], "RFC 9110 section 5.6.2";
    "HTTP_\u{0}" Some("\\x00"), [odd], "RFC 9110 section 5.6.2";
    "HTTP_\u{7f}\u{80}\u{9f}\u{a0}" Some("\\x7f\\x80\\x9f\u{a0}"), [odd], "RFC 9110 section 5.6.2";
    "HTTP_" None, [], "gunicorn 27 makes a header with no name of it";
    "HTTP" None, [], "RFC 3875 section 4.1.18";
    "HTTPS" None, [], "RFC 3875 section 4.1";
    "http_accept" None, [], "RFC 3875 section 4.1.18";
    "REQUEST_METHOD" None, [], "RFC 3875 section 4.1.12";
    "REMOTE_USER" None, [], "RFC 3875 section 4.1.11";
    "wsgi.input" None, [], "PEP 3333";
}

#[test]
fn names() {
    rows::run(
        "header names",
        NAMES,
        |row| (row.key, [row.source; 3]),
        |row| {
            let key = latin1(row.key);
            let Some(name) = HeaderName::from_key(&key) else {
                return if row.prints.is_none() { vec![] } else { vec!["no header".to_owned()] };
            };
            let got = (Some(name.to_string()), name.is_hop_by_hop(), name.duplicates_content(), name.is_token());
            let want = (row.prints.map(str::to_owned), row.hop_by_hop, row.doubles_content, row.token);
            if got == want { vec![] } else { vec![format!("{got:?}, expected {want:?}")] }
        },
    );
}

/// A header's name as HTTP writes it, and the key that carries it.
const KEYS: &[(&str, &str)] = &[
    ("Accept", "HTTP_ACCEPT"),
    ("x-forwarded-for", "HTTP_X_FORWARDED_FOR"),
    ("X!a", "HTTP_X!A"),
    ("Content-Type", "CONTENT_TYPE"),
    ("CONTENT-LENGTH", "CONTENT_LENGTH"),
    ("Content-MD5", "HTTP_CONTENT_MD5"),
    ("Content", "HTTP_CONTENT"),
];

/// `key` is the key that `push_header` writes, and `from_key` takes it for the same name.
#[test]
fn keys_of_names() {
    for (name, key) in KEYS {
        let header = HeaderName::from_name(name);
        assert!(header.key().eq(key.bytes()), "{name}");
        let found = HeaderName::from_key(key.as_bytes()).unwrap();
        assert_eq!((found, found.duplicates_content()), (header, header.duplicates_content()), "{name}");
        let mut buffer = Vec::new();
        let mut vars = VarsEncoder::new(&mut buffer);
        vars.push_header(name, "1").unwrap();
        let packet = vars.finish(Modifier1::WSGI, 0).unwrap();
        assert_eq!(Packet::decode(packet).unwrap().0.vars().unwrap().get(key), Some(&b"1"[..]), "{name}");
    }
}

/// The names that make uWSGI act (`uwsgi_parse_vars`, uWSGI 2.0), and some that only look like them.
const CONTROL: &[(&str, Option<ControlVar>)] = &[
    ("UWSGI_APPID", Some(ControlVar::AppId)),
    ("UWSGI_CACHE_GET", Some(ControlVar::CacheGet)),
    ("UWSGI_CALLABLE", Some(ControlVar::Callable)),
    ("UWSGI_CHDIR", Some(ControlVar::Chdir)),
    ("UWSGI_FASTROUTER_KEY", Some(ControlVar::FastrouterKey)),
    ("UWSGI_FILE", Some(ControlVar::File)),
    ("UWSGI_HOME", Some(ControlVar::Home)),
    ("UWSGI_MODULE", Some(ControlVar::Module)),
    ("UWSGI_POSTFILE", Some(ControlVar::PostFile)),
    ("UWSGI_PYHOME", Some(ControlVar::PyHome)),
    ("UWSGI_ROUTER", Some(ControlVar::Router)),
    ("UWSGI_SCHEME", Some(ControlVar::Scheme)),
    ("UWSGI_SCRIPT", Some(ControlVar::Script)),
    ("UWSGI_SETENV", Some(ControlVar::SetEnv)),
    ("UWSGI_TOUCH_RELOAD", Some(ControlVar::TouchReload)),
    ("UWSGI_", Some(ControlVar::Other)),
    ("UWSGI_FILE2", Some(ControlVar::Other)),
    ("UWSGI_file", Some(ControlVar::Other)),
    ("uwsgi_file", None),
    ("UWSGI", None),
    ("UWSGIFILE", None),
    ("HTTP_UWSGI_FILE", None),
    ("XUWSGI_FILE", None),
];

#[test]
fn control_vars() {
    let describe = |row: &(&'static str, Option<ControlVar>)| (row.0, ["uWSGI 2.0 core/protocol.c"; 3]);
    rows::run("control vars", CONTROL, describe, |(key, want)| {
        let got = ControlVar::from_key(key.as_bytes());
        if got == *want { vec![] } else { vec![format!("{got:?}")] }
    });
}
