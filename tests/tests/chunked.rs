//! Chunked bodies: rows at every split point, limits, and laws against a naive reader.

use proptest::collection::vec;
use proptest::prelude::*;
use uwsgi::chunked::{ChunkError, ChunkStep, Chunked};
use uwsgi_tests::drive::pieces;
use uwsgi_tests::fuzz::{self, chunked_in_pieces};
use uwsgi_tests::naive_http::{self, ChunkedEnd};

/// How a body ends: by its own end, with the bytes that follow it; by the end of the stream inside it; by a refusal.
#[derive(Debug, Clone, Copy)]
enum Want {
    Ends(&'static str),
    Cut,
    Refused(ChunkError),
}

struct Row {
    name: &'static str,
    bytes: &'static [u8],
    data: &'static str,
    want: Want,
    source: &'static str,
}

const SIZE: Want = Want::Refused(ChunkError::Size);
const LINE: Want = Want::Refused(ChunkError::Line);
const TRAILER: Want = Want::Refused(ChunkError::Trailer);
const END: Want = Want::Ends("");

const CHUNK: &str = "RFC 9112 section 7.1";
const EXTENSION: &str = "RFC 9112 section 7.1.1";
const TRAILERS: &str = "RFC 9112 section 7.1.2";
const NAME: &str = "RFC 9112 section 5.1: no whitespace between the name and its colon; RFC 9110 section 5.1: a token";
const FOLD: &str = "RFC 9112 section 5.2: obs-fold";
const LARGE: &str = "RFC 9112 section 7.1: recipients must anticipate large numerals and prevent overflows";
const ENDS: &str = "RFC 9112 section 7.1: CRLF; CVE-2024-52304 (aiohttp) smuggles with a bare LF as a line end";

macro_rules! rows {
    ($($name:literal $bytes:expr, $data:literal, $want:expr, $source:expr;)*) => {
        &[$(Row { name: $name, bytes: $bytes, data: $data, want: $want, source: $source }),*]
    };
}

const ROWS: &[Row] = rows! {
    "none" b"0\r\n\r\n", "", END, CHUNK;
    "one" b"5\r\nhello\r\n0\r\n\r\n", "hello", END, CHUNK;
    "two" b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "hello!", END, CHUNK;
    "and-rest" b"5\r\nhello\r\n0\r\n\r\n5\r\n", "hello", Want::Ends("5\r\n"), CHUNK;
    "rest-of-line-ends" b"0\r\n\r\n\r\n", "", Want::Ends("\r\n"), CHUNK;
    "data-like-framing" b"7\r\n0\r\n\r\n5\r\r\n0\r\n\r\n", "0\\r\\n\\r\\n5\\r", END, CHUNK;

    // Sizes.
    "hex-lower" b"a\r\n0123456789\r\n0\r\n\r\n", "0123456789", END, CHUNK;
    "hex-upper" b"A\r\n0123456789\r\n0\r\n\r\n", "0123456789", END, CHUNK;
    "hex-two-digits" b"1f\r\n0123456789012345678901234567890\r\n0\r\n\r\n", "0123456789012345678901234567890", END, CHUNK;
    "zeros-in-front" b"000005\r\nhello\r\n0\r\n\r\n", "hello", END, CHUNK;
    "zeros-alone" b"0000\r\n\r\n", "", END, CHUNK;
    "16-digits" b"0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n", "hello", END, LARGE;
    "17-digits" b"00000000000000005\r\nhello\r\n0\r\n\r\n", "", SIZE, LARGE;
    "17-zeros-last" b"1\r\nx\r\n00000000000000000\r\n\r\n", "x", SIZE, LARGE;
    "largest" b"ffffffffffffffff\r\nhello", "hello", Want::Cut, LARGE;
    "2-64" b"10000000000000000\r\nhello", "", SIZE, LARGE;
    "2-64-and-5" b"10000000000000005\r\nhello\r\n0\r\n\r\n", "", SIZE, LARGE;
    "2-63" b"8000000000000000\r\nhello", "hello", Want::Cut, LARGE;
    "digits-of-one-size-only" b"1\r\nx\r\n1\r\ny\r\n0\r\n\r\n", "xy", END, CHUNK;
    "no-size" b"\r\nhello\r\n0\r\n\r\n", "", SIZE, CHUNK;
    "no-size-extension" b";a\r\nhello\r\n0\r\n\r\n", "", SIZE, CHUNK;
    "no-size-lf" b"\nhello", "", SIZE, CHUNK;
    "minus" b"-5\r\nhello\r\n0\r\n\r\n", "", SIZE, CHUNK;
    "plus" b"+5\r\nhello\r\n0\r\n\r\n", "", SIZE, CHUNK;
    "0x" b"0x5\r\nhello\r\n0\r\n\r\n", "", SIZE, CHUNK;
    "not-hex" b"5g\r\nhello\r\n0\r\n\r\n", "", SIZE, CHUNK;
    "underscore" b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n", "", SIZE, CHUNK;
    "space-first" b" 5\r\nhello\r\n0\r\n\r\n", "", SIZE, CHUNK;
    "nul" b"5\0\r\nhello\r\n0\r\n\r\n", "", SIZE, CHUNK;
    "high-byte" b"5\xff\r\nhello\r\n0\r\n\r\n", "", SIZE, CHUNK;
    "http-instead" b"HTTP/1.1 200 OK\r\n\r\n", "", SIZE, CHUNK;
    "second-size-bad" b"5\r\nhello\r\nx\r\n", "hello", SIZE, CHUNK;

    // Extensions.
    "extension" b"5;a\r\nhello\r\n0;b=c\r\n\r\n", "hello", END, EXTENSION;
    "extension-quoted" b"5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n", "hello", END, EXTENSION;
    "extension-several" b"5;a;b=c;d\r\nhello\r\n0\r\n\r\n", "hello", END, EXTENSION;
    "extension-empty" b"5;\r\nhello\r\n0\r\n\r\n", "hello", END, EXTENSION;
    "extension-after-blanks" b"5 \t;a = b\r\nhello\r\n0\r\n\r\n", "hello", END, EXTENSION;
    "blank-after-size" b"5 \r\nhello\r\n0\r\n\r\n", "hello", END, EXTENSION;
    "blanks-after-size" b"5 \t \r\nhello\r\n0\t\r\n\r\n", "hello", END, EXTENSION;
    "digit-after-a-blank" b"5 6\r\nhello\r\n0\r\n\r\n", "", SIZE, EXTENSION;
    "digit-after-a-tab" b"5\t6\r\nhello\r\n0\r\n\r\n", "", SIZE, EXTENSION;
    "text-after-a-blank" b"5 x\r\nhello\r\n0\r\n\r\n", "", SIZE, EXTENSION;
    "zero-then-text-after-a-blank" b"0 x\r\n\r\n", "", SIZE, EXTENSION;
    "nul-after-a-blank" b"5 \0\r\nhello\r\n0\r\n\r\n", "", SIZE, EXTENSION;
    "blank-after-size-lf" b"5 \nhello\r\n0\r\n\r\n", "", LINE, ENDS;
    "blank-after-size-cr" b"5 \rhello\r\n0\r\n\r\n", "", LINE, ENDS;
    "extension-high-bytes" b"5;\xc3\xa9\r\nhello\r\n0\r\n\r\n", "hello", END, EXTENSION;
    "extension-lf" b"5;a\nhello\r\n0\r\n\r\n", "", LINE, ENDS;
    "extension-cr" b"5;a\rb\r\nhello\r\n0\r\n\r\n", "", LINE, ENDS;
    "extension-nul" b"5;\0\r\nhello\r\n0\r\n\r\n", "", TRAILER, EXTENSION;
    "extension-del" b"5;\x7f\r\nhello\r\n0\r\n\r\n", "", TRAILER, EXTENSION;

    // Line ends.
    "lf-after-size" b"5\nhello\r\n0\r\n\r\n", "", LINE, ENDS;
    "lf-after-zero" b"0\n\r\n", "", LINE, ENDS;
    "cr-after-size" b"5\rhello\r\n0\r\n\r\n", "", LINE, ENDS;
    "two-crs-after-size" b"5\r\r\nhello\r\n0\r\n\r\n", "", LINE, ENDS;
    "lf-after-data" b"5\r\nhello\n0\r\n\r\n", "hello", LINE, ENDS;
    "cr-after-data" b"5\r\nhello\r0\r\n\r\n", "hello", LINE, ENDS;
    "nothing-after-data" b"5\r\nhello0\r\n\r\n", "hello", LINE, ENDS;
    "two-line-ends-after-data" b"5\r\nhello\r\n\r\n0\r\n\r\n", "hello", SIZE, ENDS;
    "data-longer" b"4\r\nhello\r\n0\r\n\r\n", "hell", LINE, CHUNK;
    "data-shorter" b"6\r\nhello\r\n0\r\n\r\n", "hello\\r", LINE, CHUNK;
    "end-cr-cr" b"0\r\n\r\r", "", LINE, ENDS;
    "end-cr-then-text" b"0\r\n\rx", "", LINE, ENDS;

    // Trailers.
    "trailer" b"5\r\nhello\r\n0\r\nX: 1\r\n\r\n", "hello", END, TRAILERS;
    "trailers" b"0\r\nX: 1\r\nY: 2\r\n\r\nrest", "", Want::Ends("rest"), TRAILERS;
    "trailer-of-framing" b"0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "", END, TRAILERS;
    "trailer-tab" b"0\r\nX:\t1\r\n\r\n", "", END, TRAILERS;
    "trailer-cr" b"0\r\nX: a\rb\r\n\r\n", "", LINE, ENDS;
    "trailer-nul" b"0\r\nX: \0\r\n\r\n", "", TRAILER, TRAILERS;
    "trailer-del" b"0\r\nX: \x7f\r\n\r\n", "", TRAILER, TRAILERS;

    "trailer-empty-value" b"0\r\nX:\r\n\r\n", "", END, TRAILERS;
    "trailer-of-colons" b"0\r\nX::\r\n\r\n", "", END, TRAILERS;
    "trailer-without-a-colon" b"0\r\nX\r\n\r\n", "", TRAILER, TRAILERS;
    "trailer-of-a-request" b"0\r\nGET / HTTP/1.1\r\n\r\n", "", TRAILER, TRAILERS;
    "trailer-without-a-name" b"0\r\n: 1\r\n\r\n", "", TRAILER, NAME;
    "trailer-blank-before-its-colon" b"0\r\nX : 1\r\n\r\n", "", TRAILER, NAME;
    "trailer-high-byte-in-its-name" b"0\r\nX\xff: 1\r\n\r\n", "", TRAILER, NAME;
    "trailer-begins-with-a-space" b"0\r\n X: 1\r\n\r\n", "", TRAILER, FOLD;
    "trailer-begins-with-a-tab" b"0\r\n\tX: 1\r\n\r\n", "", TRAILER, FOLD;
    "trailer-goes-on-in-a-second-line" b"0\r\nX: 1\r\n Y: 2\r\n\r\n", "", TRAILER, FOLD;

    // The end of the stream.
    "empty" b"", "", Want::Cut, CHUNK;
    "cut-in-a-size" b"5", "", Want::Cut, CHUNK;
    "cut-after-a-size" b"5\r", "", Want::Cut, CHUNK;
    "cut-in-data" b"5\r\nhel", "hel", Want::Cut, CHUNK;
    "cut-after-data" b"5\r\nhello", "hello", Want::Cut, CHUNK;
    "cut-after-a-chunk" b"5\r\nhello\r\n", "hello", Want::Cut, CHUNK;
    "cut-after-zero" b"5\r\nhello\r\n0\r\n", "hello", Want::Cut, CHUNK;
    "cut-in-the-end" b"5\r\nhello\r\n0\r\n\r", "hello", Want::Cut, CHUNK;
    "cut-in-a-trailer" b"0\r\nX: 1\r\n", "", Want::Cut, TRAILERS;
};

fn run(name: &str, bytes: &[u8], data: &[u8], end: ChunkedEnd) {
    let want = (data.to_vec(), end);
    assert_eq!(chunked_in_pieces([bytes]), want, "{name}");
    assert_eq!(naive_http::chunked(bytes), want, "{name}: the naive reader");
    assert_eq!(chunked_in_pieces(pieces(bytes, &[1])), want, "{name}: byte by byte");
    for split in 0..=bytes.len() {
        let (one, other) = bytes.split_at(split);
        let given = [one, other].into_iter().filter(|piece| !piece.is_empty());
        assert_eq!(chunked_in_pieces(given), want, "{name}: split at {split}");
    }
}

#[test]
fn every_row_ends_as_it_says() {
    let mut names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
    names.sort_unstable();
    names.windows(2).for_each(|two| assert_ne!(two[0], two[1], "two rows of one name"));
    for row in ROWS {
        assert!(!row.source.is_empty(), "{}: no source", row.name);
        let (seen, end) = chunked_in_pieces([row.bytes]);
        assert_eq!(seen.escape_ascii().to_string(), row.data, "{}", row.name);
        let want = match row.want {
            Want::Ends(rest) => ChunkedEnd::At(row.bytes.len() - rest.len()),
            Want::Cut => ChunkedEnd::Cut,
            Want::Refused(error) => ChunkedEnd::Refused(error),
        };
        assert_eq!(end, want, "{}", row.name);
        run(row.name, row.bytes, &seen, want);
    }
}

/// A line of a trailer that ends in LF alone is refused at that byte.
#[test]
fn bare_newlines_in_trailers_are_refused() {
    for bytes in [&b"0\r\nX: 1\n\r\n"[..], b"0\r\n\n", b"0\r\nX\n"] {
        assert!(matches!(chunked_in_pieces([bytes]).1, ChunkedEnd::Refused(_)), "{}", bytes.escape_ascii());
        assert_eq!(naive_http::chunked(bytes), chunked_in_pieces([bytes]));
    }
}

/// The limit counts extensions and trailers together, without line ends and without the byte that begins an extension.
#[test]
fn dropped_bytes_have_a_limit() {
    let most = usize::from(Chunked::MOST_DROPPED);
    for (len, fits) in [(most - 1, true), (most, true), (most + 1, false)] {
        let extension = format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(len));
        let blanks = format!("1 {};\r\nx\r\n0\r\n\r\n", " ".repeat(len - 1));
        let name = format!("1\r\nx\r\n0\r\nT{}:\r\n\r\n", "t".repeat(len - 2));
        let value = format!("1\r\nx\r\n0\r\nT:{}\r\n\r\n", "t".repeat(len - 2));
        let trailers =
            format!("1\r\nx\r\n0\r\n{}t:{}\r\n\r\n", "t:\r\n".repeat((len - 100) / 2), "t".repeat(98 + len % 2));
        let both = format!("1;{}\r\nx\r\n0;{}\r\nt:\r\n\r\n", "e".repeat(len - 3), "e");
        for bytes in [extension, blanks, name, value, trailers, both] {
            let want = if fits { ChunkedEnd::At(bytes.len()) } else { ChunkedEnd::Refused(ChunkError::Trailer) };
            assert_eq!(chunked_in_pieces([bytes.as_bytes()]).1, want, "{len}");
            assert_eq!(chunked_in_pieces(pieces(bytes.as_bytes(), &[200, 1])).1, want, "{len}");
            assert_eq!(naive_http::chunked(bytes.as_bytes()).1, want, "{len}");
        }
    }
    // A thousand chunks together have the same limit.
    let many = "1;eeeeeeeee\r\nx\r\n".repeat(1000);
    assert_eq!(chunked_in_pieces([many.as_bytes()]).1, ChunkedEnd::Refused(ChunkError::Trailer));
}

