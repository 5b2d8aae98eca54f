//! The packet's bytes: rows of eight, as many beside each other as the window has room for.

use core::fmt;

use crate::formats::html::entities::Text;
use crate::formats::packet_bytes::{self, Part};
use crate::report::Report;

/// How many bytes a row holds: with its offset and its text it fits on a telephone.
const ROW: usize = 8;
/// A packet of more bytes is folded away until somebody asks for it.
const UNFOLDED: usize = 1536;

pub(crate) fn write(f: &mut fmt::Formatter<'_>, report: &Report<'_>) -> fmt::Result {
    let bytes = packet_bytes::bytes(report);
    let open = if bytes.len() <= UNFOLDED { " open" } else { "" };
    writeln!(f, "<details{open}><summary>All {} bytes</summary>", bytes.len())?;
    f.write_str(concat!(
        "<p class=\"legend\"><span class=\"h\">header</span><span class=\"l\">lengths</span>",
        "<span class=\"k\">keys</span><span class=\"v\">values</span></p>\n<div class=\"bytes\">\n",
    ))?;
    for (place, row) in bytes.chunks(ROW).enumerate() {
        write!(f, "<span><i>{:04x}</i>  ", place.saturating_mul(ROW))?;
        for run in runs(row) {
            let digits: String = run.iter().map(|(_, byte)| format!("{byte:02x} ")).collect();
            write!(f, "<b class=\"{}\">{digits}</b>", class(run))?;
        }
        let missing = ROW.saturating_sub(row.len());
        write!(f, "{:1$} ", "", missing.saturating_mul(3))?;
        for run in runs(row) {
            let text: String = run.iter().map(|(_, byte)| packet_bytes::shown(*byte)).collect();
            write!(f, "<b class=\"{}\">{}</b>", class(run), Text(text))?;
        }
        f.write_str("</span>\n")?;
    }
    f.write_str("</div></details>\n")
}

/// Bytes of one kind side by side.
fn runs(row: &[(Part, u8)]) -> impl Iterator<Item = &[(Part, u8)]> {
    row.chunk_by(|(one, _), (other, _)| one == other)
}

fn class(run: &[(Part, u8)]) -> &'static str {
    match run.first() {
        Some((Part::Header, _)) => "h",
        Some((Part::Key, _)) => "k",
        Some((Part::Length, _)) => "l",
        Some((Part::Value, _)) | None => "v",
    }
}
