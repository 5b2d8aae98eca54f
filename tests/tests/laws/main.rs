//! Laws that hold for any bytes, any pairs and any limits.

mod encoding;
mod names;

use arrayvec::ArrayVec;
use proptest::collection::{SizeRange, vec};
use proptest::prelude::*;
use uwsgi::framing::request_framing;
use uwsgi::{
    Array, ArrayEncoder, DecodeErrorKind, Header, HeaderName, Modifier1, Packet, Request, Vars, VarsBuf, VarsEncoder,
    encoded_len,
};
use uwsgi_tests::naive::{self, Fault, Pair, Rules};
use uwsgi_tests::naive_cgi;

/// Enough cases to find most faults, few enough for a quick run; the fuzz targets run for longer.
const CASES: u32 = 192;

/// Names with a meaning, so that look-ups find something, and any others.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => proptest::sample::select(vec![
            &b"REQUEST_METHOD"[..], b"PATH_INFO", b"SCRIPT_NAME", b"QUERY_STRING", b"CONTENT_LENGTH", b"CONTENT_TYPE",
            b"HTTPS", b"REQUEST_SCHEME", b"HTTP_", b"HTTP_HOST", b"HTTP_X_A", b"HTTP_X-A", b"HTTP_x_a",
            b"HTTP_CONTENT_LENGTH", b"HTTP_CONTENT_TYPE", b"HTTP_TRANSFER_ENCODING", b"A", b"B",
        ])
        .prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 1..12),
    ]
}

/// Up to 1,600 vars, most of them headers.
fn many_pairs() -> impl Strategy<Value = Vec<Pair>> {
    let name = |letters| {
        vec(proptest::sample::select(b"ABCabcD_-1".to_vec()), letters).prop_map(|name| [b"HTTP_", &name[..]].concat())
    };
    let pair = move |letters| {
        let keys = prop_oneof![6 => name(letters), 1 => key()];
        (keys, proptest::sample::select(vec![&b""[..], b"x", b"y"]).prop_map(<[u8]>::to_vec))
    };
    prop_oneof![vec(pair(1..3), 20..1600), vec(pair(3..6), 20..1600)]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => Just(Vec::new()),
        1 => length_value(),
        2 => vec(any::<u8>(), 0..24),
    ]
}

/// Values of `CONTENT_LENGTH`, right and wrong.
fn length_value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        2 => "[0-9]{1,3}".prop_map(String::into_bytes),
        1 => "[0-9+ ,x-]{0,4}".prop_map(String::into_bytes),
        1 => "1844674407370955161[0-9]{1,2}".prop_map(String::into_bytes),
        1 => proptest::sample::select(vec!["5", "", "05"]).prop_map(|text| text.as_bytes().to_vec()),
    ]
}

fn pairs(count: impl Into<SizeRange>) -> impl Strategy<Value = Vec<Pair>> {
    vec((key(), value()), count)
}

fn rules() -> impl Strategy<Value = Rules> {
    let few = || prop_oneof![Just(65535_u16), 0_u16..32];
    (prop_oneof![3 => Just(65535_u16), 1 => 0_u16..200], few(), few(), few(), any::<bool>())
        .prop_map(|(datasize, vars, key, value, empty_keys)| Rules { datasize, vars, key, value, empty_keys })
}

/// A well-formed payload with a few bytes replaced, inserted or cut off: lengths that are nearly right.
fn nearly_well_formed() -> impl Strategy<Value = Vec<u8>> {
    let nearly = prop_oneof![Just(0_u8), Just(1), Just(2), Just(255), any::<u8>()];
    let changes = vec((any::<proptest::sample::Index>(), nearly, 0..4_u8), 0..3);
    (vec((vec(any::<u8>(), 0..5), vec(any::<u8>(), 0..5)), 0..6), changes).prop_map(|(pairs, changes)| {
        let mut block = naive::encode_vars(&pairs).unwrap();
        for (at, byte, how) in changes.into_iter().take(if block.is_empty() { 0 } else { 3 }) {
            if block.is_empty() {
                break;
            }
            let at = at.index(block.len());
            match how {
                0 | 1 => block[at] = byte,
                2 => block.insert(at, byte),
                _ => block.truncate(at),
            }
        }
        block
    })
}

