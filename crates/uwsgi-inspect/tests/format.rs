//! Which form of the report a request asks for.

use uwsgi_inspect::Format::{self, Html, Json, Text};

/// Query, Accept, format.
const CASES: &[(&str, &str, Format)] = &[
    // Nobody asks.
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
    // Programs: axios, jQuery, a type of capitals.
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
    // A weight that is none is no wish.
    ("", "text/html;q=2, application/json;q=0.1", Json),
    ("", "text/html;q=0.1234, application/json;q=0.1", Json),
    ("", "text/html;q=, application/json;q=0.1", Json),
    ("", "text/html;q=1.001, application/json;q=0.1", Json),
    // The same weight: who was named first.
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
fn the_table() {
    for (query, accept, format) in CASES {
        assert_eq!(Format::negotiate(query.as_bytes(), accept.as_bytes()), *format, "?{query} with {accept}");
    }
}

#[test]
fn bytes_of_any_kind() {
    for byte in 0..=255 {
        for text in [vec![byte], vec![b'/', byte], vec![byte, b'/'], vec![b'/', b';', byte, b'='], vec![byte; 3]] {
            // Without a name of any of the three there is one answer.
            assert_eq!(Format::negotiate(&text, &text), Text, "{text:?}");
        }
    }
}

#[test]
fn names_are_those_of_the_query() {
    for format in Format::ALL {
        assert_eq!(Format::negotiate(format!("format={format}").as_bytes(), b""), *format);
        assert!(format.content_type().contains('/'));
    }
}
