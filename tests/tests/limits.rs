//! Limits are exact: one below the limit passes, the limit itself passes, and one above is an error with both numbers.

use arrayvec::ArrayVec;
use uwsgi::{
    ArrayEncoder, Buffer, DecodeErrorKind, EncodeError, EncodeErrorKind, Limits, Modifier1, Packet, Request, Vars,
    VarsBuf, VarsEncoder,
};
use uwsgi_tests::naive::{self, Fault, Rules};

/// A limit, and how to build a packet that uses this much of it.
struct Decode {
    name: &'static str,
    /// The limits that are tried.
    limits: &'static [u16],
    rules: fn(u16) -> Rules,
    /// Builds a packet that has exactly `n` of what is limited.
    packet: fn(usize) -> Vec<u8>,
    kind: DecodeErrorKind,
    /// Returns where the first element over the limit begins, in a packet that has `n`.
    offset: fn(usize) -> usize,
}

const DECODE: &[Decode] = &[
    Decode {
        name: "datasize",
        limits: &[5, 255, 256, 4096, 32768, 65534],
        rules: |limit| Rules { datasize: limit, ..Rules::WIRE },
        packet: |n| one(1, n - 5),
        kind: DecodeErrorKind::DatasizeLimit,
        offset: |_| 1,
    },
    Decode {
        name: "vars",
        limits: &[1, 2, 128, 1000, 13106],
        rules: |limit| Rules { vars: limit, ..Rules::WIRE },
        packet: |n| naive::encode_packet(0, 0, &b"\x01\x00k\x00\x00".repeat(n)).unwrap(),
        kind: DecodeErrorKind::VarsLimit,
        offset: |n| 4 + 5 * (n - 1),
    },
    Decode {
        name: "vars with empty keys",
        limits: &[1, 255, 256, 16382],
        rules: |limit| Rules { vars: limit, empty_keys: true, ..Rules::WIRE },
        packet: |n| naive::encode_packet(0, 0, &b"\0\0\0\0".repeat(n)).unwrap(),
        kind: DecodeErrorKind::VarsLimit,
        offset: |n| 4 + 4 * (n - 1),
    },
    Decode {
        name: "key",
        limits: &[1, 255, 256, 65530],
        rules: |limit| Rules { key: limit, ..Rules::WIRE },
        packet: |n| one(n, 0),
        kind: DecodeErrorKind::KeyLimit,
        offset: |_| 4 + 2,
    },
    Decode {
        name: "value",
        limits: &[0, 1, 255, 256, 65529],
        rules: |limit| Rules { value: limit, ..Rules::WIRE },
        packet: |n| one(1, n),
        kind: DecodeErrorKind::ValueLimit,
        offset: |_| 4 + 2 + 1 + 2,
    },
];

/// Builds a packet of one pair.
fn one(key: usize, value: usize) -> Vec<u8> {
    naive::encode_packet(0, 0, &naive::encode_vars(&[(vec![b'k'; key], vec![b'v'; value])]).unwrap()).unwrap()
}

#[test]
fn decoding_refuses_one_over_each_limit() {
    let mut ran = 0;
    for row in DECODE {
        for &limit in row.limits {
            let n = usize::from(limit);
            // One below the limit, if that is possible.
            let smallest = match row.name {
                "datasize" => 5,
                "vars" | "vars with empty keys" | "value" => 0,
                _ => 1,
            };
            for count in usize::max(n.saturating_sub(1), smallest)..=n + 1 {
                let want = if count > n {
                    Err(Fault { kind: row.kind, offset: (row.offset)(count), required: count, available: n })
                } else {
                    Ok(())
                };
                let packet = (row.packet)(count);
                assert_eq!(verdicts(&packet, &(row.rules)(limit)), [want; 3], "{} {count} of {n}", row.name);
                ran += 1;
            }
        }
    }
    assert!(ran > 60, "{ran}");
}

/// Returns the verdicts of the request view, of reading pair by pair, and of the naive decoder.
fn verdicts(bytes: &[u8], rules: &Rules) -> [Result<(), Fault>; 3] {
    let limits = rules.limits();
    let packet = Packet::decode_with(bytes, &limits);
    let view = packet.and_then(|(packet, _)| Request::decode_with(&packet, &limits)).map(|_| ());
    let pairs = packet.map_err(Fault::from).and_then(|(packet, _)| {
        Vars::pairs(packet.payload(), &limits)
            .try_for_each(|pair| pair.map(|_| ()))
            .map_err(|e| Fault::from(e).moved_by(4))
    });
    let naive = naive::packet(bytes, rules)
        .and_then(|packet| naive::vars(&packet.payload, rules).whole().map_err(|fault| fault.moved_by(4)));
    [view.map_err(Fault::from), pairs, naive.map(|_| ())]
}

