//! The report of one request from nginx, in all three formats.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has found something")]

use serde_json::{Value, json};
use uwsgi::framing::RequestFraming;
use uwsgi::{Modifier1, Packet, Request, VarsEncoder};
use uwsgi_inspect::{Body, Format, Report};

const VARS: &[(&str, &[u8])] = &[
    ("REQUEST_METHOD", b"POST"),
    ("CONTENT_TYPE", b"text/plain"),
    ("CONTENT_LENGTH", b"5"),
    ("QUERY_STRING", b"x=<1>"),
    ("REQUEST_URI", b"/caf%E9?x=<1>"),
    ("PATH_INFO", b"/caf\xe9"),
    ("SERVER_PROTOCOL", b"HTTP/1.1"),
    ("REQUEST_SCHEME", b"https"),
    ("HTTPS", b"on"),
    ("REMOTE_ADDR", b"192.0.2.7"),
    ("REMOTE_PORT", b"50362"),
    ("SERVER_PORT", b"443"),
    ("SERVER_NAME", b"example.com"),
    ("HTTP_HOST", b"example.com"),
    ("X_TWICE", b"one"),
    ("X_TWICE", b""),
    ("HTTP_PROXY", b"evil:1"),
];

fn with_report<T>(look: impl FnOnce(&Report<'_>) -> T) -> T {
    let mut buffer = Vec::new();
    let mut encoder = VarsEncoder::new(&mut buffer);
    for (key, value) in VARS {
        encoder.push_raw(key, value).unwrap();
    }
    let (packet, _) = Packet::decode(encoder.finish(Modifier1::WSGI, 0).unwrap()).unwrap();
    let request = Request::decode(&packet).unwrap();
    look(&Report::new(request, Body::new(RequestFraming::Length(5), 5, [0xab; 32])))
}

#[test]
fn json_has_these_fields_and_no_others() {
    let text = with_report(|report| report.to_format(Format::Json));
    assert!(text.ends_with("}\n"));
    let document: Value = serde_json::from_str(&text).unwrap();
    let vars: Vec<_> = VARS
        .iter()
        .map(|(key, value)| json!([key, value.iter().copied().map(char::from).collect::<String>()]))
        .collect();
    let expected = json!({
        "modifier1": 0,
        "modifier2": 0,
        "datasize": VARS.iter().map(|(key, value)| 4 + key.len() + value.len()).sum::<usize>(),
        "vars": vars,
        "request": {
            "method": "POST",
            "scheme": "https",
            "host": "example.com",
            "mount": "",
            "target": "/caf%E9?x=%3C1%3E",
            "script_name": null,
            "path_info": "/caf\u{e9}",
            "query_string": "x=<1>",
            "request_uri": "/caf%E9?x=<1>",
            "server_protocol": "HTTP/1.1",
            "server_name": "example.com",
            "server_port": "443",
            "remote_addr": "192.0.2.7",
            "remote_port": "50362",
            "remote_user": null,
            "document_root": null,
            "content_type": "text/plain",
            "content_length": 5,
        },
        "headers": [
            ["content-type", "text/plain"],
            ["content-length", "5"],
            ["host", "example.com"],
            ["proxy", "evil:1"],
        ],
        "body": {"framing": "content-length", "length": 5, "sha256": "ab".repeat(32)},
        "findings": [
            {
                "id": "httpoxy",
                "severity": "error",
                "text": "HTTP_PROXY arrived: evil:1. It is the client's header Proxy. A library that reads it as a \
                         setting sends its requests there (httpoxy, CVE-2016-5385). Apache and lighttpd remove it.",
                "change": {
                    "nginx": "uwsgi_param HTTP_PROXY \"\";",
                    "uwsgi": "http-var = HTTP_PROXY=",
                },
            },
            {
                "id": "var-repeated",
                "severity": "note",
                "text": "X_TWICE came more than once. The last one counts: X_TWICE is empty. nginx sends both values of a \
                         uwsgi_param that is set again after include uwsgi_params. If that is a mistake, remove one of \
                         the two lines. nginx before 1.23 also sends all headers that a client repeats.",
                "change": {},
            },
        ],
    });
    assert_eq!(document, expected, "{text}");
    // The fields have this order.
    let names = ["modifier1", "modifier2", "datasize", "vars", "request", "headers", "body", "findings"];
    let places: Vec<_> = names.iter().map(|name| text.find(&format!("\n \"{name}\":")).unwrap()).collect();
    assert!(places.is_sorted());
}

#[test]
fn text_shows_everything() {
    let text = with_report(|report| report.to_format(Format::Text));
    for line in [
        "POST https://example.com/caf%E9?x=%3C1%3E",
        "REQUEST_URI is /caf%E9?x=<1>",
        "findings (2)",
        "  error    httpoxy",
        "           nginx     uwsgi_param HTTP_PROXY \"\";",
        "  Replace the uwsgi_param of the same name: nginx sends both, and the last one counts.",
        "  note     var-repeated",
        "  modifier1  0 wsgi",
        "vars (17)",
        "  QUERY_STRING     x=<1>",
        "  PATH_INFO        /caf\\xe9",
        "  X_TWICE          one  [1 of 2]",
        "  X_TWICE            [2 of 2]",
        "headers (4)",
        "  content-type    text/plain",
        "  framing  content-length",
        "  length   5",
        "  00000000  00 60 01 00 0e 00 52 45  51 55 45 53 54 5f 4d 45  |.`....REQUEST_ME|",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\nis not in\n{text}");
    }
    let too_wide = text.lines().find(|line| line.chars().count() > 100);
    assert_eq!(too_wide, None);
}

#[test]
fn the_page_shows_everything() {
    let page = with_report(|report| report.to_format(Format::Html));
    for part in [
        "<title>POST https://example.com/caf%E9?x=%3C1%3E</title>",
        "<p class=\"summary\">REQUEST_URI is /caf%E9?x=&lt;1&gt;</p>",
        "17 vars in 352 bytes, a body of 5 bytes, 1 error, 1 note</p>",
        "<li class=\"error\"><h3><b>error</b>httpoxy</h3>",
        "<dt>nginx</dt><dd><code>uwsgi_param HTTP_PROXY &quot;&quot;;</code></dd>",
        "<dt>uWSGI</dt><dd><code>http-var = HTTP_PROXY=</code></dd>",
        "nginx sends both, and the last one counts.</p>",
        "<tr><th scope=\"row\">X_TWICE</th><td>one<span class=\"mark\">1 of 2</span></td></tr>",
        "<tr><th scope=\"row\">X_TWICE</th><td><span class=\"none\">empty</span><span class=\"mark\">2 of 2</span></td></tr>",
        "<tr><th scope=\"row\"><span class=\"prefix\">HTTP_</span>PROXY</th><td>evil:1</td></tr>",
        "<tr><th scope=\"row\">path</th><td>/caf\\xe9</td></tr>",
        "<tr><th scope=\"row\">mounted at</th><td><span class=\"none\">empty</span></td></tr>",
        "<tr><th scope=\"row\">framing</th><td>content-length</td></tr>",
        "<div><b>60 01</b>datasize <span>352</span></div>",
        "<span><i>0000</i>  <b class=\"h\">00 60 01 00 </b><b class=\"l\">0e 00 </b><b class=\"k\">52 45 </b> \
         <b class=\"h\">.`..</b><b class=\"l\">..</b><b class=\"k\">RE</b></span>",
    ] {
        assert!(page.contains(part), "{part}\nis not in\n{page}");
    }
}

/// The first line of the text and the title of the page are the URL that the front end chose. REQUEST_URI is shown too if it
/// differs.
#[test]
fn the_title_is_the_url() {
    let example = |target: &str| format!("http://example.com{target}");
    for (vars, title, beside) in [
        (&[("REQUEST_URI", "/a")][..], example("/a"), false),
        (&[("REQUEST_URI", "/wiki/Talk:Main")], example("/wiki/Talk:Main"), false),
        (&[("REQUEST_URI", "/?t=12:30")], example("/?t=12:30"), false),
        (&[("SCRIPT_NAME", "/m"), ("PATH_INFO", "/a:b")], example("/m/a:b"), false),
        (&[("SCRIPT_NAME", "/m"), ("PATH_INFO", "/a/b"), ("REQUEST_URI", "/m/a%2Fb")], example("/m/a%2Fb"), false),
        (&[("SCRIPT_NAME", "/m"), ("PATH_INFO", "/a"), ("REQUEST_URI", "/%6d/a")], example("/m/a"), true),
        // A subrequest of auth_request.
        (&[("PATH_INFO", "/auth"), ("REQUEST_URI", "/secret"), ("QUERY_STRING", "")], example("/auth"), true),
        (&[("PATH_INFO", "/a\nb"), ("QUERY_STRING", "u=\n"), ("REQUEST_URI", "/")], example("/a%0Ab?u=%0A"), true),
        (&[("REQUEST_URI", "http://other.example/a")], example("/a"), true),
        (&[("SCRIPT_NAME", "/page"), ("REQUEST_URI", "/page")], example("/page"), false),
        (&[("REQUEST_URI", "*")], "*".to_owned(), false),
        (&[], example("/"), false),
    ] {
        let mut buffer = Vec::new();
        let mut encoder = VarsEncoder::new(&mut buffer);
        for (key, value) in [("REQUEST_METHOD", "GET"), ("HTTP_HOST", "example.com")].iter().chain(vars) {
            encoder.push_raw(key, value).unwrap();
        }
        let (packet, _) = Packet::decode(encoder.finish(Modifier1::WSGI, 0).unwrap()).unwrap();
        let report = Report::new(Request::decode(&packet).unwrap(), Body::NONE);
        let (text, page) = (report.text().to_string(), report.html().to_string());
        assert_eq!(text.lines().next(), Some(&*format!("GET {title}")));
        assert!(page.contains(&format!("<title>GET {title}</title>")), "{title}");
        assert_eq!(text.lines().nth(1).unwrap().starts_with("REQUEST_URI is "), beside, "{text}");
        assert_eq!(page.contains("<p class=\"summary\">REQUEST_URI is "), beside, "{title}");
    }
}

/// A header that the front end removed is not shown.
#[test]
fn headers_are_those_that_an_application_sees() {
    let mut buffer = Vec::new();
    let mut encoder = VarsEncoder::new(&mut buffer);
    for (key, value) in [
        ("HTTP_PROXY", "evil"),
        ("HTTP_HOST", "a"),
        ("HTTP_CONNECTION", "close"),
        ("HTTP_CONTENT_LENGTH", "5"),
        ("HTTP_HOST", "b"),
        ("HTTP_PROXY", ""),
    ] {
        encoder.push_raw(key, value).unwrap();
    }
    let (packet, _) = Packet::decode(encoder.finish(Modifier1::WSGI, 0).unwrap()).unwrap();
    let report = Report::new(Request::decode(&packet).unwrap(), Body::NONE);
    let document: Value = serde_json::from_str(&report.json().to_string()).unwrap();
    assert_eq!(document["headers"], json!([["host", "b"]]));
    assert!(report.text().to_string().contains("headers (1)\n  host  b\n"));
}

/// A request without vars has a report too.
#[test]
fn an_empty_packet_has_a_report() {
    let packet = Packet::new(Modifier1::WSGI, 0, b"").unwrap();
    let report = Report::new(Request::decode(&packet).unwrap(), Body::NONE);
    let ids: Vec<_> = report.findings().iter().map(uwsgi_inspect::Found::id).collect();
    assert_eq!(ids, ["no-uwsgi-params", "no-host"]);
    assert!(report.text().to_string().starts_with("(no method) /\n"));
    assert!(report.html().to_string().contains("0 vars in 0 bytes, no body"));
}
