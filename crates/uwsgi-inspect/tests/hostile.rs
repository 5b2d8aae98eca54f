//! Attacks by a client: markup, quotes, escape codes and every byte, in every part of a request.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has found something"
)]

use serde_json::Value;
use uwsgi::{Modifier1, Packet, Request, VarsEncoder};
use uwsgi_inspect::{Body, Report};

/// Every tag of the page. Any other tag came from outside.
const TAGS: &[&str] = &[
    "<!DOCTYPE html>",
    "<b class=\"h\">",
    "<b class=\"k\">",
    "<b class=\"l\">",
    "<b class=\"v\">",
    "<b>",
    "</b>",
    "<body>",
    "</body>",
    "<code>",
    "</code>",
    "<dd>",
    "</dd>",
    "<details open>",
    "<details>",
    "</details>",
    "<div class=\"bytes\">",
    "<div class=\"header\">",
    "<div>",
    "</div>",
    "<dl class=\"change\">",
    "</dl>",
    "<dt>",
    "</dt>",
    "<footer>",
    "</footer>",
    "<h1>",
    "</h1>",
    "<h2>",
    "</h2>",
    "<h3>",
    "</h3>",
    "<head>",
    "</head>",
    "<html lang=\"en\">",
    "</html>",
    "<i>",
    "</i>",
    "<li class=\"error\">",
    "<li class=\"note\">",
    "<li class=\"warning\">",
    "</li>",
    "<meta charset=\"utf-8\">",
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
    "<meta name=\"color-scheme\" content=\"light dark\">",
    "<meta name=\"robots\" content=\"noindex\">",
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
    "<p class=\"advice\">",
    "<p class=\"fine\">",
    "<p class=\"legend\">",
    "<p class=\"summary\">",
    "<p>",
    "</p>",
    "<span class=\"h\">",
    "<span class=\"k\">",
    "<span class=\"l\">",
    "<span class=\"mark\">",
    "<span class=\"method\">",
    "<span class=\"none\">",
    "<span class=\"prefix\">",
    "<span class=\"url\">",
    "<span class=\"v\">",
    "<span>",
    "</span>",
    "<style>",
    "</style>",
    "<summary>",
    "</summary>",
    "<table>",
    "</table>",
    "<td>",
    "</td>",
    "<th scope=\"row\">",
    "</th>",
    "<title>",
    "</title>",
    "<tr>",
    "</tr>",
    "<ul class=\"findings\">",
    "</ul>",
];

/// Pieces that end or start something in HTML, JSON, a terminal or a template.
const PIECES: &[&[u8]] = &[
    b"<script>alert(1)</script>",
    b"</style>",
    b"</title>",
    b"<!--",
    b"-->",
    b"]]>",
    b"\" onload=\"x",
    b"' onload='x",
    b"&lt;",
    b"&#60;",
    b"&",
    b"<",
    b">",
    b"\"",
    b"'",
    b"`",
    b"\\",
    b"\\\"",
    b"\0",
    b"\r\n",
    b"\x1b[31m",
    b"\x7f",
    b"\x80",
    b"\xff\xfe",
    b"\xc3\x28",
    b"\xe2\x80\xae",
    b"\xf0\x9f\xa6\x80",
    b"\xed\xa0\x80",
    b"{0}",
    b"{1}",
    b"%3Cscript%3E",
    b" ",
    b"HTTP_",
    b"\xc2\x85",
];

/// The keys that the report treats specially.
const KEYS: &[&[u8]] = &[
    b"REQUEST_METHOD",
    b"REQUEST_URI",
    b"PATH_INFO",
    b"SCRIPT_NAME",
    b"QUERY_STRING",
    b"SERVER_NAME",
    b"SERVER_PORT",
    b"SERVER_PROTOCOL",
    b"SERVER_SOFTWARE",
    b"REMOTE_ADDR",
    b"REMOTE_USER",
    b"CONTENT_TYPE",
    b"CONTENT_LENGTH",
    b"HTTP_HOST",
    b"HTTP_PROXY",
    b"HTTP_COOKIE",
    b"HTTP_UPGRADE",
    b"HTTP_CONTENT_LENGTH",
    b"HTTP_TRANSFER_ENCODING",
    b"HTTP_X_FORWARDED_FOR",
    b"HTTP_X_FORWARDED_PROTO",
    b"UWSGI_ROUTER",
];

