//! The tables of rules: what the crate and its servers make of requests and responses.

use std::collections::BTreeSet;
use std::time::Duration;

use uwsgi::framing::{RequestFraming, request_framing, response_framing};
use uwsgi::response::ResponseHead;
use uwsgi::server::Settings;
use uwsgi::{ControlVar, HeaderName, Limits, Modifier1, Packet, Request, VarsEncoder, check};
use uwsgi_conformance::{Row as Verdicts, Verdict, all};
use uwsgi_tests::naive;

use crate::examples::{dechunk, response_words};
use crate::page::{Row, capture, unescape};

/// Vars with a scheme, and the scheme.
pub fn schemes(rows: &[Row]) {
    for row in rows {
        let block = block(row);
        let packet = Packet::new(Modifier1::WSGI, 0, &block).unwrap();
        assert_eq!(Request::decode(&packet).unwrap().scheme().as_str(), row.one(3), "line {}", row.line);
    }
}

/// Vars with a target: the path as a URL has it, and the mount.
pub fn paths(rows: &[Row]) {
    for row in rows {
        let block = block(row);
        let packet = Packet::new(Modifier1::WSGI, 0, &block).unwrap();
        let target = Request::decode(&packet).unwrap().target();
        let path: Vec<u8> = target.path().bytes().collect();
        assert_eq!(path, row.one(1).as_bytes(), "line {}", row.line);
        let mount = if row.cells[2] == "-" { String::new() } else { row.one(2) };
        assert_eq!(target.mount(), mount.as_bytes(), "line {}: the mount", row.line);
    }
}

/// What becomes of a byte in a value, wherever the key stands: alone, before a good value of the same key, after one.
pub fn checked_bytes(rows: &[Row]) {
    for row in rows {
        for key in row.code(0) {
            for (cell, byte) in [(1, '\r'), (2, '\n'), (3, '\0')] {
                let bad = (key.clone(), format!("G{byte}T"));
                let good = (key.clone(), "GET".to_owned());
                for pairs in [vec![bad.clone()], vec![bad.clone(), good.clone()], vec![good, bad]] {
                    let block = naive::encode_vars(&pairs).unwrap();
                    let packet = Packet::new(Modifier1::WSGI, 0, &block).unwrap();
                    let found = check(&Request::decode(&packet).unwrap()).map_or("400", |()| "passes");
                    assert_eq!(found, row.cells[cell], "line {}: {pairs:?}", row.line);
                }
            }
        }
    }
}

/// Returns the payload of the vars in the first cell of a row, `KEY=value` each; "none" is an empty payload.
fn block(row: &Row) -> Vec<u8> {
    let pairs: Vec<_> =
        row.code(0).iter().map(|var| var.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())).unwrap()).collect();
    assert_eq!(pairs.is_empty(), row.cells[0] == "none", "line {}", row.line);
    naive::encode_vars(&pairs).unwrap()
}

/// A client's header, and the key that the encoder makes of it.
pub fn header_names(rows: &[Row]) {
    for row in rows {
        let mut buffer = Vec::new();
        let mut vars = VarsEncoder::new(&mut buffer);
        match vars.push_header(&row.one(0), "1") {
            Ok(()) => {
                let packet = vars.finish(Modifier1::WSGI, 0).unwrap();
                let (packet, _) = Packet::decode(packet).unwrap();
                let (key, _) = packet.vars().unwrap().iter().next().unwrap();
                assert_eq!(key, row.one(5).as_bytes(), "line {}", row.line);
            }
            Err(_) => assert_eq!(row.cells[5], "left out", "line {}", row.line),
        }
    }
    // nginx's captures of an unusual name such as one with a dot, by default and with ignore_invalid_headers off.
    let odd = rows.iter().find(|row| row.one(0) == "x.dot").expect("a row");
    assert_eq!(odd.cells[1], "drops, unless `ignore_invalid_headers off`: `HTTP_X.DOT`");
    for (name, passes) in [("nginx/header-odd-names", false), ("nginx/header-odd-names-on", true)] {
        let bytes = capture(name);
        let (packet, _) = Packet::decode(&bytes).unwrap();
        assert_eq!(packet.vars().unwrap().iter().any(|(key, _)| key.contains(&b'.')), passes, "{name}");
    }
}

