//! Wrong command lines whose message says what was meant, and the environment variable that names the server.

use std::process::Output;

use crate::server::answering;
use crate::{RunResult, command, run, scratch};

/// Runs a command with the server named by the environment.
fn run_at(to: &str, arguments: &[&str]) -> RunResult {
    let output: Output = command(arguments).env("UWSGICTL_TO", to).output().unwrap();
    RunResult::from(output)
}

#[test]
fn an_address_without_its_option_has_a_hint() {
    let directory = scratch("hints");
    let socket = directory.join("s");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let socket = socket.to_str().unwrap();
    let names = |address: &str| format!("the option --to names the address: --to {address}");
    for (arguments, hint) in [
        (&["ping", "127.0.0.1:3031"][..], names("127.0.0.1:3031")),
        (&["ping", "app:3031"], names("app:3031")),
        (&["ping", ":3031"], names(":3031")),
        (&["ping", "unix:/run/app.sock"], names("unix:/run/app.sock")),
        (&["ping", "/run/app.sock"], names("/run/app.sock")),
        (&["ping", "@app"], names("@app")),
        (&["check", "127.0.0.1:3031"], names("127.0.0.1:3031")),
        (&["cache", "get", "127.0.0.1:3031", "key"], names("127.0.0.1:3031")),
        (&["rpc", "app:3031", "hello"], names("app:3031")),
        (&["request", "127.0.0.1:3031"], names("127.0.0.1:3031")),
        (&["request", "127.0.0.1:3031", "/"], names("127.0.0.1:3031")),
        (&["request", socket], names(socket)),
        (&["ping", "http://app:3031/"], "a URL names no server, --to does: --to app:3031".to_owned()),
        (
            &["request", "http://127.0.0.1:3031/a?b=c"],
            "a URL names no server, --to does: --to 127.0.0.1:3031 /a?b=c".to_owned(),
        ),
        (&["bench", "http://app:3031"], "a URL names no server, --to does: --to app:3031 /".to_owned()),
        (&["request", "/"], "the environment variable UWSGICTL_TO can name the server too".to_owned()),
        (&["request", "http://app/"], "the environment variable UWSGICTL_TO can name the server too".to_owned()),
        (&["request", "--to", "@a", "/", "-A", "x"], "write -H 'User-Agent: NAME'".to_owned()),
        (
            &["request", "--to", "@a", "/", "--json", "{}"],
            "write -d DATA -H 'Content-Type: application/json'".to_owned(),
        ),
        (&["serve", ":3031"], "the option --bind names the address: --bind :3031".to_owned()),
        (
            &["gateway", "127.0.0.1:8080", "--http-to", "@app"],
            "the option --http names the address: --http 127.0.0.1:8080".to_owned(),
        ),
    ] {
        let result = run(arguments);
        assert_eq!((result.status, result.text()), (2, ""), "{arguments:?}");
        assert!(result.stderr.contains(&format!("\n  tip: {hint}\n")), "{arguments:?}: {}", result.stderr);
    }
    // There is nothing to say about these.
    for arguments in
        [&["ping", "--to", "@a", "@b"][..], &["decode", "--to", "127.0.0.1:1"], &["ping", "x"], &["x", "127.0.0.1:1"]]
    {
        let result = run(arguments);
        assert!(result.status == 2 && !result.stderr.contains("names the address"), "{}", result.stderr);
    }
    // Clap offers to write a value that begins with - after --, also where such a value is wrong in any case.
    for (arguments, is_offered) in
        [(&["request", "-Z"][..], false), (&["ping", "-Z"], false), (&["rpc", "--to", "@a", "f", "-Z"], true)]
    {
        let result = run(arguments);
        assert_eq!(result.stderr.contains("use '-- -Z'"), is_offered, "{}", result.stderr);
        assert_eq!(result.status, 2);
    }
    assert!(run(&["ping", "--too", "@a"]).stderr.contains("a similar argument exists: '--to'"));
    assert!(!run(&["subscribe", "--key", "a", "--address", "@b"]).stderr.contains("UWSGICTL_TO"));
}

#[test]
fn the_environment_names_the_server() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let server = answering(1, answer);
    assert_eq!(run_at(&server.address, &["request", "/"]).success(), b"hello");
    server.end();
    // The option counts.
    let server = answering(1, answer);
    assert_eq!(run_at("127.0.0.1:1", &["request", "/", "--to", &server.address]).success(), b"hello");
    server.end();
    for arguments in [&["ping"][..], &["cache", "clear"], &["check"], &["bench"], &["rpc", "f"], &["signal", "1"]] {
        let result = run_at("127.0.0.1:1", arguments);
        assert!(result.stderr.contains("127.0.0.1:1"), "{arguments:?}: {}", result.stderr);
        let result = run_at("wrong", arguments);
        assert_eq!(result.status, 2);
        for part in [
            "invalid value 'wrong' for '--to <ADDR>'",
            "\n  tip: the value is that of the environment variable UWSGICTL_TO\n",
        ] {
            assert!(result.stderr.contains(part), "{arguments:?}: {}", result.stderr);
        }
    }
    // A router is no server: a subscription would go to the wrong program.
    let result = run_at("127.0.0.1:1", &["subscribe", "--key", "a", "--address", "@a"]);
    assert!(result.stderr.contains("--to <ADDR>"), "{}", result.stderr);
    assert!(!run_at("wrong", &["ping", "--to", "also-wrong"]).stderr.contains("UWSGICTL_TO"));
}

#[test]
fn what_is_no_socket_is_said_so() {
    let directory = scratch("no-socket");
    let file = directory.join("file");
    std::fs::write(&file, "x").unwrap();
    let (directory, file) = (directory.to_str().unwrap(), file.to_str().unwrap());
    let request: &[&str] = &["request", "/"];
    let subscribe: &[&str] = &["subscribe", "--key", "a", "--address", "@b"];
    for command in [&["ping"][..], request, &["rpc", "f"], &["bench"], &["check"], subscribe] {
        for (path, what) in
            [(directory, "this is a directory: name the socket in it"), (file, "this is a file, not a socket")]
        {
            let result = run(&[command, &["--to", path]].concat());
            assert_eq!(result.status, 2, "{command:?}");
            let start = if command == ["check"] { "error: cannot check " } else { "error: --to " };
            assert_eq!(result.stderr, format!("{start}{path}: {what}\n"), "{command:?}");
        }
    }
}

#[test]
fn a_url_is_no_address() {
    for (text, what) in [
        ("http://127.0.0.1:3031/", "a URL, not an address: write 127.0.0.1:3031"),
        ("uwsgi://app:3031", "a URL, not an address: write app:3031"),
        ("http://[::1]:3031/x", "a URL, not an address: write [::1]:3031"),
        ("http://app/", "a URL, not an address: leave out http:// or uwsgi://, and the path"),
    ] {
        for command in [&["ping"][..], &["check"], &["bench"], &["request", "/"]] {
            let result = run(&[command, &["--to", text]].concat());
            let first = result.stderr.lines().next().unwrap();
            assert_eq!(first, format!("error: invalid value '{text}' for '--to <ADDR>': {what}"));
        }
    }
    let result = run(&["request", "--to", "@app", "http://alice:secret@example.com/"]);
    assert!(result.stderr.ends_with(": give it with -u USER:PASSWORD\n"), "{}", result.stderr);
}
