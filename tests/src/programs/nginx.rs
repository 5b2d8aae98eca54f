//! nginx.

use std::fs;
use std::process::Command;

use rustix::process::geteuid;

use super::{Listen, Peer, Program, Snippet, TestDir, peer};

/// Starts nginx with these `upstream` and `server` blocks, in a minimal `nginx.conf`.
pub fn nginx<'s>(test_dir: &'s TestDir, name: &str, site: &Snippet, listens: &[&Listen]) -> Program<'s> {
    // nginx looks for a relative include in the directory of nginx.conf.
    let params = fs::read(peer(Peer::NginxParams)).expect("uwsgi_params");
    test_dir.write(&format!("{name}/uwsgi_params"), params);
    test_dir.write(&format!("{name}/site.conf"), site.text());
    let conf = test_dir.write(&format!("{name}/nginx.conf"), wrapper(&test_dir.text_path(name)));
    let mut command = Command::new(peer(Peer::Nginx));
    command.args(["-e", "stderr", "-c"]).arg(conf);
    Program::start(test_dir, name, &mut command, listens)
}

fn wrapper(dir: &str) -> String {
    // As root, nginx would run its workers as a user who may not read the files of the test.
    let user = if geteuid().is_root() { "user root;" } else { "" };
    format!(
        "daemon off;
{user}
worker_processes 1;
pid {dir}/pid;
error_log stderr info;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {dir}/client_body;
    fastcgi_temp_path {dir}/fastcgi;
    proxy_temp_path {dir}/proxy;
    scgi_temp_path {dir}/scgi;
    uwsgi_temp_path {dir}/uwsgi;
    include site.conf;
}}
"
    )
}
