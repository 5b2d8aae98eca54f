//! Compares what the application saw and what the client got with what a case expects.

use std::io::{self, ErrorKind};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use uwsgi_tests::http1::{Answer, End};

use super::case::{Case, Expect, Gets, Sees, filling};

/// What the application says about its request.
#[derive(Debug, Deserialize)]
pub struct Report {
    pub vars: Vec<(String, String)>,
    pub body: Seen,
}

#[derive(Debug, Deserialize)]
pub struct Seen {
    pub length: u64,
    pub sha256: String,
}

impl Report {
    /// Returns the report in an answer.
    pub fn of(answer: &Answer) -> Result<Self, String> {
        let text = String::from_utf8_lossy(&answer.body);
        serde_json::from_slice(&answer.body)
            .map_err(|error| format!("no report ({error}) in {} {text}", answer.head.status))
    }

    /// Returns the values of all vars of this key, joined.
    pub fn var(&self, key: &str) -> Option<String> {
        let values: Vec<&str> = self.vars.iter().filter(|(other, _)| other == key).map(|(_, value)| &**value).collect();
        let between = if key == "HTTP_COOKIE" { "; " } else { ", " };
        (!values.is_empty()).then(|| values.join(between))
    }
}

/// Checks an answer. The error says what is not as expected.
pub fn check(case: &Case, expect: &Expect, got: &io::Result<Answer>) -> Result<(), String> {
    let answer = match got {
        Ok(answer) => answer,
        Err(error) => {
            let nothing = matches!(expect.gets, [Gets::Nothing]);
            let closed = matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset);
            return if nothing && closed { Ok(()) } else { Err(format!("no answer: {error}")) };
        }
    };
    for wanted in expect.gets {
        gets(case, wanted, answer)?;
    }
    if !expect.sees.is_empty() {
        let report = Report::of(answer)?;
        for wanted in expect.sees {
            sees(wanted, &report)?;
        }
    }
    Ok(())
}

fn gets(case: &Case, wanted: &Gets, answer: &Answer) -> Result<(), String> {
    let ended = |answer: &Answer| matches!(answer.end, End::Whole | End::Closed);
    let same = match *wanted {
        Gets::Status(status) => answer.head.status == status,
        Gets::Headers(name, values) => answer.head.all(name).eq(values.iter().copied()),
        Gets::Echo => answer.head.status == 200 && ended(answer) && answer.body == filling(case.body.len()),
        Gets::Bytes(len) => ended(answer) && answer.body.len() == len && is_counted(&answer.body),
        Gets::NoBody => ended(answer) && answer.body.is_empty(),
        Gets::Cut => matches!(answer.end, End::Cut(_)),
        Gets::Nothing => false,
    };
    if same {
        return Ok(());
    }
    let start = String::from_utf8_lossy(answer.body.get(..200).unwrap_or(&answer.body));
    let (head, end, len) = (&answer.head, &answer.end, answer.body.len());
    Err(format!("expected {wanted:?}, got {head:?} {end:?}, {len} bytes: {start}"))
}

/// Returns whether bytes count from 0 to 255 and start again.
pub fn is_counted(bytes: &[u8]) -> bool {
    bytes.iter().copied().eq((0..=255).cycle().take(bytes.len()))
}

fn sees(wanted: &Sees, report: &Report) -> Result<(), String> {
    let is_filling = |len: usize| {
        let sha256: String = Sha256::digest(filling(len)).iter().map(|byte| format!("{byte:02x}")).collect();
        report.body.length == len as u64 && (len == 0 || report.body.sha256 == sha256)
    };
    let (same, seen) = match *wanted {
        Sees::Var(key, value) => (report.var(key).as_deref() == Some(value), format!("{:?}", report.var(key))),
        Sees::No(key) => (report.var(key).is_none_or(|value| value.is_empty()), format!("{:?}", report.var(key))),
        Sees::Body(len) => (is_filling(len), format!("{:?}", report.body)),
        Sees::Other(key, value) => {
            (report.var(key).is_some_and(|other| other != value), format!("{:?}", report.var(key)))
        }
    };
    if same { Ok(()) } else { Err(format!("expected {wanted:?}, the application saw {seen}")) }
}
