//! Slow clients of the gateway, before a backend with one worker: they do not hold the worker, and good clients do not wait.
//!
//! It measures time, so that no other test may run beside it.
#![cfg(target_os = "linux")]

mod slow_clients;

use std::thread;
use std::time::{Duration, Instant};

use uwsgi_tests::backend::ScriptedBackend;
use uwsgi_tests::load::{GatewayProcess, RequestRate, ServerAddress};

use self::slow_clients::SlowClients;

const CLIENTS: usize = 200;
/// How long 99 of 100 good requests may take.
const BOUND: Duration = Duration::from_millis(50);
/// In how many parts of a second the good requests are measured. Other work on the machine may delay one or two parts, but the
/// slow clients are there in all of them. So the median of the parts counts.
const PARTS: usize = 5;

const GOOD: &[u8] = b"GET /hello HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n";

fn start(backend: &ScriptedBackend, options: &[&str]) -> GatewayProcess {
    let program = env!("CARGO_BIN_EXE_test-gateway");
    GatewayProcess::start(program, "", &backend.address().to_string(), options).unwrap()
}

/// 200 clients send their bodies and read their answers at 1 KiB/s. The gateway reads both ahead.
#[test]
fn slow_clients_do_not_hold_the_only_worker() {
    let backend = ScriptedBackend::one_at_a_time();
    let gateway = start(&backend, &["threads=2"]);
    let slow = SlowClients::start(gateway.address(), CLIENTS);
    slow.wait_until_half_read(&backend);
    let at = ServerAddress::Tcp(gateway.address());
    let over = (0..PARTS).filter(|_| {
        let rate = RequestRate { per_second: 200, lasts: Duration::from_secs(1), clients: 8 };
        let latencies = rate.run_with(&at, GOOD).unwrap();
        let (median, late) = (latencies.quantile(0.5), latencies.quantile(0.99));
        // Four threads wake one after the other: the gateway's, the backend's two times, and the client's. The bound allows for
        // the time that this machine takes to wake them, up to a limit.
        let bound = BOUND + (4 * latencies.wakes(0.99)).min(BOUND);
        println!("{} requests, median {median:?}, p99 {late:?} of at most {bound:?}", latencies.count());
        late >= bound
    });
    let over = over.count();
    let progress = slow.stop();
    println!("{progress:?}");
    // The slow clients were there all the time.
    assert_eq!(progress.ended, 0, "{progress:?}");
    assert!(progress.sending > 0 && progress.reading > CLIENTS / 4, "{progress:?}");
    assert!(over <= PARTS / 2, "{over} of {PARTS} parts over their bounds, see what was printed");
}

/// The same clients hold the worker if bodies are streamed: the test above can fail.
#[test]
fn slow_clients_hold_the_only_worker_if_bodies_are_streamed() {
    let backend = ScriptedBackend::one_at_a_time();
    let gateway = start(&backend, &["threads=2", "stream=bodies"]);
    let slow = SlowClients::start(gateway.address(), CLIENTS);
    let begun = Instant::now();
    while backend.open() == 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "no slow client has reached the backend");
        // A pause between two looks.
        thread::sleep(Duration::from_millis(5));
    }
    let begun = Instant::now();
    let mut good = uwsgi_tests::http1::Connection::open(gateway.address(), Duration::from_secs(2)).unwrap();
    assert_eq!(good.exchange(GOOD).unwrap_err().kind(), std::io::ErrorKind::TimedOut);
    assert!(begun.elapsed() > 20 * BOUND);
    slow.stop();
}
