//! The mistakes of other implementations, one test each.

use std::panic::catch_unwind;

use uwsgi::framing::{FramingError, RequestBody};
use uwsgi::{
    Array, ContentErrorKind, ControlVar, DecodeErrorKind, EncodeErrorKind, Limits, Modifier1, Packet, Request, Vars,
    VarsEncoder, check,
};
use uwsgi_tests::naive;
use uwsgi_tests::vectors;

/// A packet of these vars, put together without the crate's encoder.
fn packet(pairs: &[(&str, &[u8])]) -> Vec<u8> {
    naive::encode_packet(0, 0, &naive::encode_vars(pairs).unwrap()).unwrap()
}

/// A Rust gateway on GitHub and a Zig client write a layout of their own (big-endian lengths, a missing modifier2) and
/// read it back happily: their tests only ever talk to themselves.
#[test]
fn layout_that_only_its_own_tests_understand() {
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

/// gunicorn before 25.2 and go-uwsgi take a read that returned less than they asked for as a malformed request.
#[test]
fn short_read_taken_for_a_malformed_request() {
    let whole = packet(&[("REQUEST_METHOD", b"GET"), ("PATH_INFO", b"/")]);
    for at in 0..whole.len() {
        let error = Packet::decode(&whole[..at]).unwrap_err();
        assert_eq!(error.kind(), DecodeErrorKind::Truncated, "after {at} bytes");
        let needed = error.needed().unwrap();
        assert!(needed >= 1 && at + needed <= whole.len(), "after {at} bytes: {needed}");
    }
    assert!(Packet::decode(&whole).is_ok());
}

/// go-uwsgi adds lengths in 16 bits: a key of 65535 bytes plus the two bytes of its length is 1, and fits anywhere.
#[test]
fn lengths_added_in_16_bits() {
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
    // Lengths whose sum is 65536 and a bit.
    let block = [&b"\xfe\xff"[..], &[b'k'; 100]].concat();
    assert_eq!(Vars::decode(&block).unwrap_err().kind(), DecodeErrorKind::KeyOverrun);
}

/// caddy-uwsgi-transport, a TypeScript client and Apache before 2.4.46 (CVE-2020-11984) keep the low 16 bits of a
/// length and write all the bytes: what follows is read as vars that nobody sent.
#[test]
fn lengths_cut_to_16_bits_on_the_way_out() {
    let long = vec![b'x'; 65536 + 1];
    let mut buffer = Vec::new();
    let mut vars = VarsEncoder::new(&mut buffer);
    assert_eq!(vars.push(&long, "v").unwrap_err().kind(), EncodeErrorKind::KeyTooLong);
    assert_eq!(vars.push("k", &long).unwrap_err().kind(), EncodeErrorKind::ValueTooLong);
    assert_eq!(vars.push_header("X-Fill", &long).unwrap_err().kind(), EncodeErrorKind::ValueTooLong);
    vars.push("FIRST", &long[..40000]).unwrap();
    assert_eq!(vars.push("SECOND", &long[..40000]).unwrap_err().kind(), EncodeErrorKind::DatasizeTooLarge);
    // The encoder goes on, and what it wrote is what it says.
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

/// async-scgi, http-cgi and uWSGI's RPC client allocate as many bytes as the peer says are coming.
#[test]
fn allocation_sized_by_the_peer() {
    let bytes = packet(&[("CONTENT_LENGTH", u64::MAX.to_string().as_bytes())]);
    let (packet, _) = Packet::decode(&bytes).unwrap();
    let request = Request::decode(&packet).unwrap();
    // A number to be compared with a limit, nothing that was made room for.
    assert_eq!(request.body_framing(), Ok(RequestBody::Length(u64::MAX)));
    // What a header can make a reader wait for is 65535 bytes, or less where it says so.
    let largest = Packet::decode(b"\x00\xff\xff\x00").unwrap_err();
    assert_eq!(largest.needed(), Some(65535));
    let limits = Limits::default().with_datasize(4096);
    assert_eq!(Packet::decode_with(b"\x00\xff\xff\x00", &limits).unwrap_err().needed(), None);
}

/// The crates scgi and async-scgi panic at an end of input inside a length, and on a length of too many digits.
#[test]
fn panic_on_an_early_end_or_on_long_digits() {
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

/// The crates scgi and tokio-scgi and uwsgi-tools take every value for UTF-8, and panic, drop or miscount it.
#[test]
fn values_taken_for_utf8() {
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

/// go-uwsgi and a bridge to axum turn every `HTTP_*` var into a header again: with nginx in front the application gets
/// `Transfer-Encoding: chunked` over a plain body, two lengths, and the front end's `Connection`.
#[test]
fn hop_by_hop_headers_and_second_lengths_passed_on() {
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
    assert_eq!(request.body_framing(), Ok(RequestBody::Length(5)));
}

/// Several bridges write values into HTTP text as they came; a line end in one of them is a header that nobody sent.
#[test]
fn line_ends_in_values_copied_into_text() {
    for (value, at) in [(&b"a\r\nX: y"[..], 1), (b"a\nb", 1), (b"\rab", 0), (b"ab\0", 2)] {
        let bytes = packet(&[("HTTP_X", value)]);
        let (packet, _) = Packet::decode(&bytes).unwrap();
        let error = check(&Request::decode(&packet).unwrap()).unwrap_err();
        assert_eq!((error.kind(), error.position()), (ContentErrorKind::ControlByte, at));
        let mut buffer = Vec::new();
        let error = VarsEncoder::new(&mut buffer).push_header("X", value).unwrap_err();
        assert_eq!((error.kind(), error.required()), (EncodeErrorKind::HeaderValue, at));
        // Nor in a name.
        let error = VarsEncoder::new(&mut buffer).push_header(value, "x").unwrap_err();
        assert_eq!(error.kind(), EncodeErrorKind::HeaderName);
    }
}

/// The crate cgi panics on a SERVER_PROTOCOL that it does not know, and HTTP/2.0 is one.
#[test]
fn unknown_server_protocol_panics() {
    for protocol in ["HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "INCLUDED", "", "\u{ff}"] {
        let bytes = packet(&[("SERVER_PROTOCOL", protocol.as_bytes())]);
        let (packet, _) = Packet::decode(&bytes).unwrap();
        let request = Request::decode(&packet).unwrap();
        assert_eq!(request.server_protocol(), Some(protocol.as_bytes()));
        assert_eq!(check(&request), Ok(()));
    }
}

/// The crate cgi, gunicorn and uWSGI read a number that is none as 0; the body is then the next request.
#[test]
fn malformed_number_means_zero() {
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

/// gunicorn takes an empty key and refuses a key that overruns the block; uWSGI refuses the first and reads on inside
/// the second. Here both are refused; empty keys pass where that was asked for, reading on nowhere.
#[test]
fn servers_that_disagree_about_keys() {
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
        assert_eq!(pairs.next(), None, "nothing is read behind an error");
    }
    let mut buffer = Vec::new();
    assert_eq!(VarsEncoder::new(&mut buffer).push("", "1").unwrap_err().kind(), EncodeErrorKind::EmptyKey);
}

/// uWSGI 2.0 loads the file that UWSGI_FILE names for whoever reaches its socket, and no peer's gateway drops such vars.
#[test]
fn vars_that_grant_powers() {
    for key in ["UWSGI_FILE", "UWSGI_SCRIPT", "UWSGI_MODULE", "UWSGI_SETENV", "UWSGI_POSTFILE", "UWSGI_NEW"] {
        assert!(ControlVar::from_key(key.as_bytes()).is_some(), "{key}");
    }
    // A client's header cannot become one, nor HTTP_PROXY, nor the underscored twin of another header.
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
