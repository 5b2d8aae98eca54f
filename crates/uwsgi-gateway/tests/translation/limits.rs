//! Vars that fill a packet, and that do not fit into one.

use core::time::Duration;
use std::time::Instant;

use uwsgi_gateway::{FrontAddresses, HeadError, Translation};

use crate::play::{Outcome, play};

/// Returns a head with a header whose value has this many bytes.
fn head(length: usize) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: app.example\r\nX-Big: {}\r\n\r\n", "b".repeat(length)).into_bytes()
}

#[test]
fn vars_of_65535_bytes_are_sent_and_one_more_is_431() {
    let Outcome::Vars(vars) = play("", &head(1)) else { panic!("the request is sound") };
    // Each var has two lengths of two bytes in place of its `=`. The id is written as `ID`.
    let datasize: usize = vars.iter().map(|var| var.len() - 1 + 4).sum::<usize>() + 30;
    let most = 1 + usize::from(u16::MAX) - datasize;
    assert!(matches!(play("", &head(most)), Outcome::Vars(_)));
    assert_eq!(play("", &head(most + 1)), Outcome::Status(431));
    assert_eq!(play("", &head(most + 5000)), Outcome::Status(431));
}

/// A name, and a head that is too large.
fn too_large() -> [(&'static str, String); 5] {
    let line = |name: &str, length: usize| format!("{name}: {}\r\n", "a".repeat(length));
    let host = "Host: app.example\r\n";
    [
        ("a value", format!("GET / HTTP/1.1\r\n{host}{}\r\n", line("X-A", 70_000))),
        (
            "two names",
            format!("GET / HTTP/1.1\r\n{host}{}{}\r\n", line(&"n".repeat(40_000), 1), line(&"m".repeat(40_000), 1)),
        ),
        ("a method", format!("{} / HTTP/1.1\r\n{host}\r\n", "A".repeat(70_000))),
        ("a target", format!("GET /{} HTTP/1.1\r\n{host}\r\n", "a".repeat(40_000))),
        (
            "many headers",
            format!(
                "GET / HTTP/1.1\r\n{host}{}\r\n",
                (0..900).map(|i| line(&format!("X-{i}"), 80)).collect::<String>()
            ),
        ),
    ]
}

#[test]
fn heads_that_are_too_large_have_status_431_before_their_body_is_read() {
    for (name, head) in too_large() {
        assert_eq!(play("", head.as_bytes()), Outcome::Status(431), "{name}");
        // The head is refused by `read`, so the packet is not asked for.
        let settings = crate::play::Settings::parse("");
        let read = crate::play::inspect(&settings, head.as_bytes(), |_, request| request.map(drop));
        assert!(matches!(read, Ok(Err(HeadError::Encode(_)))), "{name}: {read:?}");
    }
}

#[test]
fn a_head_of_a_thousand_headers_that_connection_lists_is_quick() {
    let names: Vec<String> = (0..990).map(|i| format!("x-{i}")).collect();
    let mut request = http::Request::get("/").header("Host", "app.example");
    for name in &names {
        request = request.header(name, "1");
    }
    // 400 KiB is the most that hyper reads of a head.
    let connection = names.iter().rev().map(String::as_str).cycle().take(60_000).collect::<Vec<_>>().join(",");
    let (parts, ()) = request.header("Connection", connection).body(()).unwrap().into_parts();
    let (translation, front) = (Translation::new(), FrontAddresses::unix());
    // Without a lookup for each option this takes 60 million comparisons.
    let start = Instant::now();
    let packet = translation.read(&parts, &front).unwrap().packet(0).unwrap();

    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(packet.vars().unwrap().iter().all(|(key, _)| !key.starts_with(b"HTTP_X_1")));
}
