//! The tables of packets.

use std::collections::BTreeSet;

use uwsgi::{Array, DecodeErrorKind, Header, Modifier1, Packet, Vars};
use uwsgi_tests::vectors;

use crate::messages::readings;
use crate::page::{Page, Row, capture, hex};

/// Vars that decode: bytes, and pairs.
pub fn well_formed(rows: &[Row]) {
    for row in rows {
        let bytes = row.bytes(0).unwrap();
        let (packet, rest) = Packet::decode(&bytes).unwrap_or_else(|error| panic!("line {}: {error}", row.line));
        assert!(rest.is_empty(), "line {}: bytes after the packet", row.line);
        let vars = packet.vars().unwrap_or_else(|error| panic!("line {}: {error}", row.line));
        let pairs: Vec<_> =
            vars.iter().map(|(key, value)| format!("{}={}", key.escape_ascii(), value.escape_ascii())).collect();
        assert_eq!(pairs, row.code(4), "line {}", row.line);
        assert_eq!(pairs.is_empty(), row.cells[4] == "nothing", "line {}", row.line);
    }
}

/// The kinds of error that a payload, or its end, can have.
const KINDS: [DecodeErrorKind; 8] = [
    DecodeErrorKind::EmptyKey,
    DecodeErrorKind::ItemLengthMissing,
    DecodeErrorKind::ItemOverrun,
    DecodeErrorKind::KeyLengthMissing,
    DecodeErrorKind::KeyOverrun,
    DecodeErrorKind::Truncated,
    DecodeErrorKind::ValueLengthMissing,
    DecodeErrorKind::ValueOverrun,
];

/// The names of the errors: those of a payload, and that of an invalid length.
pub fn errors(rows: &[Row]) {
    let named: BTreeSet<String> = rows.iter().flat_map(|row| row.code(0)).collect();
    let mut expected: BTreeSet<String> = KINDS.iter().map(|kind| kind.as_str().to_owned()).collect();
    expected.insert("content-length".to_owned());
    assert_eq!(named, expected);
}

/// Packets with vars that do not decode: bytes, the kind of the error, and its offset.
pub fn malformed(rows: &[Row]) {
    for row in rows {
        let bytes = row.bytes(0).unwrap();
        let decoded = Packet::decode(&bytes).and_then(|(packet, rest)| {
            assert!(rest.is_empty(), "line {}: bytes after the packet", row.line);
            packet.content()
        });
        let found = match decoded {
            Ok(_) => "nothing".to_owned(),
            Err(error) => format!("`{}` at {}", error.kind().as_str(), error.offset()),
        };
        assert_eq!(found, row.cells[4], "line {}", row.line);
    }
    // Every kind of error of a payload has a row.
    for kind in KINDS {
        let named = rows.iter().any(|row| row.cells[4].starts_with(&format!("`{}`", kind.as_str())));
        assert!(named, "no row for {}", kind.as_str());
    }
}

/// What a front end made of a path: the capture, and its two vars; `-` where one is absent.
pub fn paths(rows: &[Row]) {
    for row in rows {
        let bytes = capture(&row.one(1));
        let (packet, _) = Packet::decode(&bytes).unwrap();
        let vars = packet.vars().unwrap();
        for (cell, key) in [(2, "SCRIPT_NAME"), (3, "PATH_INFO")] {
            let found = match vars.get(key) {
                None => "-".to_owned(),
                Some(b"") => "empty".to_owned(),
                Some(value) => format!("`{}`", value.escape_ascii()),
            };
            assert_eq!(found, row.cells[cell], "line {}: {key}", row.line);
        }
    }
}

