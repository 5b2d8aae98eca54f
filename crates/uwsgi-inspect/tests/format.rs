//! The format of the report for each request.

use uwsgi_inspect::Format::{self, Html, Json, Text};

/// The query, Accept, and the format.
const CASES: &[(&str, &str, Format)] = &[
    // The client names no format.
    ("", "", Text),
    ("", "*/*", Text),
    ("x=1&y=2", "*/*", Text),
    ("", "nonsense", Text),
    ("", "image/png", Text),
    // Firefox, Chromium, Safari.
    ("", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Html),
    (
        "",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,\
         application/signed-exchange;v=b3;q=0.7",
        Html,
    ),
    // Programs: axios, jQuery, a type in capitals.
    ("", "application/json", Json),
    ("", "application/json, text/plain, */*", Json),
    ("", "application/json, text/javascript, */*; q=0.01", Json),
    ("", "Application/JSON", Json),
    ("", "application/*", Json),
    ("", "text/plain", Text),
    ("", "text/*", Text),
    ("", "text/*, application/json", Json),
    ("", "text/*;q=0.9, text/html;q=0.5", Text),
    // Weights.
    ("", "text/html;q=0.5, application/json", Json),
    ("", "text/html;q=0.5, application/json;q=0.499", Html),
    ("", "text/html;q=0, */*", Text),
    ("", "text/html;level=1;q=0.2, application/json;q=0.1", Html),
    ("", "text/html ; q=0.1 , application/json ; q=0.2", Json),
    ("", "text/html;Q=1.000,application/json;q=0.9", Html),
    ("", "text/plain;q=0, */*", Json),
    ("", "text/html;q=0, application/json;q=0, text/plain;q=0", Text),
    // An invalid weight counts as 0.
    ("", "text/html;q=2, application/json;q=0.1", Json),
    ("", "text/html;q=0.1234, application/json;q=0.1", Json),
    ("", "text/html;q=, application/json;q=0.1", Json),
    ("", "text/html;q=1.001, application/json;q=0.1", Json),
    // With equal weights, the first format wins.
    ("", "text/html, application/json", Html),
    ("", "application/json, text/html", Json),
    // The query wins.
    ("format=json", "text/html", Json),
    ("format=html", "application/json", Html),
    ("format=text", "text/html", Text),
    ("a=b&format=json&c=d", "", Json),
    ("format=json&format=html", "", Html),
    ("format=yaml", "text/html", Html),
    ("format=json&format=yaml", "", Json),
    ("format=JSON", "text/html", Html),
    ("format", "application/json", Json),
    ("myformat=json", "text/html", Html),
];

#[test]
fn query_and_accept_choose_the_format() {
    for (query, accept, format) in CASES {
        assert_eq!(Format::negotiate(query.as_bytes(), accept.as_bytes()), *format, "?{query} with {accept}");
    }
}

#[test]
fn any_bytes_without_a_format_give_text() {
    for byte in 0..=255 {
        for text in [vec![byte], vec![b'/', byte], vec![byte, b'/'], vec![b'/', b';', byte, b'='], vec![byte; 3]] {
            assert_eq!(Format::negotiate(&text, &text), Text, "{text:?}");
        }
    }
}

#[test]
fn the_query_names_formats_as_they_are_printed() {
    for format in Format::ALL {
        assert_eq!(Format::negotiate(format!("format={format}").as_bytes(), b""), *format);
        assert!(format.content_type().contains('/'));
    }
}
