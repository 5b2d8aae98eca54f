//! The servers, each with the application `tests/apps/client.py`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use uwsgi_io::Client;
use uwsgi_tests::programs::{Listen, Peer, Program, TestDir, peer};

pub const APPLICATION: &str = include_str!("../../apps/client.py");

/// How long an exchange may take. A small one takes milliseconds, one of 20 MB a second.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// uWSGI, by its distributor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uwsgi {
    Pypi,
    Debian,
}

impl Uwsgi {
    pub const BOTH: [Self; 2] = [Self::Pypi, Self::Debian];

    /// Returns the command. Debian's uWSGI loads these plugins; PyPI's uWSGI has all of them built in.
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

    /// Starts a server with the application in a directory of its own in the test directory.
    pub fn start<'s>(self, test_dir: &'s TestDir, name: &str, listen: &Listen, options: &[&str]) -> Program<'s> {
        let module = test_dir.write(&format!("{name}/application.py"), APPLICATION);
        let mut command = self.command("python3,ping,cache,rpc,signal,spooler,echo");
        command
            .args(["--master", "--need-app", "--die-on-term", "--disable-logging", "--buffer-size", "65535"])
            .args(["--processes", "1", "--threads", "4", "--socket-timeout", "20"])
            .args(["--socket", &listen.to_string(), "--wsgi-file"])
            .arg(module)
            .args(options)
            .env("CLIENT_TESTS", results(test_dir, name))
            .env("CLIENT_NODE", name);
        Program::start(test_dir, name, &mut command, &[listen])
    }
}

/// Returns the directory in which the application writes what signals and tasks did.
pub fn results(test_dir: &TestDir, name: &str) -> PathBuf {
    test_dir.path(name)
}

/// Starts gunicorn with the application.
pub fn gunicorn<'s>(test_dir: &'s TestDir, name: &str, listen: &Listen, options: &[&str]) -> Program<'s> {
    test_dir.write(&format!("{name}/application.py"), APPLICATION);
    let bind = match listen {
        Listen::Tcp(_) => listen.to_string(),
        Listen::Unix(path) => format!("unix:{}", path.display()),
    };
    let mut command = Command::new(peer(Peer::Gunicorn));
    command
        .args(["--protocol", "uwsgi", "--workers", "1", "--no-control-socket", "--bind", &bind, "--chdir"])
        .arg(test_dir.path(name))
        .args(options)
        .arg("application");
    Program::start(test_dir, name, &mut command, &[listen])
}

/// Returns a client of the server that listens there.
pub fn client(listen: &Listen) -> Client {
    Client::new(&listen.to_string()).unwrap().with_total_timeout(TIMEOUT)
}

/// Waits for a file, and returns its content.
pub fn file(path: &Path) -> Vec<u8> {
    let start = Instant::now();
    loop {
        match std::fs::read(path) {
            Ok(bytes) => return bytes,
            Err(error) if start.elapsed() > TIMEOUT => panic!("{}: {error}", path.display()),
            // A pause between two looks.
            Err(_) => sleep(Duration::from_millis(5)),
        }
    }
}
