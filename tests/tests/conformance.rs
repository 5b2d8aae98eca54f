//! Plays every case of the conformance crate with the machines of `uwsgi::server`: whole, split, and byte by byte.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use uwsgi_conformance::machine::Machine;
use uwsgi_conformance::{Case, Row, Split, all, play};

/// Returns where a case is split: a small one at every byte, others at each of the first 300 and the last 100 bytes,
/// and at 64 places between.
fn places(len: usize) -> Vec<usize> {
    if len <= 600 {
        return (1..len).collect();
    }
    let between = (1..=64).map(|part| 300 + part * (len - 400) / 65);
    (1..=300).chain(between).chain(len - 100..len).collect()
}

/// Plays cases on two threads. The message names every case that fails, with the first split that made it fail.
fn each(splits: impl Fn(&Case) -> Vec<Split> + Sync) {
    let cases: Vec<&Case> = all().collect();
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Some(mismatch) = splits(case).into_iter().find_map(|split| play(case, &Machine, split).err()) {
                failed.lock().unwrap().push(mismatch.to_string());
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} cases failed\n\n{}", failed.len(), failed.join("\n\n"));
}

#[test]
fn every_case_holds_in_one_piece() {
    each(|_| vec![Split::Whole]);
}

#[test]
fn every_case_holds_when_split_anywhere() {
    each(|case| places(case.len()).into_iter().map(Split::At).collect());
}

#[test]
fn every_case_holds_byte_by_byte() {
    each(|_| vec![Split::ByteByByte]);
}

#[test]
fn every_row_has_three_cases() {
    let mut names = HashSet::new();
    let mut counts = [0; Row::ALL.len()];
    for case in all() {
        assert!(names.insert(case.name), "two cases are called {}", case.name);
        assert!(case.name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{}", case.name);
        for text in [case.about, case.why, case.uwsgi(), case.gunicorn(), case.source] {
            assert!(!text.is_empty(), "{} lacks a text", case.name);
        }
        counts[Row::ALL.iter().position(|row| *row == case.row).unwrap()] += 1;
    }
    assert!(names.len() >= 200, "{}", names.len());
    for (row, count) in Row::ALL.iter().zip(counts) {
        println!("{count:4} {row:?}");
        assert!(count >= 3, "{row:?} has only {count} cases");
    }
}

/// The README says how many cases there are.
#[test]
fn the_readme_counts_the_cases() {
    let cases = format!("{} cases, and what uWSGI", uwsgi_conformance::all().count());
    assert!(include_str!("../../README.md").contains(&cases), "not in the README: {cases}");
}
