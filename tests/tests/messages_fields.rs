//! What messages show beyond the packets of `messages.rs`: every field, repeated keys, and what uWSGI skips.

use core::time::Duration;

use uwsgi::message::{
    CacheAnswer, CacheCommand, CacheRequest, MessageError, RpcCall, RpcMode, Signature, SpoolTask, Subscription,
    SubscriptionCommand,
};
use uwsgi::{Modifier1, Packet};
use uwsgi_tests::naive;

/// Returns the bytes of a packet of vars, written without the crate's encoder.
fn vars(modifier1: u8, modifier2: u8, pairs: &[(&str, &str)]) -> Vec<u8> {
    naive::encode_packet(modifier1, modifier2, &naive::encode_vars(pairs).unwrap()).unwrap()
}

/// Every key that uWSGI 2.0 sends (core/subscription.c), in its order.
const EVERYTHING: &[(&str, &str)] = &[
    ("key", "example.com"),
    ("address", "127.0.0.1:4050"),
    ("modifier1", "5"),
    ("modifier2", "255"),
    ("cores", "4"),
    ("load", "2"),
    ("weight", "3"),
    ("backup", "1"),
    ("vassal", "site.ini"),
    ("sni_key", "k.pem"),
    ("sni_crt", "c.pem"),
    ("sni_ca", "a.pem"),
    ("proto", "http"),
    ("algo", "wlrc"),
    ("inactive", "6"),
    ("notify", "/run/notify"),
    ("clear", "1"),
    ("unix", "1795176556"),
];

#[test]
fn every_field_of_a_subscription() {
    let bytes = vars(224, 0, EVERYTHING);
    let (packet, _) = Packet::decode(&bytes).unwrap();
    let mut want = Subscription::new(SubscriptionCommand::Join, b"example.com", b"127.0.0.1:4050");
    want.modifier1 = Some(Modifier1(5));
    want.modifier2 = Some(255);
    want.cores = Some(4);
    want.load = Some(2);
    want.weight = Some(3);
    want.backup = Some(1);
    want.vassal = Some(b"site.ini");
    want.sni_key = Some(b"k.pem");
    want.sni_crt = Some(b"c.pem");
    want.sni_ca = Some(b"a.pem");
    want.proto = Some(b"http");
    want.algo = Some(b"wlrc");
    want.inactive = Some(6);
    want.notify = Some(b"/run/notify");
    want.clear = true;
    want.unix = Some(1_795_176_556);
    assert_eq!(Subscription::decode(&packet), Ok(want));
    assert_eq!(want.encode(&mut Vec::new()), Ok(&bytes[..]));

    // Each pair belongs to its own field, and is written if only that field is set.
    for pair in &EVERYTHING[2..] {
        let bytes = vars(224, 0, &[EVERYTHING[0], EVERYTHING[1], *pair]);
        let (packet, _) = Packet::decode(&bytes).unwrap();
        let one = Subscription::decode(&packet).unwrap();
        assert_ne!(one, Subscription::new(SubscriptionCommand::Join, one.key, one.address), "{}", pair.0);
        assert_eq!(one.encode(&mut Vec::new()), Ok(&bytes[..]), "{}", pair.0);
    }
}

/// modifier2 0 joins and any other value leaves, also in uWSGI 2.0; the encoder writes 0 or 1.
#[test]
fn modifier2_joins_or_leaves() {
    for modifier2 in 0..=255_u8 {
        let bytes = vars(224, modifier2, &EVERYTHING[..2]);
        let subscription = Subscription::decode(&Packet::decode(&bytes).unwrap().0).unwrap();
        let leaves = subscription.command == SubscriptionCommand::Leave;
        assert_eq!(leaves, modifier2 != 0, "{modifier2}");
        assert_eq!(subscription.encode(&mut Vec::new()).unwrap()[3], u8::from(leaves), "{modifier2}");
    }
}

#[test]
fn only_the_number_1_clears() {
    for (clear, want) in [("1", true), ("01", true), ("0", false), ("2", false), ("11", false)] {
        let bytes = vars(224, 0, &[EVERYTHING[0], EVERYTHING[1], ("clear", clear)]);
        let subscription = Subscription::decode(&Packet::decode(&bytes).unwrap().0).unwrap();
        assert_eq!(subscription.clear, want, "{clear}");
    }
}

