//! Packets that are refused as a message, and the reason.

use std::error::Error;

use uwsgi::message::{
    CacheAnswer, CacheDelete, CacheRequest, CacheUpdate, Echo, MessageError, Ping, Pong, Reply, RpcAnswer, RpcCall,
    RpcCallEncoder, Signal, SpoolTask, Subscription, SubscriptionCommand,
};
use uwsgi::{DecodeErrorKind, EncodeErrorKind, Modifier1, Packet};
use uwsgi_tests::naive::{self, Fault};

/// A decoder, and a packet that it refuses.
struct Row {
    name: &'static str,
    decode: Decode,
    modifiers: (u8, u8),
    payload: Payload,
    refusal: Refusal,
}

type Decode = fn(&Packet<'_>) -> Result<(), MessageError>;

enum Payload {
    Items(&'static [&'static str]),
    Raw(&'static [u8]),
    Vars(&'static [(&'static str, &'static str)]),
}

/// Why a packet is refused.
#[derive(Debug, PartialEq)]
enum Refusal {
    Invalid(&'static str),
    /// The kind of fault, its offset in the packet, the bytes needed, the bytes there.
    Malformed(DecodeErrorKind, usize, usize, usize),
    Missing(&'static str),
    Modifier1(Modifier1),
    Modifier2(u8),
    SignNotLast,
    TooManyItems(usize),
}

impl From<MessageError> for Refusal {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::Decode(error) => {
                let Fault { kind, offset, required, available } = Fault::from(error);
                Self::Malformed(kind, offset, required, available)
            }
            MessageError::Invalid { key } => Self::Invalid(key),
            MessageError::Missing { key } => Self::Missing(key),
            MessageError::Modifier1 { expected } => Self::Modifier1(expected),
            MessageError::Modifier2 { found } => Self::Modifier2(found),
            MessageError::SignNotLast => Self::SignNotLast,
            MessageError::TooManyItems { most } => Self::TooManyItems(most),
            other => panic!("a reason without a row: {other:?}"),
        }
    }
}

use DecodeErrorKind as Kind;
use Payload::{Items, Raw, Vars};
use Refusal::{Invalid, Malformed, Missing, SignNotLast, TooManyItems};

const ECHO: (u8, u8) = (101, 0);

/// Name, message, modifiers, payload, reason.
macro_rules! rows {
    ($($name:literal $message:ident $decode:ident $modifiers:expr, $payload:expr, $refusal:expr;)*) => {
        const ROWS: &[Row] = &[$(Row {
            name: $name,
            decode: |packet| $message::$decode(packet).map(drop),
            modifiers: $modifiers,
            payload: $payload,
            refusal: $refusal,
        }),*];
    };
}

rows! {
    "not-ping" Ping decode ECHO, Raw(b""), Refusal::Modifier1(Modifier1::PING);
    "not-pong" Pong decode (101, 1), Raw(b""), Refusal::Modifier1(Modifier1::PING);
    "ping-as-pong" Pong decode (100, 0), Raw(b""), Refusal::Modifier2(0);
    "pong-2" Pong decode (100, 2), Raw(b""), Refusal::Modifier2(2);
    "not-echo" Echo decode (100, 0), Raw(b"hello"), Refusal::Modifier1(Modifier1::ECHO);
    "not-signal" Signal decode (255, 1), Raw(b""), Refusal::Modifier1(Modifier1::SIGNAL);
    "not-reply" Reply decode (110, 1), Raw(b""), Refusal::Modifier1(Modifier1::RESPONSE);
    "reply-2" Reply decode (255, 2), Raw(b""), Refusal::Modifier2(2);
    "not-task" SpoolTask decode ECHO, Vars(&[("a", "b")]), Refusal::Modifier1(Modifier1::SPOOLER);
    // uWSGI 2.0 (core/spooler.c) queues the pairs before the fault.
    "task-malformed" SpoolTask decode (17, 0), Raw(b"\x01\0a\x01\0b\x02\0c"), Malformed(Kind::KeyOverrun, 12, 2, 1);

    "not-call" RpcCall decode ECHO, Items(&["f"]), Refusal::Modifier1(Modifier1::RPC);
    "call-over-http" RpcCall decode (173, 2), Vars(&[("PATH_INFO", "/f")]), Refusal::Modifier2(2);
    "call-sized" RpcCall decode (173, 5), Items(&["f"]), Refusal::Modifier2(5);
    "call-without-name" RpcCall decode (173, 0), Raw(b""), Missing("name");
    "call-malformed" RpcCall decode (173, 1), Raw(b"\x01\0f\x05\0ab"), Malformed(Kind::ItemOverrun, 9, 5, 2);
    "not-strict-call" RpcCall decode_as_uwsgi ECHO, Items(&["f"]), Refusal::Modifier1(Modifier1::RPC);
    "strict-call-3" RpcCall decode_as_uwsgi (173, 3), Items(&["f"]), Refusal::Modifier2(3);
    "strict-call-without-name" RpcCall decode_as_uwsgi (173, 0), Raw(b""), Missing("name");
    "strict-call-malformed" RpcCall decode_as_uwsgi (173, 0), Raw(b"\x01\0f\x01"),
        Malformed(Kind::ItemLengthMissing, 7, 2, 1);
    "strict-call-empty-end" RpcCall decode_as_uwsgi (173, 0), Items(&["f", "a", ""]),
        Malformed(Kind::EmptyItem, 10, 1, 0);
    "strict-call-all-empty" RpcCall decode_as_uwsgi (173, 0), Items(&["", ""]), Malformed(Kind::EmptyItem, 6, 1, 0);
    "not-answer" RpcAnswer decode ECHO, Raw(b""), Refusal::Modifier1(Modifier1::RPC);
    "not-sized-answer" RpcAnswer decode (101, 5), Vars(&[("CONTENT_LENGTH", "1")]), Refusal::Modifier1(Modifier1::RPC);
    "answer-raw" RpcAnswer decode (173, 1), Raw(b""), Refusal::Modifier2(1);
    "answer-without-length" RpcAnswer decode (173, 5), Vars(&[("LENGTH", "1")]), Missing("CONTENT_LENGTH");
    "answer-empty-length" RpcAnswer decode (173, 5), Vars(&[("CONTENT_LENGTH", "")]), Invalid("CONTENT_LENGTH");
    "answer-signed-length" RpcAnswer decode (173, 5), Vars(&[("CONTENT_LENGTH", "-1")]), Invalid("CONTENT_LENGTH");
    "answer-huge-length" RpcAnswer decode (173, 5), Vars(&[("CONTENT_LENGTH", "18446744073709551616")]),
        Invalid("CONTENT_LENGTH");
    "answer-malformed" RpcAnswer decode (173, 5), Raw(b"\x01"), Malformed(Kind::KeyLengthMissing, 4, 2, 1);

    "not-cache" CacheRequest decode (101, 17), Vars(&[("cmd", "clear")]), Refusal::Modifier1(Modifier1::CACHE);
    "cache-3" CacheRequest decode (111, 3), Vars(&[("cmd", "clear")]), Refusal::Modifier2(3);
    "cache-without-cmd" CacheRequest decode (111, 17), Vars(&[("key", "k1")]), Missing("cmd");
    "cache-unknown-cmd" CacheRequest decode (111, 17), Vars(&[("cmd", "inc"), ("key", "k1")]), Invalid("cmd");
    "cache-cmd-in-capitals" CacheRequest decode (111, 17), Vars(&[("cmd", "GET"), ("key", "k1")]), Invalid("cmd");
    "cache-get-without-key" CacheRequest decode (111, 17), Vars(&[("cmd", "get")]), Missing("key");
    "cache-exists-without-key" CacheRequest decode (111, 17), Vars(&[("cmd", "exists")]), Missing("key");
    "cache-del-without-key" CacheRequest decode (111, 17), Vars(&[("cmd", "del")]), Missing("key");
    "cache-set-without-key" CacheRequest decode (111, 17), Vars(&[("cmd", "set"), ("size", "1")]), Missing("key");
    "cache-update-without-key" CacheRequest decode (111, 17), Vars(&[("cmd", "update"), ("size", "1")]), Missing("key");
    "cache-set-without-size" CacheRequest decode (111, 17), Vars(&[("cmd", "set"), ("key", "k1")]), Missing("size");
    "cache-update-without-size" CacheRequest decode (111, 17), Vars(&[("cmd", "update"), ("key", "k1")]),
        Missing("size");
    "cache-size" CacheRequest decode (111, 17), Vars(&[("cmd", "set"), ("key", "k1"), ("size", "1k")]), Invalid("size");
    "cache-last-size" CacheRequest decode (111, 17), Vars(&[("cmd", "clear"), ("size", "1"), ("size", "")]),
        Invalid("size");
    "cache-expires" CacheRequest decode (111, 17), Vars(&[("cmd", "clear"), ("expires", "-1")]), Invalid("expires");
    "cache-malformed" CacheRequest decode (111, 17), Raw(b"\0\0\0\0"), Malformed(Kind::EmptyKey, 4, 1, 0);
    "not-cache-answer" CacheAnswer decode (101, 17), Vars(&[("status", "ok")]), Refusal::Modifier1(Modifier1::CACHE);
    "cache-answer-0" CacheAnswer decode (111, 0), Vars(&[("status", "ok")]), Refusal::Modifier2(0);
    "cache-answer-without-status" CacheAnswer decode (111, 17), Vars(&[("size", "2")]), Missing("status");
    // Documented, but no server sends it.
    "cache-answer-notfound" CacheAnswer decode (111, 17), Vars(&[("status", "notfound")]), Invalid("status");
    "cache-answer-size" CacheAnswer decode (111, 17), Vars(&[("status", "ok"), ("size", "two")]), Invalid("size");
    "cache-answer-expires" CacheAnswer decode (111, 17), Vars(&[("status", "ok"), ("expires", "0.5")]),
        Invalid("expires");
    "cache-answer-malformed" CacheAnswer decode (111, 17), Raw(b"\x01\0a"),
        Malformed(Kind::ValueLengthMissing, 7, 2, 0);
    "not-cache-update" CacheUpdate decode (101, 10), Items(&["k", "v", "0"]), Refusal::Modifier1(Modifier1::CACHE);
    "cache-update-11" CacheUpdate decode (111, 11), Items(&["k", "v", "0"]), Refusal::Modifier2(11);
    "cache-update-without-key" CacheUpdate decode (111, 10), Raw(b""), Missing("key");
    "cache-update-without-value" CacheUpdate decode (111, 10), Items(&["k"]), Missing("value");
    "cache-update-without-expires" CacheUpdate decode (111, 10), Items(&["k", "v"]), Missing("expires");
    "cache-update-of-four" CacheUpdate decode (111, 10), Items(&["k", "v", "0", ""]), TooManyItems(3);
    "cache-update-expires" CacheUpdate decode (111, 10), Items(&["k", "v", ""]), Invalid("expires");
    "cache-update-malformed" CacheUpdate decode (111, 10), Raw(b"\x02\0k"), Malformed(Kind::ItemOverrun, 6, 2, 1);
    "not-cache-delete" CacheDelete decode (101, 11), Items(&["k"]), Refusal::Modifier1(Modifier1::CACHE);
    "cache-delete-10" CacheDelete decode (111, 10), Items(&["k"]), Refusal::Modifier2(10);
    "cache-delete-without-key" CacheDelete decode (111, 11), Raw(b""), Missing("key");
    "cache-delete-of-two" CacheDelete decode (111, 11), Items(&["k", "v"]), TooManyItems(1);
    "cache-delete-of-three" CacheDelete decode (111, 11), Items(&["k", "", ""]), TooManyItems(1);
    "cache-delete-malformed" CacheDelete decode (111, 11), Raw(b"\x01\0k\0"),
        Malformed(Kind::ItemLengthMissing, 7, 2, 1);

    // uWSGI 2.0 (core/subscription.c) accepts any modifier1, and malformed pairs after these two.
    "not-subscription" Subscription decode (7, 0), Vars(&[("key", "k"), ("address", "a")]),
        Refusal::Modifier1(Modifier1::SUBSCRIPTION);
    "subscription-malformed-end" Subscription decode (224, 0), Raw(b"\x03\0key\x01\0k\x07\0address\x01\0a\x01"),
        Malformed(Kind::KeyLengthMissing, 24, 2, 1);
    "subscription-without-key" Subscription decode (224, 0), Vars(&[("address", "a")]), Missing("key");
    "subscription-without-address" Subscription decode (224, 1), Vars(&[("key", "k")]), Missing("address");
    "subscription-empty-key" Subscription decode (224, 0), Vars(&[("key", ""), ("address", "a")]), Invalid("key");
    "subscription-empty-address" Subscription decode (224, 0), Vars(&[("key", "k"), ("address", "")]),
        Invalid("address");
    "modifier1" Subscription decode (224, 0), Vars(&[("key", "k"), ("address", "a"), ("modifier1", "256")]),
        Invalid("modifier1");
    "modifier1-text" Subscription decode (224, 0), Vars(&[("key", "k"), ("address", "a"), ("modifier1", "wsgi")]),
        Invalid("modifier1");
    "modifier2" Subscription decode (224, 0), Vars(&[("key", "k"), ("address", "a"), ("modifier2", "-1")]),
        Invalid("modifier2");
    "cores" Subscription decode (224, 0), Vars(&[("key", "k"), ("address", "a"), ("cores", "")]), Invalid("cores");
    "load" Subscription decode (224, 0), Vars(&[("key", "k"), ("address", "a"), ("load", "0.7")]), Invalid("load");
    "weight" Subscription decode (224, 0), Vars(&[("key", "k"), ("address", "a"), ("weight", " 1")]), Invalid("weight");
    "backup" Subscription decode (224, 0), Vars(&[("key", "k"), ("address", "a"), ("backup", "yes")]),
        Invalid("backup");
    "inactive" Subscription decode (224, 0), Vars(&[("key", "k"), ("address", "a"), ("inactive", "no")]),
        Invalid("inactive");
    "clear" Subscription decode (224, 0), Vars(&[("key", "k"), ("address", "a"), ("clear", "true")]), Invalid("clear");
    "unix" Subscription decode (224, 0), Vars(&[("key", "k"), ("address", "a"), ("unix", "now")]), Invalid("unix");
    "sign-first" Subscription decode (224, 0), Vars(&[("sign", "s"), ("key", "k"), ("address", "a")]), SignNotLast;
    "sign-twice" Subscription decode (224, 0), Vars(&[("key", "k"), ("address", "a"), ("sign", "s"), ("sign", "t")]),
        SignNotLast;
}

#[test]
fn every_refusal_has_its_reason() {
    let mut names = std::collections::BTreeSet::new();
    let mut failed = Vec::new();
    for row in ROWS {
        assert!(names.insert((row.name, row.modifiers)), "two rows are called {}", row.name);
        let block = match row.payload {
            Items(items) => naive::encode_array(items).expect("short items"),
            Raw(bytes) => bytes.to_vec(),
            Vars(pairs) => naive::encode_vars(pairs).expect("short keys and values"),
        };
        let (modifier1, modifier2) = row.modifiers;
        let packet = Packet::new(Modifier1(modifier1), modifier2, &block).expect("a short block");
        match (row.decode)(&packet).map_err(Refusal::from) {
            Err(refusal) if refusal == row.refusal => {}
            other => failed.push(format!("{}: {other:?}, not {:?}", row.name, row.refusal)),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// A longer key makes uWSGI 2.0 write past its buffer.
#[test]
fn a_subscription_names_at_most_255_bytes() {
    for (key, address, want) in [
        (255, 255, None),
        (256, 255, Some(Invalid("key"))),
        (255, 256, Some(Invalid("address"))),
        (2000, 2000, Some(Invalid("key"))),
    ] {
        let (key, address) = (vec![b'k'; key], vec![b'a'; address]);
        let mut buffer = Vec::new();
        let join = Subscription::new(SubscriptionCommand::Join, &key, &address);
        let (packet, _) = Packet::decode(join.encode(&mut buffer).unwrap()).unwrap();
        assert_eq!(Subscription::decode(&packet).err().map(Refusal::from), want, "{}, {}", key.len(), address.len());
    }
}

/// The text is for a log, and names what is wrong.
#[test]
fn reasons_print_and_have_a_source() {
    let packet = |modifier1, modifier2, payload| Packet::new(Modifier1(modifier1), modifier2, payload).unwrap();
    let sign = b"\x04\0sign\x01\0s\x03\0key\x01\0k\x07\0address\x01\0a";
    for (error, text) in [
        (Ping::decode(&packet(101, 0, b"")).unwrap_err(), "modifier1 is not 100 (ping)"),
        (Pong::decode(&packet(100, 7, b"")).unwrap_err(), "modifier2 7 says that this is another message"),
        (RpcCall::decode(&packet(173, 0, b"")).unwrap_err(), "name is missing"),
        (
            CacheAnswer::decode(&packet(111, 17, b"\x06\0status\x02\0no")).unwrap_err(),
            "the value of status is not one that this message allows",
        ),
        (CacheDelete::decode(&packet(111, 11, b"\x01\0k\x01\0v")).unwrap_err(), "more than 1 items"),
        (Subscription::decode(&packet(224, 0, sign)).unwrap_err(), "sign is not the last pair"),
    ] {
        assert_eq!(error.to_string(), text);
        assert!(error.source().is_none(), "{text}");
    }
    let malformed = SpoolTask::decode(&packet(17, 0, b"\x01")).unwrap_err();
    let cause = packet(17, 0, b"\x01").vars().unwrap_err();
    assert_eq!(malformed.to_string(), "the payload is malformed");
    assert_eq!(format!("{malformed:#}"), format!("the payload is malformed: {cause}"));
    assert_eq!(malformed.source().and_then(|source| source.downcast_ref()), Some(&cause));
}

/// An encoder refuses a message that no packet can hold.
#[test]
fn a_message_too_large_for_a_packet_is_not_written() {
    let long = vec![b'x'; 65536];
    let kind = |result: Result<&[u8], uwsgi::EncodeError>| result.map(<[u8]>::len).map_err(|error| error.kind());
    for (len, want) in [(65535, Ok(65539)), (65536, Err(EncodeErrorKind::DatasizeTooLarge))] {
        let bytes = &long[..len];
        assert_eq!(kind(Pong { warning: bytes }.encode(&mut Vec::new())), want);
        assert_eq!(kind(Echo { bytes }.encode(&mut Vec::new())), want);
        assert_eq!(kind(RpcAnswer::Inline { result: bytes }.encode(&mut Vec::new())), want);
    }
    let mut buffer = Vec::new();
    let unnamed = RpcCallEncoder::new(&mut buffer, "").map(drop).map_err(|error| error.kind());
    assert_eq!(unnamed, Err(EncodeErrorKind::EmptyItem));
    let mut buffer = Vec::new();
    let mut call = RpcCallEncoder::new(&mut buffer, "f").unwrap();
    assert_eq!(call.push_as_uwsgi("").map_err(|error| error.kind()), Err(EncodeErrorKind::EmptyItem));
    // An array of 255 items is the longest that uWSGI reads (plugins/rpc, uWSGI 2.0).
    for count in 1..=254 {
        let pushed = if count % 2 == 0 { call.push("x") } else { call.push_as_uwsgi("x") };
        assert_eq!(pushed, Ok(()), "{count}");
    }
    let refused = call.push_as_uwsgi("x").unwrap_err();
    assert_eq!(
        (refused.kind(), refused.required(), refused.available()),
        (EncodeErrorKind::TooManyArguments, Some(255), Some(254))
    );
    assert_eq!(call.push_as_uwsgi("").map_err(|error| error.kind()), Err(EncodeErrorKind::EmptyItem));
    assert_eq!(call.push("x"), Ok(()));
    let mut buffer = Vec::new();
    let delete = CacheDelete { key: &long[..65532] };
    assert_eq!(kind(delete.encode(&mut buffer)), Ok(4 + 65534));
    assert_eq!(kind(delete.encode_for_uwsgi(&mut Vec::new())), Err(EncodeErrorKind::DatasizeTooLarge));
}
