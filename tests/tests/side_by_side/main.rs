//! Every case against our server, uWSGI and gunicorn, side by side.
//!
//! What they do is in the cases and in `docs/malformed.md`. With the versions that are named there, it is held; with others
//! the table of this run is written beside, and ours alone is held. `UWSGI_BLESS=1` writes both anew.
#![cfg(unix)]

mod bless;
mod server;
mod table;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use server::{APPS, Kind, Server, is_measured};
use uwsgi_conformance::{App, Case, Needs, Peer, SMALL, Split, all, observe, report, socket};
use uwsgi_tests::ours::{self, Ours, Way};
use uwsgi_tests::programs::Stage;

/// How many of each kind run at once.
const INSTANCES: usize = 4;
/// For how long it is waited for one behind the last step of a case.
const WINDOW: Duration = Duration::from_secs(9);
/// How often a case is played that comes out otherwise than it says. Whether a close over unread bytes is seen as a close or
/// as a reset, for one, is a matter of chance.
const TRIES: usize = 3;

/// What each kind did with each case, in words.
type Words = BTreeMap<&'static str, String>;

#[test]
fn side_by_side() {
    let stage = Stage::new();
    stage.write(&format!("{APPS}/conformance.py"), report::PYTHON);
    let versions: Vec<String> = Kind::ALL.iter().map(|kind| kind.version()).collect();
    let measured: Vec<Mutex<Words>> = Kind::ALL.iter().map(|_| Mutex::default()).collect();
    let ours = Mutex::new(Words::new());
    thread::scope(|scope| {
        for (kind, words) in Kind::ALL.into_iter().zip(&measured) {
            let stage = &stage;
            scope.spawn(move || measure(kind, stage, words));
        }
        scope.spawn(|| measure_ours(&ours));
    });
    let measured: Vec<Words> = measured.into_iter().map(|words| words.into_inner().unwrap()).collect();
    let ours = ours.into_inner().unwrap();

    let table = table::table(&versions, &ours, &measured);
    let written = Path::new(env!("CARGO_TARGET_TMPDIR")).join("malformed.md");
    fs::write(&written, &table).unwrap();
    println!("the table of this run is {}", written.display());

    let deceived: Vec<_> = all().filter_map(|case| table::ours_differs(case, &ours)).collect();
    assert!(deceived.is_empty(), "ours does not do what its verdict says:\n{}", deceived.join("\n"));

    if blesses() {
        bless::cases(&measured);
        fs::write(page(), table).unwrap();
        return;
    }
    let page = fs::read_to_string(page()).unwrap();
    if !page.contains(&table::heading(&versions)) {
        println!("the versions here are {versions:?}: the table that is checked in is of others, and not held");
        return;
    }
    let wrong: Vec<_> = all().flat_map(|case| bless::differs(case, &measured)).collect();
    assert!(wrong.is_empty(), "the cases say otherwise (UWSGI_BLESS=1 writes them anew):\n{}", wrong.join("\n"));
    assert_eq!(page, table, "docs/malformed.md is another than {} (UWSGI_BLESS=1 writes it anew)", written.display());
}

/// Whether what is measured is written down.
fn blesses() -> bool {
    env::var_os("UWSGI_BLESS").is_some()
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/malformed.md")
}

/// Plays all cases that can be against servers of a kind.
fn measure(kind: Kind, stage: &Stage, words: &Mutex<Words>) {
    let mut cases: Vec<&'static Case> = all().filter(|case| is_measured(case)).collect();
    // Longest last, since they are taken from the end.
    cases.sort_by_key(|case| uwsgi_conformance::machine::takes(case));
    let queue = Mutex::new(cases);
    thread::scope(|scope| {
        for number in 0..INSTANCES {
            let queue = &queue;
            scope.spawn(move || {
                let mut usual = Server::start(kind, Needs::DEFAULT.allow, stage, &number.to_string());
                loop {
                    let Some(case) = queue.lock().unwrap().pop() else { return };
                    for _ in 0..TRIES {
                        let did = if usual.suits(case) {
                            one(&mut usual, case)
                        } else {
                            one(&mut Server::start(kind, case.needs.allow, stage, case.name), case)
                        };
                        let Some(did) = did else { break };
                        let as_said = did == bless::says(case, kind);
                        words.lock().unwrap().insert(case.name, did);
                        if as_said || blesses() {
                            break;
                        }
                    }
                }
            });
        }
    });
}

/// Plays one case; nothing if it cannot be played.
fn one(server: &mut Server<'_>, case: &Case) -> Option<String> {
    let at = socket::Server::tcp(server.at()).with_any_needs().with_every_app().with_patience(WINDOW);
    let pauses = matches!(case.app, App::PauseThenRead(_) | App::PauseWhileReading(..));
    let at = if pauses { at } else { at.with_longest(WINDOW) };
    server.set_app(case.app);
    let logged = server.logged();
    let outcome = thread::scope(|scope| {
        if case.needs.stop != Needs::NEVER {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(case.needs.stop));
                server.terminate();
            });
        }
        observe(case, &at, Split::Whole).ok()
    })?;
    let mut words = outcome.in_words(case);
    if case.needs.stop != Needs::NEVER {
        return Some(words);
    }
    server.set_app(App::ReadAllThenAnswer);
    // A worker that was killed is started again, and until then nobody answers.
    let well = |patience| {
        let at = socket::Server::tcp(server.at()).with_longest(Duration::from_secs(patience));
        let good = all().find(|case| case.name == "ok-get").expect("a good case");
        at.open(good).is_ok_and(|mut sender| {
            let mut answered = false;
            sender.send(&SMALL.build());
            sender.read_until(&mut |bytes| {
                answered |= !bytes.is_empty();
                answered
            });
            answered
        })
    };
    let lives = well(3);
    if server.worker_died(logged) {
        words.push_str(", its worker is killed");
    }
    if !lives && !well(5) {
        server.restart();
    }
    Some(words)
}

/// Plays all cases that can be against ours, as each needs it.
fn measure_ours(words: &Mutex<Words>) {
    let (tcp, unix) = (Ours::new(ours::Kind::Blocking, Way::Tcp), Ours::new(ours::Kind::Blocking, Way::Unix));
    let queue: Mutex<Vec<&Case>> = Mutex::new(all().filter(|case| case.needs.connections < 100).collect());
    thread::scope(|scope| {
        for _ in 0..60 {
            scope.spawn(|| {
                loop {
                    let Some(case) = queue.lock().unwrap().pop() else { return };
                    let outcome = observe(case, &tcp, Split::Whole).or_else(|_| observe(case, &unix, Split::Whole));
                    if let Ok(outcome) = outcome {
                        words.lock().unwrap().insert(case.name, outcome.in_words(case));
                    }
                }
            });
        }
    });
}
