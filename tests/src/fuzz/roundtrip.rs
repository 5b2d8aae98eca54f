//! Round trips: from values to bytes to values, and from bytes to values to bytes.

use std::borrow::Cow;

use arbitrary::{Arbitrary, Unstructured};
use arrayvec::ArrayVec;
use uwsgi::response::ResponseEncoder;
use uwsgi::{
    Array, ArrayEncoder, Buffer, Content, EncodeError, EncodeErrorKind as Kind, HeaderPolicy, Modifier1, Packet, Vars,
    VarsEncoder, encoded_len,
};

use super::{print, show};
use crate::naive::{self, Pair};
use crate::naive_cgi;
use crate::naive_vars::{Allowed, Refusal, header, pair, values, var};

/// The input says what to write into a buffer of some size: pairs, headers, numbers, whole payloads and items. It is
/// also taken for a packet.
///
/// Oracle: a list of the accepted pushes, and a naive encoder. The naive rules say whether each push is accepted, or
/// refused with which kind and which two numbers. A refused push changes nothing, neither in the packet nor around it.
/// The bytes are the naive encoder's, in a slice, an `ArrayVec` and a `Vec`; decoding them gives what was accepted;
/// lengths are exact. Every reader reads a packet without raw pushes as the same request: the packet has at most one
/// `CONTENT_LENGTH`, and no server refuses it. A dropped encoder leaves a `Vec` and an `ArrayVec` as they were. A packet that
/// decodes encodes to the same bytes, by raw pushes.
pub fn roundtrip(input: &[u8]) {
    if let Ok(plan) = Plan::arbitrary_take_rest(Unstructured::new(input)) {
        lengths(&plan);
        into_every_buffer(&plan);
    }
    bytes(input);
}

#[derive(Debug, Arbitrary)]
struct Plan<'a> {
    modifiers: (u8, u8),
    room: u16,
    proxy: bool,
    underscores: bool,
    chunked: bool,
    pushes: Vec<Push<'a>>,
    items: Vec<Item<'a>>,
}

/// One call of an encoder of vars.
#[derive(Debug, Arbitrary)]
enum Push<'a> {
    Var(Text<'a>, Text<'a>),
    Raw(Text<'a>, Text<'a>),
    Number(Text<'a>, u64),
    Header(Text<'a>, Text<'a>),
    All(Vec<(Text<'a>, Text<'a>)>),
}

/// One call of an encoder of items.
#[derive(Debug, Arbitrary)]
enum Item<'a> {
    Plain(Text<'a>),
    AsUwsgi(Text<'a>),
    Number(u64),
}

/// A string. Strings with lengths around the largest that a length field can hold need only a few bytes of input.
#[derive(Debug)]
struct Text<'a>(Cow<'a, [u8]>);

impl<'a> Arbitrary<'a> for Text<'a> {
    fn arbitrary(input: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        const KNOWN: [&str; 28] = [
            "REQUEST_METHOD",
            "PATH_INFO",
            "CONTENT_LENGTH",
            "Content-Length",
            "content-type",
            "Content_Type",
            "Proxy",
            "proxy_",
            "X-Forwarded-For",
            "x_real_ip",
            "TE",
            "a b",
            "a\r\nb",
            "HTTP_CONTENT_LENGTH",
            "HTTP_TRANSFER_ENCODING",
            "Transfer-Encoding",
            "Transfer_Encoding",
            "chunked",
            "Chunked",
            "HTTP_PROXY",
            "HTTP_X_LONG_ENOUGH_FOR_TWO_STEPS_OF_16",
            "a value of more than two steps of 16 bytes",
            "a value of more than two steps of 16 \n bytes",
            "5",
            "05",
            "18446744073709551615",
            "18446744073709551616",
            "",
        ];
        Ok(Self(match input.int_in_range(0..=15_u8)? {
            0..=7 => Cow::Borrowed(input.arbitrary()?),
            8..=13 => Cow::Borrowed(input.choose(&KNOWN)?.as_bytes()),
            14 => Cow::Owned(vec![input.arbitrary()?; usize::from(input.arbitrary::<u16>()?)]),
            _ => Cow::Owned(vec![input.arbitrary()?; 65535 - 128 + usize::from(input.arbitrary::<u8>()?)]),
        }))
    }
}

