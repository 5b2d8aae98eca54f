//! The examples in code fences, each with its claim as JSON after it.

use serde_json::{Map, Value, json};
use uwsgi::chunked::{ChunkStep, Chunked};
use uwsgi::framing::{RequestFraming, ResponseFraming, response_framing};
use uwsgi::response::{HeadEnd, ResponseHead};
use uwsgi::{Content, Modifier1, Packet, PayloadForm, Request};

use crate::messages;
use crate::page::{Fence, capture, hex};

/// Checks every example; returns how many there were.
pub fn check(fences: &[Fence]) -> usize {
    let mut ran = 0;
    let mut fences = fences.iter().peekable();
    while let Some(fence) = fences.next() {
        let mut info = fence.info.split(' ');
        let decoded = match (info.next(), info.next()) {
            (Some("uwsgi"), Some("packets")) => packets,
            (Some("http"), Some("answer")) => answer,
            (Some("text"), None) => continue,
            _ => panic!("line {}: `{}` is not a kind of fence that the test checks", fence.line, fence.info),
        };
        let claim = fences.next_if(|next| next.info == "json");
        let claim = claim.unwrap_or_else(|| panic!("line {}: an example without a claim", fence.line));
        let claimed: Value = serde_json::from_str(&claim.text)
            .unwrap_or_else(|error| panic!("line {}: the claim is not JSON: {error}", claim.line));
        let found = decoded(fence, &claimed);
        assert_eq!(found, claimed, "line {}: left is what the example decodes to, right the claim", claim.line);
        if let Some(name) = info.next() {
            assert!(hex(&fence.text, fence.line) == capture(name), "line {}: not the bytes of {name}", fence.line);
        }
        ran += 1;
    }
    ran
}

/// Decodes packets, back to back: each as `uwsgictl decode --json` names its parts, with what follows it.
fn packets(fence: &Fence, claimed: &Value) -> Value {
    let bytes = hex(&fence.text, fence.line);
    let mut rest = &bytes[..];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (packet, after) = Packet::decode(rest).unwrap_or_else(|error| panic!("line {}: {error}", fence.line));
        let (mut shown, after) = packet_as_json(&packet, after, &claimed[found.len()], fence.line);
        if let Some(message) = claimed[found.len()].get("message") {
            let message = message.as_str().unwrap_or_default();
            if messages::readings(&packet, after).iter().any(|reading| reading == message) {
                shown.insert("message".to_owned(), message.into());
            }
        }
        rest = &[];
        if !after.is_empty() {
            shown.insert("after".to_owned(), latin1(after));
        }
        found.push(Value::Object(shown));
    }
    Value::Array(found)
}

fn packet_as_json<'a>(
    packet: &Packet<'_>,
    after: &'a [u8],
    claimed: &Value,
    line: usize,
) -> (Map<String, Value>, &'a [u8]) {
    let shown = json!({
        "modifier1": packet.modifier1().0,
        "datasize": packet.datasize(),
        "modifier2": packet.modifier2(),
        "payload": form(packet.payload_form()),
    });
    let Value::Object(mut shown) = shown else { unreachable!() };
    let content = packet.content().unwrap_or_else(|error| panic!("line {line}: {error}"));
    let (name, value) = match content {
        Content::Vars(vars) => ("vars", vars.iter().map(|(key, value)| json!([latin1(key), latin1(value)])).collect()),
        Content::Array(items) => ("items", items.iter().map(latin1).collect()),
        Content::Raw(bytes) => ("raw", latin1(bytes)),
        _ => return (shown, after),
    };
    shown.insert(name.to_owned(), value);
    if packet.modifier1() != Modifier1::WSGI {
        return (shown, after);
    }
    let request = Request::decode(packet).unwrap_or_else(|error| panic!("line {line}: {error}"));
    let framing =
        if claimed["framing"] == "chunked" { request.body_framing_or_chunked() } else { request.body_framing() };
    let framing = framing.unwrap_or_else(|error| panic!("line {line}: {error}"));
    shown.insert("framing".to_owned(), request_words(framing).into());
    let (body, after) = match framing {
        RequestFraming::Length(length) => {
            let (body, after) = after.split_at(usize::try_from(length).unwrap());
            (body.to_vec(), after)
        }
        RequestFraming::Chunked => dechunk(after).unwrap_or_else(|error| panic!("line {line}: {error}")),
        _ => return (shown, after),
    };
    shown.insert("body".to_owned(), latin1(&body));
    (shown, after)
}

/// Decodes a head whose lines end where the text's lines do, then a body without the line end that closes the fence.
fn answer(fence: &Fence, _: &Value) -> Value {
    let (head, body) = fence.text.split_once("\n\n").unwrap_or_else(|| panic!("line {}: no empty line", fence.line));
    let text = format!("{}\r\n\r\n", head.replace('\n', "\r\n"));
    assert_eq!(HeadEnd::default().find(text.as_bytes()), Some(text.len()), "line {}", fence.line);
    let head = ResponseHead::decode(text.as_bytes()).unwrap_or_else(|error| panic!("line {}: {error}", fence.line));
    let headers: Value = head.headers().map(|(name, value)| json!([latin1(name), latin1(value)])).collect();
    let body = body.strip_suffix('\n').unwrap_or(body);
    if let ResponseFraming::Length(length) = response_framing(&head, false) {
        assert_eq!(length, body.len() as u64, "line {}: the body's length", fence.line);
    }
    json!({
        "status": head.status(),
        "reason": latin1(head.reason()),
        "style": format!("{:?}", head.style()),
        "framing": response_words(response_framing(&head, false)),
        "body": body,
        "headers": headers,
    })
}

/// Returns the data of a chunked body, and what follows it.
pub fn dechunk(bytes: &[u8]) -> Result<(Vec<u8>, &[u8]), String> {
    let (mut chunked, mut body, mut rest) = (Chunked::default(), Vec::new(), bytes);
    loop {
        match chunked.step(rest).map_err(|error| format!("{error:?}"))? {
            ChunkStep::Data { skip, take } => {
                body.extend_from_slice(&rest[skip..skip + take]);
                rest = &rest[skip + take..];
            }
            ChunkStep::End { skip } => return Ok((body, &rest[skip..])),
            step => return Err(format!("{step:?}")),
        }
    }
}

pub fn request_words(framing: RequestFraming) -> String {
    match framing {
        RequestFraming::Length(length) => format!("length {length}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

pub fn response_words(framing: ResponseFraming) -> String {
    match framing {
        ResponseFraming::Length(length) => format!("length {length}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

pub fn form(form: PayloadForm) -> String {
    format!("{form:?}").to_lowercase()
}

/// Turns each byte into one character.
fn latin1(bytes: &[u8]) -> Value {
    bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into()
}
