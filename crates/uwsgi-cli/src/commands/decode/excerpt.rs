//! The bytes around an error, as hex and text, with the error marked.

use core::fmt;

use crate::messages::{ERROR, FAINT};

/// The number of bytes in a row.
const ROW: usize = 16;

/// The row of bytes at an offset, the row before and the row after. Prints a mark under the byte at the offset.
#[derive(Debug, Clone, Copy)]
pub(super) struct Excerpt<'a> {
    pub(super) input: &'a [u8],
    pub(super) offset: usize,
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
            // The offset may be the end of the input. Its row is shown even if it is empty.
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
    for index in 0..ROW {
        match bytes.get(index) {
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

/// Prints `^^` under the hex digits and `^` under the text.
fn mark(f: &mut fmt::Formatter<'_>, column: usize) -> fmt::Result {
    let digits = column.saturating_mul(3).saturating_add(12);
    let text = ROW.saturating_sub(column).saturating_mul(3).saturating_add(column);
    writeln!(f, "{:digits$}{ERROR}^^{ERROR:#}{:text$}{ERROR}^{ERROR:#}", "", "")
}
