//! Plays every case against our server, uWSGI and gunicorn, side by side.
//!
//! The crate has recorded what uWSGI and gunicorn do, and `docs/malformed.md` shows it. If the versions here are those of the
//! page, the test compares all of them with it. Otherwise it compares our server alone, and writes the page of this run into
//! the target directory. `UWSGI_BLESS=1` records what uWSGI and gunicorn do, and `UWSGI_BLESS=page` writes the page from that.
#![cfg(unix)]

mod page;
mod recorded;
mod server;

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
use uwsgi_tests::ours::{self, OurServers, SocketKind};
use uwsgi_tests::programs::TestDir;

/// How many servers of each kind run at once.
const INSTANCES: usize = 6;
/// How long a sender waits for a server after the last step of a case.
const WINDOW: Duration = Duration::from_secs(13);
/// How often a case is played at most until its outcome is the recorded one; when outcomes are recorded, how often each case is
/// played. Chance decides some outcomes: whether a sender sees a close or a reset after a close over unread bytes, for one.
const TRIES: usize = 3;

/// What a kind of server did with each case, in words.
type Outcomes = BTreeMap<&'static str, String>;

#[test]
fn every_server_does_what_is_recorded() {
    let test_dir = TestDir::new();
    test_dir.write(&format!("{APPS}/conformance.py"), report::PYTHON);
    let versions: Vec<String> = Kind::ALL.iter().map(|kind| kind.version()).collect();
    let measured: Vec<Mutex<Outcomes>> = Kind::ALL.iter().map(|_| Mutex::default()).collect();
    let ours = Mutex::new(Outcomes::new());
    thread::scope(|scope| {
        for (kind, outcomes) in Kind::ALL.into_iter().zip(&measured) {
            let test_dir = &test_dir;
            scope.spawn(move || measure(kind, test_dir, outcomes));
        }
        scope.spawn(|| measure_ours(all().collect(), &ours));
    });
    // A load of many servers may have changed an outcome: it is played again with the machine to itself.
    for (kind, outcomes) in Kind::ALL.into_iter().zip(&measured) {
        measure_differences_again(kind, &test_dir, outcomes);
    }
    let measured: Vec<Outcomes> = measured.into_iter().map(|outcomes| outcomes.into_inner().unwrap()).collect();
    let ours = ours.into_inner().unwrap();

    let wrong: Vec<_> = all().filter_map(|case| page::ours_differs(case, &ours)).collect();
    assert!(wrong.is_empty(), "our server does not do what the verdicts say:\n{}", wrong.join("\n"));
    let not_played: Vec<_> = all().filter(|case| can_be_ours(case) && !ours.contains_key(case.name)).collect();
    assert!(not_played.is_empty(), "{not_played:?}");

    if records() {
        fs::write(recorded::path(), recorded::text(&measured)).unwrap();
        println!("the outcomes are recorded; UWSGI_BLESS=page writes the page from them");
        return;
    }
    let page = page::page(&versions, &ours, &measured);
    if writes_page() {
        fs::write(page_path(), page).unwrap();
        return;
    }
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("malformed.md");
    fs::write(&copy, &page).unwrap();
    println!("the page of this run is {}", copy.display());
    let committed = fs::read_to_string(page_path()).unwrap();
    assert!(
        committed.contains(&page::heading(&versions)),
        "the versions here are {versions:?}, and docs/malformed.md has others: UWSGI_BLESS=1 records what these do"
    );
    let wrong: Vec<_> = all().flat_map(|case| recorded::differences(case, &measured)).collect();
    assert!(wrong.is_empty(), "other outcomes are recorded (UWSGI_BLESS=1 records these):\n{}", wrong.join("\n"));
    assert_eq!(committed, page, "docs/malformed.md differs from {} (UWSGI_BLESS=page writes it)", copy.display());
}

/// The page explains its cells in the words of this program, whatever versions are here.
#[test]
fn the_page_has_the_legend() {
    let legend = format!(".\n\n{}\n## ", page::LEGEND);
    assert!(fs::read_to_string(page_path()).unwrap().contains(&legend), "not on the page: {legend}");
}

/// If every server does what is recorded, recording it again changes nothing.
#[test]
fn the_same_outcomes_make_the_same_file() {
    let outcomes = |kind| all().map(|case| (case.name, recorded::recorded(case, kind).to_owned())).collect();
    let text = recorded::text(&Kind::ALL.map(outcomes));
    assert_eq!(text, fs::read_to_string(recorded::path()).unwrap());
}

/// Returns whether this run records what uWSGI and gunicorn do.
fn records() -> bool {
    env::var_os("UWSGI_BLESS").is_some() && !writes_page()
}

/// Returns whether this run writes the page.
fn writes_page() -> bool {
    env::var_os("UWSGI_BLESS").is_some_and(|what| what == "page")
}

fn page_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/malformed.md")
}

