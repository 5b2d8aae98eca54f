//! `bench` against small servers that do exactly one thing.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::{Ran, capture, command, run, scratch};

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// A server on a port of its own, and how many connections it has had.
struct Server {
    address: String,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Each connection has its thread.
    fn new(serve: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> Self {
        let serve = Arc::new(serve);
        Self::one_by_one(move |number, stream| {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(number, stream));
        })
    }

    /// A connection waits for the one before it. What a peer does that goes away is no concern of the server's.
    fn one_by_one(mut serve: impl FnMut(usize, TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(count.fetch_add(1, Ordering::SeqCst), stream.unwrap());
            }
        });
        Self { address, connections }
    }

    /// Reads a packet, writes the answer, closes.
    fn answering(answer: &'static [u8]) -> Self {
        Self::new(move |_, mut stream| {
            packet(&mut stream).unwrap();
            let _gone = stream.write_all(answer);
        })
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// One packet, without its body; none at the end of the stream.
fn packet(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 4];
    stream.read_exact(&mut bytes).ok()?;
    bytes.resize(4 + usize::from(u16::from_le_bytes([bytes[1], bytes[2]])), 0);
    stream.read_exact(&mut bytes[4..]).ok()?;
    Some(bytes)
}

fn bench(to: &str, arguments: &[&str]) -> Ran {
    run(&[&["bench", "--to", to], arguments].concat())
}

fn bench_json(to: &str, arguments: &[&str]) -> Value {
    let ran = bench(to, &[arguments, &["--json"]].concat());
    serde_json::from_str(ran.text()).unwrap_or_else(|error| panic!("{error}: {} {}", ran.text(), ran.stderr))
}

fn micros(report: &Value, name: &str) -> f64 {
    report["latency_us"][name].as_f64().unwrap()
}

#[test]
fn as_many_requests_as_were_asked_for() {
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
    let encoded = run(&["encode", "-X", "PUT", "-H", "X-A: b", "--data-binary", &file, url]).good();
    bench(&server.address, &["-n", "3", "-X", "PUT", "-H", "X-A: b", "--body", &file, url]).good();
    let packets = sent.iter().take(3).collect::<Vec<_>>();
    assert_eq!(packets, [&*encoded; 3]);

    // A path is one of this machine's.
    bench(&server.address, &["-n", "1", "--body", "a bodyxx", "/a"]).good();
    let encoded_path = run(&["encode", "--data-raw", "a bodyxx", "http://localhost/a"]).good();
    assert_eq!(sent.recv().unwrap(), encoded_path);

    // The same bytes from a file.
    std::fs::write(&body, &encoded).unwrap();
    bench(&server.address, &["-n", "1", "--packet", body.to_str().unwrap()]).good();
    assert_eq!(sent.recv().unwrap(), encoded);
}

#[test]
fn errors_are_counted_by_their_kind() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let stays = Server::new(|_, mut stream| while packet(&mut stream).is_some() {});
    // To close over unread bytes is to reset.
    let resets = Server::new(|_, mut stream| {
        stream.read_exact(&mut [0]).unwrap();
        thread::sleep(Duration::from_millis(20));
    });
    let missing = scratch("bench-missing").join("app.sock");
    let answering = |answer| Server::answering(answer).address;
    for (to, kind) in [
        (nobody, "connect_refused"),
        (missing.to_str().unwrap().to_owned(), "connect_failed"),
        (stays.address, "timeout"),
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
        // What comes late is a timeout, whatever it is.
        let timeout = if kind == "timeout" { "0.3" } else { "60" };
        let ran = bench(&to, &["-n", "3", "-c", "2", "--timeout", timeout, "--json"]);
        let report: Value = serde_json::from_str(ran.text()).unwrap();
        assert_eq!(
            (report["errors"][kind]["count"].as_u64(), report["requests"]["failed"].as_u64()),
            (Some(3), Some(3)),
            "{report}"
        );
        assert_eq!(report["latency_us"], Value::Null);
        assert_eq!((ran.status, &*ran.stderr), (2, &*format!("error: {to}: no request was answered\n")));
    }
}

