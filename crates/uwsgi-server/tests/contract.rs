//! The contract between a server and its application: every requirement of PEP 3333, as far as Rust's types leave it open.
//!
//! The names of the tests begin with the row of the table in the crate's README that they prove.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has found something"
)]

use core::sync::atomic::{AtomicUsize, Ordering};
use std::io::{self, IoSlice, Write};
use std::sync::Mutex;

use uwsgi::server::{Settings, Time};
use uwsgi::{Modifier1, Scheme, VarsEncoder};
use uwsgi_io::{Direction, HeadError, Transport};
use uwsgi_server::{Addresses, Answer, App, AppError, Body, Call, Head, Message, serve_connection};

type Done = Result<(), AppError>;

/// A connection in memory that remembers what was done to it.
#[derive(Default)]
struct Wire {
    incoming: Mutex<Vec<u8>>,
    /// What each write took.
    outgoing: Mutex<Vec<Vec<u8>>>,
    half_closed: Mutex<bool>,
    aborted: Mutex<bool>,
}

impl Transport for Wire {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut incoming = self.incoming.lock().unwrap();
        let count = incoming.len().min(buffer.len());
        buffer[..count].copy_from_slice(&incoming[..count]);
        incoming.drain(..count);
        Ok(count)
    }

    fn write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let bytes = pieces.iter().flat_map(|piece| piece.iter().copied()).collect::<Vec<_>>();
        let count = bytes.len();
        self.outgoing.lock().unwrap().push(bytes);
        Ok(count)
    }

    fn wait(&self, _: Direction, _: Option<Time>) -> io::Result<()> {
        Ok(())
    }

    fn now(&self) -> Time {
        Time::ZERO
    }

    fn shut_down_write(&self) -> io::Result<()> {
        *self.half_closed.lock().unwrap() = true;
        Ok(())
    }

    fn abort(&self) -> io::Result<()> {
        *self.aborted.lock().unwrap() = true;
        Ok(())
    }
}

impl Wire {
    fn sent(&self) -> String {
        self.outgoing.lock().unwrap().concat().iter().map(|byte| char::from(*byte)).collect()
    }

    fn is_aborted(&self) -> bool {
        *self.aborted.lock().unwrap()
    }
}

fn packet(vars: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = VarsEncoder::new(&mut bytes);
    for (key, value) in vars {
        encoder.push_raw(key, value).unwrap();
    }
    encoder.finish(Modifier1::WSGI, 0).unwrap();
    bytes
}

const GET: &[(&str, &str)] = &[("REQUEST_METHOD", "GET"), ("PATH_INFO", "/")];

/// What an application does with a request.
fn play(vars: &[(&str, &str)], body: &[u8], app: impl App) -> Wire {
    let wire = Wire { incoming: Mutex::new([&packet(vars), body].concat()), ..Wire::default() };
    serve_connection(&wire, &app, &Settings::default(), Addresses::default()).unwrap();
    wire
}

/// The same for an application that asks for nothing.
fn answered(app: fn(&mut dyn Answer) -> Done) -> Wire {
    play(GET, b"", move |_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| app(answer))
}

