//! What the crate has recorded about uWSGI and gunicorn: compared with what was measured, or written again.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use uwsgi_conformance::{Case, all};

use crate::Outcomes;
use crate::server::Kind;

/// Stands between two outcomes that chance decides between.
pub(crate) const OR: &str = " or ";

/// Stands between the outcomes of a program and a remark about them.
pub(crate) const REMARK: &str = "; ";

/// What the crate says about a case that was not tried.
pub(crate) const NOT_TRIED: &str = "not tried";

/// Returns the recorded outcome of a case on a kind of server; where chance decides, several with [`OR`] between.
pub(crate) fn recorded(case: &Case, kind: Kind) -> &'static str {
    let text = if kind.is_uwsgi() { case.uwsgi() } else { case.gunicorn() };
    let mut parts = without_remark(text).split(" | ");
    let first = parts.next().unwrap_or_default();
    let mut others = parts.filter_map(|part| part.split_once(": "));
    let named = others.find(|(names, _)| names.split(", ").any(|name| name == kind.label()));
    named.map_or(first, |(_, words)| words)
}

/// Returns whether this outcome is recorded.
pub(crate) fn is_recorded(case: &Case, kind: Kind, measured: &str) -> bool {
    recorded(case, kind).split(OR).any(|words| words == measured)
}

/// Returns a recorded text without its remark.
pub(crate) fn without_remark(text: &str) -> &str {
    text.split_once(REMARK).map_or(text, |(words, _)| words)
}

/// Returns an error for each kind of server whose outcome is not the recorded one.
pub(crate) fn differences(case: &Case, measured: &[Outcomes]) -> Vec<String> {
    let wrong = Kind::ALL.into_iter().zip(measured).filter_map(|(kind, outcomes)| {
        let outcome = outcomes.get(case.name)?;
        let server = format!("{} ({})", kind.version(), kind.label());
        (!is_recorded(case, kind, outcome))
            .then(|| format!("{}: {server} does: {outcome}; recorded: {}", case.name, recorded(case, kind)))
    });
    wrong.collect()
}

/// Returns the path of the file in which the crate records outcomes.
pub(crate) fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/uwsgi-conformance/src/other_servers.tsv")
}

/// Returns the text of that file for what was measured. Remarks stay, and so does the text of a case that was not measured.
pub(crate) fn text(measured: &[Outcomes]) -> String {
    let (uwsgi, gunicorn) = measured.split_at(2);
    let mut text = String::new();
    for case in all() {
        let programs = [
            ("uWSGI", case.uwsgi(), in_groups(case.name, &Kind::ALL[..2], uwsgi)),
            ("gunicorn", case.gunicorn(), in_groups(case.name, &Kind::ALL[2..], gunicorn)),
        ];
        for (program, old, new) in programs {
            let remark = old.split_once(REMARK).map_or(String::new(), |(_, remark)| format!("{REMARK}{remark}"));
            let outcome = new.map_or(old.to_owned(), |new| new + &remark);
            if outcome != NOT_TRIED {
                writeln!(text, "{}\t{program}\t{outcome}", case.name).expect("a String");
            }
        }
    }
    text
}

/// Returns the outcome of the first kind, then the outcomes that differ from it with the names of their kinds; `None` if a kind
/// was not measured.
fn in_groups(name: &str, kinds: &[Kind], measured: &[Outcomes]) -> Option<String> {
    let mut groups: Vec<(Vec<&str>, &str)> = Vec::new();
    for (kind, outcomes) in kinds.iter().zip(measured) {
        let outcome = outcomes.get(name)?;
        match groups.iter_mut().find(|(_, other)| other == outcome) {
            Some((names, _)) => names.push(kind.label()),
            None => groups.push((vec![kind.label()], outcome)),
        }
    }
    let (first, others) = groups.split_first()?;
    let others = others.iter().map(|(names, outcome)| format!(" | {}: {outcome}", names.join(", ")));
    Some(first.1.to_owned() + &others.collect::<String>())
}
