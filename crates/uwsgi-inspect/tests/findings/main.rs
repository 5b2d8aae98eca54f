//! Every finding: requests that have it, and similar requests that do not.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has found something"
)]

extern crate alloc;

mod body;
mod client_address;
mod headers;
mod host;
mod missing_vars;
mod packet;
mod path;
mod repeated_vars;
mod suggested_lines;

use alloc::collections::BTreeSet;

use uwsgi::framing::RequestFraming;
use uwsgi::{Header, Modifier1, Packet, Request, VarsEncoder};
use uwsgi_inspect::{Body, Finding, Found, FrontEnd, Report};

/// What nginx sends for `GET /hello?x=1` with a uwsgi_params that causes no finding.
const PERFECT: &[(&str, &str)] = &[
    ("QUERY_STRING", "x=1"),
    ("REQUEST_METHOD", "GET"),
    ("REQUEST_URI", "/hello?x=1"),
    ("PATH_INFO", "/hello"),
    ("DOCUMENT_ROOT", "/var/www/html"),
    ("SERVER_PROTOCOL", "HTTP/1.1"),
    ("REQUEST_SCHEME", "http"),
    ("REMOTE_ADDR", "192.0.2.7"),
    ("REMOTE_PORT", "50362"),
    ("SERVER_PORT", "8080"),
    ("SERVER_NAME", "example.com"),
    ("HTTP_HOST", "example.com:8080"),
    ("HTTP_USER_AGENT", "curl/8"),
    ("HTTP_ACCEPT", "*/*"),
];

/// A difference from that request.
#[derive(Clone, Copy)]
pub(crate) enum Change {
    /// The var is missing.
    Without(&'static str),
    /// The var comes once, with this value.
    With(&'static str, &'static str),
    /// The var comes once more, with this value.
    Also(&'static str, &'static str),
    /// One more var makes the block of vars this many bytes long.
    Block(usize),
    /// More vars come, this many in all.
    Vars(usize),
    Modifier1(u8),
    Modifier2(u8),
    /// The framing of the body, and how many bytes of it came.
    Came(RequestFraming, u64),
}
use Change::{Also, Block, Came, Modifier2, Vars, With, Without};

/// A request, as its differences.
pub(crate) type Case = &'static [Change];

/// A finding, the requests that have it, and those that do not.
pub(crate) struct Row(pub(crate) &'static str, pub(crate) &'static [Case], pub(crate) &'static [Case]);

pub(crate) const NO_PARAMS: [Change; 3] = [Without("REQUEST_METHOD"), Without("REQUEST_URI"), Without("PATH_INFO")];

/// Returns every row.
fn table() -> impl Iterator<Item = &'static Row> {
    [
        missing_vars::TABLE,
        path::TABLE,
        host::TABLE,
        client_address::TABLE,
        headers::TABLE,
        repeated_vars::TABLE,
        body::TABLE,
        packet::TABLE,
    ]
    .into_iter()
    .flatten()
}

/// Returns the findings about a request.
pub(crate) fn findings(case: Case) -> Vec<Found> {
    let mut vars: Vec<(String, String)> =
        PERFECT.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let (mut modifier1, mut modifier2) = (0, 0);
    let mut body = Body::NONE;
    for change in case {
        match *change {
            Without(key) => vars.retain(|(other, _)| other != key),
            With(key, value) => {
                vars.retain(|(other, _)| other != key);
                vars.push((key.to_owned(), value.to_owned()));
            }
            Also(key, value) => vars.push((key.to_owned(), value.to_owned())),
            Block(length) => {
                vars.push(("X_LONG".to_owned(), String::new()));
                let missing = length - uwsgi::encoded_len(vars.iter().map(|(key, value)| (key, value))) + Header::LEN;
                vars.last_mut().unwrap().1 = "x".repeat(missing);
            }
            Vars(count) => vars.extend((vars.len()..count).map(|n| (format!("X{n}"), String::new()))),
            Change::Modifier1(number) => modifier1 = number,
            Modifier2(number) => modifier2 = number,
            Came(framing, length) => body = Body::new(framing, length, [0; 32]),
        }
    }
    let mut buffer = Vec::new();
    let mut encoder = VarsEncoder::new(&mut buffer);
    for (key, value) in &vars {
        encoder.push_raw(key, value).unwrap();
    }
    let bytes = encoder.finish(Modifier1(modifier1), modifier2).unwrap();
    let (packet, _) = Packet::decode(bytes).unwrap();
    let report = Report::new(Request::decode(&packet).unwrap(), body);
    report.findings().to_vec()
}

fn ids(case: Case) -> Vec<&'static str> {
    findings(case).iter().map(Found::id).collect()
}

#[test]
fn a_perfect_request_has_no_findings() {
    assert_eq!(ids(&[]), [""; 0]);
}

#[test]
fn requests_have_their_findings_and_similar_requests_do_not() {
    for Row(id, with, without) in table() {
        for (index, case) in with.iter().enumerate() {
            assert!(ids(case).contains(id), "{id}, case {index}: not found, but {:?}", ids(case));
        }
        for (index, case) in without.iter().enumerate() {
            assert!(!ids(case).contains(id), "{id}, counter-case {index}: found");
        }
    }
}

