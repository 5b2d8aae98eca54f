//! The JSON of `--json`.

use alloc::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use uwsgi_conformance::{Case, Danger, End, Finding, Played, Row, Seen};

use super::result::{CheckResult, Counts, does, measured};
use crate::json;

/// The result as a document.
#[derive(Debug, Serialize)]
struct Document<'a> {
    to: &'a str,
    /// Whether the application answers with a report, so that everything was judged.
    reports: bool,
    /// Whether the server took bytes for a request that they are not.
    deceived: bool,
    /// The number of dangerous cases by danger.
    dangers: BTreeMap<&'static str, usize>,
    rows: BTreeMap<&'a str, Counts>,
    cases: Vec<CaseDocument<'a>>,
    not_played: Vec<NotPlayed<'a>>,
}

#[derive(Debug, Serialize)]
struct CaseDocument<'a> {
    name: &'a str,
    about: &'a str,
    row: &'a str,
    should: String,
    does: String,
    finding: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    danger: Option<&'static str>,
    seen: &'static str,
    status: Option<u16>,
    answers: Vec<AnswerDocument>,
    end: &'static str,
    milliseconds: u64,
    why: &'a str,
    source: &'a str,
    uwsgi: &'a str,
    gunicorn: &'a str,
}

#[derive(Debug, Serialize)]
struct AnswerDocument {
    status: u16,
    body_length: usize,
    whole: bool,
}

#[derive(Debug, Serialize)]
struct NotPlayed<'a> {
    name: &'a str,
    why: &'a str,
}

/// A case of `--list`.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    name: &'a str,
    about: &'a str,
    row: &'a str,
    should: String,
    why: &'a str,
    source: &'a str,
    uwsgi: &'a str,
    gunicorn: &'a str,
}

/// Writes the result.
pub(super) fn write(out: &mut impl Write, check: &CheckResult<'_>) -> io::Result<()> {
    let results = check.results;
    let mut dangers: BTreeMap<_, usize> = Danger::ALL.into_iter().map(|danger| (danger_name(danger), 0)).collect();
    for (_, danger) in results.dangers() {
        let count = dangers.entry(danger_name(danger)).or_default();
        *count = count.saturating_add(1);
    }
    let of_row = |row: Row| results.played.iter().filter(move |played| played.case.row == row);
    let document = Document {
        to: check.to,
        reports: results.application.reports(),
        deceived: results.dangers().any(|(_, danger)| danger.deceives()),
        dangers,
        rows: Row::ALL
            .into_iter()
            .filter(|row| of_row(*row).next().is_some())
            .map(|row| (row.name(), Counts::of(of_row(row))))
            .collect(),
        cases: results.played.iter().map(CaseDocument::new).collect(),
        not_played: results.left_out.iter().map(|(case, why)| NotPlayed { name: case.name, why }).collect(),
    };
    json::write(out, &document)
}

/// Writes the list of the cases.
pub(super) fn list(out: &mut impl Write, cases: &[&Case]) -> io::Result<()> {
    let listed: Vec<_> = cases
        .iter()
        .map(|case| Listed {
            name: case.name,
            about: case.about,
            row: case.row.name(),
            should: case.verdict.to_string(),
            why: case.why,
            source: case.source,
            uwsgi: case.uwsgi(),
            gunicorn: case.gunicorn(),
        })
        .collect();
    json::write(out, &listed)
}

impl<'a> CaseDocument<'a> {
    fn new(played: &'a Played<'a>) -> Self {
        let (case, outcome) = (played.case, &played.outcome);
        let (finding, danger) = match played.finding {
            Finding::AsItShould => ("as-it-should", None),
            Finding::Danger(danger) => ("danger", Some(danger_name(danger))),
            Finding::Differs => ("differs", None),
            _ => ("unknown", None),
        };
        let (seen, status) = match played.seen {
            Seen::Accepted(status) => ("accepted", Some(status)),
            Seen::Closed => ("closed", None),
            Seen::Died => ("died", None),
            Seen::Garbled => ("garbled", None),
            Seen::Hangs => ("hangs", None),
            Seen::Pong => ("pong", None),
            Seen::Refused(status) => ("refused", Some(status)),
            Seen::Reset => ("reset", None),
            _ => ("left", None),
        };
        let answers = outcome.answers.iter().map(|answer| AnswerDocument {
            status: answer.status,
            body_length: answer.body.len(),
            whole: answer.whole,
        });
        Self {
            name: case.name,
            about: case.about,
            row: case.row.name(),
            should: case.verdict.to_string(),
            does: does(played),
            finding,
            danger,
            seen,
            status,
            answers: answers.collect(),
            end: match outcome.end {
                End::Closed => "closed",
                End::Gone => "left",
                End::Open => "open",
                End::Reset => "reset",
            },
            milliseconds: outcome.took,
            why: case.why,
            source: case.source,
            uwsgi: measured(case.uwsgi()),
            gunicorn: measured(case.gunicorn()),
        }
    }
}

const fn danger_name(danger: Danger) -> &'static str {
    match danger {
        Danger::Accepted => "accepted",
        Danger::Died => "died",
        Danger::Hangs => "hangs",
        Danger::Misread => "misread",
        Danger::Smuggled => "smuggled",
        _ => "other",
    }
}