/// Vars, and whether the last of several counts or they are joined: by the rule of the name, and in a request.
pub fn repeated(rows: &[Row]) {
    let mut once = 0;
    for row in rows {
        for key in row.code(0).iter().filter(|key| *key != "HTTP_") {
            let pairs = [(key.clone(), "1".to_owned()), (key.clone(), "2".to_owned())];
            let block = naive::encode_vars(&pairs).unwrap();
            let packet = Packet::new(Modifier1::WSGI, 0, &block).unwrap();
            let request = Request::decode(&packet).unwrap();
            assert_eq!(request.var(key), Some(&b"2"[..]), "line {}: {key}", row.line);
            let name = HeaderName::from_key(key.as_bytes());
            let found = match name.and_then(|name| name.separator()) {
                Some(separator) => format!("joined with `{separator}`"),
                None => "the last one counts".to_owned(),
            };
            assert_eq!(found, row.cells[1], "line {}: {key}", row.line);
            let Some(name) = name else { continue };
            let value = request.header(&name.to_string()).unwrap();
            let expected = name.separator().map_or("2".to_owned(), |separator| format!("1{separator}2"));
            assert_eq!(value, expected.as_bytes(), "line {}: {key}", row.line);
            once += usize::from(name.separator().is_none());
        }
    }
    assert_eq!(once, 19, "headers that may stand once");
}

/// Every combination that a row stands for, with and without chunked bodies. Of several lengths the last one counts.
pub fn framing(rows: &[Row]) {
    for row in rows {
        let parts: Vec<&str> = row.cells[0].split(" + ").collect();
        let lengths: Vec<Vec<String>> = if parts.len() > 1 {
            vec![parts.iter().map(|part| part.trim_matches('`').replace("empty", "")).collect()]
        } else {
            let said = |word| row.cells[0].split(", or ").any(|part| part == word);
            let mut sets: Vec<_> = row.code(0).into_iter().map(|value| vec![value]).collect();
            sets.extend(said("absent").then(Vec::new));
            sets.extend(said("empty").then(|| vec![String::new()]));
            sets
        };
        assert!(!lengths.is_empty(), "line {}", row.line);
        let mut encodings: Vec<Option<String>> = row.code(1).into_iter().map(Some).collect();
        if row.cells[1].starts_with("absent") {
            encodings.push(None);
        }
        for values in &lengths {
            for encoding in &encodings {
                for accept_chunked in [false, true] {
                    let (found, kept) = framed(values, encoding.as_deref(), accept_chunked);
                    let found = words(found);
                    let claimed = match (&row.cells[2][..], accept_chunked) {
                        ("none; chunked where the server was told so", false) => "none",
                        ("none; chunked where the server was told so", true) => "chunked",
                        (claimed, _) => claimed,
                    };
                    assert_eq!(found, claimed, "line {}", row.line);
                    // What follows a body with unclear framing is never taken for a request.
                    let goes_on = kept && found.ends_with(" bytes");
                    assert_eq!(goes_on, !row.cells[3].starts_with("close"), "line {}", row.line);
                }
            }
        }
    }
}

/// Returns how the body of a request with these `CONTENT_LENGTH` vars is framed, and whether its connection may be
/// kept.
fn framed(lengths: &[String], encoding: Option<&str>, accept_chunked: bool) -> (Option<RequestFraming>, bool) {
    let mut pairs: Vec<_> = lengths.iter().map(|length| ("CONTENT_LENGTH".to_owned(), length.clone())).collect();
    pairs.extend(encoding.map(|encoding| ("HTTP_TRANSFER_ENCODING".to_owned(), encoding.to_owned())));
    let block = naive::encode_vars(&pairs).unwrap();
    let packet = Packet::new(Modifier1::WSGI, 0, &block).unwrap();
    let request = Request::decode(&packet).unwrap();
    let found = if accept_chunked { request.body_framing_or_chunked() } else { request.body_framing() };
    let last = lengths.last().map(String::as_bytes);
    assert_eq!(
        found,
        request_framing(last, encoding.map(str::as_bytes), accept_chunked),
        "{lengths:?}: the last one counts"
    );
    (found.ok(), request.allows_keepalive())
}

/// Values of `CONTENT_LENGTH`.
pub fn lengths(rows: &[Row]) {
    for row in rows {
        let value = if row.cells[0] == "empty" { Vec::new() } else { unescape(&row.one(0)) };
        assert_eq!(words(request_framing(Some(&value), None, false).ok()), row.cells[3], "line {}", row.line);
    }
}

/// Returns what a server makes of a framing, in words.
fn words(body: Option<RequestFraming>) -> String {
    match body {
        None => "400".to_owned(),
        Some(RequestFraming::Length(length)) => format!("{length} bytes"),
        Some(RequestFraming::Chunked) => "chunked".to_owned(),
        Some(_) => "none".to_owned(),
    }
}

