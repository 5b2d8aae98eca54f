//! The mistakes of other implementations, one test for each.

use std::panic::catch_unwind;

use uwsgi::framing::{FramingError, RequestFraming};
use uwsgi::{
    Array, ContentErrorKind, ControlVar, DecodeErrorKind, EncodeErrorKind, Limits, Modifier1, Packet, Request, Vars,
    VarsEncoder, check,
};
use uwsgi_tests::naive;
use uwsgi_tests::vectors;

/// Returns a packet of these vars, written without the crate's encoder.
fn packet(pairs: &[(&str, &[u8])]) -> Vec<u8> {
    naive::encode_packet(0, 0, &naive::encode_vars(pairs).unwrap()).unwrap()
}

/// A Rust gateway on GitHub and a Zig client write a layout of their own (big-endian lengths, a missing modifier2).
/// Their tests do not notice it, since they read only what they write.
#[test]
fn the_layout_is_that_of_other_producers() {
    // `{A: B}` byte by byte, as nginx, Apache, lighttpd and uWSGI write it.
    let ours = b"\x00\x06\x00\x00\x01\x00A\x01\x00B";
    let mut buffer = [0; 10];
    let mut vars = VarsEncoder::new(&mut buffer[..]);
    vars.push("A", "B").unwrap();
    assert_eq!(vars.finish(Modifier1::WSGI, 0).unwrap(), ours);
    let big_endian = b"\x00\x00\x06\x00\x00\x01A\x00\x01B";
    assert_eq!(Packet::decode(big_endian).unwrap_err().needed(), Some(0x0600 - 6));

    // Bytes that others wrote: at least one capture of each of the four.
    let captures = vectors::packets();
    for producer in ["nginx/", "apache/", "lighttpd/", "uwsgi-http/"] {
        assert!(captures.iter().any(|capture| capture.name.starts_with(producer)), "{producer}");
    }
}

/// gunicorn before 25.2 and go-uwsgi take a short read for a malformed request.
#[test]
fn a_short_read_is_not_a_malformed_request() {
    let whole = packet(&[("REQUEST_METHOD", b"GET"), ("PATH_INFO", b"/")]);
    for at in 0..whole.len() {
        let error = Packet::decode(&whole[..at]).unwrap_err();
        assert_eq!(error.kind(), DecodeErrorKind::Truncated, "after {at} bytes");
        let needed = error.needed().unwrap();
        assert!(needed >= 1 && at + needed <= whole.len(), "after {at} bytes: {needed}");
    }
    assert!(Packet::decode(&whole).is_ok());
}

/// go-uwsgi adds lengths in 16 bits: a key of 65535 bytes plus the two bytes of its length give 1, which fits anywhere.
#[test]
fn lengths_do_not_wrap_when_they_are_added() {
    for claimed in [0_u16, 1, 2, 3, 65533, 65534, 65535] {
        let block = [&claimed.to_le_bytes()[..], b"A\x00\x00"].concat();
        let vars = Vars::decode(&block);
        assert_eq!(vars.is_ok(), claimed == 1, "a key of {claimed} bytes in a block of 5: {vars:?}");
        let block = [&b"\x01\x00A"[..], &claimed.to_le_bytes(), b"B"].concat();
        let vars = Vars::decode(&block);
        assert_eq!(vars.is_ok(), claimed == 1, "a value of {claimed} bytes where there is 1: {vars:?}");
        let block = [&claimed.to_le_bytes()[..], b"A"].concat();
        assert_eq!(Array::decode(&block).is_ok(), claimed == 1, "an item of {claimed} bytes where there is 1");
    }
    // Lengths with a sum just above 65536.
    let block = [&b"\xfe\xff"[..], &[b'k'; 100]].concat();
    assert_eq!(Vars::decode(&block).unwrap_err().kind(), DecodeErrorKind::KeyOverrun);
}