/// Bytes that are a packet, or nearly one, or anything.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let near = (any::<u8>(), nearly_well_formed(), any::<u8>(), -3_i32..4).prop_map(|(m1, block, m2, off)| {
        let mut bytes = naive::encode_packet(m1, m2, &block).unwrap();
        let datasize = u16::try_from((block.len() as i32 + off).max(0)).unwrap();
        bytes[1..3].copy_from_slice(&datasize.to_le_bytes());
        bytes
    });
    prop_oneof![3 => near, 1 => vec(any::<u8>(), 0..40)]
}

fn encode(pairs: &[Pair]) -> Vec<u8> {
    let mut buffer = Vec::new();
    let mut vars = VarsEncoder::new(&mut buffer);
    pairs.iter().for_each(|(key, value)| vars.push_raw(key, value).unwrap());
    vars.finish(Modifier1::WSGI, 0).unwrap();
    buffer
}

fn owned<'a>(pairs: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Vec<Pair> {
    pairs.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn encode_then_decode_gives_the_same(pairs in pairs(0..20), m1: u8, m2: u8, after in vec(any::<u8>(), 0..4)) {
        let mut slice = [0; 2048];
        let mut vars = VarsEncoder::new(&mut slice[..]);
        for (key, value) in &pairs {
            vars.push_raw(key, value).unwrap();
        }
        prop_assert_eq!(vars.encoded_len(), encoded_len(pairs.iter().map(|(key, value)| (key, value))));
        let expected_len = vars.encoded_len();
        let mut bytes = vars.finish(Modifier1(m1), m2).unwrap().to_vec();
        prop_assert_eq!(bytes.len(), expected_len);
        prop_assert_eq!(&bytes, &naive::encode_packet(m1, m2, &naive::encode_vars(&pairs).unwrap()).unwrap());
        bytes.extend(&after);
        let (packet, rest) = Packet::decode(&bytes).unwrap();
        prop_assert_eq!((packet.modifier1(), packet.modifier2(), rest), (Modifier1(m1), m2, &after[..]));
        prop_assert_eq!(packet.encoded_len(), expected_len);
        prop_assert_eq!(owned(packet.vars().unwrap()), pairs);
    }

    #[test]
    fn items_encoded_then_decoded_are_the_same(items in vec(vec(any::<u8>(), 0..20), 0..20)) {
        let mut buffer = ArrayVec::<u8, 1024>::new();
        let mut array = ArrayEncoder::new(&mut buffer);
        for item in &items {
            array.push(item).unwrap();
        }
        let expected_len = array.encoded_len();
        let bytes = array.finish(Modifier1::RPC, 0).unwrap();
        prop_assert_eq!(bytes.len(), expected_len);
        prop_assert_eq!(&bytes[4..], naive::encode_array(&items).unwrap());
        let (packet, _) = Packet::decode(bytes).unwrap();
        let array = packet.array().unwrap();
        prop_assert_eq!((array.len(), array.is_empty()), (items.len(), items.is_empty()));
        let mut iter = array.iter();
        for left in (0..=items.len()).rev() {
            prop_assert_eq!((iter.size_hint(), iter.rest().len()), ((left, Some(left)), left));
            iter.next();
        }
        prop_assert!(array.iter().eq(items.iter().map(Vec::as_slice)));
        // uWSGI's reader drops empty items, and refuses an empty item at the end.
        prop_assert!(array.as_uwsgi().eq(items.iter().map(Vec::as_slice).filter(|item| !item.is_empty())));
        let refused = items.last().is_some_and(Vec::is_empty);
        let fault = Array::decode_as_uwsgi(packet.payload()).err().map(|error| (error.kind(), error.offset()));
        prop_assert_eq!(fault, refused.then(|| (DecodeErrorKind::EmptyItem, packet.payload().len() - 2)));
    }

    #[test]
    fn decode_then_encode_gives_the_same_bytes(bytes in stream()) {
        let Ok((packet, rest)) = Packet::decode(&bytes) else { return Ok(()) };
        let own = &bytes[..bytes.len() - rest.len()];
        prop_assert_eq!(packet.encode(&mut Vec::new()).unwrap().to_vec(), own);
        prop_assert_eq!(&packet.header().to_bytes()[..], &own[..4]);
        prop_assert_eq!(Packet::new(packet.modifier1(), packet.modifier2(), packet.payload()), Ok(packet));
        if let Ok(vars) = packet.vars() {
            let mut buffer = Vec::new();
            let mut one_by_one = VarsEncoder::new(&mut buffer);
            for (key, value) in vars {
                one_by_one.push_raw(key, value).unwrap();
            }
            prop_assert_eq!(one_by_one.finish(packet.modifier1(), packet.modifier2()).unwrap(), own);
            let mut buffer = Vec::new();
            let mut all_at_once = VarsEncoder::new(&mut buffer);
            if all_at_once.push_all(vars).is_ok() {
                prop_assert_eq!(all_at_once.finish(packet.modifier1(), packet.modifier2()).unwrap(), own);
            }
            prop_assert_eq!(VarsBuf::from(vars).into_bytes(), packet.payload());
        }
    }

    /// Exactly `needed` more bytes make progress. With one fewer the packet is still truncated, and exactly one is
    /// needed.
    #[test]
    fn needed_is_exact(bytes in stream(), cut: proptest::sample::Index) {
        let Ok((whole, rest)) = Packet::decode(&bytes) else { return Ok(()) };
        let bytes = &bytes[..bytes.len() - rest.len()];
        let cut = cut.index(bytes.len());
        let error = Packet::decode(&bytes[..cut]).unwrap_err();
        let needed = error.needed().unwrap();
        prop_assert!(needed >= 1);
        let one_fewer = Packet::decode(&bytes[..cut + needed - 1]).unwrap_err();
        prop_assert_eq!((one_fewer.needed(), one_fewer.offset()), (Some(1), error.offset()));
        match Packet::decode(&bytes[..cut + needed]) {
            Ok((packet, rest)) => prop_assert_eq!((packet, rest), (whole, &b""[..])),
            Err(further) => prop_assert!(further.offset() > error.offset()),
        }
    }

    #[test]
    fn packets_decode_as_the_naive_decoder_reads_them(bytes in stream(), rules in rules()) {
        let limits = rules.limits();
        let ours = Packet::decode_with(&bytes, &limits);
        let naive = naive::packet(&bytes, &rules);
        match (ours, naive) {
            (Ok((packet, rest)), Ok(naive)) => {
                prop_assert_eq!(packet.payload(), naive.payload);
                prop_assert_eq!(rest, naive.rest);
                prop_assert_eq!(packet.modifier1().0, naive.header.modifier1);
                prop_assert_eq!(packet.modifier2(), naive.header.modifier2);
                prop_assert_eq!(usize::from(packet.datasize()), naive.header.datasize);
                let vars = naive::vars(packet.payload(), &rules).whole().map_err(|fault| fault.moved_by(4));
                let view = Request::decode_with(&packet, &limits).map(|request| owned(request.vars()));
                prop_assert_eq!(view.map_err(Fault::from), vars.clone());
                prop_assert_eq!(packet.vars_with(&limits).map(owned).map_err(Fault::from), vars);
                let items = naive::array(packet.payload()).whole().map_err(|fault| fault.moved_by(4));
                let ours = packet.array().map(|array| array.iter().map(<[u8]>::to_vec).collect());
                prop_assert_eq!(ours.map_err(Fault::from), items);
            }
            (Err(error), Err(fault)) => {
                prop_assert_eq!(Fault::from(error), fault);
                prop_assert_eq!(error.needed(), fault.needed());
            }
            (ours, naive) => prop_assert!(false, "{ours:?}, the naive decoder says {naive:?}"),
        }
    }

    #[test]
    fn vars_decode_as_the_naive_decoder_reads_them(
        block in prop_oneof![3 => nearly_well_formed(), 1 => vec(any::<u8>(), 0..40)],
        rules in rules(),
    ) {
        let limits = rules.limits();
        let naive = naive::vars(&block, &rules);
        let whole = Vars::decode_with(&block, &limits).map(owned).map_err(Fault::from);
        prop_assert_eq!(whole, naive.clone().whole());
        let buf = VarsBuf::decode_with(block.clone(), &limits).map(|buf| owned(buf.as_vars())).map_err(Fault::from);
        prop_assert_eq!(buf, naive.clone().whole());

        // Pair by pair: all pairs before the fault, then the fault, then nothing.
        let mut pairs = Vars::pairs(&block, &limits);
        for (key, value) in &naive.elements {
            prop_assert_eq!(pairs.next(), Some(Ok((&key[..], &value[..]))));
        }
        let last = pairs.next().map(|pair| pair.map(|_| ()).map_err(Fault::from));
        prop_assert_eq!(last, naive.fault.map(Err));
        prop_assert_eq!(pairs.next(), None);
        prop_assert_eq!(pairs.rest().is_empty(), naive.fault.is_none());
    }

    #[test]
    fn arrays_decode_as_the_naive_decoder_reads_them(
        block in prop_oneof![3 => nearly_well_formed(), 1 => vec(any::<u8>(), 0..40)],
    ) {
        let ours = Array::decode(&block).map(|array| array.iter().map(<[u8]>::to_vec).collect::<Vec<_>>());
        prop_assert_eq!(ours.map_err(Fault::from), naive::array(&block).whole());
    }

    #[test]
    fn iterators_know_how_many_pairs_are_left(pairs in pairs(0..12), taken in 0_usize..12) {
        let bytes = encode(&pairs);
        let vars = Vars::decode(&bytes[4..]).unwrap();
        prop_assert_eq!((vars.len(), vars.is_empty(), vars.as_bytes()), (pairs.len(), pairs.is_empty(), &bytes[4..]));
        let mut iter = vars.iter();
        let count = iter.by_ref().take(taken).count();
        prop_assert_eq!(iter.len(), pairs.len() - count);
        prop_assert_eq!(owned(iter), pairs[count..].to_vec());
    }

    #[test]
    fn look_ups_agree_with_iteration(pairs in pairs(0..24), asked in key()) {
        let bytes = encode(&pairs);
        let vars = Vars::decode(&bytes[4..]).unwrap();
        for key in pairs.iter().map(|(key, _)| key).chain([&asked]) {
            let all: Vec<&[u8]> = pairs.iter().filter(|pair| pair.0 == *key).map(|pair| &pair.1[..]).collect();
            prop_assert_eq!(vars.get(key), all.last().copied());
            prop_assert_eq!(vars.get_all(key).collect::<Vec<_>>(), all);
        }
    }

    #[test]
    fn the_view_sees_the_last_of_each_var(pairs in pairs(0..24)) {
        let bytes = encode(&pairs);
        let (packet, _) = Packet::decode(&bytes).unwrap();
        let request = Request::decode(&packet).unwrap();
        let last = |key: &str| pairs.iter().rev().find(|pair| pair.0 == key.as_bytes()).map(|pair| &pair.1[..]);
        prop_assert_eq!(request.method(), last("REQUEST_METHOD"));
        prop_assert_eq!(request.path_info(), last("PATH_INFO"));
        prop_assert_eq!(request.script_name(), last("SCRIPT_NAME"));
        prop_assert_eq!(request.query_string(), last("QUERY_STRING"));
        prop_assert_eq!(request.host(), last("HTTP_HOST"));
        for (key, _) in &pairs {
            prop_assert_eq!(request.var(key), packet.vars().unwrap().get(key));
        }
        let named = |(name, value): (HeaderName<'_>, &[u8])| (name.bytes().collect::<Vec<u8>>(), value.to_vec());
        prop_assert_eq!(request.raw_headers().map(named).collect::<Vec<_>>(), naive_cgi::raw_headers(&pairs));
        prop_assert_eq!(request.headers().map(named).collect::<Vec<_>>(), naive_cgi::headers(&pairs));

        let mounted = request.with_mount(b"/mount", b"/rest");
        prop_assert_eq!((mounted.script_name(), mounted.path_info()), (Some(&b"/mount"[..]), Some(&b"/rest"[..])));
        prop_assert_eq!((mounted.var("SCRIPT_NAME"), mounted.var("PATH_INFO")), (Some(&b"/mount"[..]), Some(&b"/rest"[..])));
        prop_assert_eq!((mounted.vars(), mounted.method()), (request.vars(), request.method()));
    }

    /// Some names are repeated often, some rarely, in packets that need several windows.
    #[test]
    fn many_headers_are_settled_by_the_naive_rule(pairs in many_pairs()) {
        let bytes = encode(&pairs);
        let (packet, _) = Packet::decode(&bytes).unwrap();
        let headers = Request::decode(&packet).unwrap().headers();
        let named = |(name, value): (HeaderName<'_>, &[u8])| (name.bytes().collect::<Vec<u8>>(), value.to_vec());
        prop_assert_eq!(headers.map(named).collect::<Vec<_>>(), naive_cgi::headers(&pairs));
    }

    #[test]
    fn bodies_are_framed_by_the_naive_rule(
        lengths in vec(length_value(), 0..4),
        encoding in proptest::option::of(proptest::sample::select(vec!["chunked", "Chunked", "gzip, chunked", ""])),
    ) {
        let lengths: Vec<&[u8]> = lengths.iter().map(Vec::as_slice).collect();
        let encoding = encoding.map(str::as_bytes);
        for chunked in [false, true] {
            let naive = naive_cgi::framing(&lengths, encoding, chunked);
            prop_assert_eq!(request_framing(lengths.last().copied(), encoding, chunked), naive);
        }
        let mut pairs: Vec<Pair> = lengths.iter().map(|value| (b"CONTENT_LENGTH".to_vec(), value.to_vec())).collect();
        pairs.extend(encoding.map(|value| (b"HTTP_TRANSFER_ENCODING".to_vec(), value.to_vec())));
        pairs.insert(0, (b"HTTP_CONTENT_LENGTH".to_vec(), b"7".to_vec()));
        let bytes = encode(&pairs);
        let (packet, _) = Packet::decode(&bytes).unwrap();
        let request = Request::decode(&packet).unwrap();
        prop_assert_eq!(request.body_framing(), naive_cgi::framing(&lengths, encoding, false));
        prop_assert_eq!(request.body_framing_or_chunked(), naive_cgi::framing(&lengths, encoding, true));
        prop_assert_eq!(request.allows_keepalive(), naive_cgi::allows_keepalive(&lengths));
    }

    #[test]
    fn the_four_bytes_of_a_header_decode_and_encode(bytes: [u8; 4], after in vec(any::<u8>(), 0..3)) {
        let header = Header::from_bytes(bytes);
        prop_assert_eq!(header.to_bytes(), bytes);
        let stream = [&bytes[..], &after].concat();
        prop_assert_eq!(Header::decode(&stream), Ok((header, &after[..])));
        let naive = naive::header(&stream).unwrap();
        prop_assert_eq!(usize::from(header.datasize), naive.datasize);
        prop_assert_eq!((header.modifier1.0, header.modifier2), (naive.modifier1, naive.modifier2));
    }
}
