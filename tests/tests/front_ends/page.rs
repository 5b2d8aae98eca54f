//! `docs/front-ends.md` says the same of front ends as the tables of these tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::connections::{Cut, ROWS};
use super::deviations::DEVIATIONS;
use super::early::ECHOES;

/// Returns the text of the page.
pub fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/front-ends.md");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the rows of the table with this header.
fn table(header: &str) -> Vec<Vec<String>> {
    let page = page();
    let mut lines = page.lines().skip_while(|line| *line != header).skip(2).take_while(|line| line.starts_with('|'));
    let rows =
        lines.by_ref().map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect());
    rows.collect()
}

/// Returns the texts between backticks.
fn code(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_deviation_is_on_the_page() {
    const FAMILIES: [&str; 4] = ["nginx", "apache", "lighttpd", "uwsgi-http"];
    let mut deviations = BTreeMap::<&str, BTreeSet<&str>>::new();
    for row in DEVIATIONS {
        let families = FAMILIES.iter().filter(|family| row.front_ends.iter().any(|name| name.starts_with(*family)));
        let families: Vec<&str> = families.copied().collect();
        for case in row.cases.iter().filter(|_| !families.is_empty()) {
            deviations.entry(case).or_default().extend(&families);
        }
    }
    let rows = table("| sent by the client | nginx | Apache | lighttpd | uWSGI's router |");
    for row in &rows {
        let case = code(&row[0]).next().unwrap_or_else(|| panic!("no case: {row:?}"));
        let there: BTreeSet<&str> =
            FAMILIES.into_iter().zip(&row[1..]).filter(|(_, cell)| *cell != "-").map(|(family, _)| family).collect();
        assert_eq!(Some(there), deviations.remove(case), "{case}");
    }
    assert!(deviations.is_empty(), "not on the page: {deviations:?}");
}

#[test]
fn every_connection_is_on_the_page() {
    let rows = table(
        "| configuration | keeps the client's connection | `Expect: 100-continue` | upgrades | an answer larger than the \
         buffers while the upload goes on | an answer shorter than its length | an answer without a length that breaks \
         off |",
    );
    let shown = rows.iter().flat_map(|row| code(&row[0]).map(|name| (name.to_owned(), row[1..].to_vec())));
    let mut shown: BTreeMap<String, Vec<String>> = shown.collect();
    for row in ROWS {
        let yes = |yes: bool| if yes { "yes" } else { "no" };
        let echo = ECHOES.iter().find(|(name, ..)| *name == row.front_end).expect("an echo").1;
        let cut = match row.cut {
            Cut::Closes => "closes",
            Cut::Waits => "waits",
            Cut::Races => "closes, or waits",
        };
        let seen = match row.sees_cut_without_length {
            Some(true) => "seen",
            Some(false) => "not seen",
            None => "a race",
        };
        let cells = [yes(row.keeps), yes(row.continues), yes(row.upgrades), yes(echo), cut, seen].map(str::to_owned);
        assert_eq!(shown.remove(row.front_end).as_deref(), Some(&cells[..]), "{}", row.front_end);
    }
    assert!(shown.is_empty(), "{shown:?}");
}
