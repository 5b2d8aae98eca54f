//! The end of a call: PEP 3333, "The Server/Gateway Side" and "Error Handling".

use core::sync::atomic::{AtomicUsize, Ordering};

use uwsgi_server::{Answer, Head};

use crate::{AppResult, respond};

#[test]
fn l1_what_an_application_holds_is_dropped_on_every_path() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Held;
    impl Drop for Held {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::SeqCst);
        }
    }
    let outcomes: [fn(&mut dyn Answer) -> AppResult; 3] = [
        |answer| {
            let _held = Held;
            Ok(answer.whole(Head::new(200), b"x")?)
        },
        |_| {
            let _held = Held;
            Err("fails".into())
        },
        |_| {
            let _held = Held;
            panic!("a test's panic, which is meant")
        },
    ];
    for (count, outcome) in outcomes.into_iter().enumerate() {
        respond(outcome);
        assert_eq!(DROPPED.load(Ordering::SeqCst), count + 1);
    }
}

#[test]
fn l4_a_panic_is_a_failure() {
    let connection = respond(|_| panic!("a test's panic, which is meant"));
    assert!(connection.sent().starts_with("HTTP/1.1 500 ") && !connection.is_aborted(), "{}", connection.sent());
    let connection = respond(|answer| {
        answer.head(Head::new(200))?;
        answer.write_all(b"x")?;
        panic!("a test's panic, which is meant")
    });
    assert!(connection.is_aborted(), "{}", connection.sent());
}
