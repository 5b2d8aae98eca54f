//! gunicorn in its uwsgi mode.

use std::process::Command;

use super::{Listen, Peer, Program, TestDir, peer};

/// Starts gunicorn with a WSGI application: the object `application` of this source.
pub fn gunicorn<'s>(test_dir: &'s TestDir, name: &str, application: &str, listen: &Listen) -> Program<'s> {
    test_dir.write(&format!("{name}/application.py"), application);
    let bind = match listen {
        Listen::Tcp(_) => listen.to_string(),
        Listen::Unix(path) => format!("unix:{}", path.display()),
    };
    let mut command = Command::new(peer(Peer::Gunicorn));
    command
        .args(["--protocol", "uwsgi", "--worker-class", "gthread", "--workers", "1", "--threads", "8"])
        .args(["--no-control-socket", "--umask", "0", "--bind", &bind, "--chdir"])
        .arg(test_dir.path(name))
        .arg("application");
    Program::start(test_dir, name, &mut command, &[listen])
}
