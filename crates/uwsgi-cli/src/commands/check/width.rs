//! The width of the terminal.

use std::io;

use textwrap::{Options, WordSplitter};

/// How many columns a line may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Width {
    /// `None` if the output is no terminal: a file may be read at any width.
    columns: Option<usize>,
}

impl Width {
    /// Returns the width of standard output.
    pub(super) fn of_stdout() -> Self {
        let size = terminal_size::terminal_size_of(io::stdout());
        Self { columns: size.map(|(width, _)| usize::from(width.0)).filter(|columns| *columns > 0) }
    }

    /// Whether a line of this length fits.
    pub(super) fn has_room(self, length: usize) -> bool {
        self.columns.is_none_or(|columns| length <= columns)
    }

    /// Wraps a text that begins after `indent` columns, and indents its other lines as far.
    pub(super) fn wrap(self, text: &str, indent: usize) -> String {
        /// A text gets this width in any case.
        const LEAST: usize = 20;
        let Some(columns) = self.columns else { return text.to_owned() };
        let options = Options::new(columns.saturating_sub(indent).max(LEAST));
        let lines = textwrap::wrap(text, options.word_splitter(WordSplitter::NoHyphenation));
        lines.join(&format!("\n{:indent$}", ""))
    }
}

/// Returns the length of the longest text.
pub(super) fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or(0)
}