impl AsRef<[u8]> for Text<'_> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn refusal(error: EncodeError) -> Refusal {
    print(&error);
    (error.kind(), error.required().or(error.position()), error.available())
}

fn lengths(plan: &Plan<'_>) {
    let pairs: Vec<Pair> = plan
        .pushes
        .iter()
        .filter_map(|push| match push {
            Push::Var(key, value) | Push::Raw(key, value) | Push::Header(key, value) => {
                Some((key.0.to_vec(), value.0.to_vec()))
            }
            _ => None,
        })
        .collect();
    let want: usize = pairs.iter().map(|(key, value)| 2 + key.len() + 2 + value.len()).sum();
    assert_eq!(encoded_len(pairs.iter().map(|(key, value)| (key, value))), 4 + want);
}

fn into_every_buffer(plan: &Plan<'_>) {
    let fresh = |size: usize| vec![0xa5; size];
    let room = usize::from(plan.room);
    let capacity = if room < 1024 { room } else { room + 8 };

    let mut slice = fresh(capacity);
    let len = vars(plan, &mut slice[..], Some(capacity));
    assert!(slice[len..].iter().all(|byte| *byte == 0xa5), "written after the packet");
    let mut slice = fresh(capacity);
    let len = items(plan, &mut slice[..], Some(capacity));
    assert!(slice[len..].iter().all(|byte| *byte == 0xa5), "written after the packet");

    let mut slice = fresh(capacity);
    dropped(plan, &mut slice[..]);
    array_vecs::<3>(plan);
    array_vecs::<70>(plan);
    array_vecs::<1500>(plan);

    let mut vec = b"before".to_vec();
    vars(plan, &mut vec, None);
    items(plan, &mut vec, None);
    assert!(vec.starts_with(b"before"));
    let before = vec.clone();
    dropped(plan, &mut vec);
    assert_eq!(vec, before, "a dropped encoder has left bytes");
}

fn array_vecs<const N: usize>(plan: &Plan<'_>) {
    let mut buffer = ArrayVec::<u8, N>::new();
    let first = vars(plan, &mut buffer, Some(N));
    assert_eq!(buffer.len(), first);
    let before = buffer.clone();
    let second = items(plan, &mut buffer, Some(N - first));
    assert_eq!(buffer.len(), first + second);
    assert_eq!(buffer[..first], before[..]);
    let before = buffer.clone();
    dropped(plan, &mut buffer);
    assert_eq!(buffer, before, "a dropped encoder has left bytes");
}

/// Drops encoders that are not finished.
fn dropped<B: Buffer + ?Sized>(plan: &Plan<'_>, buffer: &mut B) {
    let mut encoder = VarsEncoder::new(&mut *buffer);
    let _refused = encoder.push_number("CONTENT_LENGTH", 5);
    for push in &plan.pushes {
        if let Push::Var(key, value) | Push::Raw(key, value) | Push::Header(key, value) = push {
            let _refused = encoder.push_raw(key, value);
        }
    }
    drop(encoder);
    let mut encoder = ArrayEncoder::new(&mut *buffer);
    for item in &plan.items {
        if let Item::Plain(item) | Item::AsUwsgi(item) = item {
            let _refused = encoder.push(item);
        }
    }
    drop(encoder);
    if let Ok(mut encoder) = ResponseEncoder::new(buffer, 200, "OK") {
        let _refused = encoder.push("X", "y");
    }
}

