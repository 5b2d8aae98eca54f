//! The body: PEP 3333, "Buffering and Streaming" and "Handling the Content-Length Header".

use std::io;

use uwsgi_server::{Answer, Body, Call, Head};

use crate::{AppResult, GET, respond, serve};

#[test]
fn b1_bytes_leave_before_a_write_returns() {
    let connection = respond(|answer| {
        answer.head(Head::new(200))?;
        answer.write_all(b"a")?;
        answer.write_all(b"b")?;
        Ok(())
    });
    let pieces = connection.outgoing.lock().unwrap().clone();
    assert_eq!(pieces, [b"HTTP/1.1 200 OK\r\n\r\na".to_vec(), b"b".to_vec()]);
}

#[test]
fn b2_no_byte_leaves_past_the_length() {
    let connection = respond(|answer| {
        answer.head(Head::new(200).with_length(3))?;
        assert_eq!(answer.write_all(b"abcdef").unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert!(answer.write_all(b"g").is_err());
        Ok(())
    });
    assert!(connection.sent().ends_with("\r\n\r\nabc") && !connection.is_aborted(), "{}", connection.sent());
}

#[test]
fn b3_a_response_that_is_too_short_is_reset() {
    let connection = respond(|answer| {
        answer.head(Head::new(200).with_length(3))?;
        Ok(answer.write_all(b"ab")?)
    });
    assert!(connection.sent().ends_with("\r\n\r\nab") && connection.is_aborted(), "{}", connection.sent());
}

#[test]
fn b4_a_body_without_a_length_ends_with_the_connection_and_a_whole_body_has_a_length() {
    let connection = respond(|answer| {
        answer.head(Head::new(200))?;
        Ok(answer.write_all(b"ab")?)
    });
    assert!(
        !connection.sent().contains("Content-Length") && *connection.half_closed.lock().unwrap(),
        "{}",
        connection.sent()
    );
    assert!(respond(|answer| Ok(answer.whole(Head::new(200), b"ab")?)).sent().contains("\r\nContent-Length: 2\r\n"));
}

#[test]
fn b7_responses_without_a_body_get_no_body() {
    let head = [("REQUEST_METHOD", "HEAD")];
    let whole = |head: Head, body: &'static [u8]| {
        move |_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> AppResult {
            Ok(answer.whole(head.clone(), body)?)
        }
    };
    let with_length = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    assert_eq!(serve(&head, b"", whole(Head::new(200), b"hello")).sent(), with_length);
    // An application may skip the body for HEAD. That does not say that the response to GET is empty (RFC 9110 section 8.6).
    assert_eq!(serve(&head, b"", whole(Head::new(200), b"")).sent(), "HTTP/1.1 200 OK\r\n\r\n");
    // A 204 has no length. The length of a 304 is that of the response to GET, which an empty body does not tell (RFC 9110
    // section 8.6).
    let (none, bare) = ("HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\n\r\n");
    let of_get = "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n";
    let rows: [(Head, &[u8], &str); 6] = [
        (Head::new(204), b"hello", none),
        (Head::new(204), b"", none),
        (Head::new(304), b"hello", of_get),
        (Head::new(304), b"", bare),
        (Head::new(304).with_length(5), b"", of_get),
        (Head::new(200), b"", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ];
    for (head, body, sent) in rows {
        assert_eq!(serve(GET, b"", whole(head, body)).sent(), sent);
    }
    assert_eq!(respond(|answer| Ok(answer.head(Head::new(204).with_length(0))?)).sent(), none);
    // A refusal of a HEAD request has no body either.
    let connection =
        serve(&head, b"", |_: &Call<'_>, _: &mut dyn Body, _: &mut dyn Answer| -> AppResult { Err("no".into()) });
    assert!(
        connection.sent().starts_with("HTTP/1.1 500 ") && connection.sent().ends_with("\r\n\r\n"),
        "{}",
        connection.sent()
    );
}

/// The server adds a length to a response that ends without a byte of body.
#[test]
fn b9_a_response_without_a_body_has_a_length() {
    let bare = |status: u16| {
        move |_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> AppResult {
            Ok(answer.head(Head::new(status).with("A", "b").with_reason("x"))?)
        }
    };
    let rows = [("GET", 200, true), ("POST", 404, true), ("GET", 205, true), ("GET", 204, false), ("GET", 304, false)];
    for (method, status, has_length) in rows.into_iter().chain([("HEAD", 200, false)]) {
        let length = if has_length { "Content-Length: 0\r\n" } else { "" };
        let sent = serve(&[("REQUEST_METHOD", method)], b"", bare(status)).sent();
        assert_eq!(sent, format!("HTTP/1.1 {status} x\r\nA: b\r\n{length}\r\n"), "{method}");
    }
    // It adds no second length.
    let declared = respond(|answer| Ok(answer.head(Head::new(200).with_length(0))?)).sent();
    assert_eq!(declared, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn b9_a_whole_body_uses_the_length_that_its_head_has() {
    let rows: [(&str, u16, &str, &[u8], bool); 10] = [
        ("GET", 200, "5", b"hello", true),
        ("GET", 200, "4", b"hello", false),
        ("GET", 200, "6", b"hello", false),
        ("GET", 200, "0", b"", true),
        ("GET", 200, "1", b"", false),
        ("GET", 200, "x", b"hello", false),
        ("HEAD", 200, "5", b"hello", true),
        ("HEAD", 200, "5", b"", true),
        ("HEAD", 200, "5", b"hell", false),
        ("GET", 304, "5", b"", true),
    ];
    for (method, status, declared, body, is_right) in rows {
        let app = move |_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> AppResult {
            let head = Head::new(status).with("content-length", declared);
            let given = answer.whole(head, body);
            assert_eq!(given.is_ok(), is_right, "{method} {status} {declared} {body:?}: {given:?}");
            if !is_right {
                answer.whole(Head::new(500), b"wrong")?;
            }
            Ok(())
        };
        let sent = serve(&[("REQUEST_METHOD", method)], b"", app).sent();
        let lengths = sent.to_lowercase().matches("content-length").count();
        let status = if is_right { status } else { 500 };
        assert!(
            lengths == 1 && sent.starts_with(&format!("HTTP/1.1 {status} ")),
            "{method} {declared} {body:?}: {sent}"
        );
    }
}

#[test]
fn b8_a_second_length_is_refused() {
    let connection = respond(|answer| Ok(answer.head(Head::new(200).with_length(1).with_length(1))?));
    assert!(connection.sent().starts_with("HTTP/1.1 500 "), "{}", connection.sent());
}
