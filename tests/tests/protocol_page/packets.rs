//! The tables of packets.

use std::collections::BTreeSet;

use uwsgi::{Array, DecodeErrorKind, Header, Modifier1, Packet, Standing, Vars};
use uwsgi_tests::vectors;

use crate::examples::form;
use crate::messages::readings;
use crate::page::{Page, Row, capture, hex};

/// Vars that decode: bytes, and pairs.
pub fn well_formed(rows: &[Row]) {
    for row in rows {
        let bytes = row.bytes(0).unwrap();
        let (packet, rest) = Packet::decode(&bytes).unwrap_or_else(|error| panic!("line {}: {error}", row.line));
        assert!(rest.is_empty(), "line {}: bytes behind the packet", row.line);
        let vars = packet.vars().unwrap_or_else(|error| panic!("line {}: {error}", row.line));
        let pairs: Vec<_> =
            vars.iter().map(|(key, value)| format!("{}={}", key.escape_ascii(), value.escape_ascii())).collect();
        assert_eq!(pairs, row.code(4), "line {}", row.line);
        assert_eq!(pairs.is_empty(), row.cells[4] == "nothing", "line {}", row.line);
    }
}

/// Packets that do not: bytes, the kind of the error, and its offset.
pub fn malformed(rows: &[Row]) {
    for row in rows {
        let bytes = row.bytes(0).unwrap();
        let decoded = Packet::decode(&bytes).and_then(|(packet, rest)| {
            assert!(rest.is_empty(), "line {}: bytes behind the packet", row.line);
            packet.content()
        });
        let found = match decoded {
            Ok(_) => "nothing".to_owned(),
            Err(error) => format!("`{}` at {}", error.kind().as_str(), error.offset()),
        };
        assert_eq!(found, row.cells[4], "line {}", row.line);
    }
    // No kind of a block's error is left out.
    use DecodeErrorKind as Kind;
    let all = [
        Kind::EmptyKey,
        Kind::ItemLengthMissing,
        Kind::ItemOverrun,
        Kind::KeyLengthMissing,
        Kind::KeyOverrun,
        Kind::Truncated,
        Kind::ValueLengthMissing,
        Kind::ValueOverrun,
    ];
    for kind in all {
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

/// What is sent and what is answered, each with what it is, and the captures that show it.
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
    // Every message of the crate.
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
        "join",
        "leave",
    ] {
        let there = rows.iter().any(|row| [1, 3].iter().any(|cell| row.cells[*cell].starts_with(&format!("`{words}"))));
        assert!(there, "no row with {words}");
    }
}

/// Every kind of packet that uWSGI's client was seen to send has its bytes on the page: each pair of modifiers (a signal's
/// number is none), and for the cache each command.
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
    assert!(missing.is_empty(), "on no row, nor anything of their kind: {missing:?}");
}

/// That the words in a cell are a reading of the bytes.
fn means(row: &Row, bytes: &[u8], cell: usize) {
    if row.cells[cell] == "raw" {
        return;
    }
    let words = row.cells[cell].trim_matches('`');
    let (packet, behind) = Packet::decode(bytes).unwrap_or_else(|error| panic!("line {}: {error}", row.line));
    let readings = readings(&packet, behind);
    assert!(readings.iter().any(|reading| reading == words), "line {}: {words} is none of {readings:?}", row.line);
    if words == "form array" {
        Array::decode(packet.payload()).unwrap();
    }
    if words == "form vars" {
        Vars::decode(packet.payload()).unwrap();
    }
}

/// The first bytes of other protocols, and what they are as a header.
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

/// All 256 numbers, each once; `12`-`13` is both.
pub fn modifiers(rows: &[Row]) {
    let mut seen = BTreeSet::new();
    for row in rows {
        for part in row.cells[0].split(", ") {
            let ends: Vec<u8> = part.split('-').map(|number| number.trim_matches('`').parse().unwrap()).collect();
            for number in ends[0]..=*ends.last().unwrap() {
                assert!(seen.insert(number), "line {}: {number} a second time", row.line);
                modifier(row, Modifier1(number));
            }
        }
    }
    let missing: Vec<u8> = (0..=255).filter(|number| !seen.contains(number)).collect();
    assert!(missing.is_empty(), "not on the page: {missing:?}");
    for modifier1 in Modifier1::NAMED {
        let row = rows.iter().find(|row| row.cells[0] == format!("`{modifier1}`"));
        assert!(row.is_some(), "{modifier1:?} has no row of its own");
    }
}

fn modifier(row: &Row, modifier1: Modifier1) {
    let name = modifier1.name().map_or("-".to_owned(), |name| format!("`{name}`"));
    assert_eq!(name, row.cells[1], "line {}: the name of {modifier1}", row.line);
    let standing = format!("{:?}", modifier1.standing()).to_lowercase();
    assert_eq!(standing, row.cells[2], "line {}: the standing of {modifier1}", row.line);
    // These carry nothing, and a decoder takes for vars what is there all the same.
    let own = form(modifier1.payload_form(0, 1));
    let claimed = match modifier1.0 {
        _ if modifier1.standing() == Standing::Unassigned => "-",
        // Numbers that no packet has.
        48 | 72 | 123 => "-",
        97..=100 | 110 | 200 | 255 => "none",
        _ => &own,
    };
    assert_eq!(claimed, row.cells[3], "line {}: the payload of {modifier1}", row.line);
}
