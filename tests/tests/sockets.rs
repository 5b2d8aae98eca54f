//! Every case of the conformance crate against our blocking server, over loopback TCP and over Unix sockets, on a real clock.
#![cfg(unix)]

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use uwsgi_conformance::machine::takes;
use uwsgi_conformance::socket::Server;
use uwsgi_conformance::{Case, Endpoint, Mismatch, Split, all, play};
use uwsgi_tests::ours::{Ours, Way};

/// What is over within this is quick.
const QUICK: Duration = Duration::from_secs(3);

fn is_quick(case: &Case) -> bool {
    takes(case) < QUICK && !is_crowded(case)
}

/// Whether it takes more descriptors than a process may have everywhere.
fn is_crowded(case: &Case) -> bool {
    case.needs.connections > 100
}

/// Plays cases on so many threads, each in these pieces; every case that fails is named. How many were played.
fn each(
    endpoint: &(impl Endpoint + Sync),
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
                    let wrong = splits(case).into_iter().filter_map(|split| play(case, endpoint, split).err());
                    let wrong: Vec<_> = wrong.take(2).collect();
                    if !wrong.iter().any(cannot_be) {
                        played.fetch_add(1, Ordering::Relaxed);
                        failed.lock().unwrap().extend(wrong.iter().map(Mismatch::to_string));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} failed\n\n{}", failed.len(), failed.join("\n\n"));
    played.into_inner()
}

/// Whether no server can be as the case needs it here: nothing can be sent from 192.0.2.1, and a Unix socket has no reset.
fn cannot_be(mismatch: &Mismatch<'_>) -> bool {
    mismatch.outcome.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Unsupported)
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

fn quick(way: Way) -> usize {
    each(&Ours::by(way), 16, is_quick, |_| vec![Split::Whole])
}

#[test]
fn quick_ones_over_tcp() {
    let played = quick(Way::Tcp);
    assert!(played > 300, "{played}");
}

#[test]
fn quick_ones_over_unix_sockets() {
    let played = quick(Way::Unix);
    assert!(played > 300, "{played}");
}

/// Split inside the header, behind it, inside the block, before its end, inside the body.
#[test]
fn quick_ones_in_two_pieces() {
    let short = |case: &Case| is_quick(case) && case.waits() == 0 && takes(case) < Duration::from_secs(1);
    let places = |case: &Case| {
        let len = case.len();
        let mut places = vec![1, 3, 4, 5, 40, len / 2, 194, 195, 197, len.saturating_sub(1)];
        places.retain(|place| (1..len).contains(place));
        places.dedup();
        places.into_iter().map(Split::At).collect()
    };
    let endpoint = Ours::by(Way::Unix).with_pause(Duration::from_millis(1));
    assert!(each(&endpoint, 16, short, places) > 250);
}

#[test]
fn quick_ones_byte_by_byte() {
    let short =
        |case: &Case| is_quick(case) && case.waits() == 0 && case.len() < 1000 && takes(case) < Duration::from_secs(1);
    assert!(each(&Ours::by(Way::Tcp), 16, short, |_| vec![Split::ByteByByte]) > 250);
}

/// Those that take up to a minute and more, all at once: their threads wait. Some open 1024 connections first.
#[cfg(feature = "peers")]
mod slow {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use uwsgi_conformance::observe;

    use super::*;

    /// What a server of threads does otherwise: it cannot take the thread from an application that works. The process ends, and
    /// its connections with it.
    const OTHERWISE: [(&str, &str); 1] = [("stop-works-too-long", "hangs")];

    fn slow(way: Way) -> usize {
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
        let otherwise = |case: &Case| OTHERWISE.iter().find(|(name, _)| *name == case.name);
        let ours = Ours::by(way);
        thread::scope(|scope| {
            for case in all().filter(|case| otherwise(case).is_some()) {
                let ours = &ours;
                scope.spawn(move || {
                    let outcome = observe(case, ours, Split::Whole).unwrap();
                    assert_eq!(outcome.in_words(case), otherwise(case).unwrap().1, "{}", case.name);
                });
            }
            each(&ours, 100, |case| !is_quick(case) && otherwise(case).is_none(), |_| vec![Split::Whole])
        })
    }

    #[test]
    fn over_tcp() {
        assert!(slow(Way::Tcp) > 40);
    }

    #[test]
    fn over_unix_sockets() {
        assert!(slow(Way::Unix) > 40);
    }
}
