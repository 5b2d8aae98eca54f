//! Hex text: pairs of digits.

use core::fmt::Write;

/// The error of a text that is not hex text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HexError {
    /// The number of bytes read before the error.
    pub(crate) offset: usize,
    pub(crate) message: String,
}

/// Returns the bytes of a hex text. White space may stand anywhere; a comment goes from `#` to the end of the line.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, HexError> {
    let mut bytes = Vec::new();
    let mut half: Option<(u8, usize, usize)> = None;
    for (line, row) in (1_usize..).zip(text.split(|byte| *byte == b'\n')) {
        for (column, character) in (1_usize..).zip(row) {
            let digit = match character {
                b'#' => break,
                _ if character.is_ascii_whitespace() => continue,
                _ => char::from(*character).to_digit(16).and_then(|digit| u8::try_from(digit).ok()),
            };
            let Some(digit) = digit else {
                return Err(HexError {
                    offset: bytes.len(),
                    message: format!(
                        "line {line}, column {column}: '{}' is not a hex digit; write pairs of digits (as `xxd -p` \
                         does), white space and # comments",
                        char::from(*character).escape_default()
                    ),
                });
            };
            half = match half {
                None => Some((digit, line, column)),
                Some((high, _, _)) => {
                    bytes.push((high << 4) | digit);
                    None
                }
            };
        }
    }
    match half {
        None => Ok(bytes),
        Some((_, line, column)) => Err(HexError {
            offset: bytes.len(),
            message: format!(
                "line {line}, column {column}: this digit has no second digit: the number of digits is odd"
            ),
        }),
    }
}

/// Returns hex text with sixteen bytes a line, which [`decode`] reads.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for row in bytes.chunks(16) {
        for (column, byte) in row.iter().enumerate() {
            // Writing to a `String` cannot fail.
            let _always = write!(text, "{}{byte:02x}", if column == 0 { "" } else { " " });
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_may_separate_the_digits_of_a_pair() {
        assert_eq!(decode(b"00 0A0b\r\n# all of this\t\n f\nF # 1").unwrap(), [0, 10, 11, 255]);
        assert_eq!(decode(b""), Ok(Vec::new()));
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(encode(&all).as_bytes()).unwrap(), all);
    }

    #[test]
    fn errors_name_line_and_column() {
        let error = decode(b"00 11\n 2x").unwrap_err();
        assert_eq!(error.offset, 2);
        assert!(error.message.starts_with("line 2, column 3: 'x' is not a hex digit"), "{}", error.message);
        let error = decode(b"00\n1 # 1\n").unwrap_err();
        assert!(error.message.starts_with("line 2, column 1: this digit has no second"), "{}", error.message);
    }
}
