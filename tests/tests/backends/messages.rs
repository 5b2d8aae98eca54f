//! The messages of uWSGI that are no web requests.

use std::io::Read;
use std::time::{Duration, Instant};

use uwsgi::message::{RpcCallEncoder, RpcMode};
use uwsgi_io::{Asked, Client, ClientErrorKind};
use uwsgi_tests::programs::{Listen, TestDir};

use crate::server::{TIMEOUT, Uwsgi, client, file, results};

#[test]
fn ping() {
    for uwsgi in Uwsgi::BOTH {
        let test_dir = TestDir::new();
        let listen = Listen::tcp();
        let mut server = uwsgi.start(&test_dir, "ping", &listen, &[]);
        assert_eq!(client(&listen).ping().unwrap().warning, b"");
        server.kill();
        // The last of the killed processes may end a moment later.
        let start = Instant::now();
        let error = loop {
            let error = client(&listen).ping().unwrap_err();
            if matches!(error.kind(), ClientErrorKind::Connect(_)) || start.elapsed() > TIMEOUT {
                break error;
            }
        };
        assert_eq!(error.to_string(), format!("{listen}: nobody listens there: is the server running?"));
    }
}

#[test]
fn rpc_calls() {
    for uwsgi in Uwsgi::BOTH {
        let test_dir = TestDir::new();
        let listen = Listen::Unix(test_dir.path("uwsgi.sock"));
        let _server = uwsgi.start(&test_dir, "rpc", &listen, &[]);
        let mut client = client(&listen);
        let mut call = |function: &str, arguments: &[&[u8]]| {
            client.rpc(function, arguments.iter().copied()).and_then(|value| value.into_vec(1 << 20))
        };
        assert_eq!(call("count", &[]).unwrap(), b"0");
        assert_eq!(call("join", &[b"a", b"bb", b"\0\xff"]).unwrap(), b"a|bb|\0\xff");
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(call("join", &[&all]).unwrap(), all);
        assert_eq!(call("count", &[&b"x"[..]; 254]).unwrap(), b"254");
        assert_eq!(call("length", &[&[b'y'; 60_000]]).unwrap(), b"60000");
        assert_eq!(call("length", &[&[b'y'; 65_535 - 8 - 2]]).unwrap(), b"65525");
        for length in ["1", "65535", "65536", "100000", "1048576"] {
            let result = call("repeat", &[b"z", length.as_bytes()]).unwrap();
            assert!(result.len().to_string() == length && result.iter().all(|byte| *byte == b'z'));
        }
        for function in ["nobody", "nothing"] {
            let error = call(function, &[]).unwrap_err();
            assert!(matches!(error.kind(), ClientErrorKind::NoAnswer(Asked::Rpc)), "{error}");
        }
        let error = call("repeat", &[b"z", b"1048577"]).unwrap_err();
        assert!(matches!(error.kind(), ClientErrorKind::TooLong { most: 1_048_576 }), "{error}");

        let none: [&str; 0] = [];
        assert_eq!(client.rpc_raw("join", ["a", "b"]).unwrap().into_vec(10).unwrap(), b"a|b");
        assert_eq!(client.rpc_raw("nobody", none).unwrap().into_vec(10).unwrap(), b"");
        empty_arguments(&mut client);
    }
}

/// uWSGI calls a function without its empty arguments, or does not call it at all. So the client refuses them.
fn empty_arguments(client: &mut Client) {
    assert!(matches!(client.rpc("count", ["a", "", "b"]).unwrap_err().kind(), ClientErrorKind::Encode(_)));
    let mut raw = |arguments: &[&str]| {
        let mut packet = Vec::new();
        let mut call = RpcCallEncoder::new(&mut packet, "count").unwrap();
        arguments.iter().for_each(|argument| call.push(*argument).unwrap());
        call.finish(RpcMode::Raw).unwrap();
        client.raw(&packet).unwrap().into_vec(100).unwrap()
    };
    assert_eq!(raw(&["a", "b", "c"]), b"3");
    assert_eq!(raw(&["a", "", "c"]), b"2");
    assert_eq!(raw(&["a", "b", ""]), b"");
}

