//! The closed loop: each connection starts its next request after the answer to the request before.

use super::*;

#[test]
fn the_number_of_requests_is_exact() {
    for connections in ["1", "7", "64"] {
        let server = Server::answering(HELLO);
        let report = bench_json(&server.address, &["-n", "57", "-c", connections]);
        assert_eq!(server.connections(), 57);
        assert_eq!(report["requests"]["answered"], 57);
        assert_eq!(report["statuses"], serde_json::json!({"200": 57}));
        assert_eq!(report["errors"], serde_json::json!({}));
        assert_eq!(report["received_bytes"], 57 * HELLO.len());
    }
}

#[test]
fn the_request_is_the_one_that_encode_makes() {
    let body = scratch("bench-body").join("body");
    std::fs::write(&body, "a body\r\n").unwrap();
    let file = format!("@{}", body.to_str().unwrap());
    let url = "http://example.com:8080/a%20b?q=1";
    let (send, sent) = mpsc::channel();
    let server = Server::new(move |_, mut stream| {
        let mut bytes = packet(&mut stream).unwrap();
        bytes.resize(bytes.len() + 8, 0);
        let end = bytes.len() - 8;
        stream.read_exact(&mut bytes[end..]).unwrap();
        stream.write_all(HELLO).unwrap();
        send.send(bytes).unwrap();
    });
    let encoded = run(&["encode", "-X", "PUT", "-H", "X-A: b", "--data-binary", &file, url]).success();
    bench(&server.address, &["-n", "3", "-X", "PUT", "-H", "X-A: b", "--body", &file, url]).success();
    let packets = sent.iter().take(3).collect::<Vec<_>>();
    assert_eq!(packets, [&*encoded; 3]);

    // A path stands for a URL of localhost.
    bench(&server.address, &["-n", "1", "--body", "a bodyxx", "/a"]).success();
    let encoded_path = run(&["encode", "--data-raw", "a bodyxx", "http://localhost/a"]).success();
    assert_eq!(sent.recv().unwrap(), encoded_path);

    // The same bytes come from a file.
    std::fs::write(&body, &encoded).unwrap();
    bench(&server.address, &["-n", "1", "--packet", body.to_str().unwrap()]).success();
    assert_eq!(sent.recv().unwrap(), encoded);
}

#[test]
fn answers_of_every_framing_are_read_to_their_end() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\n\r\nto the end"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"Status: 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ] {
        // Each answer comes in two pieces, cut at every position.
        let length = answer.len();
        let server = Server::new(move |number, mut stream| {
            packet(&mut stream).unwrap();
            stream.write_all(&answer[..number % length]).unwrap();
            // The pause keeps the two pieces apart.
            thread::sleep(Duration::from_millis(2));
            stream.write_all(&answer[number % length..]).unwrap();
        });
        let report = bench_json(&server.address, &["-n", &length.to_string(), "-c", "8"]);
        assert_eq!(
            (&report["requests"]["answered"], &report["received_bytes"]),
            (&length.into(), &(length * length).into()),
            "{report}"
        );
    }
    let head = Server::answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(bench_json(&head.address, &["-n", "3", "-X", "HEAD"])["statuses"], serde_json::json!({"200": 3}));
}

#[test]
fn a_connection_is_kept_if_the_server_allows_it() {
    let keeps = Server::new(|_, mut stream| {
        while packet(&mut stream).is_some() {
            stream.write_all(KEPT).unwrap();
        }
    });
    let report = bench_json(&keeps.address, &["-n", "300", "-c", "3", "--keepalive"]);
    assert_eq!(report["requests"]["answered"], 300);
    // One connection may have sent all requests of its thread before the next connection was open.
    assert!((1..=3).contains(&keeps.connections()), "{}", keeps.connections());

    let closes = Server::answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let report = bench_json(&closes.address, &["-n", "30", "-c", "3", "--keepalive"]);
    assert_eq!((&report["requests"]["answered"], closes.connections()), (&30.into(), 30));
    assert_eq!(report["errors"], serde_json::json!({}));
}

