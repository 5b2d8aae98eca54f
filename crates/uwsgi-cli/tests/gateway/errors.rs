//! Wrong options: status 2, and a line that says what to do.

use std::net::TcpListener;

fn error_of(arguments: &[&str]) -> String {
    crate::program::error_of("gateway", arguments)
}

/// In particular `--http-keepalive true`, which uWSGI takes for 0 and so for off without a word (uwsgi-docs issue 445).
#[test]
fn invalid_values_name_their_option() {
    let (time, size) = ("not a time in seconds: write 10 or 0.5", "not a number of bytes: write 512, 64k, 10M or 1G");
    for (option, value, what) in [
        ("--http", "localhost", "no port from 0 to 65535: write host:port, or a path with a / in it"),
        ("--http", "http://localhost:8080/", "a URL, not an address: leave out http:// or uwsgi://, and the path"),
        ("--http", "fd:x", "no number after fd:"),
        ("--http-to", "fd:3", "a descriptor cannot be connected to: give the address it listens on"),
        ("--http-to", "uwsgi://localhost:3031", "a URL, not an address"),
        ("--http-to", "", "an empty address: write host:port, unix:/path, @name or fd:N"),
        ("--socket-mode", "rw", "not a file mode: write three digits from 0 to 7, such as 660"),
        ("--max-connections", "0", "0 is not in 1.."),
        ("--threads", "0", "0 is not in 1..=1024"),
        ("--http-var", "SERVER_ADMIN", "KEY=VALUE"),
        ("--http-var", "A=$no_such", "no_such"),
        ("--http-var", "CONTENT_LENGTH=5", "CONTENT_LENGTH"),
        ("--http-modifier1", "perl", "neither a number from 0 to 255 nor one of"),
        ("--http-modifier2", "256", "256 is not in 0..=255"),
        ("--trusted-proxy", "10.0.0.0/33", "nor unix: write 10.0.0.0/8, ::1 or unix"),
        ("--trusted-proxy", "proxy.example.com", "nor unix: write 10.0.0.0/8, ::1 or unix"),
        ("--trusted-proxy", "*", "nor unix: write 10.0.0.0/8, ::1 or unix"),
        ("--trusted-proxy", " ", "nor unix: write 10.0.0.0/8, ::1 or unix"),
        ("--trusted-header", "X Real IP", "not the name of a header: write X-Real-IP"),
        ("--forwarded", "add", "[possible values: replace, append, none]"),
        ("--underscores", "yes", "[possible values: allow, drop]"),
        ("--max-body", "10T", size),
        ("--buffer-memory", "64 M", size),
        ("--temp-max", "1.5G", size),
        ("--temp-dir", "/no/such/directory", "the directory does not exist: make it, or choose another"),
        ("--temp-dir", "/dev/null", "not a directory"),
        ("--http-headers-timeout", "10s", time),
        ("--http-keepalive", "true", time),
        ("--http-keepalive", "0", "the time must be more than 0 and at most 86400 seconds"),
        ("--http-connect-timeout", "1m", time),
        ("--http-timeout", "", time),
        ("--body-timeout", "86401", "the time must be more than 0 and at most 86400 seconds"),
        ("--send-timeout", "x", time),
        ("--websocket-timeout", "1h", time),
        ("--stop-timeout", "inf", time),
        ("--access-log-format", "apache", "[possible values: combined, json]"),
        ("--health-path", "health", "not a path: write /health, without ? and %"),
        ("--health-path", "/health?x", "not a path: write /health, without ? and %"),
        ("--server-header", "a\nb", "not the value of a header: it is empty, or has a control character"),
        ("--server-header", "", "not the value of a header: it is empty, or has a control character"),
    ] {
        let mut arguments = vec![option, value];
        if option != "--http-to" {
            arguments.extend(["--http-to", "127.0.0.1:3031"]);
        }
        let error = error_of(&arguments);
        assert!(error.starts_with("error: "), "{error}");
        assert!(error.contains(&format!("'{option} <")) || error.contains(&format!("'{option}'")), "{option}: {error}");
        assert!(error.contains(what), "{option} {value}: {error}");
    }
}

#[test]
fn options_that_do_not_go_together_are_errors() {
    let to = ["--http-to", "127.0.0.1:3031"];
    for (arguments, line) in [
        (&["--http-to", "127.0.0.1:3032"][..], "error: --http-to was given 2 times, but there can be one backend only"),
        (
            &["--forwarded", "append"],
            "error: --forwarded append: X-Forwarded-For can be appended to only if a proxy is trusted, and no proxy is: name \
             it with --trusted-proxy",
        ),
        (
            &["--trusted-proxy", "unix", "--trusted-header", "forwarded"],
            "error: --trusted-header: the header Forwarded is never passed on, so it cannot be a trusted header",
        ),
        (&["--trusted-header", "X-Real-IP"], "error: the following required arguments were not provided:"),
        (&["--http-keepalive"], "error: a value is required for '--http-keepalive <SECS>' but none was supplied"),
    ] {
        let error = error_of(&[&to, arguments].concat());
        assert_eq!(error.lines().next(), Some(line));
    }
    assert!(error_of(&[]).contains("--http-to <ADDR>"), "a gateway without a backend");
}

/// The messages are those of `serve`, which has tests for all of them.
#[test]
fn what_is_not_available_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    let to = ["--http-to", "127.0.0.1:3031"];
    let error = error_of(&[&to, &["--http", &*port][..]].concat());
    let expected = "is in use: stop the server that listens there, or choose another address";
    assert_eq!(error, format!("error: {port} {expected}\n"));
    let error = error_of(&["--http-to", "/"]);
    assert_eq!(error, "error: --http-to /: this is a directory: name the socket in it\n");
    let error = error_of(&[&to, &["--http", "127.0.0.1:0", "--access-log", "/no/such/directory/log"][..]].concat());
    assert!(error.starts_with("error: cannot write /no/such/directory/log: "), "{error}");
    assert_eq!(error.lines().count(), 1);
}
