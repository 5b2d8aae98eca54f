//! At a fixed rate.

use super::*;

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
