//! The generators of the feature `arbitrary`: what they promise, and how often they make each kind of input.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use uwsgi::arbitrary::{NearlyWellFormed, WebRequest, WellFormed};
use uwsgi::server::{HeadStep, Receive, Settings};
use uwsgi::{Content, Packet, Request, Scheme, Time};

const SEEDS: u32 = 4000;

/// Returns inputs of many lengths, the same ones in every run.
fn seeds() -> impl Iterator<Item = Vec<u8>> {
    let mut state = 0x2545_f491_u32;
    (0..SEEDS).map(move |seed| {
        let len = seed % 701;
        (0..len)
            .map(|_| {
                // xorshift32 (Marsaglia 2003).
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                (state >> 11) as u8
            })
            .collect()
    })
}

/// How often each kind of input was seen.
#[derive(Default)]
struct Seen(BTreeMap<&'static str, u32>);

impl Seen {
    fn saw(&mut self, what: &'static str, really: bool) {
        *self.0.entry(what).or_default() += u32::from(really);
    }

    /// Asserts that these kinds were looked for, and that each makes up at least one in `one_in` inputs.
    fn assert_common(&self, sorts: &[&str], one_in: u32) {
        assert!(self.0.keys().eq(sorts), "{:?}", self.0);
        assert!(self.0.values().all(|times| *times >= SEEDS / one_in), "in {SEEDS}: {:?}", self.0);
    }
}

#[test]
fn well_formed_packets_decode() {
    let mut seen = Seen::default();
    for seed in seeds() {
        let mut input = Unstructured::new(&seed);
        let made = WellFormed::arbitrary(&mut input).expect("any input steers");
        let (packet, rest) = Packet::decode(made.as_bytes()).expect("a packet");
        assert_eq!(rest, made.body());
        assert_eq!([made.packet(), made.body()].concat(), made.as_bytes());
        assert_eq!(packet.encode(&mut Vec::new()), Ok(made.packet()));
        let content = packet.content().expect("the form that its modifiers ask for");
        seen.saw("array", matches!(content, Content::Array(array) if array.len() > 1));
        seen.saw("none", matches!(content, Content::None));
        seen.saw("raw", matches!(content, Content::Raw(_)));
        seen.saw("vars", matches!(content, Content::Vars(vars) if vars.len() > 1));
        // Pairs and items end where the input says so, and leave the rest of the input for what comes next.
        seen.saw("array, input left", matches!(content, Content::Array(_)) && !input.is_empty());
        seen.saw("vars, input left", matches!(content, Content::Vars(_)) && !input.is_empty());
        seen.saw("body", !made.body().is_empty());
        if let (Content::Vars(vars), Ok(request)) = (content, Request::decode(&packet)) {
            let lengths = vars.get_all("CONTENT_LENGTH").count();
            let first = vars.iter().next().is_some_and(|(key, _)| key == b"CONTENT_LENGTH");
            let true_length = request.content_length() == Ok(Some(made.body().len() as u64));
            // The first length is true. It does not count for bodies of 0 or 5 bytes, where known names and values may
            // meet by chance.
            seen.saw("true length", first && true_length && made.body().len() > 5);
            // A packet with the true length has it once, so that a reader can trust it.
            if first && true_length && made.body().len() > 5 {
                assert_eq!(lengths, 1, "{vars:?}");
            }
            seen.saw("another length", lengths > 0 && !true_length);
            seen.saw("no length", lengths == 0);
            seen.saw("a known name", vars.iter().any(|(key, _)| key == b"HTTP_TRANSFER_ENCODING"));
            seen.saw("a known value", vars.iter().any(|(_, value)| value == b"/a%2fb"));
            seen.saw("any name", vars.iter().any(|(key, _)| !key.is_ascii()));
            seen.saw("any value", vars.iter().any(|(_, value)| !value.is_ascii()));
        }
    }
    let sorts = [
        "a known name",
        "a known value",
        "another length",
        "any name",
        "any value",
        "array",
        "array, input left",
        "body",
        "no length",
        "none",
        "raw",
        "true length",
        "vars",
        "vars, input left",
    ];
    seen.assert_common(&sorts, 1000);
}

/// One fault at most: the packet differs in one place from the one that [`WellFormed`] makes of the same input.
#[test]
fn nearly_well_formed_packets_have_one_fault() {
    let mut seen = Seen::default();
    for seed in seeds() {
        let good = WellFormed::arbitrary(&mut Unstructured::new(&seed)).expect("any input steers");
        let mut input = Unstructured::new(&seed);
        let made = NearlyWellFormed::arbitrary(&mut input).expect("any input steers");
        let (good, made) = (good.as_bytes(), made.as_bytes());
        let differing: Vec<usize> = (0..good.len().min(made.len())).filter(|at| good[*at] != made[*at]).collect();
        let datasize = |bytes: &[u8]| u16::from_le_bytes([bytes[1], bytes[2]]);
        if made.len() < good.len() {
            assert!(differing.is_empty(), "cut short, and changed at {differing:?}");
            seen.saw("cut short", true);
        } else if made.len() > good.len() {
            let end = usize::from(datasize(good)) + 4;
            assert_eq!((made.len(), datasize(made)), (good.len() + 1, datasize(good) + 1));
            assert_eq!((&made[..1], &made[3..end]), (&good[..1], &good[3..end]));
            assert_eq!(made[end + 1..], good[end..]);
            seen.saw("a byte too many", true);
        } else if differing.iter().any(|at| *at == 1 || *at == 2) && differing.iter().all(|at| (1..=2).contains(at)) {
            let (was, is) = (datasize(good), datasize(made));
            seen.saw("datasize one more", is == was.wrapping_add(1));
            seen.saw("datasize one less", is == was.wrapping_sub(1) && was > 0);
            // Once the input has ended, every number is 0.
            seen.saw("datasize 0", is == 0 && was > 1 && !input.is_empty());
            seen.saw("datasize 65535", is == u16::MAX && was > 0);
            seen.saw("datasize swapped", is == was.swap_bytes() && was > 256);
        } else {
            assert!(differing.len() <= 2, "{differing:?}");
            assert!(differing.len() < 2 || differing[0] + 1 == differing[1], "{differing:?}");
            seen.saw("two bytes inside", differing.len() == 2 && differing[0] >= 4);
            seen.saw("one byte inside", differing.len() == 1 && differing[0] >= 4);
            seen.saw("modifier", differing == [0] || differing == [3]);
        }
    }
    let sorts = [
        "a byte too many",
        "cut short",
        "datasize 0",
        "datasize 65535",
        "datasize one less",
        "datasize one more",
        "datasize swapped",
        "modifier",
        "one byte inside",
        "two bytes inside",
    ];
    println!("{:?}", seen.0);
    seen.assert_common(&sorts, 1000);
}

/// Web requests have the shares that their page states, and a server accepts each of them.
#[test]
fn web_requests_have_the_stated_shares() {
    let mut counts = BTreeMap::<&str, (u32, u32)>::new();
    for seed in seeds().map(|seed| seed.repeat(3)).filter(|seed| seed.len() > 1000) {
        let made = WebRequest::arbitrary(&mut Unstructured::new(&seed)).expect("any input steers");
        let mut receive = Receive::new(Settings::default(), Time::ZERO);
        assert_eq!(receive.head(made.as_bytes(), false, Time::ZERO), HeadStep::Head { end: made.packet().len() });
        let request = receive.request(made.packet()).expect("a request that a server accepts");
        let vars = request.vars();
        let (method, length) = (request.method().unwrap(), vars.get("CONTENT_LENGTH"));
        assert_eq!(request.content_length().unwrap().unwrap_or(0), made.body().len() as u64);
        assert!(made.body().len() <= 1024);
        let has_body = !made.body().is_empty();
        let has_value = |key: &str| vars.get(key).is_some_and(|value| !value.is_empty());
        let mut count = |what, of: bool, is: bool| {
            let (all, those) = counts.entry(what).or_default();
            (*all, *those) = (*all + u32::from(of), *those + u32::from(of && is));
        };
        for name in ["GET", "POST", "DELETE", "HEAD", "PATCH", "PUT", "OPTIONS"] {
            count(name, true, method == name.as_bytes());
        }
        let sends = matches!(method, b"PATCH" | b"POST" | b"PUT");
        count("body of POST", sends, has_body);
        count("body of others", !sends, has_body);
        count("no length", !has_body, length.is_none());
        count("empty length", !has_body, length == Some(b""));
        count("length 0", !has_body, length == Some(b"0"));
        let uri = request.request_uri().unwrap();
        let path = uri.split(|byte| *byte == b'?').next().unwrap();
        count("encoded path", true, path.contains(&b'%') || path.ends_with(b"/a+b"));
        count("query", true, has_value("QUERY_STRING"));
        count("mount", true, has_value("SCRIPT_NAME"));
        count("https", true, request.scheme() == Scheme::Https);
        count("IPv6", true, vars.get("REMOTE_ADDR").unwrap().contains(&b':'));
        let usual = ["HTTP_HOST", "HTTP_CONNECTION", "HTTP_UPGRADE", "HTTP_SEC_WEBSOCKET_VERSION"];
        let is_header = |key: &[u8]| key.starts_with(b"HTTP_") && !usual.iter().any(|usual| key == usual.as_bytes());
        let once = |(key, _): &(&[u8], &[u8])| vars.get_all(str::from_utf8(key).unwrap()).count() == 1;
        count("headers", true, vars.iter().filter(once).any(|(key, _)| is_header(key)));
        count("upgrade", true, request.upgrade() == Some(b"websocket"));
        count("twice", true, vars.iter().any(|pair| !once(&pair)));
    }
    let expected = [
        ("GET", 50),
        ("POST", 25),
        ("DELETE", 5),
        ("HEAD", 5),
        ("PATCH", 5),
        ("PUT", 5),
        ("OPTIONS", 3),
        ("body of POST", 90),
        ("body of others", 5),
        ("no length", 33),
        ("empty length", 33),
        ("length 0", 33),
        ("encoded path", 35),
        ("query", 50),
        ("mount", 12),
        ("https", 50),
        ("IPv6", 25),
        ("headers", 90),
        ("upgrade", 3),
        ("twice", 10),
    ];
    assert_eq!(counts.len(), expected.len());
    for (what, share) in expected {
        let (all, those) = counts[what];
        let measured = f64::from(those) * 100.0 / f64::from(all);
        assert!(
            all > 600 && (measured - f64::from(share)).abs() < 3.0,
            "{what}: {measured:.1} % of {all}, not {share} %"
        );
    }
}
