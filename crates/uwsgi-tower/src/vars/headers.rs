//! Headers of `http` as vars.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use uwsgi::{Buffer, EncodeErrorKind, VarsEncoder, connection_lists, is_upgrade};

use crate::vars::{MoreVars, VarsError};

/// Writes the headers that go on to a backend; Host and Content-Length are written elsewhere.
///
/// `is_hop` says that the request came over HTTP from its own peer: what its `Connection` lists then goes no further. The
/// `Connection` of a request that came as vars is another hop's.
pub(crate) fn encode<B: Buffer + ?Sized>(
    headers: &HeaderMap,
    is_hop: bool,
    more: &MoreVars,
    vars: &mut VarsEncoder<'_, B>,
) -> Result<(), VarsError> {
    let upgrade = headers.get_all(UPGRADE).iter().next_back().is_some_and(|value| is_upgrade(value.as_bytes()));
    let listed = |name: &HeaderName| {
        let connection = headers.get_all(CONNECTION).iter().map(HeaderValue::as_bytes);
        is_hop && *name != CONNECTION && *name != UPGRADE && connection_lists(connection, name.as_str().as_bytes())
    };
    for name in headers.keys() {
        let key = key(name);
        let Some(rules) = uwsgi::HeaderName::from_key(key.as_bytes()) else { continue };
        if *name == HOST || *name == CONTENT_LENGTH || more.has(key.as_bytes()) {
            continue;
        }
        if !rules.passes(upgrade) || listed(name) {
            continue;
        }
        let values: Vec<_> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
        match vars.push_header(name.as_str(), &*one_value(&values, rules.separator())) {
            Ok(()) => {}
            // Those that could be mistaken for something else go no further.
            Err(error) => match error.kind() {
                EncodeErrorKind::ProxyHeader | EncodeErrorKind::UnderscoreHeader => {}
                _ => return Err(error.into()),
            },
        }
    }
    Ok(())
}

/// All values of a header as one: without a separator the last one, else those that are not empty, equal neighbours once.
fn one_value<'v>(values: &[&'v [u8]], separator: Option<&str>) -> Cow<'v, [u8]> {
    let last = values.last().copied().unwrap_or_default();
    let (Some(separator), [_, _, ..]) = (separator, values) else { return last.into() };
    let mut counted: Vec<_> = values.iter().copied().filter(|value| !value.is_empty()).collect();
    counted.dedup();
    counted.join(separator.as_bytes()).into()
}

/// The key that a header's var has.
fn key(name: &HeaderName) -> String {
    let upper = name.as_str().to_ascii_uppercase().replace('-', "_");
    if upper == "CONTENT_TYPE" { upper } else { ["HTTP_", &upper].concat() }
}
