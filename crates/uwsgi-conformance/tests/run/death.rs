//! Servers that die of a case.

use alloc::sync::Arc;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::thread;
use std::time::Instant;

use uwsgi_conformance::{Danger, Finding, Seen};

use crate::{AROUND, findings, request, respond, run};

/// Starts a server that dies of a packet with a trailing byte. Returns its address and how often it has died. If `revived`, it
/// starts again after 300 ms.
fn mortal(revived: bool) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let deaths = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&deaths);
    thread::spawn(move || {
        let mut listener = listener;
        loop {
            let (mut stream, _) = listener.accept().unwrap();
            let bytes = request(&mut stream);
            if bytes.last() == Some(&1) {
                drop((listener, stream));
                count.fetch_add(1, Ordering::Relaxed);
                if !revived {
                    return;
                }
                // The runner must see that the server is gone.
                thread::sleep(Duration::from_millis(300));
                listener = bind_again(address);
            } else {
                thread::spawn(move || respond(&mut stream, "200 OK", "hello"));
            }
        }
    });
    (address, deaths)
}

fn bind_again(address: SocketAddr) -> TcpListener {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        match TcpListener::bind(address) {
            Ok(listener) => return listener,
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < until => {
                // A poll: nothing tells when the kernel lets the port be bound again.
                thread::sleep(Duration::from_millis(20));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_server_that_dies_and_starts_again() {
    let (address, deaths) = mortal(true);
    let results = run(address, &AROUND);
    assert!(deaths.load(Ordering::Relaxed) >= 2, "played again, alone");
    assert_eq!(results.played.len(), AROUND.len(), "{:?}", findings(&results));
    for (name, seen, finding) in findings(&results) {
        let expected = match name {
            "trailing-1" => (Seen::Died, Finding::Danger(Danger::Died)),
            _ => (Seen::Accepted(200), Finding::AsItShould),
        };
        assert_eq!((seen, finding), expected, "{name}");
    }
}

#[test]
fn a_server_that_dies_and_stays_dead() {
    let (address, _) = mortal(false);
    let results = run(address, &AROUND);
    let died: Vec<_> = results.dangers().map(|(played, danger)| (played.case.name, danger)).collect();
    assert!(died.contains(&("trailing-1", Danger::Died)), "{died:?}");
    assert_eq!(results.played.len() + results.left_out.len(), AROUND.len());
    assert!(results.left_out.iter().all(|(_, why)| why == "the server had died"), "{died:?}");
}
