//! A slow and obvious view of a request, the oracle of the crate's view: every question searches all pairs anew.

use std::collections::HashMap;

use uwsgi::framing::{FramingError, RequestFraming};

use crate::naive::Pair;

/// Returns a header's name as HTTP prints it, from the key that carries it: `HTTP_X_A` is `x-a`.
pub fn header_name(key: &[u8]) -> Option<Vec<u8>> {
    let name = if key == b"CONTENT_TYPE" || key == b"CONTENT_LENGTH" {
        key
    } else if key.len() > 5 && &key[..5] == b"HTTP_" {
        &key[5..]
    } else {
        return None;
    };
    Some(name.iter().map(|byte| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() }).collect())
}

/// The headers about the connection. No application needs them.
pub const HOP_BY_HOP: [&str; 11] = [
    "connection",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Returns the text that joins the values of a header; `None` where the last value counts.
pub fn separator(name: &[u8]) -> Option<&'static str> {
    let once = [
        "host authorization referer user-agent range if-modified-since if-unmodified-since if-range origin upgrade",
        "x-real-ip x-request-id x-forwarded-proto x-forwarded-host x-forwarded-port x-forwarded-ssl x-forwarded-prefix",
        "content-type content-length",
    ];
    match name {
        b"cookie" => Some("; "),
        _ if once.iter().any(|names| names.split(' ').any(|other| other.as_bytes() == name)) => None,
        _ => Some(", "),
    }
}

/// A header of the naive view: its name as HTTP prints it, and its value.
pub type Header = (Vec<u8>, Vec<u8>);

/// Returns every header in order: `HTTP_*`, and `CONTENT_TYPE` and `CONTENT_LENGTH` with a value.
pub fn raw_headers(pairs: &[Pair]) -> Vec<Header> {
    let is_there = |key: &[u8], value: &[u8]| key.starts_with(b"HTTP_") || !value.is_empty();
    let named = pairs.iter().filter(|(key, value)| is_there(key, value));
    named.filter_map(|(key, value)| Some((header_name(key)?, value.clone()))).collect()
}

/// Returns the headers that the application gets, after the rules for repeated and hop-by-hop headers.
pub fn headers(pairs: &[Pair]) -> Vec<Header> {
    let upgrade = upgrade(pairs).is_some();
    let mut counting = Vec::new();
    let mut groups: HashMap<(bool, Vec<u8>), Vec<usize>> = HashMap::new();
    for (place, (key, _)) in pairs.iter().enumerate() {
        if let Some(name) = header_name(key) {
            groups.entry((key.starts_with(b"HTTP_"), name)).or_default().push(place);
        }
    }
    for ((prefixed, name), places) in groups {
        let is_content = name == b"content-length" || name == b"content-type";
        let of_connection = HOP_BY_HOP.iter().any(|hop| hop.as_bytes() == name);
        let asks = upgrade && (name == b"connection" || name == b"upgrade");
        if !(prefixed && is_content || of_connection && !asks) {
            counting.extend(settled(pairs, &places, &name, prefixed));
        }
    }
    counting.sort_unstable();
    let header = |place: usize| (header_name(&pairs[place].0).unwrap(), pairs[place].1.clone());
    counting.into_iter().map(header).collect()
}

/// Returns the values of one header that count.
pub fn header_all(pairs: &[Pair], name: &[u8]) -> Vec<Vec<u8>> {
    let prefixed = name != b"content-length" && name != b"content-type";
    let is_it = |key: &[u8]| header_name(key).as_deref() == Some(name) && key.starts_with(b"HTTP_") == prefixed;
    let places: Vec<usize> = (0..pairs.len()).filter(|place| is_it(&pairs[*place].0)).collect();
    settled(pairs, &places, name, prefixed).into_iter().map(|place| pairs[place].1.clone()).collect()
}

