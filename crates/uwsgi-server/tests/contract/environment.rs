//! The environment: PEP 3333, "environ Variables".

use uwsgi::Scheme;
use uwsgi::server::Settings;
use uwsgi_server::{Addresses, Answer, Body, Call, Head, serve_connection};

use crate::{AppResult, MemoryConnection, escaped, observe, packet, serve};

#[test]
fn e1_a_method_is_never_empty() {
    assert_eq!(observe(&[("PATH_INFO", "/")], b"", |call, _| escaped(Some(call.request().method_or_get()))), "GET");
    let connection =
        serve(&[("REQUEST_METHOD", "")], b"", |_: &Call<'_>, _: &mut dyn Body, _: &mut dyn Answer| -> AppResult {
            panic!("an empty method reaches no application")
        });
    assert!(connection.sent().starts_with("HTTP/1.1 400 "), "{}", connection.sent());
}

#[test]
fn e2_paths_are_passed_on_unchanged() {
    let vars = [("SCRIPT_NAME", "/a%2f"), ("PATH_INFO", "/b%20c//../\u{e9}")];
    let inspect: fn(&Call<'_>, &mut dyn Body) -> String =
        |call, _| format!("{} {}", escaped(call.request().script_name()), escaped(call.request().path_info()));
    assert_eq!(observe(&vars, b"", inspect), "/a%2f /b%20c//../\\xc3\\xa9");
}

#[test]
fn e3_an_empty_length_counts_as_missing() {
    let vars = [("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", ""), ("CONTENT_TYPE", ""), ("QUERY_STRING", "")];
    let inspect: fn(&Call<'_>, &mut dyn Body) -> String = |call, _| {
        let request = call.request();
        format!(
            "{:?} {} {}",
            request.content_length(),
            escaped(request.content_type()),
            escaped(request.query_string())
        )
    };
    assert_eq!(observe(&vars, b"", inspect), "Ok(None) (none) ");
}

#[test]
fn e4_the_server_has_a_name_and_a_port() {
    let inspect: fn(&Call<'_>, &mut dyn Body) -> String =
        |call, _| format!("{} {}", call.server_name(), call.server_port());
    assert_eq!(observe(&[("SERVER_NAME", "a.example"), ("SERVER_PORT", "8443")], b"", inspect), "a.example 8443");
    assert_eq!(observe(&[("HTTPS", "on")], b"", inspect), "localhost 443");
    assert_eq!(observe(&[("SERVER_PORT", "0x")], b"", inspect), "localhost 80");

    // Without these vars, the address that the peer connected to counts.
    for (local, expected) in [
        ("192.0.2.7:3031", "192.0.2.7 3031"),
        ("[2001:db8::7]:3031", "2001:db8::7 3031"),
        ("[::ffff:192.0.2.7]:3031", "192.0.2.7 3031"),
    ] {
        let mut addresses = Addresses::default();
        addresses.local = Some(local.parse().unwrap());
        let connection = MemoryConnection::default();
        *connection.incoming.lock().unwrap() = packet(&[("SERVER_NAME", "")]);
        let app = |call: &Call<'_>, _: &mut dyn Body, answer: &mut dyn Answer| -> AppResult {
            Ok(answer.whole(Head::new(200), format!("{} {}", call.server_name(), call.server_port()).as_bytes())?)
        };
        serve_connection(&connection, &app, &Settings::default(), addresses).unwrap();
        assert!(connection.sent().ends_with(&format!("\r\n\r\n{expected}")), "{}", connection.sent());
    }
}

#[test]
fn e5_the_protocol_is_the_one_of_the_client() {
    let inspect: fn(&Call<'_>, &mut dyn Body) -> String = |call, _| escaped(call.request().server_protocol());
    assert_eq!(observe(&[("SERVER_PROTOCOL", "HTTP/1.0")], b"", inspect), "HTTP/1.0");
    assert_eq!(observe(&[("SERVER_PROTOCOL", "SPDY/9")], b"", inspect), "SPDY/9");
}

#[test]
fn e6_headers_keep_their_order_and_their_duplicates() {
    let vars = [("HTTP_X_A", "1"), ("HTTP_B", "2"), ("HTTP_X_A", "3"), ("CONTENT_TYPE", "text/x"), ("HTTP_", "4")];
    let inspect: fn(&Call<'_>, &mut dyn Body) -> String = |call, _| {
        let headers = call.request().headers();
        headers.map(|(name, value)| format!("{name}={}", value.escape_ascii())).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(observe(&vars, b"", inspect).to_ascii_lowercase(), "x-a=1 b=2 x-a=3 content-type=text/x");
}

#[test]
fn e7_every_var_is_passed_on() {
    let vars = [("REMOTE_ADDR", "9.9.9.9"), ("REMOTE_USER", "alice"), ("CUSTOM", "cv"), ("REQUEST_URI", "/%2f?x")];
    let inspect: fn(&Call<'_>, &mut dyn Body) -> String = |call, _| {
        let request = call.request();
        let vars = ["REMOTE_ADDR", "REMOTE_USER", "CUSTOM", "REQUEST_URI"].map(|key| escaped(request.var(key)));
        format!("{} {:?}", vars.join(" "), call.client().unwrap())
    };
    assert_eq!(observe(&vars, b"", inspect), "9.9.9.9 alice cv /%2f?x 9.9.9.9");
}

#[test]
fn e8_the_scheme_and_the_workers_are_known() {
    let inspect: fn(&Call<'_>, &mut dyn Body) -> String =
        |call, _| format!("{} {}", call.request().scheme() == Scheme::Https, call.workers());
    assert_eq!(observe(&[("HTTPS", "on")], b"", inspect), "true 1");
}
