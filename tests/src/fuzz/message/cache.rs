//! Commands of the cache.

use uwsgi::message::{CacheAnswer, CacheCommand, CacheDelete, CacheRequest, CacheUpdate, MessageError};
use uwsgi::{EncodeErrorKind, Modifier1, Packet};

use super::{decimal, decode_back, expect_both, items, last, number, pairs, refused, show};

pub(super) fn cache_request(packet: &Packet<'_>) {
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
    assert_eq!(CacheRequest::decode(&decode_back(request.encode(&mut buffer).expect("a Vec has room"))), Ok(request));
}

pub(super) fn cache_answer(packet: &Packet<'_>) {
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
        assert_eq!(CacheAnswer::decode(&decode_back(answer.encode(&mut buffer).expect("a Vec has room"))), Ok(answer));
    }
}

pub(super) fn cache_arrays(packet: &Packet<'_>) {
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
            assert_eq!(
                CacheUpdate::decode(&decode_back(update.encode(&mut buffer).expect("a Vec has room"))),
                Ok(update)
            );
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
            assert_eq!(
                CacheDelete::decode(&decode_back(delete.encode(&mut buffer).expect("a Vec has room"))),
                Ok(delete)
            );
            let mut buffer = Vec::new();
            match delete.encode_for_uwsgi(&mut buffer) {
                Ok(bytes) => assert_eq!(CacheDelete::decode(&decode_back(bytes)), Ok(delete)),
                Err(error) => {
                    assert_eq!((error.kind(), key.len()), (EncodeErrorKind::DatasizeTooLarge, 65533));
                }
            }
        }
        (got, want) => refused(got, want),
    }
}