/// The bytes that are sent and answered, what they are, and the captures that show them.
pub fn calls(rows: &[Row]) {
    for row in rows {
        let sent = row.bytes(0).unwrap();
        means(row, &sent, 1);
        let answered = row.bytes(2);
        match &answered {
            Some(bytes) => means(row, bytes, 3),
            None => assert!(matches!(&row.cells[2][..], "closes" | ""), "line {}", row.line),
        }
        for name in row.code(4).iter().filter(|name| name.contains('/') && !name.contains('.')) {
            let bytes = capture(name);
            if name.starts_with("uwsgi-client/") {
                assert!(bytes == sent, "line {}: not the bytes of {name}", row.line);
            } else {
                assert_eq!(Some(bytes), answered, "line {}: not the bytes of {name}", row.line);
            }
        }
    }
    // Every message of the crate has a row; a fence shows a join.
    for words in [
        "ping",
        "pong",
        "echo",
        "signal",
        "accepted",
        "refused",
        "task",
        "call",
        "raw call",
        "result",
        "result of",
        "get",
        "exists",
        "set",
        "update",
        "del",
        "clear",
        "ok",
        "replicate",
        "leave",
    ] {
        let there = rows.iter().any(|row| [1, 3].iter().any(|cell| row.cells[*cell].starts_with(&format!("`{words}"))));
        assert!(there, "no row with {words}");
    }
}

/// Checks that every kind of packet that uWSGI's client sends has its bytes on the page: each pair of modifiers
/// (without the signals' numbers), and each command of the cache.
pub fn nothing_is_left_out(page: &Page) {
    let kind = |bytes: &[u8]| {
        let (packet, _) = Packet::decode(bytes).ok()?;
        let command = packet.vars().ok().and_then(|vars| vars.get("cmd").map(<[u8]>::to_vec));
        let is_signal = packet.modifier1() == Modifier1::SIGNAL;
        Some((packet.modifier1().0, if is_signal { 0 } else { packet.modifier2() }, command))
    };
    let rows = page.tables.iter().filter(|table| table.header.starts_with("sent | is")).flat_map(|table| &table.rows);
    let mut shown: BTreeSet<_> = rows.filter_map(|row| kind(&row.bytes(0)?)).collect();
    let fences = page.fences.iter().filter(|fence| fence.info.starts_with("uwsgi packets"));
    shown.extend(fences.filter_map(|fence| kind(&hex(&fence.text, fence.line))));
    let captures = vectors::packets().into_iter().filter(|capture| capture.name.starts_with("uwsgi-client/"));
    let missing: Vec<_> =
        captures.filter(|capture| !kind(&capture.bytes).is_some_and(|kind| shown.contains(&kind))).collect();
    let missing: Vec<_> = missing.iter().map(|capture| &capture.name).collect();
    assert!(missing.is_empty(), "no row or fence shows these, or their kind: {missing:?}");
}

/// Checks that the words in a cell are a reading of the bytes.
fn means(row: &Row, bytes: &[u8], cell: usize) {
    if row.cells[cell] == "raw" {
        return;
    }
    let words = row.cells[cell].trim_matches('`');
    let (packet, after) = Packet::decode(bytes).unwrap_or_else(|error| panic!("line {}: {error}", row.line));
    let readings = readings(&packet, after);
    assert!(readings.iter().any(|reading| reading == words), "line {}: {words} is not one of {readings:?}", row.line);
    if words == "form array" {
        Array::decode(packet.payload()).unwrap();
    }
    if words == "form vars" {
        Vars::decode(packet.payload()).unwrap();
    }
}

/// The first bytes of other protocols, and how they read as a header.
pub fn foreign(rows: &[Row]) {
    for row in rows {
        let bytes: [u8; 4] = row.bytes(0).unwrap().try_into().expect("four bytes");
        let header = Header::from_bytes(bytes);
        let said: Vec<String> = vec![header.modifier1.to_string(), header.datasize.to_string()];
        assert_eq!(said, row.cells[1..3], "line {}", row.line);
        let name = header.foreign().map_or("uwsgi".to_owned(), |foreign| foreign.to_string());
        assert_eq!(row.cells[3].split(':').next(), Some(&name[..]), "line {}", row.line);
        if let Some(text) = row.code(3).first() {
            assert_eq!(text.as_bytes(), bytes, "line {}", row.line);
        }
    }
}
