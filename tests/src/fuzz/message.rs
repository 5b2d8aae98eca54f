//! Packets that are not HTTP requests.

use uwsgi::message::{
    CacheAnswer, CacheCommand, CacheDelete, CacheRequest, CacheUpdate, Echo, MessageError, Ping, Pong, Reply,
    RpcAnswer, RpcCall, RpcCallEncoder, RpcMode, Signal, SpoolTask, Subscription, SubscriptionCommand,
};
use uwsgi::{DecodeErrorKind, EncodeErrorKind, Modifier1, Packet};

use super::{in_packet, last, packet_of, print, show};
use crate::naive::{self, Fault, Pair, Rules};

/// The input is a packet of any kind. If its datasize does not match, the payload is all that follows the header. The
/// packet is decoded as every kind of message.
///
/// Oracle: a message decodes exactly if the naive decoder's pairs or items say so, and its fields are the last values
/// of their keys. A refused message is refused for a reason that the pairs or items show. A decoded message encodes,
/// and decodes to the same message again. The signature of a subscription and the pairs that it covers are together the
/// payload.
pub fn message(input: &[u8]) {
    if let Some(packet) = packet_of(input) {
        simple(&packet);
        spool_task(&packet);
        rpc_call(&packet);
        rpc_answer(&packet);
        cache_request(&packet);
        cache_answer(&packet);
        cache_arrays(&packet);
        subscription(&packet);
    }
}

/// Returns the naive decoder's pairs of the payload.
fn pairs(packet: &Packet<'_>) -> Result<Vec<Pair>, MessageError> {
    naive::vars(packet.payload(), &Rules::WIRE).whole().map_err(|fault| malformed(packet.vars().err(), fault))
}

fn items(packet: &Packet<'_>) -> Result<Vec<Vec<u8>>, MessageError> {
    naive::array(packet.payload()).whole().map_err(|fault| malformed(packet.array().err(), fault))
}

/// Returns the crate's error, after a check that the naive decoder found the same.
fn malformed(error: Option<uwsgi::DecodeError>, fault: Fault) -> MessageError {
    let error = error.expect("decodes, but not naively");
    assert_eq!(Fault::from(error), in_packet(fault));
    MessageError::Decode(error)
}

fn expect(packet: &Packet<'_>, modifier1: Modifier1) -> Result<(), MessageError> {
    if packet.modifier1() == modifier1 { Ok(()) } else { Err(MessageError::Modifier1 { expected: modifier1 }) }
}

fn expect_both(packet: &Packet<'_>, modifier1: Modifier1, modifier2: u8) -> Result<(), MessageError> {
    expect(packet, modifier1)?;
    if packet.modifier2() == modifier2 { Ok(()) } else { Err(MessageError::Modifier2 { found: packet.modifier2() }) }
}

/// Returns a decimal number of at most 64 bits, if the key is there.
fn number(pairs: &[Pair], key: &'static str) -> Result<Option<u64>, MessageError> {
    last(pairs, key.as_bytes()).map(|text| decimal(text, key)).transpose()
}

fn decimal(text: &[u8], key: &'static str) -> Result<u64, MessageError> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(text).ok().filter(|_| digits).and_then(|text| text.parse().ok());
    number.ok_or(MessageError::Invalid { key })
}

fn small_number(pairs: &[Pair], key: &'static str) -> Result<Option<u8>, MessageError> {
    match number(pairs, key)? {
        Some(number) => u8::try_from(number).map(Some).map_err(|_| MessageError::Invalid { key }),
        None => Ok(None),
    }
}

/// Decodes the packet that was just written.
fn again(bytes: &[u8]) -> Packet<'_> {
    let (packet, rest) = Packet::decode(bytes).expect("not a packet, but encoded as one");
    assert_eq!(rest, b"");
    packet
}