/// A datasize over the limit is an error as soon as the header is there.
#[test]
fn a_datasize_over_the_limit_is_refused_before_its_bytes_come() {
    let limits = Limits::default().with_datasize(4096);
    assert_eq!(limits.datasize(), 4096);
    let at_limit = Packet::decode_with(&[0, 0x00, 0x10, 0], &limits).unwrap_err();
    assert_eq!((at_limit.kind(), at_limit.needed()), (DecodeErrorKind::Truncated, Some(4096)));
    let over = Packet::decode_with(&[0, 0x01, 0x10, 0], &limits).unwrap_err();
    assert_eq!((over.kind(), over.needed()), (DecodeErrorKind::DatasizeLimit, None));
}

/// A packet and a set of limits give the same verdict, whichever call brings them together.
#[test]
fn every_function_with_limits_checks_the_datasize() {
    let bytes = one(1, 100);
    let (packet, _) = Packet::decode(&bytes).unwrap();
    let limits = Limits::default().with_datasize(104);
    // The fault is at the datasize in the header.
    let fault = Fault { kind: DecodeErrorKind::DatasizeLimit, offset: 1, required: 105, available: 104 };
    let vars = packet.vars_with(&limits).map(|_| ()).map_err(Fault::from);
    let request = Request::decode_with(&packet, &limits).map(|_| ()).map_err(Fault::from);
    assert_eq!(vars, Err(fault));
    assert_eq!(request, vars, "Request::decode_with and Packet::vars_with");
    assert_eq!(Packet::decode_with(&bytes, &limits).map(|_| ()).map_err(Fault::from), vars);
}

#[test]
fn the_named_limits_have_their_numbers() {
    let many = |n| naive::encode_packet(0, 0, &b"\x01\x00k\x00\x00".repeat(n)).unwrap();
    for (n, wire, server) in [(1000, true, true), (1001, true, false), (13107, true, false)] {
        let bytes = many(n);
        let (packet, _) = Packet::decode(&bytes).unwrap();
        assert_eq!(packet.vars().is_ok(), wire, "{n}");
        assert_eq!(packet.vars_with(&Limits::server()).is_ok(), server, "{n}");
    }
    assert_eq!(Limits::default(), Limits::wire());
    assert_eq!(Limits::server(), Limits::wire().with_vars(1000));
}

/// A payload larger than any packet's is refused by every function that takes one, even if it is well formed.
#[test]
fn a_payload_has_at_most_65535_bytes() {
    for (value, passes) in [(65529, true), (65530, true), (65531, false)] {
        let block = naive::encode_vars(&[("k", vec![b'v'; value])]).unwrap();
        let fault = Vars::decode(&block).err().map(Fault::from);
        let want = Fault { kind: DecodeErrorKind::DatasizeLimit, offset: 0, required: block.len(), available: 65535 };
        assert_eq!(fault, (!passes).then_some(want), "{}", block.len());
        assert_eq!(VarsBuf::decode(block.clone()).is_ok(), passes);
        let packet = Packet::new(Modifier1::WSGI, 0, &block).map(|_| ()).map_err(|error| error.kind());
        assert_eq!(packet, if passes { Ok(()) } else { Err(EncodeErrorKind::DatasizeTooLarge) });
    }
}

/// What is written, how long it is, and what comes of it.
struct Encode {
    name: &'static str,
    write: Write,
    verdict: Result<usize, (EncodeErrorKind, usize)>,
}

/// One call of an encoder.
enum Write {
    /// A key and a value of these lengths.
    Var(usize, usize),
    /// A header whose name and value have these lengths.
    Header(usize, usize),
    /// An item of this length.
    Item(usize),
    /// This many pairs of eight bytes, and after them a key and a value.
    Total(usize, usize, usize),
}

const KEY: EncodeErrorKind = EncodeErrorKind::KeyTooLong;
const VALUE: EncodeErrorKind = EncodeErrorKind::ValueTooLong;
const ITEM: EncodeErrorKind = EncodeErrorKind::ItemTooLong;
const DATASIZE: EncodeErrorKind = EncodeErrorKind::DatasizeTooLarge;

