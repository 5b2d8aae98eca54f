//! Every case of the conformance crate against both our servers, the blocking one and the asynchronous one, over loopback TCP
//! and over Unix sockets, on a real clock.
#![cfg(unix)]

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use uwsgi_conformance::machine::takes;
use uwsgi_conformance::socket::Server;
use uwsgi_conformance::{Case, Split, all, observe, play};
use uwsgi_tests::ours::{Kind, Ours, Way};

/// What is over within this is quick.
const QUICK: Duration = Duration::from_secs(3);

fn is_quick(case: &Case) -> bool {
    takes(case) < QUICK && !is_crowded(case)
}

/// Whether it takes more descriptors than a process may have everywhere.
fn is_crowded(case: &Case) -> bool {
    case.needs.connections > 100
}

/// A case of which a server makes something else than its verdict says.
struct Otherwise {
    kind: Kind,
    case: &'static str,
    /// What it makes of it, in the words of [`Outcome::in_words`](uwsgi_conformance::Outcome::in_words).
    words: &'static [&'static str],
    #[allow(dead_code, reason = "it is for who reads the table")]
    why: &'static str,
}

const OTHERWISE: &[Otherwise] = &[
    Otherwise {
        kind: Kind::Blocking,
        case: "stop-works-too-long",
        words: &["hangs"],
        why: "a thread cannot be taken from an application that works; the process ends, and its connections with it",
    },
    Otherwise {
        kind: Kind::Asynchronous,
        case: "app-long-fails",
        words: &["200"],
        why: "an http_body::Body is not told that it gave too much; what is too much does not leave",
    },
];

/// Plays cases on so many threads, each in these pieces; every case that fails is named. How many were played.
fn each(
    (kind, ours): (Kind, Ours),
    threads: usize,
    cases: impl Fn(&Case) -> bool,
    splits: impl Fn(&Case) -> Vec<Split> + Sync,
) -> usize {
    let mut cases: Vec<&Case> = all().filter(|case| cases(case)).collect();
    cases.sort_by_key(|case| std::cmp::Reverse(takes(case)));
    let (next, played) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let checked: Option<Vec<_>> =
                        splits(case).into_iter().map(|split| check(kind, case, &ours, split)).collect();
                    if let Some(checked) = checked {
                        played.fetch_add(1, Ordering::Relaxed);
                        failed.lock().unwrap().extend(checked.into_iter().filter_map(Result::err).take(2));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} failed\n\n{}", failed.len(), failed.join("\n\n"));
    played.into_inner()
}

/// Plays a case; what was wrong, in words. Nothing is said where no server can be as the case needs it: nothing can be sent
/// from 192.0.2.1, and a Unix socket has no reset.
fn check(kind: Kind, case: &Case, ours: &Ours, split: Split) -> Option<Result<(), String>> {
    // One at a time: what all of them open at once is more than there is room for in the time that a case has.
    static CROWD: Mutex<()> = Mutex::new(());
    let _crowd = is_crowded(case).then(|| CROWD.lock().unwrap());
    let otherwise = OTHERWISE.iter().find(|otherwise| otherwise.kind == kind && otherwise.case == case.name);
    let checked = match otherwise {
        None => play(case, ours, split).map_err(|mismatch| (mismatch.to_string(), mismatch.outcome.err())),
        Some(Otherwise { case: name, words, .. }) => match observe(case, ours, split) {
            Ok(outcome) if words.contains(&outcome.in_words(case).as_str()) => Ok(()),
            Ok(outcome) => Err((format!("{name}: {}, none of {words:?}", outcome.in_words(case)), None)),
            Err(error) => Err((format!("{name}: {error}"), Some(error))),
        },
    };
    match checked {
        Err((_, Some(error))) if error.kind() == io::ErrorKind::Unsupported => None,
        checked => Some(checked.map_err(|(words, _)| words)),
    }
}

/// Nothing is left out by mistake.
#[test]
fn there_is_a_way_for_all_but_those_from_elsewhere() {
    let tcp = Server::tcp(([127, 0, 0, 1], 1).into()).with_any_needs().with_every_app();
    let unix = Server::unix("/nonexistent").with_any_needs().with_every_app();
    let left_out = |case: &&Case| {
        let cannot = |server: &Server| server.open(case).is_err_and(|error| error.kind() == io::ErrorKind::Unsupported);
        cannot(&tcp) && cannot(&unix)
    };
    let names: Vec<_> = all().filter(left_out).map(|case| case.name).collect();
    let elsewhere = [
        "peer-not-allowed",
        "peer-not-allowed-silent",
        "peer-not-allowed-http",
        "peer-outside-network",
        "peer-in-network",
        "peer-star",
        "peer-not-allowed-and-too-many",
    ];
    assert_eq!(names, elsewhere);
}

fn ours(kind: Kind, way: Way) -> (Kind, Ours) {
    (kind, Ours::new(kind, way))
}

fn whole(_: &Case) -> Vec<Split> {
    vec![Split::Whole]
}

/// Split inside the header, behind it, inside the block, before its end, inside the body.
fn in_two(case: &Case) -> Vec<Split> {
    let len = case.len();
    let mut places = vec![1, 3, 4, 5, 40, len / 2, 194, 195, 197, len.saturating_sub(1)];
    places.retain(|place| (1..len).contains(place));
    places.dedup();
    places.into_iter().map(Split::At).collect()
}

/// Whether a case is over soon, however it is split.
fn is_short(case: &Case) -> bool {
    is_quick(case) && case.waits() == 0 && takes(case) < Duration::from_secs(1)
}

/// Some open 1024 connections first.
#[cfg(feature = "peers")]
fn slow(kind: Kind, way: Way) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    each(ours(kind, way), 100, |case| !is_quick(case), whole)
}

macro_rules! column {
    ($name:ident, $kind:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn quick_ones_over_tcp() {
                let played = each(ours($kind, Way::Tcp), 16, is_quick, whole);
                assert!(played > 300, "{played}");
            }

            #[test]
            fn quick_ones_over_unix_sockets() {
                let played = each(ours($kind, Way::Unix), 16, is_quick, whole);
                assert!(played > 300, "{played}");
            }

            #[test]
            fn quick_ones_in_two_pieces() {
                let (kind, ours) = ours($kind, Way::Unix);
                let ours = ours.with_pause(Duration::from_millis(1));
                assert!(each((kind, ours), 16, is_short, in_two) > 250);
            }

            #[test]
            fn quick_ones_byte_by_byte() {
                let short = |case: &Case| is_short(case) && case.len() < 1000;
                assert!(each(ours($kind, Way::Tcp), 16, short, |_| vec![Split::ByteByByte]) > 250);
            }

            /// Those that take up to a minute and more, all at once: their threads wait.
            #[cfg(feature = "peers")]
            #[test]
            fn slow_ones_over_tcp() {
                assert!(slow($kind, Way::Tcp) > 40);
            }

            #[cfg(feature = "peers")]
            #[test]
            fn slow_ones_over_unix_sockets() {
                assert!(slow($kind, Way::Unix) > 40);
            }
        }
    };
}

column!(blocking, Kind::Blocking);
column!(asynchronous, Kind::Asynchronous);
