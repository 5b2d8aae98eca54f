//! A line of the table: what the server does with a case, what it should do, and what other servers do.

use std::io::{self, Write};

use anstyle::Style;
use uwsgi_conformance::{Finding, Played, Row};

use super::result::{does, measured};
use super::width::{Width, widest};
use crate::messages::{ERROR, FAINT, NAME, WARNING};

/// The cells of a line.
pub(super) struct Line<'a> {
    played: &'a Played<'a>,
    should: String,
    does: String,
    uwsgi: &'a str,
    gunicorn: &'a str,
}

/// The widths of the columns, but for the last one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    name: usize,
    should: usize,
    does: usize,
    uwsgi: usize,
}

/// The maximum width of a column. A wider cell shifts only the rest of its own line.
const MAX_WIDTH: usize = 28;

/// The width of the mark, and of the space between two columns.
const MARK: usize = 4;
const SPACE: usize = 2;

impl<'a> Line<'a> {
    pub(super) fn new(played: &'a Played<'a>) -> Self {
        Self {
            played,
            should: played.case.verdict.to_string(),
            does: does(played),
            uwsgi: measured(played.case.uwsgi()),
            gunicorn: measured(played.case.gunicorn()),
        }
    }

    pub(super) const fn row(&self) -> Row {
        self.played.case.row
    }

    /// Whether the server does what the verdict says.
    pub(super) const fn is_ok(&self) -> bool {
        matches!(self.played.finding, Finding::AsItShould)
    }

    /// Returns the widths that these lines need.
    pub(super) fn columns(lines: &[Self]) -> Columns {
        Columns {
            name: widest(lines.iter().map(|line| line.played.case.name)),
            should: widest(lines.iter().map(|line| line.should.as_str())).max("should".len()),
            does: widest(lines.iter().map(|line| line.does.as_str())).clamp("does".len(), MAX_WIDTH),
            uwsgi: widest(lines.iter().map(|line| line.uwsgi)).clamp("uWSGI".len(), MAX_WIDTH),
        }
    }

    /// Returns the headings of the columns; `with_others` says whether those of other servers are among them.
    pub(super) fn heading(columns: Columns, with_others: bool) -> String {
        let Columns { name, should, does, uwsgi } = columns;
        let start = format!("{:MARK$}{:<name$}  {:<should$}  ", "", "", "should");
        if with_others { format!("{start}{:<does$}  {:<uwsgi$}  gunicorn", "does", "uWSGI") } else { start + "does" }
    }

    /// Returns the length of the line.
    pub(super) fn length(&self, columns: Columns) -> usize {
        let length = |text: &str| text.chars().count();
        let cells = [
            columns.name,
            columns.should,
            columns.does.max(length(&self.does)),
            columns.uwsgi.max(length(self.uwsgi)),
            length(self.gunicorn),
        ];
        cells.into_iter().fold(MARK, |sum, cell| sum.saturating_add(cell).saturating_add(SPACE)).saturating_sub(SPACE)
    }

    pub(super) fn write(&self, out: &mut impl Write, columns: Columns) -> io::Result<()> {
        let Columns { does, uwsgi, .. } = columns;
        let (_, style) = self.mark();
        let Self { does: done, uwsgi: measured, gunicorn, .. } = self;
        writeln!(
            out,
            "{}{style}{done:<does$}{style:#}  {FAINT}{measured:<uwsgi$}  {gunicorn}{FAINT:#}",
            self.start(columns)
        )
    }

    /// Writes the line for a terminal on which it does not fit.
    pub(super) fn write_narrow(&self, out: &mut impl Write, columns: Columns, width: Width) -> io::Result<()> {
        let (_, style) = self.mark();
        let indent = [columns.name, SPACE, columns.should, SPACE].into_iter().fold(MARK, usize::saturating_add);
        writeln!(out, "{}{style}{}{style:#}", self.start(columns), width.wrap(&self.does, indent))?;
        if self.is_ok() {
            return Ok(());
        }
        let others = format!("uWSGI: {}; gunicorn: {}", self.uwsgi, self.gunicorn);
        writeln!(out, "{:MARK$}{FAINT}{}{FAINT:#}", "", width.wrap(&others, MARK))
    }

    /// Returns the line up to what the server does.
    fn start(&self, columns: Columns) -> String {
        let Columns { name, should, .. } = columns;
        let (mark, style) = self.mark();
        let (case, verdict) = (self.played.case.name, &self.should);
        format!("{style}{mark:<2}{style:#}  {NAME}{case:<name$}{NAME:#}  {verdict:<should$}  ")
    }

    const fn mark(&self) -> (&'static str, Style) {
        match self.played.finding {
            Finding::AsItShould => ("ok", Style::new()),
            Finding::Danger(_) => ("!", ERROR),
            Finding::Differs => ("~", WARNING),
            _ => ("?", FAINT),
        }
    }
}