/// The verdict is the packet's length, or the error and the bytes that it says were needed. The datasize is full before
/// any length field: 65535 bytes of key, value or item pass their own check and are too large for the packet.
const ENCODE: &[Encode] = &[
    Encode { name: "key 1", write: Write::Var(1, 0), verdict: Ok(9) },
    Encode { name: "key 255", write: Write::Var(255, 1), verdict: Ok(264) },
    Encode { name: "key 256", write: Write::Var(256, 1), verdict: Ok(265) },
    Encode { name: "key 65530", write: Write::Var(65530, 0), verdict: Ok(65538) },
    Encode { name: "key 65531", write: Write::Var(65531, 0), verdict: Ok(65539) },
    Encode { name: "key 65532", write: Write::Var(65532, 0), verdict: Err((DATASIZE, 65536)) },
    Encode { name: "key 65534", write: Write::Var(65534, 0), verdict: Err((DATASIZE, 65538)) },
    Encode { name: "key 65535", write: Write::Var(65535, 0), verdict: Err((DATASIZE, 65539)) },
    Encode { name: "key 65536", write: Write::Var(65536, 0), verdict: Err((KEY, 65536)) },
    Encode { name: "key 65537", write: Write::Var(65537, 0), verdict: Err((KEY, 65537)) },
    Encode { name: "key 131072", write: Write::Var(131072, 0), verdict: Err((KEY, 131072)) },
    Encode { name: "value 0", write: Write::Var(1, 0), verdict: Ok(9) },
    Encode { name: "value 255", write: Write::Var(1, 255), verdict: Ok(264) },
    Encode { name: "value 256", write: Write::Var(1, 256), verdict: Ok(265) },
    Encode { name: "value 65529", write: Write::Var(1, 65529), verdict: Ok(65538) },
    Encode { name: "value 65530", write: Write::Var(1, 65530), verdict: Ok(65539) },
    Encode { name: "value 65531", write: Write::Var(1, 65531), verdict: Err((DATASIZE, 65536)) },
    Encode { name: "value 65535", write: Write::Var(1, 65535), verdict: Err((DATASIZE, 65540)) },
    Encode { name: "value 65536", write: Write::Var(1, 65536), verdict: Err((VALUE, 65536)) },
    Encode { name: "value 65539", write: Write::Var(1, 65539), verdict: Err((VALUE, 65539)) },
    Encode { name: "key and value 65536", write: Write::Var(65536, 65536), verdict: Err((KEY, 65536)) },
    Encode { name: "header name 65526", write: Write::Header(65526, 0), verdict: Ok(65539) },
    Encode { name: "header name 65527", write: Write::Header(65527, 0), verdict: Err((DATASIZE, 65536)) },
    Encode { name: "header name 65530", write: Write::Header(65530, 0), verdict: Err((DATASIZE, 65539)) },
    Encode { name: "header name 65531", write: Write::Header(65531, 0), verdict: Err((KEY, 65536)) },
    Encode { name: "header value 65525", write: Write::Header(1, 65525), verdict: Ok(65539) },
    Encode { name: "header value 65526", write: Write::Header(1, 65526), verdict: Err((DATASIZE, 65536)) },
    Encode { name: "header value 65535", write: Write::Header(1, 65535), verdict: Err((DATASIZE, 65545)) },
    Encode { name: "header value 65536", write: Write::Header(1, 65536), verdict: Err((VALUE, 65536)) },
    Encode { name: "item 0", write: Write::Item(0), verdict: Ok(6) },
    Encode { name: "item 65532", write: Write::Item(65532), verdict: Ok(65538) },
    Encode { name: "item 65533", write: Write::Item(65533), verdict: Ok(65539) },
    Encode { name: "item 65534", write: Write::Item(65534), verdict: Err((DATASIZE, 65536)) },
    Encode { name: "item 65535", write: Write::Item(65535), verdict: Err((DATASIZE, 65537)) },
    Encode { name: "item 65536", write: Write::Item(65536), verdict: Err((ITEM, 65536)) },
    Encode { name: "total 65534", write: Write::Total(8191, 1, 1), verdict: Ok(4 + 65534) },
    Encode { name: "total 65535", write: Write::Total(8191, 1, 2), verdict: Ok(4 + 65535) },
    Encode { name: "total 65536", write: Write::Total(8191, 1, 3), verdict: Err((DATASIZE, 65536)) },
    Encode { name: "total 65537", write: Write::Total(8191, 2, 3), verdict: Err((DATASIZE, 65537)) },
];

