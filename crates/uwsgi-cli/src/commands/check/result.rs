//! The result of a check, and the texts about it that the table and the JSON share.

use uwsgi_conformance::{Danger, Finding, Played, Results};

/// The result of a check.
#[derive(Debug)]
pub(super) struct CheckResult<'a> {
    pub(super) to: &'a str,
    pub(super) results: &'a Results<'static>,
}

/// The numbers of cases by finding.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub(super) struct Counts {
    pub(super) all: usize,
    pub(super) good: usize,
    pub(super) differs: usize,
    pub(super) danger: usize,
    pub(super) unknown: usize,
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

/// Returns what the server did, in a few words.
pub(super) fn does(played: &Played<'_>) -> String {
    match played.finding {
        Finding::Danger(Danger::Died) => "died".to_owned(),
        _ => played.outcome.in_words(played.case),
    }
}

/// Returns the measured part of a text about a server, without the notes after it.
pub(super) fn measured(text: &str) -> &str {
    text.split_once("; ").map_or(text, |(measured, _)| measured)
}
