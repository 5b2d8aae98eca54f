//! The servers behind the gateway. All have the paths of the inspector.

use std::process::Command;

use uwsgi_tests::programs::{Listen, Peer, Program, TestDir, peer, uwsgi_worker, uwsgictl_serve};

const APPLICATION: &str = include_str!("../../src/programs/inspector.py");

/// A server behind the gateway.
#[derive(Debug, Clone, Copy)]
pub struct Backend {
    pub name: &'static str,
    /// Starts it, under a name that is unique in this test directory.
    pub start: for<'s> fn(&'s TestDir, &str, &Listen) -> Program<'s>,
    /// Whether its application sees the vars as they arrive. gunicorn 27 (`gunicorn/uwsgi/message.py`) makes a request of the
    /// vars of headers, and makes the other vars itself.
    pub passes_vars: bool,
}

/// The servers. The package `uwsgi-wsgi` tests the gateway with its own server.
pub const BACKENDS: &[Backend] = &[
    Backend { name: "uWSGI from PyPI", start: uwsgi, passes_vars: true },
    Backend { name: "uWSGI from Debian", start: uwsgi_debian, passes_vars: true },
    Backend {
        name: "gunicorn sync",
        start: |test_dir, name, listen| gunicorn(test_dir, name, listen, &["--worker-class", "sync"]),
        passes_vars: false,
    },
    Backend {
        name: "gunicorn gthread",
        start: |test_dir, name, listen| {
            gunicorn(test_dir, name, listen, &["--worker-class", "gthread", "--threads", "4"])
        },
        passes_vars: false,
    },
    Backend {
        name: "uwsgi-server",
        start: |test_dir, name, listen| uwsgictl_serve(test_dir, name, listen, &[]),
        passes_vars: true,
    },
    Backend {
        name: "uwsgi-tower",
        start: |test_dir, name, listen| axum(test_dir, name, listen, &[]),
        passes_vars: true,
    },
];

/// Starts uWSGI from PyPI.
pub fn uwsgi<'s>(test_dir: &'s TestDir, name: &str, listen: &Listen) -> Program<'s> {
    uwsgi_worker(test_dir, name, APPLICATION, listen, &[])
}

/// Starts uWSGI from PyPI with further options.
pub fn uwsgi_with<'s>(test_dir: &'s TestDir, name: &str, listen: &Listen, options: &[&str]) -> Program<'s> {
    let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    uwsgi_worker(test_dir, name, APPLICATION, listen, &options)
}

fn uwsgi_debian<'s>(test_dir: &'s TestDir, name: &str, listen: &Listen) -> Program<'s> {
    let module = test_dir.write(&format!("{name}/application.py"), APPLICATION);
    let mut command = Command::new(peer(Peer::UwsgiDebian));
    command
        .args(["--plugins", "python3", "--master", "--need-app", "--die-on-term", "--disable-logging"])
        .args([
            "--processes",
            "1",
            "--threads",
            "4",
            "--listen",
            "100",
            "--buffer-size",
            "65535",
            "--socket-timeout",
            "30",
        ])
        .args(["--socket", &listen.to_string(), "--wsgi-file"])
        .arg(module);
    Program::start(test_dir, name, &mut command, &[listen])
}

fn gunicorn<'s>(test_dir: &'s TestDir, name: &str, listen: &Listen, options: &[&str]) -> Program<'s> {
    test_dir.write(&format!("{name}/application.py"), APPLICATION);
    let mut command = Command::new(peer(Peer::Gunicorn));
    command
        .args(["--protocol", "uwsgi", "--workers", "1", "--no-control-socket", "--bind", &bind(listen), "--chdir"])
        .arg(test_dir.path(name))
        .args(options)
        .arg("application");
    Program::start(test_dir, name, &mut command, &[listen])
}

/// Starts the axum router that is served by `uwsgi-tower`, with further options.
pub fn axum<'s>(test_dir: &'s TestDir, name: &str, listen: &Listen, options: &[&str]) -> Program<'s> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_axum-server"));
    command.args(["app=inspector", "trace=warn", &format!("bind={}", bind(listen))]).args(options);
    Program::start(test_dir, name, &mut command, &[listen])
}

/// Returns the address with the prefix that a Unix socket needs.
fn bind(listen: &Listen) -> String {
    match listen {
        Listen::Tcp(_) => listen.to_string(),
        Listen::Unix(path) => format!("unix:{}", path.display()),
    }
}