/// Checks the messages that hold nothing but modifiers and bytes.
fn simple(packet: &Packet<'_>) {
    let mut buffer = Vec::new();
    assert_eq!(Ping::decode(packet), expect(packet, Modifier1::PING).map(|()| Ping));
    if Ping::decode(packet).is_ok() {
        let bytes = Ping.encode(&mut buffer).expect("a Vec has room");
        assert_eq!(Ping::decode(&again(bytes)), Ok(Ping));
    }

    let mut buffer = Vec::new();
    let pong = Pong::decode(packet);
    assert_eq!(pong.map(|pong| pong.warning), expect_both(packet, Modifier1::PING, 1).map(|()| packet.payload()));
    if let Ok(pong) = pong {
        assert_eq!(again(pong.encode(&mut buffer).expect("a Vec has room")), *packet);
    }

    let mut buffer = Vec::new();
    let echo = Echo::decode(packet);
    assert_eq!(echo.map(|echo| echo.bytes), expect(packet, Modifier1::ECHO).map(|()| packet.payload()));
    if let Ok(echo) = echo {
        assert_eq!(Echo::decode(&again(echo.encode(&mut buffer).expect("a Vec has room"))), Ok(echo));
    }

    let mut buffer = Vec::new();
    let signal = Signal::decode(packet);
    assert_eq!(signal.map(|signal| signal.number), expect(packet, Modifier1::SIGNAL).map(|()| packet.modifier2()));
    if let Ok(signal) = signal {
        assert_eq!(Signal::decode(&again(signal.encode(&mut buffer).expect("a Vec has room"))), Ok(signal));
    }

    let mut buffer = Vec::new();
    let reply = Reply::decode(packet);
    let want = expect(packet, Modifier1::RESPONSE).and_then(|()| match packet.modifier2() {
        1 => Ok(Reply::Accepted),
        0 => Ok(Reply::Refused),
        found => Err(MessageError::Modifier2 { found }),
    });
    assert_eq!(reply, want);
    if let Ok(reply) = reply {
        assert_eq!(Reply::decode(&again(reply.encode(&mut buffer).expect("a Vec has room"))), Ok(reply));
    }
    if let Err(error) = reply {
        print(&error);
    }
}

fn spool_task(packet: &Packet<'_>) {
    let want = expect(packet, Modifier1::SPOOLER).and_then(|()| pairs(packet));
    let (task, pairs) = match (SpoolTask::decode(packet), want) {
        (Ok(task), Ok(pairs)) => (task, pairs),
        (got, want) => return refused(got, want),
    };
    assert!(task.vars().iter().eq(pairs.iter().map(|(key, value)| (&key[..], &value[..]))));
    assert_eq!(task.spooler(), last(&pairs, b"spooler"));
    assert_eq!(task.priority(), last(&pairs, b"priority"));
    assert_eq!(task.at(), number(&pairs, "at"));
    let inside = match task.priority() {
        None => true,
        Some(name) => !name.is_empty() && name != b"." && name != b".." && !name.contains(&b'/') && !name.contains(&0),
    };
    assert_eq!(task.priority_stays_inside(), inside);
    assert_eq!(SpoolTask::new(task.vars()), task);
    let mut buffer = Vec::new();
    let bytes = task.encode(&mut buffer).expect("a Vec has room");
    assert_eq!(SpoolTask::decode(&again(bytes)), Ok(task));
    assert_eq!(bytes[4..], *packet.payload());
}

/// Checks that both refuse, and for the same reason.
fn refused<G: std::fmt::Debug, W: std::fmt::Debug>(got: Result<G, MessageError>, want: Result<W, MessageError>) {
    match (got, want) {
        (Err(got), Err(want)) => {
            assert_eq!(got, want);
            print(&got);
        }
        (got, want) => panic!("{got:?}, but {want:?}"),
    }
}

fn rpc_mode(packet: &Packet<'_>) -> Result<RpcMode, MessageError> {
    expect(packet, Modifier1::RPC)?;
    match packet.modifier2() {
        0 => Ok(RpcMode::Packet),
        1 => Ok(RpcMode::Raw),
        found => Err(MessageError::Modifier2 { found }),
    }
}

