//! How much memory a server takes for a connection, and after many requests.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use uwsgi_tests::load::{get, post};
use uwsgi_tests::ours::Kind;

use crate::{Served, run_alone, serve};

/// How many connections are measured together.
const COUNT: usize = 500;

/// Returns how much memory a connection may take: a buffer, and a task or some pages of a thread's stack. Without optimisation
/// a thread needs more pages.
fn most(kind: Kind) -> usize {
    kind.of(if cfg!(debug_assertions) { 48 << 10 } else { 32 << 10 }, 12 << 10)
}

/// Returns how many bytes each of many connections takes after it has sent this.
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

/// Waits until the server has accepted this many connections, and all its threads wait.
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
    let _alone = run_alone();
    let body = [post("/read", 10), b"hello".to_vec()].concat();
    let half = &post("/read", 10)[..20];
    let work = get("/sleep/60000");
    for kind in Kind::BOTH {
        // Each figure is measured with a new server.
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

/// A header announces 64 KiB, and a request a body of a gigabyte. The server takes no memory for them before they come.
#[test]
fn announced_bytes_take_no_memory() {
    let _alone = run_alone();
    for kind in Kind::BOTH {
        for sent in [b"\0\xff\xff\0".to_vec(), post("/read", 1 << 30)] {
            let takes = each_takes(&serve(kind, &[]), &sent);
            assert!((1024..most(kind)).contains(&takes), "{kind:?}: {takes}");
        }
    }
}

/// After many requests a server takes no more memory than after few. Threads may take more once, when they first wait for each
/// other. A leak grows again with the same number of requests.
#[test]
fn memory_stays() {
    let _alone = run_alone();
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

/// Sends `count` requests on several threads, on new and on kept connections. Returns the memory of the server after them.
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
