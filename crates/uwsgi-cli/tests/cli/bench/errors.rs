//! Errors, and how they are reported.

use super::*;

#[test]
fn errors_are_counted_by_their_kind() {
    let absent = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let silent = Server::new(|_, mut stream| while packet(&mut stream).is_some() {});
    // A close resets the connection if bytes are unread.
    let resets = Server::new(|_, mut stream| {
        stream.read_exact(&mut [0]).unwrap();
        // The rest of the request arrives before the close.
        thread::sleep(Duration::from_millis(20));
    });
    let missing = scratch("bench-missing").join("app.sock");
    let answering = |answer| Server::answering(answer).address;
    for (to, kind) in [
        (absent, "connect_refused"),
        (missing.to_str().unwrap().to_owned(), "connect_failed"),
        (silent.address, "timeout"),
        (resets.address, "reset"),
        (answering(b""), "no_answer"),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Le"), "cut_short"),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello"), "cut_short"),
        (answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), "cut_short"),
        (answering(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "malformed_head"),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello"), "malformed_head"),
        (answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello"), "malformed_body"),
        (answering(b"HTTP/1.1 102 Processing\r\n\r\n".repeat(101).leak()), "too_many_interim"),
    ] {
        // Only the row of the timeout has a short timeout: any late error would be a timeout.
        let timeout = if kind == "timeout" { "0.3" } else { "60" };
        let result = bench(&to, &["-n", "3", "-c", "2", "--timeout", timeout, "--json"]);
        let report: Value = serde_json::from_str(result.text()).unwrap();
        assert_eq!(
            (report["errors"][kind]["count"].as_u64(), report["requests"]["failed"].as_u64()),
            (Some(3), Some(3)),
            "{report}"
        );
        assert_eq!(report["latency_us"], Value::Null);
        assert_eq!((result.status, &*result.stderr), (2, &*format!("error: {to}: no request was answered\n")));
    }
}

/// The server closes a kept connection at the next request, which is then sent again on a new connection.
#[test]
fn a_request_that_is_sent_twice_is_an_error() {
    let closes_kept_connections = || {
        Server::new(|_, mut stream| {
            packet(&mut stream).unwrap();
            stream.write_all(KEPT).unwrap();
            let _next = stream.read_exact(&mut [0]);
        })
    };
    let server = closes_kept_connections();
    let report = bench_json(&server.address, &["-n", "10", "-c", "1", "--keepalive"]);
    assert_eq!((&report["requests"]["answered"], &report["requests"]["failed"]), (&1.into(), &9.into()));
    assert_eq!((&report["errors"]["repeated"]["count"], server.connections()), (&9.into(), 10));
    assert_eq!((&report["statuses"], &report["requests"]["all"]), (&serde_json::json!({"200": 1}), &10.into()));
    let text = bench(&closes_kept_connections().address, &["-n", "3", "-c", "1", "--keepalive"]).success();
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains(
            "2 the server had closed a connection that it said it keeps; the request was answered on a new connection"
        ),
        "{text}"
    );

    // Without --keepalive there is no kept connection.
    let report = bench_json(&closes_kept_connections().address, &["-n", "10", "-c", "1"]);
    assert_eq!(report["requests"]["answered"], 10);
}

/// Each thread has a poll and a timer, which need descriptors too.
#[cfg(target_os = "linux")]
#[test]
fn many_threads_have_enough_descriptors() {
    let server = Server::new(|_, mut stream| {
        packet(&mut stream).unwrap();
        // The simulated work of the server keeps all connections open.
        thread::sleep(Duration::from_millis(500));
        stream.write_all(HELLO).unwrap();
    });
    let arguments = "-c 256 --threads 256 --rate 2000 -n 256 --timeout 60 --json";
    let bench =
        format!("ulimit -Sn 300; exec {} bench --to {} {arguments}", env!("CARGO_BIN_EXE_uwsgictl"), server.address);
    let result = RunResult::from(Command::new("sh").args(["-c", &bench]).output().unwrap());
    let report: Value = serde_json::from_slice(&result.stdout).unwrap_or_else(|_| panic!("{}", result.stderr));
    assert_eq!((&report["errors"], &report["requests"]["answered"]), (&serde_json::json!({}), &256.into()), "{report}");
}

