//! The servers, each with the application `tests/apps/client.py`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use uwsgi_io::Client;
use uwsgi_tests::programs::{Listen, Peer, Program, Stage, peer};

pub const APPLICATION: &str = include_str!("../../apps/client.py");

/// How long anything may take; it takes milliseconds, 20 MB a second.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// uWSGI, of whoever packed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uwsgi {
    Pypi,
    Debian,
}

impl Uwsgi {
    pub const BOTH: [Self; 2] = [Self::Pypi, Self::Debian];

    /// The command, with these plugins of Debian's; those of PyPI are all in it.
    pub fn command(self, plugins: &str) -> Command {
        match self {
            Self::Pypi => Command::new(peer(Peer::Uwsgi)),
            Self::Debian => {
                let mut command = Command::new(peer(Peer::UwsgiDebian));
                command.args(["--plugins", plugins]);
                command
            }
        }
    }

    /// A server with the application, on a directory of the stage that is its own.
    pub fn start<'s>(self, stage: &'s Stage, name: &str, listen: &Listen, options: &[&str]) -> Program<'s> {
        let module = stage.write(&format!("{name}/application.py"), APPLICATION);
        let mut command = self.command("python3,ping,cache,rpc,signal,spooler,echo");
        command
            .args(["--master", "--need-app", "--die-on-term", "--disable-logging", "--buffer-size", "65535"])
            .args(["--processes", "1", "--threads", "4", "--socket-timeout", "20"])
            .args(["--socket", &listen.to_string(), "--wsgi-file"])
            .arg(module)
            .args(options)
            .env("CLIENT_TESTS", left(stage, name))
            .env("CLIENT_NODE", name);
        Program::start(stage, name, &mut command, &[listen])
    }
}

/// The directory in which the application leaves what was done.
pub fn left(stage: &Stage, name: &str) -> PathBuf {
    stage.path(name)
}

/// gunicorn with the application.
pub fn gunicorn<'s>(stage: &'s Stage, name: &str, listen: &Listen, options: &[&str]) -> Program<'s> {
    stage.write(&format!("{name}/application.py"), APPLICATION);
    let bind = match listen {
        Listen::Tcp(_) => listen.to_string(),
        Listen::Unix(path) => format!("unix:{}", path.display()),
    };
    let mut command = Command::new(peer(Peer::Gunicorn));
    command
        .args(["--protocol", "uwsgi", "--workers", "1", "--no-control-socket", "--bind", &bind, "--chdir"])
        .arg(stage.path(name))
        .args(options)
        .arg("application");
    Program::start(stage, name, &mut command, &[listen])
}

/// A client of a server that listens there.
pub fn client(listen: &Listen) -> Client {
    Client::new(&listen.to_string()).unwrap().with_total_timeout(PATIENCE)
}

/// What a file holds, once it is there.
pub fn file(path: &Path) -> Vec<u8> {
    let start = Instant::now();
    loop {
        match std::fs::read(path) {
            Ok(bytes) => return bytes,
            Err(error) if start.elapsed() > PATIENCE => panic!("{}: {error}", path.display()),
            // A pause between two looks.
            Err(_) => sleep(Duration::from_millis(5)),
        }
    }
}