/// What an application sees of a request.
fn seen(vars: &[(&str, &str)], body: &[u8], look: fn(&Call<'_>, &mut dyn Body) -> String) -> String {
    let wire = play(vars, body, move |call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| {
        let text = look(call, body);
        Ok(answer.whole(Head::new(200), text.as_bytes())?)
    });
    let sent = wire.sent();
    sent.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn text(bytes: Option<&[u8]>) -> String {
    format!("{}", bytes.unwrap_or(b"(none)").escape_ascii())
}

// The environment, PEP 3333 "environ Variables".

#[test]
fn e1_a_method_is_never_empty() {
    assert_eq!(seen(&[("PATH_INFO", "/")], b"", |call, _| text(Some(call.request().method_or_get()))), "GET");
    let wire = play(&[("REQUEST_METHOD", "")], b"", |_: &Call<'_>, _: &mut dyn Body, _: &mut dyn Answer| -> Done {
        panic!("an empty method reaches no application")
    });
    assert!(wire.sent().starts_with("HTTP/1.1 400 "), "{}", wire.sent());
}

#[test]
fn e2_paths_are_passed_on_as_they_are() {
    let vars = [("SCRIPT_NAME", "/a%2f"), ("PATH_INFO", "/b%20c//../\u{e9}")];
    let look: fn(&Call<'_>, &mut dyn Body) -> String =
        |call, _| format!("{} {}", text(call.request().script_name()), text(call.request().path_info()));
    assert_eq!(seen(&vars, b"", look), "/a%2f /b%20c//../\\xc3\\xa9");
}

#[test]
fn e3_an_empty_length_is_none() {
    let vars = [("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", ""), ("CONTENT_TYPE", ""), ("QUERY_STRING", "")];
    let look: fn(&Call<'_>, &mut dyn Body) -> String = |call, _| {
        let request = call.request();
        format!("{:?} {} {}", request.content_length(), text(request.content_type()), text(request.query_string()))
    };
    assert_eq!(seen(&vars, b"", look), "Ok(None) (none) ");
}

#[test]
fn e4_the_server_has_a_name_and_a_port() {
    let look: fn(&Call<'_>, &mut dyn Body) -> String =
        |call, _| format!("{} {}", call.server_name(), call.server_port());
    assert_eq!(seen(&[("SERVER_NAME", "a.example"), ("SERVER_PORT", "8443")], b"", look), "a.example 8443");
    assert_eq!(seen(&[("HTTPS", "on")], b"", look), "localhost 443");
    assert_eq!(seen(&[("SERVER_PORT", "0x")], b"", look), "localhost 80");

    // Then the address that was connected to.
    for (local, expected) in [
        ("192.0.2.7:3031", "192.0.2.7 3031"),
        ("[2001:db8::7]:3031", "2001:db8::7 3031"),
        ("[::ffff:192.0.2.7]:3031", "192.0.2.7 3031"),
    ] {
        let mut addresses = Addresses::default();
        addresses.local = Some(local.parse().unwrap());
        let wire = Wire::default();
        *wire.incoming.lock().unwrap() = packet(&[("SERVER_NAME", "")]);
        let app = |call: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> Done {
            Ok(answer.whole(Head::new(200), format!("{} {}", call.server_name(), call.server_port()).as_bytes())?)
        };
        serve_connection(&wire, &app, &Settings::default(), addresses).unwrap();
        assert!(wire.sent().ends_with(&format!("\r\n\r\n{expected}")), "{}", wire.sent());
    }
}

#[test]
fn e5_the_protocol_is_the_clients() {
    let look: fn(&Call<'_>, &mut dyn Body) -> String = |call, _| text(call.request().server_protocol());
    assert_eq!(seen(&[("SERVER_PROTOCOL", "HTTP/1.0")], b"", look), "HTTP/1.0");
    assert_eq!(seen(&[("SERVER_PROTOCOL", "SPDY/9")], b"", look), "SPDY/9");
}

#[test]
fn e6_headers_keep_their_order_and_their_duplicates() {
    let vars = [("HTTP_X_A", "1"), ("HTTP_B", "2"), ("HTTP_X_A", "3"), ("CONTENT_TYPE", "text/x"), ("HTTP_", "4")];
    let look: fn(&Call<'_>, &mut dyn Body) -> String = |call, _| {
        let headers = call.request().headers();
        headers.map(|(name, value)| format!("{name}={}", value.escape_ascii())).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(seen(&vars, b"", look).to_ascii_lowercase(), "x-a=1 b=2 x-a=3 content-type=text/x");
}

#[test]
fn e7_every_var_is_there() {
    let vars = [("REMOTE_ADDR", "9.9.9.9"), ("REMOTE_USER", "alice"), ("CUSTOM", "cv"), ("REQUEST_URI", "/%2f?x")];
    let look: fn(&Call<'_>, &mut dyn Body) -> String = |call, _| {
        let request = call.request();
        let vars = ["REMOTE_ADDR", "REMOTE_USER", "CUSTOM", "REQUEST_URI"].map(|key| text(request.var(key)));
        format!("{} {:?}", vars.join(" "), call.client().unwrap())
    };
    assert_eq!(seen(&vars, b"", look), "9.9.9.9 alice cv /%2f?x 9.9.9.9");
}

#[test]
fn e8_the_scheme_and_the_workers_are_known() {
    let look: fn(&Call<'_>, &mut dyn Body) -> String =
        |call, _| format!("{} {}", call.request().scheme() == Scheme::Https, call.workers());
    assert_eq!(seen(&[("HTTPS", "on")], b"", look), "true 1");
}

// The input, PEP 3333 "Input and Error Streams".

const POST: &[(&str, &str)] = &[("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "11")];

#[test]
fn i1_the_body_is_read_whole_by_line_or_in_pieces() {
    let look: fn(&Call<'_>, &mut dyn Body) -> String = |_, body| {
        let (mut piece, mut line, mut rest) = ([0; 2], String::new(), String::new());
        body.read_exact(&mut piece).unwrap();
        body.read_line(&mut line).unwrap();
        body.read_to_string(&mut rest).unwrap();
        format!("{}|{line}|{rest}", piece.escape_ascii())
    };
    assert_eq!(seen(POST, b"one\ntwo\nabc", look), "on|e\n|two\nabc");
}

#[test]
fn i2_the_body_ends_at_its_length() {
    let look: fn(&Call<'_>, &mut dyn Body) -> String = |_, body| {
        let mut bytes = Vec::new();
        body.read_to_end(&mut bytes).unwrap();
        format!("{}", bytes.escape_ascii())
    };
    assert_eq!(seen(POST, b"hello world and more", look), "hello world");
}

#[test]
fn i4_an_end_is_an_end_and_an_early_one_an_error() {
    let look: fn(&Call<'_>, &mut dyn Body) -> String = |_, body| {
        let mut bytes = Vec::new();
        let read = body.read_to_end(&mut bytes).map_err(|error| error.kind());
        let again = body.read(&mut [0; 8]).map_err(|error| error.kind());
        format!("{read:?} {again:?}")
    };
    assert_eq!(seen(POST, b"hello world", look), "Ok(11) Ok(0)");
    assert_eq!(seen(POST, b"hello", look), "Err(UnexpectedEof) Err(UnexpectedEof)");
    // Passed on, it is the peer's fault.
    let wire = play(POST, b"hello", |_: &Call<'_>, body: &mut dyn Body, _: &mut dyn Answer| -> Done {
        body.read_to_end(&mut Vec::new())?;
        Ok(())
    });
    assert!(wire.sent().starts_with("HTTP/1.1 400 "), "{}", wire.sent());
}

#[test]
fn i5_nothing_interim_is_ever_sent() {
    let vars = [POST, &[("HTTP_EXPECT", "100-continue")]].concat();
    let wire = play(&vars, b"hello world", |_: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| -> Done {
        body.read_to_end(&mut Vec::new())?;
        assert!(matches!(answer.head(Head::new(100)), Err(HeadError::Line(_))));
        assert!(matches!(answer.head(Head::new(103)), Err(HeadError::Line(_))));
        Ok(answer.whole(Head::new(200), b"ok")?)
    });
    assert!(wire.sent().starts_with("HTTP/1.1 200 "), "{}", wire.sent());
}

#[test]
fn i6_a_transfer_encoding_frames_nothing() {
    let vars = [POST, &[("HTTP_TRANSFER_ENCODING", "chunked")]].concat();
    let look: fn(&Call<'_>, &mut dyn Body) -> String = |_, body| {
        let mut text = String::new();
        body.read_to_string(&mut text).unwrap();
        text
    };
    assert_eq!(seen(&vars, b"5\r\nhello\r\nx", look), "5\r\nhello\r\nx");
    let vars = [("REQUEST_METHOD", "POST"), ("HTTP_TRANSFER_ENCODING", "chunked")];
    assert_eq!(seen(&vars, b"5\r\nhello\r\n0\r\n\r\n", look), "");
}

// The head, PEP 3333 "The start_response() Callable".

#[test]
fn s1_the_head_leaves_with_the_first_bytes_that_are_not_none() {
    let wire = answered(|answer| {
        answer.head(Head::new(200))?;
        answer.write_all(b"")?;
        answer.flush()?;
        assert!(!answer.has_left());
        answer.head(Head::new(404).with_length(2))?;
        answer.write_all(b"no")?;
        assert!(answer.has_left());
        Ok(())
    });
    assert_eq!(wire.sent(), "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
    // In one write, with the bytes.
    assert_eq!(wire.outgoing.lock().unwrap().len(), 1);
    let wire = answered(|answer| Ok(answer.head(Head::new(204))?));
    assert_eq!(wire.sent(), "HTTP/1.1 204 No Content\r\n\r\n");
}

#[test]
fn s2_a_status_is_checked_when_it_is_given() {
    for status in [0, 99, 100, 199, 1000] {
        let wire = play(GET, b"", move |_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> Done {
            Ok(answer.head(Head::new(status))?)
        });
        assert!(wire.sent().starts_with("HTTP/1.1 500 "), "{status}: {}", wire.sent());
    }
    let wire = answered(|answer| Ok(answer.head(Head::new(200).with_reason("a\r\nb: c"))?));
    assert!(wire.sent().starts_with("HTTP/1.1 500 "), "{}", wire.sent());
    // The space is there without a reason, too.
    assert!(answered(|answer| Ok(answer.head(Head::new(299))?)).sent().starts_with("HTTP/1.1 299 \r\n"));
}

#[test]
fn s3_lines_are_checked_when_they_are_given() {
    for (name, value) in [("", "x"), ("a b", "x"), ("a:", "x"), ("a", "x\r\ny: z"), ("a", "x\0"), ("a\u{e9}", "x")] {
        let wire = play(GET, b"", move |_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> Done {
            answer.head(Head::new(200).with("Kept", "1"))?;
            assert!(matches!(answer.head(Head::new(200).with(name, value)), Err(HeadError::Line(_))), "{name}");
            Ok(answer.write_all(b"x")?)
        });
        assert!(wire.sent().contains("\r\nKept: 1\r\n"), "{}", wire.sent());
    }
}

#[test]
fn s4_nothing_is_added_to_the_applications_lines() {
    let wire = answered(|answer| {
        let head = Head::new(200).with("Server", "mine").with("Date", "now").with("X-Tab", "a\tb");
        answer.head(head)?;
        Ok(answer.write_all(b"x")?)
    });
    assert_eq!(wire.sent(), "HTTP/1.1 200 OK\r\nServer: mine\r\nDate: now\r\nX-Tab: a\tb\r\n\r\nx");
}

#[test]
fn s5_headers_about_the_connection_are_refused() {
    for name in ["Connection", "keep-alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Proxy-Authenticate"] {
        let wire = play(GET, b"", move |_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> Done {
            Ok(answer.head(Head::new(200).with(name, "x"))?)
        });
        assert!(wire.sent().starts_with("HTTP/1.1 500 "), "{name}: {}", wire.sent());
    }
}

#[test]
fn s7_a_head_is_replaced_until_it_leaves_and_an_answer_that_fails_then_is_reset() {
    let wire = answered(|answer| {
        answer.head(Head::new(200))?;
        Err("too bad".into())
    });
    assert!(wire.sent().starts_with("HTTP/1.1 500 ") && !wire.is_aborted(), "{}", wire.sent());
    let wire = answered(|answer| {
        answer.head(Head::new(200))?;
        answer.write_all(b"some")?;
        assert_eq!(answer.head(Head::new(500)), Err(HeadError::Left));
        Err("too bad".into())
    });
    assert_eq!(wire.sent(), "HTTP/1.1 200 OK\r\n\r\nsome");
    assert!(wire.is_aborted() && !*wire.half_closed.lock().unwrap());
}

#[test]
fn s10_an_answer_without_a_head_is_a_failure() {
    assert!(answered(|_| Ok(())).sent().starts_with("HTTP/1.1 500 "));
    assert!(answered(|answer| Ok(answer.write_all(b"x")?)).sent().starts_with("HTTP/1.1 500 "));
}

// The body, PEP 3333 "Buffering and Streaming", "Handling the Content-Length Header".

#[test]
fn b1_bytes_leave_before_a_write_returns() {
    let wire = answered(|answer| {
        answer.head(Head::new(200))?;
        answer.write_all(b"a")?;
        answer.write_all(b"b")?;
        Ok(())
    });
    let pieces = wire.outgoing.lock().unwrap().clone();
    assert_eq!(pieces, [b"HTTP/1.1 200 OK\r\n\r\na".to_vec(), b"b".to_vec()]);
}

#[test]
fn b2_no_byte_leaves_past_the_length() {
    let wire = answered(|answer| {
        answer.head(Head::new(200).with_length(3))?;
        assert_eq!(answer.write_all(b"abcdef").unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert!(answer.write_all(b"g").is_err());
        Ok(())
    });
    assert!(wire.sent().ends_with("\r\n\r\nabc") && !wire.is_aborted(), "{}", wire.sent());
}

#[test]
fn b3_an_answer_that_is_too_short_is_reset() {
    let wire = answered(|answer| {
        answer.head(Head::new(200).with_length(3))?;
        Ok(answer.write_all(b"ab")?)
    });
    assert!(wire.sent().ends_with("\r\n\r\nab") && wire.is_aborted(), "{}", wire.sent());
}

#[test]
fn b4_a_body_without_a_length_ends_with_the_connection_and_a_whole_one_has_a_length() {
    let wire = answered(|answer| {
        answer.head(Head::new(200))?;
        Ok(answer.write_all(b"ab")?)
    });
    assert!(!wire.sent().contains("Content-Length") && *wire.half_closed.lock().unwrap(), "{}", wire.sent());
    assert!(answered(|answer| Ok(answer.whole(Head::new(200), b"ab")?)).sent().contains("\r\nContent-Length: 2\r\n"));
}

#[test]
fn b7_what_has_no_body_gets_none() {
    let head = [("REQUEST_METHOD", "HEAD")];
    let whole = |head: Head, body: &'static [u8]| {
        move |_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> Done { Ok(answer.whole(head.clone(), body)?) }
    };
    let with_length = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    assert_eq!(play(&head, b"", whole(Head::new(200), b"hello")).sent(), with_length);
    // RFC 9110 section 8.6: who has saved the work for HEAD has not said that the answer to GET is empty.
    assert_eq!(play(&head, b"", whole(Head::new(200), b"")).sent(), "HTTP/1.1 200 OK\r\n\r\n");
    // RFC 9110 section 8.6: none in 204; in 304 that of the answer to GET, of which no bytes say nothing.
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
        assert_eq!(play(GET, b"", whole(head, body)).sent(), sent);
    }
    assert_eq!(answered(|answer| Ok(answer.head(Head::new(204).with_length(0))?)).sent(), none);
    // Not even of a refusal.
    let wire = play(&head, b"", |_: &Call<'_>, _: &mut dyn Body, _: &mut dyn Answer| -> Done { Err("no".into()) });
    assert!(wire.sent().starts_with("HTTP/1.1 500 ") && wire.sent().ends_with("\r\n\r\n"), "{}", wire.sent());
}

/// A length that is known is told, though the application does not: of an answer that ends without a byte of body.
#[test]
fn b9_an_answer_of_no_bytes_has_a_length() {
    let bare = |status: u16| {
        move |_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> Done {
            Ok(answer.head(Head::new(status).with("A", "b").with_reason("x"))?)
        }
    };
    let rows = [("GET", 200, true), ("POST", 404, true), ("GET", 205, true), ("GET", 204, false), ("GET", 304, false)];
    for (method, status, has_length) in rows.into_iter().chain([("HEAD", 200, false)]) {
        let length = if has_length { "Content-Length: 0\r\n" } else { "" };
        let sent = play(&[("REQUEST_METHOD", method)], b"", bare(status)).sent();
        assert_eq!(sent, format!("HTTP/1.1 {status} x\r\nA: b\r\n{length}\r\n"), "{method}");
    }
    // Nor a second one, nor one of a body that follows.
    let told = answered(|answer| Ok(answer.head(Head::new(200).with_length(0))?)).sent();
    assert_eq!(told, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
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
    for (method, status, told, body, is_right) in rows {
        let app = move |_: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> Done {
            let head = Head::new(status).with("content-length", told);
            let given = answer.whole(head, body);
            assert_eq!(given.is_ok(), is_right, "{method} {status} {told} {body:?}: {given:?}");
            if !is_right {
                answer.whole(Head::new(500), b"wrong")?;
            }
            Ok(())
        };
        let sent = play(&[("REQUEST_METHOD", method)], b"", app).sent();
        let lengths = sent.to_lowercase().matches("content-length").count();
        let status = if is_right { status } else { 500 };
        assert!(lengths == 1 && sent.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {told} {body:?}: {sent}");
    }
}

#[test]
fn b8_a_second_length_is_refused() {
    let wire = answered(|answer| Ok(answer.head(Head::new(200).with_length(1).with_length(1))?));
    assert!(wire.sent().starts_with("HTTP/1.1 500 "), "{}", wire.sent());
}

// The life of a call, PEP 3333 "The Server/Gateway Side", "Error Handling".

#[test]
fn l1_what_an_application_holds_is_dropped_on_every_path() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Held;
    impl Drop for Held {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::SeqCst);
        }
    }
    let ends: [fn(&mut dyn Answer) -> Done; 3] = [
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
    for (count, end) in ends.into_iter().enumerate() {
        answered(end);
        assert_eq!(DROPPED.load(Ordering::SeqCst), count + 1);
    }
}

#[test]
fn l4_a_panic_is_a_failure() {
    let wire = answered(|_| panic!("a test's panic, which is meant"));
    assert!(wire.sent().starts_with("HTTP/1.1 500 ") && !wire.is_aborted(), "{}", wire.sent());
    let wire = answered(|answer| {
        answer.head(Head::new(200))?;
        answer.write_all(b"x")?;
        panic!("a test's panic, which is meant")
    });
    assert!(wire.is_aborted(), "{}", wire.sent());
}

// Middleware, PEP 3333 "Middleware Handling of Block Boundaries".

/// Makes everything upper case.
struct Louder<A>(A);
struct Loud<'a>(&'a mut dyn Answer);

impl Write for Loud<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(&bytes.to_ascii_uppercase())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Answer for Loud<'_> {
    fn head(&mut self, head: Head) -> Result<(), HeadError> {
        self.0.head(head.with("X-Loud", "yes"))
    }

    fn has_left(&self) -> bool {
        self.0.has_left()
    }

    fn is_head_request(&self) -> bool {
        self.0.is_head_request()
    }
}

impl<A: App> App for Louder<A> {
    fn call(&self, call: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer) -> Done {
        let mounted = call.with_request(call.request().with_mount(b"/mounted", b"/rest"));
        self.0.call(&mounted, body, &mut Loud(answer))
    }
}

#[test]
fn m1_applications_wrap_applications() {
    let wire = play(
        GET,
        b"",
        Louder(|call: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> Done {
            let path = call.request().path_info().unwrap().to_vec();
            answer.write_all(b"")?;
            answer.whole(Head::new(200), &path)?;
            Ok(answer.write_all(b"")?)
        }),
    );
    assert_eq!(wire.sent(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Loud: yes\r\n\r\n/REST");
}

// Beyond the PEP.

#[test]
fn a_101_makes_the_connection_a_pipe() {
    let vars = [("REQUEST_METHOD", "GET"), ("HTTP_UPGRADE", "echo")];
    let wire =
        play(&vars, b"read past the packet", |_: &Call<'_>, body: &mut dyn Body, answer: &mut dyn Answer| -> Done {
            answer.head(Head::new(101).with("Connection", "Upgrade").with("Upgrade", "echo"))?;
            answer.flush()?;
            io::copy(body, answer)?;
            Ok(())
        });
    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    assert_eq!(wire.sent(), format!("{head}read past the packet"));
}

#[test]
fn other_packets_are_the_applications_if_it_takes_them() {
    struct Signals;
    impl App for Signals {
        fn call(&self, _: &Call<'_>, _: &mut dyn Body, _: &mut dyn Answer) -> Done {
            panic!("no request came")
        }

        fn message(&self, message: &Message<'_>, body: &mut dyn Body, answer: &mut (dyn Write + Send)) -> Done {
            let mut rest = String::new();
            body.read_to_string(&mut rest)?;
            write!(answer, "signal {} {rest}", message.packet().modifier2())?;
            Ok(())
        }
    }
    let settings = Settings::default().accepting(Modifier1::SIGNAL);
    let serve = |app: &dyn App, settings: &Settings| {
        let wire = Wire { incoming: Mutex::new(b"\x6e\0\0\x07rest".to_vec()), ..Wire::default() };
        serve_connection(&wire, app, settings, Addresses::default()).unwrap();
        wire.sent()
    };
    assert_eq!(serve(&Signals, &settings), "signal 7 rest");
    assert!(serve(&Signals, &Settings::default()).starts_with("HTTP/1.1 501 "));
    let deaf = |_: &Call<'_>, _: &mut dyn Body, _: &mut dyn Answer| -> Done { panic!("no request came") };
    assert!(serve(&deaf, &settings).starts_with("HTTP/1.1 501 "));
}
