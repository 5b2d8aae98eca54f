//! The bytes around a place, as hex and text, with the place marked.

use core::fmt;

use crate::output::{FAINT, WRONG};

/// How many bytes a row shows.
const ROW: usize = 16;

/// The row of bytes that a place is in, the one before and the one after, and a mark under the place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Excerpt<'a> {
    pub(crate) input: &'a [u8],
    pub(crate) offset: usize,
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.offset.checked_rem(ROW).unwrap_or(0);
        let marked = self.offset.saturating_sub(column);
        let first = marked.saturating_sub(ROW);
        let last = marked.saturating_add(ROW);
        let rows = [Some(first).filter(|first| *first < marked), Some(marked), Some(last)];
        for start in rows.into_iter().flatten() {
            let end = start.saturating_add(ROW).min(self.input.len());
            let bytes = self.input.get(start..end).unwrap_or_default();
            // The place may be the end of the input: its row is shown even if no byte is in it.
            if bytes.is_empty() && start != marked {
                continue;
            }
            row(f, start, bytes)?;
            if start == marked {
                mark(f, column)?;
            }
        }
        Ok(())
    }
}

fn row(f: &mut fmt::Formatter<'_>, start: usize, bytes: &[u8]) -> fmt::Result {
    write!(f, "  {FAINT}{start:>8}{FAINT:#} ")?;
    for place in 0..ROW {
        match bytes.get(place) {
            Some(byte) => write!(f, " {byte:02x}")?,
            None => f.write_str("   ")?,
        }
    }
    f.write_str("  |")?;
    for byte in bytes {
        let shown = if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '.' };
        write!(f, "{shown}")?;
    }
    f.write_str("|\n")
}

/// `^^` under the hex digits, `^` under the text.
fn mark(f: &mut fmt::Formatter<'_>, column: usize) -> fmt::Result {
    let digits = column.saturating_mul(3).saturating_add(12);
    let text = ROW.saturating_sub(column).saturating_mul(3).saturating_add(column);
    writeln!(f, "{:digits$}{WRONG}^^{WRONG:#}{:text$}{WRONG}^{WRONG:#}", "", "")
}