#[test]
fn a_large_body_is_sent_while_the_answer_comes() {
    let file = scratch("bench-large").join("body");
    std::fs::write(&file, vec![b'x'; 5 << 20]).unwrap();
    let body = format!("@{}", file.to_str().unwrap());
    let server = Server::new(|number, mut stream| {
        packet(&mut stream).unwrap();
        if number % 2 == 1 {
            stream.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n").unwrap();
        }
        let mut left = 5 << 20;
        let mut buffer = vec![0; 65536];
        while left > 0 {
            left -= match stream.read(&mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(count) => count,
            };
        }
        stream.write_all(HELLO).unwrap();
    });
    let report = bench_json(&server.address, &["-n", "6", "-c", "1", "--body", &body]);
    assert_eq!(report["statuses"], serde_json::json!({"200": 3, "413": 3}), "{report}");
}

#[test]
fn a_run_ends_after_its_duration() {
    let server = Server::answering(HELLO);
    let begun = Instant::now();
    let report = bench_json(&server.address, &["-d", "0.3", "-c", "2"]);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!((&report["seconds"], &report["interrupted"]), (&0.3.into(), &false.into()));
    let answered = report["requests"]["answered"].as_u64().unwrap();
    assert!(answered > 0 && usize::try_from(answered) == Ok(server.connections()));
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_prints_the_result_so_far() {
    let server = Server::new(|number, mut stream| {
        packet(&mut stream).unwrap();
        if number < 10 {
            stream.write_all(HELLO).unwrap();
        } else {
            while packet(&mut stream).is_some() {}
        }
    });
    let arguments = ["bench", "--to", &server.address, "-c", "2", "-d", "60", "--json"];
    let child = command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while server.connections() < 12 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{} connections", server.connections());
        thread::sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let begun = Instant::now();
    let result = RunResult::from(child.wait_with_output().unwrap());
    assert!(begun.elapsed() < Duration::from_secs(10));
    let report: Value = serde_json::from_str(result.text()).unwrap();
    assert_eq!(result.status, 0);
    assert_eq!((&report["interrupted"], &report["requests"]["answered"]), (&true.into(), &10.into()));
    assert_eq!(report["requests"]["unfinished"], 2);
}

#[cfg(unix)]
#[test]
fn unix_sockets_are_addresses() {
    use std::os::unix::net::UnixListener;

    fn serve(listener: UnixListener) {
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                packet(&mut stream).unwrap();
                stream.write_all(HELLO).unwrap();
            }
        });
    }
    let path = scratch("bench-unix").join("app.sock");
    serve(UnixListener::bind(&path).unwrap());
    let path = path.to_str().unwrap();
    for to in [path, &format!("unix:{path}")] {
        assert_eq!(bench_json(to, &["-n", "5"])["requests"]["answered"], 5);
    }
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("uwsgictl-bench-{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        serve(UnixListener::bind_addr(&address).unwrap());
        assert_eq!(bench_json(&format!("@{name}"), &["-n", "5"])["requests"]["answered"], 5);
    }
}

#[test]
fn a_host_name_is_an_address() {
    let server = Server::answering(HELLO);
    let port = server.address.rsplit_once(':').unwrap().1;
    // localhost may also have an IPv6 address, at which nothing listens.
    assert_eq!(bench_json(&format!("localhost:{port}"), &["-n", "5"])["requests"]["answered"], 5);
}

