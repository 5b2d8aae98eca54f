//! The report's three forms, of one request that nginx sent.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has found something")]

use serde_json::{Value, json};
use uwsgi::framing::RequestBody;
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
        encoder.push(key, value).unwrap();
    }
    let (packet, _) = Packet::decode(encoder.finish(Modifier1::WSGI, 0).unwrap()).unwrap();
    let request = Request::decode(&packet).unwrap();
    look(&Report::new(request, Body::new(RequestBody::Length(5), 5, [0xab; 32])))
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
                "text": "HTTP_PROXY arrived: evil:1. It is the client's header Proxy, and a library that reads it as a \
                         setting sends its requests there (httpoxy, CVE-2016-5385). Apache and lighttpd keep it back.",
                "change": {
                    "nginx": "uwsgi_param HTTP_PROXY \"\";",
                    "uwsgi": "http-var = HTTP_PROXY=",
                },
            },
            {
                "id": "var-repeated",
                "severity": "warning",
                "text": "X_TWICE came more than once: servers keep the last, uWSGI the first REMOTE_ADDR. Two uwsgi_param \
                         lines of one name both count, and so does including uwsgi_params twice.",
                "change": {"nginx": "include uwsgi_params; # once, and each name once"},
            },
        ],
    });
    assert_eq!(document, expected, "{text}");
    // In this order.
    let names = ["modifier1", "modifier2", "datasize", "vars", "request", "headers", "body", "findings"];
    let places: Vec<_> = names.iter().map(|name| text.find(&format!("\n \"{name}\":")).unwrap()).collect();
    assert!(places.is_sorted());
}

#[test]
fn text_shows_everything() {
    let text = with_report(|report| report.to_format(Format::Text));
    for line in [
        "POST https://example.com/caf%E9?x=<1>",
        "findings (2)",
        "  error    httpoxy",
        "           nginx     uwsgi_param HTTP_PROXY \"\";",
        "  A uwsgi_param belongs in the place of the one with its name, if there is one: nginx sends both.",
        "  warning  var-repeated",
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
        "<title>POST https://example.com/caf%E9?x=&lt;1&gt;</title>",
        "17 vars in 352 bytes, a body of 5 bytes, 1 error, 1 warning</p>",
        "<li class=\"error\"><h3><b>error</b>httpoxy</h3>",
        "<dt>nginx</dt><dd><code>uwsgi_param HTTP_PROXY &quot;&quot;;</code></dd>",
        "<dt>uWSGI</dt><dd><code>http-var = HTTP_PROXY=</code></dd>",
        "nginx sends both.</p>",
        "<tr><th scope=\"row\">X_TWICE</th><td>one<span class=\"mark\">1 of 2</span></td></tr>",
        "<tr><th scope=\"row\">X_TWICE</th><td><span class=\"none\">empty</span><span class=\"mark\">2 of 2</span></td></tr>",
        "<tr><th scope=\"row\"><span class=\"prefix\">HTTP_</span>PROXY</th><td>evil:1</td></tr>",
        "<tr><th scope=\"row\">path</th><td>/caf\\xe9</td></tr>",
        "<tr><th scope=\"row\">mounted at</th><td><span class=\"none\">not sent</span></td></tr>",
        "<tr><th scope=\"row\">framing</th><td>content-length</td></tr>",
        "<div><b>60 01</b>datasize <span>352</span></div>",
        "<span><i>0000</i>  <b class=\"h\">00 60 01 00 </b><b class=\"l\">0e 00 </b><b class=\"k\">52 45 </b> \
         <b class=\"h\">.`..</b><b class=\"l\">..</b><b class=\"k\">RE</b></span>",
    ] {
        assert!(page.contains(part), "{part}\nis not in\n{page}");
    }
}

/// The first line of the text, and the page's title: the URL as the client has it.
#[test]
fn the_title_is_the_url() {
    for (vars, title) in [
        (&[("REQUEST_URI", "/a")][..], "http://example.com/a"),
        (&[("REQUEST_URI", "/wiki/Talk:Main")], "http://example.com/wiki/Talk:Main"),
        (&[("REQUEST_URI", "/?t=12:30")], "http://example.com/?t=12:30"),
        (&[("SCRIPT_NAME", "/m"), ("PATH_INFO", "/a:b")], "http://example.com/m/a:b"),
        (&[("REQUEST_URI", "http://other.example/a")], "http://other.example/a"),
        (&[("REQUEST_URI", "*")], "*"),
        (&[], "http://example.com"),
    ] {
        let mut buffer = Vec::new();
        let mut encoder = VarsEncoder::new(&mut buffer);
        for (key, value) in [("REQUEST_METHOD", "GET"), ("HTTP_HOST", "example.com")].iter().chain(vars) {
            encoder.push(key, value).unwrap();
        }
        let (packet, _) = Packet::decode(encoder.finish(Modifier1::WSGI, 0).unwrap()).unwrap();
        let report = Report::new(Request::decode(&packet).unwrap(), Body::NONE);
        assert_eq!(report.text().to_string().lines().next(), Some(&*format!("GET {title}")));
        assert!(report.html().to_string().contains(&format!("<title>GET {title}</title>")), "{title}");
    }
}

/// A request without a var in it has a report too.
#[test]
fn an_empty_packet() {
    let packet = Packet::new(Modifier1::WSGI, 0, b"").unwrap();
    let report = Report::new(Request::decode(&packet).unwrap(), Body::NONE);
    let ids: Vec<_> = report.findings().iter().map(uwsgi_inspect::Found::id).collect();
    assert_eq!(ids, ["no-uwsgi-params", "no-host"]);
    assert!(
        report.text().to_string().starts_with("(no method) \n")
            || report.text().to_string().starts_with("(no method)\n")
    );
    assert!(report.html().to_string().contains("0 vars in 0 bytes, no body"));
}