#[test]
fn caches() {
    for uwsgi in Uwsgi::BOTH {
        let test_dir = TestDir::new();
        let listen = Listen::tcp();
        let options =
            ["--cache2", "name=one,items=20,blocksize=131072", "--cache2", "name=two,items=20,blocksize=1000"];
        let _server = uwsgi.start(&test_dir, "cache", &listen, &options);
        let mut client = client(&listen);
        for name in [None, Some("one"), Some("two")] {
            let mut cache = client.cache(name);
            assert!(cache.get("k1").unwrap().is_none());
            assert!(!cache.exists("k1").unwrap());
            assert!(!cache.delete("k1").unwrap());
            assert!(cache.set("k1", b"v1", None).unwrap());
            assert!(!cache.set("k1", b"other", None).unwrap(), "the key exists");
            assert!(cache.exists("k1").unwrap());
            assert_eq!(cache.get("k1").unwrap().unwrap().into_vec(100).unwrap(), b"v1");
            cache.update("k1", b"v2", Some(Duration::from_secs(1000))).unwrap();
            let (value, expires) = cache.get_with_expiry("k1").unwrap().unwrap();
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
            assert_eq!(value.into_vec(100).unwrap(), b"v2");
            assert!(expires.is_some_and(|then| then > now + 900 && then <= now + 1001), "{expires:?}, now is {now}");
            assert!(cache.set(b"\0\xff", &[0, 1, 255], None).unwrap());
            assert_eq!(cache.get(b"\0\xff").unwrap().unwrap().into_vec(3).unwrap(), [0, 1, 255]);
            assert!(cache.delete("k1").unwrap());
            assert!(!cache.exists("k1").unwrap());
            cache.clear().unwrap();
            assert!(!cache.exists(b"\0\xff").unwrap());
        }
        let large: Vec<u8> = (0..=250).cycle().take(131_072).collect();
        let mut cache = client.cache(None);
        assert!(cache.set("large", &large, None).unwrap());
        let mut value = cache.get("large").unwrap().unwrap();
        assert_eq!(value.length(), Some(131_072));
        let mut bytes = Vec::new();
        value.read_to_end(&mut bytes).unwrap();
        assert!(bytes == large);
        drop(value);
        // uWSGI has no room for the first value, and cannot express the second.
        assert!(!cache.set("larger", &[&large[..], b"x"].concat(), None).unwrap());
        assert!(!cache.set("empty", b"", None).unwrap());
        let error = cache.update("empty", b"", None).unwrap_err();
        assert!(matches!(error.kind(), ClientErrorKind::NoAnswer(Asked::Cache)), "{error}");
        let mut nowhere = client.cache(Some("nowhere"));
        assert!(!nowhere.exists("k").unwrap());
        assert!(nowhere.clear().is_err());
    }
}

#[test]
fn spooler() {
    for uwsgi in Uwsgi::BOTH {
        let test_dir = TestDir::new();
        let listen = Listen::Unix(test_dir.path("uwsgi.sock"));
        let spool = test_dir.path("spool");
        std::fs::create_dir(&spool).unwrap();
        let options = ["--spooler", spool.to_str().unwrap(), "--spooler-frequency", "1"];
        let _server = uwsgi.start(&test_dir, "spooler", &listen, &options);
        let mut client = client(&listen);

        // The task is done: the function has seen the pairs.
        client.spool([("name", "plain"), ("size", "100"), ("empty", "")]).unwrap();
        let seen: serde_json::Value =
            serde_json::from_slice(&file(&results(&test_dir, "spooler").join("task-plain"))).unwrap();
        assert_eq!((&seen["size"], &seen["empty"]), (&"100".into(), &"".into()));
        // A Python function sees the body of a task.
        let body = "b".repeat(50_000);
        client.spool([("name", "body"), ("body", &body)]).unwrap();
        let seen: serde_json::Value =
            serde_json::from_slice(&file(&results(&test_dir, "spooler").join("task-body"))).unwrap();
        assert!(seen["body"] == *body);
        // This task waits for its time: its file has the bytes of the packet.
        client.spool([("name", "later"), ("at", "4000000000")]).unwrap();
        let waiting = std::fs::read_dir(&spool).unwrap().filter_map(|entry| std::fs::read(entry.unwrap().path()).ok());
        let waiting: Vec<Vec<u8>> = waiting.filter(|bytes| bytes.windows(5).any(|five| five == b"later")).collect();
        assert_eq!(waiting, [b"\x11\x1d\0\0\x04\0name\x05\0later\x02\0at\x0a\x004000000000"]);
    }
    // Without a spooler.
    let test_dir = TestDir::new();
    let listen = Listen::tcp();
    let _server = Uwsgi::Pypi.start(&test_dir, "none", &listen, &[]);
    let error = client(&listen).spool([("name", "x")]).unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::Refused(Asked::Spool)), "{error}");
}

#[test]
fn signals() {
    for uwsgi in Uwsgi::BOTH {
        let test_dir = TestDir::new();
        let listen = Listen::tcp();
        let _server = uwsgi.start(&test_dir, "signals", &listen, &[]);
        for number in [0, 17, 255] {
            client(&listen).signal(number).unwrap();
            assert_eq!(file(&results(&test_dir, "signals").join(format!("signal-{number}"))), b"seen");
        }
        // There is no handler, and uWSGI does not say so.
        client(&listen).signal(18).unwrap();
    }
}

/// The client has no method for this packet, and the answer is no packet. Only Debian's uWSGI has the plugin.
#[test]
fn echo() {
    let test_dir = TestDir::new();
    let listen = Listen::tcp();
    let _server = Uwsgi::Debian.start(&test_dir, "echo", &listen, &[]);
    assert_eq!(client(&listen).raw(b"\x65\x05\0\0hello").unwrap().into_vec(10).unwrap(), b"hello");
}
