//! What the encoder writes reads back as it was meant; a refused line changes nothing.

use proptest::collection::vec;
use proptest::prelude::*;
use uwsgi::response::{HeadStyle, RefusedLine, ResponseEncoder, ResponseHead};

const HOP_BY_HOP: [&str; 6] =
    ["Keep-Alive", "Proxy-Authenticate", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding"];

/// A header's name, its value, and what the encoder does with it in a 200.
type Line = (&'static [u8], &'static [u8], Result<(), RefusedLine>);

const LINES: &[Line] = &[
    (b"Content-Type", b"text/plain", Ok(())),
    (b"content-length", b"5", Ok(())),
    (b"Content-Length", b"007", Ok(())),
    (b"Content-Length", b"18446744073709551615", Ok(())),
    (b"X", b"", Ok(())),
    (b"X", b" a\tb ", Ok(())),
    (b"X", b"\x80\xff", Ok(())),
    (b"!#$%&'*+-.^_`|~09azAZ", b"1", Ok(())),
    (b"Set-Cookie", b"a=\"1\"; b", Ok(())),
    (b"WWW-Authenticate", b"Basic", Ok(())),
    (b"Proxy-Status", b"a", Ok(())),
    (b"Via", b"1.1 a", Ok(())),
    // Names that are not tokens.
    (b"", b"1", Err(RefusedLine::Name)),
    (b" ", b"1", Err(RefusedLine::Name)),
    (b"X A", b"1", Err(RefusedLine::Name)),
    (b"X ", b"1", Err(RefusedLine::Name)),
    (b" X", b"1", Err(RefusedLine::Name)),
    (b"X:", b"1", Err(RefusedLine::Name)),
    (b"X\0", b"1", Err(RefusedLine::Name)),
    (b"X\r\nY", b"1", Err(RefusedLine::Name)),
    (b"X\t", b"1", Err(RefusedLine::Name)),
    (b"\xc3\xa9", b"1", Err(RefusedLine::Name)),
    (b"X(1)", b"1", Err(RefusedLine::Name)),
    (b"HTTP/1.1 200 OK", b"1", Err(RefusedLine::Name)),
    // Values that would end a line.
    (b"X", b"a\r\nSet-Cookie: b", Err(RefusedLine::Value)),
    (b"X", b"a\nb", Err(RefusedLine::Value)),
    (b"X", b"a\r", Err(RefusedLine::Value)),
    (b"X", b"\n", Err(RefusedLine::Value)),
    (b"X", b"a\0b", Err(RefusedLine::Value)),
    (b"X", b"\x7f", Err(RefusedLine::Value)),
    (b"X", b"\x1b[31m", Err(RefusedLine::Value)),
    (b"Content-Length", b"5\r\n", Err(RefusedLine::Value)),
    (b"Connection", b"a\nb", Err(RefusedLine::Value)),
    // Invalid lengths.
    (b"Content-Length", b"", Err(RefusedLine::InvalidLength)),
    (b"Content-Length", b"abc", Err(RefusedLine::InvalidLength)),
    (b"Content-Length", b"+5", Err(RefusedLine::InvalidLength)),
    (b"Content-Length", b"-1", Err(RefusedLine::InvalidLength)),
    (b"Content-Length", b" 5", Err(RefusedLine::InvalidLength)),
    (b"Content-Length", b"5 ", Err(RefusedLine::InvalidLength)),
    (b"Content-Length", b"5, 5", Err(RefusedLine::InvalidLength)),
    (b"Content-Length", b"5.0", Err(RefusedLine::InvalidLength)),
    (b"CONTENT-LENGTH", b"18446744073709551616", Err(RefusedLine::InvalidLength)),
    // Headers about the connection.
    (b"Connection", b"close", Err(RefusedLine::HopByHop)),
    (b"connection", b"", Err(RefusedLine::HopByHop)),
    (b"Upgrade", b"websocket", Err(RefusedLine::HopByHop)),
    (b"Keep-Alive", b"timeout=5", Err(RefusedLine::HopByHop)),
    (b"Proxy-Authenticate", b"Basic", Err(RefusedLine::HopByHop)),
    (b"Proxy-Connection", b"close", Err(RefusedLine::HopByHop)),
    (b"TE", b"trailers", Err(RefusedLine::HopByHop)),
    (b"te", b"", Err(RefusedLine::HopByHop)),
    (b"Trailer", b"X", Err(RefusedLine::HopByHop)),
    (b"Transfer-Encoding", b"chunked", Err(RefusedLine::HopByHop)),
    (b"TRANSFER-ENCODING", b"identity", Err(RefusedLine::HopByHop)),
];

#[test]
fn each_line_is_written_or_refused() {
    for (name, value, want) in LINES {
        let row = format!("{}: {}", name.escape_ascii(), value.escape_ascii());
        let mut buffer = [0xa5; 256];
        let mut head = ResponseEncoder::new(&mut buffer[..], 200, "OK").unwrap();
        assert_eq!(head.push(name, value), *want, "{row}");
        // A refused line leaves no bytes, and the head goes on.
        head.push("Last", "1").unwrap();
        let bytes = head.finish().unwrap().as_bytes().to_vec();
        if want.is_err() {
            assert_eq!(bytes, b"HTTP/1.1 200 OK\r\nLast: 1\r\n\r\n", "{row}");
        }
        let read = ResponseHead::decode(&bytes).unwrap_or_else(|error| panic!("{row}: {error}"));
        assert_eq!(read.len(), if want.is_ok() { 2 } else { 1 }, "{row}");
    }
}

#[test]
fn every_control_byte_in_a_value_and_in_a_reason() {
    for byte in 0..=255_u8 {
        let mut buffer = [0; 64];
        let refused = byte != b'\t' && (byte < 32 || byte == 127);
        let mut head = ResponseEncoder::new(&mut buffer[..], 200, "").unwrap();
        assert_eq!(head.push("X", &[b'a', byte]), if refused { Err(RefusedLine::Value) } else { Ok(()) }, "{byte}");
        drop(head);
        let Some(reason) = char::from_u32(byte.into()).filter(char::is_ascii) else { continue };
        let made = ResponseEncoder::new(&mut buffer[..], 200, reason.encode_utf8(&mut [0; 4])).err();
        assert_eq!(made, refused.then_some(RefusedLine::Reason), "{byte}");
    }
}

#[test]
fn statuses_from_200_and_101_are_written() {
    let mut buffer = [0; 64];
    for status in 0..=u16::MAX {
        let made = ResponseEncoder::new(&mut buffer[..], status, "").err();
        let allowed = status == 101 || (200..=999).contains(&status);
        assert_eq!(made, (!allowed).then_some(RefusedLine::Status), "{status}");
    }
    // The status is checked before the reason.
    assert_eq!(ResponseEncoder::new(&mut buffer[..], 100, "\n").err(), Some(RefusedLine::Status));
}

#[test]
fn an_upgrade_may_name_its_connection_headers() {
    let mut buffer = [0; 256];
    let mut head = ResponseEncoder::new(&mut buffer[..], 101, "Switching Protocols").unwrap();
    head.push("Upgrade", "websocket").unwrap();
    head.push("Connection", "Upgrade").unwrap();
    for name in HOP_BY_HOP {
        assert_eq!(head.push(name, "x"), Err(RefusedLine::HopByHop), "{name}");
    }
    let want = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    assert_eq!(head.finish().unwrap().as_bytes(), want);
}

#[test]
fn a_second_length_is_refused() {
    let mut buffer = Vec::new();
    let mut head = ResponseEncoder::new(&mut buffer, 200, "OK").unwrap();
    assert_eq!(head.content_length(), None);
    assert_eq!(head.push("Content-Length", "x"), Err(RefusedLine::InvalidLength));
    assert_eq!(head.content_length(), None);
    head.push("CONTENT-length", "007").unwrap();
    assert_eq!(head.content_length(), Some(7));
    // Also the same length twice.
    assert_eq!(head.push("Content-Length", "7"), Err(RefusedLine::SecondLength));
    assert_eq!(head.push_length(7), Err(RefusedLine::SecondLength));
    assert_eq!(head.push("Content-Length", "x"), Err(RefusedLine::InvalidLength));
    assert_eq!(head.finish().unwrap().as_bytes(), b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
}

/// RFC 9110 section 8.6: 1xx and 204 have no length. In 304 the length is that of the response that was not sent.
#[test]
fn some_statuses_have_no_length() {
    for status in core::iter::once(101).chain(200..=999) {
        for pushed in [false, true] {
            let mut buffer = Vec::new();
            let mut head = ResponseEncoder::new(&mut buffer, status, "").unwrap();
            let given = if pushed { head.push_length(5) } else { head.push("content-length", "5") };
            assert_eq!((given, head.content_length()), (Ok(()), Some(5)), "{status}");
            assert_eq!(head.push_length(5), Err(RefusedLine::SecondLength), "{status}");
            let line = if matches!(status, 101 | 204) { "" } else { "Content-Length: 5\r\n" };
            assert_eq!(head.finish().unwrap().as_bytes(), format!("HTTP/1.1 {status} \r\n{line}\r\n").as_bytes());
        }
    }
}

#[test]
fn a_head_fits_or_is_refused_at_every_size_of_buffer() {
    let whole = b"HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 5\r\n\r\n";
    for room in 0..=whole.len() {
        let mut buffer = vec![0xa5; room];
        let mut written = || -> Result<usize, RefusedLine> {
            let mut head = ResponseEncoder::new(&mut buffer[..], 200, "OK")?;
            head.push("X", "1")?;
            if let Err(full) = head.push_length(5) {
                // A length that did not fit does not count.
                assert_eq!((full, head.content_length()), (RefusedLine::BufferFull, None));
                return Err(full);
            }
            head.finish().map(|head| head.as_bytes().len())
        };
        let want = if room == whole.len() { Ok(room) } else { Err(RefusedLine::BufferFull) };
        assert_eq!(written(), want, "{room}");
    }
    // After a line that does not fit, a shorter line may still fit.
    let mut buffer = [0; 25];
    let mut head = ResponseEncoder::new(&mut buffer[..], 200, "OK").unwrap();
    assert_eq!(head.push("X", "1234"), Err(RefusedLine::BufferFull));
    head.push("X", "1").unwrap();
    assert_eq!(head.finish().unwrap().as_bytes(), b"HTTP/1.1 200 OK\r\nX: 1\r\n\r\n");
}

#[test]
fn every_refusal_has_its_message() {
    let words = [
        (RefusedLine::BufferFull, "the head does not fit into the buffer"),
        (RefusedLine::HopByHop, "the header is about the connection, which is the server's"),
        (RefusedLine::InvalidLength, "Content-Length is not a decimal number of at most 64 bits"),
        (RefusedLine::Name, "the header's name is no token"),
        (RefusedLine::Reason, "the reason has a control byte in it"),
        (RefusedLine::SecondLength, "a second Content-Length"),
        (RefusedLine::Status, "the status is not 101 or 200 to 999"),
        (RefusedLine::Value, "the header's value has a control byte in it"),
    ];
    for (refused, want) in words {
        assert_eq!(refused.to_string(), want);
    }
}

/// Names with a special meaning, and any others.
fn name() -> impl Strategy<Value = Vec<u8>> {
    let known =
        vec!["Content-Length", "content-length", "Connection", "Upgrade", "Transfer-Encoding", "TE", "Location"];
    prop_oneof![
        3 => "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}".prop_map(String::into_bytes),
        2 => proptest::sample::select(known).prop_map(|name| name.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..6),
    ]
    // What lighttpd takes for the status has its own tests.
    .prop_filter("a status", |name| !name.eq_ignore_ascii_case(b"status"))
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => "[ -~\t]{0,16}".prop_map(String::into_bytes),
        1 => "[0-9]{1,3}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..8),
    ]
}

fn blanks_off(value: &[u8]) -> Vec<u8> {
    let from = value.iter().position(|byte| !b" \t".contains(byte)).unwrap_or(value.len());
    let to = value.iter().rposition(|byte| !b" \t".contains(byte)).map_or(from, |last| last + 1);
    value[from..to].to_vec()
}

/// Returns what becomes of a header, by a second and slow list of rules.
fn verdict(status: u16, length: Option<u64>, name: &[u8], value: &[u8]) -> Result<Option<u64>, RefusedLine> {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let lower = String::from_utf8_lossy(name).to_ascii_lowercase();
    if name.is_empty() || !name.iter().all(is_token) {
        return Err(RefusedLine::Name);
    }
    if value.iter().any(|byte| *byte != b'\t' && (*byte < 32 || *byte == 127)) {
        return Err(RefusedLine::Value);
    }
    if lower == "content-length" {
        let text = std::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let number = text.and_then(|text| text.parse::<u64>().ok()).ok_or(RefusedLine::InvalidLength)?;
        return if length.is_some() { Err(RefusedLine::SecondLength) } else { Ok(Some(number)) };
    }
    let of_upgrade = ["connection", "upgrade"].contains(&lower.as_str());
    if (of_upgrade && status != 101) || HOP_BY_HOP.iter().any(|name| name.eq_ignore_ascii_case(&lower)) {
        return Err(RefusedLine::HopByHop);
    }
    Ok(None)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn what_is_written_is_read_back(
        status in prop_oneof![1 => Just(101_u16), 1 => Just(204), 8 => 200..=999_u16],
        reason in "[ -~\t\u{80}-\u{ff}]{0,12}",
        headers in vec((name(), value()), 0..12),
    ) {
        let mut buffer = b"before".to_vec();
        let mut head = ResponseEncoder::new(&mut buffer, status, &reason).unwrap();
        let (mut length, mut kept) = (None, Vec::new());
        for (name, value) in &headers {
            let want = verdict(status, length, name, value);
            prop_assert_eq!(head.push(name, value), want.map(|_| ()));
            match want {
                Ok(Some(number)) => {
                    length = Some(number);
                    if status != 101 && status != 204 {
                        kept.push((b"Content-Length".to_vec(), number.to_string().into_bytes()));
                    }
                }
                Ok(None) => kept.push((name.clone(), blanks_off(value))),
                Err(_) => {}
            }
            prop_assert_eq!(head.content_length(), length);
        }
        let bytes = head.finish().unwrap().as_bytes().to_vec();
        prop_assert_eq!(&buffer, &[b"before", &bytes[..]].concat());

        let read = ResponseHead::decode(&bytes).unwrap();
        prop_assert_eq!((read.status(), read.reason(), read.style()), (status, reason.as_bytes(), HeadStyle::StatusLine));
        let read_back: Vec<_> = read.headers().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        prop_assert_eq!(read_back, kept);
        let written = length.filter(|_| status != 101 && status != 204);
        prop_assert_eq!((read.content_length(), read.is_chunked()), (written, false));
        prop_assert!(status == 101 || !read.says_close());
    }

    /// In a slice of any size, the only further refusal of the same lines is lack of room.
    #[test]
    fn a_small_buffer_holds_a_head_or_says_so(room in 0_usize..80, headers in vec((name(), value()), 0..4)) {
        let mut small = vec![0xa5; room];
        let Ok(mut head) = ResponseEncoder::new(&mut small[..], 200, "OK") else {
            prop_assert!(room < 17);
            return Ok(());
        };
        let mut big = Vec::new();
        let mut same = ResponseEncoder::new(&mut big, 200, "OK").unwrap();
        for (name, value) in &headers {
            if head.push(name, value) != Err(RefusedLine::BufferFull) {
                let want = verdict(200, same.content_length(), name, value);
                prop_assert_eq!(same.push(name, value), want.map(|_| ()));
            }
            prop_assert_eq!(head.content_length(), same.content_length());
        }
        let same = same.finish().unwrap();
        match head.finish() {
            Ok(bytes) => prop_assert_eq!(bytes, same),
            Err(full) => {
                prop_assert_eq!(full, RefusedLine::BufferFull);
                prop_assert!(same.as_bytes().len() > room);
            }
        }
    }
}