/// caddy-uwsgi-transport, a TypeScript client and Apache before 2.4.46 (CVE-2020-11984) keep the low 16 bits of a
/// length and write all the bytes. The rest is then read as vars that no client sent.
#[test]
fn lengths_over_16_bits_are_not_written() {
    let long = vec![b'x'; 65536 + 1];
    let mut buffer = Vec::new();
    let mut vars = VarsEncoder::new(&mut buffer);
    assert_eq!(vars.push(&long, "v").unwrap_err().kind(), EncodeErrorKind::KeyTooLong);
    assert_eq!(vars.push("k", &long).unwrap_err().kind(), EncodeErrorKind::ValueTooLong);
    assert_eq!(vars.push_header("X-Fill", &long).unwrap_err().kind(), EncodeErrorKind::ValueTooLong);
    vars.push("FIRST", &long[..40000]).unwrap();
    assert_eq!(vars.push("SECOND", &long[..40000]).unwrap_err().kind(), EncodeErrorKind::DatasizeTooLarge);
    // The encoder goes on, and its lengths are right.
    vars.push("THIRD", "3").unwrap();
    let (packet, rest) = Packet::decode(vars.finish(Modifier1::WSGI, 0).unwrap()).unwrap();
    let keys: Vec<_> = packet.vars().unwrap().iter().map(|(key, _)| key).collect();
    assert_eq!((keys, rest), (vec![&b"FIRST"[..], b"THIRD"], &b""[..]));
    assert_eq!(
        Packet::new(Modifier1::ECHO, 0, &long).unwrap_err().kind(),
        EncodeErrorKind::DatasizeTooLarge,
        "a raw payload"
    );
}

/// async-scgi, http-cgi and uWSGI's RPC client allocate as many bytes as the peer announces.
#[test]
fn announced_lengths_allocate_nothing() {
    let bytes = packet(&[("CONTENT_LENGTH", u64::MAX.to_string().as_bytes())]);
    let (packet, _) = Packet::decode(&bytes).unwrap();
    let request = Request::decode(&packet).unwrap();
    // A length is a number to compare with a limit; no memory is allocated for it.
    assert_eq!(request.body_framing(), Ok(RequestFraming::Length(u64::MAX)));
    // A header can make a reader wait for at most 65535 bytes.
    let largest = Packet::decode(b"\x00\xff\xff\x00").unwrap_err();
    assert_eq!(largest.needed(), Some(65535));
    let limits = Limits::default().with_datasize(4096);
    assert_eq!(Packet::decode_with(b"\x00\xff\xff\x00", &limits).unwrap_err().needed(), None);
}

/// The crates scgi and async-scgi panic at an end of input inside a length, and on a length of too many digits.
#[test]
fn an_early_end_or_many_digits_do_not_panic() {
    let whole = packet(&[("CONTENT_LENGTH", &b"9".repeat(5000)), ("HTTP_X", b"\xff")]);
    let outcome = catch_unwind(|| {
        for at in 0..=whole.len() {
            let _truncated = Packet::decode(&whole[..at]);
            let block = whole.get(4..at).unwrap_or_default();
            let _malformed = Vars::decode(block);
            let _malformed = Array::decode(block);
            Vars::pairs(block, &Limits::default()).for_each(drop);
        }
        let (packet, _) = Packet::decode(&whole).unwrap();
        Request::decode(&packet).unwrap().body_framing()
    });
    assert_eq!(outcome.unwrap(), Err(FramingError::LengthOverflow));
}