fn rpc_call(packet: &Packet<'_>) {
    let want = rpc_mode(packet).and_then(|mode| {
        let items = items(packet)?;
        if items.is_empty() { Err(MessageError::Missing { key: "name" }) } else { Ok((mode, items)) }
    });
    let (call, mode, items) = match (RpcCall::decode(packet), want) {
        (Ok(call), Ok((mode, items))) => (call, mode, items),
        (got, want) => {
            assert_eq!(RpcCall::decode_as_uwsgi(packet).err(), got.err());
            return refused(got, want);
        }
    };
    show(&call);
    assert_eq!((call.mode(), call.name()), (mode, &items[0][..]));
    assert!(call.args().eq(items[1..].iter().map(|item| &item[..])));
    assert_eq!(call.args().len(), items.len() - 1);
    let seen: Vec<&[u8]> = items.iter().map(|item| &item[..]).filter(|item| !item.is_empty()).collect();
    let first_is_name = usize::from(!items[0].is_empty());
    assert!(call.args_as_uwsgi().eq(seen.iter().skip(first_is_name).copied()));

    match RpcCall::decode_as_uwsgi(packet) {
        Ok(call) => {
            assert_eq!((call.mode(), call.name()), (mode, seen[0]));
            assert!(call.args_as_uwsgi().eq(seen[1..].iter().copied()));
        }
        Err(MessageError::Decode(error)) => {
            assert!(items.last().is_some_and(Vec::is_empty));
            assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::EmptyItem, 4 + packet.payload().len() - 2));
        }
        Err(error) => panic!("{error:?}"),
    }

    let mut buffer = Vec::new();
    match RpcCallEncoder::new(&mut buffer, call.name()) {
        Ok(mut encoder) => {
            for arg in call.args() {
                encoder.push(arg).expect("what was decoded");
            }
            let bytes = encoder.finish(mode).expect("a Vec has room");
            assert_eq!(again(bytes), *packet);
        }
        Err(error) => assert_eq!((error.kind(), call.name()), (EncodeErrorKind::EmptyItem, &b""[..])),
    }

    let mut buffer = Vec::new();
    if let Ok(mut encoder) = RpcCallEncoder::new(&mut buffer, seen.first().unwrap_or(&&b""[..])) {
        for (index, arg) in seen.iter().skip(1).enumerate() {
            let pushed = encoder.push_as_uwsgi(arg).map_err(|error| error.kind());
            let is_read = index < RpcCall::MAX_ARGS;
            assert_eq!(pushed, if is_read { Ok(()) } else { Err(EncodeErrorKind::TooManyArguments) });
        }
        assert_eq!(encoder.push_as_uwsgi("").map_err(|error| error.kind()), Err(EncodeErrorKind::EmptyItem));
        let bytes = encoder.finish(mode).expect("a Vec has room");
        let call = RpcCall::decode(&again(bytes)).expect("what was encoded");
        assert_eq!(RpcCall::decode_as_uwsgi(&again(bytes)), Ok(call));
        assert!(call.args().eq(seen.iter().skip(1).take(RpcCall::MAX_ARGS).copied()));
    }
}

fn rpc_answer(packet: &Packet<'_>) {
    let want = expect(packet, Modifier1::RPC).and_then(|()| match packet.modifier2() {
        0 => Ok(RpcAnswer::Inline { result: packet.payload() }),
        5 => match number(&pairs(packet)?, "CONTENT_LENGTH")? {
            Some(length) => Ok(RpcAnswer::Sized { length }),
            None => Err(MessageError::Missing { key: "CONTENT_LENGTH" }),
        },
        found => Err(MessageError::Modifier2 { found }),
    });
    let got = RpcAnswer::decode(packet);
    assert_eq!(got, want);
    if let Ok(answer) = got {
        let mut buffer = Vec::new();
        assert_eq!(RpcAnswer::decode(&again(answer.encode(&mut buffer).expect("a Vec has room"))), Ok(answer));
    }
}

