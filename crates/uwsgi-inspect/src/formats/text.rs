//! The report as text for a terminal.

use alloc::borrow::Cow;
use core::fmt;

use textwrap::{Options, WordSplitter};
use uwsgi::Modifier1;

use crate::escape::Escaped;
use crate::formats::packet_bytes;
use crate::formats::title::{other_uri, title};
use crate::report::Report;

/// The report as lines. They fit on a terminal, unless a value is long.
#[derive(Debug)]
pub(crate) struct Lines<'r>(pub(crate) &'r Report<'r>);

/// The column, in characters, before which the texts of findings are wrapped.
const WIDTH: usize = 100;
/// The largest width, in characters, of the column of keys. The value of a longer key begins further right.
const WIDEST_KEY: usize = 32;

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        let request = report.request();
        writeln!(f, "{}", title(request))?;
        if let Some(uri) = other_uri(request) {
            writeln!(f, "REQUEST_URI is {}", Escaped(uri))?;
        }
        writeln!(f)?;
        self.findings(f)?;
        let header = report.header();
        let Modifier1(modifier1) = header.modifier1;
        writeln!(f, "packet")?;
        writeln!(f, "  modifier1  {modifier1} {}", header.modifier1.name().unwrap_or("no meaning known"))?;
        writeln!(f, "  datasize   {}", header.datasize)?;
        writeln!(f, "  modifier2  {}\n", header.modifier2)?;
        self.vars(f)?;
        self.headers(f)?;
        let body = report.body();
        writeln!(f, "body")?;
        writeln!(
            f,
            "  framing  {}\n  length   {}\n  sha256   {}\n",
            body.framing_name(),
            body.length(),
            body.sha256_hex()
        )?;
        self.bytes(f)
    }
}

impl Lines<'_> {
    fn findings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let findings = self.0.findings();
        writeln!(f, "findings ({})", findings.len())?;
        for found in findings {
            writeln!(f, "  {:<9}{}", found.severity(), found.id())?;
            for line in wrapped(found.text(), WIDTH.saturating_sub(11)) {
                writeln!(f, "           {line}")?;
            }
            for (front_end, lines) in found.change() {
                for (index, line) in lines.lines().enumerate() {
                    let name = if index == 0 { front_end.as_str() } else { "" };
                    writeln!(f, "           {name:<10}{line}")?;
                }
            }
        }
        if let Some(advice) = self.0.advice() {
            writeln!(f, "  {advice}")?;
        }
        writeln!(f)
    }

    fn vars(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let vars = self.0.request().vars();
        writeln!(f, "vars ({})", vars.len())?;
        let rows = vars.iter().zip(self.0.occurrences());
        let rows = rows.map(|((key, value), occurrence)| (Escaped(key).to_string(), value, occurrence));
        columns(
            f,
            rows.map(|(key, value, (index, count))| {
                let mark = if count > 1 { format!("  [{index} of {count}]") } else { String::new() };
                (key, format!("{}{mark}", Escaped(value)))
            }),
        )
    }

    fn headers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers = self.0.request().headers();
        writeln!(f, "headers ({})", headers.clone().count())?;
        columns(f, headers.map(|(name, value)| (name.to_string(), Escaped(value).to_string())))
    }

    fn bytes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = packet_bytes::bytes(self.0);
        writeln!(f, "bytes ({})", bytes.len())?;
        for (row, sixteen) in bytes.chunks(16).enumerate() {
            write!(f, "  {:08x} ", row.saturating_mul(16))?;
            for column in 0..16 {
                let gap = if column == 8 { " " } else { "" };
                match sixteen.get(column) {
                    Some((_, byte)) => write!(f, "{gap} {byte:02x}")?,
                    None => write!(f, "{gap}   ")?,
                }
            }
            let text: String = sixteen.iter().map(|(_, byte)| packet_bytes::printable(*byte)).collect();
            writeln!(f, "  |{text}|")?;
        }
        Ok(())
    }
}

/// Writes rows of two columns, then an empty line.
fn columns(f: &mut fmt::Formatter<'_>, rows: impl Iterator<Item = (String, String)>) -> fmt::Result {
    let rows: Vec<_> = rows.collect();
    let keys = rows.iter().map(|(key, _)| key.chars().count());
    let width = keys.filter(|width| *width <= WIDEST_KEY).max().unwrap_or(0);
    for (key, value) in &rows {
        let gap = width.saturating_sub(key.chars().count());
        let line = format!("  {key}{:gap$}  {value}", "");
        writeln!(f, "{}", line.trim_end())?;
    }
    writeln!(f)
}

/// Splits a text at spaces into lines of at most `width` characters. A longer word gets a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<Cow<'_, str>> {
    textwrap::wrap(text, Options::new(width).break_words(false).word_splitter(WordSplitter::NoHyphenation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_wrapped_at_spaces() {
        for (text, lines) in [
            ("", &[""][..]),
            ("a b", &["a b"]),
            ("aaaa bbbb", &["aaaa bbbb"]),
            ("aaaa bbbb c", &["aaaa bbbb", "c"]),
            ("aaaaabbbbbccccc d", &["aaaaabbbbbccccc", "d"]),
        ] {
            assert_eq!(wrapped(text, 10), lines);
        }
    }
}
