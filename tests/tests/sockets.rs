//! Plays every case of the conformance crate against our servers: the blocking one, the asynchronous one, and the example
//! `event_loop` of the core, over loopback TCP and over Unix sockets, with a real clock.
#![cfg(unix)]

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use uwsgi_conformance::machine::takes;
use uwsgi_conformance::socket::Server;
use uwsgi_conformance::{Case, Split, all, observe, play};
use uwsgi_tests::ours::{Kind, OurServers, SocketKind};

/// A case that takes less than this is quick.
const QUICK: Duration = Duration::from_secs(3);

fn is_quick(case: &Case) -> bool {
    takes(case) < QUICK && !is_crowded(case)
}

/// Returns whether a case needs more descriptors than a process may have on some machines.
fn is_crowded(case: &Case) -> bool {
    case.needs.connections > 100
}

/// A case in which a server does not do what the verdict of the case says.
struct Deviation {
    kind: Kind,
    case: &'static str,
    /// The outcomes, in the words of [`Outcome::in_words`](uwsgi_conformance::Outcome::in_words).
    words: &'static [&'static str],
    #[allow(dead_code, reason = "it is for readers of the table")]
    why: &'static str,
}

const DEVIATIONS: &[Deviation] = &[
    Deviation {
        kind: Kind::Blocking,
        case: "stop-works-too-long",
        words: &["hangs"],
        why: "nothing can stop a thread of an application that works; the connection ends with the process",
    },
    Deviation {
        kind: Kind::Asynchronous,
        case: "app-long-fails",
        words: &["200"],
        why: "an http_body::Body does not learn that it gave too much; the server does not send the excess",
    },
];

/// Plays cases on several threads, each with these splits. Returns how many were played.
///
/// # Panics
///
/// If a case fails. The message names every case that fails.
fn play_all(
    (kind, ours): (Kind, OurServers),
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

/// Plays a case, and returns what was wrong. Returns `None` if the case cannot be played: nothing can be sent from 192.0.2.1,
/// and a Unix socket has no reset.
fn check(kind: Kind, case: &Case, ours: &OurServers, split: Split) -> Option<Result<(), String>> {
    // One at a time: all of them together would open too many connections for the time that a case has.
    static CROWD: Mutex<()> = Mutex::new(());
    let _crowd = is_crowded(case).then(|| CROWD.lock().unwrap());
    let deviation = DEVIATIONS.iter().find(|deviation| deviation.kind == kind && deviation.case == case.name);
    let checked = match deviation {
        None => play(case, ours, split).map_err(|mismatch| (mismatch.to_string(), mismatch.outcome.err())),
        Some(Deviation { case: name, words, .. }) => match observe(case, ours, split) {
            Ok(outcome) if words.contains(&outcome.in_words(case).as_str()) => Ok(()),
            Ok(outcome) => Err((format!("{name}: {}, expected one of {words:?}", outcome.in_words(case)), None)),
            Err(error) => Err((format!("{name}: {error}"), Some(error))),
        },
    };
    match checked {
        Err((_, Some(error))) if error.kind() == io::ErrorKind::Unsupported => None,
        checked => Some(checked.map_err(|(words, _)| words)),
    }
}

/// Only cases whose peer is not this machine cannot be played.
#[test]
fn every_case_from_this_machine_can_be_played() {
    let tcp = Server::tcp(([127, 0, 0, 1], 1).into()).with_any_needs().with_every_app();
    let unix = Server::unix("/nonexistent").with_any_needs().with_every_app();
    let left_out = |case: &&Case| {
        let cannot = |server: &Server| server.open(case).is_err_and(|error| error.kind() == io::ErrorKind::Unsupported);
        cannot(&tcp) && cannot(&unix)
    };
    let names: Vec<_> = all().filter(left_out).map(|case| case.name).collect();
    let from_other_machines = [
        "peer-not-allowed",
        "peer-not-allowed-silent",
        "peer-not-allowed-http",
        "peer-outside-network",
        "peer-in-network",
        "peer-star",
        "peer-not-allowed-and-too-many",
    ];
    assert_eq!(names, from_other_machines);
}

fn ours(kind: Kind, socket: SocketKind) -> (Kind, OurServers) {
    (kind, OurServers::new(kind, socket))
}

fn whole(_: &Case) -> Vec<Split> {
    vec![Split::Whole]
}

/// Splits a case inside the header, after it, inside the block, before the end of the block, and inside the body.
fn in_two(case: &Case) -> Vec<Split> {
    let len = case.len();
    let mut places = vec![1, 3, 4, 5, 40, len / 2, 194, 195, 197, len.saturating_sub(1)];
    places.retain(|place| (1..len).contains(place));
    places.dedup();
    places.into_iter().map(Split::At).collect()
}

/// Returns whether a case is over soon, in any number of pieces.
fn is_short(case: &Case) -> bool {
    is_quick(case) && case.waits() == 0 && takes(case) < Duration::from_secs(1)
}

/// Plays the slow cases. Some of them open 1024 connections first.
#[cfg(feature = "peers")]
fn slow(kind: Kind, socket: SocketKind) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    play_all(ours(kind, socket), 100, |case| !is_quick(case), whole)
}

/// Defines the tests of one server.
macro_rules! tests_of {
    ($name:ident, $kind:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn quick_cases_over_tcp() {
                let played = play_all(ours($kind, SocketKind::Tcp), 16, is_quick, whole);
                assert!(played > 300, "{played}");
            }

            #[test]
            fn quick_cases_over_unix_sockets() {
                let played = play_all(ours($kind, SocketKind::Unix), 16, is_quick, whole);
                assert!(played > 300, "{played}");
            }

            #[test]
            fn quick_cases_in_two_pieces() {
                let (kind, ours) = ours($kind, SocketKind::Unix);
                let ours = ours.with_pause(Duration::from_millis(1));
                assert!(play_all((kind, ours), 16, is_short, in_two) > 250);
            }

            #[test]
            fn quick_cases_byte_by_byte() {
                let short = |case: &Case| is_short(case) && case.len() < 1000;
                assert!(play_all(ours($kind, SocketKind::Tcp), 16, short, |_| vec![Split::ByteByByte]) > 250);
            }

            /// The slow cases take a minute or more. They run all at once, since their threads mostly wait.
            #[cfg(feature = "peers")]
            #[test]
            fn slow_cases_over_tcp() {
                assert!(slow($kind, SocketKind::Tcp) > 40);
            }

            #[cfg(feature = "peers")]
            #[test]
            fn slow_cases_over_unix_sockets() {
                assert!(slow($kind, SocketKind::Unix) > 40);
            }
        }
    };
}

tests_of!(blocking, Kind::Blocking);
tests_of!(asynchronous, Kind::Asynchronous);
tests_of!(event_loop, Kind::EventLoop);
