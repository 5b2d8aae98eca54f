//! Many slow clients, and a good one beside them.

use std::thread;
use std::time::{Duration, Instant};

use uwsgi_tests::load::{Pace, Trickle, get, status};

use crate::{alone, serve};

/// How many trickle, and for how long.
const SLOW: (usize, u64) = if cfg!(feature = "peers") { (900, 60) } else { (300, 10) };

#[test]
fn slow_clients_cost_the_others_nothing() {
    let _alone = alone();
    let served = serve(&[]);
    let (connections, seconds) = SLOW;
    let lasts = Duration::from_secs(seconds);
    let end = Instant::now() + lasts;
    let trickle = Trickle { connections, every: Duration::from_millis(100) };
    thread::scope(|scope| {
        let trickling = scope.spawn(|| trickle.until(&served.at, end).unwrap());
        // Once all are there.
        thread::sleep(Duration::from_secs(1));
        let pace = Pace { per_second: 200, lasts: lasts - Duration::from_secs(2), clients: 8 };
        let latencies = pace.ask(&served.at, "/").unwrap();
        let trickled = trickling.join().unwrap();
        let (median, late) = (latencies.quantile(0.5), latencies.quantile(0.99));
        println!(
            "{connections} trickle: {} requests, median {median:?}, p99 {late:?}; {trickled:?}",
            latencies.count()
        );
        // Between the intended start and the end three threads wake, one after the other; what this machine takes for that
        // by itself is not the server's.
        let bound = Duration::from_millis(50) + 3 * latencies.wakes(0.99);
        assert!(late < bound, "p99 is {late:?}, over {bound:?}");
        assert_eq!(trickled.others, 0, "{trickled:?}");
        assert!(trickled.bytes > connections * usize::try_from(seconds).unwrap() * 5, "{trickled:?}");
        // A header takes 10 seconds at most; a body may take longer, until its rate counts.
        let rounds = (seconds.saturating_sub(2) / 11) as usize;
        assert!(trickled.refused >= connections / 2 * rounds, "{trickled:?}");
    });
    assert_eq!(status(&served.at.ask(&get("/")).unwrap()), 200);
}
