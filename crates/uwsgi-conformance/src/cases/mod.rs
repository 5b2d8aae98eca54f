//! The cases, by topic, as constants: one builder call a case.

mod answer;
mod block;
mod body;
mod body_limit;
mod connection;
mod ending;
mod foreign;
mod framing;
mod header;
mod keepalive;
mod length;
mod limits;
mod modifiers;
mod one_request;
mod paths;
mod ping;
mod repeated;
mod repeated_length;
mod requests;
mod sources;
mod targets;
mod timing;
mod values;

use crate::case::Case;

/// Returns all cases: first those about the packet, then those about the body, the connection and the application.
///
/// ```
/// let case = uwsgi_conformance::all().find(|case| case.name == "length-negative").unwrap();
/// assert_eq!(case.verdict, uwsgi_conformance::Verdict::refused(400));
/// println!("{}: uWSGI {}, gunicorn {}", case.about, case.uwsgi(), case.gunicorn());
/// ```
pub fn all() -> impl Iterator<Item = &'static Case> {
    TOPICS.into_iter().flat_map(|(_, cases)| cases)
}

/// The names of the topics, each with its cases.
pub const TOPICS: [(&str, &[Case]); 22] = [
    ("header", header::CASES),
    ("block", block::CASES),
    ("limits", limits::CASES),
    ("modifiers", modifiers::CASES),
    ("ping", ping::CASES),
    ("foreign", foreign::CASES),
    ("values", values::CASES),
    ("length", length::CASES),
    ("repeated_length", repeated_length::CASES),
    ("body_limit", body_limit::CASES),
    ("framing", framing::CASES),
    ("requests", requests::CASES),
    ("paths", paths::CASES),
    ("targets", targets::CASES),
    ("repeated", repeated::CASES),
    ("body", body::CASES),
    ("timing", timing::CASES),
    ("ending", ending::CASES),
    ("connection", connection::CASES),
    ("answer", answer::CASES),
    ("keepalive", keepalive::CASES),
    ("one_request", one_request::CASES),
];
