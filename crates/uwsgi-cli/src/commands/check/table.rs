//! The table for people.

use core::fmt::Display;
use std::io::{self, Write};

use anstyle::Style;
use uwsgi_conformance::{Case, Danger, Finding, Played, Row};

use super::result::{CheckResult, Counts, does, measured};
use super::rows::row_name;
use crate::messages::{ERROR, FAINT, HEADING, NAME, WARNING};

/// The maximum width of a column. A wider cell shifts only the rest of its own line.
const MAX_WIDTH: usize = 28;

/// Writes the table, the dangers, and the summary.
pub(super) fn write(out: &mut impl Write, check: &CheckResult<'_>, deviations: bool) -> io::Result<()> {
    let results = check.results;
    let reports = if results.application.reports() {
        "its application reports, so that everything is judged"
    } else {
        "its application does not report, so that only what is on the wire is judged"
    };
    writeln!(out, "{HEADING}{}{HEADING:#}: {} cases; {reports}", check.to, results.played.len())?;
    cases(out, check, deviations)?;
    dangers(out, check)?;
    rows(out, check)?;
    left_out(out, check)?;
    writeln!(out, "\n{}", conclusion(check))?;
    out.flush()
}

/// Writes the list of the cases.
pub(super) fn list(out: &mut impl Write, cases: &[&Case]) -> io::Result<()> {
    let width = widest(cases.iter().map(|case| case.name));
    for row in Row::ALL {
        let mut of_row = cases.iter().filter(|case| case.row == row).peekable();
        if of_row.peek().is_some() {
            writeln!(out, "{HEADING}{row}{HEADING:#} {FAINT}--row {}{FAINT:#}", row_name(row))?;
        }
        for case in of_row {
            let (name, should) = (case.name, case.verdict.to_string());
            writeln!(out, "  {NAME}{name:<width$}{NAME:#}  {should:<22}  {}", case.about)?;
        }
    }
    Ok(())
}

/// Writes one line for each case, by rows.
fn cases(out: &mut impl Write, check: &CheckResult<'_>, deviations: bool) -> io::Result<()> {
    let shown: Vec<&Played<'_>> = check
        .results
        .played
        .iter()
        .filter(|played| !deviations || !matches!(played.finding, Finding::AsItShould))
        .collect();
    let lines: Vec<Line<'_>> = shown.into_iter().map(Line::new).collect();
    let widths = [
        widest(lines.iter().map(|line| line.played.case.name)),
        widest(lines.iter().map(|line| line.should.as_str())).max("should".len()),
        widest(lines.iter().map(|line| line.does.as_str())).clamp("does".len(), MAX_WIDTH),
        widest(lines.iter().map(|line| line.uwsgi)).clamp("uWSGI".len(), MAX_WIDTH),
    ];
    let [name, should, does, uwsgi] = widths;
    if !lines.is_empty() {
        writeln!(
            out,
            "\n{FAINT}    {:<name$}  {:<should$}  {:<does$}  {:<uwsgi$}  gunicorn{FAINT:#}",
            "", "should", "does", "uWSGI"
        )?;
    }
    for row in Row::ALL {
        let mut of_row = lines.iter().filter(|line| line.played.case.row == row).peekable();
        if of_row.peek().is_some() {
            writeln!(out, "{HEADING}{row}{HEADING:#}")?;
        }
        for line in of_row {
            line.write(out, widths)?;
        }
    }
    Ok(())
}

/// The cells of a line.
struct Line<'a> {
    played: &'a Played<'a>,
    should: String,
    does: String,
    uwsgi: &'a str,
    gunicorn: &'a str,
}

impl<'a> Line<'a> {
    fn new(played: &'a Played<'a>) -> Self {
        Self {
            played,
            should: played.case.verdict.to_string(),
            does: does(played),
            uwsgi: measured(played.case.uwsgi()),
            gunicorn: measured(played.case.gunicorn()),
        }
    }