/// The signature covers all pairs before it and no header, so that joining and leaving have the same signature.
#[test]
fn a_signature_covers_the_pairs_before_it() {
    for sign in ["", "s", &"s".repeat(256)] {
        let covered = naive::encode_vars(EVERYTHING).unwrap();
        let bytes = vars(224, 1, &[EVERYTHING, &[("sign", sign)]].concat());
        let (packet, _) = Packet::decode(&bytes).unwrap();
        let leave = Subscription::decode(&packet).unwrap();
        assert_eq!(leave.signature, Some(Signature { signed: &covered, sign: sign.as_bytes() }));

        let mut buffer = Vec::new();
        let unsigned = leave.begin(&mut buffer).unwrap();
        assert_eq!(unsigned.signed(), covered);
        assert_eq!(unsigned.finish_signed(sign.as_bytes()), Ok(&bytes[..]));
        // Without a signature the packet only lacks the last pair.
        assert_eq!(leave.encode(&mut Vec::new()), Ok(&vars(224, 1, EVERYTHING)[..]));
    }
}

#[test]
fn a_task_shows_what_the_spooler_reads() {
    let bytes = vars(17, 9, &[("spooler", "/a"), ("priority", "1"), ("at", "17"), ("priority", "2"), ("x", "y")]);
    let (packet, _) = Packet::decode(&bytes).unwrap();
    let task = SpoolTask::decode(&packet).unwrap();
    assert_eq!((task.spooler(), task.priority()), (Some(&b"/a"[..]), Some(&b"2"[..])));
    assert_eq!((task.at(), task.vars().len()), (Ok(Some(17)), 5));
    // The encoder writes the modifier2 that uWSGI sends.
    assert_eq!(task.encode(&mut Vec::new()).unwrap()[..4], [17, bytes[1], bytes[2], 0]);

    let bytes = vars(17, 0, &[("at", "1.5")]);
    let task = SpoolTask::decode(&Packet::decode(&bytes).unwrap().0).unwrap();
    assert_eq!((task.spooler(), task.priority()), (None, None));
    assert!(task.at().is_err());
}

/// uWSGI 2.0 creates the directory that `priority` names, wherever that is.
#[test]
fn a_priority_must_stay_in_the_spool_directory() {
    let inside = ["3", "a", "...", "..a", "a..", ".a", " ", "\\", "a\\..", "\u{e9}"];
    let outside = ["", ".", "..", "/", "/3", "3/", "3/4", "../3", "3/..", "./3", "\0", "3\0", "..\0"];
    for (names, want) in [(&inside[..], true), (&outside[..], false)] {
        for name in names {
            let bytes = vars(17, 0, &[("priority", name)]);
            let task = SpoolTask::decode(&Packet::decode(&bytes).unwrap().0).unwrap();
            assert_eq!(task.priority_stays_inside(), want, "{name:?}");
        }
    }
    let bytes = vars(17, 0, &[]);
    assert!(SpoolTask::decode(&Packet::decode(&bytes).unwrap().0).unwrap().priority_stays_inside());
}

/// uWSGI 2.0 skips empty items, also an empty name: it calls the first item that is not empty.
#[test]
fn a_call_may_have_an_empty_name() {
    let block = naive::encode_array(&["", "", "f", "", "a"]).unwrap();
    let packet = Packet::new(Modifier1::RPC, 1, &block).unwrap();
    let call = RpcCall::decode(&packet).unwrap();
    assert_eq!((call.mode(), call.name(), call.args().len()), (RpcMode::Raw, &b""[..], 4));
    let seen = RpcCall::decode_as_uwsgi(&packet).unwrap();
    assert_eq!((seen.mode(), seen.name()), (RpcMode::Raw, &b"f"[..]));
    assert!(seen.args().eq([&b""[..], b"a"]) && seen.args_as_uwsgi().eq([b"a"]));
}