/// Writes the plan's vars; returns how many bytes of the buffer they took.
fn vars<B: Buffer + ?Sized>(plan: &Plan<'_>, buffer: &mut B, room: Option<usize>) -> usize {
    let policy =
        HeaderPolicy::default().allow_proxy(plan.proxy).allow_underscores(plan.underscores).allow_chunked(plan.chunked);
    let allowed = Allowed { proxy: plan.proxy, underscores: plan.underscores, chunked: plan.chunked };
    let mut encoder = VarsEncoder::with_policy(buffer, policy);
    let mut accepted: Vec<Pair> = Vec::new();
    // The accepted pairs, except those of raw pushes.
    let mut checked: Vec<Pair> = Vec::new();
    let mut written = Vec::new();
    let fits = |written: &[u8], more: usize| fits(4 + written.len(), more, room);
    for push in &plan.pushes {
        let (want, got) = match push {
            Push::Var(key, value) => (var(allowed, &checked, &key.0, &value.0), encoder.push(key, value)),
            Push::Raw(key, value) => (pair(&key.0, &value.0), encoder.push_raw(key, value)),
            Push::Number(key, number) => {
                (var(allowed, &checked, &key.0, number.to_string().as_bytes()), encoder.push_number(key, *number))
            }
            Push::Header(name, value) => {
                (header(allowed, &checked, &name.0, &value.0), encoder.push_header(name, value))
            }
            Push::All(pairs) => {
                let pairs: Vec<Pair> = pairs.iter().map(|(key, value)| (key.0.to_vec(), value.0.to_vec())).collect();
                let Some(block) = naive::encode_vars(&pairs) else { continue };
                // An empty key does not decode.
                let Ok(vars) = Vars::decode(&block) else { continue };
                let mut all = checked.clone();
                let allowed = pairs.iter().try_for_each(|(key, value)| {
                    all.push(var(allowed, &all, key, value)?);
                    Ok(())
                });
                let want = allowed.and_then(|()| fits(&written, block.len()));
                assert_eq!(encoder.push_all(vars).map_err(refusal), want);
                if want.is_ok() {
                    written.extend(block);
                    accepted.extend(pairs);
                    checked = all;
                }
                continue;
            }
        };
        let want = want.and_then(|pair| fits(&written, 4 + pair.0.len() + pair.1.len()).map(|()| pair));
        let got = got.map_err(refusal);
        assert_eq!(got.err(), want.as_ref().err().copied(), "{push:?}");
        if let Ok(pair) = want {
            written.extend(naive::encode_vars(&[(&pair.0, &pair.1)]).expect("accepted"));
            if !matches!(push, Push::Raw(..)) {
                checked.push(pair.clone());
            }
            accepted.push(pair);
        }
        assert_eq!(encoder.encoded_len(), 4 + written.len());
        assert!(encoder.payload() == written, "after {push:?}");
    }
    one_request(&checked);
    let finished = encoder.finish(Modifier1(plan.modifiers.0), plan.modifiers.1);
    let len = finish(plan, finished, &written, room);
    if let Ok(bytes) = finished {
        let (packet, _) = Packet::decode(bytes).expect("what was written");
        let vars = packet.vars().expect("what was written");
        assert!(vars.iter().eq(accepted.iter().map(|(key, value)| (&key[..], &value[..]))));
        assert_eq!(encoded_len(vars), bytes.len());
    }
    len
}

/// Writes the plan's items; returns how many bytes of the buffer they took.
fn items<B: Buffer + ?Sized>(plan: &Plan<'_>, buffer: &mut B, room: Option<usize>) -> usize {
    let mut encoder = ArrayEncoder::new(buffer);
    let mut accepted: Vec<Vec<u8>> = Vec::new();
    let mut written = Vec::new();
    for push in &plan.items {
        let (item, got): (Vec<u8>, _) = match push {
            Item::Plain(item) => (item.0.to_vec(), encoder.push(item)),
            Item::AsUwsgi(item) => (item.0.to_vec(), encoder.push_as_uwsgi(item)),
            Item::Number(number) => (number.to_string().into(), encoder.push_number(*number)),
        };
        let want = if item.is_empty() && matches!(push, Item::AsUwsgi(_)) {
            Err((Kind::EmptyItem, None, None))
        } else if item.len() > 65535 {
            Err((Kind::ItemTooLong, Some(item.len()), Some(65535)))
        } else {
            fits(4 + written.len(), 2 + item.len(), room)
        };
        assert_eq!(got.map_err(refusal), want, "{push:?}");
        if want.is_ok() {
            written.extend(naive::encode_array(&[&item]).expect("accepted"));
            accepted.push(item);
        }
        assert_eq!(encoder.encoded_len(), 4 + written.len());
    }
    let finished = encoder.finish(Modifier1(plan.modifiers.0), plan.modifiers.1);
    let len = finish(plan, finished, &written, room);
    if let Ok(bytes) = finished {
        let (packet, _) = Packet::decode(bytes).expect("what was written");
        let array = packet.array().expect("what was written");
        assert!(array.iter().eq(accepted.iter().map(|item| &item[..])));
    }
    len
}