type Pair = (Vec<u8>, Vec<u8>);

/// Checks the report of these vars in all three formats.
fn check_report(vars: &[Pair]) {
    let mut buffer = Vec::new();
    let mut encoder = VarsEncoder::new(&mut buffer);
    for (key, value) in vars {
        encoder.push_raw(key, value).unwrap();
    }
    let (packet, _) = Packet::decode(encoder.finish(Modifier1::WSGI, 0).unwrap()).unwrap();
    let report = Report::new(Request::decode(&packet).unwrap(), Body::NONE);
    check_page(&report.html().to_string(), vars);
    check_json(&report.json().to_string(), vars);
    check_text(&report.text().to_string());
}

fn check_page(page: &str, vars: &[Pair]) {
    let (_, page) = page.split_once("</style>").unwrap();
    let (before, tags) = page.split_once('<').unwrap();
    assert!(!before.contains('>'));
    for piece in tags.split('<') {
        let (tag, text) = piece.split_once('>').unwrap();
        let tag = format!("<{tag}>");
        assert!(TAGS.contains(&&*tag), "{tag} in the page of {vars:?}");
        assert!(!text.contains('>'), "{text} in the page of {vars:?}");
    }
    let control = page.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "{vars:?}");
    assert!(!page.contains('\u{202e}'), "{vars:?}");
    // The table has one row for each var.
    let (_, table) = page.split_once("as they arrived").unwrap();
    let (table, _) = table.split_once("</table>").unwrap();
    assert_eq!(table.matches("<tr>").count(), vars.len());
}

fn check_json(document: &str, vars: &[Pair]) {
    let control = document.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "{}", document.escape_debug());
    let document: Value = serde_json::from_str(document).unwrap();
    let bytes =
        |text: &Value| -> Vec<u8> { text.as_str().unwrap().chars().map(|c| u8::try_from(c).unwrap()).collect() };
    let pairs = document["vars"].as_array().unwrap().iter();
    let pairs: Vec<Pair> = pairs.map(|pair| (bytes(&pair[0]), bytes(&pair[1]))).collect();
    assert_eq!(pairs, vars);
}

fn check_text(text: &str) {
    let control = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "{text}");
    assert!(!text.contains('\u{202e}'));
}

#[test]
fn every_byte_is_safe_in_every_place() {
    for byte in 0..=255 {
        let text = vec![b'a', byte, b'b'];
        let mut vars: Vec<Pair> = KEYS.iter().map(|key| (key.to_vec(), text.clone())).collect();
        vars.push((vec![byte], vec![byte]));
        vars.push(([b"HTTP_", &text[..]].concat(), vec![byte]));
        vars.push(([b"HTTP_", &[byte][..]].concat(), text));
        check_report(&vars);
    }
}

#[test]
fn every_piece_is_safe_in_every_place() {
    for piece in PIECES {
        let mut vars: Vec<Pair> = KEYS.iter().map(|key| (key.to_vec(), piece.to_vec())).collect();
        vars.push((piece.to_vec(), piece.to_vec()));
        vars.push((piece.to_vec(), piece.to_vec()));
        vars.push(([b"HTTP_", *piece].concat(), piece.to_vec()));
        check_report(&vars);
    }
}

/// 300 requests with pieces in any number and order. They are the same in each run.
#[test]
fn mixed_pieces_are_safe() {
    let mut state: u32 = 2026;
    // The generator of Numerical Recipes. Its upper bits are random enough.
    let mut below = |end: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        usize::try_from(state >> 8).unwrap() % end
    };
    for _ in 0..300 {
        let mut vars = Vec::new();
        for _ in 0..below(12) {
            let mut text = |most: usize| -> Vec<u8> {
                let count = below(most);
                (0..count).flat_map(|_| PIECES[below(PIECES.len())]).copied().collect()
            };
            let (mut key, value) = (text(5), text(8));
            match below(3) {
                0 => key = KEYS[below(KEYS.len())].to_vec(),
                1 => key = [b"HTTP_", &key[..]].concat(),
                _ if key.is_empty() => key.push(b'K'),
                _ => {}
            }
            vars.push((key, value));
        }
        check_report(&vars);
    }
}

