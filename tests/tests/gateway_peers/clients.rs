//! Real clients: curl and wrk.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use uwsgi_tests::programs::{Listen, Peer, TestDir, peer};

use crate::application::{bytes, counted};
use crate::backends::{axum, uwsgi};
use crate::front::gateway;

/// Runs curl with these arguments on a URL; returns what it printed.
fn curl(url: &str, arguments: &[&str], input: Option<&Path>) -> Vec<u8> {
    let stdin = input.map_or_else(Stdio::null, |path| fs::File::open(path).expect("a file").into());
    let output = Command::new(peer(Peer::Curl))
        .args(["--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time", "60"])
        .args(arguments)
        .arg(url)
        .stdin(stdin)
        .output()
        .expect("curl");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "curl {arguments:?} {url}: {} {said}", output.status);
    output.stdout
}

#[test]
fn with_curl() {
    let test_dir = TestDir::new();
    let listen = Listen::Unix(test_dir.path("app.sock"));
    let _backend = uwsgi(&test_dir, "backend", &listen);
    let running = gateway(&test_dir, "gateway", &listen, &[]);
    let url = |target: &str| format!("http://{}{target}", running.address);
    let upload = test_dir.write("upload", bytes(20_000_000));
    let file = upload.display().to_string();
    let download = test_dir.path("download");

    let saw = |output: Vec<u8>, wanted: &[&str]| {
        let text = String::from_utf8(output).expect("text");
        wanted.iter().for_each(|wanted| assert!(text.contains(wanted), "no {wanted:?} in {text}"));
    };
    let sha256 = crate::application::sha256(bytes(20_000_000));
    let uploaded = [r#"["CONTENT_LENGTH", "20000000"]"#, &sha256];
    saw(curl(&url("/a%20b?x=1"), &[], None), &[r#"["PATH_INFO", "/a b"]"#, r#"["QUERY_STRING", "x=1"]"#]);
    saw(curl(&url("/"), &["--data", "name=value"], None), &[r#"["CONTENT_LENGTH", "10"]"#, r#""length": 10"#]);
    saw(curl(&url("/bytes/1000"), &["--head"], None), &["content-length: 1000\r\n"]);
    // curl sends `Expect: 100-continue` before a large body, and waits for a second if the answer does not come.
    let verbose = ["--verbose", "--stderr", "-", "--expect100-timeout", "20", "--header", "Expect: 100-continue"];
    let output = curl(&url("/"), &[&verbose[..], &["--upload-file", &file]].concat(), None);
    let text = String::from_utf8_lossy(&output);
    assert!(text.contains("HTTP/1.1 100 Continue"), "{text}");
    saw(output, &uploaded);
    saw(curl(&url("/"), &["--upload-file", "-"], Some(&upload)), &uploaded);
    saw(curl(&url("/"), &["--form", &format!("file=@{file}")], None), &["multipart/form-data"]);
    curl(&url("/bytes/20000000"), &["--output", &download.display().to_string()], None);
    assert!(fs::read(&download).expect("a file") == counted(20_000_000));
    // HTTP/1.0 and 1.1, without and with a length; two requests over one connection.
    assert!(curl(&url("/stream/1000000?chunk=5000"), &["--http1.0"], None) == counted(1_000_000));
    assert!(curl(&url("/stream/1000000?chunk=5000"), &[], None) == counted(1_000_000));
    let verbose = curl(&url("/status/[200-201]"), &["--verbose", "--stderr", "-"], None);
    let text = String::from_utf8_lossy(&verbose);
    assert!(text.contains("Re-using existing connection"), "{text}");
}

/// wrk counts errors of sockets, and answers with a status other than 2xx and 3xx.
#[test]
fn with_wrk() {
    let test_dir = TestDir::new();
    let listen = Listen::Unix(test_dir.path("app.sock"));
    let _backend = axum(&test_dir, "backend", &listen, &[]);
    let running = gateway(&test_dir, "gateway", &listen, &[]);
    let output = Command::new(peer(Peer::Wrk))
        .args(["--threads", "1", "--connections", "16", "--duration", "2s", "--timeout", "20s"])
        .arg(format!("http://{}/status/200", running.address))
        .output()
        .expect("wrk");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("Socket errors") && !said.contains("Non-2xx"), "{said}");
    let requests = said.lines().find_map(|line| line.trim().split_once(" requests in ")?.0.parse::<u32>().ok());
    assert!(requests.is_some_and(|requests| requests >= 100), "{said}");
    // It does count them.
    let output = Command::new(peer(Peer::Wrk))
        .args(["--threads", "1", "--connections", "1", "--duration", "1s"])
        .arg(format!("http://{}/status/403", running.address))
        .output()
        .expect("wrk");
    assert!(String::from_utf8_lossy(&output.stdout).contains("Non-2xx"), "{output:?}");
}
