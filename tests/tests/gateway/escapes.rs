//! Bytes as text on one line, and back.

use std::fmt::Write;

/// The longest run of one byte that is written in full. A longer run is written as `\{COUNT*BYTE}`.
const LONGEST_RUN: usize = 40;

/// Returns the bytes of a text: `\r`, `\n`, `\t`, `\\`, `\xHH`, and `\{COUNT*TEXT}` for a text that is repeated.
pub(crate) fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = &rest[first.len_utf8()..];
        match first {
            '\\' => rest = escape_sequence(rest, &mut bytes)?,
            ' '..='~' => bytes.push(first as u8),
            _ => return Err(format!("{first:?} must be written as \\x")),
        }
    }
    Ok(bytes)
}

/// Adds the bytes of one escape sequence without its backslash. Returns the text after it.
fn escape_sequence<'t>(text: &'t str, bytes: &mut Vec<u8>) -> Result<&'t str, String> {
    let wrong = || format!("no escape sequence: \\{text}");
    let kind = text.chars().next().ok_or_else(wrong)?;
    let rest = &text[kind.len_utf8()..];
    match kind {
        'r' => bytes.push(b'\r'),
        'n' => bytes.push(b'\n'),
        't' => bytes.push(b'\t'),
        '\\' => bytes.push(b'\\'),
        'x' => {
            let digits = rest.get(..2).ok_or_else(wrong)?;
            bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
            return Ok(&rest[2..]);
        }
        '{' => {
            let end = closing_brace(rest).ok_or_else(wrong)?;
            let (repeated, rest) = (&rest[..end], &rest[end + 1..]);
            let (count, text) = repeated.split_once('*').ok_or_else(wrong)?;
            bytes.extend(unescape(text)?.repeat(count.parse().map_err(|_| wrong())?));
            return Ok(rest);
        }
        _ => return Err(wrong()),
    }
    Ok(rest)
}

/// Returns where the brace is that closes a repeated text, which may have repeated texts inside.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    text.bytes().enumerate().find_map(|(at, byte)| match byte {
        b'{' => {
            depth += 1;
            None
        }
        b'}' if depth == 0 => Some(at),
        b'}' => {
            depth -= 1;
            None
        }
        _ => None,
    })
}

/// Returns bytes as text that [`unescape`] reads.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for run in bytes.chunk_by(|one, next| one == next) {
        let one = escape_byte(run[0]);
        if run.len() > LONGEST_RUN {
            write!(text, "\\{{{}*{one}}}", run.len()).expect("a String");
        } else {
            text.push_str(&one.repeat(run.len()));
        }
    }
    text
}

/// Returns bytes as one word: with spaces escaped too.
pub(crate) fn escape_word(bytes: &[u8]) -> String {
    escape(bytes).split(' ').collect::<Vec<_>>().join("\\x20")
}

fn escape_byte(byte: u8) -> String {
    match byte {
        b'\r' => "\\r".to_owned(),
        b'\n' => "\\n".to_owned(),
        b'\t' => "\\t".to_owned(),
        b'\\' => "\\\\".to_owned(),
        // Braces stand in no text that may be repeated.
        b'{' | b'}' => format!("\\x{byte:02x}"),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    }
}

#[test]
fn escapes_are_read_back() {
    for (text, bytes) in [
        ("GET / HTTP/1.1\\r\\n", &b"GET / HTTP/1.1\r\n"[..]),
        ("a\\tb\\\\c\\x00\\xff", b"a\tb\\c\0\xff"),
        ("\\{3*ab}c", b"abababc"),
        ("\\{2*\\x7d\\r\\n}", b"}\r\n}\r\n"),
        ("\\{2*a\\{3*b}}c", b"abbbabbbc"),
    ] {
        assert_eq!(unescape(text).as_deref(), Ok(bytes));
        assert_eq!(unescape(&escape(bytes)).as_deref(), Ok(bytes));
    }
    assert_eq!(escape(&[b'a'; 41]), "\\{41*a}");
    assert_eq!(escape_word(b"a b"), "a\\x20b");
    for wrong in ["\\q", "\\x1", "\\xgg", "\\{a*b}", "\\{3*a", "\u{e9}", "\\"] {
        assert!(unescape(wrong).is_err(), "{wrong}");
    }
}
