//! The texts that are printed for people and logs: every text once.

use std::hash::{BuildHasher, RandomState};

use uwsgi::framing::{FramingError, content_length, declared_length};
use uwsgi::message::RpcCallEncoder;
use uwsgi::{
    Array, ArrayEncoder, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, Foreign, Header, HeaderName,
    Limits, Modifier1, Packet, Scheme, Vars, VarsBuf, VarsEncoder, check_var,
};

#[test]
fn decode_errors_print() {
    use DecodeErrorKind as Kind;
    let vars = |block: &[u8]| Vars::decode(block).unwrap_err();
    let limited = |block: &[u8], limits: Limits| Vars::decode_with(block, &limits).unwrap_err();
    let wire = Limits::wire();
    let rows: &[(DecodeError, Kind, &str, &str)] = &[
        (
            limited(b"\x01\0k\0\0", wire.with_datasize(4)),
            Kind::DatasizeLimit,
            "datasize-limit",
            "datasize 5 is over the limit of 4",
        ),
        (
            Array::decode_as_uwsgi(b"\x01\0a\0\0").unwrap_err(),
            Kind::EmptyItem,
            "empty-item",
            "the array ends in an empty item at offset 3, which uWSGI refuses",
        ),
        (vars(b"\x01\0k\0\0\0\0\0\0"), Kind::EmptyKey, "empty-key", "the key at offset 5 is empty"),
        (
            Array::decode(b"\x01\0a\x01").unwrap_err(),
            Kind::ItemLengthMissing,
            "item-length-missing",
            "1 byte is left at offset 3, where the length of an item belongs",
        ),
        (
            Array::decode(b"\x02\0a").unwrap_err(),
            Kind::ItemOverrun,
            "item-overrun",
            "the item at offset 2 claims 2 bytes, its block has 1 left",
        ),
        (
            vars(b"\x01"),
            Kind::KeyLengthMissing,
            "key-length-missing",
            "1 byte is left at offset 0, where the length of a key belongs",
        ),
        (
            limited(b"\x03\0key\0\0", wire.with_key(2)),
            Kind::KeyLimit,
            "key-limit",
            "the key at offset 2 has 3 bytes, over the limit of 2",
        ),
        (
            vars(b"\x05\0key\0\0"),
            Kind::ValueLengthMissing,
            "value-length-missing",
            "0 bytes are left at offset 7, where the length of a value belongs",
        ),
        (
            vars(b"\x01\0k\x01"),
            Kind::ValueLengthMissing,
            "value-length-missing",
            "1 byte is left at offset 3, where the length of a value belongs",
        ),
        (
            vars(b"\x09\0key"),
            Kind::KeyOverrun,
            "key-overrun",
            "the key at offset 2 claims 9 bytes, its block has 3 left",
        ),
        (
            Packet::decode(b"\0\x09\0\0ab").unwrap_err(),
            Kind::Truncated,
            "truncated",
            "9 bytes belong at offset 4, there are 2: 7 more needed",
        ),
        (
            limited(b"\x01\0k\x03\0abc", wire.with_value(2)),
            Kind::ValueLimit,
            "value-limit",
            "the value at offset 5 has 3 bytes, over the limit of 2",
        ),
        (
            vars(b"\x01\0k\x09\0abc"),
            Kind::ValueOverrun,
            "value-overrun",
            "the value at offset 5 claims 9 bytes, its block has 3 left",
        ),
        (
            limited(b"\x01\0k\0\0\x01\0k\0\0", wire.with_vars(1)),
            Kind::VarsLimit,
            "vars-limit",
            "more vars than the limit of 1: one more begins at offset 5",
        ),
    ];
    for (error, kind, word, text) in rows {
        assert_eq!((error.kind(), error.kind().as_str(), error.to_string().as_str()), (*kind, *word, *text));
    }
    // The offsets count from the start of a file in which the packet begins at byte 100.
    let error = vars(b"\x09\0key").shifted(100);
    assert_eq!(error.to_string(), "the key at offset 102 claims 9 bytes, its block has 3 left");
}

