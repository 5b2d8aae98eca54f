//! Remote calls.

use uwsgi::message::{MessageError, RpcAnswer, RpcCall, RpcCallEncoder, RpcMode};
use uwsgi::{DecodeErrorKind, EncodeErrorKind, Modifier1, Packet};

use super::{decode_back, expect, items, number, pairs, refused, show};

pub(super) fn rpc_call(packet: &Packet<'_>) {
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
            assert_eq!(decode_back(bytes), *packet);
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
        let call = RpcCall::decode(&decode_back(bytes)).expect("what was encoded");
        assert_eq!(RpcCall::decode_as_uwsgi(&decode_back(bytes)), Ok(call));
        assert!(call.args().eq(seen.iter().skip(1).take(RpcCall::MAX_ARGS).copied()));
    }
}

pub(super) fn rpc_answer(packet: &Packet<'_>) {
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
        assert_eq!(RpcAnswer::decode(&decode_back(answer.encode(&mut buffer).expect("a Vec has room"))), Ok(answer));
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