/// The crates scgi and tokio-scgi, and uwsgi-tools, take every value for UTF-8, and panic, drop or miscount it.
#[test]
fn values_need_not_be_utf8() {
    let latin1 = b"/caf\xe9";
    let bytes = packet(&[("PATH_INFO", latin1), ("HTTP_\u{e9}", "\u{e9}".as_bytes())]);
    let (packet, _) = Packet::decode(&bytes).unwrap();
    let request = Request::decode(&packet).unwrap();
    assert_eq!(request.path_info(), Some(&latin1[..]));
    assert_eq!(request.var_str("PATH_INFO").unwrap_err().valid_up_to(), 4);
    assert_eq!(request.var_str("HTTP_\u{e9}"), Ok(Some("\u{e9}")));
    // The encoder counts bytes, not characters.
    let mut buffer = Vec::new();
    let mut vars = VarsEncoder::new(&mut buffer);
    vars.push("PATH_INFO", "/\u{20ac}").unwrap();
    assert_eq!(vars.finish(Modifier1::WSGI, 0).unwrap()[1], 2 + 9 + 2 + 4);
}

/// go-uwsgi and a bridge to axum turn every `HTTP_*` var into a header again. With nginx in front the application gets
/// `Transfer-Encoding: chunked` with a plain body, two lengths, and the front end's `Connection`.
#[test]
fn hop_by_hop_headers_and_second_lengths_are_not_passed_on() {
    let bytes = packet(&[
        ("CONTENT_LENGTH", b"5"),
        ("CONTENT_TYPE", b"text/plain"),
        ("HTTP_TRANSFER_ENCODING", b"chunked"),
        ("HTTP_CONTENT_LENGTH", b"3"),
        ("HTTP_CONTENT_TYPE", b"text/html"),
        ("HTTP_EXPECT", b"100-continue"),
        ("HTTP_CONNECTION", b"close"),
        ("HTTP_ACCEPT", b"*/*"),
    ]);
    let (packet, _) = Packet::decode(&bytes).unwrap();
    let request = Request::decode(&packet).unwrap();
    let bridged: Vec<_> = request
        .headers()
        .filter(|(name, _)| !name.is_hop_by_hop() && !name.duplicates_content())
        .map(|(name, value)| (name.to_string(), value))
        .collect();
    let want = [("content-length", &b"5"[..]), ("content-type", b"text/plain"), ("accept", b"*/*")];
    assert!(bridged.iter().map(|(name, value)| (name.as_str(), *value)).eq(want), "{bridged:?}");
    assert_eq!(request.header("content-length").as_deref(), Some(&b"5"[..]));
    assert_eq!(request.body_framing(), Ok(RequestFraming::Length(5)));
}

/// Several bridges copy values into HTTP text unchanged. A line end in a value then makes a header that no client sent.
#[test]
fn line_ends_in_values_are_refused() {
    for (value, at) in [(&b"a\r\nX: y"[..], 1), (b"a\nb", 1), (b"\rab", 0), (b"ab\0", 2)] {
        let bytes = packet(&[("HTTP_X", value)]);
        let (packet, _) = Packet::decode(&bytes).unwrap();
        let error = check(&Request::decode(&packet).unwrap()).unwrap_err();
        assert_eq!((error.kind(), error.position()), (ContentErrorKind::ControlByte, at));
        let mut buffer = Vec::new();
        let error = VarsEncoder::new(&mut buffer).push_header("X", value).unwrap_err();
        assert_eq!((error.kind(), error.position()), (EncodeErrorKind::HeaderValue, Some(at)));
        // The same holds for a name.
        let error = VarsEncoder::new(&mut buffer).push_header(value, "x").unwrap_err();
        assert_eq!(error.kind(), EncodeErrorKind::HeaderName);
    }
}

/// The crate cgi panics on an unknown SERVER_PROTOCOL such as HTTP/2.0.
#[test]
fn an_unknown_server_protocol_does_not_panic() {
    for protocol in ["HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "INCLUDED", "", "\u{ff}"] {
        let bytes = packet(&[("SERVER_PROTOCOL", protocol.as_bytes())]);
        let (packet, _) = Packet::decode(&bytes).unwrap();
        let request = Request::decode(&packet).unwrap();
        assert_eq!(request.server_protocol(), Some(protocol.as_bytes()));
        assert_eq!(check(&request), Ok(()));
    }
}

