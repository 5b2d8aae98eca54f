//! lighttpd with mod_scgi, which speaks uwsgi too.

use std::process::Command;

use super::{Listen, Peer, Program, Snippet, TestDir, peer};

/// Starts lighttpd with this configuration, on loopback.
pub fn lighttpd<'s>(test_dir: &'s TestDir, name: &str, site: &Snippet, listens: &[&Listen]) -> Program<'s> {
    let dir = test_dir.text_path(name);
    let mut conf = format!("server.bind = \"127.0.0.1\"\nserver.upload-dirs = ( \"{dir}\" )\n");
    // lighttpd does not start without one.
    if !site.text().contains("server.document-root") {
        conf += &format!("server.document-root = \"{dir}\"\n");
    }
    let conf = test_dir.write(&format!("{name}/lighttpd.conf"), conf + site.text());
    let mut command = Command::new(peer(Peer::Lighttpd));
    command.args(["-D", "-f"]).arg(conf);
    Program::start(test_dir, name, &mut command, listens)
}
