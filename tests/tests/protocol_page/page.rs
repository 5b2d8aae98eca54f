//! The page, parsed into fences and tables.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The text of a fence, and what stands after the word that opens it.
pub struct Fence {
    pub line: usize,
    pub info: String,
    pub text: String,
}

pub struct Table {
    pub line: usize,
    /// The cells of the header, with bars between them and without code spans.
    pub header: String,
    pub rows: Vec<Row>,
}

#[derive(Clone)]
pub struct Row {
    pub line: usize,
    pub cells: Vec<String>,
}

pub struct Page {
    pub text: String,
    pub fences: Vec<Fence>,
    pub tables: Vec<Table>,
}

impl Page {
    pub fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol.md");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (mut fences, mut tables) = (Vec::new(), Vec::new());
        // A table may stand in a marked box.
        let mut lines = (1..).zip(text.lines().map(|line| line.strip_prefix("> ").unwrap_or(line))).peekable();
        while let Some((line, first)) = lines.next() {
            if let Some(info) = first.strip_prefix("```") {
                let mut inside = String::new();
                loop {
                    let (_, next) = lines.next().unwrap_or_else(|| panic!("line {line}: a fence that does not end"));
                    if next == "```" {
                        break;
                    }
                    inside.push_str(next);
                    inside.push('\n');
                }
                fences.push(Fence { line, info: info.to_owned(), text: inside });
            } else if first.starts_with('|') {
                let header = cells(first).join(" | ").replace('`', "");
                let mut rows = Vec::new();
                while let Some((line, row)) = lines.next_if(|(_, row)| row.starts_with('|')) {
                    rows.push(Row { line, cells: cells(row) });
                }
                assert!(!rows.is_empty(), "line {line}: a table without rows");
                let width = cells(first).len();
                for row in &rows {
                    assert_eq!(row.cells.len(), width, "line {}: as many cells as the header has", row.line);
                }
                assert!(
                    rows.remove(0).cells.iter().all(|cell| cell == "---"),
                    "line {line}: no dashes under the header"
                );
                tables.push(Table { line, header, rows });
            }
        }
        Self { text, fences, tables }
    }

    /// Returns the names of the headings in links: lower case, dashes for blanks, no other punctuation (GitHub's rule).
    pub fn anchors(&self) -> BTreeSet<String> {
        let headings = self.text.lines().filter(|line| line.starts_with('#'));
        headings
            .map(|line| {
                let title = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
                title.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
            })
            .collect()
    }
}

impl Row {
    /// Returns the code spans of a cell.
    pub fn code(&self, cell: usize) -> Vec<String> {
        self.cells[cell].split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    /// Returns the only code span of a cell.
    pub fn one(&self, cell: usize) -> String {
        let mut code = self.code(cell);
        assert_eq!(code.len(), 1, "line {}: one code span in cell {cell}", self.line);
        code.remove(0)
    }

    /// Returns the bytes in a cell, if it holds bytes.
    pub fn bytes(&self, cell: usize) -> Option<Vec<u8>> {
        self.code(cell).first().map(|text| hex(text, self.line))
    }
}

/// Returns the cells of a table's line; `\|` is a bar inside a cell.
fn cells(line: &str) -> Vec<String> {
    let inside = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')).expect(line);
    let divided = inside.replace("\\|", "\u{1}");
    divided.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
}

/// Reads bytes from hex digits, as `uwsgictl decode --hex` does: blanks anywhere, comments from `#` on.
pub fn hex(text: &str, line: usize) -> Vec<u8> {
    let digits: String = text.lines().map(|row| row.split('#').next().unwrap_or_default()).collect();
    let digits: Vec<u8> = digits
        .split_whitespace()
        .flat_map(str::chars)
        .map(|c| c.to_digit(16).unwrap_or_else(|| panic!("line {line}: '{c}' is not a hex digit")) as u8)
        .collect();
    assert!(digits.len().is_multiple_of(2), "line {line}: an odd number of digits");
    digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}

/// Reads bytes from a code span in which a backslash begins an escape: `\r`, `\n`, `\0`.
pub fn unescape(text: &str) -> Vec<u8> {
    let bytes = text.replace("\\r", "\r").replace("\\n", "\n").replace("\\0", "\0").into_bytes();
    assert!(!bytes.contains(&b'\\'), "{text}: an unknown escape");
    bytes
}

/// Reads a capture of `tests/vectors`.
pub fn capture(name: &str) -> Vec<u8> {
    let path = uwsgi_tests::vectors::directory().join(name).with_extension("bin");
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