#[test]
fn every_field_of_the_cache() {
    use CacheCommand::{Clear, Del, Exists, Get, Set, Update};
    for command in [Clear, Del, Exists, Get, Set, Update] {
        let pairs = [("cmd", command.as_str()), ("key", "k1"), ("size", "9"), ("expires", "60"), ("cache", "lab")];
        let bytes = vars(111, 17, &pairs);
        let request = CacheRequest::decode(&Packet::decode(&bytes).unwrap().0).unwrap();
        assert_eq!((request.command, request.key), (command, Some(&b"k1"[..])));
        assert_eq!((request.size, request.expires, request.cache), (Some(9), Some(60), Some(&b"lab"[..])));
        assert_eq!(request.encode(&mut Vec::new()), Ok(&bytes[..]));
    }
    let names = [Clear, Del, Exists, Get, Set, Update].map(CacheCommand::as_str);
    assert_eq!(names, ["clear", "del", "exists", "get", "set", "update"]);

    // The fields that each command needs; only these two commands have a value after the packet.
    for (pairs, command) in [
        (&[("cmd", "clear")][..], Clear),
        (&[("cmd", "del"), ("key", "")], Del),
        (&[("cmd", "exists"), ("key", "k1")], Exists),
        (&[("cmd", "get"), ("key", "k1")], Get),
        (&[("cmd", "set"), ("key", "k1"), ("size", "0")], Set),
        (&[("cmd", "update"), ("key", "k1"), ("size", "0")], Update),
    ] {
        let bytes = vars(111, 17, pairs);
        let request = CacheRequest::decode(&Packet::decode(&bytes).unwrap().0).unwrap();
        assert_eq!(request.command, command);
        assert_eq!(request.encode(&mut Vec::new()), Ok(&bytes[..]));
    }

    // uWSGI's own client sends the size twice (core/cache.c); the last one counts.
    let bytes = vars(111, 17, &[("cmd", "set"), ("key", "k1"), ("size", "1"), ("expires", "0"), ("size", "2")]);
    assert_eq!(CacheRequest::decode(&Packet::decode(&bytes).unwrap().0).unwrap().size, Some(2));

    let bytes = vars(111, 17, &[("status", "ok"), ("size", "2"), ("expires", "1795176556")]);
    let answer = CacheAnswer { size: Some(2), expires: Some(1_795_176_556) };
    assert_eq!(CacheAnswer::decode(&Packet::decode(&bytes).unwrap().0), Ok(answer));
    assert_eq!(answer.encode(&mut Vec::new()), Ok(&bytes[..]));
}

/// uWSGI counts whole seconds, takes 0 of them for ever, and adds them to the time of day.
#[test]
fn expiry_in_whole_seconds() {
    let rows: [(Duration, u64); 8] = [
        (Duration::ZERO, 1),
        (Duration::from_nanos(1), 1),
        (Duration::from_secs(1), 1),
        (Duration::from_millis(1001), 2),
        (Duration::from_secs(60), 60),
        (Duration::new((u64::MAX >> 1) - 1, 1), u64::MAX >> 1),
        (Duration::from_secs(u64::MAX >> 1), u64::MAX >> 1),
        (Duration::MAX, u64::MAX >> 1),
    ];
    for (time, seconds) in rows {
        assert_eq!(CacheRequest::new(CacheCommand::Set).with_expires(time).expires, Some(seconds), "{time:?}");
    }
}

/// uWSGI 2.0 writes past its buffer for a key over 255 bytes. What may be sent is what is accepted.
#[test]
fn names_of_a_subscription() {
    let name = vec![b'x'; 256];
    let invalid = |key| Err(MessageError::Invalid { key });
    for (key, address, want) in [
        (1, 1, Ok(())),
        (255, 255, Ok(())),
        (0, 1, invalid("key")),
        (256, 1, invalid("key")),
        (1, 0, invalid("address")),
        (1, 256, invalid("address")),
        (256, 256, invalid("key")),
    ] {
        let subscription = Subscription::new(SubscriptionCommand::Join, &name[..key], &name[..address]);
        assert_eq!(subscription.check_names(), want, "{key} {address}");
        let mut buffer = Vec::new();
        let bytes = subscription.encode(&mut buffer).unwrap();
        let decoded = Subscription::decode(&Packet::decode(bytes).unwrap().0);
        assert_eq!(decoded.map(|decoded| assert_eq!(decoded, subscription)), want, "{key} {address}");
    }
}
