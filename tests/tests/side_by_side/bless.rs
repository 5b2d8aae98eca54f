//! What the cases say about other people's servers: held against what was measured, or written anew.

use std::fs;
use std::path::Path;

use uwsgi_conformance::{Case, all};

use crate::Words;
use crate::server::Kind;

/// What uWSGI does: the version of PyPI, and Debian's where that differs.
pub(crate) fn uwsgi(name: &str, measured: &[Words]) -> Option<String> {
    side(name, &Kind::ALL[..2], &measured[..2])
}

/// What gunicorn's workers do: sync, and the others where they differ.
pub(crate) fn gunicorn(name: &str, measured: &[Words]) -> Option<String> {
    side(name, &Kind::ALL[2..], &measured[2..])
}

/// What a case says that a kind of server does; where time and chance decide, one or the other.
pub(crate) fn says(case: &'static Case, kind: Kind) -> &'static str {
    let text = if kind.is_uwsgi() { case.uwsgi } else { case.gunicorn };
    let mut parts = text.split_once("; ").map_or(text, |(words, _)| words).split(" | ");
    let first = parts.next().unwrap_or_default();
    let mut others = parts.filter_map(|part| part.split_once(": "));
    let named = others.find(|(names, _)| names.split(", ").any(|name| name == kind.label()));
    named.map_or(first, |(_, words)| words)
}

/// Whether that is what was measured.
pub(crate) fn is_said(case: &'static Case, kind: Kind, measured: &str) -> bool {
    says(case, kind).split(OR).any(|words| words == measured)
}

/// Between two things of which a server does the one or the other.
pub(crate) const OR: &str = " or ";

/// The words of the first, then of those that differ.
fn side(name: &str, kinds: &[Kind], measured: &[Words]) -> Option<String> {
    let mut groups: Vec<(Vec<&str>, &str)> = Vec::new();
    for (kind, words) in kinds.iter().zip(measured) {
        let words = words.get(name)?;
        match groups.iter_mut().find(|(_, other)| other == words) {
            Some((names, _)) => names.push(kind.label()),
            None => groups.push((vec![kind.label()], words)),
        }
    }
    let (first, others) = groups.split_first()?;
    let others = others.iter().map(|(names, words)| format!(" | {}: {words}", names.join(", ")));
    Some(first.1.to_owned() + &others.collect::<String>())
}

/// What a case says that was not measured so.
pub(crate) fn differs(case: &'static Case, measured: &[Words]) -> Vec<String> {
    let wrong = Kind::ALL.into_iter().zip(measured).filter_map(|(kind, words)| {
        let did = words.get(case.name)?;
        let who = format!("{} ({})", kind.version(), kind.label());
        (!is_said(case, kind, did))
            .then(|| format!("{}: {who} does: {did}; the case says: {}", case.name, says(case, kind)))
    });
    wrong.collect()
}

/// Writes what was measured into the sources of the cases.
pub(crate) fn cases(measured: &[Words]) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/uwsgi-conformance/src/cases");
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let mut text = fs::read_to_string(&path).unwrap();
        for case in all() {
            let says = [
                ("uwsgi", case.uwsgi, uwsgi(case.name, measured)),
                ("gunicorn", case.gunicorn, gunicorn(case.name, measured)),
            ];
            for (field, old, new) in says {
                let Some(new) = new else { continue };
                let remark = old.split_once("; ").map_or(String::new(), |(_, remark)| format!("; {remark}"));
                text = with_field(&text, case.name, field, &(new + &remark));
            }
        }
        fs::write(path, text).unwrap();
    }
}

/// The source with another text in a field of a case.
fn with_field(text: &str, name: &str, field: &str, value: &str) -> String {
    let Some(case) = text.find(&format!("name: \"{name}\"")) else { return text.to_owned() };
    let key = format!("\n        {field}: ");
    let Some(from) = text[case..].find(&key).map(|at| case + at + key.len()) else { return text.to_owned() };
    let to = text[from..].find(",\n        ").map_or(text.len(), |at| from + at);
    format!("{}{}{}", &text[..from], literal(field.len() + 10, value), &text[to..])
}

/// A string literal that begins in this column, in lines of 120 columns at most.
fn literal(mut column: usize, value: &str) -> String {
    let mut text = String::new();
    for word in format!("{value:?}").split_inclusive(' ') {
        if column + word.chars().count() > 118 {
            text.push_str("\\\n            ");
            column = 12;
        }
        text.push_str(word);
        column += word.chars().count();
    }
    text
}
