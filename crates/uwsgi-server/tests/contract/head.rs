//! The head: PEP 3333, "The start_response() Callable".

use uwsgi_io::HeadError;
use uwsgi_server::{Answer, Body, Call, Head};

use crate::{AppResult, GET, respond, serve};

#[test]
fn s1_the_head_leaves_with_the_first_non_empty_write() {
    let connection = respond(|answer| {
        answer.head(Head::new(200))?;
        answer.write_all(b"")?;
        answer.flush()?;
        assert!(!answer.has_left());
        answer.head(Head::new(404).with_length(2))?;
        answer.write_all(b"no")?;
        assert!(answer.has_left());
        Ok(())
    });
    assert_eq!(connection.sent(), "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
    // The head and the bytes leave in one write.
    assert_eq!(connection.outgoing.lock().unwrap().len(), 1);
    let connection = respond(|answer| Ok(answer.head(Head::new(204))?));
    assert_eq!(connection.sent(), "HTTP/1.1 204 No Content\r\n\r\n");
}

#[test]
fn s2_a_status_is_checked_when_it_is_given() {
    for status in [0, 99, 100, 199, 1000] {
        let connection = serve(GET, b"", move |_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> AppResult {
            Ok(answer.head(Head::new(status))?)
        });
        assert!(connection.sent().starts_with("HTTP/1.1 500 "), "{status}: {}", connection.sent());
    }
    let connection = respond(|answer| Ok(answer.head(Head::new(200).with_reason("a\r\nb: c"))?));
    assert!(connection.sent().starts_with("HTTP/1.1 500 "), "{}", connection.sent());
    // Without a reason phrase, the space is sent too.
    assert!(respond(|answer| Ok(answer.head(Head::new(299))?)).sent().starts_with("HTTP/1.1 299 \r\n"));
}

#[test]
fn s3_lines_are_checked_when_they_are_given() {
    for (name, value) in [("", "x"), ("a b", "x"), ("a:", "x"), ("a", "x\r\ny: z"), ("a", "x\0"), ("a\u{e9}", "x")] {
        let connection = serve(GET, b"", move |_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> AppResult {
            answer.head(Head::new(200).with("Kept", "1"))?;
            assert!(matches!(answer.head(Head::new(200).with(name, value)), Err(HeadError::Line(_))), "{name}");
            Ok(answer.write_all(b"x")?)
        });
        assert!(connection.sent().contains("\r\nKept: 1\r\n"), "{}", connection.sent());
    }
}

#[test]
fn s4_nothing_is_added_to_the_applications_lines() {
    let connection = respond(|answer| {
        let head = Head::new(200).with("Server", "mine").with("Date", "now").with("X-Tab", "a\tb");
        answer.head(head)?;
        Ok(answer.write_all(b"x")?)
    });
    assert_eq!(connection.sent(), "HTTP/1.1 200 OK\r\nServer: mine\r\nDate: now\r\nX-Tab: a\tb\r\n\r\nx");
}

#[test]
fn s5_headers_about_the_connection_are_refused() {
    for name in ["Connection", "keep-alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Proxy-Authenticate"] {
        let connection = serve(GET, b"", move |_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> AppResult {
            Ok(answer.head(Head::new(200).with(name, "x"))?)
        });
        assert!(connection.sent().starts_with("HTTP/1.1 500 "), "{name}: {}", connection.sent());
    }
}

#[test]
fn s7_a_failure_replaces_the_head_until_it_leaves_and_resets_the_connection_afterwards() {
    let connection = respond(|answer| {
        answer.head(Head::new(200))?;
        Err("too bad".into())
    });
    assert!(connection.sent().starts_with("HTTP/1.1 500 ") && !connection.is_aborted(), "{}", connection.sent());
    let connection = respond(|answer| {
        answer.head(Head::new(200))?;
        answer.write_all(b"some")?;
        assert_eq!(answer.head(Head::new(500)), Err(HeadError::Left));
        Err("too bad".into())
    });
    assert_eq!(connection.sent(), "HTTP/1.1 200 OK\r\n\r\nsome");
    assert!(connection.is_aborted() && !*connection.half_closed.lock().unwrap());
}

#[test]
fn s10_a_response_without_a_head_is_a_failure() {
    assert!(respond(|_| Ok(())).sent().starts_with("HTTP/1.1 500 "));
    assert!(respond(|answer| Ok(answer.write_all(b"x")?)).sent().starts_with("HTTP/1.1 500 "));
}
