//! Vars, seen as an HTTP request.

use uwsgi::framing::{self, RequestFraming};
use uwsgi::{ContentErrorKind, ControlVar, HeaderName, Packet, Request, Scheme, check, check_var};

use super::{all, in_packet, last, packet_of, print, rules, show};
use crate::naive::{self, Fault, Pair, Rules};
use crate::naive_cgi;

/// The input is a packet. If its datasize does not match, the payload is all that follows the header.
///
/// Oracle: a naive view that searches the naive decoder's pairs anew for every question. The last pair of a key wins,
/// headers are `HTTP_*`, `CONTENT_TYPE` and `CONTENT_LENGTH`, the last length frames the body, targets are compared
/// with decoded copies, and values are scanned byte by byte for forbidden bytes.
pub fn request(input: &[u8]) {
    if let Some(packet) = packet_of(input) {
        view(&packet);
        let (rules, _) = rules(input);
        let got = Request::decode_with(&packet, &rules.limits()).map(|request| request.vars().len());
        let want = naive::vars(packet.payload(), &rules).whole().map(|pairs| pairs.len());
        assert_eq!(got.map_err(Fault::from), want.map_err(in_packet));
    }
}

/// Compares the view of one packet with the naive view.
pub(super) fn view(packet: &Packet<'_>) {
    let want = naive::vars(packet.payload(), &Rules::WIRE);
    let request = match (Request::decode(packet), want.fault) {
        (Ok(request), None) => request,
        (Err(error), Some(fault)) => return assert_eq!(Fault::from(error), in_packet(fault)),
        (got, want) => panic!("{got:?}, but {want:?}"),
    };
    let pairs = want.elements;
    show(&request);
    assert_eq!((request.modifier1(), request.modifier2()), (packet.modifier1(), packet.modifier2()));
    assert_eq!(Ok(request.vars()), packet.vars());
    accessors(&request, &pairs);
    headers(&request, &pairs);
    target(&request, &pairs);
    body(&request, &pairs);
    checks(&request, &pairs);
    mount(&request, &pairs);
    for (key, value) in &pairs {
        assert_eq!(ControlVar::from_key(key), control(key));
        assert_eq!(Request::port(value), port(value));
    }
}

fn accessors(request: &Request<'_>, pairs: &[Pair]) {
    let last = |key: &str| last(pairs, key.as_bytes());
    assert_eq!(request.method(), last("REQUEST_METHOD"));
    assert_eq!(request.request_uri(), last("REQUEST_URI"));
    assert_eq!(request.path_info(), last("PATH_INFO"));
    assert_eq!(request.script_name(), last("SCRIPT_NAME"));
    assert_eq!(request.query_string(), last("QUERY_STRING"));
    assert_eq!(request.content_type(), last("CONTENT_TYPE").filter(|value| !value.is_empty()));
    assert_eq!(request.server_protocol(), last("SERVER_PROTOCOL"));
    assert_eq!(request.host(), last("HTTP_HOST"));
    assert_eq!(request.server_name(), last("SERVER_NAME"));
    assert_eq!(request.server_port(), last("SERVER_PORT"));
    assert_eq!(request.remote_addr(), last("REMOTE_ADDR"));
    assert_eq!(request.remote_port(), last("REMOTE_PORT"));
    assert_eq!(request.remote_user(), last("REMOTE_USER"));
    assert_eq!(request.document_root(), last("DOCUMENT_ROOT"));
    assert_eq!(request.scheme(), scheme(pairs));

    let known = pairs.iter().take(24).map(|(key, _)| &key[..]);
    for key in known.chain([&b""[..], b"PATH_INFO", b"SCRIPT_NAME", b"path_info"]) {
        let value = super::last(pairs, key);
        assert_eq!(request.var(key), value);
        assert_eq!(request.var_str(key).ok(), value.map(std::str::from_utf8).transpose().ok());
    }
}

/// Returns the scheme: https where `HTTPS` is on, else that of the first of three vars that names a scheme.
fn scheme(pairs: &[Pair]) -> Scheme {
    let on = last(pairs, b"HTTPS").unwrap_or_default().to_ascii_lowercase();
    if on == b"on" || on == b"1" || on == b"true" {
        return Scheme::Https;
    }
    for key in ["REQUEST_SCHEME", "UWSGI_SCHEME", "wsgi.url_scheme"] {
        match last(pairs, key.as_bytes()) {
            Some(b"http") => return Scheme::Http,
            Some(b"https") => return Scheme::Https,
            _ => {}
        }
    }
    Scheme::Http
}

