//! Laws of the names of headers.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use proptest::collection::vec;
use proptest::prelude::*;
use uwsgi::HeaderName;
use uwsgi_tests::naive_cgi;

use super::CASES;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn header_names_are_equal_when_they_print_alike(one in name(), other in name()) {
        let (one, other) = (HeaderName::from_key(&one), HeaderName::from_key(&other));
        let (Some(one), Some(other)) = (one, other) else { return Ok(()) };
        let hashes = RandomState::new();
        prop_assert_eq!(one == other, one.to_string() == other.to_string());
        prop_assert_eq!(one == other, one.bytes().eq(other.bytes()));
        prop_assert_eq!(one == other, one == *other.as_bytes());
        if one == other {
            prop_assert_eq!(hashes.hash_one(one), hashes.hash_one(other));
        }
        let map: HashMap<HeaderName<'_>, u8> = HashMap::from([(one, 1)]);
        prop_assert_eq!(map.contains_key(&other), one == other);
        prop_assert_eq!(one.bytes().len(), one.as_bytes().len());
        prop_assert!(one.bytes().rev().eq(one.bytes().collect::<Vec<_>>().into_iter().rev()));
    }

    #[test]
    fn a_header_name_is_what_the_naive_rule_says(key in name()) {
        let ours = HeaderName::from_key(&key);
        let naive = naive_cgi::header_name(&key);
        prop_assert_eq!(ours.map(|name| name.bytes().collect::<Vec<_>>()), naive.clone());
        let (Some(ours), Some(naive)) = (ours, naive) else { return Ok(()) };
        prop_assert!(ours == naive[..] && ours == naive.to_ascii_uppercase()[..]);
        if naive.iter().all(u8::is_ascii_graphic) {
            prop_assert_eq!(ours.to_string().into_bytes(), naive.clone());
            prop_assert!(ours == *ours.to_string() && ours == ours.to_string().to_uppercase().as_str());
        }
        prop_assert_eq!(format!("{ours:?}"), format!("\"{ours}\""));
    }
}

/// A key that usually carries a header, of few letters, so that two of them may be equal.
fn name() -> impl Strategy<Value = Vec<u8>> {
    let letters = prop_oneof![4 => proptest::sample::select(b"aAbB-_".to_vec()), 1 => any::<u8>()];
    (any::<u8>(), vec(letters, 0..4)).prop_map(|(which, letters)| match which % 8 {
        0 => letters,
        1 => b"CONTENT_TYPE".to_vec(),
        2 => b"HTTP_CONTENT_TYPE".to_vec(),
        _ => [b"HTTP_".to_vec(), letters].concat(),
    })
}
