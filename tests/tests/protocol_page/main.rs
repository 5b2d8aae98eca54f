//! `docs/protocol.md`: every example on it is run, and every table that says what this project does is held to it.

mod examples;
mod messages;
mod packets;
mod page;
mod rules;

use page::{Page, Row, Table};

/// A table by its header, how many rows it has at least, and how they are checked.
type Kind = (&'static str, usize, fn(&[Row]));

const KINDS: &[Kind] = &[
    ("bytes | what | uWSGI | gunicorn | decodes to", 7, packets::well_formed),
    ("bytes | what is wrong | uWSGI | gunicorn | here", 14, packets::malformed),
    ("front end | capture | SCRIPT_NAME | PATH_INFO", 6, packets::paths),
    ("sent | is | answered | is | source", 39, packets::calls),
    ("bytes | modifier1 | datasize | is", 12, packets::foreign),
    ("modifier1 | name | standing | payload | what", 49, packets::modifiers),
    ("vars | uWSGI | gunicorn | here", 11, rules::schemes),
    ("client sent | nginx | Apache | lighttpd | uWSGI's router | here", 6, rules::header_names),
    ("vars | of several", 6, rules::repeated),
    ("CONTENT_LENGTH | HTTP_TRANSFER_ENCODING | the body | after the answer", 13, rules::framing),
    ("value | uWSGI | gunicorn | here", 15, rules::lengths),
    ("chunked body | here", 9, rules::chunked),
    ("head | nginx 1.31.5 | Apache | lighttpd | here", 23, rules::heads),
    ("row | input | answer", 25, rules::verdicts),
    ("setting | default | meaning", 12, rules::settings),
    ("var | what uWSGI does with it", 8, rules::control_vars),
];

/// Words in a header that only a table has which is checked.
const CHECKED: [&str; 4] = ["bytes", "here", "sent", "capture"];

#[test]
fn every_example_is_what_it_says() {
    let ran = examples::check(&Page::read().fences);
    assert!(ran >= 7, "{ran} examples");
}

#[test]
fn every_table_says_what_is_so() {
    let page = Page::read();
    let mut ran = 0;
    for (header, least, check) in KINDS {
        let tables: Vec<&Table> = page.tables.iter().filter(|table| table.header == *header).collect();
        assert!(!tables.is_empty(), "no table | {header} |");
        let rows: Vec<Row> = tables.iter().flat_map(|table| table.rows.clone()).collect();
        assert!(rows.len() >= *least, "{} rows under | {header} |", rows.len());
        check(&rows);
        ran += rows.len();
    }
    assert!(ran >= 235, "{ran} rows");
}

#[test]
fn every_kind_of_packet_is_there() {
    packets::nothing_is_left_out(&Page::read());
}

#[test]
fn no_table_escapes() {
    for table in Page::read().tables {
        let checked = KINDS.iter().any(|(header, _, _)| table.header == *header);
        // The servers side by side say what ours do, in words.
        let words = table.header.starts_with(" | ");
        let looks = table.header.split(" | ").any(|cell| CHECKED.contains(&cell));
        assert!(checked || words || !looks, "line {}: nothing checks | {} |", table.line, table.header);
    }
}

#[test]
fn the_page_stays_one() {
    let page = Page::read();
    let lines = page.text.lines().count();
    assert!((500..=1000).contains(&lines), "{lines} lines");
    let sections: Vec<_> = page.text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    for (number, section) in (1..).zip(&sections) {
        assert!(section.starts_with(&format!("{number}. ")), "{section}");
    }
    assert_eq!(sections.len(), 13);
    // A reference to a section is one to a section that is there, if it is none of an RFC.
    let words: Vec<&str> = page.text.split_whitespace().collect();
    let mut references = 0;
    for place in 2..words.len() - 1 {
        if words[place].trim_start_matches('(') != "section" || words[place - 2].trim_start_matches('(') == "RFC" {
            continue;
        }
        let number = words[place + 1].trim_end_matches(|c: char| !c.is_ascii_digit());
        let number: usize = number.parse().unwrap_or_else(|_| panic!("section {}", words[place + 1]));
        assert!((1..=sections.len()).contains(&number), "there is no section {number}");
        references += 1;
    }
    assert!(references >= 15, "{references} references");
}
