//! The programs of this project, built from this tree.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::{Listen, Program, TestDir};

/// Returns the command `uwsgictl`: the file that the environment variable `UWSGICTL` names, or the one that a build has left.
/// Otherwise it is built now, so that it is never out of date.
///
/// # Panics
///
/// If it does not build.
pub fn uwsgictl() -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || build(&["--package", "uwsgi-cli", "--bin", "uwsgictl"]);
    let named = || std::env::var_os("UWSGICTL").map(PathBuf::from);
    Command::new(BUILT.get_or_init(|| named().or_else(|| already_built("uwsgictl")).unwrap_or_else(build)))
}

/// Returns the path of an example of `uwsgi-tower`: the one that a build has left, or one built now with these features.
///
/// # Panics
///
/// If it does not build.
pub fn example(name: &str, features: &[&str]) -> PathBuf {
    let build = || build(&["--package", "uwsgi-tower", "--example", name, "--features", &features.join(",")]);
    already_built(Path::new("examples").join(name)).unwrap_or_else(build)
}

/// Returns a program in the directory that `UWSGI_BUILT` names. `tests/execute` builds all programs there in one go,
/// with the features of all of them together. Building one program alone takes minutes, since most dependencies are
/// built again with other features.
fn already_built(name: impl AsRef<Path>) -> Option<PathBuf> {
    std::env::var_os("UWSGI_BUILT").map(|directory| Path::new(&directory).join(name))
}

/// Builds one program; returns its path.
fn build(what: &[&str]) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--quiet", "--message-format", "json"])
        .args(what)
        .current_dir(workspace)
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo");
    assert!(output.status.success(), "{what:?} does not build: {}", output.status);
    let lines = output.stdout.split(|byte| *byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok());
    let built = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back();
    built.unwrap_or_else(|| panic!("cargo does not say where {what:?} is"))
}

/// Starts `uwsgictl serve` at this address with further options: the blocking server with the inspector.
pub fn uwsgictl_serve<'s>(test_dir: &'s TestDir, name: &str, listen: &Listen, options: &[String]) -> Program<'s> {
    let mut command = uwsgictl();
    command.args(["serve", "--bind", &listen.to_string()]).args(options);
    if let Listen::Unix(_) = listen {
        // Where Apache is started as root, its workers run as another user.
        command.args(["--socket-mode", "666"]);
    }
    Program::start(test_dir, name, &mut command, &[listen])
}
