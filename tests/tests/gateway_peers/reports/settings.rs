//! A keep-alive of `true`: the router starts, and closes every connection, since the setting is a number of seconds.

use std::process::Stdio;

use uwsgi_tests::programs::{Listen, Port, TestDir, uwsgictl};

use crate::application::expect;
use crate::front::{Front, arguments};

pub fn check(test_dir: &TestDir, front: Front) -> Result<(), String> {
    let listen = Listen::Unix(test_dir.path("app.sock"));
    if front == Front::Router {
        let _running = front.start(test_dir, "front", &listen, &[], &["http-keepalive = true"]);
        return Err("it starts".to_owned());
    }
    for (option, value) in
        [("--http-keepalive", "true"), ("--http-timeout", "soon"), ("--max-body", "big"), ("--http-to", "x")]
    {
        let mut command = uwsgictl();
        command.arg("gateway").args(arguments(Port::free().address(), &listen)).args([option, value]);
        let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stderr);
        expect(output.status.code() == Some(2), || format!("{option} {value}: {} {said}", output.status))?;
        expect(said.contains(option) && said.contains(value), || format!("{option} {value}: {said}"))?;
    }
    Ok(())
}