/// Returns a port of up to five significant digits, at most 65535.
fn port(value: &[u8]) -> Option<u16> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits: Vec<u8> = value.iter().copied().skip_while(|digit| *digit == b'0').collect();
    if digits.len() > 5 {
        return None;
    }
    let number = digits.iter().fold(0, |number: u32, digit| number * 10 + u32::from(digit - b'0'));
    u16::try_from(number).ok()
}

fn headers(request: &Request<'_>, pairs: &[Pair]) {
    for (key, _) in pairs {
        let name = naive_cgi::header_name(key);
        match HeaderName::from_key(key) {
            None => assert_eq!(name, None),
            Some(got) => {
                assert_eq!(Some(got.bytes().collect()), name);
                assert!(got.bytes().rev().eq(name.iter().flatten().rev().copied()));
                header_name(got, key);
            }
        }
    }
    let got = |(name, value): (HeaderName<'_>, &[u8])| (name.bytes().collect::<Vec<u8>>(), value.to_vec());
    let raw = naive_cgi::raw_headers(pairs);
    assert_eq!(request.raw_headers().map(got).collect::<Vec<_>>(), raw);
    assert_eq!(request.headers().map(got).collect::<Vec<_>>(), naive_cgi::headers(pairs));
    assert_eq!(request.upgrade().map(<[u8]>::to_vec), naive_cgi::upgrade(pairs));

    let known = raw.iter().take(24).filter_map(|(name, _)| String::from_utf8(name.clone()).ok());
    for name in known.chain(["content-length", "content-type", "host", "x-forwarded-for", ""].map(String::from)) {
        let every = naive_cgi::header_all(pairs, name.as_bytes());
        let separator = naive_cgi::separator(name.as_bytes()).unwrap_or("there is one at most");
        let joined = (!every.is_empty()).then(|| every.join(separator.as_bytes()));
        for spelt in [name.clone(), name.to_ascii_uppercase(), name.replace('-', "_")] {
            assert_eq!(request.header(&spelt).as_deref(), joined.as_deref(), "{spelt}");
            assert!(request.header_all(&spelt).eq(every.iter()), "{spelt}");
        }
    }
}

fn target(request: &Request<'_>, pairs: &[Pair]) {
    let (target, want) = (request.target(), naive_cgi::target(pairs));
    print(&target);
    let bytes: Vec<u8> = target.bytes().collect();
    let query = want.query.iter().flat_map(|query| [b"?", &query[..]].concat());
    assert_eq!(bytes, want.path.iter().copied().chain(query).collect::<Vec<u8>>());
    assert_eq!(target.path().bytes().collect::<Vec<u8>>(), want.path);
    assert_eq!(target.query().map(|query| query.bytes().collect()), want.query);
    assert_eq!(target.mount(), want.mount);
    if let Some(whole) = target.as_bytes() {
        assert_eq!(whole, bytes);
    }
    // Log lines, routers and other servers may rely on this.
    assert!(bytes == b"*" || bytes.starts_with(b"/"));
    assert!(!bytes.iter().any(|byte| *byte <= b' ' || *byte == 0x7f));
    let printed = [target.to_string(), target.from_root().to_string()];
    assert!(printed.iter().all(|text| text.bytes().all(|byte| byte.is_ascii_graphic())));
}

/// Checks everything that one header name says about itself.
fn header_name(name: HeaderName<'_>, key: &[u8]) {
    print(&name);
    let printed: Vec<u8> = name.bytes().collect();
    let stripped = key.strip_prefix(b"HTTP_").unwrap_or(key);
    assert_eq!(name.as_bytes(), stripped);
    assert_eq!(name, stripped[..]);
    assert_eq!(name, printed[..]);
    assert_eq!(name.is_token(), !stripped.is_empty() && stripped.iter().all(|byte| is_token_byte(*byte)));
    assert_eq!(name.is_hop_by_hop(), naive_cgi::HOP_BY_HOP.iter().any(|hop| hop.as_bytes() == printed));
    assert_eq!(name.separator(), naive_cgi::separator(&printed));
    let content = printed == b"content-length" || printed == b"content-type";
    assert_eq!(name.duplicates_content(), content && key.starts_with(b"HTTP_"));
    if printed.iter().all(|byte| (0x20..0x7f).contains(byte)) {
        assert_eq!(name.to_string().as_bytes(), printed);
    }
}

/// RFC 9110 section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn body(request: &Request<'_>, pairs: &[Pair]) {
    let lengths = all(pairs, b"CONTENT_LENGTH");
    let coding = last(pairs, b"HTTP_TRANSFER_ENCODING");
    let want = naive_cgi::framing(&lengths, None, false);
    assert_eq!(request.body_framing(), want);
    assert_eq!(request.body_framing_or_chunked(), naive_cgi::framing(&lengths, coding, true));
    assert_eq!(framing::request_framing(lengths.last().copied(), coding, false), want, "a coding changes nothing");
    assert_eq!(framing::declared_length(lengths.iter().copied()), naive_cgi::declared(&lengths));
    assert_eq!(request.allows_keepalive(), naive_cgi::allows_keepalive(&lengths));
    match want {
        Ok(RequestFraming::Length(length)) => {
            assert_eq!(request.content_length(), Ok(Some(length)));
            assert_eq!(std::str::from_utf8(lengths.last().unwrap()).map(str::parse), Ok(Ok(length)));
        }
        Ok(_) => assert_eq!(request.content_length(), Ok(None)),
        Err(error) => {
            assert_eq!(request.content_length(), Err(error));
            assert!(request.body_framing_or_chunked().is_err());
            print(&error);
        }
    }
}

