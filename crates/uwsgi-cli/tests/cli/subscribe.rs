//! `subscribe`: the datagrams that a router receives.

use std::net::UdpSocket;
use std::process::Stdio;

use uwsgi::Packet;
use uwsgi::message::{Subscription, SubscriptionCommand};

use crate::{RunResult, command, run};

/// Waits for a datagram.
fn received(router: &UdpSocket) -> Vec<u8> {
    router.set_read_timeout(Some(core::time::Duration::from_secs(20))).unwrap();
    let mut buffer = vec![0; 5000];
    let count = router.recv(&mut buffer).unwrap();
    buffer.truncate(count);
    buffer
}

#[test]
fn a_subscription_is_a_datagram() {
    let router = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = router.local_addr().unwrap().to_string();
    let subscribe = ["subscribe", "--to", &to, "--key", "example.com", "--address", "127.0.0.1:4050"];
    run(&subscribe).success();
    assert_eq!(received(&router), b"\xe0\x2b\0\0\x03\0key\x0b\0example.com\x07\0address\x0e\x00127.0.0.1:4050");
    run(&[&subscribe[..], &["--leave"]].concat()).success();
    assert_eq!(received(&router)[3], 1);

    let all = [
        "--weight",
        "3",
        "--cores",
        "4",
        "--load",
        "1",
        "--backup",
        "2",
        "--algo",
        "wlrc",
        "--modifier1",
        "psgi",
        "--modifier2",
        "9",
        "--http",
    ];
    run(&[&subscribe[..], &all].concat()).success();
    let datagram = received(&router);
    let join = Subscription::decode(&Packet::decode(&datagram).unwrap().0).unwrap();
    assert_eq!((join.weight, join.cores, join.load, join.backup), (Some(3), Some(4), Some(1), Some(2)));
    assert_eq!((join.algo, join.proto, join.modifier2), (Some(&b"wlrc"[..]), Some(&b"http"[..]), Some(9)));
    assert_eq!(join.modifier1, Some(uwsgi::Modifier1::PSGI));

    drop(router);
    // A send fails only after the kernel has processed the error of an earlier datagram, which can take a while.
    let result = (0..100).map(|_| run(&subscribe)).find(|result| result.status != 0).unwrap();
    assert_eq!(
        (result.status, result.stderr),
        (2, format!("error: {to}: nobody listens there: is the server running?\n"))
    );
}

#[test]
fn every_repeats_the_subscription_and_unsubscribes_at_the_end() {
    let router = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = router.local_addr().unwrap().to_string();
    let child = command(&["subscribe", "--to", &to, "--key", "k", "--address", "a:1", "--every", "0.05"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for _ in 0..3 {
        let datagram = received(&router);
        let join = Subscription::decode(&Packet::decode(&datagram).unwrap().0).unwrap();
        assert_eq!(join.command, SubscriptionCommand::Join);
    }
    let stop = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(stop.success());
    let result = RunResult::from(child.wait_with_output().unwrap());
    assert_eq!((result.status, &*result.stderr), (0, ""));
    let mut last = received(&router);
    while last[3] == 0 {
        last = received(&router);
    }
    assert_eq!(last[3], 1, "it leaves");
}
