//! How much memory a server takes: for a connection, and after many requests.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use uwsgi_tests::load::{get, post};
use uwsgi_tests::ours::Kind;

use crate::{Served, alone, serve};

/// How many connections a figure is of.
const COUNT: usize = 500;

/// The most that one may take: a buffer, and pages of a thread's stack, of which there are more without optimisation, or a
/// task.
fn most(kind: Kind) -> usize {
    kind.of(if cfg!(debug_assertions) { 48 << 10 } else { 32 << 10 }, 12 << 10)
}

/// What each of many connections takes that have sent this, in bytes; to a server of its own.
fn each_takes(served: &Served, sent: &[u8]) -> usize {
    until_at_rest(served, 0);
    let before = served.process.resident().unwrap();
    let open: Vec<UnixStream> = (0..COUNT)
        .map(|_| {
            let mut stream = served.at.connect().unwrap();
            stream.write_all(sent).unwrap();
            stream
        })
        .collect();
    until_at_rest(served, COUNT);
    let resident = served.process.resident().unwrap();
    drop(open);
    resident.saturating_sub(before) / COUNT
}

/// Waits until so many connections have been accepted, and are where they wait.
fn until_at_rest(served: &Served, connections: usize) {
    let begun = Instant::now();
    while served.process.descriptors().unwrap() < connections || !served.process.is_at_rest().unwrap() {
        let descriptors = served.process.descriptors().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(20), "{descriptors} descriptors for {connections} connections");
        // A pause between two looks.
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_connection_takes_little() {
    let _alone = alone();
    let body = [post("/read", 10), b"hello".to_vec()].concat();
    let half = &post("/read", 10)[..20];
    let work = get("/sleep/60000");
    for kind in Kind::BOTH {
        // Each figure from a server of its own.
        for (what, sent) in [
            ("that has sent nothing", &b""[..]),
            ("inside a header", half),
            ("whose body is waited for", &body),
            ("that is worked on", &work),
        ] {
            let served = serve(kind, &["workers=1000"]);
            let takes = each_takes(&served, sent);
            println!("{kind:?}: a connection {what} takes {:.1} KiB", takes as f64 / 1024.0);
            assert!((1024..most(kind)).contains(&takes), "{kind:?}: a connection {what} takes {takes} bytes");
        }
    }
}

/// A header promises 64 KiB and a body a gigabyte. What is promised takes nothing.
#[test]
fn a_promise_takes_nothing() {
    let _alone = alone();
    for kind in Kind::BOTH {
        for sent in [b"\0\xff\xff\0".to_vec(), post("/read", 1 << 30)] {
            let takes = each_takes(&serve(kind, &[]), &sent);
            assert!((1024..most(kind)).contains(&takes), "{kind:?}: {takes}");
        }
    }
}

/// After many requests a server takes no more than after few. Threads that meet for the first time can take more once; what
/// is lost with each request is lost again with as many again.
#[test]
fn memory_stays() {
    let _alone = alone();
    for kind in Kind::BOTH {
        let served = serve(kind, &["keepalive=10000"]);
        let few = requests(&served, 5_000);
        let many = requests(&served, 15_000);
        println!("{kind:?}: {} KiB after 5,000 requests, {} KiB after 20,000", few / 1024, many / 1024);
        if many > few + (2 << 20) {
            let more = requests(&served, 15_000);
            assert!(
                more <= many + (2 << 20),
                "{kind:?}, bytes: {few} after 5,000 requests, {many} after 20,000, {more} after 35,000"
            );
        }
    }
}

/// Asks so often on several threads, on new connections and on kept ones; what the server takes then.
fn requests(served: &Served, count: usize) -> usize {
    let threads = 4;
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let request = [post("/read", 5), b"hello".to_vec()].concat();
                for _ in 0..count / threads / 5 {
                    let mut stream = served.at.connect().unwrap();
                    let mut answer = Vec::new();
                    for _ in 0..5 {
                        stream.write_all(&request).unwrap();
                        answer.clear();
                        while !answer.ends_with(b"\r\n\r\n5\n") {
                            let mut piece = [0; 256];
                            let got = stream.read(&mut piece).unwrap();
                            assert!(got > 0, "cut: {}", answer.escape_ascii());
                            answer.extend_from_slice(&piece[..got]);
                        }
                    }
                }
            });
        }
    });
    served.process.resident().unwrap()
}
