//! What the encoder of vars writes and what it refuses: `SECURITY.md` as rows.

use uwsgi::{EncodeErrorKind as Kind, HeaderPolicy, Modifier1, Packet, Vars, VarsEncoder};

/// One var or one header.
enum Push {
    Var(&'static str, &'static str),
    Header(&'static str, &'static str),
    Number(&'static str, u64),
}

use Push::{Header, Number, Var};

struct Row {
    name: &'static str,
    before: &'static [Push],
    push: Push,
    want: Result<(), Kind>,
    source: &'static str,
}

const LENGTHS: &str = "SECURITY.md: CONTENT_LENGTH is digits only; readers take the first of two, the last or both";
const REPEATED: &str = "gunicorn 27 http/wsgi.py:224-229: HTTP_CONTENT_LENGTH is what the application sees";
const CHUNKED: &str =
    "uWSGI 2.1 core/protocol.c:563-567: chunked overrides CONTENT_LENGTH with --wsgi-manage-chunked-input";
const PROXY: &str = "CVE-2016-5385";
const BYTES: &str = "RFC 9110 section 5.5";
const METHOD: &str = "RFC 9110 section 9.1";

macro_rules! rows {
    ($($name:literal [$($before:expr),*] $push:expr, $want:expr, $source:expr;)*) => {
        &[$(Row { name: $name, before: &[$($before),*], push: $push, want: $want, source: $source }),*]
    };
}

const ROWS: &[Row] = rows! {
    "length" [] Var("CONTENT_LENGTH", "5"), Ok(()), LENGTHS;
    "length-empty" [] Var("CONTENT_LENGTH", ""), Ok(()), LENGTHS;
    "length-signed" [] Var("CONTENT_LENGTH", "+5"), Err(Kind::ContentLength), LENGTHS;
    "length-list" [] Var("CONTENT_LENGTH", "5, 5"), Err(Kind::ContentLength), LENGTHS;
    "length-over-64-bits" [] Var("CONTENT_LENGTH", "18446744073709551616"), Err(Kind::ContentLength), LENGTHS;
    "length-line-end" [] Var("CONTENT_LENGTH", "5\r\n"), Err(Kind::ContentLength), LENGTHS;
    "length-twice" [Var("CONTENT_LENGTH", "5")] Var("CONTENT_LENGTH", "6"), Err(Kind::SecondContentLength), LENGTHS;
    "length-twice-equal" [Var("CONTENT_LENGTH", "5")] Var("CONTENT_LENGTH", "5"), Err(Kind::SecondContentLength), LENGTHS;
    "length-twice-number" [Number("CONTENT_LENGTH", 5)] Number("CONTENT_LENGTH", 6), Err(Kind::SecondContentLength), LENGTHS;
    "length-twice-header" [Header("Content-Length", "5")] Header("content-length", "6"), Err(Kind::SecondContentLength),
        LENGTHS;
    "length-var-then-header" [Number("CONTENT_LENGTH", 5)] Header("Content-Length", "6"), Err(Kind::SecondContentLength),
        LENGTHS;
    "length-header-then-var" [Header("Content-Length", "5")] Var("CONTENT_LENGTH", ""), Err(Kind::SecondContentLength),
        LENGTHS;
    "length-after-an-empty-one" [Var("CONTENT_LENGTH", "")] Var("CONTENT_LENGTH", "5"), Err(Kind::SecondContentLength),
        LENGTHS;
    "length-after-a-refused-one" [Var("CONTENT_LENGTH", "x")] Var("CONTENT_LENGTH", "5"), Ok(()), LENGTHS;
    "another-key-of-that-length" [Var("CONTENT_LENGTH", "5")] Var("CONTENT_LENGTx", "6"), Ok(()), LENGTHS;
    "repeated" [Number("CONTENT_LENGTH", 5)] Var("HTTP_CONTENT_LENGTH", "5"), Ok(()), REPEATED;
    "repeated-other" [Number("CONTENT_LENGTH", 5)] Var("HTTP_CONTENT_LENGTH", "6"), Err(Kind::SecondContentLength), REPEATED;
    "repeated-alone" [] Var("HTTP_CONTENT_LENGTH", "5"), Err(Kind::SecondContentLength), REPEATED;
    "repeated-empty" [Var("CONTENT_LENGTH", "")] Var("HTTP_CONTENT_LENGTH", ""), Ok(()), REPEATED;
    "repeated-no-number" [Number("CONTENT_LENGTH", 5)] Var("HTTP_CONTENT_LENGTH", "5 "), Err(Kind::ContentLength), REPEATED;
    "transfer-encoding" [] Var("HTTP_TRANSFER_ENCODING", "chunked"), Err(Kind::TransferEncoding), CHUNKED;
    "transfer-encoding-header" [] Header("Transfer-Encoding", "chunked"), Err(Kind::TransferEncoding), CHUNKED;
    "transfer-encoding-empty" [] Var("HTTP_TRANSFER_ENCODING", ""), Err(Kind::TransferEncoding), CHUNKED;
    "accept-encoding" [] Header("Accept-Encoding", "gzip"), Ok(()), CHUNKED;
    "proxy" [] Var("HTTP_PROXY", "evil:80"), Err(Kind::ProxyHeader), PROXY;
    "proxy-header" [] Header("pRoXy", "evil:80"), Err(Kind::ProxyHeader), PROXY;
    "proxy-number" [] Number("HTTP_PROXY", 80), Err(Kind::ProxyHeader), PROXY;
    "host-line-end" [] Var("HTTP_HOST", "a\r\nX: b"), Err(Kind::HeaderValue), BYTES;
    "long-value-line-end" [] Var("HTTP_COOKIE", "a=0123456789012345678901234567890123456789\nX: b"), Err(Kind::HeaderValue),
        BYTES;
    "long-value-nul-last" [] Var("HTTP_COOKIE", "a=0123456789012345678901234567890123456789\0"), Err(Kind::HeaderValue), BYTES;
    "value-tab" [] Var("HTTP_X", "a\tb"), Ok(()), BYTES;
    "uri-line-end" [] Var("REQUEST_URI", "/ HTTP/1.1\r\n"), Err(Kind::HeaderValue), BYTES;
    "content-type-nul" [] Var("CONTENT_TYPE", "a\0"), Err(Kind::HeaderValue), BYTES;
    "path-line-end" [] Var("PATH_INFO", "/a\r\nb"), Ok(()), "nginx 1.22 decodes %0D%0A";
    "path-nul" [] Var("PATH_INFO", "/a\0b"), Err(Kind::HeaderValue), BYTES;
    "other-line-end" [] Var("DN", "CN=a\nO=b"), Ok(()), "nginx 1.22: $ssl_client_raw_cert is PEM, which has lines";
    "key-line-end" [] Var("HTTP_A: 1\r\nB", "2"), Err(Kind::Key), BYTES;
    "short-key-nul" [] Var("\0", "2"), Err(Kind::Key), BYTES;
    "method" [] Var("REQUEST_METHOD", "M-SEARCH"), Ok(()), METHOD;
    "method-empty" [] Var("REQUEST_METHOD", ""), Err(Kind::Method), METHOD;
    "method-and-more" [] Var("REQUEST_METHOD", "GET / HTTP/1.1"), Err(Kind::Method), METHOD;
};

/// With [`HeaderPolicy::allow_chunked`] and [`HeaderPolicy::allow_proxy`].
const ALLOWED: &[Row] = rows! {
    "chunked" [] Var("HTTP_TRANSFER_ENCODING", "chunked"), Ok(()), CHUNKED;
    "chunked-header" [Var("CONTENT_LENGTH", "")] Header("Transfer-Encoding", "Chunked"), Ok(()), CHUNKED;
    "chunked-twice" [Header("Transfer-Encoding", "chunked")] Var("HTTP_TRANSFER_ENCODING", "chunked"),
        Err(Kind::TransferEncoding), CHUNKED;
    "chunked-and-other" [] Header("Transfer-Encoding", "gzip, chunked"), Err(Kind::TransferEncoding), CHUNKED;
    "chunked-after-a-length" [Number("CONTENT_LENGTH", 5)] Header("Transfer-Encoding", "chunked"),
        Err(Kind::TransferEncoding), CHUNKED;
    "chunked-before-a-length" [Header("Transfer-Encoding", "chunked")] Number("CONTENT_LENGTH", 5),
        Err(Kind::TransferEncoding), CHUNKED;
    "chunked-before-an-empty-length" [Header("Transfer-Encoding", "chunked")] Var("CONTENT_LENGTH", ""), Ok(()), CHUNKED;
    "proxy-allowed" [] Var("HTTP_PROXY", "a:80"), Ok(()), PROXY;
    "proxy-allowed-line-end" [] Var("HTTP_PROXY", "a:80\n"), Err(Kind::HeaderValue), PROXY;
};

fn push(push: &Push, vars: &mut VarsEncoder<'_, Vec<u8>>) -> Result<(), Kind> {
    match push {
        Var(key, value) => vars.push(*key, *value),
        Header(name, value) => vars.push_header(*name, *value),
        Number(key, number) => vars.push_number(*key, *number),
    }
    .map_err(|error| error.kind())
}

fn run(rows: &[Row], policy: HeaderPolicy) {
    for Row { name, before, push: last, want, source } in rows {
        assert!(!source.is_empty(), "{name}: no source");
        let mut bytes = Vec::new();
        let mut vars = VarsEncoder::with_policy(&mut bytes, policy);
        for earlier in *before {
            let _refused = push(earlier, &mut vars);
        }
        let payload = vars.payload().to_vec();
        assert_eq!(push(last, &mut vars), *want, "{name}");
        assert_eq!(vars.payload() != payload, want.is_ok(), "{name}: a refused push has written");

        // The same var in a payload, after the pairs before it.
        let (key, value) = match last {
            Var(key, value) => (*key, *value),
            Header(..) | Number(..) => continue,
        };
        let mut block = Vec::new();
        let mut raw = VarsEncoder::new(&mut block);
        raw.push_raw("A", "1").unwrap();
        raw.push_raw(key, value).unwrap();
        let (packet, _) = Packet::decode(raw.finish(Modifier1::WSGI, 0).unwrap()).unwrap();
        let mut bytes = Vec::new();
        let mut vars = VarsEncoder::with_policy(&mut bytes, policy);
        for earlier in *before {
            let _refused = push(earlier, &mut vars);
        }
        let payload = vars.payload().to_vec();
        assert_eq!(vars.push_all(packet.vars().unwrap()).map_err(|error| error.kind()), *want, "{name}: in a payload");
        assert_eq!(vars.payload() != payload, want.is_ok(), "{name}: a refused payload has written");
    }
}

#[test]
fn every_push_is_written_or_refused_as_its_row_says() {
    run(ROWS, HeaderPolicy::default());
    run(ALLOWED, HeaderPolicy::default().allow_chunked(true).allow_proxy(true));
}

/// The pairs of a payload are checked like pairs that are pushed one after the other.
#[test]
fn a_payload_may_not_have_two_lengths() {
    let block = b"\x0e\0CONTENT_LENGTH\x01\x005\x0e\0CONTENT_LENGTH\x01\x006";
    let mut bytes = Vec::new();
    let mut vars = VarsEncoder::new(&mut bytes);
    let twice = vars.push_all(Vars::decode(block).unwrap()).unwrap_err();
    assert_eq!((twice.kind(), twice.is_forbidden()), (Kind::SecondContentLength, true));
    // The refused payload has left no length.
    vars.push_number("CONTENT_LENGTH", 5).unwrap();
}

/// A dropped encoder leaves no beginning of the next packet.
#[test]
fn an_encoder_that_is_dropped_leaves_nothing() {
    use arrayvec::ArrayVec;
    use uwsgi::ArrayEncoder;
    use uwsgi::response::{RefusedLine, ResponseEncoder};

    let mut vec = b"before".to_vec();
    let mut inline = ArrayVec::<u8, 64>::try_from(&b"before"[..]).unwrap();
    drop(VarsEncoder::new(&mut vec));
    drop(VarsEncoder::new(&mut inline));
    drop(ArrayEncoder::new(&mut vec));
    drop(ArrayEncoder::new(&mut inline));
    VarsEncoder::new(&mut vec).push("A", "1").unwrap();
    VarsEncoder::new(&mut inline).push("A", "1").unwrap();
    ArrayEncoder::new(&mut vec).push("A").unwrap();
    ArrayEncoder::new(&mut inline).push("A").unwrap();
    ResponseEncoder::new(&mut vec, 200, "OK").unwrap().push("A", "1").unwrap();
    ResponseEncoder::new(&mut inline, 200, "OK").unwrap().push("A", "1").unwrap();
    // The head lacks room for its empty line.
    let mut head = ResponseEncoder::new(&mut inline, 200, "OK").unwrap();
    head.push("A", "012345678901234567890123456789012345").unwrap();
    assert_eq!(head.finish(), Err(RefusedLine::BufferFull));
    assert_eq!((&vec[..], &inline[..]), (&b"before"[..], &b"before"[..]));
}
