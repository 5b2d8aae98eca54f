//! Apache httpd with mod_proxy_uwsgi.

use std::fmt::Write;
use std::process::Command;

use rustix::process::geteuid;

use super::{Listen, Peer, Program, Snippet, TestDir, peer};

/// The modules that the snippets and the tests need. The multi-processing module is built in or one of these.
const MODULES: [&str; 13] = [
    "mpm_event",
    "alias",
    "authz_core",
    "env",
    "headers",
    "lbmethod_byrequests",
    "proxy",
    "proxy_balancer",
    "proxy_http",
    "proxy_uwsgi",
    "rewrite",
    "slotmem_shm",
    "unixd",
];

/// Starts Apache with these `VirtualHost` blocks, in a minimal `apache2.conf`.
pub fn apache<'s>(test_dir: &'s TestDir, name: &str, site: &Snippet, listens: &[&Listen]) -> Program<'s> {
    let site = test_dir.write(&format!("{name}/site.conf"), site.text());
    let dir = test_dir.text_path(name);
    let mut conf = format!(
        "ServerRoot {dir}
ServerName localhost
PidFile {dir}/pid
DefaultRuntimeDir {dir}
Mutex file:{dir} default
ErrorLog /dev/stderr
LogLevel info
StartServers 1
ServerLimit 8
ThreadsPerChild 25
MaxRequestWorkers 200
"
    );
    let modules = peer(Peer::ApacheModules);
    for module in MODULES {
        let file = modules.join(format!("mod_{module}.so"));
        // A module without a file is built into the binary.
        if file.exists() {
            writeln!(conf, "LoadModule {module}_module {}", file.display()).expect("a string");
        }
    }
    if geteuid().is_root() {
        conf.push_str("User www-data\nGroup www-data\n");
    }
    for listen in listens {
        writeln!(conf, "Listen {listen}").expect("a string");
    }
    writeln!(conf, "Include {}", site.display()).expect("a string");
    let conf = test_dir.write(&format!("{name}/apache2.conf"), conf);
    let mut command = Command::new(peer(Peer::Apache));
    command.args(["-D", "FOREGROUND", "-f"]).arg(conf);
    Program::start(test_dir, name, &mut command, listens)
}