/// Chunked bodies: the data, or the error.
pub fn chunked(rows: &[Row]) {
    for row in rows {
        let bytes = unescape(&row.one(0));
        let found = match dechunk(&bytes) {
            Ok((body, rest)) => {
                assert!(rest.is_empty(), "line {}: bytes after the body", row.line);
                String::from_utf8(body).unwrap()
            }
            Err(error) => {
                assert_eq!(format!("refuse: {}", in_words(&error)), row.cells[1], "line {}", row.line);
                continue;
            }
        };
        assert_eq!(found, row.one(1), "line {}", row.line);
    }
}

/// Returns the name of a variant in words: `HeaderLine` is "header line".
fn in_words(variant: &str) -> String {
    let spaced: String = variant.chars().flat_map(|c| [c.is_uppercase().then_some(' '), Some(c)]).flatten().collect();
    spaced.trim().to_lowercase()
}

/// Heads of responses, a code span for each line: the status and the framing, or the error.
pub fn heads(rows: &[Row]) {
    for row in rows {
        let mut head = Vec::new();
        for line in row.code(0) {
            head.extend(unescape(&line));
            head.extend(b"\r\n");
        }
        head.extend(b"\r\n");
        let found = match ResponseHead::decode(&head) {
            Ok(head) => format!("`{}` {}", head.status(), response_words(response_framing(&head, false))),
            Err(error) => format!("refuse: {}", in_words(&format!("{:?}", error.kind()))),
        };
        assert_eq!(Some(&found), row.cells.last(), "line {}", row.line);
    }
}

/// The rows of the conformance crate, in their order, with the refusals that their cases expect.
pub fn verdicts(rows: &[Row]) {
    let names: Vec<_> = rows.iter().map(|row| row.one(0)).collect();
    assert_eq!(names, Verdicts::ALL.map(|row| format!("{row:?}")), "the rows, and their order");
    for (row, verdict) in rows.iter().zip(Verdicts::ALL) {
        let mut answers = BTreeSet::new();
        for case in all().filter(|case| case.row == verdict) {
            match case.verdict {
                Verdict::Abort => drop(answers.insert("abort".to_owned())),
                Verdict::Close => drop(answers.insert("close".to_owned())),
                Verdict::Pong => drop(answers.insert("pong".to_owned())),
                // The server answers these itself, without the application.
                ref other => answers
                    .extend(other.expected().iter().map(|e| e.status).filter(|s| *s >= 400).map(|s| s.to_string())),
            }
        }
        if answers.is_empty() || verdict == Verdicts::Served {
            answers = BTreeSet::from(["served".to_owned()]);
        }
        assert_eq!(row.code(2).into_iter().collect::<BTreeSet<_>>(), answers, "line {}", row.line);
    }
}

/// The defaults of a server's settings.
pub fn settings(rows: &[Row]) {
    let settings = Settings::default();
    let seconds = |duration: Duration| match duration.as_secs() {
        whole if whole > 0 && whole % 3600 == 0 => format!("{} h", whole / 3600),
        secs => format!("{secs} s"),
    };
    for row in rows {
        let found = match &row.one(0)[..] {
            "limits.datasize" => format!("{} bytes", settings.limits.datasize()),
            "limits.vars" => {
                assert_eq!(settings.limits, Limits::wire().with_vars(1000), "line {}", row.line);
                "1000".to_owned()
            }
            "body_limit" => format!("{} GiB", settings.body_limit >> 30),
            "header_timeout" => seconds(settings.header_timeout),
            "body_idle" => seconds(settings.body_idle),
            "body_rate" => format!("{} bytes/s", settings.body_rate),
            "write_idle" => seconds(settings.write_idle),
            "queue_wait" => seconds(settings.queue_wait),
            "stop_grace" => seconds(settings.stop_grace),
            "drain_bytes" => format!("{} GiB", settings.drain_bytes >> 30),
            "drain_time" => seconds(settings.drain_time),
            "keepalive" => settings.keepalive.map_or("off".to_owned(), seconds),
            other => panic!("line {}: {other} is not a setting", row.line),
        };
        assert_eq!(found, row.cells[1], "line {}", row.line);
    }
}

/// The vars that a server ignores and a gateway drops: each has a name in the crate.
pub fn control_vars(rows: &[Row]) {
    for row in rows {
        assert!(!row.code(0).is_empty(), "line {}", row.line);
        for name in row.code(0) {
            let control = ControlVar::from_key(name.as_bytes());
            assert!(control.is_some_and(|var| var != ControlVar::Other), "line {}: {name}", row.line);
        }
    }
}