#[test]
fn a_packet_full_of_vars_is_safe_and_fast() {
    let key = |n: usize| u32::try_from(n).unwrap().to_le_bytes()[..3].to_vec();
    let different: Vec<Pair> = (0..9362).map(|n| (key(n), Vec::new())).collect();
    check_report(&different);
    let headers: Vec<Pair> = (0..5461).map(|n| ([b"HTTP_", &key(n)[..]].concat(), Vec::new())).collect();
    check_report(&headers);
    // Each header comes twice, with two values. A finding that searches all vars for each header would be too slow.
    let names = (b'A'..=b'Z')
        .flat_map(|one| (b'A'..=b'Z').flat_map(move |two| [b'A', b'B', b'C'].map(|three| [one, two, three])));
    let valued = |value: u8| names.clone().map(move |name| ([b"HTTP_", &name[..]].concat(), vec![value]));
    check_report(&valued(b'1').chain(valued(b'2')).collect::<Vec<Pair>>());
    let same: Vec<Pair> = vec![(b"K".to_vec(), Vec::new()); 13_107];
    check_report(&same);
    check_report(&[(b"K".to_vec(), vec![b'<'; 65_530])]);
    check_report(&[(vec![0xff; 65_531], Vec::new())]);
}

/// A client's bytes are in a key that is written as a header, in a zone, a mount and a port. Texts show them. Lines have only
/// the bytes that a configuration can hold.
#[test]
fn a_client_cannot_inject_lines_into_a_configuration() {
    for piece in PIECES {
        let with = |before: &[u8], after: &[u8]| [before, piece, after].concat();
        let vars: Vec<Pair> = vec![
            (b"X-Forwarded-Proto".to_vec(), with(b"", b"https")),
            (with(b"X-", b"-A"), piece.to_vec()),
            (b"REMOTE_ADDR".to_vec(), with(b"fe80::1%", b"")),
            (b"SCRIPT_NAME".to_vec(), with(b"/m", b"")),
            (b"PATH_INFO".to_vec(), with(b"/m", b"/x")),
            (b"REQUEST_URI".to_vec(), with(b"/m", b"/x")),
            (b"HTTP_HOST".to_vec(), with(b"a:", b"1")),
            (b"SERVER_PORT".to_vec(), with(b"2", b"")),
            (b"SERVER_SOFTWARE".to_vec(), with(b"nginx/1.29.", b"9")),
            (with(b"HTTP_UWSGI_", b""), piece.to_vec()),
            (with(b"HTTP_UWSGI_", b""), piece.to_vec()),
        ];
        check_report(&vars);
        let mut buffer = Vec::new();
        let mut encoder = VarsEncoder::new(&mut buffer);
        for (key, value) in &vars {
            encoder.push_raw(key, value).unwrap();
        }
        let (packet, _) = Packet::decode(encoder.finish(Modifier1::WSGI, 0).unwrap()).unwrap();
        let report = Report::new(Request::decode(&packet).unwrap(), Body::NONE);
        for line in report.findings().iter().flat_map(uwsgi_inspect::Found::change).flat_map(|(_, lines)| lines.lines())
        {
            assert!(line.is_ascii(), "{line}");
            assert!(!line.contains("alert") && !line.contains("onload") && !line.contains("$http_host"), "{line}");
            // An injected quote would make the number of quotes odd.
            assert!(line.matches('"').count() % 2 == 0 && !line.contains(['\'', '`', '<', '&']), "{line}");
        }
    }
}

#[test]
fn the_check_finds_a_tag_from_outside() {
    let seen = std::panic::catch_unwind(|| check_page("</style>as they arrived<i><script></i></table>", &[]));
    assert!(seen.is_err());
}
