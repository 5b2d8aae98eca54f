//! Payloads of pairs and of items.

use std::collections::BTreeSet;

use uwsgi::{Array, DecodeErrorKind, Modifier1, Packet, Vars, VarsBuf};

use super::{all, in_packet, last, print, rules, show};
use crate::naive::{self, Fault, Pair, Rules};

/// The first bytes choose limits, the other bytes are a payload.
///
/// Oracle: the naive decoder gives the same pairs, or the same error with the same offset and the same two numbers,
/// also under limits that the payload just keeps, and limits that it exceeds by one. Reading pair by pair gives all pairs
/// before the error. `VarsBuf`, `get` and `get_all` find the same as a search through the naive decoder's pairs. The
/// same payload read as an array gives the naive decoder's items or its error.
pub fn vars(input: &[u8]) {
    let (rules, block) = rules(input);
    whole(block, &rules);
    one_by_one(block, &rules);
    for rules in at_the_edge(block, &rules) {
        whole(block, &rules);
        one_by_one(block, &rules);
    }
    array(block);
}

fn whole(block: &[u8], rules: &Rules) {
    let limits = rules.limits();
    let want = naive::vars(block, rules);
    let got = Vars::decode_with(block, &limits);
    if *rules == Rules::WIRE {
        assert_eq!(Vars::decode(block), got);
        assert_eq!(VarsBuf::decode(block.to_vec()).as_ref().map(VarsBuf::as_vars), got.as_ref().copied());
    }
    assert_eq!(VarsBuf::decode_with(block.to_vec(), &limits).as_ref().map(VarsBuf::as_vars), got.as_ref().copied());
    if let Ok(packet) = Packet::new(Modifier1::WSGI, 0, block) {
        let behind_header = want.fault.map(in_packet);
        assert_eq!(packet.vars_with(&limits).map_err(Fault::from).err(), behind_header);
    }
    match (got, want.fault) {
        (Ok(vars), None) => looks_up(vars, &want.elements),
        (Err(error), Some(fault)) => {
            assert_eq!(Fault::from(error), fault);
            assert_eq!(error.needed(), None, "a block is complete: {error}");
            print(&error);
        }
        (got, want) => panic!("{got:?}, but {want:?}"),
    }
}

fn one_by_one(block: &[u8], rules: &Rules) {
    let want = naive::vars(block, rules);
    let mut pairs = Vars::pairs(block, &rules.limits());
    let mut read = 0;
    for (key, value) in &want.elements {
        assert_eq!(pairs.rest(), &block[read..]);
        assert_eq!(pairs.next(), Some(Ok((&key[..], &value[..]))));
        read += 4 + key.len() + value.len();
    }
    assert_eq!(pairs.next().map(|end| end.map_err(Fault::from)), want.fault.map(Err));
    assert_eq!(pairs.rest(), &block[read..]);
    assert!(pairs.next().is_none());
    show(&pairs);
}

/// Returns limits that the payload's own pairs just keep, and limits that they exceed by one.
fn at_the_edge(block: &[u8], rules: &Rules) -> Vec<Rules> {
    let pairs = naive::vars(block, rules).elements;
    let small = |length: usize| u16::try_from(length).unwrap_or(u16::MAX);
    let longest = |of: fn(&Pair) -> usize| small(pairs.iter().map(of).max().unwrap_or(0));
    let count = small(pairs.len());
    let (key, value) = (longest(|pair| pair.0.len()), longest(|pair| pair.1.len()));
    let exact = Rules { vars: count, key, value, ..*rules };
    vec![
        exact,
        Rules { vars: count.saturating_sub(1), ..exact },
        Rules { key: key.saturating_sub(1), ..exact },
        Rules { value: value.saturating_sub(1), ..exact },
        Rules { empty_keys: !rules.empty_keys, ..*rules },
    ]
}

fn looks_up(vars: Vars<'_>, pairs: &[Pair]) {
    assert!(vars.iter().eq(pairs.iter().map(|(key, value)| (&key[..], &value[..]))));
    assert_eq!(vars.len(), pairs.len());
    assert_eq!(vars.iter().len(), pairs.len());
    assert_eq!(vars.into_iter().skip(1).len(), pairs.len().saturating_sub(1));
    assert_eq!(vars.is_empty(), pairs.is_empty());
    let owned = VarsBuf::from(vars);
    assert_eq!(owned.as_vars(), vars);
    assert_eq!(owned.clone().into_bytes(), vars.as_bytes());
    show(&vars);
    show(&owned);

    // Each look-up walks the whole payload. If there are thousands of keys, the test looks up only some.
    let mut keys: BTreeSet<&[u8]> = pairs.iter().take(24).chain(pairs.last()).map(|pair| &pair.0[..]).collect();
    keys.extend([&b""[..], b"A", b"HTTP_HOST", b"\xff\xff"]);
    for key in keys {
        let (one, every) = (last(pairs, key), all(pairs, key));
        assert_eq!(vars.get(key), one);
        assert!(vars.get_all(key).eq(every.iter().copied()));
    }
}

fn array(block: &[u8]) {
    let want = naive::array(block);
    let got = Array::decode(block);
    if let Ok(packet) = Packet::new(Modifier1::RPC, 0, block) {
        assert_eq!(packet.array().map_err(Fault::from).err(), want.fault.map(in_packet));
    }
    let (array, items) = match (got, want.fault) {
        (Ok(array), None) => (array, want.elements),
        (Err(error), Some(fault)) => {
            assert_eq!(Fault::from(error), fault);
            assert_eq!(Array::decode_as_uwsgi(block), Err(error));
            print(&error);
            return;
        }
        (got, want) => panic!("{got:?}, but {want:?}"),
    };
    assert_eq!((array.len(), array.is_empty(), array.as_bytes()), (items.len(), items.is_empty(), block));
    let mut walk = array.iter();
    let mut read = 0;
    for (place, item) in items.iter().enumerate() {
        let rest = walk.rest();
        assert_eq!((rest.len(), rest.as_bytes()), (items.len() - place, &block[read..]));
        assert_eq!(walk.len(), items.len() - place);
        assert_eq!(walk.next(), Some(&item[..]));
        read += 2 + item.len();
    }
    assert_eq!((walk.next(), walk.len()), (None, 0));
    assert!(array.as_uwsgi().eq(items.iter().filter(|item| !item.is_empty()).map(|item| &item[..])));
    show(&array);

    match (Array::decode_as_uwsgi(block), items.last()) {
        (Err(error), Some(item)) if item.is_empty() => {
            let want = Fault { kind: DecodeErrorKind::EmptyItem, offset: block.len() - 2, required: 1, available: 0 };
            assert_eq!(Fault::from(error), want);
            print(&error);
        }
        (strict, _) => assert_eq!(strict, Ok(array)),
    }
}
