//! Laws of the encoder of vars.

use arrayvec::ArrayVec;
use proptest::collection::vec;
use proptest::prelude::*;
use uwsgi::framing::content_length;
use uwsgi::{
    ArrayEncoder, EncodeError, EncodeErrorKind, HeaderName, HeaderPolicy, Modifier1, Packet, Request, Vars, VarsEncoder,
};
use uwsgi_tests::naive::{self, Pair};
use uwsgi_tests::naive_vars::{self, Allowed};

use super::{CASES, key, pairs, value};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn numbers_are_written_and_read_back(number: u64, small in 0_u64..1000) {
        for number in [number, small, 0, u64::MAX, 10_u64.pow((small % 20) as u32)] {
            let digits = number.to_string();
            prop_assert_eq!(content_length(digits.as_bytes()), Ok(Some(number)));
            let mut buffer = Vec::new();
            let mut vars = VarsEncoder::new(&mut buffer);
            vars.push_number("CONTENT_LENGTH", number).unwrap();
            let (packet, _) = Packet::decode(vars.finish(Modifier1::WSGI, 0).unwrap()).unwrap();
            prop_assert_eq!(packet.vars().unwrap().get("CONTENT_LENGTH"), Some(digits.as_bytes()));
            let mut buffer = Vec::new();
            let mut items = ArrayEncoder::new(&mut buffer);
            items.push_number(number).unwrap();
            let (packet, _) = Packet::decode(items.finish(Modifier1::CACHE, 10).unwrap()).unwrap();
            prop_assert_eq!(packet.array().unwrap().iter().next(), Some(digits.as_bytes()));
        }
    }

    /// A refused push leaves the buffer and the length as they were, and the next push works as usual.
    #[test]
    fn a_refused_push_changes_nothing(pushes in vec(push(), 0..16), room in 0_usize..160) {
        let mut slice = vec![0xee; room];
        let expected = run_pushes(&pushes, Some(room));
        let mut vars = VarsEncoder::new(&mut slice[..]);
        let mut written = vec![];
        for (at, push) in pushes.iter().enumerate() {
            let before = vars.encoded_len();
            let outcome = push.onto(&mut vars);
            written.push(outcome.is_ok());
            let wrote = vars.encoded_len() != before;
            prop_assert!(wrote == outcome.is_ok() || (!wrote && push.writes_nothing()), "push {}: {:?}", at, outcome);
        }
        let len = vars.encoded_len();
        let finished = vars.finish(Modifier1::WSGI, 0).map(<[u8]>::to_vec);
        match expected {
            Some((packet, outcomes)) => {
                prop_assert_eq!(&written, &outcomes);
                prop_assert_eq!(finished.as_ref(), Ok(&packet));
                prop_assert_eq!(len, packet.len());
                // No byte after the packet was changed.
                prop_assert!(slice[packet.len()..].iter().all(|byte| *byte == 0xee));
            }
            None => {
                prop_assert!(room < 4 && written.iter().all(|written| !written));
                prop_assert_eq!(finished.map_err(|error| error.kind()), Err(EncodeErrorKind::BufferFull));
                prop_assert!(slice.iter().all(|byte| *byte == 0xee));
            }
        }

        // The same pushes into the other two buffers, after the bytes that are there already.
        let mut inline = ArrayVec::<u8, 164>::new();
        let filler = vec![0xdd; 164 - room];
        inline.try_extend_from_slice(&filler).unwrap();
        let mut vars = VarsEncoder::new(&mut inline);
        let outcomes: Vec<bool> = pushes.iter().map(|push| push.onto(&mut vars).is_ok()).collect();
        let finished = vars.finish(Modifier1::WSGI, 0).ok().map(<[u8]>::to_vec);
        prop_assert_eq!(&outcomes, &written);
        prop_assert_eq!(&finished, &run_pushes(&pushes, Some(room)).map(|(packet, _)| packet));
        let all = [filler, finished.unwrap_or_default()].concat();
        prop_assert_eq!(inline.as_slice(), &all[..]);

        let mut vec = vec![0xdd; 3];
        let mut vars = VarsEncoder::new(&mut vec);
        let outcomes: Vec<bool> = pushes.iter().map(|push| push.onto(&mut vars).is_ok()).collect();
        vars.finish(Modifier1::WSGI, 0).unwrap();
        let (packet, expected) = run_pushes(&pushes, None).unwrap();
        prop_assert_eq!(outcomes, expected);
        prop_assert_eq!(vec, [vec![0xdd; 3], packet].concat());
    }

    #[test]
    fn a_pushed_header_is_found(
        name in "[A-Za-z0-9!#$%&'*+.^`|~-]{1,12}",
        value in "[ -~\t\u{80}-\u{ff}]{0,12}",
        before in pairs(0..4),
    ) {
        prop_assume!(!name.eq_ignore_ascii_case("proxy") && !name.eq_ignore_ascii_case("content-length"));
        prop_assume!(!name.eq_ignore_ascii_case("content-type") && !name.eq_ignore_ascii_case("transfer-encoding"));
        let mut buffer = Vec::new();
        let mut vars = VarsEncoder::new(&mut buffer);
        before.iter().for_each(|(key, value)| vars.push_raw(key, value).unwrap());
        vars.push_header(&name, &value).unwrap();
        let (packet, _) = Packet::decode(vars.finish(Modifier1::WSGI, 0).unwrap()).unwrap();
        let request = Request::decode(&packet).unwrap();
        let key = format!("HTTP_{}", name.to_ascii_uppercase().replace('-', "_"));
        prop_assert_eq!(request.vars().iter().last(), Some((key.as_bytes(), value.as_bytes())));
        // An empty value removes a header that can be joined.
        let is_joined = HeaderName::from_key(key.as_bytes()).is_some_and(|name| name.separator().is_some());
        let seen = Some(value.as_bytes()).filter(|value| !(is_joined && value.is_empty()));
        prop_assert_eq!(request.header_all(&name).last(), seen);
        prop_assert_eq!(request.header_all(&name.to_uppercase()).last(), seen);
    }
}

