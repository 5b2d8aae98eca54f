//! JSON that is safe to print on a terminal.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{Formatter, PrettyFormatter};
use uwsgi_inspect::EscapedJson;

/// Writes a document, indented by one space for each level, and a line end.
pub(crate) fn write(out: &mut impl Write, document: &impl Serialize) -> io::Result<()> {
    let formatter = EscapeControls(PrettyFormatter::with_indent(b" "));
    document.serialize(&mut Serializer::with_formatter(&mut *out, formatter))?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Escapes the control characters that JSON allows in a string and a terminal may act upon.
struct EscapeControls<'a>(PrettyFormatter<'a>);

impl Formatter for EscapeControls<'_> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        write!(out, "{}", EscapedJson(fragment))
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(document: &impl Serialize) -> String {
        let mut out = Vec::new();
        write(&mut out, document).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn control_characters_are_escaped() {
        for (text, expected) in [
            ("a\u{9b}2J", r#""a\u009b2J""#),
            ("\u{80}\u{9f}", r#""\u0080\u009f""#),
            ("\x7f", r#""\u007f""#),
            ("\u{a0}\u{e9}~", "\"\u{a0}\u{e9}~\""),
            ("\x1b\"\\\n", r#""\u001b\"\\\n""#),
        ] {
            assert_eq!(written(&text), format!("{expected}\n"));
        }
    }

    #[test]
    fn escaped_text_is_the_same_text() {
        let all: String = (0..=0xff_u8).map(char::from).collect();
        let json = written(&[&all]);
        assert!(!json.chars().any(|character| character.is_control() && character != '\n'), "{json:?}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&json).unwrap(), [all]);
    }
}