#[test]
fn encoding_refuses_one_over_each_limit() {
    for row in ENCODE {
        // Enough room: more than the largest packet needs.
        let mut slice = vec![0; 140_000];
        assert_eq!(write(&row.write, &mut slice[..]), row.verdict, "{}: [u8]", row.name);
        assert_eq!(
            write(&row.write, &mut *Box::new(ArrayVec::<u8, 66_000>::new())),
            row.verdict,
            "{}: ArrayVec",
            row.name
        );
        assert_eq!(write(&row.write, &mut Vec::new()), row.verdict, "{}: Vec", row.name);
        assert_eq!(write(&row.write, &mut vec![0; 7]), row.verdict, "{}: Vec with something in it", row.name);
    }
}

/// The exact room is enough, and one byte less is not.
#[test]
fn buffers_are_used_to_their_last_byte() {
    for row in ENCODE {
        let Ok(len) = row.verdict else { continue };
        let mut slice = vec![0; len];
        assert_eq!(write(&row.write, &mut slice[..]), Ok(len), "{}: [u8]", row.name);
        let full = write(&row.write, &mut slice[..len - 1]).unwrap_err();
        assert_eq!(full.0, EncodeErrorKind::BufferFull, "{}: [u8]", row.name);
    }
    let mut inline = ArrayVec::<u8, 9>::new();
    assert_eq!(write(&Write::Var(1, 0), &mut inline), Ok(9));
    assert_eq!(write(&Write::Var(1, 0), &mut inline), Err((EncodeErrorKind::BufferFull, 5)));
    assert_eq!(write(&Write::Var(1, 0), &mut ArrayVec::<u8, 8>::new()), Err((EncodeErrorKind::BufferFull, 5)));
    for room in 0..4 {
        let full = VarsEncoder::new(&mut [0; 3][..room]).finish(Modifier1::WSGI, 0).unwrap_err();
        assert_eq!(
            (full.kind(), full.required(), full.available()),
            (EncodeErrorKind::BufferFull, Some(4), Some(room))
        );
    }
    // First some room, but too little for a header; then no room at all.
    for filled in 6..=9 {
        let mut inline: ArrayVec<u8, 9> = std::iter::repeat_n(0xdd, filled).collect();
        let full = VarsEncoder::new(&mut inline).finish(Modifier1::WSGI, 0).unwrap_err();
        assert_eq!(
            (full.kind(), full.required(), full.available()),
            (EncodeErrorKind::BufferFull, Some(4), Some(9 - filled))
        );
        assert_eq!(inline.len(), filled, "nothing was written");
    }
}

/// Returns the packet's length, after a check with the decoder, or the error and the bytes that it needed.
fn write<B: Buffer + ?Sized>(what: &Write, buffer: &mut B) -> Result<usize, (EncodeErrorKind, usize)> {
    let refused = |error: EncodeError| {
        assert_ne!(error.to_string(), "");
        let required = error.required().unwrap_or(0);
        let most = if error.kind() == EncodeErrorKind::BufferFull { required } else { 65536 };
        assert!(error.available().unwrap_or(0) < most, "{error}");
        (error.kind(), required)
    };
    let text = |len| vec![b'x'; len];
    let packet = if let Write::Item(len) = *what {
        let mut items = ArrayEncoder::new(buffer);
        let pushed = items.push(&text(len)).map_err(refused);
        let packet = items.finish(Modifier1::RPC, 0).map_err(refused);
        pushed?;
        packet?
    } else {
        let mut vars = VarsEncoder::new(buffer);
        let pushed = match *what {
            Write::Var(key, value) => vars.push(&text(key), &text(value)),
            Write::Header(name, value) => vars.push_header(&text(name), &text(value)),
            Write::Total(pairs, key, value) => {
                (0..pairs).try_for_each(|_| vars.push("key", "v")).and_then(|()| vars.push(&text(key), &text(value)))
            }
            Write::Item(_) => unreachable!("an item is written above"),
        };
        let packet = vars.finish(Modifier1::WSGI, 0).map_err(refused);
        pushed.map_err(refused)?;
        packet?
    };
    // No length is wrong: what was written is one packet, to its last byte.
    let (decoded, rest) = Packet::decode(packet).unwrap();
    assert!(rest.is_empty() && decoded.content().is_ok());
    Ok(packet.len())
}