/// One call of an encoder.
#[derive(Debug, Clone)]
enum Push {
    Var(Vec<u8>, Vec<u8>),
    Number(Vec<u8>, u64),
    Header(String, String),
    All(Vec<Pair>),
}

fn push() -> impl Strategy<Value = Push> {
    let long = || prop_oneof![8 => value(), 1 => (65530_usize..65540).prop_map(|len| vec![b'v'; len])];
    prop_oneof![
        2 => (prop_oneof![6 => key(), 1 => Just(vec![])], long()).prop_map(|(key, value)| Push::Var(key, value)),
        1 => (key(), any::<u64>()).prop_map(|(key, number)| Push::Number(key, number)),
        3 => ("[A-Za-z -]{0,8}|Proxy|X_Y|Content-Length|content-type", "[a-z5\r\n\0]{0,4}")
            .prop_map(|(name, value)| Push::Header(name, value)),
        1 => pairs(0..3).prop_map(Push::All),
    ]
}

impl Push {
    fn onto<B: uwsgi::Buffer + ?Sized>(&self, vars: &mut VarsEncoder<'_, B>) -> Result<(), EncodeError> {
        match self {
            Self::Var(key, value) => vars.push(key, value),
            Self::Number(key, number) => vars.push_number(key, *number),
            Self::Header(name, value) => vars.push_header(name, value),
            Self::All(pairs) => vars.push_all(Vars::decode(&naive::encode_vars(pairs).unwrap()).unwrap()),
        }
    }

    fn writes_nothing(&self) -> bool {
        matches!(self, Self::All(pairs) if pairs.is_empty())
    }

    /// Returns the vars that the push adds after those before it; `None` if it is refused for a reason other than lack
    /// of room.
    fn pairs(&self, before: &[Pair]) -> Option<Vec<Pair>> {
        let allowed = Allowed::default();
        match self {
            Self::Var(key, value) => Some(vec![naive_vars::var(allowed, before, key, value).ok()?]),
            Self::Number(key, number) => {
                Some(vec![naive_vars::var(allowed, before, key, number.to_string().as_bytes()).ok()?])
            }
            Self::Header(name, value) => {
                Some(vec![naive_vars::header(allowed, before, name.as_bytes(), value.as_bytes()).ok()?])
            }
            Self::All(pairs) => {
                let mut all = before.to_vec();
                for (key, value) in pairs {
                    all.push(naive_vars::var(allowed, &all, key, value).ok()?);
                }
                Some(pairs.clone())
            }
        }
    }
}

/// Returns the packet that these pushes give in this much room, and which of them pass; `None` if the header does not
/// fit.
fn run_pushes(pushes: &[Push], room: Option<usize>) -> Option<(Vec<u8>, Vec<bool>)> {
    let room = room.unwrap_or(usize::MAX);
    if room < 4 {
        return None;
    }
    let mut block = Vec::new();
    let mut outcomes = Vec::new();
    let mut before = Vec::new();
    for push in pushes {
        let added = push.pairs(&before).map(|pairs| (naive::encode_vars(&pairs).unwrap(), pairs));
        let added = added.filter(|(bytes, _)| block.len() + bytes.len() <= usize::min(room - 4, 65535));
        outcomes.push(added.is_some());
        if let Some((bytes, pairs)) = added {
            block.extend(bytes);
            before.extend(pairs);
        }
    }
    Some((naive::encode_packet(0, 0, &block).unwrap(), outcomes))
}

/// A policy can allow what is refused by default.
#[test]
fn a_policy_allows_more_headers() {
    let policy = HeaderPolicy::default().allow_proxy(true).allow_underscores(true);
    let mut buffer = Vec::new();
    let mut vars = VarsEncoder::with_policy(&mut buffer, policy);
    vars.push_header("Proxy", "a").unwrap();
    vars.push_header("X_Y", "b").unwrap();
    // This name does not frame the body, which a name with a dash does. It must declare the same length nevertheless.
    assert_eq!(vars.push_header("Content_Length", "7").unwrap_err().kind(), EncodeErrorKind::SecondContentLength);
    vars.push_header("Content-Length", "7").unwrap();
    vars.push_header("Content_Length", "7").unwrap();
    assert_eq!(vars.push_header("Transfer_Encoding", "chunked").unwrap_err().kind(), EncodeErrorKind::TransferEncoding);
    let (packet, _) = Packet::decode(vars.finish(Modifier1::WSGI, 0).unwrap()).unwrap();
    let keys: Vec<_> = packet.vars().unwrap().iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [&b"HTTP_PROXY"[..], b"HTTP_X_Y", b"CONTENT_LENGTH", b"HTTP_CONTENT_LENGTH"]);
    assert_eq!(Request::decode(&packet).unwrap().content_length(), Ok(Some(7)));
}
