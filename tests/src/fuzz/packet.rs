//! A packet's header, and where the packet ends.

use uwsgi::{Content, EncodeErrorKind, Foreign, Header, Modifier1, Packet, PayloadForm};

use super::{in_packet, print, show};
use crate::naive::{self, Fault, Rules};

/// The input is what a peer sent.
///
/// Oracle: the naive decoder gives the same packet or the same error, under the limits of the wire and under limits
/// just below, at and above the claimed datasize. If an error says how many bytes are needed, that many complete the
/// element and one fewer do not. Encoding gives the input back. The naive decoder reads the same payload in the form
/// that the modifiers name. Nothing that prints panics.
pub fn packet(input: &[u8]) {
    header(input);
    decodes_alike(input, &Rules::WIRE);
    if let Ok(claimed) = naive::header(input) {
        for datasize in [claimed.datasize.saturating_sub(1), claimed.datasize, claimed.datasize + 1] {
            let datasize = u16::try_from(datasize).unwrap_or(u16::MAX);
            decodes_alike(input, &Rules { datasize, ..Rules::WIRE });
        }
    }
    if let Ok((packet, rest)) = Packet::decode(input) {
        encodes_back(&packet, &input[..input.len() - rest.len()]);
        content(&packet);
        show(&packet);
        show(&packet.header());
        print(&packet.modifier1());
    }
}

fn header(input: &[u8]) {
    match (Header::decode(input), naive::header(input)) {
        (Ok((got, rest)), Ok(want)) => {
            assert_eq!((got.modifier1.0, got.modifier2), (want.modifier1, want.modifier2));
            assert_eq!(usize::from(got.datasize), want.datasize);
            assert_eq!(got.to_bytes(), input[..4]);
            assert_eq!(Header::from_bytes(got.to_bytes()), got);
            assert_eq!(rest, &input[4..]);
            assert_eq!(got.foreign(), foreign(&input[..4]));
            if let Some(foreign) = got.foreign() {
                print(&foreign);
                assert!(!foreign.advice().is_empty());
            }
            modifier(got.modifier1);
        }
        (Err(got), Err(want)) => {
            assert_eq!(Fault::from(got), want);
            print(&got);
        }
        (got, want) => panic!("{got:?}, but {want:?}"),
    }
}

/// Returns the protocol that a peer speaks by mistake, as its first four bytes show it.
fn foreign(first: &[u8]) -> Option<Foreign> {
    const HTTP: [&str; 17] = [
        "CONNECT ",
        "COPY ",
        "DELETE ",
        "GET ",
        "HEAD ",
        "HTTP/1.1 ",
        "LOCK ",
        "MKCOL ",
        "MOVE ",
        "OPTIONS ",
        "PATCH ",
        "POST ",
        "PROPFIND ",
        "PROPPATCH ",
        "PUT ",
        "TRACE ",
        "UNLOCK ",
    ];
    if HTTP.iter().any(|word| &word.as_bytes()[..4] == first) {
        Some(Foreign::Http)
    } else if b"PRI * HTTP/2.0\r\n".starts_with(first) {
        Some(Foreign::Http2)
    } else if b"PROXY TCP4 ".starts_with(first) || b"\r\n\r\n\0\r\nQUIT\n".starts_with(first) {
        Some(Foreign::Proxy)
    } else if first[0] == 22 && first[1] == 3 && first[2] <= 4 {
        Some(Foreign::Tls)
    } else if first[0] == 1 && (first[1] == 1 || first[1] == 9) {
        Some(Foreign::FastCgi)
    } else {
        None
    }
}

/// Checks that a number has a name, a meaning and a standing exactly if the table has the number.
fn modifier(number: Modifier1) {
    let named = Modifier1::NAMED.contains(&number);
    assert_eq!(named, number.name().is_some());
    assert_eq!(named, number.meaning().is_some());
    assert_eq!(named, number.standing() != uwsgi::Standing::Unassigned);
    print(&number);
}

