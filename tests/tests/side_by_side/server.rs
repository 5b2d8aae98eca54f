//! uWSGI and gunicorn, each with the Python application of the crate.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use uwsgi::server::AllowList;
use uwsgi_conformance::{App, Case, Needs, Peer as _, SMALL, Sender, all, socket};
use uwsgi_tests::programs::{Listen, Peer, Port, Program, TestDir, peer, version};

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// uWSGI from PyPI.
    Uwsgi,
    /// uWSGI from Debian.
    UwsgiDebian,
    GunicornSync,
    GunicornGthread,
    GunicornAsgi,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Uwsgi, Self::UwsgiDebian, Self::GunicornSync, Self::GunicornGthread, Self::GunicornAsgi];

    pub(crate) fn is_uwsgi(self) -> bool {
        matches!(self, Self::Uwsgi | Self::UwsgiDebian)
    }

    /// Returns the program of this kind.
    const fn peer(self) -> Peer {
        match self {
            Self::Uwsgi => Peer::Uwsgi,
            Self::UwsgiDebian => Peer::UwsgiDebian,
            _ => Peer::Gunicorn,
        }
    }

    /// Returns the name that tells this kind from the others of its program.
    pub(crate) fn label(self) -> &'static str {
        static NUMBERS: OnceLock<[String; 2]> = OnceLock::new();
        let number = |kind: Self| kind.version().split_off("uWSGI ".len());
        let [first, second] = NUMBERS.get_or_init(|| [number(Self::Uwsgi), number(Self::UwsgiDebian)]);
        match self {
            Self::Uwsgi => first,
            Self::UwsgiDebian => second,
            Self::GunicornSync => "sync",
            Self::GunicornGthread => "gthread",
            Self::GunicornAsgi => "asgi",
        }
    }

    /// Returns the name and version of the program.
    pub(crate) fn version(self) -> String {
        let number: Vec<_> = version(self.peer()).iter().map(ToString::to_string).collect();
        format!("{} {}", if self.is_uwsgi() { "uWSGI" } else { "gunicorn" }, number.join("."))
    }

    /// Returns the command that starts a server with one worker. uWSGI has its default limits. gunicorn kills a worker after 7
    /// seconds, so that a worker that hangs shows; no case waits for about as long.
    fn command(self, at: SocketAddr, allow: Option<&str>, apps: &Path) -> Command {
        let allow = allow.map_or_else(|| AllowList::LOOPBACK.to_string(), str::to_owned);
        let mut command = Command::new(peer(self.peer()));
        if self.is_uwsgi() {
            if self == Self::UwsgiDebian {
                command.args(["--plugins", "python3"]);
            }
            command
                .args(["--master", "--need-app", "--die-on-term", "--listen", "100", "--processes", "1"])
                .args(["--socket", &at.to_string(), "--chdir"])
                .arg(apps)
                .args(["--module", "conformance:application"]);
            return command;
        }
        let (class, application): (&[&str], _) = match self {
            Self::GunicornGthread => (&["-k", "gthread", "--threads", "2"], "conformance:application"),
            Self::GunicornAsgi => (&["-k", "asgi"], "conformance:asgi_application"),
            _ => (&[], "conformance:application"),
        };
        command
            .args(["--protocol", "uwsgi", "--workers", "1", "--timeout", "7", "--no-control-socket"])
            .args(class)
            .args(["--uwsgi-allow-from", &allow, "--bind", &at.to_string(), "--chdir"])
            .arg(apps)
            .arg(application);
        command
    }
}

/// The directory of the Python application.
pub(crate) const APPS: &str = "apps";

/// A running server.
#[derive(Debug)]
pub(crate) struct Server<'s> {
    kind: Kind,
    allow: Option<&'static str>,
    test_dir: &'s TestDir,
    name: String,
    at: SocketAddr,
    program: Option<Program<'s>>,
}

impl<'s> Server<'s> {
    /// Starts a server under a name that no other server has.
    pub(crate) fn start(kind: Kind, allow: Option<&'static str>, test_dir: &'s TestDir, name: &str) -> Self {
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut server = Self { kind, allow, test_dir, name: format!("{kind:?}-{name}"), at, program: None };
        server.restart();
        server
    }

    pub(crate) fn at(&self) -> SocketAddr {
        self.at
    }

    /// Returns whether a case may be played against this server, whatever else the case needs. A case that stops its server
    /// needs its own.
    pub(crate) fn suits(&self, case: &Case) -> bool {
        case.needs.stop.is_none() && (self.kind.is_uwsgi() || case.needs.allow == self.allow)
    }

    /// Sets what the application does from the next request on.
    pub(crate) fn set_app(&self, app: App) {
        // The application may read the file at any time: a rename replaces it at once.
        let new = self.test_dir.write(&format!("{}.new", self.name), format!("{app:?}"));
        fs::rename(new, self.app()).expect("a file");
    }

    fn app(&self) -> PathBuf {
        self.test_dir.path(&format!("{}.app", self.name))
    }

    fn log(&self) -> String {
        self.program.as_ref().map(Program::log).unwrap_or_default()
    }

    /// Returns the length of the log.
    pub(crate) fn logged(&self) -> usize {
        self.log().len()
    }

    /// Returns whether a worker was killed after the log had this length.
    pub(crate) fn worker_died(&self, since: usize) -> bool {
        let log = self.log();
        let new = log.get(since..).unwrap_or_default();
        ["WORKER TIMEOUT", "DAMN", "was sent SIG", "egmentation"].iter().any(|word| new.contains(word))
    }

    /// Asks the master to end, as a service manager does.
    pub(crate) fn terminate(&self) {
        let master = self.program.as_ref().and_then(Program::id).and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        kill_process(master.expect("a running server"), Signal::TERM).expect("a child of ours");
    }

    /// Returns the kind of this server.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns whether the server answers a good request within this time.
    pub(crate) fn answers_within(&self, patience: Duration) -> bool {
        let at = socket::Server::tcp(self.at()).with_longest(patience);
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
    }

    /// Starts the server again, on another port, and waits until it answers. At most three servers start at a time: if all
    /// start at once, a worker takes longer than its master waits for it.
    pub(crate) fn restart(&mut self) {
        static TURNS: [Mutex<()>; 3] = [const { Mutex::new(()) }; 3];
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let turn = &TURNS[NEXT.fetch_add(1, Ordering::Relaxed) % TURNS.len()];
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.program = None;
        let port = Port::free();
        self.at = port.address();
        self.set_app(App::ReadAllThenAnswer);
        let mut command = self.kind.command(self.at, self.allow, &self.test_dir.path(APPS));
        command.env("CONFORMANCE_APP", self.app());
        self.program = Some(Program::start(self.test_dir, &self.name, &mut command, &[&Listen::Tcp(port)]));
        let begun = Instant::now();
        // A server with another list of peers may not answer this process.
        while self.allow == Needs::DEFAULT.allow && !self.answers_within(Duration::from_secs(2)) {
            assert!(begun.elapsed() < Duration::from_secs(30), "{} does not answer: {}", self.name, self.log());
        }
    }
}

/// Returns whether a case can be played against uWSGI and gunicorn: the state that it needs, and its sender, can be made here.
pub(crate) fn is_measured(case: &Case) -> bool {
    let Needs { connections, busy, stop, sender, .. } = case.needs;
    let mapped = matches!(sender, Sender::Address(IpAddr::V6(_)));
    // An application that works on for 60 seconds after a stop is too slow for this test.
    let patient = case.app == App::PauseThenRead(60_000) && stop.is_some();
    connections == 1 && busy == 0 && !mapped && !patient
}
