//! The inspector's report on every captured request: its findings, and that each format shows everything that arrived.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::Value;
use sha2::{Digest, Sha256};
use uwsgi::framing::RequestFraming;
use uwsgi::{Packet, Request};
use uwsgi_inspect::{Body, Finding, Found, Report};
use uwsgi_tests::vectors::{self, Capture, Form, Framing};

/// The findings that each capture must have. A capture without a line must have none.
///
/// The clients of these captures sent `Host: lab.test` whatever the port, and the front ends do not change that.
const FOUND: &str = include_str!("inspector_findings.txt");

/// Returns what front ends send to an application. Messages, answers and datagrams are left out.
fn requests() -> impl Iterator<Item = Capture> {
    let is_request = |capture: &Capture| {
        !capture.name.starts_with("uwsgi-client/") && !capture.is_answer() && capture.packets[0].payload == Form::Vars
    };
    vectors::packets().into_iter().filter(is_request)
}

fn with_report<T>(capture: &Capture, look: impl FnOnce(&Report<'_>) -> T) -> T {
    let (packet, _) = Packet::decode(&capture.bytes).unwrap();
    let request = Request::decode(&packet).unwrap();
    let body = &capture.packets[0].body;
    let came = &capture.bytes[body.offset..body.offset + body.length];
    let framing = match (body.framing, request.content_length()) {
        (_, Ok(Some(length))) => RequestFraming::Length(length),
        (Framing::Rest, _) if request.header("transfer-encoding").is_some() => RequestFraming::Chunked,
        _ => RequestFraming::None,
    };
    let length = u64::try_from(came.len()).unwrap();
    look(&Report::new(request, Body::new(framing, length, Sha256::digest(came).into())))
}

#[test]
fn every_capture_has_the_findings_of_the_list() {
    let mut expected: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in FOUND.lines().filter(|line| !line.starts_with('#')) {
        let (name, ids) = line.split_once(": ").unwrap_or_else(|| panic!("{line}"));
        assert!(expected.insert(name, ids.split(' ').collect()).is_none(), "{name} twice");
    }
    let (mut differ, mut seen) = (String::new(), BTreeSet::new());
    for capture in requests() {
        let found = with_report(&capture, |report| report.findings().iter().map(Found::id).collect::<Vec<_>>());
        seen.extend(found.iter().copied());
        let expected = expected.remove(&*capture.name).unwrap_or_default();
        if found != expected {
            writeln!(differ, "{}: {}", capture.name, found.join(" ")).unwrap();
        }
    }
    assert!(differ.is_empty(), "unexpected findings:\n{differ}");
    assert!(expected.is_empty(), "no such captures: {expected:?}");
    // This covers more than one kind of finding.
    let all = Finding::all().count();
    assert!(seen.len() * 2 > all, "real captures show {} of {all} findings: {seen:?}", seen.len());
}

#[test]
fn every_format_shows_everything_of_every_capture() {
    for capture in requests() {
        with_report(&capture, |report| {
            let (name, want) = (&capture.name, &capture.packets[0]);
            let document: Value = serde_json::from_str(&report.json().to_string()).unwrap();
            for (field, number) in [
                ("modifier1", usize::from(want.modifier1)),
                ("modifier2", usize::from(want.modifier2)),
                ("datasize", usize::from(want.datasize)),
            ] {
                assert_eq!(document[field], number, "{name}: {field}");
            }
            let latin1 = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect::<String>();
            let vars: Vec<_> =
                want.vars.iter().map(|(key, value)| [latin1(key.as_ref()), latin1(value.as_ref())]).collect();
            assert_eq!(document["vars"], serde_json::to_value(&vars).unwrap(), "{name}");
            assert_eq!(document["body"]["length"], want.body.length, "{name}");
            assert_eq!(document["body"]["sha256"], want.body.sha256, "{name}");
            assert_eq!(document["findings"].as_array().unwrap().len(), report.findings().len(), "{name}");

            let (page, text) = (report.html().to_string(), report.text().to_string());
            assert_eq!(page.matches("<li class=").count(), report.findings().len(), "{name}");
            let bytes = want.end() - want.offset;
            assert!(page.contains(&format!("All {bytes} bytes")), "{name}");
            assert!(text.contains(&format!("bytes ({bytes})")), "{name}");
            // The dump in the text is the packet.
            let dump = text.lines().skip_while(|line| !line.starts_with("bytes (")).skip(1);
            let digits: String = dump.flat_map(|line| line[10..60].chars()).filter(|c| !c.is_whitespace()).collect();
            let packet: String = capture.bytes[..bytes].iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(digits, packet, "{name}");
        });
    }
}