fn decodes_alike(input: &[u8], rules: &Rules) {
    match (Packet::decode_with(input, &rules.limits()), naive::packet(input, rules)) {
        (Ok((got, rest)), Ok(want)) => {
            assert_eq!(got.payload(), want.payload);
            assert_eq!(rest, want.rest);
            assert_eq!((got.modifier1().0, got.modifier2()), (want.header.modifier1, want.header.modifier2));
            assert_eq!(usize::from(got.datasize()), want.payload.len());
            assert_eq!(got.encoded_len(), 4 + want.payload.len());
        }
        (Err(got), Err(want)) => {
            assert_eq!(Fault::from(got), want);
            assert_eq!(got.needed(), want.needed());
            assert_eq!(Fault::from(got.shifted(1000)), want.moved_by(1000));
            print(&got);
            match got.needed() {
                Some(needed) if *rules == Rules::WIRE => needs_exactly(input, needed, want.offset),
                _ => {}
            }
        }
        (got, want) => panic!("{got:?}, but {want:?}"),
    }
}

/// Checks that the element is complete with all `needed` bytes, and still incomplete with one byte less.
fn needs_exactly(input: &[u8], needed: usize, offset: usize) {
    assert!(needed > 0);
    let mut longer = input.to_vec();
    longer.resize(input.len() + needed - 1, 0);
    let error = Packet::decode(&longer).expect_err("one byte less than needed is enough");
    assert_eq!((error.offset(), error.needed()), (offset, Some(1)));

    longer.push(0);
    match Packet::decode(&longer) {
        Ok((_, rest)) => assert_eq!(rest, b""),
        Err(error) => assert!(offset == 0 && error.offset() > 0, "{error} after all needed bytes"),
    }
}

fn encodes_back(packet: &Packet<'_>, bytes: &[u8]) {
    assert_eq!(packet.encode(&mut Vec::new()), Ok(bytes));
    assert_eq!(Packet::new(packet.modifier1(), packet.modifier2(), packet.payload()), Ok(*packet));

    let mut exact = vec![0xa5; bytes.len()];
    assert_eq!(packet.encode(&mut exact[..]), Ok(bytes));

    let mut short = vec![0xa5; bytes.len() - 1];
    let error = packet.encode(&mut short[..]).expect_err("written where there is no room");
    assert_eq!(
        (error.kind(), error.required(), error.available()),
        (EncodeErrorKind::BufferFull, Some(bytes.len()), Some(bytes.len() - 1))
    );
    assert!(short.iter().all(|byte| *byte == 0xa5), "part of a refused packet was written");
    print(&error);
}

fn content(packet: &Packet<'_>) {
    let payload = packet.payload();
    let form = packet.payload_form();
    assert_eq!(payload.is_empty(), form == PayloadForm::None);
    let content = packet.content();
    show(&content);
    match (content, form) {
        (Ok(Content::None), PayloadForm::None) => {}
        (Ok(Content::Raw(raw)), PayloadForm::Raw) => assert_eq!(raw, payload),
        (Ok(Content::Vars(vars)), PayloadForm::Vars) => {
            let want = naive::vars(payload, &Rules::WIRE);
            assert_eq!(want.fault, None);
            assert!(vars.iter().eq(want.elements.iter().map(|(key, value)| (&key[..], &value[..]))));
        }
        (Ok(Content::Array(array)), PayloadForm::Array) => {
            let want = naive::array(payload);
            assert_eq!(want.fault, None);
            assert!(array.iter().eq(want.elements.iter().map(|item| &item[..])));
        }
        (Err(error), PayloadForm::Vars) => {
            let want = naive::vars(payload, &Rules::WIRE).fault.map(in_packet);
            assert_eq!(Some(error.into()), want);
        }
        (Err(error), PayloadForm::Array) => {
            let want = naive::array(payload).fault.map(in_packet);
            assert_eq!(Some(error.into()), want);
        }
        (content, form) => panic!("{content:?} for {form:?}"),
    }
}
