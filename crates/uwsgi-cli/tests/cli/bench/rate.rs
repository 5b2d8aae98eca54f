//! The fixed rate.

use super::*;

#[test]
fn the_rate_is_kept() {
    let server = Server::answering(HELLO);
    let report = bench_json(&server.address, &["--rate", "200", "-n", "101", "-c", "8"]);
    assert_eq!((&report["rate"]["aimed"], &report["requests"]["answered"]), (&200.0.into(), &101.into()));
    assert_eq!(report["threads"], 1, "one thread is enough for this rate");
    // The last request is due half a second after the first.
    assert!(report["seconds"].as_f64().unwrap() >= 0.5, "{report}");
    assert!(report["rate"]["reached"].as_f64().unwrap() <= 202.0, "{report}");

    // A busy machine may not send the requests that are due just before the end. They count as unsent.
    let report = bench_json(&server.address, &["--rate", "100", "-d", "0.5"]);
    let [answered, unsent] = ["answered", "unsent"].map(|name| report["requests"][name].as_u64().unwrap());
    assert_eq!((answered + unsent, &report["seconds"]), (50, &0.5.into()));
}

/// While a server stalls, a closed loop sends no requests, so that few latencies show the stall. At a fixed rate, every request
/// that was due during the stall shows it.
#[test]
fn a_stall_shows_in_the_tail() {
    let stalling = || {
        Server::one_by_one(|number, mut stream| {
            if number == 20 {
                // The simulated stall.
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
    // During the stall of half a second, 100 of the 200 requests were due. A quarter of all waited for 250 ms or more.
    assert!(micros(&rate, "p75") > 200_000.0, "{rate}");
    assert!(micros(&closed, "p75") < 200_000.0, "{closed}");
}

#[test]
fn requests_that_were_due_and_never_started_are_unsent() {
    let server = Server::new(|_, mut stream| while packet(&mut stream).is_some() {});
    let arguments = ["--rate", "100", "-d", "0.5", "-c", "1", "--timeout", "0.7"];
    let report = bench_json(&server.address, &arguments);
    // The second request starts after the end. A third request would start more than --timeout after the end.
    assert_eq!((&report["requests"]["failed"], &report["requests"]["unsent"]), (&2.into(), &48.into()));
    let text = bench(&server.address, &arguments);
    assert!(text.text().contains("unsent    48 were due while every connection was busy"), "{}", text.text());
}

/// One of fifty requests has a fast answer. The others wait in vain, and the percentiles must show it.
#[test]
fn percentiles_include_requests_that_waited_in_vain() {
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
    // They waited for 0.7 s or more. How long they would have waited for an answer is unknown.
    assert!(micros(&report, "p50") >= 700_000.0, "{report}");
    let at_least = ["mean", "p50", "p75", "p90", "p99", "p99_9", "p99_99", "max"];
    assert_eq!(report["latency_us"]["at_least"], serde_json::json!(at_least));
    let text = bench(&server().address, &arguments);
    for part in
        [", of 50 of 50 requests\n", "\n49 had no answer and count with the time that they waited", "     50 % >= "]
    {
        assert!(text.text().contains(part), "{part:?} in {}", text.text());
    }
    assert!(bench(&server().address, &["-n", "1"]).text().contains(", of 1 of 1 requests\n     50 %    "));

    // A request that failed at once has not waited.
    let closes = Server::answering(b"");
    let report = bench_json(&closes.address, &["--rate", "100", "-n", "5"]);
    assert_eq!((&report["requests"]["all"], &report["latency_us"]), (&5.into(), &Value::Null));
}

/// Requests that were due before the end start after it, so that their latencies are known.
#[test]
fn a_stall_at_the_end_shows_in_the_tail() {
    let mut stall_from = None;
    let server = Server::one_by_one(move |_, mut stream| {
        let begun = *stall_from.get_or_insert_with(Instant::now);
        let elapsed = begun.elapsed();
        if (300..800).contains(&elapsed.as_millis()) {
            // The simulated stall.
            thread::sleep(Duration::from_millis(800).saturating_sub(elapsed));
        }
        packet(&mut stream).unwrap();
        stream.write_all(HELLO).unwrap();
    });
    let report = bench_json(&server.address, &["--rate", "100", "-d", "0.5", "-c", "1"]);
    assert_eq!((&report["requests"]["answered"], &report["requests"]["unsent"]), (&50.into(), &0.into()));
    assert!(micros(&report, "p90") >= 250_000.0, "{report}");
    // Answers after the end do not count for the rate.
    assert!(report["rate"]["reached"].as_f64().unwrap() <= 80.0, "{report}");
}

/// A request does not wait for the connections of one thread while another thread has a free connection.
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

/// Answers after the end are counted as answers, but not for the rate.
#[test]
fn the_rate_counts_answers_before_the_end() {
    let server = Server::new(|_, mut stream| {
        packet(&mut stream).unwrap();
        // The simulated work of the server.
        thread::sleep(Duration::from_millis(150));
        stream.write_all(HELLO).unwrap();
    });
    for more in [&[][..], &["--rate", "100"]] {
        let report = bench_json(&server.address, &[&["-d", "0.12", "-c", "4"], more].concat());
        assert!(report["requests"]["answered"].as_u64().unwrap() >= 4, "{report}");
        assert_eq!(report["rate"]["reached"], 0.0, "{report}");
    }
}