fn finish(plan: &Plan<'_>, got: Result<&[u8], EncodeError>, written: &[u8], room: Option<usize>) -> usize {
    match room {
        Some(room) if room < 4 => {
            assert_eq!(got.map_err(refusal), Err((Kind::BufferFull, Some(4), Some(room))));
            0
        }
        _ => {
            let want = naive::encode_packet(plan.modifiers.0, plan.modifiers.1, written).expect("accepted");
            assert!(got == Ok(&want[..]), "{got:?}");
            want.len()
        }
    }
}

/// Checks whether `more` bytes fit into the datasize, and then into the buffer.
fn fits(written: usize, more: usize, room: Option<usize>) -> Result<(), Refusal> {
    let payload = written - 4 + more;
    if payload > 65535 {
        return Err((Kind::DatasizeTooLarge, Some(payload), Some(65535)));
    }
    match room {
        // If not even the header fitted, no push ever fits, not even an empty one.
        Some(room) if room < 4 || written + more > room => {
            Err((Kind::BufferFull, Some(more), Some(room.saturating_sub(written))))
        }
        _ => Ok(()),
    }
}

/// Checks what `SECURITY.md` promises about vars that were written without raw pushes.
fn one_request(pairs: &[Pair]) {
    let lengths: Vec<&[u8]> = values(pairs, b"CONTENT_LENGTH").collect();
    assert!(lengths.len() <= 1, "{lengths:?}");
    naive_cgi::framing(&lengths, None, false).expect("a length");
    let codings = values(pairs, b"HTTP_TRANSFER_ENCODING").count();
    assert!(codings == 0 || (codings == 1 && lengths.iter().all(|length| length.is_empty())), "{pairs:?}");
    for (key, value) in pairs {
        uwsgi::check_var(key, value).expect("a var that a server accepts");
    }
}

/// Checks that a packet that decodes encodes to the same bytes.
fn bytes(input: &[u8]) {
    let Ok((packet, rest)) = Packet::decode(input) else { return };
    let bytes = &input[..input.len() - rest.len()];
    assert_eq!(packet.encoded_len(), bytes.len());
    match packet.content() {
        Ok(Content::Vars(vars)) => vars_back(&packet, vars, bytes),
        Ok(Content::Array(array)) => array_back(&packet, array, bytes),
        Ok(content) => show(&content),
        Err(error) => print(&error),
    }
    // This holds for every modifier.
    if let Ok(vars) = packet.vars() {
        vars_back(&packet, vars, bytes);
    }
    if let Ok(array) = packet.array() {
        array_back(&packet, array, bytes);
    }
}

fn vars_back(packet: &Packet<'_>, vars: Vars<'_>, bytes: &[u8]) {
    assert_eq!(encoded_len(vars), bytes.len());
    let mut exact = vec![0xa5; bytes.len()];
    let mut encoder = VarsEncoder::new(&mut exact[..]);
    for (key, value) in vars {
        encoder.push_raw(key, value).expect("what was decoded");
    }
    assert_eq!(encoder.encoded_len(), bytes.len());
    assert_eq!(encoder.finish(packet.modifier1(), packet.modifier2()), Ok(bytes));

    // `push_all` accepts a payload exactly if `push` accepts each pair.
    let (mut at_once, mut one_by_one) = (Vec::new(), Vec::new());
    let mut encoder = VarsEncoder::new(&mut one_by_one);
    let wanted = vars.iter().try_for_each(|(key, value)| encoder.push(key, value)).map_err(refusal);
    let mut encoder = VarsEncoder::new(&mut at_once);
    assert_eq!(encoder.push_all(vars).map_err(refusal), wanted);
    if wanted.is_ok() {
        assert_eq!(encoder.finish(packet.modifier1(), packet.modifier2()), Ok(bytes));
    }
}

fn array_back(packet: &Packet<'_>, array: Array<'_>, bytes: &[u8]) {
    let mut exact = vec![0xa5; bytes.len()];
    let mut encoder = ArrayEncoder::new(&mut exact[..]);
    for item in array {
        encoder.push(item).expect("what was decoded");
    }
    assert_eq!(encoder.encoded_len(), bytes.len());
    assert_eq!(encoder.finish(packet.modifier1(), packet.modifier2()), Ok(bytes));
}