/// The crate cgi, gunicorn and uWSGI read an invalid number as 0; the body is then taken for the next request.
#[test]
fn a_malformed_number_is_not_zero() {
    for value in ["abc", "-1", "+5", " 5", "5 ", "0x5", "5, 5", "1_0", "5.0", "\u{661}"] {
        let bytes = packet(&[("CONTENT_LENGTH", value.as_bytes())]);
        let (packet, _) = Packet::decode(&bytes).unwrap();
        let request = Request::decode(&packet).unwrap();
        assert_eq!(request.content_length(), Err(FramingError::InvalidLength), "{value:?}");
    }
    let bytes = packet(&[("CONTENT_LENGTH", b"18446744073709551616")]);
    let (packet, _) = Packet::decode(&bytes).unwrap();
    assert_eq!(Request::decode(&packet).unwrap().content_length(), Err(FramingError::LengthOverflow));
    for port in ["", "-1", "+80", "80 ", "65536", "99999999999999999999", "http"] {
        assert_eq!(Request::port(port.as_bytes()), None, "{port:?}");
    }
}

/// gunicorn accepts an empty key and refuses a key that overruns the payload; uWSGI refuses the first and reads on
/// inside the second. This crate refuses both; it accepts empty keys if asked to, and never reads on.
#[test]
fn empty_keys_and_overruns_are_refused() {
    let empty = b"\x00\x00\x01\x001";
    let overrun = b"\xff\xff\x01\x00A\x01\x00B";
    let lenient = Limits::default().with_empty_keys(true);
    assert_eq!(Vars::decode(empty).unwrap_err().kind(), DecodeErrorKind::EmptyKey);
    assert_eq!(Vars::decode_with(empty, &lenient).unwrap().get(""), Some(&b"1"[..]));
    for limits in [Limits::default(), lenient, Limits::server()] {
        let error = Vars::decode_with(overrun, &limits).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::KeyOverrun, 2));
        let mut pairs = Vars::pairs(overrun, &limits);
        assert_eq!(pairs.next(), Some(Err(error)));
        assert_eq!(pairs.next(), None, "nothing is read after an error");
    }
    let mut buffer = Vec::new();
    assert_eq!(VarsEncoder::new(&mut buffer).push("", "1").unwrap_err().kind(), EncodeErrorKind::EmptyKey);
}

/// uWSGI 2.0 loads the file in UWSGI_FILE for every peer that reaches its socket, and no other gateway drops such vars.
#[test]
fn vars_that_control_uwsgi_are_known() {
    for key in ["UWSGI_FILE", "UWSGI_SCRIPT", "UWSGI_MODULE", "UWSGI_SETENV", "UWSGI_POSTFILE", "UWSGI_NEW"] {
        assert!(ControlVar::from_key(key.as_bytes()).is_some(), "{key}");
    }
    // A client's header cannot become such a var, nor HTTP_PROXY, nor another header's twin with underscores.
    let mut buffer = Vec::new();
    let mut vars = VarsEncoder::new(&mut buffer);
    vars.push_header("UWSGI-FILE", "exec://id").unwrap();
    assert_eq!(vars.push_header("UWSGI_FILE", "x").unwrap_err().kind(), EncodeErrorKind::UnderscoreHeader);
    assert_eq!(vars.push_header("Proxy", "x").unwrap_err().kind(), EncodeErrorKind::ProxyHeader);
    let (packet, _) = Packet::decode(vars.finish(Modifier1::WSGI, 0).unwrap()).unwrap();
    let vars = packet.vars().unwrap();
    assert_eq!((vars.len(), vars.get("HTTP_UWSGI_FILE")), (1, Some(&b"exec://id"[..])));
    assert!(vars.iter().all(|(key, _)| ControlVar::from_key(key).is_none()));
}
