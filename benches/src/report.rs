//! The table of results, as text or as Markdown.

use crate::measure::Measured;
use crate::ours;
use crate::pairs::Bound;

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// The pair's name.
    pub name: String,
    /// The bound of its ratio.
    pub bound: Bound,
    /// The measurement.
    pub measured: Measured,
    /// The instructions of one operation of each side, if they were counted.
    pub instructions: Option<(f64, f64)>,
}

impl Row {
    /// Returns whether the median holds the bound; `None` if there is no bound.
    pub fn held(&self) -> Option<bool> {
        self.bound.held(self.measured.ratio(0.5))
    }

    fn verdict(&self) -> &'static str {
        match self.held() {
            Some(true) => "held",
            Some(false) => "NOT HELD",
            None => "",
        }
    }

    fn counted(&self) -> (String, String) {
        match self.instructions {
            Some((a, b)) => (format!("{a:.0} / {b:.0}"), format!("{:.2}", a / b)),
            None => ("–".into(), "–".into()),
        }
    }

    /// Returns one line for a terminal.
    pub fn text(&self) -> String {
        let Self { name, bound, measured, .. } = self;
        let quartiles = format!("{:.3}..{:.3}", measured.ratio(0.25), measured.ratio(0.75));
        let extremes = format!("{:.3}..{:.3}", measured.ratio(0.0), measured.ratio(1.0));
        let (both, ratio) = self.counted();
        format!(
            "{name:<57} {bound:>6} {:>7.3} {quartiles:>16} {extremes:>16} {:>9.1} {:>9.1} {both:>17} {ratio:>6}  {}",
            measured.ratio(0.5),
            measured.a,
            measured.b,
            self.verdict(),
        )
    }

    /// Returns one line for `README.md`.
    pub fn markdown(&self) -> String {
        let Self { name, bound, measured, .. } = self;
        let (both, ratio) = self.counted();
        format!(
            "| {name} | {bound} | {:.2} | {:.2}–{:.2} | {:.1} | {:.1} | {both} | {ratio} | {} |",
            measured.ratio(0.5),
            measured.ratio(0.25),
            measured.ratio(0.75),
            measured.a,
            measured.b,
            self.verdict(),
        )
    }
}

/// Returns one line that says how much memory the machines of a connection take.
pub fn sizes() -> String {
    format!(
        "`Receive` takes {} bytes of at most {}, `Exchange` {}.",
        ours::RECEIVE_SIZE,
        ours::MOST_RECEIVE_SIZE,
        ours::EXCHANGE_SIZE,
    )
}

/// Returns the line above those of [`Row::text`].
pub fn text_head() -> String {
    format!(
        "{:<57} {:>6} {:>7} {:>16} {:>16} {:>9} {:>9} {:>17} {:>6}",
        "pair (a / b)", "bound", "median", "quartiles", "extremes", "a, ns", "b, ns", "instructions", "ratio",
    )
}

/// The lines above those of [`Row::markdown`].
pub const MARKDOWN_HEAD: &str = "\
| pair (a / b) | bound | median ratio | quartiles | a, ns | b, ns | instructions a / b | their ratio | |\n\
|---|---:|---:|---:|---:|---:|---:|---:|---|";