/// A hint may be lower than what is missing, and never higher: a reader that waits for more could wait for ever.
#[test]
fn hints_are_never_too_high() {
    let rows: [(&[u8], usize); 12] = [
        (b"", 2),
        (b"5", 2),
        (b"5 ", 2),
        (b"5;a", 2),
        (b"5\r", 1),
        (b"5\r\nhe", 3 + 7),
        (b"5\r\nhello", 1),
        (b"5\r\nhello\r", 1),
        (b"0\r\n", 1),
        (b"0\r\nA", 1),
        (b"0\r\nA: b\r", 2),
        (b"0\r\n\r", 1),
    ];
    for (bytes, hint) in rows {
        let mut chunked = Chunked::default();
        for byte in bytes {
            chunked.step(&[*byte]).unwrap();
        }
        assert_eq!(chunked.step(b""), Ok(ChunkStep::Need(hint)), "{}", bytes.escape_ascii());
    }
}

#[test]
fn steps_say_how_many_bytes_are_missing() {
    let mut chunked = Chunked::default();
    assert!(matches!(chunked.step(b""), Ok(ChunkStep::Need(2))));
    assert_eq!(chunked.step(b"10\r\nabc"), Ok(ChunkStep::Data { skip: 4, take: 3 }));
    // 13 bytes of data, CR LF, the last chunk and the empty line.
    assert_eq!(chunked.step(b""), Ok(ChunkStep::Need(13 + 7)));
    assert_eq!(chunked.step(b"0123456789abc\r\n"), Ok(ChunkStep::Data { skip: 0, take: 13 }));
    assert_eq!(chunked.step(b"\r\n0\r\n\r\n"), Ok(ChunkStep::End { skip: 7 }));
    assert!(chunked.is_ended());
    assert_eq!(chunked.step(b"5\r\n"), Ok(ChunkStep::End { skip: 0 }));
    assert_eq!(chunked.step(b""), Ok(ChunkStep::End { skip: 0 }));

    let mut chunked = Chunked::default();
    assert_eq!(chunked.step(b"ffffffffffffffff\r\n"), Ok(ChunkStep::Data { skip: 18, take: 0 }));
    assert!(matches!(chunked.step(b""), Ok(ChunkStep::Need(usize::MAX))));
}