fn cache_request(packet: &Packet<'_>) {
    let want = expect_both(packet, Modifier1::CACHE, 17).and_then(|()| {
        let pairs = pairs(packet)?;
        let command = match last(&pairs, b"cmd") {
            None => return Err(MessageError::Missing { key: "cmd" }),
            Some(b"clear") => CacheCommand::Clear,
            Some(b"del") => CacheCommand::Del,
            Some(b"exists") => CacheCommand::Exists,
            Some(b"get") => CacheCommand::Get,
            Some(b"set") => CacheCommand::Set,
            Some(b"update") => CacheCommand::Update,
            Some(_) => return Err(MessageError::Invalid { key: "cmd" }),
        };
        assert_eq!(last(&pairs, b"cmd"), Some(command.as_str().as_bytes()));
        if command != CacheCommand::Clear && last(&pairs, b"key").is_none() {
            return Err(MessageError::Missing { key: "key" });
        }
        let (size, expires) = (number(&pairs, "size")?, number(&pairs, "expires")?);
        if matches!(command, CacheCommand::Set | CacheCommand::Update) && size.is_none() {
            return Err(MessageError::Missing { key: "size" });
        }
        Ok((command, size, expires, pairs))
    });
    let (request, (command, size, expires, pairs)) = match (CacheRequest::decode(packet), want) {
        (Ok(request), Ok(want)) => (request, want),
        (got, want) => return refused(got, want),
    };
    show(&request);
    assert_eq!((request.command, request.size, request.expires), (command, size, expires));
    assert_eq!((request.key, request.cache), (last(&pairs, b"key"), last(&pairs, b"cache")));
    let mut buffer = Vec::new();
    assert_eq!(CacheRequest::decode(&again(request.encode(&mut buffer).expect("a Vec has room"))), Ok(request));
}

fn cache_answer(packet: &Packet<'_>) {
    let want = expect_both(packet, Modifier1::CACHE, 17).and_then(|()| {
        let pairs = pairs(packet)?;
        match last(&pairs, b"status") {
            None => Err(MessageError::Missing { key: "status" }),
            Some(b"ok") => Ok(CacheAnswer { size: number(&pairs, "size")?, expires: number(&pairs, "expires")? }),
            Some(_) => Err(MessageError::Invalid { key: "status" }),
        }
    });
    let got = CacheAnswer::decode(packet);
    assert_eq!(got, want);
    if let Ok(answer) = got {
        let mut buffer = Vec::new();
        assert_eq!(CacheAnswer::decode(&again(answer.encode(&mut buffer).expect("a Vec has room"))), Ok(answer));
    }
}

fn cache_arrays(packet: &Packet<'_>) {
    let want = expect_both(packet, Modifier1::CACHE, 10).and_then(|()| {
        let items = items(packet)?;
        let item = |place: usize, key| items.get(place).cloned().ok_or(MessageError::Missing { key });
        let (key, value, expires) = (item(0, "key")?, item(1, "value")?, item(2, "expires")?);
        if items.len() > 3 {
            return Err(MessageError::TooManyItems { most: 3 });
        }
        Ok((key, value, decimal(&expires, "expires")?))
    });
    match (CacheUpdate::decode(packet), want) {
        (Ok(update), Ok((key, value, expires))) => {
            assert_eq!((update.key, update.value, update.expires), (&key[..], &value[..], expires));
            let mut buffer = Vec::new();
            assert_eq!(CacheUpdate::decode(&again(update.encode(&mut buffer).expect("a Vec has room"))), Ok(update));
        }
        (got, want) => refused(got, want),
    }

    let want = expect_both(packet, Modifier1::CACHE, 11).and_then(|()| match &items(packet)?[..] {
        [] => Err(MessageError::Missing { key: "key" }),
        [key] => Ok(key.clone()),
        [key, padding] if padding.is_empty() => Ok(key.clone()),
        _ => Err(MessageError::TooManyItems { most: 1 }),
    });
    match (CacheDelete::decode(packet), want) {
        (Ok(delete), Ok(key)) => {
            assert_eq!(delete.key, key);
            let mut buffer = Vec::new();
            assert_eq!(CacheDelete::decode(&again(delete.encode(&mut buffer).expect("a Vec has room"))), Ok(delete));
            let mut buffer = Vec::new();
            match delete.encode_for_uwsgi(&mut buffer) {
                Ok(bytes) => assert_eq!(CacheDelete::decode(&again(bytes)), Ok(delete)),
                Err(error) => {
                    assert_eq!((error.kind(), key.len()), (EncodeErrorKind::DatasizeTooLarge, 65533));
                }
            }
        }
        (got, want) => refused(got, want),
    }
}

