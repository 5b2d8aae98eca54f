//! Bytes as text, for people and for JSON.

use core::fmt::{self, Write};

use serde::{Serialize, Serializer};

/// Bytes as text for people: printable UTF-8 is unchanged, every other byte is `\xNN`, and a backslash is doubled.
///
/// The output cannot move a terminal's cursor, change colours or reorder a line. A space at either end is invisible, so it is
/// printed as `\x20`.
///
/// ```
/// use uwsgi_inspect::Escaped;
///
/// assert_eq!(Escaped("café\x1b[31m ".as_bytes()).to_string(), r"café\x1b[31m\x20");
/// assert_eq!(Escaped(b"caf\xe9").to_string(), r"caf\xe9");
/// ```
#[derive(Debug, Clone, Copy)]
#[allow(clippy::exhaustive_structs, reason = "bytes, and a way to print them")]
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.0.len().saturating_sub(1);
        let mut at: usize = 0;
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '\\' => f.write_str("\\\\")?,
                    ' ' if at == 0 || at == last => f.write_str("\\x20")?,
                    _ if is_printable(character) => f.write_char(character)?,
                    _ => bytes(f, character.encode_utf8(&mut [0; 4]).as_bytes())?,
                }
                at = at.saturating_add(character.len_utf8());
            }
            bytes(f, chunk.invalid())?;
            at = at.saturating_add(chunk.invalid().len());
        }
        Ok(())
    }
}

fn bytes(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))
}

/// Returns whether a character is visible, or combines with the character before it, as an accent does.
fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return matches!(character, ' '..='~');
    }
    // The standard library does not export its table of printable characters, but `escape_debug` uses it. That method escapes
    // an accent only at the start of a text, so the text starts with an `a`.
    let text = String::from_iter(['a', character]);
    text.escape_debug().skip(1).eq([character])
}

/// JSON text that is safe to print on a terminal: DEL and the C1 control characters are escaped (ECMA-48 section 5.3).
///
/// JSON itself escapes U+0000 to U+001F only, and may have these characters in strings only (RFC 8259 section 7). U+009B
/// introduces control sequences as ESC \[ does.
///
/// ```
/// use uwsgi_inspect::EscapedJson;
///
/// assert_eq!(EscapedJson("[\"\u{9b}2J\"]").to_string(), r#"["\u009b2J"]"#);
/// ```
#[derive(Debug, Clone, Copy)]
#[allow(clippy::exhaustive_structs, reason = "text, and a way to print it")]
pub struct EscapedJson<'a>(pub &'a str);

impl fmt::Display for EscapedJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_control = |character| matches!(character, '\x7f'..='\u{9f}');
        for part in self.0.split_inclusive(is_control) {
            match part.chars().next_back().filter(|last| is_control(*last)) {
                Some(control) => {
                    f.write_str(part.strip_suffix(control).unwrap_or(part))?;
                    write!(f, "\\u{:04x}", u32::from(control))?;
                }
                None => f.write_str(part)?,
            }
        }
        Ok(())
    }
}

/// Bytes as text for JSON: one character U+0000 to U+00FF for each byte. This loses nothing and cannot fail.
///
/// ```
/// use uwsgi_inspect::Latin1;
///
/// assert_eq!(Latin1(b"caf\xe9").to_string(), "café");
/// assert_eq!(Latin1("é".as_bytes()).to_string(), "Ã©");
/// ```
#[derive(Debug, Clone, Copy)]
#[allow(clippy::exhaustive_structs, reason = "bytes, and a way to print them")]
pub struct Latin1<'a>(pub &'a [u8]);

impl fmt::Display for Latin1<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| f.write_char(char::from(*byte)))
    }
}

impl Serialize for Latin1<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn only_printable_text_is_printed_unchanged() {
        for (bytes, shown) in [
            (&b"a b"[..], "a b"),
            (b" a ", "\\x20a\\x20"),
            (b"\x1b[31m\r\n\0", "\\x1b[31m\\x0d\\x0a\\x00"),
            (b"C:\\\"'", "C:\\\\\"'"),
            ("käse ☕ 日本".as_bytes(), "käse ☕ 日本"),
            ("e\u{301}".as_bytes(), "e\u{301}"),
            ("\u{202e}x\u{85}\u{feff}".as_bytes(), "\\xe2\\x80\\xaex\\xc2\\x85\\xef\\xbb\\xbf"),
            (b"\xff\xe4\xb8 ", "\\xff\\xe4\\xb8\\x20"),
        ] {
            assert_eq!(Escaped(bytes).to_string(), shown);
        }
    }
}
