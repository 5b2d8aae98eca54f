//! The table for people.

use core::fmt::Display;
use std::io::{self, Write};

use uwsgi_conformance::{Case, Danger, Row};

use super::line::Line;
use super::result::{CheckResult, Counts, does};
use super::width::{Width, widest};
use crate::messages::{ERROR, FAINT, HEADING, NAME, WARNING};

/// Writes the table, the dangers, and the summary.
pub(super) fn write(
    out: &mut impl Write,
    check: &CheckResult<'_>,
    deviations_only: bool,
    width: Width,
) -> io::Result<()> {
    let results = check.results;
    let reports = if results.application.reports() {
        "its application reports, so that everything is judged"
    } else {
        "its application does not report, so that only what is on the wire is judged"
    };
    let title = format!("{HEADING}{}{HEADING:#}: {}; {reports}", check.to, count(results.played.len()));
    writeln!(out, "{}", width.wrap(&title, 0))?;
    cases(out, check, deviations_only, width)?;
    dangers(out, check, width)?;
    rows(out, check)?;
    left_out(out, check, width)?;
    writeln!(out, "\n{}", width.wrap(&conclusion(check), 0))?;
    out.flush()
}

/// Writes the list of the cases.
pub(super) fn list(out: &mut impl Write, cases: &[&Case], width: Width) -> io::Result<()> {
    let name_width = widest(cases.iter().map(|case| case.name));
    let text = |case: &Case| {
        let (name, should) = (case.name, case.verdict.to_string());
        (format!("  {NAME}{name:<name_width$}{NAME:#}  {should:<22}"), case.about)
    };
    // The columns and the spaces around them.
    let indent = name_width.saturating_add(2 + 2 + 22 + 2);
    let fits = cases.iter().all(|case| width.has_room(indent.saturating_add(case.about.chars().count())));
    for row in Row::ALL {
        let mut of_row = cases.iter().filter(|case| case.row == row).peekable();
        if of_row.peek().is_some() {
            writeln!(out, "{HEADING}{row}{HEADING:#} {FAINT}--row {}{FAINT:#}", row.name())?;
        }
        for (start, about) in of_row.map(|case| text(case)) {
            if fits {
                writeln!(out, "{start}  {about}")?;
            } else {
                writeln!(out, "{start}\n      {}", width.wrap(about, 6))?;
            }
        }
    }
    Ok(())
}

/// Writes one line for each case, by rows. If the lines do not fit, what other servers do is on lines of its own, for the cases that
/// are not ok.
fn cases(out: &mut impl Write, check: &CheckResult<'_>, deviations_only: bool, width: Width) -> io::Result<()> {
    let lines = check.results.played.iter().map(Line::new);
    let lines: Vec<_> = lines.filter(|line| !deviations_only || !line.is_ok()).collect();
    if lines.is_empty() {
        return Ok(());
    }
    let columns = Line::columns(&lines);
    let fits = lines.iter().all(|line| width.has_room(line.length(columns)));
    writeln!(out, "\n{FAINT}{}{FAINT:#}", Line::heading(columns, fits))?;
    for row in Row::ALL {
        let mut of_row = lines.iter().filter(|line| line.row() == row).peekable();
        if of_row.peek().is_some() {
            writeln!(out, "{HEADING}{row}{HEADING:#}")?;
        }
        for line in of_row {
            if fits {
                line.write(out, columns)?;
            } else {
                line.write_narrow(out, columns, width)?;
            }
        }
    }
    Ok(())
}

/// Writes the dangerous cases by their kinds, and why they are dangerous.
fn dangers(out: &mut impl Write, check: &CheckResult<'_>, width: Width) -> io::Result<()> {
    let all: Vec<_> = check.results.dangers().collect();
    for danger in Danger::ALL {
        let of_kind: Vec<_> = all.iter().filter(|(_, other)| *other == danger).map(|(played, _)| played).collect();
        if of_kind.is_empty() {
            continue;
        }
        writeln!(out, "\n{ERROR}{danger}{ERROR:#}: {}", count(of_kind.len()))?;
        let texts: Vec<_> = of_kind
            .iter()
            .map(|played| {
                let Case { name, about, verdict, why, .. } = *played.case;
                (name, about, format!("should: {verdict}; does: {}; {why}", does(played)))
            })
            .collect();
        let name_width = widest(texts.iter().map(|(name, ..)| *name));
        let indent = name_width.saturating_add(4);
        let length = widest(texts.iter().flat_map(|(_, about, text)| [*about, text.as_str()]));
        let fits = width.has_room(indent.saturating_add(length));
        for (name, about, text) in &texts {
            if fits {
                writeln!(out, "  {NAME}{name:<name_width$}{NAME:#}  {about}")?;
                writeln!(out, "{:indent$}{FAINT}{text}{FAINT:#}", "")?;
            } else {
                writeln!(out, "  {NAME}{name}{NAME:#}\n      {}", width.wrap(about, 6))?;
                writeln!(out, "      {FAINT}{}{FAINT:#}", width.wrap(text, 6))?;
            }
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
fn left_out(out: &mut impl Write, check: &CheckResult<'_>, width: Width) -> io::Result<()> {
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
        writeln!(out, "  {number:>4}  {}", width.wrap(why, 8))?;
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