#[test]
fn the_fields_of_the_document_are_stable() {
    fn fields(value: &Value, name: &str, into: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                object.iter().for_each(|(key, value)| fields(value, &format!("{name}.{key}"), into))
            }
            Value::Null => into.push(format!("{name} null")),
            Value::Bool(_) => into.push(format!("{name} bool")),
            Value::Number(number) if number.is_u64() => into.push(format!("{name} u64")),
            Value::Number(_) => into.push(format!("{name} f64")),
            Value::String(_) => into.push(format!("{name} string")),
            Value::Array(_) => into.push(format!("{name} array")),
        }
    }
    let server = Server::new(|number, mut stream| {
        packet(&mut stream).unwrap();
        stream.write_all(if number == 0 { b"x\r\n\r\n" } else { HELLO }).unwrap();
    });
    let report = bench_json(&server.address, &["-n", "3", "-c", "1"]);
    let mut found = Vec::new();
    fields(&report, "", &mut found);
    let mut wanted = vec![
        ".to string",
        ".request.from string",
        ".request.method string",
        ".request.bytes u64",
        ".connections u64",
        ".threads u64",
        ".keepalive bool",
        ".timeout_s f64",
        ".interrupted bool",
        ".seconds f64",
        ".rate.aimed null",
        ".rate.reached f64",
        ".requests.all u64",
        ".requests.answered u64",
        ".requests.failed u64",
        ".requests.unsent u64",
        ".requests.unfinished u64",
        ".statuses.200 u64",
        ".errors.malformed_head.count u64",
        ".errors.malformed_head.first string",
        ".received_bytes u64",
        ".latency_us.of u64",
        ".latency_us.at_least array",
        ".latency_us.min f64",
        ".latency_us.mean f64",
        ".latency_us.stdev f64",
        ".latency_us.p50 f64",
        ".latency_us.p75 f64",
        ".latency_us.p90 f64",
        ".latency_us.p99 f64",
        ".latency_us.p99_9 f64",
        ".latency_us.p99_99 f64",
        ".latency_us.max f64",
    ];
    wanted.extend(if cfg!(target_os = "linux") {
        [".cpu.seconds f64", ".cpu.us_per_request f64"]
    } else {
        [".cpu.seconds null", ".cpu.us_per_request null"]
    });
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
    assert_eq!(
        (&report["request"]["from"], &report["request"]["method"]),
        (&"http://localhost/".into(), &"GET".into())
    );
    let order = ["min", "p50", "p75", "p90", "p99", "p99_9", "p99_99", "max"].map(|name| micros(&report, name));
    assert!(order.is_sorted(), "{order:?}");
}

/// A result in a file has no progress bar in it.
#[test]
fn without_a_terminal_only_the_report_is_printed() {
    let server = Server::answering(HELLO);
    let text = String::from_utf8(bench(&server.address, &["-n", "3", "-c", "2", "--threads", "1"]).success()).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(&*format!("GET http://localhost/ to {}", server.address)));
    let second = lines.next().unwrap().strip_prefix("connections 2, one request each; threads 1; ");
    // The bound is wide, because other programs may load the machine.
    assert!(second.unwrap().strip_suffix(" s").unwrap().parse::<f64>().unwrap() < 9.0, "{text}");
    for start in ["rate      ", "answered  3", "failed    0", "latency in ms", "     50 % ", "  99.99 % ", "     most "]
    {
        assert!(text.lines().any(|line| line.starts_with(start)), "{start:?} in {text}");
    }
}

/// The command raises its own limit of open files.
#[cfg(target_os = "linux")]
#[test]
fn many_connections_at_once() {
    let mut held = Vec::new();
    let server = Server::one_by_one(move |_, stream| {
        held.push(stream);
        if held.len() == 400 {
            for stream in &mut held {
                packet(stream).unwrap();
                stream.write_all(HELLO).unwrap();
            }
        }
    });
    // No request is answered before all 400 connections are open, which needs more than 200 descriptors.
    let bench = format!(
        "ulimit -Sn 200; exec {} bench --to {} -n 400 -c 400 --json",
        env!("CARGO_BIN_EXE_uwsgictl"),
        server.address
    );
    let result = RunResult::from(Command::new("sh").args(["-c", &bench]).output().unwrap());
    let report: Value = serde_json::from_slice(&result.stdout).unwrap_or_else(|_| panic!("{}", result.stderr));
    assert_eq!(report["requests"]["answered"], 400, "{report}");
    assert!(result.stderr.contains("raised the limit of open files of this process from 200 to "), "{}", result.stderr);
}
