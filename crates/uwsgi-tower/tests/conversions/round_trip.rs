//! Round trips: requests to vars and back.

use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Version};
use proptest::collection::vec;
use proptest::prelude::*;
use uwsgi::Packet;
use uwsgi_tower::{VarsError, request_parts};

use crate::{encoded, packet, parts};

fn a_method() -> impl Strategy<Value = Method> {
    "[A-Z]{1,9}|[!#$%&'*+.^_`|~0-9a-z-]{1,9}".prop_map(|method| Method::from_bytes(method.as_bytes()).unwrap())
}

fn a_target() -> impl Strategy<Value = String> {
    // No NUL, because it is refused in a path.
    let piece = "[a-zA-Z0-9._~!$&'()*+,;=:@-]|%[1-9a-fA-F][0-9a-fA-F]|/";
    (vec(piece, 0..20), proptest::option::of("[a-zA-Z0-9%/?=&+]{0,20}")).prop_map(|(path, query)| {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        format!("/{}{query}", path.concat())
    })
}

/// Makes a header without a special meaning.
fn a_header() -> impl Strategy<Value = (HeaderName, HeaderValue)> {
    let value = vec(prop_oneof![Just(b'\t'), 32..=126_u8, 128..=255_u8], 0..20);
    ("x-[a-z0-9-]{0,8}", value)
        .prop_map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_bytes(&value).unwrap()))
}

fn a_request() -> impl Strategy<Value = Parts> {
    (
        a_method(),
        a_target(),
        vec(a_header(), 0..8),
        prop_oneof![Just(Version::HTTP_10), Just(Version::HTTP_11), Just(Version::HTTP_2)],
    )
        .prop_map(|(method, target, headers, version)| {
            let mut request = Request::builder().method(method).uri(target).version(version);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            request.body(()).unwrap().into_parts().0
        })
}

proptest! {
    /// A request that is converted to vars and back is the same, except that headers of the same name are joined.
    #[test]
    fn a_request_survives_the_round_trip(request in a_request(), length in proptest::option::of(any::<u64>())) {
        let packet = encoded(&request, length).unwrap();
        let back = parts(&packet).unwrap();
        prop_assert_eq!(&back.method, &request.method);
        // An empty query becomes no query.
        let query = request.uri.query().filter(|query| !query.is_empty());
        prop_assert_eq!((back.uri.path(), back.uri.query()), (request.uri.path(), query));
        prop_assert_eq!(back.version, request.version);
        let length = length.map(|length| length.to_string());
        prop_assert_eq!(back.headers.get("content-length").map(|value| value.to_str().unwrap()), length.as_deref());
        for name in request.headers.keys() {
            let mut values: Vec<_> = request.headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
            values.retain(|value| !value.is_empty());
            values.dedup();
            // An empty var stands for a removed header.
            let expected = (!values.is_empty()).then(|| values.join(&b", "[..]));
            prop_assert_eq!(back.headers.get(name).map(HeaderValue::as_bytes), expected.as_deref());
        }
        prop_assert!(back.headers.keys_len() <= request.headers.keys_len() + usize::from(length.is_some()));
    }

    /// A second round trip changes nothing more.
    #[test]
    fn a_second_round_trip_changes_nothing(request in a_request()) {
        let once = encoded(&request, None).unwrap();
        let twice = encoded(&parts(&once).unwrap(), None).unwrap();
        let sorted = |packet: &[u8]| {
            let vars = Packet::decode(packet).unwrap().0.vars().unwrap();
            let mut pairs: Vec<_> = vars.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
            // An empty query becomes no query, and an empty var stands for a removed header.
            pairs.iter_mut().filter(|(_, value)| value.ends_with(b"?")).for_each(|(_, value)| _ = value.pop());
            pairs.retain(|(key, value)| !(key.starts_with(b"HTTP_") && value.is_empty()));
            pairs.sort();
            pairs
        };
        prop_assert_eq!(sorted(&once), sorted(&twice));
    }

    /// Any vars are a request or an error, and the core knows each header of the request.
    #[test]
    fn any_vars_are_a_request_or_an_error(pairs in vec((
        prop_oneof![
            Just("REQUEST_METHOD".to_owned()), Just("REQUEST_URI".to_owned()), Just("PATH_INFO".to_owned()),
            Just("QUERY_STRING".to_owned()), Just("SERVER_PROTOCOL".to_owned()), Just("SCRIPT_NAME".to_owned()),
            Just("REMOTE_ADDR".to_owned()), "HTTP_[A-Z_\u{fc}]{0,5}", "[A-Z]{1,3}",
        ],
        vec(any::<u8>(), 0..12),
    ), 0..12)) {
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), &value[..])).collect();
        let packet = packet(&pairs);
        let request = uwsgi::Request::decode(&Packet::decode(&packet).unwrap().0).unwrap();
        if let Ok(parts) = request_parts(&request) {
            for (name, value) in &parts.headers {
                prop_assert!(request.header_all(name.as_str()).any(|other| other == value.as_bytes()));
            }
            prop_assert_eq!(parts.method.as_str().as_bytes(), request.method_or_get());
            match encoded(&parts, None) {
                Ok(_) | Err(VarsError::InvalidHost | VarsError::NulInPath) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}
