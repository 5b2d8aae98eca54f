//! Where the programs of other projects are.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// A program or file that `tests/peers` finds or installs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Apache,
    /// The directory of Apache's modules.
    ApacheModules,
    /// curl, the client.
    Curl,
    Gunicorn,
    Lighttpd,
    Nginx,
    /// The file `uwsgi_params` that nginx's package installs.
    NginxParams,
    Uwsgi,
    UwsgiCurl,
    /// Debian's uWSGI, whose plugins are separate files.
    UwsgiDebian,
    /// wrk, which measures an HTTP server under load.
    Wrk,
}

impl Peer {
    /// Returns the environment variable with its path. The file that `tests/peers` writes uses the same names.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Apache => "UWSGI_PEER_APACHE",
            Self::ApacheModules => "UWSGI_PEER_APACHE_MODULES",
            Self::Curl => "UWSGI_PEER_CURL",
            Self::Gunicorn => "UWSGI_PEER_GUNICORN",
            Self::Lighttpd => "UWSGI_PEER_LIGHTTPD",
            Self::Nginx => "UWSGI_PEER_NGINX",
            Self::NginxParams => "UWSGI_PEER_NGINX_PARAMS",
            Self::Uwsgi => "UWSGI_PEER_UWSGI",
            Self::UwsgiCurl => "UWSGI_PEER_UWSGI_CURL",
            Self::UwsgiDebian => "UWSGI_PEER_UWSGI_DEBIAN",
            Self::Wrk => "UWSGI_PEER_WRK",
        }
    }
}

/// Returns the path of a peer.
///
/// # Panics
///
/// If the peer is missing, so that the test fails and is not skipped. The message says what to do.
pub fn peer(peer: Peer) -> PathBuf {
    let name = peer.variable();
    let path = std::env::var(name).ok().or_else(|| found().get(name).cloned());
    let mut missing = String::new();
    match path {
        Some(path) if fs::exists(&path).unwrap_or(false) => return path.into(),
        Some(path) => write!(missing, "{path} ({name}) does not exist"),
        None => write!(missing, "{name} is not set"),
    }
    .expect("a string");
    panic!("{missing}: run tests/peers, which finds or installs the programs that these tests start");
}

/// Returns the version of a front end as numbers: 1.22.1 is `[1, 22, 1]`.
///
/// # Panics
///
/// If its output has no version.
pub fn version(of: Peer) -> Vec<u32> {
    let flag = if matches!(of, Peer::Gunicorn | Peer::Uwsgi | Peer::UwsgiDebian) { "--version" } else { "-v" };
    let output = Command::new(peer(of)).arg(flag).output().expect("a program");
    // nginx writes its version to standard error.
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    // nginx/1.22.1, Apache/2.4.71, lighttpd/1.4.69, 2.0.31
    let mut words = said.split(|c: char| !c.is_ascii_digit() && c != '.');
    let number = words.find(|word| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit()));
    let number = number.unwrap_or_else(|| panic!("{of:?} does not say its version: {said}"));
    number.split('.').filter_map(|part| part.parse().ok()).collect()
}

/// Returns what `tests/peers` wrote into cargo's target directory: lines of `NAME=path`.
fn found() -> &'static BTreeMap<String, String> {
    static FOUND: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let exe = std::env::current_exe().unwrap_or_default();
        let text = exe.ancestors().find_map(|dir| fs::read_to_string(dir.join("peers/env")).ok()).unwrap_or_default();
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.map(|(name, path)| (name.to_owned(), path.to_owned())).collect()
    })
}
