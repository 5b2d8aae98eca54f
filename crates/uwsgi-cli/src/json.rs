//! JSON on standard output.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::PrettyFormatter;

/// Writes a document, indented by one space for each level, and a line end.
pub(crate) fn write(out: &mut impl Write, document: &impl Serialize) -> io::Result<()> {
    document.serialize(&mut Serializer::with_formatter(&mut *out, PrettyFormatter::with_indent(b" ")))?;
    out.write_all(b"\n")?;
    out.flush()
}