    fn write(&self, out: &mut impl Write, [name, should, does, uwsgi]: [usize; 4]) -> io::Result<()> {
        let (mark, style) = match self.played.finding {
            Finding::AsItShould => ("ok", Style::new()),
            Finding::Danger(_) => ("!", ERROR),
            Finding::Differs => ("~", WARNING),
            _ => ("?", FAINT),
        };
        let Self { played, should: verdict, does: done, uwsgi: measured, gunicorn } = self;
        writeln!(
            out,
            "{style}{mark:<2}{style:#}  {NAME}{:<name$}{NAME:#}  {verdict:<should$}  {style}{done:<does$}{style:#}  \
             {FAINT}{measured:<uwsgi$}  {gunicorn}{FAINT:#}",
            played.case.name
        )
    }
}

/// Writes the dangerous cases by their kinds, and why they are dangerous.
fn dangers(out: &mut impl Write, check: &CheckResult<'_>) -> io::Result<()> {
    let all: Vec<_> = check.results.dangers().collect();
    for danger in Danger::ALL {
        let of_kind: Vec<_> = all.iter().filter(|(_, other)| *other == danger).map(|(played, _)| played).collect();
        if of_kind.is_empty() {
            continue;
        }
        writeln!(out, "\n{ERROR}{danger}{ERROR:#}: {}", count(of_kind.len()))?;
        let width = widest(of_kind.iter().map(|played| played.case.name));
        for played in of_kind {
            let Case { name, about, verdict, why, .. } = played.case;
            writeln!(out, "  {NAME}{name:<width$}{NAME:#}  {about}")?;
            writeln!(out, "  {:width$}  {FAINT}should: {verdict}; does: {}; {why}{FAINT:#}", "", does(played))?;
        }
    }
    Ok(())
}

/// Writes the numbers of cases by row and finding.
fn rows(out: &mut impl Write, check: &CheckResult<'_>) -> io::Result<()> {
    let played = &check.results.played;
    let width = widest(Row::ALL.iter().map(|row| row.as_str()));
    writeln!(out, "\n{FAINT}{:width$}  cases     ok      ~      !      ?{FAINT:#}", "")?;
    let line = |out: &mut dyn Write, name: &dyn Display, counts: Counts| {
        let Counts { all, good, differs, danger, unknown } = counts;
        let (warning, error) = (if differs > 0 { WARNING } else { FAINT }, if danger > 0 { ERROR } else { FAINT });
        writeln!(
            out,
            "{name:<width$}  {all:>5}  {good:>5}  {warning}{differs:>5}{warning:#}  {error}{danger:>5}{error:#}  {FAINT}{unknown:>5}{FAINT:#}"
        )
    };
    for row in Row::ALL {
        let counts = Counts::of(played.iter().filter(|played| played.case.row == row));
        if counts.all > 0 {
            line(out, &row.as_str(), counts)?;
        }
    }
    line(out, &"total", Counts::of(played.iter()))
}

/// Writes why cases were left out, and how many for each reason.
fn left_out(out: &mut impl Write, check: &CheckResult<'_>) -> io::Result<()> {
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for (_, why) in &check.results.left_out {
        match reasons.iter_mut().find(|(reason, _)| reason == why) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => reasons.push((why, 1)),
        }
    }
    if !reasons.is_empty() {
        writeln!(out, "\nleft out")?;
    }
    for (why, number) in reasons {
        writeln!(out, "  {number:>4}  {why}")?;
    }
    Ok(())
}

/// Returns the last line.
fn conclusion(check: &CheckResult<'_>) -> String {
    let of = |wanted: fn(Danger) -> bool| check.results.dangers().filter(|(_, danger)| wanted(*danger)).count();
    let mut text = match of(Danger::deceives) {
        0 => "No bytes were taken for a request that they are not".to_owned(),
        number => format!("{ERROR}Bytes were taken for a request that they are not{ERROR:#}: {}", count(number)),
    };
    for (danger, verb) in [(Danger::Hangs, "it hangs"), (Danger::Died, "it died")] {
        let number = check.results.dangers().filter(|(_, other)| *other == danger).count();
        if number > 0 {
            text.push_str(&format!("; {ERROR}{verb}{ERROR:#}: {}", count(number)));
        }
    }
    text.push('.');
    text
}

fn count(number: usize) -> String {
    format!("{number} case{}", if number == 1 { "" } else { "s" })
}

fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or(0)
}
