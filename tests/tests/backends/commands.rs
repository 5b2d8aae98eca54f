//! The commands of `uwsgictl` that send requests, and real uWSGI.

use std::process::{Command, Output, Stdio};

use uwsgi_tests::programs::{Listen, TestDir, gunicorn, uwsgictl};

use crate::server::{APPLICATION, Uwsgi, file, results};

/// Returns a command with these words, and `--to` after them.
fn command(words: &[&str], listen: &Listen) -> Command {
    let mut command = uwsgictl();
    command.args(words).args(["--to", &listen.to_string()]).stdin(Stdio::null());
    command
}

fn run(words: &[&str], listen: &Listen) -> Output {
    command(words, listen).output().unwrap()
}

/// Runs a command that must succeed, and returns what it prints.
fn succeeds(words: &[&str], listen: &Listen) -> String {
    let output = run(words, listen);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && error.is_empty(), "{words:?}: {} {error}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that must fail, and returns its exit status and the error, which has at most one line.
fn fails(words: &[&str], listen: &Listen) -> (i32, String) {
    let output = run(words, listen);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.lines().count() <= 1, "{error}");
    (output.status.code().unwrap(), error)
}

#[test]
fn every_command_works_with_uwsgi() {
    let test_dir = TestDir::new();
    let listen = Listen::Unix(test_dir.path("uwsgi.sock"));
    std::fs::create_dir(test_dir.path("spool")).unwrap();
    let spool = test_dir.text_path("spool");
    let options = [
        "--cache2",
        "name=one,items=20,blocksize=70000",
        "--spooler",
        &spool,
        "--spooler-frequency",
        "1",
        "--buffer-size",
        "65535",
    ];
    let _server = Uwsgi::Pypi.start(&test_dir, "all", &listen, &options);

    assert!(succeeds(&["ping"], &listen).contains(": alive, after "));
    requests(&test_dir, &listen);

    assert_eq!(succeeds(&["rpc", "join", "a", "-1"], &listen), "a|-1");
    assert_eq!(succeeds(&["rpc", "repeat", "z", "100000"], &listen).len(), 100_000);
    let (status, error) = fails(&["rpc", "nobody"], &listen);
    assert!(
        status == 2 && error.ends_with("there is no such function, or it failed, or its result is empty\n"),
        "{error}"
    );

    succeeds(&["cache", "set", "k", "v1"], &listen);
    assert_eq!(succeeds(&["cache", "get", "k"], &listen), "v1");
    assert_eq!(fails(&["cache", "set", "k", "v2"], &listen).0, 1);
    let large = test_dir.write("large", vec![b'x'; 70_000]);
    succeeds(
        &["cache", "update", "k", "--file", large.to_str().unwrap(), "--cache", "one", "--expires", "100"],
        &listen,
    );
    assert_eq!(succeeds(&["cache", "get", "k", "--cache", "one"], &listen).len(), 70_000);
    succeeds(&["cache", "exists", "k"], &listen);
    succeeds(&["cache", "del", "k"], &listen);
    assert_eq!(fails(&["cache", "exists", "k"], &listen), (1, String::new()));
    assert_eq!(fails(&["cache", "get", "k"], &listen).0, 1);
    succeeds(&["cache", "set", "k", "v"], &listen);
    succeeds(&["cache", "clear"], &listen);
    assert_eq!(fails(&["cache", "del", "k"], &listen).0, 1);

    let body = test_dir.write("body", "the body\n");
    succeeds(&["spool", "name=cli", "size=100", "--body", body.to_str().unwrap()], &listen);
    let task: serde_json::Value = serde_json::from_slice(&file(&results(&test_dir, "all").join("task-cli"))).unwrap();
    assert_eq!((&task["size"], &task["body"]), (&"100".into(), &"the body\n".into()));

    succeeds(&["signal", "17"], &listen);
    assert_eq!(file(&results(&test_dir, "all").join("signal-17")), b"seen");
}

