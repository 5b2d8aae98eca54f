//! `docs/protocol.md`: every example on the page is run, and every table about this project is checked against the
//! code.

mod examples;
mod forms;
mod messages;
mod packets;
mod page;
mod rules;

use page::{Page, Row, Table};

/// A table by its header, the least number of its rows, and the function that checks them.
type Kind = (&'static str, usize, fn(&[Row]));

const KINDS: &[Kind] = &[
    ("bytes | what | uWSGI | gunicorn | decodes to", 7, packets::well_formed),
    ("bytes | what is wrong | uWSGI | gunicorn | error", 14, packets::malformed),
    ("error | offset of | means", 5, packets::errors),
    ("front end | capture | SCRIPT_NAME | PATH_INFO", 6, packets::paths),
    ("sent | is | answered | is | source", 38, packets::calls),
    ("bytes | modifier1 | datasize | is", 12, packets::foreign),
    ("modifier1 | modifier2 | name | standing | a client sends | a server sends | after it | what", 62, forms::check),
    ("vars | uWSGI | gunicorn | rule", 11, rules::schemes),
    ("client sent | nginx | Apache | lighttpd | uWSGI's router | a gateway writes", 6, rules::header_names),
    ("vars | path | mount | why", 12, rules::paths),
    ("checked var | CR | LF | NUL | more", 6, rules::checked_bytes),
    ("vars | of several", 6, rules::repeated),
    ("CONTENT_LENGTH | HTTP_TRANSFER_ENCODING | the body | after the answer", 13, rules::framing),
    ("value | uWSGI | gunicorn | rule", 15, rules::lengths),
    ("chunked body | result", 9, rules::chunked),
    ("head | nginx 1.31.5 | Apache | lighttpd | rule", 23, rules::heads),
    ("head | rule", 9, rules::heads),
    ("row | input | answer", 25, rules::verdicts),
    ("setting | default | meaning", 12, rules::settings),
    ("var | what uWSGI does with it", 8, rules::control_vars),
];

/// Words that stand only in the headers of checked tables.
const CHECKED: [&str; 6] = ["bytes", "error", "sent", "capture", "result", "a gateway writes"];

#[test]
fn every_example_decodes_to_its_claim() {
    let ran = examples::check(&Page::read().fences);
    assert!(ran >= 7, "{ran} examples");
}

#[test]
fn every_table_agrees_with_the_code() {
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
fn every_kind_of_packet_is_on_the_page() {
    packets::nothing_is_left_out(&Page::read());
}

#[test]
fn every_table_is_checked() {
    for table in Page::read().tables {
        let checked = KINDS.iter().any(|(header, _, _)| table.header == *header);
        // The side-by-side tests check tables that describe our servers in words.
        let words = table.header.starts_with(" | ");
        let looks = table.header.split(" | ").any(|cell| CHECKED.contains(&cell));
        assert!(checked || words || !looks, "line {}: no test checks | {} |", table.line, table.header);
    }
}

#[test]
fn the_page_keeps_its_size_and_its_sections() {
    let page = Page::read();
    let lines = page.text.lines().count();
    assert!((500..=1450).contains(&lines), "{lines} lines");
    let sections: Vec<_> = page.text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(sections.first(), Some(&"Contents"));
    for (number, section) in (1..).zip(&sections[1..]) {
        assert!(section.starts_with(&format!("{number}. ")), "{section}");
        assert!(page.text.contains(&format!("\n{number}. [")), "the contents have no line for {section}");
    }
    assert_eq!(sections.len(), 14);
}

#[test]
fn every_link_leads_to_a_heading() {
    let page = Page::read();
    let headings = page.anchors();
    let mut links = 0;
    for link in page.text.split("](#").skip(1) {
        let anchor = link.split(')').next().unwrap_or_default();
        assert!(headings.contains(anchor), "there is no heading for #{anchor}");
        links += 1;
    }
    assert!(links >= 60, "{links} links");
    // Each line of a checklist has a link.
    let steps: Vec<&str> = page.text.lines().filter(|line| line.starts_with("- [ ] ")).collect();
    assert!(steps.len() >= 30, "{} lines", steps.len());
    for step in steps {
        assert!(step.contains("](#"), "without a link: {step}");
    }
}
