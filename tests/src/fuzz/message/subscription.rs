//! Subscriptions.

use uwsgi::message::{MessageError, Subscription, SubscriptionCommand};
use uwsgi::{Modifier1, Packet};

use super::{decode_back, expect, last, number, pairs, print, show};
use crate::naive::{self, Pair};

pub(super) fn subscription(packet: &Packet<'_>) {
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
    assert_eq!(Subscription::decode(&decode_back(bytes)), Ok(subscription));

    let Some(signature) = signature else { return };
    let mut payload = signature.signed.to_vec();
    payload.extend(naive::encode_vars(&[(&b"sign"[..], signature.sign)]).expect("what was decoded"));
    assert_eq!(payload, packet.payload());

    let mut buffer = Vec::new();
    let unsigned = subscription.begin(&mut buffer).expect("a Vec has room");
    let signed = unsigned.signed().to_vec();
    assert_eq!(signed, bytes[4..]);
    let bytes = unsigned.finish_signed(signature.sign).expect("a Vec has room");
    let arrived = Subscription::decode(&decode_back(bytes)).expect("what was encoded");
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

fn small_number(pairs: &[Pair], key: &'static str) -> Result<Option<u8>, MessageError> {
    match number(pairs, key)? {
        Some(number) => u8::try_from(number).map(Some).map_err(|_| MessageError::Invalid { key }),
        None => Ok(None),
    }
}