fn requests(test_dir: &TestDir, listen: &Listen) {
    let url = "http://example.com/a%20b?x=1";
    assert_eq!(succeeds(&["request", url], listen), format!("GET {url}"));
    let head = succeeds(&["request", "/status/299", "-I"], listen);
    assert!(head.starts_with("HTTP/1.1 299 Indeed\r\nContent-Type: text/plain\r\n"), "{head}");
    let vars = succeeds(&["request", "/vars", "--var", "REMOTE_USER=alice", "-H", "X-Y: z"], listen);
    let vars: serde_json::Value = serde_json::from_str(&vars).unwrap();
    assert_eq!((&vars["REMOTE_USER"], &vars["HTTP_X_Y"]), (&"alice".into(), &"z".into()));
    assert_eq!(succeeds(&["request", "/echo", "-d", "a=b"], listen), "a=b");

    // The server echoes a file, which comes from a file or from a pipe.
    let content: Vec<u8> = (0..=255).cycle().take(5_000_000).collect();
    let (from, into) = (test_dir.write("from", &content), test_dir.text_path("into"));
    succeeds(&["request", "/echo", "-T", from.to_str().unwrap(), "-o", &into], listen);
    assert!(std::fs::read(&into).unwrap() == content);
    for length in [&[][..], &["-H", "Content-Length: 5000000"]] {
        let mut cat = Command::new("cat").arg(&from).stdout(Stdio::piped()).spawn().unwrap();
        let mut command = command(&[&["request", "/echo", "-T", "-"], length].concat(), listen);
        let output = command.stdin(cat.stdout.take().unwrap()).output().unwrap();
        assert!(output.status.success() && output.stdout == content, "{}", String::from_utf8_lossy(&output.stderr));
        cat.wait().unwrap();
    }

    let refused = run(&["request", "/refuse", "-T", from.to_str().unwrap(), "--fail"], listen);
    assert_eq!(refused.status.code(), Some(22));
    let (status, error) = fails(&["request", "/bytes/100", "-o", "/dev/full"], listen);
    assert_eq!((status, &*error), (23, "error: cannot write /dev/full: No space left on device (os error 28)\n"));
    let (status, error) = fails(&["request", "/", "--modifier1", "psgi"], listen);
    assert!(status == 2 && error.contains("the server closed without an answer"), "{error}");
}

#[test]
fn gunicorn_takes_only_web_requests() {
    let test_dir = TestDir::new();
    let listen = Listen::tcp();
    let _server = gunicorn(&test_dir, "gunicorn", APPLICATION, &listen);
    assert_eq!(succeeds(&["request", "/echo", "-d", "a=b"], &listen), "a=b");
    for words in [&["ping"][..], &["rpc", "f", "x"], &["cache", "get", "k"], &["signal", "1"], &["spool", "a=b"]] {
        let (status, error) = fails(words, &listen);
        assert!(status == 2 && error.contains("does this server take anything but web requests?"), "{error}");
    }
}

/// A subscription from the command line. `routers` has further tests of subscriptions.
#[test]
fn subscribe_announces_a_backend_until_it_ends() {
    let test_dir = TestDir::new();
    let router = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let front = Listen::Unix(test_dir.path("front.sock"));
    let mut command = Uwsgi::Pypi.command("fastrouter");
    command.args(["--master", "--die-on-term", "--fastrouter", &front.to_string()]);
    command.args(["--fastrouter-subscription-server", &router.to_string()]);
    let _router = uwsgi_tests::programs::Program::start(&test_dir, "router", &mut command, &[&front]);
    let node = Listen::Unix(test_dir.path("node.sock"));
    let _node = Uwsgi::Pypi.start(&test_dir, "node", &node, &[]);

    let mut subscribe = uwsgictl();
    subscribe.args(["subscribe", "--to", &router.to_string(), "--key", "example.com", "--address", &node.to_string()]);
    subscribe.args(["--every", "5"]);
    let subscribe = uwsgi_tests::programs::Program::start(&test_dir, "subscribe", &mut subscribe, &[]);
    until("the node has joined", || run(&["request", "http://example.com/key"], &front).stdout == b"node example.com");
    let kill = Command::new("kill").args(["-INT", &subscribe.id().unwrap().to_string()]).status().unwrap();
    assert!(kill.success());
    until("the node has left", || run(&["request", "http://example.com/key"], &front).status.code() == Some(2));
}

/// Waits until something is so.
fn until(expected: &str, mut is_so: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !is_so() {
        assert!(start.elapsed() < crate::server::TIMEOUT, "not in time: {expected}");
        // A pause between two looks.
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
