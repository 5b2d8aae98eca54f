//! Every case against our server, uWSGI and gunicorn, side by side.
//!
//! What they do is in the cases and in `docs/malformed.md`. With the versions that are named there, it is held; with others
//! the table of this run is written beside, and ours alone is held. `UWSGI_BLESS=1` writes the cases anew,
//! `UWSGI_BLESS=page` the page that is made of them.
#![cfg(unix)]

mod bless;
mod server;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use server::{APPS, Kind, Server, is_measured};
use uwsgi_conformance::{App, Case, Needs, Split, all, observe, report, socket};
use uwsgi_tests::ours::{self, Ours, Way};
use uwsgi_tests::programs::Stage;

/// How many of each kind run at once.
const INSTANCES: usize = 6;
/// For how long it is waited for one behind the last step of a case.
const WINDOW: Duration = Duration::from_secs(13);
/// How often a case is played at most that comes out otherwise than it says; where it is written down, how often each is.
/// Whether a close over unread bytes is seen as a close or as a reset, for one, is a matter of chance.
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
        scope.spawn(|| measure_ours(all().collect(), &ours));
    });
    // What came out otherwise in the crowd is played once more with the machine to itself.
    for (kind, words) in Kind::ALL.into_iter().zip(&measured) {
        again(kind, &stage, words);
    }
    let measured: Vec<Words> = measured.into_iter().map(|words| words.into_inner().unwrap()).collect();
    let ours = ours.into_inner().unwrap();

    let deceived: Vec<_> = all().filter_map(|case| table::ours_differs(case, &ours)).collect();
    assert!(deceived.is_empty(), "ours does not do what its verdict says:\n{}", deceived.join("\n"));
    let not_played: Vec<_> = all().filter(|case| can_be_ours(case) && !ours.contains_key(case.name)).collect();
    assert!(not_played.is_empty(), "{not_played:?}");

    if blesses() {
        bless::cases(&measured);
        println!("the cases are written; run it once more with UWSGI_BLESS=page for the page that is made of them");
        return;
    }
    let table = table::table(&versions, &ours, &measured);
    if blesses_page() {
        fs::write(page(), table).unwrap();
        return;
    }
    let written = Path::new(env!("CARGO_TARGET_TMPDIR")).join("malformed.md");
    fs::write(&written, &table).unwrap();
    println!("the table of this run is {}", written.display());
    let page = fs::read_to_string(page()).unwrap();
    assert!(
        page.contains(&table::heading(&versions)),
        "the versions here are {versions:?}, and docs/malformed.md is of others: measure them anew with UWSGI_BLESS=1"
    );
    let wrong: Vec<_> = all().flat_map(|case| bless::differs(case, &measured)).collect();
    assert!(wrong.is_empty(), "the cases say otherwise (UWSGI_BLESS=1 writes them anew):\n{}", wrong.join("\n"));
    assert_eq!(page, table, "docs/malformed.md is another than {} (UWSGI_BLESS=page writes it)", written.display());
}

/// The page explains its cells in the words of the program that writes it, whatever versions are here.
#[test]
fn the_page_has_the_legend() {
    let legend = format!(".\n\n{}\n## ", table::LEGEND);
    assert!(fs::read_to_string(page()).unwrap().contains(&legend), "not on the page: {legend}");
}

/// Whether what is measured is written into the cases.
fn blesses() -> bool {
    env::var_os("UWSGI_BLESS").is_some() && !blesses_page()
}

/// Whether the page is made anew of the cases.
fn blesses_page() -> bool {
    env::var_os("UWSGI_BLESS").is_some_and(|what| what == "page")
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
                    tries(&mut usual, case, stage, words);
                }
            });
        }
    });
}

/// Plays the cases alone that came out otherwise than they say, each against a server that nothing has happened to.
fn again(kind: Kind, stage: &Stage, words: &Mutex<Words>) {
    let words_of = |case: &Case| words.lock().unwrap().get(case.name).cloned();
    let otherwise = |case: &&'static Case| words_of(case).is_some_and(|did| !bless::is_said(case, kind, &did));
    for case in all().filter(otherwise).filter(|_| !blesses()) {
        let mut fresh = Server::start(kind, Needs::DEFAULT.allow, stage, &format!("again-{}", case.name));
        tries(&mut fresh, case, stage, words);
    }
}

/// Plays a case until it comes out as it says, a few times at most.
fn tries(usual: &mut Server<'_>, case: &'static Case, stage: &Stage, words: &Mutex<Words>) {
    let (kind, mut seen) = (usual.kind(), BTreeSet::new());
    for _ in 0..TRIES {
        let did = if usual.suits(case) {
            one(usual, case)
        } else {
            one(&mut Server::start(kind, case.needs.allow, stage, case.name), case)
        };
        let Some(did) = did else { continue };
        let as_said = bless::is_said(case, kind, &did);
        seen.insert(did.clone());
        let all: Vec<&str> = seen.iter().map(String::as_str).collect();
        let did = if blesses() { all.join(bless::OR) } else { did };
        words.lock().unwrap().insert(case.name, did);
        if as_said && !blesses() {
            break;
        }
    }
}

/// Plays one case; nothing if it cannot be played.
fn one(server: &mut Server<'_>, case: &Case) -> Option<String> {
    let at = socket::Server::tcp(server.at()).with_any_needs().with_every_app().with_patience(WINDOW);
    let pauses = matches!(case.app, App::PauseThenRead(_) | App::PauseWhileReading(..));
    let at = if pauses { at } else { at.with_longest(WINDOW) };
    server.set_app(case.app);
    let logged = server.logged();
    let outcome = thread::scope(|scope| {
        if let Some(stop) = case.needs.stop {
            let server = &*server;
            scope.spawn(move || {
                thread::sleep(Duration::from_millis(stop));
                server.terminate();
            });
        }
        observe(case, &at, Split::Whole).ok()
    })?;
    let mut words = outcome.in_words(case);
    if case.needs.stop.is_some() {
        return Some(words);
    }
    server.set_app(App::ReadAllThenAnswer);
    // A worker that was killed is started again, and until then nobody answers.
    let lives = server.answers_within(Duration::from_secs(3));
    if server.worker_died(logged) {
        words.push_str(", its worker is killed");
    }
    if !lives && !server.answers_within(Duration::from_secs(5)) {
        server.restart();
    }
    Some(words)
}

/// Plays cases against ours, as each needs it.
fn measure_ours(cases: Vec<&Case>, words: &Mutex<Words>) {
    let (tcp, unix) = (Ours::new(ours::Kind::Blocking, Way::Tcp), Ours::new(ours::Kind::Blocking, Way::Unix));
    let queue: Mutex<Vec<&Case>> = Mutex::new(cases.into_iter().filter(|case| can_be_ours(case)).collect());
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

/// Whether a case is played against ours here: crowds have a test of their own, and nobody comes from elsewhere.
fn can_be_ours(case: &Case) -> bool {
    let at =
        |server: socket::Server| server.with_any_needs().with_every_app().open(case).err().map(|error| error.kind());
    let nowhere = [at(socket::Server::tcp(([127, 0, 0, 1], 1).into())), at(socket::Server::unix("/nonexistent"))];
    case.needs.connections < 100 && nowhere != [Some(ErrorKind::Unsupported); 2]
}
