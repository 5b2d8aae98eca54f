//! The bytes of the packet, in rows of eight. The width of the window decides how many rows are side by side.

use core::fmt;

use crate::formats::html::entities::Text;
use crate::formats::packet_bytes::{self, Part};
use crate::report::Report;

/// The number of bytes in a row. A row with its offset and its text fits on a telephone.
const ROW: usize = 8;
/// The bytes of a longer packet are hidden until the user opens them.
const UNFOLDED: usize = 1536;

pub(crate) fn write(f: &mut fmt::Formatter<'_>, report: &Report<'_>) -> fmt::Result {
    let bytes = packet_bytes::bytes(report);
    let open = if bytes.len() <= UNFOLDED { " open" } else { "" };
    writeln!(f, "<details{open}><summary>All {} bytes</summary>", bytes.len())?;
    f.write_str(concat!(
        "<p class=\"legend\"><span class=\"h\">header</span><span class=\"l\">lengths</span>",
        "<span class=\"k\">keys</span><span class=\"v\">values</span></p>\n<div class=\"bytes\">\n",
    ))?;
    for (index, row) in bytes.chunks(ROW).enumerate() {
        write!(f, "<span><i>{:04x}</i>  ", index.saturating_mul(ROW))?;
        for run in runs(row) {
            let digits: String = run.iter().map(|(_, byte)| format!("{byte:02x} ")).collect();
            write!(f, "<b class=\"{}\">{digits}</b>", class(run))?;
        }
        let missing = ROW.saturating_sub(row.len());
        write!(f, "{:1$} ", "", missing.saturating_mul(3))?;
        for run in runs(row) {
            let text: String = run.iter().map(|(_, byte)| packet_bytes::printable(*byte)).collect();
            write!(f, "<b class=\"{}\">{}</b>", class(run), Text(text))?;
        }
        f.write_str("</span>\n")?;
    }
    f.write_str("</div></details>\n")
}

/// Splits a row into runs of bytes that belong to the same part.
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
