//! Headers of a request: their values, and which names are refused or listed.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use std::collections::HashSet;

use http::HeaderMap;
use http::header::{CONNECTION, HeaderName, HeaderValue, ValueIter};
use uwsgi::connection_lists;

use crate::vars::head_error::HeadError;

pub(crate) static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(crate) static X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub(crate) static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub(crate) static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The values of a header.
pub(crate) type Values<'r> = core::iter::Map<ValueIter<'r, HeaderValue>, fn(&'r HeaderValue) -> &'r [u8]>;

/// Returns the values of a header.
pub(crate) fn values<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Values<'r> {
    headers.get_all(name).iter().map(HeaderValue::as_bytes)
}

/// Returns the values of the header that becomes the same var as `name`. Without underscores these are the values of `name`. At
/// most one name becomes this var: see [`refuse_folded_names`].
pub(crate) fn received<'r>(headers: &'r HeaderMap, name: &HeaderName, underscores: bool) -> Values<'r> {
    values(headers, spelling(headers, name, underscores).unwrap_or(name))
}

/// Returns the name in the request that becomes the same var as `name`; `None` if there is no such name.
pub(crate) fn spelling<'r>(headers: &'r HeaderMap, name: &HeaderName, underscores: bool) -> Option<&'r HeaderName> {
    let is_same = |other: &&HeaderName| {
        let is_usable = underscores || !has_underscore(other);
        is_usable && uwsgi::HeaderName::from_name(other.as_str()) == *name.as_str()
    };
    headers.keys().find(is_same)
}

fn has_underscore(name: &HeaderName) -> bool {
    name.as_str().contains('_')
}

/// Refuses two names that become the same var. Without this, a client could add to a header that another proxy has checked.
pub(crate) fn refuse_folded_names(headers: &HeaderMap) -> Result<(), HeadError> {
    if !headers.keys().any(has_underscore) {
        return Ok(());
    }
    let mut keys = BTreeSet::new();
    let is_new =
        |name: &HeaderName| keys.insert(uwsgi::HeaderName::from_name(name.as_str()).bytes().collect::<Vec<u8>>());
    if headers.keys().all(is_new) { Ok(()) } else { Err(HeadError::FoldedNames) }
}

/// Returns the headers of the request that its `Connection` lists. Each option is looked up once, because a request may have a
/// thousand headers and as many options.
pub(crate) fn listed(headers: &HeaderMap) -> HashSet<HeaderName> {
    let options = values(headers, &CONNECTION).flat_map(|value| value.split(|byte| *byte == b','));
    let listed = options.map(<[u8]>::trim_ascii).filter_map(|option| {
        let name = HeaderName::from_bytes(option).ok().filter(|name| headers.contains_key(name))?;
        connection_lists([option], name.as_str().as_bytes()).then_some(name)
    });
    listed.collect()
}