#[test]
fn every_refusal_has_its_message() {
    let words = [
        (ChunkError::Line, "a line of the chunked body does not end in CR LF"),
        (ChunkError::Size, "a chunk's size is not 1 to 16 hex digits"),
        (
            ChunkError::Trailer,
            "a trailer of the chunked body is not a header, or its extensions and trailers are too long or hold a control byte",
        ),
    ];
    for (error, want) in words {
        assert_eq!(error.to_string(), want);
    }
}

/// A chunk as it is written: its data, the zeros before its size, upper case, an extension.
type Written = (Vec<u8>, usize, bool, Option<String>);

fn written() -> impl Strategy<Value = Written> {
    (vec(any::<u8>(), 1..40), 0_usize..14, any::<bool>(), proptest::option::of("[ -~\t]{0,9}"))
}

fn encode(chunks: &[Written], zeros: usize, trailers: &[String]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (data, zeros, upper, extension) in chunks {
        let size = if *upper { format!("{:X}", data.len()) } else { format!("{:x}", data.len()) };
        bytes.extend("0".repeat(*zeros).bytes().chain(size.bytes()));
        if let Some(extension) = extension {
            bytes.extend(format!(";{extension}").bytes());
        }
        bytes.extend([b"\r\n", &data[..], b"\r\n"].concat());
    }
    bytes.extend("0".repeat(zeros).bytes());
    bytes.extend(b"\r\n");
    for trailer in trailers {
        bytes.extend(format!("{trailer}\r\n").bytes());
    }
    bytes.extend(b"\r\n");
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Any body comes out, however it is cut into chunks and however these arrive.
    #[test]
    fn any_body_comes_out(
        chunks in vec(written(), 0..6), zeros in 1_usize..17, trailers in vec("[0-9A-Za-z!#$%&'*+.^_`|~-]{1,5}:[ -~\t]{0,12}", 0..3),
        rest in vec(any::<u8>(), 0..8), sizes in vec(any::<u8>(), 0..8),
    ) {
        let mut bytes = encode(&chunks, zeros, &trailers);
        let end = ChunkedEnd::At(bytes.len());
        bytes.extend(rest);
        let data: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.0.clone()).collect();
        prop_assert_eq!(chunked_in_pieces([&bytes[..]]), (data.clone(), end));
        prop_assert_eq!(chunked_in_pieces(pieces(&bytes, &sizes)), (data.clone(), end));
        prop_assert_eq!(naive_http::chunked(&bytes), (data, end));
    }

    #[test]
    fn the_naive_reader_agrees_about_changed_bodies(
        chunks in vec(written(), 0..4), trailers in vec("[!-~]:?[ -~\t]{0,6}", 0..2), sizes in vec(any::<u8>(), 0..16),
        changes in vec((any::<proptest::sample::Index>(), any::<u8>(), 0..4_u8), 1..4),
    ) {
        let mut bytes = encode(&chunks, 1, &trailers);
        for (at, byte, how) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
        }
        fuzz::chunked(&[&[sizes.len() as u8], &sizes[..], &bytes].concat());
    }

    /// Of few different bytes, so that many inputs are nearly right.
    #[test]
    fn the_naive_reader_agrees_about_framing(bytes in "[012aF;:x \r\n]{0,24}", sizes in vec(1_u8..4, 0..8)) {
        fuzz::chunked(&[&[sizes.len() as u8], &sizes[..], bytes.as_bytes()].concat());
    }
}
