//! The input: PEP 3333, "Input and Error Streams".

use uwsgi_io::HeadError;
use uwsgi_server::{Answer, Body, Call, Head};

use crate::{AppResult, observe, serve};

const POST: &[(&str, &str)] = &[("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "11")];

#[test]
fn i1_the_body_can_be_read_in_pieces_by_line_and_to_the_end() {
    let inspect: fn(&Call<'_>, &mut dyn Body) -> String = |_, body| {
        let (mut piece, mut line, mut rest) = ([0; 2], String::new(), String::new());
        body.read_exact(&mut piece).unwrap();
        body.read_line(&mut line).unwrap();
        body.read_to_string(&mut rest).unwrap();
        format!("{}|{line}|{rest}", piece.escape_ascii())
    };
    assert_eq!(observe(POST, b"one\ntwo\nabc", inspect), "on|e\n|two\nabc");
}

#[test]
fn i2_the_body_ends_at_its_length() {
    let inspect: fn(&Call<'_>, &mut dyn Body) -> String = |_, body| {
        let mut bytes = Vec::new();
        body.read_to_end(&mut bytes).unwrap();
        format!("{}", bytes.escape_ascii())
    };
    assert_eq!(observe(POST, b"hello world and more", inspect), "hello world");
}

#[test]
fn i4_reads_after_the_end_return_nothing_and_an_early_end_is_an_error() {
    let inspect: fn(&Call<'_>, &mut dyn Body) -> String = |_, body| {
        let mut bytes = Vec::new();
        let read = body.read_to_end(&mut bytes).map_err(|error| error.kind());
        let again = body.read(&mut [0; 8]).map_err(|error| error.kind());
        format!("{read:?} {again:?}")
    };
    assert_eq!(observe(POST, b"hello world", inspect), "Ok(11) Ok(0)");
    assert_eq!(observe(POST, b"hello", inspect), "Err(UnexpectedEof) Err(UnexpectedEof)");
    // If the application returns the error, the peer gets a 400.
    let connection = serve(POST, b"hello", |_: &Call<'_>, body: &mut dyn Body, _: &mut dyn Answer| -> AppResult {
        body.read_to_end(&mut Vec::new())?;
        Ok(())
    });
    assert!(connection.sent().starts_with("HTTP/1.1 400 "), "{}", connection.sent());
}

#[test]
fn i5_no_interim_response_is_sent() {
    let vars = [POST, &[("HTTP_EXPECT", "100-continue")]].concat();
    let connection =
        serve(&vars, b"hello world", |_: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| -> AppResult {
            body.read_to_end(&mut Vec::new())?;
            assert!(matches!(answer.head(Head::new(100)), Err(HeadError::Line(_))));
            assert!(matches!(answer.head(Head::new(103)), Err(HeadError::Line(_))));
            Ok(answer.whole(Head::new(200), b"ok")?)
        });
    assert!(connection.sent().starts_with("HTTP/1.1 200 "), "{}", connection.sent());
}

#[test]
fn i6_a_transfer_encoding_does_not_frame_the_body() {
    let vars = [POST, &[("HTTP_TRANSFER_ENCODING", "chunked")]].concat();
    let inspect: fn(&Call<'_>, &mut dyn Body) -> String = |_, body| {
        let mut text = String::new();
        body.read_to_string(&mut text).unwrap();
        text
    };
    assert_eq!(observe(&vars, b"5\r\nhello\r\nx", inspect), "5\r\nhello\r\nx");
    let vars = [("REQUEST_METHOD", "POST"), ("HTTP_TRANSFER_ENCODING", "chunked")];
    assert_eq!(observe(&vars, b"5\r\nhello\r\n0\r\n\r\n", inspect), "");
}