#[test]
fn every_finding_has_a_row_with_both_kinds_of_requests() {
    let rows: BTreeSet<_> = table().map(|Row(id, ..)| *id).collect();
    let all: BTreeSet<_> = Finding::all().map(Finding::id).collect();
    assert_eq!(rows, all);
    assert_eq!(table().count(), all.len(), "two rows for one finding");
    for Row(id, with, without) in table() {
        assert!(!with.is_empty() && !without.is_empty(), "{id}");
    }
}

#[test]
fn texts_are_whole_sentences_without_placeholders() {
    for Row(id, with, _) in table() {
        for case in *with {
            let all = findings(case);
            let found = all.iter().find(|found| found.id() == *id).unwrap();
            let text = found.text();
            assert!(text.ends_with('.') && text.len() > 40, "{id}: {text}");
            assert!(!text.contains("{0}") && !text.contains("{1}") && !text.contains("  "), "{id}: {text}");
            assert!(!text.starts_with([' ', '.', ':']), "{id}: {text}");
            let lines = found.change().flat_map(|(front_end, lines)| lines.lines().map(move |line| (front_end, line)));
            for (front_end, line) in lines {
                assert!(!line.contains("{0}") && !line.contains("{1}"), "{id}: {line}");
                let ends = match front_end {
                    FrontEnd::Nginx => line.ends_with([';', '}']) || line.contains("; # "),
                    _ => !line.ends_with(';'),
                };
                assert!(ends && line.trim() == line, "{id}: {line}");
            }
            // nginx comes first.
            let nginx = found.change().position(|(front_end, _)| front_end == FrontEnd::Nginx);
            assert!(matches!(nginx, None | Some(0)), "{id}: {found:?}");
        }
    }
}

#[test]
fn the_most_severe_findings_come_first() {
    let case: Case = &[With("HTTP_PROXY", "x"), With("CONTENT_LENGTH", ""), With("REMOTE_USER", ""), Modifier2(1)];
    assert_eq!(ids(case), ["httpoxy", "content-vars-empty", "remote-user-empty", "modifier2"]);
}

/// A line can remove the finding and still do harm. So no line overwrites what only the client knows, or what a proxy before
/// the front end sends, unless the finding says that the client wrote it.
#[test]
fn no_line_overwrites_what_only_the_client_knows() {
    for Row(id, with, _) in table() {
        for found in with.iter().flat_map(|case| findings(case)).filter(|found| found.id() == *id) {
            let lines = found.change().flat_map(|(_, lines)| lines.lines());
            for (name, value) in lines.filter_map(|line| line.strip_prefix("uwsgi_param ")?.split_once(' ')) {
                let is_right = match name {
                    "REQUEST_URI" => value == "$request_uri;",
                    "REQUEST_METHOD" => value == "$request_method;",
                    "QUERY_STRING" => value == "$query_string;",
                    "HTTP_HOST" => value.starts_with("$host"),
                    _ if name.starts_with("HTTP_X_FORWARDED") => {
                        id.ends_with("-from-client") || *id == "header-without-prefix"
                    }
                    _ => true,
                };
                assert!(is_right, "{id}: {name} {value}");
            }
        }
    }
}

/// Users copy lines into a configuration, so a line must not contain bytes from outside unchanged.
#[test]
fn lines_contain_nothing_from_outside() {
    let evil = "/x;} http { include /etc/passwd; \"'$host\n";
    let keys: &[&str] = &["HTTP_TE;}", "HTTP_REMOTE_USER", "HTTP_UWSGI_;} evil {", "HTTP_X;} evil {"];
    let mut cases: Vec<Vec<(&str, &str)>> =
        vec![vec![("SCRIPT_NAME", evil), ("PATH_INFO", evil), ("REQUEST_URI", evil)]];
    cases.extend(keys.iter().map(|key| vec![(*key, evil), (*key, evil)]));
    cases.extend(PERFECT.iter().map(|(key, _)| vec![(*key, evil)]));
    cases.extend(
        ["", "a.example", "a.example:9"].map(|host| vec![("HTTP_HOST", host), ("SERVER_SOFTWARE", "nginx/1.31.5")]),
    );
    for case in cases {
        let mut buffer = Vec::new();
        let mut encoder = VarsEncoder::new(&mut buffer);
        for (key, value) in PERFECT.iter().filter(|(key, _)| case.iter().all(|(other, _)| other != key)).chain(&case) {
            encoder.push_raw(key, value).unwrap();
        }
        let (packet, _) = Packet::decode(encoder.finish(Modifier1::WSGI, 0).unwrap()).unwrap();
        let report = Report::new(Request::decode(&packet).unwrap(), Body::NONE);
        for found in report.findings() {
            for (_, line) in found.change() {
                assert!(!line.contains("evil") && !line.contains("passwd"), "{}: {line}", found.id());
                assert!(!line.contains("$http_host") && !line.contains("$request_port"), "{}: {line}", found.id());
            }
        }
    }
}