/// Returns the indices of those pairs of one name that count.
fn settled(pairs: &[Pair], places: &[usize], name: &[u8], prefixed: bool) -> Vec<usize> {
    let Some(last) = places.last() else { return vec![] };
    if separator(name).is_none() {
        let is_absent = pairs[*last].1.is_empty() && !prefixed;
        return if is_absent { vec![] } else { vec![*last] };
    }
    if pairs[*last].1.is_empty() {
        return vec![];
    }
    let mut places: Vec<usize> = places.iter().copied().filter(|place| !pairs[*place].1.is_empty()).collect();
    places.dedup_by(|place, before| pairs[*place].1 == pairs[*before].1);
    places
}

/// Returns what the last `HTTP_UPGRADE` asks for. `h2c` is no protocol that an application can switch to.
pub fn upgrade(pairs: &[Pair]) -> Option<Vec<u8>> {
    let value = header_all(pairs, b"upgrade").pop()?;
    let protocols: Vec<String> =
        value.iter().map(|byte| char::from(*byte)).collect::<String>().split(',').map(trimmed).collect();
    let asks = protocols.iter().any(|protocol| !protocol.is_empty()) || protocols.len() > 1;
    (asks && protocols.iter().all(|protocol| protocol != "h2c")).then_some(value)
}

fn trimmed(protocol: &str) -> String {
    protocol.trim_matches(|byte: char| byte.is_ascii_whitespace()).to_ascii_lowercase()
}

/// Returns how a body is framed, from every `CONTENT_LENGTH` in wire order: the last counts, an empty one is absent,
/// and its digits have to fit in 64 bits. A body is chunked only if chunked bodies are accepted and no length is there.
pub fn framing(
    lengths: &[&[u8]],
    transfer_encoding: Option<&[u8]>,
    chunked: bool,
) -> Result<RequestFraming, FramingError> {
    match lengths.last() {
        Some(value) if !value.is_empty() => Ok(RequestFraming::Length(number(value)?)),
        _ if chunked && transfer_encoding.is_some_and(|value| value.eq_ignore_ascii_case(b"chunked")) => {
            Ok(RequestFraming::Chunked)
        }
        _ => Ok(RequestFraming::None),
    }
}

/// Returns whether a connection may be kept: there is a length, it is not empty, and all lengths have the same bytes.
pub fn allows_keepalive(lengths: &[&[u8]]) -> bool {
    lengths.first().is_some_and(|first| !first.is_empty() && lengths.iter().all(|length| length == first))
}

/// Returns the length that the Content-Length values of an HTTP message declare. They must be equal; the message is
/// refused for the first value that is not a number or differs from an earlier one.
pub fn declared(lengths: &[&[u8]]) -> Result<Option<u64>, FramingError> {
    let said: Vec<&[u8]> = lengths.iter().copied().filter(|value| !value.is_empty()).collect();
    for (place, value) in said.iter().enumerate() {
        number(value)?;
        if said[..place].iter().any(|other| other != value) {
            return Err(FramingError::ConflictingLengths);
        }
    }
    said.first().map(|value| number(value)).transpose()
}

fn number(value: &[u8]) -> Result<u64, FramingError> {
    let mut number: u128 = 0;
    for byte in value {
        if !byte.is_ascii_digit() {
            return Err(FramingError::InvalidLength);
        }
        // The number stays at its maximum once it is too large, so that a thousand digits cannot wrap it.
        number = u128::min(number * 10 + u128::from(byte - b'0'), u128::from(u64::MAX) + 1);
    }
    u64::try_from(number).map_err(|_| FramingError::LengthOverflow)
}

/// The target of a request: its mount, its path and its query as they are written.
pub struct Target {
    pub mount: Vec<u8>,
    pub path: Vec<u8>,
    pub query: Option<Vec<u8>>,
}

