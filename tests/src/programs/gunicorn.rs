//! gunicorn in its uwsgi mode.

use std::process::Command;

use super::{Listen, Peer, Program, Stage, peer};

/// Starts gunicorn with a WSGI application: the object `application` of this source.
pub fn gunicorn<'s>(stage: &'s Stage, name: &str, application: &str, listen: &Listen) -> Program<'s> {
    stage.write(&format!("{name}/application.py"), application);
    let bind = match listen {
        Listen::Tcp(_) => listen.to_string(),
        Listen::Unix(path) => format!("unix:{}", path.display()),
    };
    let mut command = Command::new(peer(Peer::Gunicorn));
    command
        .args(["--protocol", "uwsgi", "--worker-class", "gthread", "--workers", "1", "--threads", "8"])
        .args(["--no-control-socket", "--umask", "0", "--bind", &bind, "--chdir"])
        .arg(stage.path(name))
        .arg("application");
    Program::start(stage, name, &mut command, &[listen])
}
