//! Both servers with each case of the conformance crate and each application: the same responses at the same times.
#![cfg(unix)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use uwsgi_conformance::{Case, Step, all};
use uwsgi_tests::fuzz::two_servers;

/// Returns everything that a case sends, in one piece.
fn sends(case: &Case) -> Vec<u8> {
    let bytes = case.steps.iter().filter_map(|step| match step {
        Step::Send(bytes) | Step::Trickle(_, bytes) => Some(bytes.build()),
        _ => None,
    });
    bytes.flatten().collect()
}

/// In one piece and in pieces of three bytes, with a peer that half-closes and with one that does nothing more, with
/// and without keep-alive.
#[test]
fn both_servers_agree_on_every_case() {
    let cases: Vec<&Case> = all().filter(|case| case.len() < 2000).collect();
    assert!(cases.len() > 300, "only {} cases", cases.len());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let stream = sends(case);
                    for app in 0..21 {
                        for (flags, sizes, happens) in [(0, vec![255], 0), (1, vec![255], 8), (9, vec![3], 0)] {
                            let count = u8::try_from(sizes.len()).unwrap();
                            let input = [&[flags, app, count, happens, 0, 0], &sizes[..], &stream].concat();
                            if let Err(panic) = std::panic::catch_unwind(|| two_servers(&input)) {
                                eprintln!("{}: {}, flags {flags}, pieces of {sizes:?}", case.name, case.about);
                                std::panic::resume_unwind(panic);
                            }
                        }
                    }
                }
            });
        }
    });
}
