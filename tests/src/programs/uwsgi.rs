//! uWSGI with its HTTP router or its Python workers, and uwsgi_curl of uwsgi-tools.

use std::process::Command;

use super::{Listen, Peer, Program, Snippet, TestDir, peer};

/// Starts uWSGI with this configuration: its HTTP router alone.
pub fn uwsgi_http<'s>(test_dir: &'s TestDir, name: &str, ini: &Snippet, listens: &[&Listen]) -> Program<'s> {
    let ini = test_dir.write(&format!("{name}.ini"), ini.text());
    let mut command = Command::new(peer(Peer::Uwsgi));
    command.arg("--ini").arg(ini);
    Program::start(test_dir, name, &mut command, listens)
}

/// Starts uWSGI with a WSGI application, the object `application` of this source, and further options.
pub fn uwsgi_worker<'s>(
    test_dir: &'s TestDir,
    name: &str,
    application: &str,
    listen: &Listen,
    options: &[String],
) -> Program<'s> {
    let module = test_dir.write(&format!("{name}/application.py"), application);
    let mut command = Command::new(peer(Peer::Uwsgi));
    command
        .args(["--master", "--need-app", "--die-on-term", "--disable-logging", "--chmod-socket=666"])
        .args(["--processes", "1", "--threads", "8", "--listen", "100"])
        // The defaults are 4096 bytes and 4 seconds.
        .args(["--buffer-size", "65535", "--socket-timeout", "30"])
        .args(["--socket", &listen.to_string(), "--wsgi-file"])
        .arg(module)
        .args(options);
    Program::start(test_dir, name, &mut command, &[listen])
}

/// Returns the command uwsgi_curl, which sends one request and prints the response.
pub fn uwsgi_curl() -> Command {
    Command::new(peer(Peer::UwsgiCurl))
}
