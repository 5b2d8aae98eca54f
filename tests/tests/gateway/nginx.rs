//! What nginx does with the rows.
//!
//! `UWSGI_BLESS=1` writes what nginx does to the files of the rows. Without the variable, the test compares it with what they say.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use uwsgi_tests::programs::{Listen, Port, Program, Snippet, TestDir, nginx};

use super::backend::Backend;
use super::client::{Pieces, Seen, play};
use super::outcome::Outcome;
use super::row::{self, FILES, Row};
use super::together::for_each;

/// The longest pause in which nginx still does something about a row: its timeouts of 1 second in the configuration below.
const QUIET: Duration = Duration::from_millis(1800);

/// How long nginx may take for the last answer or the close of a row.
const MOST: Duration = Duration::from_secs(10);

/// How many rows run at a time. Most of them wait, if nothing is expected of nginx.
const AT_ONCE: usize = 32;

/// Limits bodies as the gateway of the tests does, and does not wait long.
const SITE: &str = "
server {
    listen 127.0.0.1:PORT;
    client_max_body_size 100000;
    client_header_timeout 1s;
    client_body_timeout 1s;
    lingering_timeout 1s;
    location / {
        include uwsgi_params;
        uwsgi_pass unix:SOCKET;
    }
}
";

#[test]
fn nginx_does_what_the_rows_say() {
    let test_dir = TestDir::new();
    let backend = Backend::start(test_dir.path("backend.sock"));
    let port = Port::free();
    let _nginx = start(&test_dir, &backend, &port);
    let rows = row::all();
    let play = |row: &Row, expected: Option<&Outcome>, most| {
        words(row, &play(port.address(), &backend, row, Pieces::Whole, expected, most))
    };
    if std::env::var_os("UWSGI_BLESS").is_some() {
        let done = for_each(AT_ONCE, &rows, |row| play(row, None, QUIET));
        return bless(&rows.iter().map(|row| &*row.name).zip(done).collect());
    }
    let wrong = for_each(AT_ONCE, &rows, |row| {
        let words = row.nginx.split(',').next().unwrap_or_default();
        let outcome = Outcome::parse(words).unwrap_or_else(|error| panic!("{}: {error}", row.name));
        let done = play(row, Some(&outcome), MOST);
        (row.nginx != done).then(|| format!("{}: {done}; recorded: {}", row.name, row.nginx))
    });
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn start<'s>(test_dir: &'s TestDir, backend: &Backend, port: &Port) -> Program<'s> {
    let site = Snippet::of("rows", SITE.to_owned())
        .with("PORT", port.number().to_string())
        .with("SOCKET", backend.socket().display().to_string());
    nginx(test_dir, "nginx", &site, &[&Listen::Tcp(port.clone())])
}

/// Returns the words of the line `nginx`.
fn words(row: &Row, seen: &Seen) -> String {
    assert!(seen.faults.is_empty(), "{}: {:?}", row.name, seen.faults);
    if seen.requests.is_empty() {
        return seen.outcome.to_string();
    }
    let lengths = seen.requests.iter().map(|request| {
        assert!(request.is_whole, "{}: nginx reads bodies before it asks a backend", row.name);
        format!(" {}", request.body.len())
    });
    format!("{}, bodies{}", seen.outcome, lengths.collect::<String>())
}

/// Writes the lines `nginx` of all files again: what nginx does with the row of each name.
fn bless(done: &BTreeMap<&str, String>) {
    for (file, text) in FILES {
        let mut name = "";
        let lines = text.lines().map(|line| match line.split_once(' ') {
            Some(("row", value)) => {
                name = value.trim_start();
                format!("{line}\n")
            }
            Some(("nginx", _)) => format!("nginx {}\n", done[name]),
            _ => format!("{line}\n"),
        });
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gateway/rows").join(file);
        fs::write(path, lines.collect::<String>()).expect("the file of the rows");
    }
}