/// Plays all cases that can be played against servers of a kind.
fn measure(kind: Kind, test_dir: &TestDir, outcomes: &Mutex<Outcomes>) {
    let mut cases: Vec<&'static Case> = all().filter(|case| is_measured(case)).collect();
    // The longest last: the instances take cases from the end.
    cases.sort_by_key(|case| uwsgi_conformance::machine::takes(case));
    let queue = Mutex::new(cases);
    thread::scope(|scope| {
        for number in 0..INSTANCES {
            let queue = &queue;
            scope.spawn(move || {
                let mut server = Server::start(kind, Needs::DEFAULT.allow, test_dir, &number.to_string());
                loop {
                    let Some(case) = queue.lock().unwrap().pop() else { return };
                    play_until_recorded(&mut server, case, test_dir, outcomes);
                }
            });
        }
    });
}

/// Plays the cases alone whose outcome is not the recorded one, each against a new server.
fn measure_differences_again(kind: Kind, test_dir: &TestDir, outcomes: &Mutex<Outcomes>) {
    let outcome = |case: &Case| outcomes.lock().unwrap().get(case.name).cloned();
    let differs =
        |case: &&'static Case| outcome(case).is_some_and(|outcome| !recorded::is_recorded(case, kind, &outcome));
    for case in all().filter(differs).filter(|_| !records()) {
        let mut server = Server::start(kind, Needs::DEFAULT.allow, test_dir, &format!("again-{}", case.name));
        play_until_recorded(&mut server, case, test_dir, outcomes);
    }
}

/// Plays a case until its outcome is the recorded one, [`TRIES`] times at most. When outcomes are recorded, plays it [`TRIES`]
/// times and keeps all of them.
fn play_until_recorded(server: &mut Server<'_>, case: &'static Case, test_dir: &TestDir, outcomes: &Mutex<Outcomes>) {
    let (kind, mut seen) = (server.kind(), BTreeSet::new());
    for _ in 0..TRIES {
        let outcome = if server.suits(case) {
            play_once(server, case)
        } else {
            play_once(&mut Server::start(kind, case.needs.allow, test_dir, case.name), case)
        };
        let Some(outcome) = outcome else { continue };
        let is_recorded = recorded::is_recorded(case, kind, &outcome);
        seen.insert(outcome.clone());
        let all: Vec<&str> = seen.iter().map(String::as_str).collect();
        let outcome = if records() { all.join(recorded::OR) } else { outcome };
        outcomes.lock().unwrap().insert(case.name, outcome);
        if is_recorded && !records() {
            break;
        }
    }
}

/// Plays a case once, and returns its outcome in words; `None` if the case cannot be played.
fn play_once(server: &mut Server<'_>, case: &Case) -> Option<String> {
    let at = socket::Server::tcp(server.at()).with_any_needs().with_every_app().with_patience(WINDOW);
    let pauses = matches!(case.app, App::PauseThenRead(_) | App::PauseWhileReading(..));
    let at = if pauses { at } else { at.with_longest(WINDOW) };
    server.set_app(case.app);
    let logged = server.logged();
    let outcome = thread::scope(|scope| {
        if let Some(stop) = case.needs.stop {
            let server = &*server;
            scope.spawn(move || {
                // The case says when the stop is.
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
    // The master starts a new worker for one that was killed. Until then the server does not answer.
    let answers = server.answers_within(Duration::from_secs(3));
    if server.worker_died(logged) {
        words.push_str(", its worker is killed");
    }
    if !answers && !server.answers_within(Duration::from_secs(5)) {
        server.restart();
    }
    Some(words)
}

/// Plays cases against our server, each with the settings that it needs.
fn measure_ours(cases: Vec<&Case>, outcomes: &Mutex<Outcomes>) {
    let (tcp, unix) = (
        OurServers::new(ours::Kind::Blocking, SocketKind::Tcp),
        OurServers::new(ours::Kind::Blocking, SocketKind::Unix),
    );
    let queue: Mutex<Vec<&Case>> = Mutex::new(cases.into_iter().filter(|case| can_be_ours(case)).collect());
    thread::scope(|scope| {
        for _ in 0..60 {
            scope.spawn(|| {
                loop {
                    let Some(case) = queue.lock().unwrap().pop() else { return };
                    let outcome = observe(case, &tcp, Split::Whole).or_else(|_| observe(case, &unix, Split::Whole));
                    if let Ok(outcome) = outcome {
                        outcomes.lock().unwrap().insert(case.name, outcome.in_words(case));
                    }
                }
            });
        }
    });
}

/// Returns whether a case is played against our server here. A case with hundreds of connections has a test of its own, and
/// nothing here can send from another machine.
fn can_be_ours(case: &Case) -> bool {
    let error =
        |server: socket::Server| server.with_any_needs().with_every_app().open(case).err().map(|error| error.kind());
    let errors = [error(socket::Server::tcp(([127, 0, 0, 1], 1).into())), error(socket::Server::unix("/nonexistent"))];
    case.needs.connections < 100 && errors != [Some(ErrorKind::Unsupported); 2]
}
