//! Laws for any bytes and for heads that are nearly right: the naive reader agrees.

use proptest::collection::vec;
use proptest::prelude::*;
use uwsgi_tests::fuzz::{exchange, response_head};

/// Meaningful lines, in any order.
fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        2 => proptest::sample::select(vec![
            &b"HTTP/1.1 200 OK"[..], b"HTTP/1.0 404 Not Found", b"HTTP/2.0 103 Early Hints", b"HTTP/1.1 101 x",
            b"HTTP/1.1 204", b"HTTP/2 304 ", b"HTTP/1.1 100 Continue",
        ])
        .prop_map(<[u8]>::to_vec),
        4 => proptest::sample::select(vec![
            &b"Status: 404 Not Here"[..], b"Status:201", b"status: 99", b"Location: /", b"Content-Length: 4",
            b"content-length:0", b"Content-Length: x", b"Content-Length: 18446744073709551616",
            b"Transfer-Encoding: chunked", b"transfer-encoding:\tCHUNKED ", b"Transfer-Encoding: gzip",
            b"Connection: close", b"Connection: a, Close ,b", b"Connection: keep-alive", b"Set-Cookie: a=1", b"A:",
            b" folded: yes", b"no colon", b"4", b"body", b"0", b"",
        ])
        .prop_map(<[u8]>::to_vec),
        2 => ("[!-~]{1,6}", "[ -~\t]{0,8}").prop_map(|(name, value)| format!("{name}:{value}").into_bytes()),
        1 => vec(any::<u8>(), 0..8),
    ]
}

fn line_end() -> impl Strategy<Value = &'static [u8]> {
    prop_oneof![8 => Just(&b"\r\n"[..]), 3 => Just(&b"\n"[..]), 1 => Just(&b"\r"[..]), 1 => Just(&b"\r\r\n"[..])]
}

/// Nearly a head, with a few bytes changed.
fn nearly_a_head() -> impl Strategy<Value = Vec<u8>> {
    let odd = prop_oneof![Just(b'\r'), Just(b'\n'), Just(b':'), Just(b' '), Just(b'0'), Just(0_u8), any::<u8>()];
    let changes = vec((any::<proptest::sample::Index>(), odd, 0..5_u8), 0..3);
    let status = prop_oneof![3 => Just(&b"HTTP/1.1 200 OK\r\n"[..]), 1 => Just(&b""[..])];
    (status, vec((line(), line_end()), 0..6), line_end(), vec(line(), 0..3), changes).prop_map(
        |(status, lines, end, body, changes)| {
            let mut bytes = status.to_vec();
            for (line, end) in lines {
                bytes.extend([&line[..], end].concat());
            }
            bytes.extend(end);
            bytes.extend(body.join(&b"\r\n"[..]));
            for (at, byte, how) in changes {
                if bytes.is_empty() {
                    break;
                }
                let at = at.index(bytes.len());
                match how {
                    0 | 1 => bytes[at] = byte,
                    2 => bytes.insert(at, byte),
                    3 => drop(bytes.remove(at)),
                    _ => bytes.truncate(at),
                }
            }
            bytes
        },
    )
}

/// Prefixes the bytes with the choice of pieces and limits.
fn chosen(flags: u8, sizes: &[u8], bytes: &[u8]) -> Vec<u8> {
    [&[flags & 0xf0 | sizes.len() as u8], sizes, bytes].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn the_naive_reader_agrees_about_heads(
        flags in any::<u8>(), sizes in vec(any::<u8>(), 0..16), bytes in nearly_a_head(),
    ) {
        response_head(&chosen(flags, &sizes, &bytes));
        exchange(&chosen(flags, &sizes, &bytes));
    }

    #[test]
    fn the_naive_reader_agrees_about_any_bytes(
        flags in any::<u8>(), sizes in vec(any::<u8>(), 0..16), bytes in vec(any::<u8>(), 0..64),
    ) {
        response_head(&chosen(flags, &sizes, &bytes));
        exchange(&chosen(flags, &sizes, &bytes));
    }

    /// Of few different bytes, so that there are many lines.
    #[test]
    fn the_naive_reader_agrees_about_line_ends(
        flags in any::<u8>(), sizes in vec(1_u8..4, 0..8), bytes in "[A:\r\n ]{0,24}",
    ) {
        response_head(&chosen(flags, &sizes, bytes.as_bytes()));
        exchange(&chosen(flags, &sizes, bytes.as_bytes()));
    }

    /// Every byte at every place of a line, in versions that two different parsers read.
    #[test]
    fn the_naive_reader_agrees_about_every_byte(
        first in proptest::sample::select(vec!["HTTP/1.1 200 OK\r\n", "HTTP/2.0 200 OK\r\n", ""]),
        before in "[a-z]{0,40}", byte in any::<u8>(), after in "[a-z]{0,40}", name in any::<bool>(),
    ) {
        let (open, close) = if name { ("", ": v") } else { ("name: ", "") };
        let head = [first.as_bytes(), open.as_bytes(), before.as_bytes(), &[byte], after.as_bytes(), close.as_bytes(),
            b"\r\nx: y\r\n\r\n"].concat();
        response_head(&[&[0], &head[..]].concat());
    }
}