#[test]
fn some_failures_are_no_failure_of_the_run() {
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
    let text = bench(&server.address, &["-n", "8", "-c", "4"]).good();
    let text = String::from_utf8(text).unwrap();
    for line in
        ["answered  6\n", "4 with status 200\n", "2 with status 503\n", "failed    2\n", "2 the connection was closed"]
    {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[test]
fn every_kind_of_answer_is_read_to_its_end() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\n\r\nto the end"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"Status: 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ] {
        // In two pieces, cut everywhere.
        let length = answer.len();
        let server = Server::new(move |number, mut stream| {
            packet(&mut stream).unwrap();
            stream.write_all(&answer[..number % length]).unwrap();
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
fn a_connection_is_kept_where_the_server_lets_it() {
    let keeps = Server::new(|_, mut stream| {
        while packet(&mut stream).is_some() {
            stream.write_all(HELLO).unwrap();
        }
    });
    let report = bench_json(&keeps.address, &["-n", "300", "-c", "3", "--keepalive"]);
    assert_eq!(report["requests"]["answered"], 300);
    // One may have made all of its thread's requests before another was there.
    assert!((1..=3).contains(&keeps.connections()), "{}", keeps.connections());

    let closes = Server::answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let report = bench_json(&closes.address, &["-n", "30", "-c", "3", "--keepalive"]);
    assert_eq!((&report["requests"]["answered"], closes.connections()), (&30.into(), 30));
    assert_eq!(report["requests"]["reconnected"], 0);

    // Most servers close and do not say so: the request that met the close is sent again.
    let silent = Server::answering(HELLO);
    let report = bench_json(&silent.address, &["-n", "30", "-c", "3", "--keepalive"]);
    assert_eq!((&report["requests"]["answered"], &report["requests"]["failed"]), (&30.into(), &0.into()));
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
fn a_rate_is_held() {
    let server = Server::answering(HELLO);
    let report = bench_json(&server.address, &["--rate", "200", "-n", "101", "-c", "8"]);
    assert_eq!((&report["rate"]["aimed"], &report["requests"]["answered"]), (&200.0.into(), &101.into()));
    assert_eq!(report["threads"], 1, "more would only wake each other");
    // The last request is due half a second behind the first.
    assert!(report["seconds"].as_f64().unwrap() >= 0.5, "{report}");
    assert!(report["rate"]["reached"].as_f64().unwrap() <= 202.0, "{report}");

    // A machine that is too busy to send what was due just before the end says so.
    let report = bench_json(&server.address, &["--rate", "100", "-d", "0.5"]);
    let [answered, unsent] = ["answered", "unsent"].map(|name| report["requests"][name].as_u64().unwrap());
    assert_eq!((answered + unsent, &report["seconds"]), (50, &0.5.into()));
}

/// While a server stands still, a closed loop asks it nothing, so that hardly any latency shows it. At a fixed rate every
/// request that was due meanwhile does.
#[test]
fn a_stall_shows_in_the_tail() {
    let stalling = || {
        Server::one_by_one(|number, mut stream| {
            if number == 20 {
                thread::sleep(Duration::from_millis(500));
            }
            packet(&mut stream).unwrap();
            stream.write_all(HELLO).unwrap();
        })
    };
    let rate = bench_json(&stalling().address, &["--rate", "200", "-n", "200", "-c", "2"]);
    let closed = bench_json(&stalling().address, &["-n", "200", "-c", "2"]);
    for report in [&rate, &closed] {
        assert_eq!(report["requests"]["answered"], 200);
        assert!(micros(report, "max") >= 490_000.0, "{report}");
    }
    // A hundred requests were due in half a second: the last quarter of all waited for 250 ms and more.
    assert!(micros(&rate, "p75") > 200_000.0, "{rate}");
    assert!(micros(&closed, "p75") < 200_000.0, "{closed}");
}

#[test]
fn what_was_due_and_never_sent_is_told() {
    let server = Server::new(|_, mut stream| while packet(&mut stream).is_some() {});
    let arguments = ["--rate", "100", "-d", "0.5", "-c", "1", "--timeout", "0.7"];
    let report = bench_json(&server.address, &arguments);
    // The second is started behind the end, and a third one would be later than that by more than --timeout.
    assert_eq!((&report["requests"]["failed"], &report["requests"]["unsent"]), (&2.into(), &48.into()));
    let text = bench(&server.address, &arguments);
    assert!(text.text().contains("unsent    48 were due while every connection was busy"), "{}", text.text());
}

/// One answer of fifty: that it was fast says nothing about the others, who waited for theirs in vain.
#[test]
fn nobody_who_waits_is_left_out_of_the_percentiles() {
    let server = || {
        Server::new(|number, mut stream| {
            packet(&mut stream).unwrap();
            match number {
                0 => stream.write_all(HELLO).unwrap(),
                _ => while packet(&mut stream).is_some() {},
            }
        })
    };
    let arguments = ["--rate", "100", "-d", "0.5", "-c", "1", "--timeout", "0.7"];
    let report = bench_json(&server().address, &arguments);
    assert_eq!(report["requests"]["answered"], 1, "{report}");
    assert_eq!((&report["requests"]["all"], &report["latency_us"]["of"]), (&50.into(), &50.into()));
    // They waited for 0.7 s and more, and who knows for how long they would have.
    assert!(micros(&report, "p50") >= 700_000.0, "{report}");
    let at_least = ["mean", "p50", "p75", "p90", "p99", "p99_9", "p99_99", "max"];
    assert_eq!(report["latency_us"]["at_least"], serde_json::json!(at_least));
    let text = bench(&server().address, &arguments);
    for part in [", of 50 of 50 requests\n", "\n49 without an answer count as long as they waited", "     50 % >= "] {
        assert!(text.text().contains(part), "{part:?} in {}", text.text());
    }
    assert!(bench(&server().address, &["-n", "1"]).text().contains(", of 1 of 1 requests\n     50 %    "));

    // Interrupted or not, who was refused at once has not waited.
    let closes = Server::answering(b"");
    let report = bench_json(&closes.address, &["--rate", "100", "-n", "5"]);
    assert_eq!((&report["requests"]["all"], &report["latency_us"]), (&5.into(), &Value::Null));
}

/// What was due before the end is asked behind it, so that its latency is known.
#[test]
fn a_stall_at_the_end_shows_in_the_tail() {
    let mut stall_from = None;
    let server = Server::one_by_one(move |_, mut stream| {
        let begun = *stall_from.get_or_insert_with(Instant::now);
        let ran = begun.elapsed();
        if (300..800).contains(&ran.as_millis()) {
            thread::sleep(Duration::from_millis(800).saturating_sub(ran));
        }
        packet(&mut stream).unwrap();
        stream.write_all(HELLO).unwrap();
    });
    let report = bench_json(&server.address, &["--rate", "100", "-d", "0.5", "-c", "1"]);
    assert_eq!((&report["requests"]["answered"], &report["requests"]["unsent"]), (&50.into(), &0.into()));
    assert!(micros(&report, "p90") >= 250_000.0, "{report}");
    // They do not make the rate better.
    assert!(report["rate"]["reached"].as_f64().unwrap() <= 80.0, "{report}");
}

/// A request waits for a connection, not for the connections of one thread.
#[test]
fn threads_share_one_schedule() {
    let server = Server::new(|number, mut stream| {
        packet(&mut stream).unwrap();
        match number {
            0 => while packet(&mut stream).is_some() {},
            _ => stream.write_all(HELLO).unwrap(),
        }
    });
    let arguments = ["--rate", "100", "-n", "50", "-c", "2", "--threads", "2", "--timeout", "4"];
    let report = bench_json(&server.address, &arguments);
    assert_eq!((&report["requests"]["answered"], &report["requests"]["failed"]), (&49.into(), &1.into()));
    assert!(micros(&report, "p90") < 1_500_000.0, "{report}");
}

/// Answers that come when the time is up are answers, and do not belong to the rate.
#[test]
fn the_rate_ends_with_the_time() {
    let server = Server::new(|_, mut stream| {
        packet(&mut stream).unwrap();
        thread::sleep(Duration::from_millis(150));
        stream.write_all(HELLO).unwrap();
    });
    for more in [&[][..], &["--rate", "100"]] {
        let report = bench_json(&server.address, &[&["-d", "0.12", "-c", "4"], more].concat());
        assert!(report["requests"]["answered"].as_u64().unwrap() >= 4, "{report}");
        assert_eq!(report["rate"]["reached"], 0.0, "{report}");
    }
}

#[test]
fn a_run_at_nobody_is_given_up() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let missing = scratch("bench-nobody").join("app.sock");
    for to in [&*nobody, missing.to_str().unwrap()] {
        for arguments in [&["-d", "60"][..], &["-n", "10000000"], &["-d", "60", "--rate", "50"]] {
            let begun = Instant::now();
            let ran = bench(to, arguments);
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
            let why = "no request was answered, and the run was given up: is the server running?";
            assert_eq!((ran.status, &*ran.stderr), (2, &*format!("error: {to}: {why}\n")));
            assert!(ran.text().contains(" s, given up\n"), "{}", ran.text());
            assert!(ran.text().contains("nothing listens there") || ran.text().contains("no connection could be made"));
        }
    }
    // Who is slow is not nobody.
    let server = Server::new(|_, mut stream| {
        packet(&mut stream).unwrap();
        thread::sleep(Duration::from_millis(1500));
        stream.write_all(HELLO).unwrap();
    });
    assert_eq!(bench_json(&server.address, &["-n", "2"])["requests"]["answered"], 2);
}

#[test]
fn a_run_ends_by_itself() {
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
fn an_interrupted_run_tells_what_it_has_measured() {
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
    while server.connections() < 12 {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let begun = Instant::now();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert!(begun.elapsed() < Duration::from_secs(10));
    let report: Value = serde_json::from_str(ran.text()).unwrap();
    assert_eq!(ran.status, 0);
    assert_eq!((&report["interrupted"], &report["requests"]["answered"]), (&true.into(), &10.into()));
    assert_eq!(report["requests"]["unfinished"], 2);
}

#[cfg(unix)]
#[test]
fn unix_sockets_are_addresses_too() {
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
fn a_name_is_looked_up_once() {
    let server = Server::answering(HELLO);
    let port = server.address.rsplit_once(':').unwrap().1;
    // localhost may have an IPv6 address too, on which nobody listens.
    assert_eq!(bench_json(&format!("localhost:{port}"), &["-n", "5"])["requests"]["answered"], 5);
}

#[test]
fn the_document_has_these_fields() {
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
        ".requests.reconnected u64",
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

#[test]
fn bad_arguments_are_told_in_a_line() {
    let capture = capture("nginx/post-10.bin");
    let cut = scratch("bench-cut").join("cut.bin");
    let packet = std::fs::read(&capture).unwrap();
    std::fs::write(&cut, &packet[..packet.len() - 1]).unwrap();
    let server = Server::answering(HELLO);
    for (to, arguments, message) in [
        ("127.0.0.1", &[][..], "--to 127.0.0.1: no port"),
        ("http://127.0.0.1:3031/", &[], "--to http://127.0.0.1:3031/: a URL, not an address"),
        ("fd:3", &[], "--to fd:3: a descriptor cannot be connected to"),
        (
            &server.address,
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
        let ran = bench(to, arguments);
        assert_eq!((ran.status, ran.text()), (2, ""), "{arguments:?}");
        assert!(ran.stderr.starts_with(&format!("error: {message}")), "{message}: {}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
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
        let ran = bench(&server.address, arguments);
        assert_eq!((ran.status, ran.text()), (2, ""), "{arguments:?}");
        assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    }
    assert_eq!(server.connections(), 0);
}

/// Nothing else has a place in a result that somebody reads later.
#[test]
fn standard_error_is_for_terminals() {
    let server = Server::answering(HELLO);
    let text = String::from_utf8(bench(&server.address, &["-n", "3", "-c", "2", "--threads", "1"]).good()).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(&*format!("GET http://localhost/ to {}", server.address)));
    let second = lines.next().unwrap().strip_prefix("connections 2, one request each; threads 1; ");
    // However long that takes on a machine that does other things too.
    assert!(second.unwrap().strip_suffix(" s").unwrap().parse::<f64>().unwrap() < 9.0, "{text}");
    for start in ["rate      ", "answered  3", "failed    0", "latency in ms", "     50 % ", "  99.99 % ", "     most "]
    {
        assert!(text.lines().any(|line| line.starts_with(start)), "{start:?} in {text}");
    }
}

/// More connections than most processes may have open, without a limit being raised by hand.
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
    // Nobody is answered before all are there. 200 descriptors would not be enough for that.
    let bench = format!(
        "ulimit -Sn 200; exec {} bench --to {} -n 400 -c 400 --json",
        env!("CARGO_BIN_EXE_uwsgictl"),
        server.address
    );
    let ran = Ran::from(Command::new("sh").args(["-c", &bench]).output().unwrap());
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
    assert_eq!(report["requests"]["answered"], 400, "{report}");
    assert!(ran.stderr.contains("raised the limit of open files of this process from 200 to 700"), "{}", ran.stderr);
}