#[test]
fn encode_errors_print() {
    use EncodeErrorKind as Kind;
    let long = vec![b'x'; 65536];
    fn pushed(push: impl FnOnce(&mut VarsEncoder<'_, [u8]>) -> Result<(), EncodeError>) -> EncodeError {
        push(&mut VarsEncoder::new(&mut [0; 20][..])).unwrap_err()
    }
    fn item(push: impl FnOnce(&mut ArrayEncoder<'_, Vec<u8>>) -> Result<(), EncodeError>) -> EncodeError {
        push(&mut ArrayEncoder::new(&mut Vec::new())).unwrap_err()
    }
    fn too_many_arguments() -> EncodeError {
        let mut buffer = Vec::new();
        let mut call = RpcCallEncoder::new(&mut buffer, "f").unwrap();
        (0..255).try_for_each(|_| call.push_as_uwsgi("x")).unwrap_err()
    }
    let header = |name: &str, value: &str| pushed(|vars| vars.push_header(name, value));
    let rows: &[(EncodeError, Kind, &str)] = &[
        (
            pushed(|vars| vars.push("KEY", "a long value")),
            Kind::BufferFull,
            "19 bytes do not fit into the 16 left in the buffer",
        ),
        (
            header("Content-Length", "+5"),
            Kind::ContentLength,
            "Content-Length is not a decimal number of at most 64 bits",
        ),
        (
            Packet::new(Modifier1::ECHO, 0, &long).unwrap_err(),
            Kind::DatasizeTooLarge,
            "the payload would be 65536 bytes, a packet carries 65535",
        ),
        (item(|items| items.push_as_uwsgi("")), Kind::EmptyItem, "an empty array item, which uWSGI drops or refuses"),
        (pushed(|vars| vars.push("", "v")), Kind::EmptyKey, "an empty key, which uWSGI refuses"),
        (header("", "v"), Kind::HeaderName, "the header's name is empty"),
        (header(" a", "v"), Kind::HeaderName, "the header's name is no token: byte 0 is not allowed in one"),
        (header("a:b", "v"), Kind::HeaderName, "the header's name is no token: byte 1 is not allowed in one"),
        (header("a", "b\r\n"), Kind::HeaderValue, "the value has CR, LF or NUL in it, at byte 1"),
        (
            item(|items| items.push(&long)),
            Kind::ItemTooLong,
            "an item of 65536 bytes, a length field says at most 65535",
        ),
        (
            pushed(|vars| vars.push(&long, "v")),
            Kind::KeyTooLong,
            "a key of 65536 bytes, a length field says at most 65535",
        ),
        (header("Proxy", "v"), Kind::ProxyHeader, "the header Proxy would become HTTP_PROXY (CVE-2016-5385)"),
        (header("a_b", "v"), Kind::UnderscoreHeader, "a header name with _ would pass for the one with -"),
        (pushed(|vars| vars.push("A\nB", "1")), Kind::Key, "the key has CR, LF or NUL in it, at byte 1"),
        (pushed(|vars| vars.push("REQUEST_METHOD", "")), Kind::Method, "the method is empty"),
        (
            pushed(|vars| vars.push("REQUEST_METHOD", "GET /")),
            Kind::Method,
            "the method is no token: byte 3 is not allowed in one",
        ),
        (
            pushed(|vars| vars.push("HTTP_CONTENT_LENGTH", "5")),
            Kind::SecondContentLength,
            "a second CONTENT_LENGTH, or an HTTP_CONTENT_LENGTH of another number",
        ),
        (too_many_arguments(), Kind::TooManyArguments, "more than 254 arguments, of which uWSGI ignores the rest"),
        (
            header("Transfer-Encoding", "chunked"),
            Kind::TransferEncoding,
            "Transfer-Encoding, which is written only where it is allowed, as chunked and without a length",
        ),
        (
            pushed(|vars| vars.push("k", &long)),
            Kind::ValueTooLong,
            "a value of 65536 bytes, a length field says at most 65535",
        ),
    ];
    for (error, kind, text) in rows {
        assert_eq!((error.kind(), error.to_string().as_str()), (*kind, *text));
        let does_not_fit = text.contains("65535") || text.contains(" fit ");
        assert_eq!(error.is_forbidden(), !does_not_fit, "{text}");
    }
}

#[test]
fn errors_about_content_and_framing_print() {
    for (key, value, text) in [
        ("HTTP_X", "a\r", "CR, LF or NUL in HTTP_X, at byte 1"),
        ("REQUEST_METHOD", "", "REQUEST_METHOD is empty"),
        ("REQUEST_METHOD", "G T", "REQUEST_METHOD is no method: byte 1 is not allowed in one"),
        ("PATH_INFO", "/a\0", "NUL in PATH_INFO, at byte 2"),
        ("HTTP_\n", "\n", "CR, LF or NUL in HTTP_\\n, at byte 0"),
    ] {
        assert_eq!(check_var(key.as_bytes(), value.as_bytes()).unwrap_err().to_string(), text);
    }
    let conflict: Result<_, FramingError> = declared_length([&b"5"[..], b"6"]);
    assert_eq!(conflict.unwrap_err().to_string(), "two Content-Length headers differ");
    assert_eq!(content_length(b"x").unwrap_err().to_string(), "CONTENT_LENGTH is not a decimal number");
    let overflow = content_length(b"18446744073709551616").unwrap_err();
    assert_eq!(overflow.to_string(), "CONTENT_LENGTH does not fit into 64 bits");
}

#[test]
fn protocols_and_modifiers_print() {
    for (first, protocol, text, advice) in [
        (b"GET ", Foreign::Http, "HTTP", "proxy_pass"),
        (b"PRI ", Foreign::Http2, "HTTP/2", "grpc_pass"),
        (b"PROX", Foreign::Proxy, "the PROXY protocol", "PROXY protocol"),
        (b"\x16\x03\x01\x02", Foreign::Tls, "TLS", "suwsgi://"),
        (b"\x01\x01\0\x01", Foreign::FastCgi, "FastCGI", "fastcgi_pass"),
    ] {
        assert_eq!(Header::from_bytes(*first).foreign(), Some(protocol), "{text}");
        assert_eq!(protocol.to_string(), text);
        assert!(protocol.advice().contains(advice), "{text}: {}", protocol.advice());
    }
    assert_eq!(format!("{} {:?} {:?}", Modifier1::PING, Modifier1::PING, Modifier1(77)), "100 100 (ping) 77");
    // Padding is for columns; a number respects it.
    assert_eq!(format!("[{:>5}]", Modifier1::RPC), "[  173]");
    assert_eq!((Scheme::Http.as_str(), Scheme::Https.as_str()), ("http", "https"));
}

/// One entry for each pair or item, and no line end: a log entry stays one line.
#[test]
fn vars_and_items_print_on_one_line() {
    let vars = Vars::decode(b"\x01\0A\x02\0\r\n\x01\0B\0\0").unwrap();
    let text = format!("{vars:?}");
    assert_eq!(text, r#"{"A": "\r\n", "B": ""}"#);
    assert_eq!(format!("{:?}", VarsBuf::from(vars)), text);
    assert_eq!(format!("{:?}", Array::decode(b"\x01\0a\x01\0\n").unwrap()), r#"["a", "\n"]"#);
}

/// Names that print alike have the same hash, and other names have another.
#[test]
fn header_names_hash_as_they_print() {
    let hashes = RandomState::new();
    let hash = |key: &str| hashes.hash_one(HeaderName::from_key(key.as_bytes()).unwrap());
    assert_eq!(hash("HTTP_X_A"), hash("HTTP_x-a"));
    assert_ne!(hash("HTTP_X_A"), hash("HTTP_X_B"));
    // The hash shows where one name ends and the next begins.
    assert_ne!(hashes.hash_one(pair("HTTP_AB", "HTTP_C")), hashes.hash_one(pair("HTTP_A", "HTTP_BC")));
    let name = HeaderName::from_key(b"HTTP_X_A").unwrap();
    assert!(name == "x-a" && name != "x-b");
}

fn pair<'a>(one: &'a str, other: &'a str) -> (HeaderName<'a>, HeaderName<'a>) {
    (HeaderName::from_key(one.as_bytes()).unwrap(), HeaderName::from_key(other.as_bytes()).unwrap())
}