fn checks(request: &Request<'_>, pairs: &[Pair]) {
    let mut first = None;
    for (key, value) in pairs {
        let want = forbidden(key, value);
        let got = check_var(key, value).map_err(|error| {
            assert_eq!(error.key(), key);
            print(&error);
            (error.kind(), error.position())
        });
        assert_eq!(got.err(), want);
        first = first.or(want.map(|(kind, position)| (&key[..], kind, position)));
    }
    let got = check(request).map_err(|error| (error.key(), error.kind(), error.position()));
    assert_eq!(got.err(), first);
}

/// Returns the first forbidden byte of a value, and why it is forbidden.
fn forbidden(key: &[u8], value: &[u8]) -> Option<(ContentErrorKind, usize)> {
    if key == b"REQUEST_METHOD" && value.is_empty() {
        return Some((ContentErrorKind::EmptyMethod, 0));
    }
    let lines = key == b"REQUEST_URI"
        || key == b"SERVER_PROTOCOL"
        || key.get(..8) == Some(b"CONTENT_")
        || key.get(..5) == Some(b"HTTP_");
    for (position, byte) in value.iter().enumerate() {
        if key == b"REQUEST_METHOD" && !is_token_byte(*byte) {
            return Some((ContentErrorKind::MethodNotToken, position));
        }
        if key == b"PATH_INFO" && *byte == 0 {
            return Some((ContentErrorKind::Nul, position));
        }
        if lines && (*byte == 0 || *byte == b'\r' || *byte == b'\n') {
            return Some((ContentErrorKind::ControlByte, position));
        }
    }
    None
}

fn mount(request: &Request<'_>, pairs: &[Pair]) {
    let mounted = request.with_mount(b"/mount", b"/path");
    assert_eq!((mounted.script_name(), mounted.path_info()), (Some(&b"/mount"[..]), Some(&b"/path"[..])));
    assert_eq!((mounted.var("SCRIPT_NAME"), mounted.var("PATH_INFO")), (Some(&b"/mount"[..]), Some(&b"/path"[..])));
    assert_eq!(mounted.vars(), request.vars());
    assert_eq!(mounted.method(), last(pairs, b"REQUEST_METHOD"));
    assert_eq!(mounted.body_framing(), request.body_framing());
    assert_eq!(request.path_info(), last(pairs, b"PATH_INFO"));
}

/// Returns the control var of a key, by a table.
fn control(key: &[u8]) -> Option<ControlVar> {
    let table = [
        ("UWSGI_APPID", ControlVar::AppId),
        ("UWSGI_CACHE_GET", ControlVar::CacheGet),
        ("UWSGI_CALLABLE", ControlVar::Callable),
        ("UWSGI_CHDIR", ControlVar::Chdir),
        ("UWSGI_FASTROUTER_KEY", ControlVar::FastrouterKey),
        ("UWSGI_FILE", ControlVar::File),
        ("UWSGI_HOME", ControlVar::Home),
        ("UWSGI_MODULE", ControlVar::Module),
        ("UWSGI_POSTFILE", ControlVar::PostFile),
        ("UWSGI_PYHOME", ControlVar::PyHome),
        ("UWSGI_ROUTER", ControlVar::Router),
        ("UWSGI_SCHEME", ControlVar::Scheme),
        ("UWSGI_SCRIPT", ControlVar::Script),
        ("UWSGI_SETENV", ControlVar::SetEnv),
        ("UWSGI_TOUCH_RELOAD", ControlVar::TouchReload),
    ];
    if !key.starts_with(b"UWSGI_") {
        return None;
    }
    Some(table.iter().find(|(name, _)| name.as_bytes() == key).map_or(ControlVar::Other, |(_, control)| *control))
}
