//! Packets that are not HTTP requests: the bytes that uWSGI and its clients send, and the message that each packet is.

use uwsgi::message::{
    CacheAnswer, CacheCommand, CacheDelete, CacheRequest, CacheUpdate, Echo, Ping, Pong, Reply, RpcAnswer, RpcCall,
    RpcCallEncoder, RpcMode, Signal, SpoolTask, Subscription, SubscriptionCommand,
};
use uwsgi::{Buffer, EncodeError, EncodeErrorKind, Modifier1, Packet, PayloadForm, Vars};
use uwsgi_tests::{naive, vectors};

/// One packet on the wire.
struct Row {
    name: &'static str,
    /// The packet, and after a bar what follows it, in hex; blanks are for the reader.
    hex: &'static str,
    is: Message,
    /// Every decoder that accepts the packet. Decoders of answers are among them, since the bytes do not show the
    /// direction.
    accepted_by: &'static [&'static str],
    source: &'static str,
}

/// The message that a packet is.
enum Message {
    Ping,
    Pong(&'static [u8]),
    Echo(&'static [u8]),
    Signal(u8),
    Task(&'static [(&'static str, &'static str)]),
    Reply(Reply),
    Call(RpcMode, &'static str, &'static [&'static str]),
    Answer(RpcAnswer<'static>),
    CacheRequest(fn(CacheCommand) -> CacheRequest<'static>, CacheCommand),
    CacheAnswer(CacheAnswer),
    CacheUpdate(CacheUpdate<'static>),
    CacheDelete(CacheDelete<'static>),
    /// The same with the two bytes that uWSGI 2.0 expects.
    CacheDeleteForUwsgi(CacheDelete<'static>),
    Subscription(fn(SubscriptionCommand) -> Subscription<'static>, SubscriptionCommand),
    /// A message without a type: the packet has only its payload, in this form.
    Untyped(PayloadForm),
}

use Message as M;

const K1: fn(CacheCommand) -> CacheRequest<'static> = |command| CacheRequest::new(command).with_key(b"k1");

const K1_3_BYTES: fn(CacheCommand) -> CacheRequest<'static> = |command| {
    let mut request = K1(command);
    request.size = Some(3);
    request
};

const EXAMPLE_COM: fn(SubscriptionCommand) -> Subscription<'static> = |command| {
    let mut subscription = Subscription::new(command, b"example.com", b"127.0.0.1:4050");
    subscription.modifier1 = Some(Modifier1::PSGI);
    subscription.modifier2 = Some(0);
    subscription.cores = Some(2);
    subscription.load = Some(0);
    subscription.weight = Some(3);
    subscription
};

/// The pairs of the subscription above.
macro_rules! example_com {
    () => {
        "0300 6b6579 0b00 6578616d706c652e636f6d 0700 61646472657373 0e00 3132372e302e302e313a34303530 \
         0900 6d6f64696669657231 0100 35 0900 6d6f64696669657232 0100 30 0500 636f726573 0100 32 \
         0400 6c6f6164 0100 30 0600 776569676874 0100 33"
    };
}

/// Name, hex, message, decoders that accept it, source.
macro_rules! rows {
    ($($name:literal $hex:expr, $is:expr, [$($by:literal)*], $source:literal;)*) => {
        const ROWS: &[Row] = &[$(Row { name: $name, hex: $hex, is: $is, accepted_by: &[$($by),*], source: $source }),*];
    };
}

rows! {
    "ping" "64 0000 00", M::Ping, ["Ping"], "uWSGI 2.0 plugins/ping";
    "pong" "64 0000 01", M::Pong(b""), ["Ping" "Pong"], "uWSGI 2.0 plugins/ping: as a request it is a ping too";
    "pong-with-warning" "64 0400 01 66756c6c", M::Pong(b"full"), ["Ping" "Pong"], "uWSGI 2.0 plugins/ping";
    "echo" "65 0500 00 68656c6c6f", M::Echo(b"hello"), ["Echo"], "uWSGI 2.0 plugins/echo: answers 68656c6c6f";
    "signal-17" "6e 0000 11", M::Signal(17), ["Signal"], "uWSGI 2.0 plugins/signal";
    "signal-queued" "ff 0000 01", M::Reply(Reply::Accepted), ["Reply"], "uWSGI 2.0 plugins/signal";
    "signal-pipe-full" "ff 0000 00", M::Reply(Reply::Refused), ["Reply"], "uWSGI 2.0 plugins/signal";
    "task" "11 0e00 00 0500 68656c6c6f 0500 776f726c64", M::Task(&[("hello", "world")]), ["SpoolTask"],
        "uWSGI 2.0 plugins/spooler: answers as a signal is answered";
    "task-empty" "11 0000 00", M::Task(&[]), ["SpoolTask"], "uWSGI 2.0 core/spooler.c: accepts it";
    // The cache's first commands: no client sends them, and the answers of 0 and 5 begin with bytes of a pointer.
    "cache-raw-get" "6f 0200 00 6b31", M::Untyped(PayloadForm::Raw), [], "uWSGI 2.0 plugins/cache";
    "cache-raw-get-intended-hit" "6f 0200 00 7631", M::Untyped(PayloadForm::Raw), [], "uWSGI 2.0 plugins/cache";
    "cache-raw-set" "6f 0800 01 0200 6b31 0200 7631", M::Untyped(PayloadForm::Array), [], "uWSGI 2.0 plugins/cache";
    "cache-raw-del" "6f 0200 02 6b31", M::Untyped(PayloadForm::Raw), [], "uWSGI 2.0 plugins/cache";
    "cache-raw-stream-intended-hit" "6f 0000 01 | 7631", M::Untyped(PayloadForm::None), [], "uWSGI 2.0 plugins/cache";
    "cache-raw-stream-intended-miss" "6f 0000 00", M::Untyped(PayloadForm::None), [], "uWSGI 2.0 plugins/cache";
    "cache-get" "6f 1300 11 0300 636d64 0300 676574 0300 6b6579 0200 6b31", M::CacheRequest(K1, CacheCommand::Get),
        ["CacheRequest"], "uWSGI 2.0 plugins/cache";
    "cache-hit" "6f 1500 11 0600 737461747573 0200 6f6b 0400 73697a65 0100 32 | 7631",
        M::CacheAnswer(CacheAnswer { size: Some(2), expires: None }), ["CacheAnswer"], "uWSGI 2.0 plugins/cache";
    "cache-exists" "6f 1600 11 0300 636d64 0600 657869737473 0300 6b6579 0200 6b31",
        M::CacheRequest(K1, CacheCommand::Exists), ["CacheRequest"], "uWSGI 2.0 plugins/cache";
    "cache-ok" "6f 0c00 11 0600 737461747573 0200 6f6b", M::CacheAnswer(CacheAnswer { size: None, expires: None }),
        ["CacheAnswer"], "uWSGI 2.0 plugins/cache: exists, update, set, del and clear that succeeded";
    "cache-update" "6f 1f00 11 0300 636d64 0600 757064617465 0300 6b6579 0200 6b31 0400 73697a65 0100 33 | 6e6577",
        M::CacheRequest(K1_3_BYTES, CacheCommand::Update), ["CacheRequest"], "uWSGI 2.0 plugins/cache";
    "cache-del" "6f 1300 11 0300 636d64 0300 64656c 0300 6b6579 0200 6b31", M::CacheRequest(K1, CacheCommand::Del),
        ["CacheRequest"], "uWSGI 2.0 plugins/cache";
    "cache-udp-update" "6f 0b00 0a 0200 6b31 0200 7631 0100 30",
        M::CacheUpdate(CacheUpdate { key: b"k1", value: b"v1", expires: 0 }), ["CacheUpdate"], "uWSGI 2.0 core/cache.c";
    "cache-udp-delete" "6f 0400 0b 0200 6b31", M::CacheDelete(CacheDelete { key: b"k1" }), ["CacheDelete"],
        "uWSGI 2.0 core/cache.c: sent so, and dropped by every receiver";
    "cache-udp-delete-that-works" "6f 0600 0b 0200 6b31 0000", M::CacheDeleteForUwsgi(CacheDelete { key: b"k1" }),
        ["CacheDelete"], "uWSGI 2.0 core/cache.c: receivers obey it, no sender exists";
    "rpc-call" "ad 0e00 00 0500 68656c6c6f 0100 61 0200 6262", M::Call(RpcMode::Packet, "hello", &["a", "bb"]),
        ["RpcCall" "RpcAnswer"], "uWSGI 2.0 plugins/rpc";
    "rpc-answer" "ad 0900 00 617267733a617c6262", M::Answer(RpcAnswer::Inline { result: b"args:a|bb" }), ["RpcAnswer"],
        "uWSGI 2.0 plugins/rpc";
    "rpc-call-raw" "ad 0e00 01 0500 68656c6c6f 0100 61 0200 6262", M::Call(RpcMode::Raw, "hello", &["a", "bb"]),
        ["RpcCall"], "uWSGI 2.0 plugins/rpc: answers 617267733a617c6262";
    "rpc-empty-argument" "ad 0d00 00 0500 68656c6c6f 0000 0200 6262", M::Call(RpcMode::Packet, "hello", &["", "bb"]),
        ["RpcCall" "RpcAnswer"], "uWSGI 2.0 core/utils.c uwsgi_parse_array: skips it";
    "rpc-answer-without-it" "ad 0700 00 617267733a6262", M::Answer(RpcAnswer::Inline { result: b"args:bb" }),
        ["RpcAnswer"], "uWSGI 2.0 plugins/rpc";
    "rpc-empty-last-argument" "ad 0c00 00 0500 68656c6c6f 0100 61 0000",
        M::Call(RpcMode::Packet, "hello", &["a", ""]), ["RpcCall" "RpcAnswer"],
        "uWSGI 2.0 core/utils.c uwsgi_parse_array: closes, invalid uwsgi array";
    "rpc-unknown-function" "ad 0600 00 0400 6e6f7065", M::Call(RpcMode::Packet, "nope", &[]), ["RpcCall" "RpcAnswer"],
        "uWSGI 2.0 plugins/rpc: closes";
    "rpc-answer-of-70000-bytes" "ad 1700 05 0e00 434f4e54454e545f4c454e475448 0500 3730303030",
        M::Answer(RpcAnswer::Sized { length: 70000 }), ["RpcAnswer"], "uWSGI 2.0 plugins/rpc: the result follows";
    "subscribe" concat!("e0 6500 00", example_com!()), M::Subscription(EXAMPLE_COM, SubscriptionCommand::Join),
        ["Subscription"], "uWSGI 2.0 core/subscription.c";
    "unsubscribe" concat!("e0 6500 01", example_com!()), M::Subscription(EXAMPLE_COM, SubscriptionCommand::Leave),
        ["Subscription"], "uWSGI 2.0 core/subscription.c";
    "graceful-reload" "62 0000 00", M::Untyped(PayloadForm::None), [], "Protocol.rst; uWSGI 2.0 closes";
}

/// Bytes from hex digits; blanks are for the reader.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    assert!(text.chars().all(|c| c == ' ' || c.is_ascii_hexdigit()) && digits.len().is_multiple_of(2), "{text}");
    digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}

/// Returns the names of the decoders that accept a packet.
fn accepting_decoders(packet: &Packet<'_>) -> Vec<&'static str> {
    let taken = [
        ("Ping", Ping::decode(packet).is_ok()),
        ("Pong", Pong::decode(packet).is_ok()),
        ("Echo", Echo::decode(packet).is_ok()),
        ("Signal", Signal::decode(packet).is_ok()),
        ("SpoolTask", SpoolTask::decode(packet).is_ok()),
        ("Reply", Reply::decode(packet).is_ok()),
        ("RpcCall", RpcCall::decode(packet).is_ok()),
        ("RpcAnswer", RpcAnswer::decode(packet).is_ok()),
        ("CacheRequest", CacheRequest::decode(packet).is_ok()),
        ("CacheAnswer", CacheAnswer::decode(packet).is_ok()),
        ("CacheUpdate", CacheUpdate::decode(packet).is_ok()),
        ("CacheDelete", CacheDelete::decode(packet).is_ok()),
        ("Subscription", Subscription::decode(packet).is_ok()),
    ];
    taken.into_iter().filter(|(_, taken)| *taken).map(|(name, _)| name).collect()
}

impl Message {
    /// Asserts that the packet decodes to this message.
    fn assert_decoded(&self, packet: &Packet<'_>, name: &str) {
        match self {
            Self::Ping => assert_eq!(Ping::decode(packet), Ok(Ping), "{name}"),
            Self::Pong(warning) => assert_eq!(Pong::decode(packet), Ok(Pong { warning }), "{name}"),
            Self::Echo(bytes) => assert_eq!(Echo::decode(packet), Ok(Echo { bytes }), "{name}"),
            Self::Signal(number) => assert_eq!(Signal::decode(packet), Ok(Signal { number: *number }), "{name}"),
            Self::Task(pairs) => {
                let task = SpoolTask::decode(packet).expect(name);
                let want = pairs.iter().map(|(key, value)| (key.as_bytes(), value.as_bytes()));
                assert!(task.vars().iter().eq(want), "{name}: {task:?}");
            }
            Self::Reply(reply) => assert_eq!(Reply::decode(packet), Ok(*reply), "{name}"),
            Self::Call(mode, function, args) => {
                let call = RpcCall::decode(packet).expect(name);
                assert_eq!((call.mode(), call.name()), (*mode, function.as_bytes()), "{name}");
                assert!(call.args().eq(args.iter().map(|arg| arg.as_bytes())), "{name}: {call:?}");
                // The arguments that uWSGI passes to the function.
                let full: Vec<_> = args.iter().map(|arg| arg.as_bytes()).filter(|arg| !arg.is_empty()).collect();
                assert!(call.args_as_uwsgi().eq(full.iter().copied()), "{name}: {call:?}");
                let strict = RpcCall::decode_as_uwsgi(packet);
                assert_eq!(strict.is_ok(), args.last() != Some(&""), "{name}");
                assert!(strict.is_err() || strict == Ok(call), "{name}");
            }
            Self::Answer(answer) => assert_eq!(RpcAnswer::decode(packet), Ok(*answer), "{name}"),
            Self::CacheRequest(of, command) => assert_eq!(CacheRequest::decode(packet), Ok(of(*command)), "{name}"),
            Self::CacheAnswer(answer) => assert_eq!(CacheAnswer::decode(packet), Ok(*answer), "{name}"),
            Self::CacheUpdate(update) => assert_eq!(CacheUpdate::decode(packet), Ok(*update), "{name}"),
            Self::CacheDelete(delete) | Self::CacheDeleteForUwsgi(delete) => {
                assert_eq!(CacheDelete::decode(packet), Ok(*delete), "{name}");
            }
            Self::Subscription(of, command) => assert_eq!(Subscription::decode(packet), Ok(of(*command)), "{name}"),
            Self::Untyped(form) => assert_eq!(packet.payload_form(), *form, "{name}"),
        }
    }

    /// Writes the message; a message without a type gets its payload from `packet`.
    fn encode<'b, B: Buffer + ?Sized>(&self, packet: &Packet<'_>, buffer: &'b mut B) -> Result<&'b [u8], EncodeError> {
        match self {
            Self::Ping => Ping.encode(buffer),
            Self::Pong(warning) => Pong { warning }.encode(buffer),
            Self::Echo(bytes) => Echo { bytes }.encode(buffer),
            Self::Signal(number) => Signal { number: *number }.encode(buffer),
            Self::Task(pairs) => {
                let block = naive::encode_vars(pairs).expect("short keys and values");
                SpoolTask::new(Vars::decode(&block).expect("what was encoded")).encode(buffer)
            }
            Self::Reply(reply) => reply.encode(buffer),
            Self::Call(mode, function, args) => {
                let mut call = RpcCallEncoder::new(buffer, function)?;
                for arg in *args {
                    // Both methods write an argument that is not empty, to the same bytes.
                    if arg.is_empty() { call.push(arg) } else { call.push_as_uwsgi(arg) }?;
                }
                call.finish(*mode)
            }
            Self::Answer(answer) => answer.encode(buffer),
            Self::CacheRequest(of, command) => of(*command).encode(buffer),
            Self::CacheAnswer(answer) => answer.encode(buffer),
            Self::CacheUpdate(update) => update.encode(buffer),
            Self::CacheDelete(delete) => delete.encode(buffer),
            Self::CacheDeleteForUwsgi(delete) => delete.encode_for_uwsgi(buffer),
            Self::Subscription(of, command) => of(*command).encode(buffer),
            Self::Untyped(_) => packet.encode(buffer),
        }
    }
}

#[test]
fn every_packet_decodes_as_its_message_and_no_other() {
    for row in ROWS {
        let (head, after) = row.hex.split_once('|').unwrap_or((row.hex, ""));
        let (bytes, after) = (hex(head), hex(after));
        let stream = [&bytes[..], &after].concat();
        let (packet, rest) = Packet::decode(&stream).expect(row.name);
        assert_eq!(rest, after, "{}: what follows", row.name);
        assert_eq!(accepting_decoders(&packet), row.accepted_by, "{} ({})", row.name, row.source);
        row.is.assert_decoded(&packet, row.name);
    }
}

#[test]
fn every_message_encodes_to_its_packet() {
    for row in ROWS {
        let bytes = hex(row.hex.split('|').next().expect("text has a first part"));
        let (packet, _) = Packet::decode(&bytes).expect(row.name);
        let mut exact = vec![0; bytes.len()];
        assert_eq!(row.is.encode(&packet, &mut exact[..]), Ok(&bytes[..]), "{} ({})", row.name, row.source);
        assert_eq!(row.is.encode(&packet, &mut Vec::new()), Ok(&bytes[..]), "{}", row.name);
        // With one byte less no part of the packet is written.
        for room in 0..bytes.len() {
            let full = row.is.encode(&packet, &mut exact[..room]).map_err(|error| error.kind());
            assert_eq!(full, Err(EncodeErrorKind::BufferFull), "{} in {room} bytes", row.name);
        }
    }
}

/// The captured clients of uWSGI 2.0.31: each packet is the message in its file name, and encodes to the same bytes,
/// except where uWSGI repeats a pair.
#[test]
fn every_capture_decodes_as_its_message() {
    let mut ran = 0;
    for capture in vectors::packets().iter().filter(|capture| capture.name.starts_with("uwsgi-client/")) {
        let (case, name) = (capture.name.trim_start_matches("uwsgi-client/"), &capture.name);
        let (packet, rest) = Packet::decode(&capture.bytes).expect(name);
        let bytes = &capture.bytes[..capture.bytes.len() - rest.len()];
        let mut buffer = Vec::new();
        let written = match case.split('-').next() {
            Some("ping" | "nagios") => Ping::decode(&packet).expect(name).encode(&mut buffer),
            Some("signal") => Signal::decode(&packet).expect(name).encode(&mut buffer),
            Some("spool") => SpoolTask::decode(&packet).expect(name).encode(&mut buffer),
            Some("rpc") => {
                let call = RpcCall::decode(&packet).expect(name);
                let mut encoder = RpcCallEncoder::new(&mut buffer, call.name()).expect(name);
                call.args().for_each(|arg| encoder.push(arg).expect(name));
                encoder.finish(call.mode())
            }
            Some("cache") => match packet.modifier2() {
                10 => CacheUpdate::decode(&packet).expect(name).encode(&mut buffer),
                11 => CacheDelete::decode(&packet).expect(name).encode(&mut buffer),
                17 => CacheRequest::decode(&packet).expect(name).encode(&mut buffer),
                _ => continue,
            },
            Some("subscribe" | "subscribe2") => {
                let subscription = Subscription::decode(&packet).expect(name);
                let encoder = subscription.begin(&mut buffer).expect(name);
                match subscription.signature {
                    Some(signature) => {
                        assert_eq!(encoder.signed(), signature.signed, "{name}");
                        encoder.finish_signed(signature.sign)
                    }
                    None => encoder.finish(),
                }
            }
            // Made by hand, and none of these messages.
            _ => continue,
        };
        let said_twice = packet.vars().is_ok_and(|vars| vars.get_all("size").count() == 2);
        if said_twice {
            let written = Packet::decode(written.expect(name)).expect(name).0;
            assert_eq!(CacheRequest::decode(&written), CacheRequest::decode(&packet), "{name}");
        } else {
            assert_eq!(written, Ok(bytes), "{name}");
        }
        ran += 1;
    }
    assert!(ran >= 35, "only {ran} captures");
}