fn subscription(packet: &Packet<'_>) {
    let mut subscription = match (Subscription::decode(packet), subscribed(packet)) {
        (Ok(subscription), Ok(())) => subscription,
        (Err(error), Err(reasons)) => {
            assert!(reasons.contains(&error), "{error:?}, but {reasons:?}");
            return print(&error);
        }
        (got, want) => panic!("{got:?}, but {want:?}"),
    };
    show(&subscription);
    let pairs = pairs(packet).expect("decoded as a subscription");
    fields(&subscription, &pairs, packet.modifier2());

    let signature = subscription.signature.take();
    let mut buffer = Vec::new();
    let bytes = subscription.encode(&mut buffer).expect("a Vec has room");
    assert_eq!(Subscription::decode(&again(bytes)), Ok(subscription));

    let Some(signature) = signature else { return };
    let mut payload = signature.signed.to_vec();
    payload.extend(naive::encode_vars(&[(&b"sign"[..], signature.sign)]).expect("what was decoded"));
    assert_eq!(payload, packet.payload());

    let mut buffer = Vec::new();
    let unsigned = subscription.begin(&mut buffer).expect("a Vec has room");
    let signed = unsigned.signed().to_vec();
    assert_eq!(signed, bytes[4..]);
    let bytes = unsigned.finish_signed(signature.sign).expect("a Vec has room");
    let arrived = Subscription::decode(&again(bytes)).expect("what was encoded");
    let covered = arrived.signature.expect("signed");
    assert_eq!((covered.signed, covered.sign), (&signed[..], signature.sign));
    // The encoder writes the known keys once each, in uWSGI's order: only then are the bytes the same.
    assert_eq!(signed == signature.signed, bytes[4..] == *packet.payload());
}

/// Checks whether the pairs are a subscription; otherwise returns every reason why they are not.
fn subscribed(packet: &Packet<'_>) -> Result<(), Vec<MessageError>> {
    expect(packet, Modifier1::SUBSCRIPTION).map_err(|error| vec![error])?;
    let pairs = pairs(packet).map_err(|error| vec![error])?;
    let mut reasons = Vec::new();
    for key in ["key", "address"] {
        match last(&pairs, key.as_bytes()).map(<[u8]>::len) {
            None => reasons.push(MessageError::Missing { key }),
            Some(1..=255) => {}
            Some(_) => reasons.push(MessageError::Invalid { key }),
        }
    }
    reasons.extend(["modifier1", "modifier2"].iter().filter_map(|key| small_number(&pairs, key).err()));
    let numbers = ["cores", "load", "weight", "backup", "inactive", "clear", "unix"];
    reasons.extend(numbers.iter().filter_map(|key| number(&pairs, key).err()));
    let before_last = pairs.split_last().map_or(&[][..], |(_, before)| before);
    if before_last.iter().any(|(key, _)| key == b"sign") {
        reasons.push(MessageError::SignNotLast);
    }
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

/// Checks that every field is the last value of its key.
fn fields(subscription: &Subscription<'_>, pairs: &[Pair], modifier2: u8) {
    let bytes = |key: &str| last(pairs, key.as_bytes());
    let number = |key| number(pairs, key).expect("decoded as a number");
    let command = if modifier2 == 0 { SubscriptionCommand::Join } else { SubscriptionCommand::Leave };
    assert_eq!(subscription.command, command);
    assert_eq!(Some(subscription.key), bytes("key"));
    assert_eq!(Some(subscription.address), bytes("address"));
    assert_eq!(subscription.modifier1.map(|modifier1| modifier1.0.into()), number("modifier1"));
    assert_eq!(subscription.modifier2.map(u64::from), number("modifier2"));
    assert_eq!(subscription.cores, number("cores"));
    assert_eq!(subscription.load, number("load"));
    assert_eq!(subscription.weight, number("weight"));
    assert_eq!(subscription.backup, number("backup"));
    assert_eq!(subscription.vassal, bytes("vassal"));
    assert_eq!(subscription.sni_key, bytes("sni_key"));
    assert_eq!(subscription.sni_crt, bytes("sni_crt"));
    assert_eq!(subscription.sni_ca, bytes("sni_ca"));
    assert_eq!(subscription.proto, bytes("proto"));
    assert_eq!(subscription.algo, bytes("algo"));
    assert_eq!(subscription.inactive, number("inactive"));
    assert_eq!(subscription.notify, bytes("notify"));
    assert_eq!(subscription.clear, number("clear") == Some(1));
    assert_eq!(subscription.unix, number("unix"));
    assert_eq!(subscription.signature.map(|signature| signature.sign), bytes("sign"));
}