/// Returns what a request asks for, by comparing decoded copies.
pub fn target(pairs: &[Pair]) -> Target {
    let last = |key: &str| pairs.iter().rfind(|pair| pair.0 == key.as_bytes()).map(|pair| pair.1.clone());
    let uri = last("REQUEST_URI").unwrap_or_default();
    let mark = uri.iter().position(|byte| *byte == b'?');
    let (before, own_query) = (uri[..mark.unwrap_or(uri.len())].to_vec(), mark.map(|mark| uri[mark + 1..].to_vec()));
    let absolute = without_authority(&before);
    let written = absolute.clone().or(before.starts_with(b"/").then(|| before.clone()));

    let (mut mount, mut routed) = (last("SCRIPT_NAME").unwrap_or_default(), last("PATH_INFO"));
    if routed.is_none() && !mount.is_empty() {
        routed = Some(std::mem::take(&mut mount));
    } else if let (Some(path), Some(_)) = (&routed, absolute) {
        let start = before.len() - written.as_ref().map_or(0, Vec::len);
        let same = decoded(&before[..start]).and_then(|start| path.strip_prefix(&start[..]).map(<[u8]>::to_vec));
        let same = same.filter(|rest| rest.is_empty() || rest.starts_with(b"/") || rest.starts_with(b"#"));
        routed = Some(same.or(without_authority(path)).unwrap_or(path.clone()));
    }
    let mut query = last("QUERY_STRING").or(own_query).filter(|query| !query.is_empty());
    let mut path = match &routed {
        None => escaped(&written.unwrap_or(before.clone()), "\"#<>"),
        Some(routed) => match written.and_then(|written| spelling(&written, &mount, routed)) {
            Some(spelling) => escaped(&spelling, "\"#<>"),
            None => escaped(routed, "\"#<>%?`{}\u{80}"),
        },
    };
    let star = path == b"*" && mount.is_empty() && (uri == b"*" || uri.is_empty() && routed.is_some());
    if star {
        query = None;
    } else if !path.starts_with(b"/") {
        path.insert(0, b'/');
    }
    Target { mount, path, query: query.map(|query| escaped(&query, "\"#<>")) }
}

/// Returns the end of `written` that decodes to `routed`, after a beginning that decodes to `mount`. The end starts
/// with a slash; the beginning does not end with one.
fn spelling(written: &[u8], mount: &[u8], routed: &[u8]) -> Option<Vec<u8>> {
    let mut mount = mount.to_vec();
    let len = mount.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    mount.truncate(len);
    if mount.first().is_some_and(|first| *first != b'/') {
        mount.insert(0, b'/');
    }
    (0..=written.len()).find_map(|at| {
        let (start, end) = written.split_at(at);
        let is_whole = end.is_empty() || end.starts_with(b"/");
        (is_whole && decoded(start)? == mount && decoded(end)? == routed).then(|| end.to_vec())
    })
}

/// Returns what follows the authority of an absolute URI.
fn without_authority(uri: &[u8]) -> Option<Vec<u8>> {
    let text: String = uri.iter().map(|byte| char::from(*byte)).collect();
    let (scheme, rest) = text.split_once("://")?;
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let path = rest.find(['/', '#']).map_or("", |at| &rest[at..]);
    is_web.then(|| path.chars().map(|byte| u8::try_from(byte).expect("a byte")).collect())
}

/// Decodes once; `None` if two hexadecimal digits do not follow a percent sign.
fn decoded(written: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < written.len() {
        if written[at] == b'%' {
            let digit = |at: usize| char::from(*written.get(at)?).to_digit(16);
            decoded.push((digit(at + 1)? * 16 + digit(at + 2)?) as u8);
            at += 3;
        } else {
            decoded.push(written[at]);
            at += 1;
        }
    }
    Some(decoded)
}

/// Percent-encodes these bytes, control bytes and spaces. U+0080 stands for all bytes above ASCII.
fn escaped(part: &[u8], these: &str) -> Vec<u8> {
    let must = |byte: u8| byte <= b' ' || byte == 0x7f || these.contains(char::from(byte).min('\u{80}'));
    part.iter().flat_map(|byte| if must(*byte) { format!("%{byte:02X}").into_bytes() } else { vec![*byte] }).collect()
}
