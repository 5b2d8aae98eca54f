//! The result for people.

use core::fmt::Display;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use uwsgi_conformance::{Case, Danger, Finding, Played, Row};

use super::{Checked, row_name};
use crate::output::{FAINT, HEADING, NAME, WRONG};

/// What deviates and deceives nobody.
const ODD: Style = AnsiColor::Yellow.on_default();

/// Cells that are wider push the others of their line aside, and of no other line.
const WIDEST: usize = 28;

/// Writes the table, what is dangerous, and the summary.
pub(super) fn write(out: &mut impl Write, checked: &Checked<'_>, deviations: bool) -> io::Result<()> {
    let results = checked.results;
    let reports = if results.application.reports() {
        "its application reports, so that all is judged"
    } else {
        "its application does not report, so that what shows on the wire is judged"
    };
    writeln!(out, "{HEADING}{}{HEADING:#}: {} cases; {reports}", checked.to, results.played.len())?;
    cases(out, checked, deviations)?;
    dangers(out, checked)?;
    rows(out, checked)?;
    left_out(out, checked)?;
    writeln!(out, "\n{}", conclusion(checked))?;
    out.flush()
}

/// The cases themselves, and what each is about.
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

/// One line a case, by rows.
fn cases(out: &mut impl Write, checked: &Checked<'_>, deviations: bool) -> io::Result<()> {
    let shown: Vec<&Played<'_>> = checked
        .results
        .played
        .iter()
        .filter(|played| !deviations || !matches!(played.finding, Finding::AsItShould))
        .collect();
    let lines: Vec<Line<'_>> = shown.into_iter().map(Line::new).collect();
    let widths = [
        widest(lines.iter().map(|line| line.played.case.name)),
        widest(lines.iter().map(|line| line.should.as_str())).max("should".len()),
        widest(lines.iter().map(|line| line.does.as_str())).clamp("does".len(), WIDEST),
        widest(lines.iter().map(|line| line.uwsgi)).clamp("uWSGI".len(), WIDEST),
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

/// What a line of the table says.
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
            uwsgi: measured(played.case.uwsgi),
            gunicorn: measured(played.case.gunicorn),
        }
    }

    fn write(&self, out: &mut impl Write, [name, should, does, uwsgi]: [usize; 4]) -> io::Result<()> {
        let (mark, style) = match self.played.finding {
            Finding::AsItShould => ("ok", Style::new()),
            Finding::Danger(_) => ("!", WRONG),
            Finding::Differs => ("~", ODD),
            _ => ("?", FAINT),
        };
        let Self { played, should: wanted, does: done, uwsgi: in_uwsgi, gunicorn } = self;
        writeln!(
            out,
            "{style}{mark:<2}{style:#}  {NAME}{:<name$}{NAME:#}  {wanted:<should$}  {style}{done:<does$}{style:#}  \
             {FAINT}{in_uwsgi:<uwsgi$}  {gunicorn}{FAINT:#}",
            played.case.name
        )
    }
}

/// What the server did, in a few words.
pub(super) fn does(played: &Played<'_>) -> String {
    match played.finding {
        Finding::Danger(Danger::Died) => "died".to_owned(),
        _ => played.outcome.in_words(played.case),
    }
}

/// What was seen, without what is known besides.
pub(super) fn measured(text: &str) -> &str {
    text.split_once("; ").map_or(text, |(measured, _)| measured)
}

/// What is dangerous, by its kind, and why.
fn dangers(out: &mut impl Write, checked: &Checked<'_>) -> io::Result<()> {
    let all: Vec<_> = checked.results.dangers().collect();
    for danger in Danger::ALL {
        let of_kind: Vec<_> = all.iter().filter(|(_, other)| *other == danger).map(|(played, _)| played).collect();
        if of_kind.is_empty() {
            continue;
        }
        writeln!(out, "\n{WRONG}{danger}{WRONG:#}: {}", count(of_kind.len()))?;
        let width = widest(of_kind.iter().map(|played| played.case.name));
        for played in of_kind {
            let Case { name, about, verdict, why, .. } = played.case;
            writeln!(out, "  {NAME}{name:<width$}{NAME:#}  {about}")?;
            writeln!(out, "  {:width$}  {FAINT}should: {verdict}; does: {}; {why}{FAINT:#}", "", does(played))?;
        }
    }
    Ok(())
}

/// How many of each row came out how.
fn rows(out: &mut impl Write, checked: &Checked<'_>) -> io::Result<()> {
    let played = &checked.results.played;
    let width = widest(Row::ALL.iter().map(|row| row.as_str()));
    writeln!(out, "\n{FAINT}{:width$}  cases     ok      ~      !      ?{FAINT:#}", "")?;
    let line = |out: &mut dyn Write, name: &dyn Display, counts: Counts| {
        let Counts { all, good, differs, danger, unknown } = counts;
        let (odd, wrong) = (if differs > 0 { ODD } else { FAINT }, if danger > 0 { WRONG } else { FAINT });
        writeln!(
            out,
            "{name:<width$}  {all:>5}  {good:>5}  {odd}{differs:>5}{odd:#}  {wrong}{danger:>5}{wrong:#}  {FAINT}{unknown:>5}{FAINT:#}"
        )
    };
    for row in Row::ALL {
        let counts = Counts::of(played.iter().filter(|played| played.case.row == row));
        if counts.all > 0 {
            line(out, &row.as_str(), counts)?;
        }
    }
    line(out, &"in all", Counts::of(played.iter()))
}

/// How many came out how.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub(super) struct Counts {
    all: usize,
    good: usize,
    differs: usize,
    danger: usize,
    unknown: usize,
}

impl Counts {
    pub(super) fn of<'p>(played: impl Iterator<Item = &'p Played<'p>>) -> Self {
        let mut counts = Self::default();
        for played in played {
            let count = match played.finding {
                Finding::AsItShould => &mut counts.good,
                Finding::Danger(_) => &mut counts.danger,
                Finding::Differs => &mut counts.differs,
                _ => &mut counts.unknown,
            };
            *count = count.saturating_add(1);
            counts.all = counts.all.saturating_add(1);
        }
        counts
    }
}

/// What was not played, by why.
fn left_out(out: &mut impl Write, checked: &Checked<'_>) -> io::Result<()> {
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for (_, why) in &checked.results.left_out {
        match reasons.iter_mut().find(|(reason, _)| reason == why) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => reasons.push((why, 1)),
        }
    }
    if !reasons.is_empty() {
        writeln!(out, "\nnot played")?;
    }
    for (why, number) in reasons {
        writeln!(out, "  {number:>4}  {why}")?;
    }
    Ok(())
}

/// The last line.
fn conclusion(checked: &Checked<'_>) -> String {
    let of = |wanted: fn(Danger) -> bool| checked.results.dangers().filter(|(_, danger)| wanted(*danger)).count();
    let mut said = match of(Danger::deceives) {
        0 => "No bytes became a request that they are not".to_owned(),
        number => format!("{WRONG}Bytes became a request that they are not{WRONG:#}: {}", count(number)),
    };
    for (danger, verb) in [(Danger::Hangs, "it hangs"), (Danger::Died, "it died")] {
        let number = checked.results.dangers().filter(|(_, other)| *other == danger).count();
        if number > 0 {
            said.push_str(&format!("; {WRONG}{verb}{WRONG:#}: {}", count(number)));
        }
    }
    said.push('.');
    said
}

fn count(number: usize) -> String {
    format!("{number} case{}", if number == 1 { "" } else { "s" })
}

fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or(0)
}