#[test]
fn a_run_with_some_errors_succeeds() {
    let server = Server::new(|number, mut stream| {
        packet(&mut stream).unwrap();
        let answer: &[u8] = match number % 4 {
            0 => b"",
            1 => b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
            _ => HELLO,
        };
        stream.write_all(answer).unwrap();
    });
    let report = bench_json(&server.address, &["-n", "40", "-c", "4"]);
    assert_eq!(report["statuses"], serde_json::json!({"200": 20, "503": 10}));
    assert_eq!(report["errors"]["no_answer"]["count"], 10);
    assert_eq!((&report["requests"]["answered"], &report["requests"]["failed"]), (&30.into(), &10.into()));
    let text = bench(&server.address, &["-n", "8", "-c", "4"]).success();
    let text = String::from_utf8(text).unwrap();
    for line in
        ["answered  6\n", "4 with status 200\n", "2 with status 503\n", "failed    2\n", "2 the connection was closed"]
    {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[test]
fn a_run_without_a_listener_ends_early() {
    let absent = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let missing = scratch("bench-absent").join("app.sock");
    for to in [&*absent, missing.to_str().unwrap()] {
        for arguments in [&["-d", "60"][..], &["-n", "10000000"], &["-d", "60", "--rate", "50"]] {
            let begun = Instant::now();
            let result = bench(to, arguments);
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
            let why = "no request was answered, and the run ended early: is the server running?";
            assert_eq!((result.status, &*result.stderr), (2, &*format!("error: {to}: {why}\n")));
            assert!(result.text().contains(" s, ended early\n"), "{}", result.text());
            assert!(result.text().contains("nothing listens there") || result.text().contains("the connection failed"));
        }
    }
    // A slow server is not an absent server.
    let server = Server::new(|_, mut stream| {
        packet(&mut stream).unwrap();
        // The simulated work of the server takes longer than the time after which a run without a listener ends.
        thread::sleep(Duration::from_millis(1500));
        stream.write_all(HELLO).unwrap();
    });
    assert_eq!(bench_json(&server.address, &["-n", "2"])["requests"]["answered"], 2);
}

#[test]
fn wrong_arguments_are_errors_of_one_line() {
    let capture = capture("nginx/post-10.bin");
    let cut = scratch("bench-cut").join("cut.bin");
    let packet = std::fs::read(&capture).unwrap();
    std::fs::write(&cut, &packet[..packet.len() - 1]).unwrap();
    let server = Server::answering(HELLO);
    for (to, arguments, message) in [
        ("/", &[][..], "--to /: this is a directory: name the socket in it"),
        (
            &*server.address,
            &["example.com"],
            "example.com: neither a URL that begins with http:// or https:// nor a path",
        ),
        (&server.address, &["http://"], "the URL http:// "),
        (&server.address, &["-H", "nothing"], "-H 'nothing': neither"),
        (&server.address, &["-X", "a b"], "-X a b: "),
        (&server.address, &["--body", "@/nowhere"], "cannot read /nowhere: No such file"),
        (&server.address, &["--packet", "/nowhere"], "cannot read /nowhere: No such file"),
        (
            &server.address,
            &["--packet", cut.to_str().unwrap()],
            "the request: its CONTENT_LENGTH is 10, but 9 bytes follow",
        ),
        (&server.address, &["--packet", "/dev/null"], "the request: "),
    ] {
        let result = bench(to, arguments);
        assert_eq!((result.status, result.text()), (2, ""), "{arguments:?}");
        assert!(result.stderr.starts_with(&format!("error: {message}")), "{message}: {}", result.stderr);
        assert_eq!(result.stderr.lines().count(), 1, "{}", result.stderr);
    }
    for arguments in [
        &["-c", "0"][..],
        &["-c", "65536"],
        &["-n", "0"],
        &["-d", "0"],
        &["-d", "-1"],
        &["-d", "NaN"],
        &["-d", "86401"],
        &["-d", "1", "-n", "1"],
        &["--rate", "0"],
        &["--rate", "inf"],
        &["--timeout", "x"],
        &["--packet", &capture, "-H", "A: b"],
    ] {
        let result = bench(&server.address, arguments);
        assert_eq!((result.status, result.text()), (2, ""), "{arguments:?}");
        assert!(result.stderr.starts_with("error: "), "{}", result.stderr);
    }
    assert_eq!(server.connections(), 0);
}
