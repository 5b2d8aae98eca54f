//! The table of payload forms: every modifier1 and modifier2, in both directions.

use std::collections::BTreeMap;

use uwsgi::{Modifier1, PayloadForm, Standing};

use crate::examples::form;
use crate::page::Row;

/// Checks that every pair of modifiers stands in exactly one row, and that the row is right.
pub fn check(rows: &[Row]) {
    let mut numbers: BTreeMap<u8, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        for part in row.cells[0].split(", ") {
            for number in range(part) {
                numbers.entry(number).or_default().push(row);
            }
        }
    }
    let missing: Vec<u8> = (0..=255).filter(|number| !numbers.contains_key(number)).collect();
    assert!(missing.is_empty(), "not on the page: {missing:?}");
    for (number, rows) in numbers {
        for modifier2 in 0..=255_u8 {
            let named = |row: &&&Row| row.code(1).iter().any(|code| *code == modifier2.to_string());
            let mut of_it: Vec<_> = rows.iter().filter(named).collect();
            if of_it.is_empty() {
                of_it = rows.iter().filter(|row| matches!(&row.cells[1][..], "any" | "other")).collect();
            }
            assert_eq!(of_it.len(), 1, "rows for modifier1 {number} and modifier2 {modifier2}");
            assert!(
                of_it[0].cells[1] != "any" || rows.len() == 1,
                "line {}: `any` stands beside other rows",
                of_it[0].line
            );
            one(of_it[0], Modifier1(number), modifier2);
        }
    }
}

/// Parses a number, or a range such as `12`-`13`.
fn range(part: &str) -> core::ops::RangeInclusive<u8> {
    let mut ends = part.split('-').map(|number| number.trim_matches('`').parse().unwrap());
    let first = ends.next().unwrap();
    first..=ends.next().unwrap_or(first)
}

fn one(row: &Row, modifier1: Modifier1, modifier2: u8) {
    let what = format!("line {}: modifier1 {modifier1}, modifier2 {modifier2}", row.line);
    let name = modifier1.name().map_or("-".to_owned(), |name| format!("`{name}`"));
    assert_eq!(name, row.cells[2], "{what}: the name");
    let standing = modifier1.standing();
    assert_eq!(format!("{standing:?}").to_lowercase(), row.cells[3], "{what}: the standing");
    // No packet, or a packet without a payload, has no form.
    let sent = &row.cells[4][..];
    if !matches!(sent, "none" | "-") {
        assert_eq!(sent, form(modifier1.payload_form(modifier2, 1)), "{what}: what a client sends");
    }
    let answered = row.cells[5].trim_start_matches("none, or ");
    if !matches!(answered, "none" | "-" | "HTTP" | "bytes" | "closes" | "closes, or HTTP" | "packet 255" | "packet 111")
    {
        assert_eq!(answered, form(modifier1.answer_form(modifier2, 1)), "{what}: what a server sends");
    }
    assert_eq!(modifier1.payload_form(modifier2, 0), PayloadForm::None);
    // A packet that some server answers has a body if it is a web request.
    if matches!(standing, Standing::Answered | Standing::Unassigned) {
        assert_eq!(row.cells[6] == "body", modifier1.is_request(modifier2), "{what}: a body");
    }
    assert_eq!(row.cells[6] == "body", row.cells[7].starts_with("web request") || row.cells[7] == "free", "{what}");
}
