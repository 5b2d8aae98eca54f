//! The vars that are made for a request.

use uwsgi::client::{RequestBuilder, RequestBuilderError as Error};
use uwsgi::{EncodeErrorKind, Modifier1, Packet, Request, Scheme};

/// Returns the vars that differ from those of `GET /`.
fn vars(request: &RequestBuilder<'_>) -> Result<String, Error> {
    let of = |request: &RequestBuilder<'_>| -> Result<Vec<String>, Error> {
        Ok(request.vars()?.map(|(key, value)| format!("{key}={}", value.escape_ascii())).collect())
    };
    let usual = of(&RequestBuilder::new("GET", "/")).unwrap();
    Ok(of(request)?.into_iter().filter(|var| !usual.contains(var)).collect::<Vec<_>>().join(" "))
}

fn get(target: &str) -> RequestBuilder<'_> {
    RequestBuilder::new("GET", target)
}

#[test]
fn the_vars_of_the_root() {
    let all: Vec<_> = get("/").vars().unwrap().map(|(key, value)| (key, value.into_owned())).collect();
    let expected: [(&str, &str); 9] = [
        ("QUERY_STRING", ""),
        ("REQUEST_METHOD", "GET"),
        ("REQUEST_URI", "/"),
        ("SCRIPT_NAME", ""),
        ("PATH_INFO", "/"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("REQUEST_SCHEME", "http"),
        ("SERVER_NAME", "localhost"),
        ("SERVER_PORT", "80"),
    ];
    assert_eq!(all, expected.map(|(key, value)| (key, value.as_bytes().to_vec())));
}

/// A request, and the vars in which it differs from `GET /`.
#[test]
fn vars_of_requests() {
    let rows = [
        (get("/a%20b/%c3%a9?x=%20"), "QUERY_STRING=x=%20 REQUEST_URI=/a%20b/%c3%a9?x=%20 PATH_INFO=/a b/\\xc3\\xa9"),
        (get("/a//../b?"), "REQUEST_URI=/a//../b? PATH_INFO=/a//../b"),
        (get("/100%"), "REQUEST_URI=/100% PATH_INFO=/100%"),
        (get("*"), "REQUEST_URI=* PATH_INFO=*"),
        (get("?x"), "QUERY_STRING=x REQUEST_URI=/?x"),
        (RequestBuilder::new("PURGE", "/"), "REQUEST_METHOD=PURGE"),
        // A URL gives the host and the scheme, and nothing of its user.
        (get("http://a.test"), "SERVER_NAME=a.test HTTP_HOST=a.test"),
        (get("http://a.test?x"), "QUERY_STRING=x REQUEST_URI=/?x SERVER_NAME=a.test HTTP_HOST=a.test"),
        (
            get("HTTPS://me:pw@[::1]:8443/a"),
            "REQUEST_URI=/a PATH_INFO=/a REQUEST_SCHEME=https HTTPS=on SERVER_NAME=[::1] SERVER_PORT=8443 \
             HTTP_HOST=[::1]:8443",
        ),
        (get("/http://a.test/"), "REQUEST_URI=/http://a.test/ PATH_INFO=/http://a.test/"),
        (get("/").with_host("a.test:81"), "SERVER_NAME=a.test SERVER_PORT=81 HTTP_HOST=a.test:81"),
        (get("/").with_host("a.test:"), "SERVER_NAME=a.test HTTP_HOST=a.test:"),
        (get("/").with_host("a.test:65536"), "SERVER_NAME=a.test HTTP_HOST=a.test:65536"),
        (get("/").with_scheme(Scheme::Https), "REQUEST_SCHEME=https HTTPS=on SERVER_PORT=443"),
        (get("/").with_protocol("HTTP/2.0"), "SERVER_PROTOCOL=HTTP/2.0"),
        (get("/").with_content_length(0), "CONTENT_LENGTH=0"),
        (
            get("/").with_remote_addr("2001:db8::1".parse().unwrap()).with_remote_port(50362),
            "REMOTE_ADDR=2001:db8::1 REMOTE_PORT=50362",
        ),
        // Mounts.
        (get("/my%20shop/c").with_mount("/my shop"), "REQUEST_URI=/my%20shop/c SCRIPT_NAME=/my shop PATH_INFO=/c"),
        (get("/shop").with_mount("/shop"), "REQUEST_URI=/shop SCRIPT_NAME=/shop PATH_INFO="),
        (get("/c").with_script_name("/my shop"), "REQUEST_URI=/my%20shop/c SCRIPT_NAME=/my shop PATH_INFO=/c"),
        (get("/b/c").with_script_name("/a/").with_mount("/b"), "REQUEST_URI=/a/b/c SCRIPT_NAME=/a/b PATH_INFO=/c"),
        (get("/c").with_script_name("/a").with_request_uri("/%61/c"), "REQUEST_URI=/%61/c SCRIPT_NAME=/a PATH_INFO=/c"),
        (get("/c").with_script_name("/a").with_request_uri("/old"), "REQUEST_URI=/a/c SCRIPT_NAME=/a PATH_INFO=/c"),
    ];
    for (request, expected) in rows {
        assert_eq!(vars(&request).unwrap(), expected, "{request:?}");
    }
}

#[test]
fn what_cannot_be_sent_is_an_error() {
    let rows = [
        (get(""), Error::NoPath),
        (get("a"), Error::NoPath),
        (get("example.com:443"), Error::NoPath),
        (get("ftp://example.com/"), Error::NoPath),
        (get("/a b"), Error::NotEncoded),
        (get("/a\r\nb"), Error::NotEncoded),
        (get("/?\x7f"), Error::NotEncoded),
        (get("/a#b"), Error::NotEncoded),
        (get("http://a.test#b"), Error::NoPath),
        (get("/a%00"), Error::NulInPath),
        (get("/").with_host(""), Error::InvalidHost),
        (get("/").with_host("a b"), Error::InvalidHost),
        (get("http:///a"), Error::InvalidHost),
        (get("/shopping").with_mount("/shop"), Error::OutsideMount),
        (get("*").with_mount("/shop"), Error::OutsideMount),
    ];
    for (request, expected) in rows {
        assert_eq!(vars(&request).unwrap_err(), expected, "{request:?}");
        assert_eq!(request.encode(&mut Vec::new()).unwrap_err(), expected, "{request:?}");
    }
    let Error::Encode(error) = RequestBuilder::new("", "/").encode(&mut Vec::new()).unwrap_err() else { panic!() };
    assert_eq!(error.kind(), EncodeErrorKind::Method);
    let Error::Encode(error) = get("/").encode(&mut [0; 32][..]).unwrap_err() else { panic!() };
    assert_eq!(error.kind(), EncodeErrorKind::BufferFull);
}

/// A server sees the request that was built.
#[test]
fn a_server_reads_it() {
    let mut buffer = Vec::new();
    let request = RequestBuilder::new("POST", "https://a.test:444/my%2Fshop/c?x").with_mount("/my/shop");
    let mut vars = request.with_content_length(5).encode(&mut buffer).unwrap();
    vars.push_header("Accept", "*/*").unwrap();
    let (packet, _) = Packet::decode(vars.finish(Modifier1::WSGI, 0).unwrap()).unwrap();
    let request = Request::decode(&packet).unwrap();
    assert_eq!(uwsgi::check(&request), Ok(()));
    assert_eq!(request.method(), Some(&b"POST"[..]));
    assert_eq!(request.scheme(), Scheme::Https);
    assert_eq!(request.host(), Some(&b"a.test:444"[..]));
    assert_eq!(request.content_length(), Ok(Some(5)));
    assert_eq!(request.target().mount(), b"/my/shop");
    assert_eq!(request.target().to_string(), "/c?x");
    assert_eq!(request.header("accept").as_deref(), Some(&b"*/*"[..]));
}
