//! Whole lists of vars, written as changes to the vars of one request.

/// The vars of `GET / HTTP/1.1` with `Host: app.example` from 203.0.113.9:40000 to 127.0.0.1:8080, in their order. An empty key
/// is the place of the other headers. `HTTPS` is absent.
const VARS: [(&str, Option<&str>); 19] = [
    ("QUERY_STRING", Some("")),
    ("REQUEST_METHOD", Some("GET")),
    ("CONTENT_TYPE", Some("")),
    ("CONTENT_LENGTH", Some("0")),
    ("REQUEST_URI", Some("/")),
    ("PATH_INFO", Some("/")),
    ("SERVER_PROTOCOL", Some("HTTP/1.1")),
    ("REQUEST_SCHEME", Some("http")),
    ("HTTPS", None),
    ("REMOTE_ADDR", Some("203.0.113.9")),
    ("REMOTE_PORT", Some("40000")),
    ("SERVER_PORT", Some("8080")),
    ("SERVER_NAME", Some("app.example")),
    ("HTTP_HOST", Some("app.example")),
    ("", None),
    ("HTTP_X_FORWARDED_FOR", Some("203.0.113.9")),
    ("HTTP_X_FORWARDED_PROTO", Some("http")),
    ("HTTP_X_FORWARDED_HOST", Some("app.example")),
    ("HTTP_X_REQUEST_ID", Some("ID")),
];

/// Returns the vars of that request with these changes:
///
/// - `KEY=value` of a key above sets its value;
/// - `KEY=value` of another key is a header, which comes after HTTP_HOST;
/// - `-KEY` removes a var;
/// - `+KEY=value` adds a var at the end.
pub(crate) fn whole_list(changes: &[&str]) -> Vec<String> {
    let mut vars: Vec<(&str, Option<String>)> =
        VARS.into_iter().map(|(key, value)| (key, value.map(ToString::to_string))).collect();
    let mut last = Vec::new();
    for change in changes {
        if let Some(added) = change.strip_prefix('+') {
            last.push(added.to_string());
        } else if let Some(key) = change.strip_prefix('-') {
            let var = vars.iter_mut().find(|(other, _)| *other == key);
            assert!(var.unwrap().1.take().is_some(), "{change}");
        } else {
            let (key, value) = change.split_once('=').unwrap();
            let value = Some(value.to_string());
            match vars.iter_mut().find(|(other, _)| *other == key) {
                Some(var) => {
                    assert_ne!(var.1, value, "{change} changes nothing");
                    var.1 = value;
                }
                None => {
                    let place = vars.iter().position(|(key, _)| key.is_empty()).unwrap();
                    vars.insert(place, (key, value));
                }
            }
        }
    }
    let vars = vars.into_iter().filter_map(|(key, value)| value.map(|value| format!("{key}={value}")));
    vars.chain(last).collect()
}
