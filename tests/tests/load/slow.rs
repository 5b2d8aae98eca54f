//! Many slow clients, and good clients beside them.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit, setrlimit};
use uwsgi_tests::load::{Latencies, RequestRate, SlowClients, get, is_full, status};
use uwsgi_tests::ours::Kind;

use crate::{Served, run_alone, serve};

/// How long 99 of 100 good requests may take.
const BOUND: Duration = Duration::from_millis(50);
/// In how many parts the good requests are measured. Other work on the machine may delay one or two parts, but the slow
/// clients are there in all of them. So the median of the parts counts.
const PARTS: u32 = 5;

#[test]
fn slow_clients_do_not_delay_others() {
    let _alone = run_alone();
    // The test takes so long that the deadline of a header passes.
    let (connections, seconds) = if is_full() { (900, 60) } else { (300, 14) };
    for kind in Kind::BOTH {
        check(&serve(kind, &[]), kind, SlowClients { connections, every: Duration::from_millis(100) }, seconds);
    }
}

#[test]
fn far_more_slow_clients_than_threads_do_not_delay_others() {
    let _alone = run_alone();
    let (connections, seconds) = if is_full() { (5000, 20) } else { (1000, 14) };
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let enough = limit.maximum.is_none_or(|most| most > 2 * connections as u64);
    assert!(enough, "{:?} descriptors are too few for {connections} connections: raise ulimit -Hn", limit.maximum);
    let kind = Kind::Asynchronous;
    check(
        &serve(kind, &["max=6000", "workers=6000"]),
        kind,
        SlowClients { connections, every: Duration::from_secs(1) },
        seconds,
    );
}

/// Checks that good clients, which send 200 requests a second, are not delayed by slow clients.
fn check(served: &Served, kind: Kind, clients: SlowClients, seconds: u64) {
    let over = parts_over_bound(served, kind, clients, seconds);
    assert!(over <= PARTS as usize / 2, "{kind:?}: {over} of {PARTS} parts over their bounds, see what was printed");
    assert_eq!(status(&served.at.ask(&get("/")).unwrap()), 200);
}

/// Returns in how many parts more than one in 100 good requests took longer than it may.
fn parts_over_bound(served: &Served, kind: Kind, clients: SlowClients, seconds: u64) -> usize {
    let SlowClients { connections, every } = clients;
    let lasts = Duration::from_secs(seconds);
    let end = Instant::now() + lasts;
    thread::scope(|scope| {
        let slow = scope.spawn(|| clients.run_until(&served.at, end).unwrap());
        // All slow clients must be there first. Then the good requests are measured while the slow clients send.
        let begun = Instant::now();
        while served.process.descriptors().unwrap() < connections {
            assert!(begun.elapsed() < lasts, "not all slow clients are there: {:?}", served.process.descriptors());
            // A pause between two looks.
            thread::sleep(Duration::from_millis(5));
        }
        let left = end.saturating_duration_since(Instant::now() + Duration::from_secs(1));
        let rate = RequestRate { per_second: 200, lasts: left / PARTS, clients: 8 };
        assert!(rate.lasts >= Duration::from_secs(1), "the slow clients took {:?} to connect", begun.elapsed());
        let over = (0..PARTS).filter(|_| is_over(&rate.run(&served.at, "/").unwrap(), kind)).count();
        let outcome = slow.join().unwrap();
        println!("{kind:?}: {connections} clients: {outcome:?}");
        assert_eq!(outcome.others, 0, "{kind:?}: {outcome:?}");
        let each = seconds as f64 / every.as_secs_f64() / 2.0;
        assert!(outcome.bytes as f64 > connections as f64 * each, "{kind:?}: {outcome:?}");
        // A header may take 10 seconds. A body may take longer, as long as its rate is high enough.
        let rounds = (seconds.saturating_sub(2) / 11) as usize;
        assert!(rounds > 0 && outcome.refused >= connections / 2 * rounds, "{kind:?}: {outcome:?}");
        over
    })
}

/// Returns whether more than one in 100 requests took longer than it may. Three threads wake one after the other between the
/// intended start and the end of a request. The bound allows for the time that this machine takes to wake them, up to a limit.
fn is_over(latencies: &Latencies, kind: Kind) -> bool {
    let (median, late) = (latencies.quantile(0.5), latencies.quantile(0.99));
    let bound = BOUND + (3 * latencies.wakes(0.99)).min(BOUND);
    println!("{kind:?}: {} requests, median {median:?}, p99 {late:?} of at most {bound:?}", latencies.count());
    late >= bound
}
